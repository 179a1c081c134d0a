/* Tensors as cells: reading a view anew after its memory was written, and writing
 * through a view by inverting each step up to the memory it shows. Strides are kept
 * only to know whether a reshape is a view, as PyTorch decides it. */
#include "aten/cell.h"

#include <string.h>

#include "aten/aten.h"
#include "aten/control/journal.h"
#include "base/tensor.h"
#include "derive/derive.h"

static tdagi_cell *new_cell(tdagi_env *env)
{
    tdagi_cell *t = tdagi_env_alloc(env, sizeof(*t));
    if (t == NULL) return NULL;
    memset(t, 0, sizeof(*t));
    t->root = t;
    t->born = env->epoch;
    return t;
}

tdagi_cell *tdagi_cell_new(tdagi_env *env, tdag_value v)
{
    if (v.id == 0) return NULL;
    tdagi_cell *t = new_cell(env);
    if (t != NULL) t->value = v;
    return t;
}

tdagi_cell *tdagi_cell_known_list(tdagi_env *env, tdag_dtype dtype, uint32_t n,
                                  const tdagi_any *numbers)
{
    tdagi_cell *t = new_cell(env);
    tdagi_any *known = tdagi_env_alloc(env, n * sizeof(*known));
    if (t == NULL || known == NULL) return NULL;
    if (n > 0) memcpy(known, numbers, n * sizeof(*known));
    t->known = known;
    t->dtype = dtype;
    t->n_known = n;
    t->known_rank = 1;
    return t;
}

tdagi_cell *tdagi_cell_known(tdagi_env *env, tdag_dtype dtype, tdagi_any number)
{
    tdagi_cell *t = tdagi_cell_known_list(env, dtype, 1, &number);
    if (t != NULL) t->known_rank = 0;
    return t;
}

#define KNOWN_MAX 16 /* elements of a constant that may serve as sizes */

tdagi_cell *tdagi_cell_of_constant(tdagi_env *env, const tdag_tensor *t)
{
    bool is_float = tdag_dtype_is_float(t->dtype);
    if (t->rank > 1 || t->count > KNOWN_MAX || (is_float && t->rank > 0) ||
        t->count == 0)
        return NULL;
    tdagi_any numbers[KNOWN_MAX];
    for (int64_t i = 0; i < t->count; i++)
        numbers[i] = is_float ? tdagi_any_float(tdagi_tensor_get_f64(t, i))
                     : t->dtype == TDAG_BOOL
                         ? tdagi_any_bool(tdagi_tensor_get_i64(t, i) != 0)
                         : tdagi_any_int(env, tdagi_tensor_get_i64(t, i));
    if (t->rank == 0) return tdagi_cell_known(env, t->dtype, numbers[0]);
    return tdagi_cell_known_list(env, t->dtype, (uint32_t)t->count, numbers);
}

/* ---- types ---- */

tdag_dtype tdagi_cell_dtype(tdagi_env *env, tdagi_cell *t)
{
    if (t->value.id == 0) return t->dtype;
    return tdag_builder_get_dtype(env->b, t->value);
}

uint32_t tdagi_cell_rank(tdagi_env *env, tdagi_cell *t)
{
    if (t->value.id == 0) return t->known_rank;
    return tdag_builder_get_rank(env->b, t->value);
}

const tdag_dim *tdagi_cell_shape(tdagi_env *env, tdagi_cell *t)
{
    if (t->value.id != 0) return tdag_builder_get_shape(env->b, t->value);
    tdag_dim *n = tdagi_env_alloc(env, sizeof(*n));
    if (n != NULL) *n = t->n_known;
    return n;
}

tdag_dim tdagi_cell_dim(tdagi_env *env, tdagi_cell *t, uint32_t axis)
{
    if (t->value.id == 0) return t->n_known;
    return tdag_builder_get_shape(env->b, t->value)[axis];
}

