/* What an operator's row works in, whoever reads the model: where nodes are made,
 * memory, the state of failure and the list of what is not supported.
 *
 * What a row cannot do is noted as an issue; its results become POISON, which consumers
 * pass on silently, so that one run reports everything. There is no POISON without an
 * issue: either it was noted, or the value carries it until something uses the value.
 * Errors proper (memory, shapes) stick in `status` and end the reading. */
#ifndef TDAGI_ATEN_ENV_H
#define TDAGI_ATEN_ENV_H

#include <stdarg.h>

#include "aten/schema.h"
#include "aten/value.h"
#include "base/arena.h"
#include "base/ctx.h"
#include "base/table.h"
#include "ir/graph.h"

typedef struct tdagi_issue {
    const char *what; /* "aten::foo.bar" or a clause */
    const char *scope;
    const char *location;
    uint32_t hash;                     /* of what */
    struct tdagi_selection *selection; /* what a mask picks (selection.h); else NULL */
} tdagi_issue;

/* Where in its source the reader is; "" for what it does not know. */
typedef struct tdagi_place {
    const char *what;     /* the operator at hand, or "the model" */
    const char *location; /* "models/resnet.py:268" */
} tdagi_place;

typedef struct tdagi_env {
    tdag_ctx *ctx;
    tdag_builder *b;
    tdagi_pool *pool; /* the builder's */
    tdagi_arena arena;
    tdag_status status; /* sticks */
    uint64_t steps;     /* taken so far, tdag_limits.max_steps of them at most */
    const char *scope;  /* the module at hand: "layer1.0", "" at the top */
    tdagi_issue *issues;
    uint32_t n_issues, issues_capacity;
    bool has_no_gradients; /* as under torch.no_grad() */
    bool has_more_issues;  /* than are kept */
    tdag_value *counters;  /* the indices of loops, which are never negative */
    tdag_dim *limits;      /* ... all below these; TDAGI_DIM_BAD: a run tells */
    uint32_t n_counters;
    bool may_miss_rows; /* x[i:i+1] of a loop's index may be empty: else it is a row */
    bool may_have_missed;   /* ... and one was met that may be */
    struct tdagi_how *hows; /* of truths that symbols decide, from 1 */
    uint32_t n_hows, hows_capacity;
    uint32_t n_noted;    /* how often something was noted, repeated issues included */
    uint32_t n_unpacked; /* values that the list of the operator at hand is unpacked
                            into at once; 0: it is not */
    uint32_t epoch;      /* grows with every journal; see journal.h */
    bool is_merging;     /* what arms wrote is put where it belongs */
    struct tdagi_journal *journal;      /* the innermost one that is open, or NULL */
    struct tdagi_selection *selections; /* all so far (selection.h) */
    struct tdagi_text_number
        *text_numbers;             /* strings that stand as numbers (given.c) */
    struct tdagi_outline *outline; /* statements so far; NULL: there can be none */
    /* What hows[how] is when it runs, as that dtype if it can be; set where there can
     * be statements. */
    tdag_value (*computed)(struct tdagi_env *env, uint32_t how, tdag_dtype as);
    void *reader; /* for the two functions below */
    /* NULL: sentences name no place. */
    tdagi_place (*place)(struct tdagi_env *env);
    /* Keeps an operator without a row as an opaque node, its results as of a row; an
     * issue and POISON where it cannot. NULL: such operators are issues. */
    tdagi_any (*opaque)(struct tdagi_env *env, const tdagi_schema *schema,
                        const tdagi_any *args, uint32_t n_args);
} tdagi_env;

/* Starts an environment that makes nodes with a builder of its own; a failure stands in
 * env->status. */
void tdagi_env_init(tdagi_env *env, tdag_ctx *ctx);
void tdagi_env_free(tdagi_env *env);

/* Counts n steps of the import and asks the host, now and then, whether to go on.
 * False: a failure, which stands in env->status. */
bool tdagi_env_step(tdagi_env *env, uint64_t n);
/* Not zeroed; NULL (and env->status) when out of memory. Large blocks count as steps.
 */
void *tdagi_env_alloc(tdagi_env *env, size_t size);
const char *tdagi_env_text(tdagi_env *env, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The name of a leaf or an input, with dots before it while it is an automatic one or
 * another value's: so that each keeps its own, which tdagi_name_given() gives. */
const char *tdagi_env_name(tdagi_env *env, const char *name);
/* Notes that a value is the index of a loop of so many rounds. */
void tdagi_env_counter(tdagi_env *env, tdag_value index, tdag_dim limit);
/* Whether it is one that lies in an axis of n. */
bool tdagi_env_counts_to(const tdagi_env *env, tdag_value v, tdag_dim n);
bool tdagi_env_is_counter(const tdagi_env *env, tdag_value v);
/* The operator at hand and its place: "aten::add_ (models/resnet.py:268)". */
const char *tdagi_env_where(tdagi_env *env);
/* Records a failure, with the place at hand. */
void tdagi_env_fail(tdagi_env *env, tdag_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Adds the place to a failure that ctx holds already and makes it stick. */
void tdagi_env_fail_here(tdagi_env *env, tdag_status status, const char *op);
/* A fault of the file, E_FORMAT, in the operator or, where that is NULL, outside. */
void tdagi_env_bad(tdagi_env *env, const char *op, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
/* The caller's inputs of the "model" or "program" are not those that it takes: their
 * number, or the type of one. */
void tdagi_env_other_inputs(tdagi_env *env, const char *of, uint32_t n, uint32_t given);
void tdagi_env_other_input(tdagi_env *env, const char *of, const char *name,
                           tdag_dtype dtype, uint32_t rank, const tdag_dim *dims);
/* Notes something unsupported at the place at hand; returns POISON. */
tdagi_any tdagi_env_issue(tdagi_env *env, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* POISON that notes its issue, with the place at hand now, when it is used. */
tdagi_any tdagi_env_issue_if_used(tdagi_env *env, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* For who uses a value: notes the issue of POISON in it. True if there is POISON. */
bool tdagi_env_note_poison(tdagi_env *env, const tdagi_any *v);
/* Fails with all issues in one sentence, if there are any. */
void tdagi_env_report(tdagi_env *env);

static inline bool tdagi_env_ok(const tdagi_env *env) { return env->status == TDAG_OK; }

#endif
