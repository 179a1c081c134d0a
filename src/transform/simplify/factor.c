/* See factor.h. */
#include "transform/simplify/factor.h"

#include <string.h>

#include "ops/movement/index.h"

typedef struct numbers {
    int64_t v[TDAG_MAX_RANK];
} numbers;

static tdag_list list(uint32_t n, const numbers *x) { return (tdag_list){n, x->v}; }

tdag_status tdagi_factor_apply(tdagi_factors *f, tdag_op op, const void *spec,
                               uint32_t n, const tdag_tensor *const *in,
                               tdag_tensor **out)
{
    const tdagi_opdef *def = tdagi_op_row_of((uint32_t)op)->def;
    tdagi_type types[3], type;
    tdag_tensor *t = NULL;
    if (n > 3 || def->eval == NULL)
        return tdagi_fail(f->ctx, TDAG_E_UNSUPPORTED, "%s cannot be folded",
                          tdag_op_name(op));
    for (uint32_t i = 0; i < n; i++) {
        types[i].dtype = in[i]->dtype;
        types[i].rank = in[i]->rank;
        memcpy(types[i].shape, in[i]->shape, in[i]->rank * sizeof(int64_t));
    }
    memset(&type, 0, sizeof(type));
    const tdagi_shape_call shape = {f->ctx, f->pool, spec, n, types, &type};
    TDAGI_TRY(def->shape(&shape));
    TDAGI_TRY(tdagi_check_type(f->ctx, f->pool, &type));
    TDAGI_TRY(tdag_tensor_create(f->ctx, type.dtype, type.rank, type.shape, &t));
    const tdagi_eval_call call = {f->ctx, spec, n, in, t};
    tdag_status st = def->eval(&call);
    if (st == TDAG_OK)
        *out = t;
    else
        tdag_tensor_free(t);
    return st;
}

static void free_shared(void *user) { tdag_tensor_free(user); }

tdag_status tdagi_factor_reshape(tdagi_factors *f, const tdag_tensor *t, uint32_t rank,
                                 const int64_t *shape, tdag_tensor **out)
{
    tdag_tensor *shared = tdag_tensor_copy(t);
    tdag_status st = tdag_tensor_wrap(f->ctx, t->dtype, rank, shape, shared->data,
                                      free_shared, shared, out);
    if (st != TDAG_OK) tdag_tensor_free(shared);
    return st;
}

tdag_status tdagi_factor_of(tdagi_factors *f, const tdag_tensor *t,
                            const tdagi_type *value, tdag_tensor **out)
{
    int64_t shape[TDAG_MAX_RANK];
    *out = NULL;
    if (t->rank > value->rank) return TDAG_OK;
    uint32_t more = value->rank - t->rank;
    for (uint32_t i = 0; i < value->rank; i++) {
        shape[i] = i < more ? 1 : t->shape[i - more];
        if (shape[i] != 1 && shape[i] != value->shape[i]) return TDAG_OK;
    }
    return tdagi_factor_reshape(f, t, value->rank, shape, out);
}

/* ---- along an index map ---- */

/* From a factor of one end of a step to one of the other. */
typedef struct way {
    const tdagi_step *s;
    const tdag_tensor *t;         /* the factor */
    bool up;                      /* from x to the result */
    int64_t shape[TDAG_MAX_RANK]; /* of the factor that it becomes */
} way;

/* The step's map; where its op has none, the axes stay. */
static void map_of(const tdagi_step *s, tdagi_index_map *map)
{
    uint32_t op = (uint32_t)s->op;
    map->n = 0;
    map->pad = NULL;
    if (tdagi_op_row_of(op)->def->index != NULL)
        tdagi_op_index(op, &(tdagi_index_call){s->spec, s->x->rank, s->result->rank},
                       map);
    else
        for (uint32_t i = 0; i < s->x->rank; i++)
            tdagi_index_add(map, i, i);
}

/* Whether the factor varies along the axes of a piece. */
static bool varies(const way *w, const tdagi_piece *p)
{
    uint32_t first = w->up ? p->in : p->out, n = w->up ? p->n_in : p->n_out;
    for (uint32_t i = 0; i < n; i++)
        if (w->t->shape[first + i] != 1) return true;
    return false;
}

static bool are_numbers(const tdag_dim *dims, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        if (dims[i] < 0) return false;
    return true;
}

/* Whether a factor that varies along the piece's axes has a place at its other end. */
static bool follows(const way *w, const tdagi_piece *p)
{
    const tdag_dim *in = w->s->x->shape, *out = w->s->result->shape;
    if (!are_numbers(in + p->in, p->n_in) || !are_numbers(out + p->out, p->n_out))
        return false;
    if (p->kind == TDAGI_PIECE_DIGITS || tdagi_piece_is_whole(p, in, out)) return true;
    return w->up && p->stride != 0 && p->start >= 0;
}

/* The dims of the new factor: its value's where the old one varies, else ones. Only the
 * pieces along which it varies stay in the map. */
