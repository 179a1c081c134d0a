/* Reading the arguments of an operator by name, and making its results. */
#include <stdio.h>
#include <string.h>

#include "aten/aten.h"
#include "aten/control/statement.h"

static int32_t find(const tdagi_call *c, const char *name)
{
    for (uint32_t i = 0; i < c->schema->n_args && i < c->n; i++)
        if (*c->schema->args[i].name == *name &&
            strcmp(c->schema->args[i].name, name) == 0)
            return (int32_t)i;
    uint32_t i = strcmp(name, "other") == 0; /* of numbers they are called a and b */
    bool is_number = c->schema->n_args > i && c->n > i &&
                     strlen(c->schema->args[i].name) == 1 &&
                     (i == 1 || strcmp(name, "self") == 0);
    return is_number ? (int32_t)i : -1;
}

bool tdagi_has(const tdagi_call *c, const char *name)
{
    int32_t i = find(c, name);
    return i >= 0 && c->args[i].kind != TDAGI_ANY_NONE;
}

tdagi_any tdagi_arg(tdagi_call *c, const char *name)
{
    int32_t i = find(c, name);
    if (i < 0) return tdagi_any_none();
    if (i < 64) c->read |= (uint64_t)1 << i;
    return c->args[i];
}

void tdagi_ignore(tdagi_call *c, const char *name) { tdagi_arg(c, name); }

void tdagi_replace_arg(tdagi_call *c, const char *name, tdagi_any by)
{
    int32_t i = find(c, name);
    tdagi_any *args = tdagi_env_alloc(c->env, (c->n + 1u) * sizeof(*args));
    if (args == NULL || i < 0) return;
    memcpy(args, c->args, c->n * sizeof(*args));
    args[i] = by;
    c->args = args;
}

tdagi_any tdagi_refuse(tdagi_call *c, const char *name)
{
    c->bad = true;
    tdagi_any v = tdagi_arg(c, name);
    return tdagi_env_issue(c->env, "%s%s%s with %s = %s", c->schema->name,
                           *c->schema->overload ? "." : "", c->schema->overload, name,
                           tdagi_any_text(c->env, v));
}

tdagi_any tdagi_refuse_open(tdagi_call *c)
{
    c->bad = true;
    return tdagi_env_issue(
        c->env, "%s, which a symbolic size decides; give that dim a fixed size",
        tdagi_schema_name(c->env, c->schema));
}

tdagi_any tdagi_refuse_integers(tdagi_call *c)
{
    c->bad = true;
    return tdagi_env_issue(c->env, "%s: integers, which PyTorch rounds in its own way",
                           c->schema->name);
}

tdagi_any tdagi_call_fail(tdagi_call *c, tdag_status status, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tdagi_builder_fail(c->b, status, "%s", text);
    c->bad = true;
    return tdagi_any_poison();
}

/* ---- tensors ---- */

tdagi_cell *tdagi_arg_cell(tdagi_call *c, const char *name)
{
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind == TDAGI_ANY_DATA || tdagi_any_is_number(v))
        v = tdagi_number_tensor(c->env, v);
    if (v.kind == TDAGI_ANY_TENSOR) return v.u.tensor;
    tdagi_refuse(c, name);
    return NULL;
}

tdag_value tdagi_arg_tensor(tdagi_call *c, const char *name)
{
    tdagi_cell *t = tdagi_arg_cell(c, name);
    tdag_value v = t == NULL ? TDAG_NO_VALUE : tdagi_cell_read(c->env, t);
    c->bad |= v.id == 0;
    return v;
}

tdag_value tdagi_arg_optional(tdagi_call *c, const char *name)
{
    if (tdagi_has(c, name)) return tdagi_arg_tensor(c, name);
    tdagi_ignore(c, name);
    return TDAG_NO_VALUE;
}

tdag_list tdagi_arg_tensors(tdagi_call *c, const char *name, const tdag_value **out)
{
    tdagi_any v = tdagi_arg(c, name);
    tdag_list none = {0, NULL};
    *out = NULL;
    if (!tdagi_any_is_seq(v)) {
        tdagi_refuse(c, name);
        return none;
    }
    tdag_value *values = tdagi_env_alloc(c->env, v.u.seq->n * sizeof(*values));
    if (values == NULL) {
        c->bad = true;
        return none;
    }
    for (uint32_t i = 0; i < v.u.seq->n; i++) {
        if (!tdagi_any_is_tensor(v.u.seq->v[i])) {
            tdagi_refuse(c, name);
            return none;
        }
        values[i] = tdagi_cell_read(c->env, v.u.seq->v[i].u.tensor);
        c->bad |= values[i].id == 0;
    }
    *out = values;
    return (tdag_list){v.u.seq->n, NULL};
}