const tdagi_any *tdagi_cell_number(tdagi_cell *t)
{
    if (t == NULL || (t->parent != NULL && t->generation != t->root->writes))
        return NULL;
    return t->known != NULL && t->known_rank == 0 ? t->known : NULL;
}

tdagi_any tdagi_any_known(tdagi_any v)
{
    const tdagi_any *known =
        v.kind == TDAGI_ANY_TENSOR ? tdagi_cell_number(v.u.tensor) : NULL;
    return known != NULL ? *known : v;
}

/* ---- strides ---- */

static tdag_dim *row_major(tdagi_env *env, uint32_t rank, const tdag_dim *shape)
{
    tdag_dim *s = tdagi_env_alloc(env, rank * sizeof(*s));
    tdag_dim step = 1;
    for (uint32_t i = rank; s != NULL && i-- > 0;) {
        s[i] = step;
        step = tdagi_dim_mul(env->pool, step, shape[i]);
    }
    return s;
}

bool tdagi_cell_is_contiguous(tdagi_env *env, tdagi_cell *t)
{
    if (t->strides == NULL) return true;
    uint32_t rank = tdagi_cell_rank(env, t);
    const tdag_dim *shape = tdagi_cell_shape(env, t);
    tdag_dim step = 1;
    for (uint32_t i = rank; i-- > 0;) {
        if (shape[i] == 0) return true;
        if (shape[i] == 1) continue;
        if (t->strides[i] != step) return false;
        step = tdagi_dim_mul(env->pool, step, shape[i]);
    }
    return true;
}

/* The strides of a reshaped view, NULL where it needs a copy: runs of axes whose memory
 * is one block are matched with runs of new axes of the same product. */
static tdag_dim *view_strides(tdagi_env *env, tdagi_cell *t, uint32_t rank,
                              const tdag_dim *shape)
{
    uint32_t old_rank = tdagi_cell_rank(env, t);
    const tdag_dim *old = tdagi_cell_shape(env, t);
    tdag_dim *out = tdagi_env_alloc(env, rank * sizeof(*out));
    if (out == NULL) return NULL;
    int64_t at = (int64_t)rank - 1;
    tdag_dim block = 1, placed = 1, base = 1;
    bool open = false;
    for (uint32_t i = old_rank; i-- > 0;) {
        if (!open) base = t->strides[i];
        open = true;
        block = tdagi_dim_mul(env->pool, block, old[i]);
        bool joins =
            i > 0 && (old[i - 1] == 1 ||
                      t->strides[i - 1] == tdagi_dim_mul(env->pool, block, base));
        if (joins) continue;
        while (at >= 0 && (placed != block || shape[at] == 1)) {
            out[at] = tdagi_dim_mul(env->pool, placed, base);
            placed = tdagi_dim_mul(env->pool, placed, shape[at]);
            if (tdagi_dim_sample(env->pool, placed) >
                tdagi_dim_sample(env->pool, block))
                return NULL;
            at--;
        }
        if (placed != block) return NULL;
        block = placed = 1;
        open = false;
    }
    for (; at >= 0; at--)
        out[at] = 1;
    return out;
}

bool tdagi_cell_can_view(tdagi_env *env, tdagi_cell *t, uint32_t rank,
                         const tdag_dim *shape)
{
    return tdagi_cell_is_contiguous(env, t) ||
           view_strides(env, t, rank, shape) != NULL;
}

