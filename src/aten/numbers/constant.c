/* Numbers of tensors that depend on weights and constants alone: where a number has to
 * be known, such a tensor is evaluated by the reference engine. What it may cost is
 * bounded: MOST_NODES nodes of MOST_ELEMENTS elements each; beyond, and where an
 * evaluation fails, the number is one that depends on data. */
#include <stdlib.h>
#include <string.h>

#include "aten/cell.h"
#include "aten/env.h"
#include "base/tensor.h"
#include "run/run.h"

#define MOST_NODES    256
#define MOST_ELEMENTS (1 << 20)

typedef struct work {
    tdagi_env *env;
    const tdag_graph *g;
    uint32_t n;
    uint32_t ids[MOST_NODES];        /* ascending when they are evaluated */
    tdag_tensor *values[MOST_NODES]; /* a reference each */
} work;

static bool is_fixed_spec(const tdagi_node *n)
{
    const tdagi_field *f = tdagi_node_def(n)->fields;
    for (; f != NULL && f->kind != TDAGI_FIELD_END; f++) {
        if (!tdagi_field_has_dims(f)) continue;
        tdag_list dims = tdagi_field_numbers(f, n->u.spec);
        for (uint32_t i = 0; i < dims.n; i++)
            if (dims.v[i] < 0) return false;
    }
    return true;
}

/* A node that can be evaluated: without symbols, and of few elements. */
static bool is_small(const tdagi_node *n)
{
    uint64_t count = 1;
    for (uint32_t i = 0; i < n->rank; i++)
        if (n->shape[i] < 0 ||
            __builtin_mul_overflow(count, (uint64_t)n->shape[i], &count))
            return false;
    return count <= MOST_ELEMENTS;
}