tdag_value *tdagi_arg_promoted(tdagi_call *c, const char *name, tdag_list *n_out,
                               const tdag_value **out, tdag_dtype *dtype_out)
{
    tdag_list n = tdagi_arg_tensors(c, name, out);
    tdagi_any list = tdagi_arg(c, name);
    tdag_value *room = tdagi_env_alloc(c->env, n.n * sizeof(*room));
    c->bad |= room == NULL;
    if (c->bad) return NULL;
    *dtype_out = tdagi_result_type(c, n.n, list.u.seq->v);
    *n_out = n;
    return room;
}

/* ---- numbers ---- */

tdagi_any tdagi_as_size(tdagi_call *c, tdagi_any v, tdag_dim most)
{
    v = tdagi_any_evaluated(c->env, v);
    bool is_tensor =
        v.kind == TDAGI_ANY_TENSOR && tdagi_cell_rank(c->env, v.u.tensor) == 0;
    if (c->env->outline == NULL || !(is_tensor || v.kind == TDAGI_ANY_DATA)) return v;
    tdag_dtype d = tdagi_cell_dtype(c->env, v.u.tensor);
    if (tdag_dtype_is_float(d) || d == TDAG_BOOL) return v;
    tdag_value n = tdagi_cast(c->b, tdagi_cell_read(c->env, v.u.tensor), TDAG_I64);
    tdag_dim size = tdagi_size_add(c->env, n, most);
    return size == TDAGI_DIM_BAD ? tdagi_any_poison() : tdagi_any_dim(size);
}

/* A number where one is due; a rank-0 tensor that is known serves. */
static tdagi_any number(tdagi_call *c, const char *name, tdagi_any v)
{
    v = tdagi_any_evaluated(c->env, v);
    if (!tdagi_any_is_number(v)) tdagi_refuse(c, name);
    return v;
}

tdag_dim tdagi_arg_dim(tdagi_call *c, const char *name, tdag_dim when_none)
{
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind == TDAGI_ANY_NONE) return when_none;
    v = number(c, name, tdagi_as_size(c, v, TDAGI_DIM_BAD));
    if (v.kind == TDAGI_ANY_BOOL) return v.u.b;
    if (v.kind == TDAGI_ANY_INT) return v.u.i;
    if (v.kind == TDAGI_ANY_FLOAT && !v.assumed && v.u.f > -1e15 && v.u.f < 1e15 &&
        v.u.f == (double)(int64_t)v.u.f)
        return tdagi_any_int(c->env, (int64_t)v.u.f).u.i;
    if (!c->bad) tdagi_refuse(c, name);
    return 0;
}

int64_t tdagi_arg_int(tdagi_call *c, const char *name, int64_t when_none)
{
    if (!tdagi_has(c, name)) {
        tdagi_ignore(c, name);
        return when_none;
    }
    int64_t i = 0;
    tdag_dim d = tdagi_arg_dim(c, name, 0);
    if (!c->bad && !tdagi_dim_is_const(c->env->pool, d, &i)) tdagi_refuse(c, name);
    return i;
}

double tdagi_arg_float(tdagi_call *c, const char *name, double when_none)
{
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind == TDAGI_ANY_NONE) return when_none;
    v = number(c, name, v);
    if (v.kind == TDAGI_ANY_FLOAT && !v.assumed) return v.u.f;
    int64_t i = 0;
    if (tdagi_any_const_int(c->env, v, &i)) return (double)i;
    if (!c->bad) tdagi_refuse(c, name);
    return 0;
}

double tdagi_arg_item(tdagi_call *c, const char *name, uint32_t i)
{
    tdagi_any v = tdagi_arg(c, name);
    if (tdagi_any_is_seq(v) && i < v.u.seq->n) {
        v = tdagi_any_evaluated(c->env, v.u.seq->v[i]);
        int64_t k;
        if (v.kind == TDAGI_ANY_FLOAT && !v.assumed) return v.u.f;
        if (tdagi_any_const_int(c->env, v, &k)) return (double)k;
    }
    tdagi_refuse(c, name);
    return 0;
}

bool tdagi_arg_bool(tdagi_call *c, const char *name, bool when_none)
{
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind == TDAGI_ANY_NONE) return when_none;
    v = number(c, name, v);
    int64_t i = 0;
    if (v.assumed || !tdagi_any_const_int(c->env, v, &i)) {
        if (!c->bad) tdagi_refuse(c, name);
    }
    return i != 0;
}

