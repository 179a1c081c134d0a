/* The environment of rows: memory, failures and the list of what is unsupported. */
#include "aten/env.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes_hash.h"
#include "base/text.h"

#define BYTES_OF_A_STEP 64

void tdagi_env_init(tdagi_env *env, tdag_ctx *ctx)
{
    *env = (tdagi_env){.ctx = ctx, .scope = ""};
    tdagi_arena_init(&env->arena, &ctx->allocator);
    env->status = tdag_builder_create(ctx, &env->b);
    if (env->status == TDAG_OK) env->pool = tdagi_builder_pool(env->b);
}

void tdagi_env_free(tdagi_env *env)
{
    tdag_builder_free(env->b);
    tdagi_arena_free(&env->arena);
}

/* ---- memory and failures ---- */

bool tdagi_env_step(tdagi_env *env, uint64_t n)
{
    if (env->status != TDAG_OK) return false;
    const uint64_t most = env->ctx->limits.max_steps;
    env->steps += n;
    if (env->steps > most || n > most)
        tdagi_env_fail(env, TDAG_E_LIMIT, "the import takes more than %llu steps",
                       (unsigned long long)most);
    else
        env->status = tdagi_poll(env->ctx);
    return env->status == TDAG_OK;
}

void *tdagi_env_alloc(tdagi_env *env, size_t size)
{
    if (size >= BYTES_OF_A_STEP && !tdagi_env_step(env, size / BYTES_OF_A_STEP))
        return NULL;
    void *p = tdagi_arena_alloc(&env->arena, size == 0 ? 1 : size);
    if (p == NULL && env->status == TDAG_OK) env->status = tdagi_nomem(env->ctx);
    return p;
}

void tdagi_env_counter(tdagi_env *env, tdag_value index, tdag_dim limit)
{
    uint32_t n = env->n_counters;
    tdag_value *all = tdagi_env_alloc(env, (n + 1u) * sizeof *all);
    tdag_dim *limits = tdagi_env_alloc(env, (n + 1u) * sizeof *limits);
    if (all == NULL || limits == NULL) return;
    if (n > 0) memcpy(all, env->counters, n * sizeof *all);
    if (n > 0) memcpy(limits, env->limits, n * sizeof *limits);
    all[n] = index;
    limits[n] = limit;
    env->counters = all;
    env->limits = limits;
    env->n_counters = n + 1;
}

static uint32_t counter_of(const tdagi_env *env, tdag_value v)
{
    uint32_t i = 0;
    while (i < env->n_counters && env->counters[i].id != v.id)
        i++;
    return i;
}

bool tdagi_env_is_counter(const tdagi_env *env, tdag_value v)
{
    return counter_of(env, v) < env->n_counters;
}

bool tdagi_env_counts_to(const tdagi_env *env, tdag_value v, tdag_dim n)
{
    uint32_t i = counter_of(env, v);
    return i < env->n_counters && env->limits[i] != TDAGI_DIM_BAD &&
           tdagi_dim_is_at_most(env->pool, env->limits[i], n);
}

const char *tdagi_env_text(tdagi_env *env, const char *format, ...)
{
    va_list args, again;
    va_start(args, format);
    va_copy(again, args);
    char most[128]; /* which is long enough for nearly all */
    int n = vsnprintf(most, sizeof most, format, args);
    va_end(args);
    char *text = n < 0 ? NULL : tdagi_env_alloc(env, (size_t)n + 1);
    if (text != NULL && (size_t)n < sizeof most)
        memcpy(text, most, (size_t)n + 1);
    else if (text != NULL)
        vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return text == NULL ? "" : text;
}

const char *tdagi_env_name(tdagi_env *env, const char *name)
{
    while (tdagi_name_is_taken(env->b->graph, name))
        name = tdagi_env_text(env, ".%s", name);
    return name;
}

static tdagi_place place_of(tdagi_env *env)
{
    if (env->place == NULL) return (tdagi_place){"the model", ""};
    return env->place(env);
}

