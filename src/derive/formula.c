/* Composites that are formulas, lowered: see formula.h. What stands in a sum has one
 * axis more than the operands, the last one. */
#include <string.h>

#include "derive/composites.h"
#include "derive/formula.h"
#include "derive/parts.h"

static const tdagi_field order_fields[] = {
    TDAGI_FIELD_AS(tdagi_order_spec, order, INT, POSITIVE), {0}};

static const uint16_t lowered_as[] = {
#define LOWERED(id, text, n, lowered, value) lowered,
    TDAGI_FORMULA_FUNCTIONS(LOWERED)
#undef LOWERED
};
static const uint8_t operands_of[] = {
#define OPERANDS(id, text, n, lowered, value) n,
    TDAGI_FORMULA_FUNCTIONS(OPERANDS)
#undef OPERANDS
};

typedef struct lowering {
    tdag_builder *b;
    const tdagi_formula *f;
    tdag_dtype dtype; /* of numbers */
    uint32_t top;
    int64_t n; /* of the sum we are in; 0: none */
    tdag_value k;
    tdag_value stack[TDAGI_FORMULA_DEPTH];
    tdag_value outside[TDAGI_FORMULA_REGISTERS]; /* registers; id 0: none */
    tdag_value inside[TDAGI_FORMULA_REGISTERS];  /* with the sum's axis */
} lowering;

/* A register as it is seen where we are. */
static tdag_value get(lowering *l, uint8_t i)
{
    tdag_value v = l->outside[i];
    if (l->n == 0) return v;
    if (l->inside[i].id == 0 && tdagi_usable(l->b, v)) {
        uint32_t rank = tdag_builder_get_rank(l->b, v);
        l->inside[i] = rank == 0 ? v : tdagi_unsqueeze1(l->b, v, rank);
    }
    return l->inside[i];
}

static tdag_value call(lowering *l, uint8_t code)
{
    const tdag_value *in = &l->stack[l->top];
    uint32_t n = operands_of[code];
    uint16_t as = lowered_as[code];
    if (as >= TDAGI_OP_CODES)
        return tdagi_lower(l->b, (tdagi_composite)(as - TDAGI_OP_CODES), in, n, NULL);
    if (n == 3) return tdag_where(l->b, in[0], in[1], in[2]);
    return n == 2 ? tdag_binary(l->b, (tdag_op)as, in[0], in[1])
                  : tdag_unary(l->b, (tdag_op)as, in[0]);
}

static void begin_sum(lowering *l, int64_t n)
{
    l->n = n;
    l->k = tdag_iota(l->b, n, TDAG_F64);
    memset(l->inside, 0, sizeof(l->inside));
}

static tdag_value end_sum(lowering *l, tdag_value v)
{
    l->n = 0;
    if (!tdagi_usable(l->b, v)) return TDAG_NO_VALUE;
    int64_t last = (int64_t)tdag_builder_get_rank(l->b, v) - 1;
    return tdagi_reduce_keep(l->b, v, TDAG_REDUCE_SUM, (tdag_list){1, &last}, false);
}

static tdag_value step(lowering *l, uint32_t i)
{
    uint8_t code = l->f->code[i], argument = l->f->argument[i];
    switch (code) {
    case TDAGI_FORMULA_NUMBER:
        return tdag_add_scalar(l->b, l->dtype, l->f->number[argument]);
    case TDAGI_FORMULA_GET:
        return get(l, argument);
    case TDAGI_FORMULA_K:
        return l->k;
    case TDAGI_FORMULA_END:
        return end_sum(l, l->stack[--l->top]);
    default:
        l->top -= operands_of[code];
        return call(l, code);
    }
}

static tdag_value run(lowering *l)
{
    const tdagi_formula *f = l->f;
    for (uint32_t i = 0; i < f->n && tdagi_builder_ok(l->b); i++) {
        if (f->code[i] == TDAGI_FORMULA_SUM) {
            begin_sum(l, f->argument[i]);
        } else if (f->code[i] == TDAGI_FORMULA_SET) {
            tdag_value *registers = l->n > 0 ? l->inside : l->outside;
            registers[f->argument[i]] = l->stack[--l->top];
        } else if (l->top == TDAGI_FORMULA_DEPTH) {
            tdagi_builder_fail(l->b, TDAG_E_INTERNAL, "a formula that is too deep");
        } else {
            tdag_value v = step(l, i);
            l->stack[l->top++] = v;
        }
    }
    return tdagi_builder_ok(l->b) ? l->stack[0] : TDAG_NO_VALUE;
}

bool tdagi_formula_number(const tdagi_composite_def *def, const void *spec, double *out)
{
    int64_t value;
    if (def->fields == NULL) return false;
    memcpy(&value, (const char *)spec + def->fields[0].offset, sizeof(value));
    *out = (double)value;
    return true;
}

static bool takes(tdag_builder *b, const tdag_value *in, uint32_t n, const char *name)
{
    tdag_dtype own = tdag_builder_get_dtype(b, in[0]);
    for (uint32_t i = 0; i < n; i++)
        if (!tdag_dtype_is_float(own) || tdag_builder_get_dtype(b, in[i]) != own) {
            tdagi_builder_fail(b, TDAG_E_DTYPE,
                               "%s takes floating numbers of one dtype", name);
            return false;
        }
    return true;
}