const char *tdagi_arg_string(tdagi_call *c, const char *name)
{
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind == TDAGI_ANY_NONE) return "";
    if (v.kind == TDAGI_ANY_STRING) return v.u.s;
    tdagi_refuse(c, name);
    return "";
}

tdag_dtype tdagi_arg_dtype(tdagi_call *c, const char *name)
{
    tdagi_any v = tdagi_arg(c, name);
    int64_t i = 0;
    if (v.kind == TDAGI_ANY_NONE) return TDAG_DTYPE_NONE;
    tdag_dtype d = tdagi_any_const_int(c->env, v, &i) ? tdagi_dtype_of_scalar_type(i)
                                                      : TDAG_DTYPE_NONE;
    if (d == TDAG_DTYPE_NONE) tdagi_refuse(c, name);
    return d;
}

/* ---- lists of numbers ---- */

tdag_list tdagi_list_copy(tdagi_call *c, uint32_t n, const int64_t *v)
{
    int64_t *p = tdagi_env_alloc(c->env, n * sizeof(*p));
    if (p == NULL) {
        c->bad = true;
        return (tdag_list){0, NULL};
    }
    if (n > 0) memcpy(p, v, n * sizeof(*p));
    return (tdag_list){n, p};
}

tdag_list tdagi_list_of(tdagi_call *c, uint32_t n, int64_t each)
{
    int64_t *p = tdagi_env_alloc(c->env, n * sizeof(*p));
    for (uint32_t i = 0; p != NULL && i < n; i++)
        p[i] = each;
    c->bad |= p == NULL;
    return (tdag_list){p == NULL ? 0 : n, p};
}

tdag_list tdagi_arg_dims(tdagi_call *c, const char *name)
{
    tdag_list none = {0, NULL};
    tdagi_any v = tdagi_arg(c, name);
    if (v.kind == TDAGI_ANY_NONE) return none;
    const tdagi_any *items = tdagi_any_is_seq(v) ? v.u.seq->v : &v;
    uint32_t n = tdagi_any_is_seq(v) ? v.u.seq->n : 1;
    int64_t *out = tdagi_env_alloc(c->env, n * sizeof(*out));
    for (uint32_t i = 0; out != NULL && i < n; i++) {
        tdagi_any x = tdagi_as_size(c, items[i], TDAGI_DIM_BAD);
        if (x.kind != TDAGI_ANY_INT && x.kind != TDAGI_ANY_BOOL) {
            tdagi_refuse(c, name);
            return none;
        }
        out[i] = x.kind == TDAGI_ANY_BOOL ? x.u.b : x.u.i;
    }
    c->bad |= out == NULL;
    return (tdag_list){out == NULL ? 0 : n, out};
}

tdag_list tdagi_arg_ints(tdagi_call *c, const char *name)
{
    tdag_list dims = tdagi_arg_dims(c, name);
    int64_t *out = tdagi_env_alloc(c->env, dims.n * sizeof(*out));
    for (uint32_t i = 0; out != NULL && i < dims.n; i++)
        if (!tdagi_dim_is_const(c->env->pool, dims.v[i], &out[i])) {
            tdagi_refuse(c, name);
            return (tdag_list){0, NULL};
        }
    c->bad |= out == NULL;
    return (tdag_list){out == NULL ? 0 : dims.n, out};
}

/* The numbers that a tensor is known to hold. */
static bool known_numbers(tdagi_env *env, const tdagi_cell *t, tdag_list *out)
{
    if (t->known == NULL || t->known_rank != 1) return false;
    int64_t *n = tdagi_env_alloc(env, t->n_known * sizeof(*n));
    for (uint32_t i = 0; n != NULL && i < t->n_known; i++)
        if (!tdagi_any_const_int(env, t->known[i], &n[i])) return false;
    *out = (tdag_list){t->n_known, n};
    return n != NULL;
}

bool tdagi_arg_known_lengths(tdagi_call *c, const char *name, tdag_list *out)
{
    tdagi_any v = tdagi_arg(c, name);
    if (!tdagi_any_is_tensor(v)) {
        *out = tdagi_arg_ints(c, name);
        return !c->bad;
    }
    if (known_numbers(c->env, v.u.tensor, out)) return true;
    tdag_value x = tdagi_arg_tensor(c, name);
    return !c->bad && !tdag_dtype_is_float(tdagi_dtype(c, x)) &&
           tdagi_evaluated_ints(c->env, x, out);
}

bool tdagi_arg_lengths(tdagi_call *c, const char *name, tdag_list *out)
{
    if (tdagi_arg_known_lengths(c, name, out)) return true;
    if (!c->bad)
        tdagi_env_issue(c->env, "%s: %s that depend on tensor data", c->schema->name,
                        name);
    return c->bad = true, false;
}