static void set_strides(tdagi_env *env, tdagi_cell *t, tdagi_cell *of)
{
    const tdagi_view_step *w = &t->view;
    uint32_t rank = tdagi_cell_rank(env, t), old_rank = tdagi_cell_rank(env, of);
    const tdag_dim *shape = tdagi_cell_shape(env, t);
    bool reshapes = w->kind == TDAGI_VIEW_RESHAPE || w->kind == TDAGI_VIEW_SQUEEZE ||
                    w->kind == TDAGI_VIEW_UNSQUEEZE;
    bool same = w->kind == TDAGI_VIEW_ALIAS || w->kind == TDAGI_VIEW_NEGATIVE;
    if (same) t->strides = of->strides;
    if (same || w->kind == TDAGI_VIEW_PAIR || (reshapes && of->strides == NULL)) return;
    if (reshapes) {
        t->strides = view_strides(env, t->parent, rank, shape);
        return;
    }
    const tdag_dim *old = of->strides;
    if (old == NULL) old = row_major(env, old_rank, tdagi_cell_shape(env, of));
    tdag_dim *s = tdagi_env_alloc(env, rank * sizeof(*s));
    if (s == NULL || old == NULL) return;
    for (uint32_t i = 0; i < rank; i++) {
        uint32_t from = i;
        if (w->kind == TDAGI_VIEW_PERMUTE) from = (uint32_t)w->dims.v[i];
        if (w->kind == TDAGI_VIEW_SELECT && i >= w->axis) from = i + 1;
        if (w->kind == TDAGI_VIEW_EXPAND) {
            uint32_t added = rank - old_rank;
            from = i < added ? 0 : i - added;
            bool grows = i < added || tdagi_cell_shape(env, of)[from] != shape[i];
            s[i] = grows || old_rank == 0 ? 0 : old[from];
            continue;
        }
        s[i] = old[from];
        if (w->kind == TDAGI_VIEW_SLICE && i == w->axis)
            s[i] = tdagi_dim_mul(env->pool, s[i], w->step);
    }
    t->strides = s;
}

/* ---- making views ---- */

static tdag_value join_halves(tdagi_env *env, tdag_value re, tdag_value im)
{
    tdag_value v[2] = {re, im};
    if (re.id == 0 || im.id == 0) return TDAG_NO_VALUE;
    return tdagi_stack(env->b, v, 2, tdag_builder_get_rank(env->b, re));
}

/* Axes that were put in just before are those that go. */
static tdag_value squeezed(tdagi_env *env, tdag_value x, const tdag_list *axes)
{
    if (axes->n == 0) return x;
    const tdagi_node *n = tdagi_graph_node(env->b->graph, x);
    const tdag_axes_spec spec = {*axes};
    bool undoes = n->op == TDAG_OP_UNSQUEEZE &&
                  tdagi_spec_equal(tdagi_node_def(n)->fields, n->u.spec, &spec);
    return undoes ? tdagi_node_inputs(n)[0] : tdag_squeeze(env->b, x, *axes);
}

static tdag_value apply(tdagi_env *env, const tdagi_view_step *w, tdag_value x)
{
    switch ((tdagi_view_kind)w->kind) {
    case TDAGI_VIEW_ALIAS:
        return x;
    case TDAGI_VIEW_RESHAPE:
        return tdagi_reshape(env->b, x, w->dims.n, w->dims.v);
    case TDAGI_VIEW_PERMUTE:
        return tdag_permute(env->b, x, w->dims);
    case TDAGI_VIEW_SLICE:
        return w->step == 1
                   ? tdagi_slice_below(env->b, x, w->axis, w->start, w->end)
                   : tdagi_stride1(env->b, x, w->axis, w->start, w->end, w->step);
    case TDAGI_VIEW_SELECT:
        return tdagi_select1(env->b, x, w->axis, w->start);
    case TDAGI_VIEW_SQUEEZE:
        return squeezed(env, x, &w->dims);
    case TDAGI_VIEW_UNSQUEEZE:
        return tdagi_unsqueeze1(env->b, x, w->axis);
    case TDAGI_VIEW_EXPAND:
        return tdagi_expand(env->b, x, w->dims.n, w->dims.v);
    case TDAGI_VIEW_NEGATIVE:
        return tdag_unary(env->b, TDAG_OP_NEG, x);
    case TDAGI_VIEW_PAIR:
        return join_halves(env, x, tdagi_cell_read(env, w->other));
    case TDAGI_VIEW_MADE:
        return w->make(env->b, w, x);
    }
    return TDAG_NO_VALUE;
}

