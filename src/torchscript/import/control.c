/* Branches, loops and exceptions: decided at import, or an issue. */
#include <string.h>

#include "aten/aten.h"
#include "aten/control/journal.h"
#include "aten/control/statement.h"
#include "derive/derive.h"
#include "torchscript/import/import.h"

static bool raises(tdagi_import *im, const tdag_shim_block *block)
{
    const tdag_shim_node *n = im->api->block_first(block);
    for (; n != NULL; n = im->api->node_next(n))
        if (strcmp(im->api->node_kind(n), "prim::RaiseException") == 0) return true;
    return false;
}

/* A condition as a bool; a rank-0 tensor with a known number is one too. */
static tdagi_any truth(tdagi_import *im, tdagi_any v)
{
    v = tdagi_any_evaluated(&im->env, v);
    if (v.kind != TDAGI_ANY_BOOL && tdagi_any_is_number(v)) {
        tdagi_any b;
        if (tdagi_fold(&im->env, TDAGI_FOLD_NE, v, tdagi_any_int(&im->env, 0), &b))
            return b;
    }
    return v;
}

/* Walks blocks that cannot be decided, only to find what else is unsupported. */
static void explore(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    size_t n = im->api->node_n_blocks(node);
    for (size_t i = 0; i < n && tdagi_env_ok(&im->env); i++) {
        const tdag_shim_block *block = im->api->node_block(node, i);
        if (raises(im, block)) continue;
        for (size_t k = 0; k < im->api->block_n_inputs(block); k++)
            tdagi_frame_set(f, im->api->block_input(block, k), tdagi_any_poison());
        tdagi_import_block(f, block);
    }
    tdagi_frame_outputs(f, node, tdagi_any_poison());
}

static void take_branch(tdagi_frame *f, const tdag_shim_node *node,
                        const tdag_shim_block *block)
{
    const tdag_shim_api *api = f->im->api;
    tdagi_import_block(f, block);
    size_t n = api->block_n_outputs(block);
    for (size_t i = 0; i < n && tdagi_env_ok(&f->im->env); i++) {
        const tdagi_any *v = tdagi_frame_get(f, api->block_output(block, i));
        tdagi_frame_output(f, node, i, v == NULL ? tdagi_any_none() : *v);
    }
}

/* The sentence that a block which raises would raise with. */
static const char *sentence_of(tdagi_frame *f, const tdag_shim_block *block)
{
    tdagi_import *im = f->im;
    tdagi_journal journal;
    const char *sentence = NULL;
    im->sentence = &sentence;
    tdagi_journal_open(&im->env, &journal);
    tdagi_import_block(f, block);
    tdagi_journal_undo(&im->env, &journal);
    im->sentence = NULL;
    return sentence == NULL || *sentence == '\0' ? "the model refuses its values"
                                                 : sentence;
}

/* The condition decides whether a block raises that gives nothing else. */
static void check(tdagi_frame *f, tdagi_any c, bool raises_if_true,
                  const tdag_shim_block *block)
{
    tdagi_import *im = f->im;
    const tdag_shim_node *node = im->node;
    const char *sentence = sentence_of(f, block);
    im->node = node;
    tdag_value holds = tdagi_truth(&im->env, c);
    if (holds.id == 0 || !tdagi_env_ok(&im->env)) return;
    if (raises_if_true)
        holds = tdagi_unary_composite(im->env.b, TDAGI_LOGICAL_NOT, holds);
    tdagi_check_add(&im->env, holds, sentence);
}

void tdagi_prim_if(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    const tdag_shim_api *api = im->api;
    tdagi_any c = truth(im, tdagi_frame_input(f, node, 0));
    const tdag_shim_block *yes = api->node_block(node, 0),
                          *no = api->node_block(node, 1);
    if (yes == NULL || no == NULL) return;
    bool known = c.kind == TDAGI_ANY_BOOL;
    if (known && !c.assumed) {
        take_branch(f, node, c.u.b ? yes : no);
        return;
    }
    /* A check that can only stop the program is taken as passed where sizes decide it
     * at their samples; one of data is done at each run. */
    bool yes_raises = raises(im, yes), no_raises = raises(im, no);
    if (tdagi_import_can_branch(im, c) && (!known || yes_raises == no_raises)) {
        if (yes_raises != no_raises)
            check(f, c, yes_raises, yes_raises ? yes : no);
        else
            tdagi_import_branch(f, node, tdagi_truth(&im->env, c));
        if (yes_raises != no_raises) take_branch(f, node, yes_raises ? no : yes);
        return;
    }
    bool is_check = yes_raises != no_raises && c.kind != TDAGI_ANY_POISON;
    if (is_check && (!known || c.u.b != yes_raises)) {
        if (!known)
            tdagi_env_issue(&im->env, "an assertion that depends on tensor data");
        take_branch(f, node, yes_raises ? no : yes);
        return;
    }
    if (known)
        tdagi_env_issue(&im->env,
                        "a branch that a symbolic size decides; give that dim a "
                        "fixed size, or compare numbers and not their texts");
    else if (c.kind != TDAGI_ANY_POISON)
        tdagi_env_issue(&im->env, "a branch that depends on tensor data");
    explore(f, node);
}

