/* Composites that are formulas, f32 and f64: the formula's program runs on blocks of
 * numbers, so that nothing but the result is as large as the operands. */
#include <math.h>
#include <string.h>

#include "derive/formula.h"
#include "run/native/native.h"

#define BLOCK 64

/* Numbers of the elements of a block. What is one number for all of them, as what a
 * sum's k alone says, is computed once. */
typedef struct lanes {
    bool uniform; /* v[0] stands for all */
    double v[BLOCK];
} lanes;

typedef struct machine {
    tdagi_formula f;
    lanes stack[TDAGI_FORMULA_DEPTH + 2];
    lanes registers[TDAGI_FORMULA_REGISTERS];
} machine;

static void set_number(lanes *l, double value)
{
    l->uniform = true;
    l->v[0] = value;
}

static void spread(lanes *l)
{
    for (int i = 1; i < BLOCK && l->uniform; i++)
        l->v[i] = l->v[0];
    l->uniform = false;
}

static void copy(lanes *to, const lanes *from)
{
    to->uniform = from->uniform;
    memcpy(to->v, from->v, (from->uniform ? 1 : BLOCK) * sizeof(double));
}

static const uint8_t operands_of[] = {
#define OPERANDS(id, text, n, lowered, value) n,
    TDAGI_FORMULA_FUNCTIONS(OPERANDS)
#undef OPERANDS
};

/* Takes its operands from the stack at `top`, where the result goes. */
static void apply(uint8_t code, lanes *top)
{
    int n = operands_of[code];
    bool uniform = true;
    for (int i = 0; i < n; i++)
        uniform = uniform && top[i].uniform;
    for (int i = 0; i < n && !uniform; i++)
        spread(&top[i]);
    double *v = top[0].v;
    const double *ys = top[1].v, *zs = top[2].v;
    n = uniform ? 1 : BLOCK;
    switch (code) {
#define APPLY(id, text, operands, lowered, value)                                      \
    case TDAGI_FORMULA_##id:                                                           \
        for (int i = 0; i < n; i++) {                                                  \
            double x = v[i], y = ys[i], z = zs[i];                                     \
            (void)y;                                                                   \
            (void)z;                                                                   \
            v[i] = (value);                                                            \
        }                                                                              \
        break;
        TDAGI_FORMULA_FUNCTIONS(APPLY)
#undef APPLY
    default:
        break;
    }
}

/* The result is stack[0]. A sum's stands below what is added to it. */
static void run(machine *m)
{
    const tdagi_formula *f = &m->f;
    uint32_t top = 0, start = 0;
    double k = 0, n = 0;
    for (uint32_t i = 0; i < f->n; i++) {
        uint8_t argument = f->argument[i];
        switch (f->code[i]) {
        case TDAGI_FORMULA_NUMBER:
            set_number(&m->stack[top++], f->number[argument]);
            break;
        case TDAGI_FORMULA_GET:
            copy(&m->stack[top++], &m->registers[argument]);
            break;
        case TDAGI_FORMULA_SET:
            copy(&m->registers[argument], &m->stack[--top]);
            break;
        case TDAGI_FORMULA_K:
            set_number(&m->stack[top++], k);
            break;
        case TDAGI_FORMULA_SUM:
            set_number(&m->stack[top++], 0);
            start = i;
            k = 0;
            n = argument;
            break;
        case TDAGI_FORMULA_END:
            top--;
            apply(TDAGI_FORMULA_ADD, &m->stack[top - 1]);
            if (++k < n) i = start;
            break;
        default:
            top -= operands_of[f->code[i]];
            apply(f->code[i], &m->stack[top++]);
        }
    }
    spread(&m->stack[0]);
}

static void load(tdag_dtype dtype, const void *from, int64_t stride, int64_t n,
                 lanes *to)
{
    to->uniform = false;
    for (int64_t i = 0; i < n; i++)
        to->v[i] = dtype == TDAG_F32 ? (double)((const float *)from)[i * stride]
                                     : ((const double *)from)[i * stride];
}

/* NaN stays, as in the lowering. */
static void store(tdag_dtype dtype, const machine *m, uint32_t n_in, int64_t stride,
                  int64_t n, void *to)
{
    for (int64_t i = 0; i < n; i++) {
        double all = m->registers[0].v[i], y;
        if (n_in > 1) all += m->registers[1].v[i];
        y = all == all ? m->stack[0].v[i] : all;
        if (dtype == TDAG_F32)
            ((float *)to)[i * stride] = (float)y;
        else
            ((double *)to)[i * stride] = y;
    }
}

static void run_rows(machine *m, tdag_dtype dtype, tdagi_rows *r)
{
    size_t size = tdag_dtype_size(dtype);
    uint32_t n_in = r->n - 1;
    for (int64_t row = 0; row < r->n_rows; row++, tdagi_rows_next(r))
        for (int64_t at = 0; at < r->length; at += BLOCK) {
            int64_t n = r->length - at < BLOCK ? r->length - at : BLOCK;
            for (uint32_t i = 0; i < n_in; i++)
                load(dtype, r->data[i] + at * r->stride[i] * (int64_t)size,
                     r->stride[i], n, &m->registers[i]);
            run(m);
            store(dtype, m, n_in, r->stride[n_in], n,
                  r->data[n_in] + at * r->stride[n_in] * (int64_t)size);
        }
}

tdag_status tdagi_native_formula(tdagi_native_call *c)
{
    const tdagi_kernel *k = c->kernel;
    tdag_dtype dtype = (tdag_dtype)k->dtype;
    c->handled = dtype == TDAG_F32 || dtype == TDAG_F64;
    if (!c->handled) return TDAG_OK;
    const tdagi_composite_row *row =
        tdagi_composite_row_of((tdagi_composite)k->composite);
    tdagi_strided operands[2], *list[3], out;
    void *room = NULL;
    double number;
    TDAGI_TRY(tdagi_alloc(c->native->ctx, sizeof(machine), &room));
    machine *m = room;
    memset(m->registers, 0, sizeof(m->registers));
    tdag_status st = tdagi_formula_read(c->native->ctx, row->name, NULL, &m->f);
    if (tdagi_formula_number(row->def, k->spec, &number))
        set_number(&m->registers[k->n_inputs], number);
    if (st == TDAG_OK) st = tdagi_native_result(c, &out);
    if (st == TDAG_OK) {
        for (uint32_t i = 0; i < k->n_inputs; i++) {
            operands[i] = tdagi_strided_broadcast(c->in[i], k->rank, k->shape);
            list[i] = &operands[i];
        }
        list[k->n_inputs] = &out;
        tdagi_rows r;
        tdagi_rows_start(&r, k->n_inputs + 1, list);
        run_rows(m, dtype, &r);
        *c->out = out;
    }
    tdagi_free(c->native->ctx, room, sizeof(machine));
    return st;
}