static void adopt(tdagi_cell *parent, tdagi_cell *t)
{
    t->parent = parent;
    t->root = parent->root;
    t->generation = parent->root->writes;
    t->sibling = parent->children;
    t->held = &parent->children;
    if (t->sibling != NULL) t->sibling->held = &t->sibling;
    parent->children = t;
}

static tdagi_cell *attach(tdagi_env *env, tdagi_cell *of, const tdagi_view_step *view,
                          tdag_value v)
{
    tdagi_cell *t = tdagi_cell_new(env, v);
    if (t == NULL) return NULL;
    t->view = *view;
    adopt(of, t);
    return t;
}

/* Elements of a known list without making a node. */
static tdagi_cell *known_view(tdagi_env *env, tdagi_cell *of, const tdagi_view_step *w)
{
    int64_t start = 0, end = 0;
    if (of->known == NULL || of->value.id != 0 || of->known_rank != 1) return NULL;
    if (!tdagi_dim_is_const(env->pool, w->start, &start)) return NULL;
    tdagi_cell *t = NULL;
    if (w->kind == TDAGI_VIEW_SELECT && start < of->n_known)
        t = tdagi_cell_known(env, of->dtype, of->known[start]);
    if (w->kind == TDAGI_VIEW_SLICE && w->step == 1 &&
        tdagi_dim_is_const(env->pool, w->end, &end) && start < end &&
        end <= of->n_known)
        t = tdagi_cell_known_list(env, of->dtype, (uint32_t)(end - start),
                                  of->known + start);
    if (t == NULL) return NULL;
    t->view = *w;
    adopt(of, t);
    return t;
}

tdagi_cell *tdagi_cell_view(tdagi_env *env, tdagi_cell *of, const tdagi_view_step *view)
{
    tdagi_cell *known = known_view(env, of, view);
    if (known != NULL) return known;
    tdag_value x = tdagi_cell_read(env, of);
    if (x.id == 0) return NULL;
    tdagi_view_step w = *view;
    if (w.dims.n > 0) {
        int64_t *dims = tdagi_env_alloc(env, w.dims.n * sizeof(*dims));
        if (dims == NULL) return NULL;
        memcpy(dims, w.dims.v, w.dims.n * sizeof(*dims));
        w.dims.v = dims;
    }
    tdagi_cell *t = attach(env, of, &w, apply(env, &w, x));
    if (t == NULL) return NULL;
    set_strides(env, t, of);
    if (w.kind != TDAGI_VIEW_ALIAS) return t;
    t->known = of->known;
    t->dtype = of->dtype;
    t->known_rank = of->known_rank;
    t->n_known = of->n_known;
    t->is_literal = of->is_literal;
    return t;
}

tdagi_cell *tdagi_cell_made(tdagi_env *env, tdagi_cell *of, const tdagi_view_step *view)
{
    tdag_value x = tdagi_cell_read(env, of);
    tdagi_view_step w = *view;
    int64_t *dims = tdagi_env_alloc(env, w.dims.n * sizeof(*dims));
    if (dims == NULL || x.id == 0) return NULL;
    if (w.dims.n > 0) memcpy(dims, w.dims.v, w.dims.n * sizeof(*dims));
    w.dims.v = dims;
    w.kind = TDAGI_VIEW_MADE;
    return attach(env, of, &w, apply(env, &w, x));
}

/* ---- complex tensors ---- */

tdagi_any tdagi_cell_complex(tdagi_env *env, tdagi_cell *re, tdagi_cell *im)
{
    (void)env;
    if (re == NULL || im == NULL) return tdagi_any_poison();
    if (re->parent == NULL && im->parent == NULL) im->root = re->root;
    re->imag = im;
    return (tdagi_any){.kind = TDAGI_ANY_COMPLEX, .u.tensor = re};
}