tdag_list tdagi_arg_spatial(tdagi_call *c, const char *name, uint32_t want,
                            int64_t when_empty)
{
    tdag_list l = tdagi_arg_ints(c, name);
    if (l.n == want) return l;
    if (l.n == 0) return tdagi_list_of(c, want, when_empty);
    if (l.n == 1) return tdagi_list_of(c, want, l.v[0]);
    tdagi_refuse(c, name);
    return tdagi_list_of(c, want, when_empty);
}

/* ---- axes ---- */

uint32_t tdagi_wrap_axis(tdagi_call *c, int64_t axis, uint32_t rank)
{
    int64_t n = rank == 0 ? 1 : rank;
    if (axis < -n || axis >= n) {
        if (!c->bad)
            tdagi_call_fail(c, TDAG_E_SHAPE,
                            "there is no axis %lld in a tensor of rank %u",
                            (long long)axis, (unsigned)rank);
        return 0;
    }
    return (uint32_t)(axis < 0 ? axis + n : axis);
}

uint32_t tdagi_arg_axis(tdagi_call *c, const char *name, uint32_t rank)
{
    int64_t axis = tdagi_arg_int(c, name, 0);
    return tdagi_wrap_axis(c, axis, rank);
}

tdag_list tdagi_arg_axes(tdagi_call *c, const char *name, uint32_t rank)
{
    tdag_list l = tdagi_arg_ints(c, name);
    bool used[TDAG_MAX_RANK + 1] = {false};
    int64_t axes[TDAG_MAX_RANK];
    uint32_t n = 0;
    for (uint32_t i = 0; i < l.n; i++) {
        uint32_t axis = tdagi_wrap_axis(c, l.v[i], rank);
        if (used[axis] && !c->bad)
            tdagi_call_fail(c, TDAG_E_SHAPE, "axis %u is named twice", (unsigned)axis);
        used[axis] = true;
    }
    for (uint32_t i = 0; i < rank; i++)
        if (used[i] || l.n == 0) axes[n++] = i;
    return tdagi_list_copy(c, n, axes);
}

/* ---- results and shapes ---- */

tdagi_any tdagi_result(tdagi_call *c, tdag_value v)
{
    return tdagi_any_tensor(tdagi_cell_new(c->env, v));
}

tdagi_any tdagi_results(tdagi_call *c, uint32_t n, const tdag_value *v)
{
    tdagi_any out = tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 0, NULL);
    for (uint32_t i = 0; i < n && out.kind == TDAGI_ANY_TUPLE; i++)
        tdagi_seq_append(c->env, out.u.seq, tdagi_result(c, v[i]));
    return out;
}

/* More items to what is computed, to as many as the operator has. */
static tdagi_any with_others(tdagi_call *c, tdagi_any out, uint32_t n)
{
    tdagi_any other = tdagi_env_issue_if_used(
        c->env,
        n == 1 ? "%s, of which a result other than the first is used"
               : "%s, of which a result that is not computed is used",
        tdagi_schema_name(c->env, c->schema));
    for (uint32_t i = n; i < c->schema->n_results && out.kind == TDAGI_ANY_TUPLE; i++)
        tdagi_seq_append(c->env, out.u.seq, other);
    return out;
}

tdagi_any tdagi_first_results(tdagi_call *c, uint32_t n, const tdag_value *v)
{
    if (c->schema->n_results < 2) return tdagi_result(c, v[0]);
    if (n > c->schema->n_results) n = c->schema->n_results;
    return with_others(c, tdagi_results(c, n, v), n);
}

tdagi_any tdagi_first_result(tdagi_call *c, tdagi_any first)
{
    if (c->schema->n_results < 2) return first;
    return with_others(c, tdagi_any_seq(c->env, TDAGI_ANY_TUPLE, 1, &first), 1);
}

tdagi_any tdagi_view(tdagi_call *c, tdagi_cell *of, const tdagi_view_step *view)
{
    return tdagi_any_tensor(tdagi_cell_view(c->env, of, view));
}

tdagi_any tdagi_same(tdagi_cell *t) { return tdagi_any_tensor(t); }

tdag_dim tdagi_dim(const tdagi_call *c, tdag_value v, uint32_t axis)
{
    return axis < tdagi_rank(c, v) ? tdagi_shape(c, v)[axis] : 1;
}

bool tdagi_same_shape(const tdagi_call *c, tdag_value v, uint32_t rank,
                      const tdag_dim *shape)
{
    if (tdagi_rank(c, v) != rank) return false;
    for (uint32_t i = 0; i < rank; i++)
        if (tdagi_shape(c, v)[i] != shape[i]) return false;
    return true;
}