static bool can_evaluate(const tdagi_node *n)
{
    if (!is_small(n)) return false;
    if (tdagi_op_holds_tensor(n->op)) return true;
    return tdagi_node_def(n)->eval != NULL && is_fixed_spec(n);
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static uint32_t place_of(const work *w, uint32_t id)
{
    uint32_t i = 0;
    while (i < w->n && w->ids[i] != id)
        i++;
    return i;
}

/* All that v depends on; false: an input of the model, a size, or too much. */
static bool collect(work *w, tdag_value v)
{
    w->n = 1;
    w->ids[0] = v.id;
    for (uint32_t i = 0; i < w->n; i++) {
        const tdagi_node *n = &w->g->nodes[w->ids[i]];
        if (!can_evaluate(n)) return false;
        for (uint32_t k = 0; k < n->n_inputs; k++) {
            uint32_t id = tdagi_node_inputs(n)[k].id;
            if (place_of(w, id) < w->n) continue;
            if (w->n == MOST_NODES) return false;
            w->ids[w->n++] = id;
        }
    }
    qsort(w->ids, w->n, sizeof(w->ids[0]), by_number); /* operands come first */
    return true;
}

/* Elements count as steps of the import, as they do where lists are walked. */
static bool step(work *w, const tdagi_node *n)
{
    uint64_t count = 1;
    for (uint32_t i = 0; i < n->rank; i++)
        count *= (uint64_t)n->shape[i];
    return tdagi_env_step(w->env, 1 + count / 16);
}

static tdag_status evaluate_node(work *w, uint32_t i)
{
    const tdagi_node *n = &w->g->nodes[w->ids[i]];
    if (!step(w, n)) return w->env->status;
    const tdag_tensor *operands[MOST_NODES];
    if (tdagi_op_holds_tensor(n->op)) {
        w->values[i] = tdag_tensor_copy(n->u.tensor);
        return TDAG_OK;
    }
    if (n->n_inputs > MOST_NODES) return TDAG_E_LIMIT;
    for (uint32_t k = 0; k < n->n_inputs; k++)
        operands[k] = w->values[place_of(w, tdagi_node_inputs(n)[k].id)];
    return tdagi_eval_node(w->env->ctx, w->g, (tdag_value){w->ids[i]}, operands,
                           &w->values[i]);
}

/* The elements of v; NULL: they depend on more, or a failure. */
static tdag_tensor *evaluate(tdagi_env *env, tdag_value v)
{
    work *w = tdagi_env_alloc(env, sizeof(*w));
    if (w == NULL) return NULL;
    memset(w, 0, sizeof(*w));
    w->env = env;
    w->g = env->b->graph;
    if (!collect(w, v)) return NULL;
    tdag_status st = TDAG_OK;
    uint32_t done = 0;
    for (; done < w->n && st == TDAG_OK; done++)
        st = evaluate_node(w, done);
    tdag_tensor *out = st == TDAG_OK ? tdag_tensor_copy(w->values[w->n - 1]) : NULL;
    for (uint32_t i = 0; i < w->n; i++)
        tdag_tensor_free(w->values[i]);
    if (st == TDAG_E_NOMEM || st == TDAG_E_STOPPED)
        tdagi_env_fail_here(env, st, "a number");
    return out;
}

/* Element i as a number of that letter. */
static tdagi_any element(tdagi_env *env, const tdag_tensor *t, int64_t i, char letter)
{
    return letter == 'f'   ? tdagi_any_float(tdagi_tensor_get_f64(t, i))
           : letter == 'b' ? tdagi_any_bool(tdagi_tensor_get_i64(t, i) != 0)
                           : tdagi_any_int(env, tdagi_tensor_get_i64(t, i));
}

bool tdagi_evaluated_ints(tdagi_env *env, tdag_value v, tdag_list *out)
{
    tdag_tensor *t = v.id == 0 ? NULL : evaluate(env, v);
    if (t == NULL) return false;
    int64_t *n = tdagi_env_alloc(env, (size_t)t->count * sizeof(*n));
    for (int64_t i = 0; n != NULL && i < t->count; i++)
        n[i] = tdagi_tensor_get_i64(t, i);
    *out = (tdag_list){n == NULL ? 0 : (uint32_t)t->count, n};
    tdag_tensor_free(t);
    return n != NULL;
}

static char letter_of(tdag_dtype d)
{
    return tdag_dtype_is_float(d) ? 'f' : d == TDAG_BOOL ? 'b' : 'i';
}

tdagi_any tdagi_any_evaluated(tdagi_env *env, tdagi_any v)
{
    v = tdagi_any_known(v);
    if (!tdagi_any_is_tensor(v) || !tdagi_env_ok(env)) return v;
    if (tdagi_cell_rank(env, v.u.tensor) != 0) return v;
    tdag_value x = tdagi_cell_read(env, v.u.tensor);
    if (x.id == 0) return v;
    char letter = v.kind == TDAGI_ANY_DATA
                      ? v.letter
                      : letter_of(tdag_builder_get_dtype(env->b, x));
    tdag_tensor *t = evaluate(env, x);
    if (t == NULL) return v;
    v = element(env, t, 0, letter);
    tdag_tensor_free(t);
    return v;
}

/* Elements from *next on, as lists of the axes from `axis` on. */
static tdagi_any nested(tdagi_env *env, const tdag_tensor *t, uint32_t axis,
                        int64_t *next)
{
    if (axis == tdag_tensor_get_rank(t))
        return element(env, t, (*next)++, letter_of(tdag_tensor_get_dtype(t)));
    tdagi_any list = tdagi_any_seq(env, TDAGI_ANY_LIST, 0, NULL);
    if (list.kind != TDAGI_ANY_LIST) return list; /* no memory */
    for (int64_t i = 0; i < tdag_tensor_get_shape(t)[axis] && tdagi_env_step(env, 1);
         i++)
        tdagi_seq_append(env, list.u.seq, nested(env, t, axis + 1, next));
    return list;
}

bool tdagi_any_listed(tdagi_env *env, tdagi_any v, tdagi_any *out)
{
    int64_t next = 0;
    if (!tdagi_any_is_tensor(v) || !tdagi_env_ok(env)) return false;
    tdag_value x = tdagi_cell_read(env, v.u.tensor);
    tdag_tensor *t = x.id == 0 ? NULL : evaluate(env, x);
    if (t == NULL) return false;
    *out = nested(env, t, 0, &next);
    tdag_tensor_free(t);
    return tdagi_env_ok(env);
}