static tdagi_cell *half_of(tdagi_env *env, tdagi_cell *pairs, int64_t which)
{
    uint32_t axis = tdagi_cell_rank(env, pairs) - 1;
    tdagi_view_step w = {.kind = TDAGI_VIEW_SELECT, .axis = axis, .start = which};
    tdagi_cell *t = tdagi_cell_view(env, pairs, &w);
    if (t != NULL && tdagi_cell_is_contiguous(env, pairs)) t->strides = NULL;
    return t;
}

tdagi_any tdagi_cell_of_pairs(tdagi_env *env, tdagi_cell *pairs)
{
    if (pairs == NULL || tdagi_cell_rank(env, pairs) == 0) return tdagi_any_poison();
    tdagi_cell *re = half_of(env, pairs, 0);
    return tdagi_cell_complex(env, re, half_of(env, pairs, 1));
}

/* Whether t is that half of pairs, as half_of() made it. */
static bool is_half(tdagi_env *env, const tdagi_cell *t, int64_t which)
{
    return t->parent != NULL && t->view.kind == TDAGI_VIEW_SELECT &&
           t->view.start == which &&
           t->view.axis + 1 == tdagi_cell_rank(env, t->parent) &&
           tdagi_cell_dim(env, t->parent, t->view.axis) == 2;
}

tdagi_cell *tdagi_cell_pairs(tdagi_env *env, tdagi_cell *re)
{
    tdagi_cell *im = re->imag;
    tdagi_view_step w = {.kind = TDAGI_VIEW_ALIAS};
    if (re->parent != NULL && re->parent == im->parent && is_half(env, re, 0) &&
        is_half(env, im, 1))
        return tdagi_cell_view(env, re->parent, &w);
    w.kind = TDAGI_VIEW_PAIR;
    w.other = im;
    return tdagi_cell_view(env, re, &w);
}

/* The object t stays, as variables and lists hold it; what it was becomes a cell of its
 * own, which its views and t show. The root stays, too, which counts writes. */
void tdagi_cell_become(tdagi_env *env, tdagi_cell *t, tdagi_cell *v)
{
    if (tdagi_journal_refuses(env, t->born, "the shape of a tensor")) return;
    tdagi_cell *was = tdagi_env_alloc(env, sizeof(*was));
    if (was == NULL) return;
    *was = *t;
    if (was->held != NULL) *was->held = was;
    if (was->sibling != NULL) was->sibling->held = &was->sibling;
    if (was->children != NULL) was->children->held = &was->children;
    for (tdagi_cell *c = was->children; c != NULL; c = c->sibling)
        c->parent = was;
    t->children = NULL;
    t->value = v->value;
    t->view = v->view;
    t->strides = v->strides;
    t->known = NULL;
    t->is_literal = false;
    tdagi_cell *root = t->root;
    adopt(was, t);
    t->root = root;
}

/* ---- reading ---- */

static tdag_value known_scalar(tdagi_env *env, tdag_dtype dtype, tdagi_any x)
{
    int64_t i;
    if (x.kind == TDAGI_ANY_INT && !tdagi_dim_is_const(env->pool, x.u.i, &i))
        return tdagi_dim_scalar(env->b, x.u.i, dtype);
    if (x.assumed && x.how != 0 && env->computed != NULL)
        return tdagi_cast(env->b, env->computed(env, x.how, dtype), dtype);
    if (x.assumed)
        return tdagi_builder_fail(env->b, TDAG_E_UNSUPPORTED,
                                  "a number computed from a symbolic size is used as "
                                  "data; give that dim a fixed size");
    if (x.kind == TDAGI_ANY_FLOAT) return tdag_add_scalar(env->b, dtype, x.u.f);
    tdag_tensor *t = NULL;
    if (tdag_builder_get_status(env->b) != TDAG_OK) return TDAG_NO_VALUE;
    tdag_status st = tdag_tensor_create(env->ctx, dtype, 0, NULL, &t);
    if (st != TDAG_OK) {
        if (tdagi_env_ok(env)) env->status = st;
        return TDAG_NO_VALUE;
    }
    if (!tdagi_any_const_int(env, x, &i)) i = 0;
    tdagi_tensor_set_i64(t, 0, i);
    tdag_value v = tdag_add_tensor(env->b, TDAG_OP_CONSTANT, NULL, t);
    tdag_tensor_free(t);
    return v;
}

