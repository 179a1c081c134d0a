/* Every row of aten.def on every call of cases.golden, without PyTorch: built, run by
 * the reference engine and compared with what PyTorch computed. All failures are
 * printed before the test fails. With TDAG_UPDATE_GOLDEN the sentences of calls that
 * are refused are written into the file instead of results; a result is never changed.
 */
#include <math.h>

#include <tdagger/run.h>

#include "aten/case.h"

static const char *const ways[] = {"", "known: ", "symbols: "};

typedef struct tally {
    tdag_ctx *ctx;
    case_way way;
    const case_call *call;
    uint32_t n, failed, refused;
    FILE *update;
    const char *line;
} tally;

/* ---- comparing ---- */

#define MOST_OUTPUTS 64

/* Tensors of a result: what they should be; in the order of the graph's outputs. */
typedef struct outputs {
    uint32_t n;
    const tdag_tensor *want[MOST_OUTPUTS];
    double number[MOST_OUTPUTS]; /* where want is NULL: of a rank-0 tensor */
    double terms;                /* elements of the arguments */
} outputs;

static void report(tally *t, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    t->failed++;
    print_error("%s%.300s: %s\n", ways[t->way], t->call->call, text);
}

static bool collect(tally *t, case_world *w, const case_value *want, tdagi_any got,
                    outputs *out);

static bool collect_tensor(case_world *w, const tdag_tensor *want, double number,
                           tdagi_cell *got, outputs *out)
{
    assert_true(out->n < MOST_OUTPUTS);
    out->want[out->n] = want;
    out->number[out->n++] = number;
    tdag_value v = tdagi_cell_read(&w->env, got);
    tdag_builder_add_output(w->env.b, v);
    return v.id != 0;
}

/* One of several results that rows do not compute: positions in windows, statistics,
 * singular vectors. */
static bool is_not_given(tdagi_any got)
{
    return got.kind == TDAGI_ANY_POISON && got.u.issue != NULL;
}

static bool collect_items(tally *t, case_world *w, const case_value *want,
                          tdagi_any got, outputs *out)
{
    if (!tdagi_any_is_seq(got) || got.u.seq->n != want->n) return false;
    bool same = true;
    uint32_t n_given = 0;
    for (uint32_t i = 0; i < want->n && same; i++) {
        if (is_not_given(got.u.seq->v[i])) continue;
        n_given++;
        same = collect(t, w, &want->items[i], got.u.seq->v[i], out);
    }
    return same && (n_given > 0 || want->n == 0);
}

static bool collect_dict(tally *t, case_world *w, const case_value *want, tdagi_any got,
                         outputs *out)
{
    if (got.kind != TDAGI_ANY_DICT || 2 * got.u.dict->keys.n != want->n) return false;
    bool same = true;
    for (uint32_t i = 0; i < want->n && same; i++) {
        const tdagi_seq *seq = i % 2 == 0 ? &got.u.dict->keys : &got.u.dict->values;
        same = collect(t, w, &want->items[i], seq->v[i / 2], out);
    }
    return same;
}

static bool near(double a, double b)
{
    return a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= 1e-12 * fmax(1, fabs(b));
}

/* Compares what is known; tensors become outputs of the graph. */
static bool collect(tally *t, case_world *w, const case_value *want, tdagi_any got,
                    outputs *out)
{
    bool is_known = tdagi_any_is_number(got);
    double number = want->kind == 'f'   ? want->f
                    : want->kind == 'i' ? (double)want->i
                                        : (double)want->b;
    switch (want->kind) {
    case 't':
        return got.kind == TDAGI_ANY_TENSOR &&
               collect_tensor(w, want->tensor, 0, got.u.tensor, out);
    case 'i':
    case 'f':
    case 'b':
        if (got.kind == TDAGI_ANY_DATA)
            return collect_tensor(w, NULL, number, got.u.tensor, out);
        return is_known && (want->kind == 'f') == (got.kind == TDAGI_ANY_FLOAT) &&
               (want->kind == 'b') == (got.kind == TDAGI_ANY_BOOL) &&
               near(tdagi_any_sample(&w->env, got), number);
    case 's':
    case '@':
        return got.kind == (want->kind == 's' ? TDAGI_ANY_STRING : TDAGI_ANY_DEVICE) &&
               strcmp(got.u.s, want->s) == 0;
    case 'n':
        return got.kind == TDAGI_ANY_NONE;
    case '{':
        return collect_dict(t, w, want, got, out);
    default:
        return collect_items(t, w, want, got, out);
    }
}