/* One trip: false when the loop is over, or when data decides whether it is. */
static bool trip(tdagi_frame *f, const tdag_shim_node *node,
                 const tdag_shim_block *body, int64_t i, bool *is_open)
{
    tdagi_import *im = f->im;
    const tdag_shim_api *api = im->api;
    size_t n = api->block_n_inputs(body);
    tdagi_frame_set(f, api->block_input(body, 0), tdagi_any_int(&im->env, i));
    for (size_t k = 1; k < n; k++) { /* the outputs hold what is carried meanwhile */
        const tdagi_any *v = tdagi_frame_get(f, api->node_output(node, k - 1));
        tdagi_frame_set(f, api->block_input(body, k),
                        v == NULL ? tdagi_any_poison() : *v);
    }
    tdagi_import_block(f, body);
    im->node = node;
    tdagi_any next[64];
    for (size_t k = 0; k < n && k < 64 && tdagi_env_ok(&im->env); k++) {
        const tdagi_any *v = tdagi_frame_get(f, api->block_output(body, k));
        next[k] = v == NULL ? tdagi_any_none() : *v;
    }
    for (size_t k = 1; k < n && k < 64 && tdagi_env_ok(&im->env); k++)
        tdagi_frame_output(f, node, k - 1, next[k]);
    if (!tdagi_env_ok(&im->env)) return false;
    tdagi_any c = truth(im, next[0]);
    if (c.kind == TDAGI_ANY_BOOL && !c.assumed) return c.u.b;
    *is_open = tdagi_import_can_branch(im, c);
    if (*is_open) return false;
    if (c.kind != TDAGI_ANY_POISON)
        tdagi_env_issue(&im->env, "a loop whose end depends on %s",
                        c.kind == TDAGI_ANY_BOOL ? "a symbolic size" : "tensor data");
    tdagi_frame_outputs(f, node, tdagi_any_poison());
    return false;
}

static bool run_trips(tdagi_frame *f, const tdag_shim_node *node, int64_t n, bool more)
{
    tdagi_import *im = f->im;
    const tdag_shim_block *body = im->api->node_block(node, 0);
    bool is_open = false;
    for (int64_t i = 0; more && i < n && tdagi_env_ok(&im->env); i++) {
        if ((uint64_t)i >= im->env.ctx->limits.max_loop_trips) {
            tdagi_env_fail(&im->env, TDAG_E_LIMIT, "a loop runs more than %llu times",
                           (unsigned long long)im->env.ctx->limits.max_loop_trips);
            return true;
        }
        more = trip(f, node, body, i, &is_open);
    }
    return !is_open;
}

/* Runs the trips while they are known. False: data ends the loop, and nothing has been
 * done. */
static bool unroll(tdagi_frame *f, const tdag_shim_node *node, int64_t n, bool more)
{
    tdagi_import *im = f->im;
    tdagi_journal probe;
    uint32_t n_statements = im->env.outline == NULL ? 0 : im->env.outline->at->n;
    tdagi_journal_open(&im->env, &probe);
    probe.is_probe = true;
    for (size_t k = 2; k < im->api->node_n_inputs(node); k++)
        tdagi_frame_output(f, node, k - 2, tdagi_frame_input(f, node, k));
    if (run_trips(f, node, n, more)) {
        tdagi_journal_keep(&im->env, &probe);
        return true;
    }
    tdagi_journal_undo(&im->env, &probe);
    tdagi_outline_cut_back(im->env.outline, n_statements);
    if (!probe.is_spoilt) return false;
    tdagi_env_issue(&im->env, "a loop whose end depends on tensor data");
    tdagi_frame_outputs(f, node, tdagi_any_poison());
    return true;
}

void tdagi_prim_loop(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_import *im = f->im;
    const tdag_shim_api *api = im->api;
    const tdag_shim_block *body = api->node_block(node, 0);
    if (body == NULL) return;
    tdagi_any trips = tdagi_any_evaluated(&im->env, tdagi_frame_input(f, node, 0)),
              c = truth(im, tdagi_frame_input(f, node, 1));
    int64_t n = 0;
    if (tdagi_import_can_loop(im, trips, c)) {
        tdagi_import_loop(f, node, trips, c);
        return;
    }
    if (api->block_n_inputs(body) > 64)
        tdagi_env_fail(&im->env, TDAG_E_LIMIT, "a loop carries more than 63 values");
    if (c.kind != TDAGI_ANY_BOOL || c.assumed ||
        !tdagi_any_const_int(&im->env, trips, &n)) {
        if (trips.kind == TDAGI_ANY_INT && c.kind == TDAGI_ANY_BOOL)
            tdagi_env_issue(&im->env, "a loop of %s trips; give that dim a fixed size",
                            tdagi_any_text(&im->env, trips));
        else if (trips.kind != TDAGI_ANY_POISON && c.kind != TDAGI_ANY_POISON)
            tdagi_env_issue(&im->env, "a loop whose end depends on tensor data");
        explore(f, node);
        return;
    }
    if (!unroll(f, node, n, c.u.b)) tdagi_import_loop(f, node, trips, c);
}

void tdagi_prim_raise(tdagi_frame *f, const tdag_shim_node *node)
{
    tdagi_any text = tdagi_frame_input(f, node, 0);
    if (f->im->sentence != NULL) {
        *f->im->sentence = tdagi_any_text(&f->im->env, text);
        return;
    }
    if (f->im->env.journal != NULL) {
        tdagi_check_add(&f->im->env, tdag_add_scalar(f->im->env.b, TDAG_BOOL, 0),
                        tdagi_any_text(&f->im->env, text));
        return;
    }
    tdagi_env_fail(&f->im->env, TDAG_E_ARG, "the model refuses these inputs: %s",
                   tdagi_any_text(&f->im->env, text));
}