/* Makes the node of known numbers: one constant, or a stack of formulas. */
static tdag_value materialise(tdagi_env *env, tdagi_cell *t)
{
    if (t->known_rank == 0) return known_scalar(env, t->dtype, t->known[0]);
    bool constant = true;
    int64_t i, n = t->n_known;
    for (uint32_t k = 0; k < t->n_known; k++)
        constant = constant && !t->known[k].assumed &&
                   (t->known[k].kind == TDAGI_ANY_FLOAT ||
                    tdagi_any_const_int(env, t->known[k], &i));
    if (!constant) {
        tdag_value *v = tdagi_env_alloc(env, t->n_known * sizeof(*v));
        for (uint32_t k = 0; v != NULL && k < t->n_known; k++)
            v[k] = known_scalar(env, t->dtype, t->known[k]);
        return v == NULL ? TDAG_NO_VALUE : tdagi_stack(env->b, v, t->n_known, 0);
    }
    tdag_tensor *data = NULL;
    tdag_status st = tdag_tensor_create(env->ctx, t->dtype, 1, &n, &data);
    if (st != TDAG_OK) {
        if (tdagi_env_ok(env)) env->status = st;
        return TDAG_NO_VALUE;
    }
    for (int64_t k = 0; k < n; k++) {
        if (t->known[k].kind == TDAGI_ANY_FLOAT)
            tdagi_tensor_set_f64(data, k, t->known[k].u.f);
        else if (tdagi_any_const_int(env, t->known[k], &i))
            tdagi_tensor_set_i64(data, k, i);
    }
    tdag_value v = tdag_add_tensor(env->b, TDAG_OP_CONSTANT, NULL, data);
    tdag_tensor_free(data);
    return v;
}

tdag_value tdagi_cell_read(tdagi_env *env, tdagi_cell *t)
{
    if (t == NULL || !tdagi_env_ok(env)) return TDAG_NO_VALUE;
    const tdagi_any why = {.kind = TDAGI_ANY_POISON, .u.issue = t->root->spoilt};
    tdagi_env_note_poison(env, &why);
    if (t->parent != NULL && t->generation != t->root->writes) {
        tdag_value x = tdagi_cell_read(env, t->parent);
        t->value = apply(env, &t->view, x);
        t->generation = t->root->writes;
        t->known = NULL;
    } else if (t->value.id == 0 && t->known != NULL) {
        t->value = materialise(env, t);
    }
    return t->value;
}

/* ---- writing ---- */

/* What `whole` becomes when what view w shows of it becomes v. */
static tdag_value invert(tdagi_env *env, const tdagi_view_step *w, tdag_value whole,
                         tdag_value v)
{
    uint32_t rank = tdag_builder_get_rank(env->b, whole);
    const tdag_dim *shape = tdag_builder_get_shape(env->b, whole);
    int64_t order[TDAG_MAX_RANK];
    tdag_dim count, copy[TDAG_MAX_RANK];
    tdag_value at;
    if (rank > 0) memcpy(copy, shape, rank * sizeof(*copy));
    switch ((tdagi_view_kind)w->kind) {
    case TDAGI_VIEW_ALIAS:
        return v;
    case TDAGI_VIEW_NEGATIVE:
        return tdag_unary(env->b, TDAG_OP_NEG, v);
    case TDAGI_VIEW_PAIR:
        return tdagi_select1(env->b, v, rank, 0);
    case TDAGI_VIEW_RESHAPE:
    case TDAGI_VIEW_SQUEEZE:
    case TDAGI_VIEW_UNSQUEEZE:
        return tdagi_reshape(env->b, v, rank, shape);
    case TDAGI_VIEW_PERMUTE:
        for (uint32_t i = 0; i < w->dims.n; i++)
            order[w->dims.v[i]] = i;
        return tdag_permute(env->b, v, (tdag_list){w->dims.n, order});
    case TDAGI_VIEW_SLICE:
        return tdagi_slice_assign(env->b, whole, w->axis, w->start, w->end, w->step, v);
    case TDAGI_VIEW_SELECT:
        return tdagi_slice_assign(env->b, whole, w->axis, w->start,
                                  tdag_dim_add(env->b, w->start, 1), 1,
                                  tdagi_unsqueeze1(env->b, v, w->axis));
    case TDAGI_VIEW_MADE: /* made of positions it says where v belongs */
        count = tdagi_dim_product(env->pool, rank, shape);
        at = tdagi_reshape(env->b, tdag_iota(env->b, count, TDAG_I64), rank, shape);
        whole = tdagi_reshape(env->b, whole, 1, &count);
        v = tdag_scatter(env->b, whole, w->make(env->b, w, at), v, 0, TDAG_SCATTER_SET);
        return tdagi_reshape(env->b, v, rank, copy);
    case TDAGI_VIEW_EXPAND:
        break;
    }
    return tdagi_builder_fail(env->b, TDAG_E_UNSUPPORTED,
                              "it writes through a view that cannot be written");
}