const char *tdagi_env_where(tdagi_env *env)
{
    tdagi_place at = place_of(env);
    if (*at.location == '\0') return tdagi_env_text(env, "%s", at.what);
    return tdagi_env_text(env, "%s (%s)", at.what, at.location);
}

void tdagi_env_fail_here(tdagi_env *env, tdag_status status, const char *op)
{
    if (env->status != TDAG_OK) return;
    env->status = status;
    if (status == TDAG_E_NOMEM) return;
    char what[TDAGI_MESSAGE_SIZE];
    snprintf(what, sizeof(what), "%s", env->ctx->error.message);
    const char *scope = env->scope, *place = place_of(env).location;
    tdagi_fail(env->ctx, status, "%s%s%s%s%s%s: %s", op, *scope ? " in " : "", scope,
               *place ? " (" : "", place, *place ? ")" : "", what);
    tdagi_fail_at_node(env->ctx, "", scope);
}

void tdagi_env_fail(tdagi_env *env, tdag_status status, const char *format, ...)
{
    if (env->status != TDAG_OK) return;
    char text[TDAGI_MESSAGE_SIZE];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tdagi_fail(env->ctx, status, "%s", text);
    tdagi_env_fail_here(env, status, place_of(env).what);
}

void tdagi_env_bad(tdagi_env *env, const char *op, const char *format, va_list args)
{
    if (!tdagi_env_ok(env)) return;
    char text[TDAGI_MESSAGE_SIZE];
    vsnprintf(text, sizeof(text), format, args);
    tdagi_fail(env->ctx, TDAG_E_FORMAT, "%s", text);
    if (op == NULL)
        env->status = TDAG_E_FORMAT;
    else
        tdagi_env_fail_here(env, TDAG_E_FORMAT, op);
}

/* ---- inputs ---- */

void tdagi_env_other_inputs(tdagi_env *env, const char *of, uint32_t n, uint32_t given)
{
    env->status = tdagi_fail(
        env->ctx, TDAG_E_ARG, "the %s takes %u input%s, %u %s given", of, (unsigned)n,
        n == 1 ? "" : "s", (unsigned)given, given == 1 ? "was" : "were");
}

void tdagi_env_other_input(tdagi_env *env, const char *of, const char *name,
                           tdag_dtype dtype, uint32_t rank, const tdag_dim *dims)
{
    tdagi_text text;
    tdagi_text_init(&text, env->ctx);
    for (uint32_t i = 0; i < rank; i++) {
        char dim[128];
        tdagi_dim_text(env->pool, dims[i], dim, sizeof(dim));
        tdagi_text_printf(&text, "%s%s", i > 0 ? "," : "", dim);
    }
    env->status =
        tdagi_fail(env->ctx, TDAG_E_SHAPE,
                   "the input %s of the %s is %s[%s], another one was given", name, of,
                   tdag_dtype_name(dtype), text.data == NULL ? "" : text.data);
    tdagi_text_free(&text);
}

/* ---- issues ---- */

/* One at hand, in the arena; NULL when out of memory. */
static tdagi_issue *make_issue(tdagi_env *env, const char *format, va_list args)
{
    char text[TDAGI_MESSAGE_SIZE];
    vsnprintf(text, sizeof(text), format, args);
    tdagi_issue *issue = tdagi_env_alloc(env, sizeof(*issue));
    if (issue == NULL) return NULL;
    issue->what = tdagi_env_text(env, "%s", text);
    issue->scope = env->scope;
    issue->location = place_of(env).location;
    issue->hash = tdagi_hash(env, text, strlen(text));
    issue->selection = NULL;
    return issue;
}

/* A file may have any number of them. */
#define MAX_ISSUES 1000

static bool same_issue(const tdagi_issue *a, const tdagi_issue *b)
{
    return a->hash == b->hash && strcmp(a->what, b->what) == 0 &&
           strcmp(a->scope, b->scope) == 0 && strcmp(a->location, b->location) == 0;
}