static bool turn(way *w, tdagi_index_map *map)
{
    const tdag_dim *to = w->up ? w->s->result->shape : w->s->x->shape;
    uint32_t kept = 0;
    for (uint32_t k = 0; k < map->n; k++) {
        const tdagi_piece p = map->pieces[k];
        uint32_t first = w->up ? p.out : p.in, n = w->up ? p.n_out : p.n_in;
        bool some = varies(w, &p);
        if (some && !follows(w, &p)) return false;
        for (uint32_t i = 0; i < n; i++)
            w->shape[first + i] = some ? to[first + i] : 1;
        if (some) map->pieces[kept++] = p;
    }
    map->n = kept;
    return true;
}

/* Strides of a side whose dims may be 1 where its value's are not. */
static void side_strides(const tdag_tensor *t, int64_t *stride)
{
    tdagi_strides(t, stride);
    for (uint32_t i = 0; i < t->rank; i++)
        if (t->shape[i] == 1) stride[i] = 0;
}

static tdag_status carry(tdagi_factors *f, way *w, tdag_tensor **out)
{
    int64_t stride[2][TDAG_MAX_RANK];
    uint32_t rank = w->up ? w->s->result->rank : w->s->x->rank;
    tdag_tensor *to = NULL;
    tdagi_index_map map;
    tdagi_loop loop;
    map_of(w->s, &map);
    if (!turn(w, &map)) return TDAG_OK;
    if (rank == w->t->rank &&
        tdagi_index_is_identity(&map, w->s->x->shape, w->s->result->shape)) {
        *out = tdag_tensor_copy(w->t);
        return TDAG_OK;
    }
    TDAGI_TRY(tdag_tensor_create(f->ctx, w->t->dtype, rank, w->shape, &to));
    side_strides(w->up ? to : w->t, stride[0]);
    side_strides(w->up ? w->t : to, stride[1]);
    tdagi_loop_by_index(&loop, &map,
                        &(tdagi_index_side){!w->up, w->s->result->shape, stride[0]},
                        &(tdagi_index_side){w->up, w->s->x->shape, stride[1]});
    tdagi_loop_copy(&loop, to->data, w->t->data, tdag_dtype_size(to->dtype));
    *out = to;
    return TDAG_OK;
}

static bool is_sum(const tdagi_step *s)
{
    const tdag_reduce_spec *r = s->spec;
    return s->op == TDAG_OP_REDUCE &&
           (r->kind == TDAG_REDUCE_SUM || r->kind == TDAG_REDUCE_MEAN);
}

/* Zeroes, of either sign, around the value: they stay when it is scaled. */
static bool pads_with_number(const tdagi_step *s)
{
    const tdag_pad_spec *p = s->spec;
    return s->op == TDAG_OP_PAD && p->mode == TDAG_PAD_CONSTANT && p->value != 0;
}

tdag_status tdagi_factor_pull(tdagi_factors *f, const tdagi_step *s,
                              const tdag_tensor *t, tdag_tensor **out)
{
    way w = {.s = s, .t = t};
    *out = NULL;
    bool moves = tdagi_op_is_movement((uint32_t)s->op) || s->op == TDAG_OP_FOLD ||
                 s->op == TDAG_OP_NEG || is_sum(s);
    return moves && !pads_with_number(s) ? carry(f, &w, out) : TDAG_OK;
}

/* A factor may be anything where the padding is zero; a term has to be zero there, and
 * then it is no longer the same along the axis: refused. */
static tdag_status push_pad(tdagi_factors *f, const tdag_pad_spec *p,
                            const tdag_tensor *t, bool term, tdag_tensor **out)
{
    numbers before, after;
    for (uint32_t i = 0; i < t->rank; i++) {
        bool some = t->shape[i] != 1;
        bool pads = p->before.v[i] != 0 || p->after.v[i] != 0;
        if (some && (p->before.v[i] < 0 || p->after.v[i] < 0)) return TDAG_OK;
        if (pads && p->mode == TDAG_PAD_CONSTANT && (term || p->value != 0))
            return TDAG_OK;
        before.v[i] = some ? p->before.v[i] : 0;
        after.v[i] = some ? p->after.v[i] : 0;
    }
    const tdag_pad_spec around = {list(t->rank, &before), list(t->rank, &after),
                                  p->mode, 1};
    return tdagi_factor_apply(f, TDAG_OP_PAD, &around, 1, &t, out);
}

tdag_status tdagi_factor_push(tdagi_factors *f, const tdagi_step *s,
                              const tdag_tensor *t, bool term, tdag_tensor **out)
{
    way w = {.s = s, .t = t, .up = true};
    *out = NULL;
    if (s->op == TDAG_OP_PAD) return push_pad(f, s->spec, t, term, out);
    return tdagi_op_is_movement((uint32_t)s->op) ? carry(f, &w, out) : TDAG_OK;
}