/* What an element may be off: sums of that many terms, each rounded, none larger than
 * the largest element or 1; and some roundings before and after. */
static double bound(const tdag_tensor *want, double terms)
{
    double unit = want->dtype == TDAG_F64    ? 0x1p-53
                  : want->dtype == TDAG_F32  ? 0x1p-24
                  : want->dtype == TDAG_F16  ? 0x1p-11
                  : want->dtype == TDAG_BF16 ? 0x1p-8
                                             : 0;
    double largest = 1;
    for (int64_t i = 0; i < want->count && unit > 0; i++) {
        double x = fabs(tdagi_tensor_get_f64(want, i));
        if (isfinite(x) && x > largest) largest = x;
    }
    double each = want->count == 0 ? 0 : terms / (double)want->count;
    return unit * (16 + 2 * each) * largest;
}

static void compare_elements(tally *t, const tdag_tensor *got, const tdag_tensor *want,
                             double most, uint32_t k)
{
    for (int64_t i = 0; i < want->count; i++) {
        double a = tdagi_tensor_get_f64(got, i), b = tdagi_tensor_get_f64(want, i);
        if (a == b || (isnan(a) && isnan(b)) || fabs(a - b) <= most) continue;
        report(t, "output %u (%s), element %lld is %.9g, not %.9g +- %.3g", (unsigned)k,
               tdag_dtype_name(want->dtype), (long long)i, a, b, most);
        return;
    }
}

static void compare(tally *t, const tdag_tensor *got, const outputs *out, uint32_t k)
{
    const tdag_tensor *want = out->want[k];
    if (want == NULL) {
        if (!near(tdagi_tensor_get_f64(got, 0), out->number[k]))
            report(t, "a number is %.17g, not %.17g", tdagi_tensor_get_f64(got, 0),
                   out->number[k]);
        return;
    }
    bool same = got->dtype == want->dtype && got->rank == want->rank;
    for (uint32_t i = 0; i < want->rank && same; i++)
        same = got->shape[i] == want->shape[i];
    if (!same)
        report(t, "output %u is %s of %u axes (first %lld), not %s of %u (first %lld)",
               (unsigned)k, tdag_dtype_name(got->dtype), (unsigned)got->rank,
               (long long)got->shape[0], tdag_dtype_name(want->dtype),
               (unsigned)want->rank, (long long)want->shape[0]);
    else
        compare_elements(t, got, want, bound(want, out->terms), k);
}

/* ---- running ---- */

static void run(tally *t, case_world *w, const outputs *out)
{
    tdag_graph *graph;
    tdag_tensor *results[MOST_OUTPUTS] = {NULL};
    tdag_run_options o;
    tdag_run_options_init(&o);
    o.engine = TDAG_ENGINE_REFERENCE;
    TEST_OK(t->ctx, tdag_builder_finish(w->env.b, &graph));
    if (tdag_graph_run(t->ctx, graph, w->inputs, w->n, &o, results) != TDAG_OK)
        report(t, "cannot be run: %s", tdag_ctx_get_error(t->ctx)->message);
    else
        for (uint32_t i = 0; i < out->n; i++)
            compare(t, results[i], out, i);
    for (uint32_t i = 0; i < out->n; i++)
        tdag_tensor_free(results[i]);
    tdag_graph_free(graph);
}

/* Why the call was not done; NULL: it was. */
static const char *refusal(const case_world *w)
{
    if (w->env.status != TDAG_OK) return tdag_ctx_get_error(w->ctx)->message;
    return w->env.n_issues > 0 ? w->env.issues[0].what : NULL;
}

