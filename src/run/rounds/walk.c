/* The plan's memory, and all rounds but the first. */
#include <string.h>

#include "run/native/plan.h"
#include "run/rounds/work.h"
#include "run/value.h"

/* ---- memory ---- */

/* What does not change, by as many rows as all have. */
static void repeat(const tdagi_rounds *w, uint32_t i, void *data)
{
    const int64_t n = w->places[i].n, shape[2] = {w->rows, n};
    tdagi_strided of, out = {.data = data, .dtype = w->dtype, .rank = 2};
    memcpy(out.shape, shape, sizeof shape);
    out.stride[0] = n;
    out.stride[1] = 1;
    tdagi_strided_wrap(&of, tdagi_round_constant(w, i));
    tdagi_strided all = tdagi_strided_broadcast(&of, 2, shape);
    tdagi_strided_copy(&all, &out);
    tdagi_strided_free(&of);
}

static tdag_status fill_places(tdagi_rounds *w)
{
    for (uint32_t i = 1; i <= w->r->n; i++) {
        tdagi_round_place *p = &w->places[i];
        const tdag_tensor *t = tdagi_round_given(w, i);
        void *data = NULL;
        const bool is_one =
            t != NULL && p->kind == TDAGI_ROUND_FIXED && t->count != w->rows * p->n;
        if (t != NULL) p->data = t->data;
        if ((t != NULL && !is_one) || p->kind == TDAGI_ROUND_UNKNOWN ||
            p->kind == TDAGI_ROUND_ROW || p->kind == TDAGI_ROUND_PART)
            continue;
        if (p->kind == TDAGI_ROUND_PRODUCT)
            TDAGI_TRY(tdagi_native_pack(w->f->ctx, &w->arena, w->kernels,
                                        tdagi_round_constant(w, p->weight),
                                        tdagi_round_constant(w, p->bias), &p->packed));
        TDAGI_TRY(tdagi_round_take(w, (size_t)w->rows * (size_t)p->n, w->size, &data));
        if (p->kind == TDAGI_ROUND_FIXED) repeat(w, i, data);
        p->data = p->own = data;
    }
    return TDAG_OK;
}

/* Carried tensors of our own: states as they are, lists with room. */
static tdag_status own(tdagi_rounds *w)
{
    for (uint32_t k = 0; k < w->loop->n_results; k++) {
        const tdag_tensor *t = w->now[k];
        int64_t shape[TDAG_MAX_RANK];
        memcpy(shape, t->shape, sizeof shape);
        if (w->used[k] != SIZE_MAX) {
            shape[0] += w->limit - 1;
            w->used[k] = t->size;
        }
        TDAGI_TRY(
            tdag_tensor_create(w->f->ctx, t->dtype, t->rank, shape, &w->owned[k]));
        memcpy(w->owned[k]->data, t->data, t->size);
        w->now[k] = w->owned[k];
        const tdagi_round_kind kind = w->places[w->results[k]].kind;
        void *staged = NULL;
        if (w->used[k] == SIZE_MAX &&
            (kind == TDAGI_ROUND_ROW || kind == TDAGI_ROUND_PART))
            TDAGI_TRY(tdagi_round_take(w, 1, t->size, &staged));
        w->staged[k] = staged;
    }
    return TDAG_OK;
}

/* ---- rounds ---- */

static void map(const tdagi_rounds *w, const tdagi_round_place *p)
{
    const tdagi_round_place *x = &w->places[p->in[0]], *y = &w->places[p->in[1]];
    const bool is_whole = x->stride == p->n && y->stride == p->n;
    const int64_t n = is_whole ? w->rows * p->n : p->n;
    for (int64_t r = 0; r < (is_whole ? 1 : w->rows); r++)
        w->kernels->maps[p->map](x->data + (size_t)(r * x->stride) * w->size,
                                 y->data + (size_t)(r * y->stride) * w->size,
                                 p->own + (size_t)(r * n) * w->size, n);
}

static void run_cell(const tdagi_rounds *w, const tdagi_round_place *p)
{
    const tdagi_round_place *gates = &w->places[p->in[0]],
                            *before = &w->places[p->in[1]];
    char *outer = w->places[p->second].own;
    for (int64_t r = 0; r < w->rows; r++)
        w->kernels->cell(gates->data + (size_t)(r * gates->stride) * w->size,
                         before->data + (size_t)(r * before->stride) * w->size,
                         p->own + (size_t)(r * p->n) * w->size,
                         outer + (size_t)(r * p->n) * w->size, p->n);
}

static void walk(const tdagi_rounds *w, int64_t round)
{
    for (uint32_t i = 1; i <= w->r->n; i++) {
        tdagi_round_place *p = &w->places[i];
        const tdagi_round_place *x = &w->places[p->in[0]], *y = &w->places[p->in[1]];
        switch (p->kind) {
        case TDAGI_ROUND_UNKNOWN:
        case TDAGI_ROUND_FIXED:
        case TDAGI_ROUND_SECOND:
            break;
        case TDAGI_ROUND_CELL:
            run_cell(w, p);
            break;
        case TDAGI_ROUND_ROW:
            p->data =
                x->data +
                (size_t)((p->first + p->factor * round) * w->rows * p->n) * w->size;
            break;
        case TDAGI_ROUND_PART:
            p->data = x->data + (size_t)p->offset * w->size;
            p->stride = x->stride;
            break;
        case TDAGI_ROUND_PRODUCT:
            w->kernels->product(
                &p->packed, w->rows, (tdagi_step_rows){x->data, x->stride},
                (tdagi_step_rows){p->in[1] == 0 ? NULL : y->data, y->stride}, p->own);
            break;
        case TDAGI_ROUND_MAP:
            map(w, p);
            break;
        }
    }
}

/* The bytes of a carried state, or of a list's new rows. */
static size_t bytes_of(const tdagi_rounds *w, uint32_t k)
{
    return (size_t)w->rows * (size_t)w->places[w->results[k]].n * w->size;
}

static void copy_result(const tdagi_rounds *w, uint32_t k, char *to)
{
    const tdagi_round_place *p = &w->places[w->results[k]];
    const size_t row = (size_t)p->n * w->size;
    for (int64_t r = 0; r < w->rows; r++)
        memcpy(to + (size_t)r * row, p->data + (size_t)(r * p->stride) * w->size, row);
}

/* What the round gives, to where the next one reads it: first what may be a part of a
 * state that changes. */
static void carry(const tdagi_rounds *w)
{
    for (uint32_t k = 0; k < w->loop->n_results; k++) {
        if (w->used[k] != SIZE_MAX) {
            copy_result(w, k, (char *)w->owned[k]->data + w->used[k]);
            w->used[k] += bytes_of(w, k);
        } else if (w->staged[k] != NULL) {
            copy_result(w, k, w->staged[k]);
        }
    }
    for (uint32_t k = 0; k < w->loop->n_results; k++)
        if (w->staged[k] != NULL)
            memcpy(w->owned[k]->data, w->staged[k], bytes_of(w, k));
        else if (w->used[k] == SIZE_MAX)
            copy_result(w, k, w->owned[k]->data);
}

tdag_status tdagi_round_run_all(tdagi_rounds *w)
{
    TDAGI_TRY(own(w));
    TDAGI_TRY(fill_places(w));
    for (int64_t i = 1; i < w->limit; i++) {
        TDAGI_TRY(tdagi_ask(w->f->ctx));
        walk(w, i);
        carry(w);
    }
    return TDAG_OK;
}
