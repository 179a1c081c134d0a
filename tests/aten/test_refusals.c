/* Rows where things go wrong: arguments of kinds they cannot have, memory that runs
 * out. Whatever happens is a result, an issue or a failure with a sentence. */
#include "aten/case.h"

typedef struct walk {
    tdag_ctx *ctx;
    FILE *f;
    char *line, *last;
    size_t room;
} walk;

static walk walk_start(void)
{
    walk w = {.ctx = test_ctx(), .f = fopen(TDAG_TEST_ATEN_CASES, "r")};
    assert_non_null(w.f);
    return w;
}

/* The first call of the next overload. */
static bool walk_next(walk *w, case_call *out)
{
    while (getline(&w->line, &w->room, w->f) > 1) {
        size_t n = strcspn(w->line, " ") + 1;
        if (w->last != NULL && strncmp(w->last, w->line, n) == 0) continue;
        free(w->last);
        w->last = strndup(w->line, n);
        case_read(w->ctx, w->line, out);
        return true;
    }
    return false;
}

static void walk_end(walk *w)
{
    free(w->line);
    free(w->last);
    fclose(w->f);
    tdag_ctx_free(w->ctx);
}

/* ---- arguments of another kind ---- */

static tdagi_any data_number(case_world *w)
{
    tdag_value v = tdag_add_input(w->env.b, "data", TDAG_I64, 0, NULL);
    tdagi_any out = tdagi_any_tensor(tdagi_cell_new(&w->env, v));
    if (out.kind == TDAGI_ANY_TENSOR) out.kind = TDAGI_ANY_DATA;
    out.letter = 'i';
    return out;
}

static tdagi_any small_tensor(case_world *w, tdag_dtype dtype)
{
    static const tdag_dim shape[] = {2};
    tdag_value v = tdag_add_input(w->env.b, "small", dtype, 1, shape);
    return tdagi_any_tensor(tdagi_cell_new(&w->env, v));
}

static tdagi_any strange_list(case_world *w)
{
    tdagi_any items[] = {tdagi_any_float(0.5), tdagi_any_string("?"), tdagi_any_none()};
    return tdagi_any_seq(&w->env, TDAGI_ANY_LIST, 3, items);
}

static tdagi_any strange_ints(case_world *w)
{
    tdagi_any items[] = {tdagi_any_int(&w->env, -99), tdagi_any_int(&w->env, 7)};
    return tdagi_any_seq(&w->env, TDAGI_ANY_LIST, 2, items);
}

#define N_STRANGE 16

static tdagi_any strange(case_world *w, int which)
{
    switch (which) {
    case 0:
        return tdagi_any_none();
    case 1:
        return tdagi_any_string("no such thing");
    case 2:
        return tdagi_any_int(&w->env, -99);
    case 3:
        return tdagi_any_float(-0.75);
    case 4:
        return tdagi_any_bool(true);
    case 5:
        return tdagi_any_seq(&w->env, TDAGI_ANY_LIST, 0, NULL);
    case 6:
        return strange_list(w);
    case 7:
        return tdagi_any_dict(&w->env);
    case 8:
        return data_number(w);
    case 9:
        return small_tensor(w, TDAG_F32);
    case 10:
        return small_tensor(w, TDAG_I64);
    case 11:
        return small_tensor(w, TDAG_BOOL);
    case 12:
        return tdagi_any_int(&w->env, 3);
    case 13:
        return strange_ints(w);
    case 14:
        return tdagi_any_dim(tdag_builder_symbol(w->env.b, "S", 2));
    default:
        return tdagi_any_poison();
    }
}

static void check_sentence(const case_world *w, const case_call *c)
{
    if (w->env.status != TDAG_OK && *tdag_ctx_get_error(w->ctx)->message == '\0')
        fail_msg("no sentence: %s", c->call);
    if (w->env.status == TDAG_E_INTERNAL || w->env.status == TDAG_E_NOMEM)
        fail_msg("%s: %s", c->call, tdag_ctx_get_error(w->ctx)->message);
    for (uint32_t i = 0; i < w->env.n_issues; i++)
        assert_true(*w->env.issues[i].what != '\0');
}

static void call_with(walk *all, const case_call *c, uint32_t at, int which)
{
    case_world w = {.ctx = all->ctx};
    tdagi_schema schema;
    tdagi_any args[CASE_MOST_ARGS];
    tdagi_env_init(&w.env, w.ctx);
    for (uint32_t i = 0; i < c->n_args; i++)
        args[i] =
            i == at ? strange(&w, which) : case_any(&w, &c->args[i], CASE_AS_DATA);
    assert_true(case_schema(&w, c, &schema));
    tdagi_any got = tdagi_aten_call(&w.env, &schema, args, c->n_args);
    assert_non_null(tdagi_any_text(&w.env, got));
    check_sentence(&w, c);
    tdagi_env_report(&w.env);
    tdagi_env_free(&w.env);
}

static void strange_arguments_are_survived(void **state)
{
    (void)state;
    walk w = walk_start();
    case_call c;
    while (walk_next(&w, &c)) {
        for (uint32_t i = 0; i < c.n_args; i++)
            for (int which = 0; which < N_STRANGE; which++)
                call_with(&w, &c, i, which);
        case_free(&c);
    }
    walk_end(&w);
}

/* ---- arguments left out ---- */

static void missing_arguments_are_survived(void **state)
{
    (void)state;
    walk all = walk_start();
    case_call c;
    while (walk_next(&all, &c)) {
        for (uint32_t n = 0; n < c.n_args; n++) {
            case_world w = {.ctx = all.ctx};
            tdagi_schema schema;
            tdagi_any args[CASE_MOST_ARGS];
            tdagi_env_init(&w.env, w.ctx);
            for (uint32_t i = 0; i < n; i++)
                args[i] = case_any(&w, &c.args[i], CASE_AS_SYMBOLS);
            assert_true(case_schema(&w, &c, &schema));
            tdagi_aten_call(&w.env, &schema, args, n);
            check_sentence(&w, &c);
            tdagi_env_free(&w.env);
        }
        case_free(&c);
    }
    walk_end(&all);
}

/* ---- memory ---- */

static tdag_status build_call(tdag_ctx *ctx, void *arg)
{
    const case_call *c = arg;
    case_world w = {.ctx = ctx};
    tdagi_schema schema;
    tdagi_any args[CASE_MOST_ARGS];
    tdagi_env_init(&w.env, ctx);
    for (uint32_t i = 0; i < c->n_args && tdagi_env_ok(&w.env); i++)
        args[i] = case_any(&w, &c->args[i], CASE_AS_SYMBOLS);
    if (tdagi_env_ok(&w.env) && case_schema(&w, c, &schema)) {
        tdagi_any got = tdagi_aten_call(&w.env, &schema, args, c->n_args);
        tdagi_any_text(&w.env, got);
    }
    tdag_status st = w.env.status;
    if (st == TDAG_OK && w.env.b != NULL) st = tdag_builder_get_status(w.env.b);
    if (st != TDAG_E_NOMEM) st = TDAG_OK; /* refused, as it may be */
    tdagi_env_free(&w.env);
    return st;
}

static void memory_may_run_out(void **state)
{
    (void)state;
    walk w = walk_start();
    case_call c;
    while (walk_next(&w, &c)) {
        test_every_oom(build_call, &c);
        case_free(&c);
    }
    walk_end(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(strange_arguments_are_survived),
                                       cmocka_unit_test(missing_arguments_are_survived),
                                       cmocka_unit_test(memory_may_run_out)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