static void refused(tally *t, const char *why)
{
    t->refused++;
    if (t->way != CASE_AS_DATA) return;
    if (t->update != NULL)
        fprintf(t->update, "%s -> ! %s\n", t->call->call, why);
    else if (t->call->refusal == NULL)
        report(t, "refused: %s", why);
    else if (strcmp(t->call->refusal, why) != 0)
        report(t, "%s\n  not: %s", why, t->call->refusal);
}

static double count_elements(const case_value *v)
{
    double n = v->tensor == NULL ? 0 : (double)v->tensor->count;
    for (uint32_t i = 0; i < v->n; i++)
        n += count_elements(&v->items[i]);
    return n;
}

static void check_results(tally *t, case_world *w, const tdagi_any *args, tdagi_any got,
                          uint32_t n_results)
{
    const case_call *c = t->call;
    outputs out = {0};
    for (uint32_t i = 0; i < c->n_args; i++)
        out.terms += count_elements(&c->args[i]);
    if (t->update != NULL && t->way == CASE_AS_DATA) fputs(t->line, t->update);
    if (c->refusal != NULL) {
        if (t->way == CASE_AS_DATA) report(t, "is no longer refused");
        return;
    }
    bool same = n_results == 0 || collect(t, w, &c->result, got, &out);
    for (uint32_t i = 0; i < c->n_written && same; i++)
        same = collect(t, w, &c->after[i], args[c->written[i]], &out);
    if (!same)
        report(t, "another result: %s", tdagi_any_text(&w->env, got));
    else if (out.n > 0)
        run(t, w, &out);
}

static void run_call(tally *t, const case_call *c, case_way way)
{
    case_world w = {.ctx = t->ctx};
    tdagi_schema schema;
    tdagi_any args[CASE_MOST_ARGS];
    t->n++;
    t->call = c;
    t->way = way;
    tdagi_env_init(&w.env, t->ctx);
    for (uint32_t i = 0; i < c->n_args; i++)
        args[i] = case_any(&w, &c->args[i], way);
    if (!case_schema(&w, c, &schema)) fail_msg("no schema: %s", c->call);
    tdagi_any got = tdagi_aten_call(&w.env, &schema, args, c->n_args);
    if (got.kind == TDAGI_ANY_POISON) tdagi_env_note_poison(&w.env, &got);
    const char *why = refusal(&w);
    if (why != NULL)
        refused(t, why);
    else
        check_results(t, &w, args, got, schema.n_results);
    tdagi_env_free(&w.env);
}

static bool has_tensor(const case_value *v, uint32_t from, uint32_t to)
{
    if (v->tensor != NULL) return v->tensor->rank >= from && v->tensor->rank <= to;
    for (uint32_t i = 0; i < v->n; i++)
        if (has_tensor(&v->items[i], from, to)) return true;
    return false;
}

static bool has_argument(const case_call *c, uint32_t from, uint32_t to)
{
    for (uint32_t i = 0; i < c->n_args; i++)
        if (has_tensor(&c->args[i], from, to)) return true;
    return false;
}

/* ---- the file ---- */

static FILE *open_cases(const char *mode, const char *suffix)
{
    char path[4096];
    snprintf(path, sizeof(path), "%s%s", TDAG_TEST_ATEN_CASES, suffix);
    FILE *f = fopen(path, mode);
    assert_non_null(f);
    return f;
}

static bool next_line(FILE *f, char **line, size_t *room)
{
    return getline(line, room, f) > 1;
}