static bool read_formula(tdag_builder *b, const char *name,
                         const tdagi_formula_given *given, tdagi_formula *out)
{
    tdag_status st = tdagi_formula_read(b->ctx, name, given, out);
    if (st != TDAG_OK)
        tdagi_builder_fail(b, st, "%s", tdag_ctx_get_error(b->ctx)->message);
    return st == TDAG_OK;
}

static tdag_value lower_formula(tdag_builder *b, tdagi_composite id,
                                const tdag_value *in, uint32_t n, const void *spec)
{
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    tdagi_formula f;
    lowering l = {.b = b, .f = &f, .dtype = TDAG_F64};
    double number;
    if (!takes(b, in, n, row->name)) return TDAG_NO_VALUE;
    if (!read_formula(b, row->name, NULL, &f)) return TDAG_NO_VALUE;
    for (uint32_t i = 0; i < n; i++)
        l.outside[i] = tdagi_cast(b, in[i], TDAG_F64);
    tdag_value all = l.outside[0];
    for (uint32_t i = 1; i < n; i++)
        all = tdagi_add(b, all, l.outside[i]);
    if (tdagi_formula_number(row->def, spec, &number))
        l.outside[n] = tdag_add_scalar(b, TDAG_F64, number);
    tdag_value known = tdag_binary(b, TDAG_OP_EQUAL, all, all);
    tdag_value y = tdag_where(b, known, run(&l), all);
    return tdagi_cast(b, y, tdag_builder_get_dtype(b, in[0]));
}

const tdagi_composite_def tdagi_composite_formula = {.lower_formula = lower_formula};
const tdagi_composite_def tdagi_composite_order = {.spec_size =
                                                       sizeof(tdagi_order_spec),
                                                   .fields = order_fields,
                                                   .lower_formula = lower_formula};

/* ---- element by element, in the operands' own dtype ---- */

static void read_given(const tdagi_composite_def *def, const void *spec,
                       tdagi_formula_given *given)
{
    for (const tdagi_field *f = def->fields; f != NULL && f->name != NULL; f++)
        memcpy(&given->v[given->n++], (const char *)spec + f->offset, sizeof(double));
}

static tdag_value lower_plain(tdag_builder *b, tdagi_composite id, const tdag_value *in,
                              uint32_t n, const void *spec)
{
    const tdagi_composite_row *row = tdagi_composite_row_of(id);
    tdagi_formula f;
    tdagi_formula_given given = {.first = n};
    tdag_dtype own = tdag_builder_get_dtype(b, in[0]);
    lowering l = {.b = b, .f = &f, .dtype = tdagi_wide_dtype(own)};
    for (uint32_t i = 0; i < n; i++) {
        if (tdag_builder_get_dtype(b, in[i]) != own ||
            (own == TDAG_BOOL && row->def->fields != NULL))
            return tdagi_builder_fail(b, TDAG_E_DTYPE, "%s takes numbers of one dtype",
                                      row->name);
        l.outside[i] = tdagi_wide(b, in[i]);
    }
    read_given(row->def, spec, &given);
    const bool is_edge = given.n == 1; /* of a piece of the formula */
    if (given.n % 2 == 1 && !takes(b, in, n, row->name)) return TDAG_NO_VALUE;
    if (is_edge && !(n == 1 ? given.v[0] >= 0 : given.v[0] > 0))
        return tdagi_builder_fail(b, TDAG_E_ARG, "%s of a negative number", row->name);
    if (!read_formula(b, row->name, &given, &f)) return TDAG_NO_VALUE;
    return tdagi_cast(b, run(&l), own);
}

static const tdagi_field one_fields[] = {TDAGI_FIELD(tdagi_scalar_spec, value, F64),
                                         {0}};
static const tdagi_field three_fields[] = {
    TDAGI_FIELD(tdagi_nan_to_num_spec, nan, F64),
    TDAGI_FIELD(tdagi_nan_to_num_spec, posinf, F64),
    TDAGI_FIELD(tdagi_nan_to_num_spec, neginf, F64),
    {0}};
const tdagi_composite_def tdagi_composite_plain = {.lower_formula = lower_plain};
const tdagi_composite_def tdagi_composite_plain1 = {.spec_size =
                                                        sizeof(tdagi_scalar_spec),
                                                    .fields = one_fields,
                                                    .lower_formula = lower_plain};
const tdagi_composite_def tdagi_composite_plain3 = {.spec_size =
                                                        sizeof(tdagi_nan_to_num_spec),
                                                    .fields = three_fields,
                                                    .lower_formula = lower_plain};
static const tdagi_field two_fields[] = {
    TDAGI_FIELD(tdagi_threshold_spec, threshold, F64),
    TDAGI_FIELD(tdagi_threshold_spec, value, F64),
    {0}};
const tdagi_composite_def tdagi_composite_plain2 = {.spec_size =
                                                        sizeof(tdagi_threshold_spec),
                                                    .fields = two_fields,
                                                    .lower_formula = lower_plain};