static void note(tdagi_env *env, const tdagi_issue *issue)
{
    env->n_noted++;
    for (uint32_t i = 0; i < env->n_issues; i++)
        if (same_issue(&env->issues[i], issue)) return;
    if (env->n_issues == MAX_ISSUES) {
        env->has_more_issues = true;
        return;
    }
    if (env->n_issues == env->issues_capacity) {
        uint32_t wider = env->issues_capacity == 0 ? 16 : env->issues_capacity * 2;
        tdagi_issue *issues = tdagi_env_alloc(env, wider * sizeof(*issues));
        if (issues == NULL) return;
        if (env->n_issues > 0)
            memcpy(issues, env->issues, env->n_issues * sizeof(*issues));
        env->issues = issues;
        env->issues_capacity = wider;
    }
    env->issues[env->n_issues++] = *issue;
}

tdagi_any tdagi_env_issue(tdagi_env *env, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const tdagi_issue *issue = make_issue(env, format, args);
    va_end(args);
    if (issue != NULL) note(env, issue);
    return tdagi_any_poison();
}

tdagi_any tdagi_env_issue_if_used(tdagi_env *env, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    tdagi_any out = tdagi_any_poison();
    out.u.issue = make_issue(env, format, args);
    va_end(args);
    return out;
}

bool tdagi_env_note_poison(tdagi_env *env, const tdagi_any *v)
{
    const tdagi_any *poison = tdagi_any_find_poison(v);
    if (poison != NULL && poison->u.issue != NULL) note(env, poison->u.issue);
    return poison != NULL;
}

typedef struct report {
    char text[TDAGI_MESSAGE_SIZE];
    size_t length;
    bool full;
} report;

static void add_issue(report *r, const tdagi_issue *issue, uint32_t more)
{
    char piece[TDAGI_MESSAGE_SIZE], also[48] = "";
    if (more > 0) snprintf(also, sizeof(also), " and %u more places", (unsigned)more);
    const char *scope = issue->scope, *place = issue->location;
    int n = snprintf(piece, sizeof(piece), "%s%s%s%s%s%s%s%s",
                     r->length > 0 ? "; " : "", issue->what, *scope ? " in " : "",
                     scope, *place ? " (" : "", place, *place ? ")" : "", also);
    if (n < 0 || r->length + (size_t)n >= sizeof(r->text) - 160) {
        r->full = true;
        return;
    }
    memcpy(r->text + r->length, piece, (size_t)n + 1);
    r->length += (size_t)n;
}

/* Every place; where that does not fit, each thing once with the number of its places.
 */
static void write_report(tdagi_env *env, report *r)
{
    for (uint32_t i = 0; i < env->n_issues && !r->full; i++)
        add_issue(r, &env->issues[i], 0);
    if (!r->full) return;
    r->length = 0;
    uint32_t skipped = 0;
    for (uint32_t i = 0; i < env->n_issues; i++) {
        bool again = false;
        for (uint32_t j = 0; j < i && !again; j++)
            again = strcmp(env->issues[j].what, env->issues[i].what) == 0;
        if (again) continue;
        uint32_t more = 0;
        for (uint32_t j = i + 1; j < env->n_issues; j++)
            more += strcmp(env->issues[j].what, env->issues[i].what) == 0;
        r->full = false;
        add_issue(r, &env->issues[i], more);
        skipped += r->full;
    }
    if (skipped > 0)
        snprintf(r->text + r->length, sizeof(r->text) - r->length, "; and %s%u more",
                 env->has_more_issues ? "more than " : "", (unsigned)skipped);
}

void tdagi_env_report(tdagi_env *env)
{
    if (env->status != TDAG_OK || env->n_issues == 0) return;
    report r = {.length = 0};
    r.text[0] = '\0';
    write_report(env, &r);
    env->status = tdagi_fail(env->ctx, TDAG_E_UNSUPPORTED, "unsupported: %s", r.text);
    tdagi_fail_at_node(env->ctx, "", env->issues[0].scope);
}