static void rows_give_what_pytorch_gives(void **state)
{
    (void)state;
    tally t = {.ctx = test_ctx()};
    FILE *f = open_cases("r", "");
    char *line = NULL;
    size_t room = 0;
    if (getenv("TDAG_UPDATE_GOLDEN") != NULL) t.update = open_cases("w", ".new");
    while (next_line(f, &line, &room)) {
        case_call c;
        t.line = line;
        case_read(t.ctx, line, &c);
        run_call(&t, &c, CASE_AS_DATA);
        if (has_argument(&c, 0, 0)) run_call(&t, &c, CASE_AS_KNOWN);
        if (has_argument(&c, 1, TDAG_MAX_RANK)) run_call(&t, &c, CASE_AS_SYMBOLS);
        case_free(&c);
    }
    print_message("%u calls, %u refused, %u failed\n", (unsigned)t.n,
                  (unsigned)t.refused, (unsigned)t.failed);
    if (t.update != NULL) {
        fclose(t.update);
        assert_int_equal(rename(TDAG_TEST_ATEN_CASES ".new", TDAG_TEST_ATEN_CASES), 0);
    }
    free(line);
    fclose(f);
    tdag_ctx_free(t.ctx);
    assert_int_equal(t.failed, 0);
}

/* ---- the table ---- */

#define ATEN(name, handler, data, ignorable) name,
static const char *const rows[] = {
#include "aten/aten.def"
};
#define N_ROWS (sizeof(rows) / sizeof(rows[0]))

/* Rows of names that no schema has today or of nested tensors; test_calls.c has them.
 */
static const char *const elsewhere[] = {"__add__",
                                        "prim::shape",
                                        "prim::is_leaf",
                                        "requires_grad",
                                        "is_tracing",
                                        "__delitem__",
                                        "format",
                                        "percentFormat",
                                        "warn",
                                        "infer_size",
                                        "_nested_tensor_from_mask",
                                        "to_padded_tensor",
                                        "nested_to_padded_tensor"};

/* What takes or gives complex tensors: tests/torchscript/complex_cases.py. */
static const char *const of_complex[] = {
    "view_as_", "imag",  "conj", "_conj", "_neg_view", "complex", "polar",
    "fft_",     "_fft_", "stft", "istft", "is_conj",   "is_neg"};

/* What becomes statements of a program: tests/torchscript/programs_data.py. */
static const char *const of_programs[] = {"rand",
                                          "randn",
                                          "rand_like",
                                          "randn_like",
                                          "randint",
                                          "randint_like",
                                          "random",
                                          "randperm",
                                          "normal",
                                          "log_normal",
                                          "uniform",
                                          "bernoulli",
                                          "exponential",
                                          "geometric",
                                          "cauchy",
                                          "multinomial",
                                          "nonzero",
                                          "argwhere",
                                          "_unique",
                                          "nonzero_numpy",
                                          "masked_select",
                                          "_unique2",
                                          "bincount",
                                          "unique_consecutive",
                                          "torchvision::nms",
                                          "transformers::grouped_mm_fallback"};

static bool is_elsewhere(const char *name)
{
    for (size_t i = 0; i < sizeof(of_programs) / sizeof(of_programs[0]); i++)
        if (strcmp(of_programs[i], name) == 0) return true;
    for (size_t i = 0; i < sizeof(of_complex) / sizeof(of_complex[0]); i++)
        if (strncmp(of_complex[i], name, strlen(of_complex[i])) == 0) return true;
    for (size_t i = 0; i < sizeof(elsewhere) / sizeof(elsewhere[0]); i++)
        if (strcmp(elsewhere[i], name) == 0) return true;
    return false;
}

static void every_row_has_a_call(void **state)
{
    (void)state;
    static bool has[N_ROWS];
    FILE *f = open_cases("r", "");
    char *line = NULL;
    size_t room = 0, missing = 0;
    while (next_line(f, &line, &room)) {
        line[strcspn(line, ". ")] = '\0';
        const char *name = strncmp(line, "aten::", 6) == 0 ? line + 6 : line;
        for (size_t i = 0; i < N_ROWS; i++)
            has[i] |= strcmp(rows[i], name) == 0;
    }
    for (size_t i = 0; i < N_ROWS; i++) {
        if (has[i] || is_elsewhere(rows[i])) continue;
        print_error("%s has no call: see tests/aten/cases.py\n", rows[i]);
        missing++;
    }
    free(line);
    fclose(f);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(rows_give_what_pytorch_gives),
                                       cmocka_unit_test(every_row_has_a_call)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