typedef struct tdagi_seen {
    struct tdagi_seen *next;
    tdagi_cell *by;
    uint32_t epoch;
} tdagi_seen;

void tdagi_cell_seen(tdagi_env *env, tdagi_cell *of, tdagi_cell *by)
{
    tdagi_seen *s = tdagi_env_alloc(env, sizeof *s);
    if (s == NULL || of->root == by->root) return;
    *s = (tdagi_seen){of->root->seen, by->root, env->epoch};
    of->root->seen = s;
}

void tdagi_cell_show(tdagi_cell *t, tdagi_cell *of)
{
    if (t == NULL || of == NULL || of->root == t->root) return;
    for (int i = 0; i < 2; i++)
        if (t->root->shows[i] == NULL || t->root->shows[i] == of->root) {
            t->root->shows[i] = of->root;
            return;
        }
}

static void spoil(tdagi_env *env, tdagi_cell *root)
{
    if (root == NULL || root->spoilt != NULL) return;
    tdagi_journal_note(env, root);
    root->spoilt = tdagi_env_issue_if_used(
                       env, "a tensor after it was written in place by another name, "
                            "which it has where tensor data decides so")
                       .u.issue;
    for (int i = 0; i < 2 && root->spoilt != NULL; i++)
        spoil(env, root->shows[i]);
}

void tdagi_cell_write(tdagi_env *env, tdagi_cell *t, tdag_value v)
{
    if (v.id == 0 || !tdagi_env_ok(env)) return;
    if (t->parent != NULL) {
        tdag_value whole = tdagi_cell_read(env, t->parent);
        if (whole.id == 0) return;
        tdagi_cell_write(env, t->parent, invert(env, &t->view, whole, v));
        if (t->view.kind == TDAGI_VIEW_PAIR)
            tdagi_cell_write(env, t->view.other,
                             tdagi_select1(env->b, v, tdagi_cell_rank(env, t) - 1, 1));
    } else {
        if (env->journal != NULL && t->value.id == 0) tdagi_cell_read(env, t);
        tdagi_journal_note(env, t);
        if (t->is_in_list)
            tdagi_env_issue(env, "a tensor written in place after it was put into a "
                                 "list whose length a run tells");
        if (t->root->is_leaf && !t->root->was_written)
            t->root->writer = tdagi_env_where(env);
        for (int i = 0; i < 2; i++)
            spoil(env, t->shows[i]);
        for (const tdagi_seen *s = t->seen; s != NULL; s = s->next)
            if (!env->is_merging || s->epoch != env->epoch) /* it has what is put */
                spoil(env, s->by);
        t->root->was_written = true;
        t->root->writes++;
    }
    t->value = v;
    t->known = NULL;
    t->generation = t->root->writes;
}
