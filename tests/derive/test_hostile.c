/* Composites with specs and inputs that do not fit: a model file may ask for anything,
 * so a lowering either makes a graph that verifies or fails with a status and a
 * sentence. */
#include "support/test.h"

#include <math.h>

#include "derive/composites.h"

#define MAX_LISTS 8

typedef struct rnd {
    uint64_t state;
} rnd;

static int64_t rnd_to(rnd *r, int64_t n)
{
    r->state = r->state * 6364136223846793005u + 1442695040888963407u;
    return (int64_t)((r->state >> 33) % (uint64_t)n);
}

static int64_t random_number(rnd *r)
{
    static const int64_t odd_ones[] = {-1,        -7,        17,       INT32_MAX,
                                       INT64_MAX, INT64_MIN, 1LL << 40};
    return rnd_to(r, 12) == 0 ? odd_ones[rnd_to(r, 7)] : rnd_to(r, 5);
}

typedef struct any_spec {
    union {
        double align;
        unsigned char bytes[256];
    } u;
    int64_t numbers[MAX_LISTS][TDAG_MAX_RANK + 4];
    char equation[16];
} any_spec;

static void random_equation(rnd *r, char *to)
{
    static const char letters[] = "abcij,->";
    int64_t n = rnd_to(r, 15);
    for (int64_t i = 0; i < n; i++)
        to[i] = letters[rnd_to(r, (int64_t)sizeof letters - 1)];
    to[n] = '\0';
}

static void random_spec(rnd *r, const tdagi_field *f, any_spec *out)
{
    uint32_t n_lists = 0;
    memset(out, 0, sizeof *out);
    for (; f != NULL && f->name != NULL; f++) {
        void *at = out->u.bytes + f->offset;
        int64_t number = random_number(r);
        static const double floats[] = {0, 1, -2, 0.5, INFINITY, NAN, 1e300};
        double value = floats[rnd_to(r, 7)];
        const char *string = out->equation;
        tdag_list list = {(uint32_t)rnd_to(r, 5), NULL};
        switch ((tdagi_field_kind)f->kind) {
        case TDAGI_FIELD_F64:
            memcpy(at, &value, sizeof value);
            break;
        case TDAGI_FIELD_STRING:
            random_equation(r, out->equation);
            memcpy(at, &string, sizeof string);
            break;
        case TDAGI_FIELD_INTS:
        case TDAGI_FIELD_DIMS:
            if (rnd_to(r, 20) == 0) list.n = TDAG_MAX_RANK + 4;
            for (uint32_t i = 0; i < list.n; i++)
                out->numbers[n_lists][i] = random_number(r);
            list.v = out->numbers[n_lists++];
            memcpy(at, &list, sizeof list);
            break;
        case TDAGI_FIELD_BOOL:
            number = rnd_to(r, 2);
            memcpy(at, &number, sizeof number);
            break;
        case TDAGI_FIELD_END:
        case TDAGI_FIELD_INT:
        case TDAGI_FIELD_ENUM:
        case TDAGI_FIELD_DTYPE:
        case TDAGI_FIELD_DIM:
            memcpy(at, &number, sizeof number);
            break;
        }
    }
}

static tdag_value random_input(rnd *r, tdag_builder *b)
{
    static const tdag_dtype dtypes[] = {TDAG_F32, TDAG_F32, TDAG_F32,  TDAG_F32,
                                        TDAG_F16, TDAG_I64, TDAG_BOOL, TDAG_U8};
    tdag_dim shape[TDAG_MAX_RANK];
    tdag_dim n = tdag_builder_symbol(b, "N", 3);
    uint32_t rank = (uint32_t)rnd_to(r, 6);
    if (rnd_to(r, 30) == 0) rank = TDAG_MAX_RANK;
    for (uint32_t i = 0; i < rank; i++)
        shape[i] = rnd_to(r, 5) == 0 ? n : rnd_to(r, 4);
    return tdag_add_input(b, "x", dtypes[rnd_to(r, 8)], rank, shape);
}

static bool try_one(tdag_ctx *ctx, rnd *r, tdagi_composite id)
{
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    any_spec spec;
    tdag_builder *b = NULL;
    tdag_graph *graph = NULL;
    tdag_value in[6];
    uint32_t most = row->max_inputs > 6 ? 6 : row->max_inputs;
    uint32_t n = row->min_inputs + (uint32_t)rnd_to(r, most - row->min_inputs + 1);
    random_spec(r, row->def->fields, &spec);
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    in[0] = random_input(r, b);
    for (uint32_t i = 1; i < n; i++)
        in[i] = rnd_to(r, 3) == 0                           ? in[0]
                : i >= row->min_inputs && rnd_to(r, 3) == 0 ? TDAG_NO_VALUE
                                                            : random_input(r, b);
    tdag_value y = tdagi_lower(b, id, in, n, row->def->spec_size > 0 ? &spec.u : NULL);
    if (tdagi_builder_ok(b) && y.id == 0)
        fail_msg("%s fails without saying so", row->name);
    if (tdagi_builder_ok(b)) tdag_builder_add_output(b, y);
    tdag_status st = tdag_builder_finish(b, &graph);
    if (st != TDAG_OK && tdag_ctx_get_error(ctx)->message[0] == '\0')
        fail_msg("%s fails without a sentence", row->name);
    if (st == TDAG_E_INTERNAL)
        fail_msg("%s: %s", row->name, tdag_ctx_get_error(ctx)->message);
    if (st == TDAG_OK && tdag_verify(ctx, graph) != TDAG_OK)
        fail_msg("%s: %s", row->name, tdag_ctx_get_error(ctx)->message);
    tdag_graph_free(graph);
    tdag_builder_free(b);
    return st == TDAG_OK;
}

static void test_random(void **state)
{
    (void)state;
    rnd r = {2026};
    int64_t n_made = 0, n = 0;
    tdag_ctx *ctx = test_ctx();
    for (int id = 1; id < TDAGI_N_COMPOSITES; id++)
        for (int i = 0; i < 1500; i++, n++)
            n_made += try_one(ctx, &r, (tdagi_composite)id);
    print_message("%lld of %lld specs make a graph\n", (long long)n_made, (long long)n);
    tdag_ctx_free(ctx);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
