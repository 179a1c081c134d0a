/* Inputs and outputs of a program: what the signature says each of them is. */
#include "aten/selection.h"
#include "pt2/read/import.h"

#include <string.h>

#include "aten/dtype.h"

/* ---- the user's inputs ---- */

/* The caller's spec of tensor input i of those of the user, NULL without any. */
static const tdag_input_spec *spec_of(tdagi_pt2 *im, const char *name, uint32_t i)
{
    if (im->n_inputs == 0) return NULL;
    if (!im->by_name) return &im->inputs[i];
    for (i = 0; im->inputs[i].name == NULL || strcmp(im->inputs[i].name, name) != 0;)
        i++;
    return &im->inputs[i];
}

static bool is_tensor_input(const tdagi_pt2_spec *s)
{
    return s->role == TDAGI_PT2_USER && s->arg.kind == TDAGI_PT2_VALUE &&
           s->arg.is_tensor;
}

static bool has_name(const tdagi_pt2 *im, const char *name)
{
    for (uint32_t i = 0; i < im->n_inputs; i++)
        if (im->inputs[i].name != NULL && strcmp(im->inputs[i].name, name) == 0)
            return true;
    return false;
}

/* The number of inputs that are given must be the program's; by name if all have those
 * of the program. */
static void match_inputs(tdagi_pt2 *im)
{
    uint32_t n = 0, named = 0;
    for (uint32_t i = 0; i < im->p.n_inputs; i++) {
        if (!is_tensor_input(&im->p.inputs[i])) continue;
        n++;
        named += has_name(im, im->p.inputs[i].arg.u.value->name);
    }
    im->by_name = named == n;
    if (im->n_inputs == 0 || im->n_inputs == n) return;
    tdagi_env_other_inputs(&im->env, "program", n, im->n_inputs);
}

/* The dtype of a tensor, or of the halves of a complex one. */
static tdag_dtype dtype_of(const tdagi_pt2_meta *meta, bool *is_complex_out)
{
    tdag_dtype part = tdagi_part_of_scalar_type(meta->scalar_type);
    *is_complex_out = part != TDAG_DTYPE_NONE;
    return *is_complex_out ? part : tdagi_dtype_of_scalar_type(meta->scalar_type);
}

/* dims: of the axes that the input has here, where pairs are the last one. */
static void check_given(tdagi_pt2 *im, const char *name, const tdagi_pt2_meta *meta,
                        const tdag_dim *dims, const tdag_input_spec *given)
{
    bool is_complex;
    tdag_dtype dtype = dtype_of(meta, &is_complex);
    uint32_t rank = meta->rank + is_complex;
    bool same = given->dtype == dtype && given->rank == rank;
    for (uint32_t i = 0; same && i < rank; i++)
        same = tdagi_dim_sample(im->env.pool, dims[i]) == given->shape[i];
    if (!same) tdagi_env_other_input(&im->env, "program", name, dtype, rank, dims);
}

static const char *refuse_input(const tdagi_pt2_meta *meta)
{
    if (meta->layout != 7) return "sparse";
    bool is_complex;
    if (dtype_of(meta, &is_complex) == TDAG_DTYPE_NONE)
        return "of a dtype that is not supported";
    return meta->rank + is_complex > TDAG_MAX_RANK ? "of too many axes" : NULL;
}

static bool meta_of_input(tdagi_pt2 *im, const tdagi_pt2_value *v, tdagi_pt2_meta *out)
{
    bool has = tdagi_pt2_meta_of(im, v, out);
    if (!has) tdagi_pt2_bad(im, "the type of the input %s is missing", v->name);
    if (!has || !tdagi_env_ok(&im->env)) return false;
    const char *why = refuse_input(out);
    if (why != NULL)
        tdagi_env_issue(&im->env, "the input %s, which is %s", v->name, why);
    return why == NULL;
}

/* Symbols of all inputs come first: a size may be an expression of another's. */
static void bind_inputs(tdagi_pt2 *im)
{
    tdagi_pt2_meta meta;
    for (int plain = 1; plain >= 0; plain--)
        for (uint32_t i = 0, k = 0; i < im->p.n_inputs && tdagi_env_ok(&im->env); i++) {
            const tdagi_pt2_spec *s = &im->p.inputs[i];
            if (!is_tensor_input(s)) continue;
            const tdag_input_spec *given = spec_of(im, s->arg.u.value->name, k++);
            if (!meta_of_input(im, s->arg.u.value, &meta)) continue;
            for (uint32_t a = 0; a < meta.rank; a++) {
                const char *e = meta.sizes[a].expression;
                bool is_plain = e != NULL && strncmp(e, "Symbol(", 7) == 0;
                bool is_complex;
                dtype_of(&meta, &is_complex);
                bool fits = given != NULL && given->rank == meta.rank + is_complex;
                if (e != NULL && is_plain == (plain == 1))
                    tdagi_pt2_bind(im, &meta.sizes[a], fits ? given : NULL, a);
            }
        }
}

static tdagi_any take_input(tdagi_pt2 *im, const tdagi_pt2_value *v,
                            const tdag_input_spec *given)
{
    tdagi_pt2_meta meta;
    tdag_dim dims[TDAG_MAX_RANK];
    if (!meta_of_input(im, v, &meta)) return tdagi_any_poison();
    for (uint32_t i = 0; i < meta.rank; i++)
        if (!tdagi_pt2_dim(im, &meta.sizes[i], &dims[i]))
            return tdagi_env_issue(&im->env, "the input %s of the size %.200s", v->name,
                                   meta.sizes[i].expression == NULL
                                       ? "below 0"
                                       : meta.sizes[i].expression);
    bool is_complex;
    tdag_dtype dtype = dtype_of(&meta, &is_complex);
    if (is_complex) dims[meta.rank] = 2;
    if (given != NULL) check_given(im, v->name, &meta, dims, given);
    if (!tdagi_env_ok(&im->env)) return tdagi_any_poison();
    tdag_value x = tdag_add_input(im->env.b, tdagi_env_name(&im->env, v->name), dtype,
                                  meta.rank + is_complex, dims);
    if (x.id == 0) {
        im->env.status = tdag_builder_get_status(im->env.b);
        return tdagi_any_poison();
    }
    tdagi_cell *t = tdagi_cell_new(&im->env, x);
    return is_complex ? tdagi_cell_of_pairs(&im->env, t) : tdagi_any_tensor(t);
}

static void take(tdagi_pt2 *im, const tdagi_pt2_spec *s, uint32_t *n_tensors)
{
    tdagi_any v = tdagi_any_none();
    if (s->role == TDAGI_PT2_LITERAL) return;
    if (s->role == TDAGI_PT2_UNKNOWN)
        tdagi_env_issue(&im->env, "an input of the kind %.80s", s->name);
    else if (s->arg.kind != TDAGI_PT2_VALUE)
        tdagi_pt2_bad(im, "an input of the signature has no name");
    else if (s->role != TDAGI_PT2_USER)
        v = tdagi_pt2_leaf(im, s);
    else if (!s->arg.is_tensor)
        v = tdagi_env_issue(&im->env, "the input %s, which is a number",
                            s->arg.u.value->name);
    else
        v = take_input(im, s->arg.u.value,
                       spec_of(im, s->arg.u.value->name, (*n_tensors)++));
    if (s->role != TDAGI_PT2_UNKNOWN && tdagi_env_ok(&im->env))
        tdagi_pt2_define(im, &s->arg, v);
}

/* ---- structure ---- */

/* Users and literals, in order, which structures arrange. */
static const tdagi_pt2_spec *of_user(tdagi_pt2 *im, const tdagi_pt2_spec *specs,
                                     uint32_t n, uint32_t *n_out)
{
    tdagi_pt2_spec *some = tdagi_env_alloc(&im->env, (n + 1) * sizeof(*some));
    *n_out = 0;
    for (uint32_t i = 0; i < n && some != NULL; i++)
        if (specs[i].role == TDAGI_PT2_USER || specs[i].role == TDAGI_PT2_LITERAL)
            some[(*n_out)++] = specs[i];
    return some;
}

/* False: it is no constant that structures hold. */
static bool add_constant(const tdagi_pt2_arg *arg, tdagi_structure_builder *to)
{
    switch ((tdagi_pt2_arg_kind)arg->kind) {
    case TDAGI_PT2_NONE:
        tdagi_structure_none(to);
        return true;
    case TDAGI_PT2_INT:
        tdagi_structure_int(to, arg->u.i);
        return true;
    case TDAGI_PT2_FLOAT:
        tdagi_structure_float(to, arg->u.f);
        return true;
    case TDAGI_PT2_BOOL:
        tdagi_structure_bool(to, arg->u.i != 0);
        return true;
    case TDAGI_PT2_STRING:
        tdagi_structure_string(to, arg->u.s);
        return true;
    case TDAGI_PT2_VALUE:
    case TDAGI_PT2_DEVICE:
    case TDAGI_PT2_DTYPE:
    case TDAGI_PT2_COMPLEX:
    case TDAGI_PT2_LAYOUT:
    case TDAGI_PT2_MEMORY_FORMAT:
    case TDAGI_PT2_LIST:
    case TDAGI_PT2_GRAPH:
    case TDAGI_PT2_OTHER:
        break;
    }
    tdagi_structure_none(to);
    return false;
}

static void input_leaf(tdagi_pt2 *im, const tdagi_pt2_spec *spec,
                       tdagi_structure_builder *to)
{
    if (is_tensor_input(spec))
        tdagi_structure_tensor(to);
    else if (!add_constant(&spec->arg, to) && spec->role == TDAGI_PT2_LITERAL)
        tdagi_env_issue(&im->env, "the argument %s, which no number or text is",
                        spec->name);
}

/* Specs describe the graph's inputs or outputs one by one. */
static bool agree(tdagi_pt2 *im, const tdagi_pt2_spec *specs, uint32_t n,
                  const tdagi_pt2_arg *args, uint32_t n_args, const char *what)
{
    bool same = n == n_args;
    for (uint32_t i = 0; same && i < n; i++) {
        bool named =
            specs[i].arg.kind == TDAGI_PT2_VALUE && specs[i].role != TDAGI_PT2_UNKNOWN;
        same = !named || (args[i].kind == TDAGI_PT2_VALUE &&
                          args[i].u.value == specs[i].arg.u.value);
    }
    if (!same) tdagi_pt2_bad(im, "the signature's %s are not those of the graph", what);
    return same;
}

void tdagi_pt2_take_inputs(tdagi_pt2 *im, tdagi_structure **structure_out)
{
    tdagi_pt2_program *p = &im->p;
    uint32_t n_tensors = 0, n_user = 0;
    if (!agree(im, p->inputs, p->n_inputs, p->graph->inputs, p->graph->n_inputs,
               "inputs"))
        return;
    match_inputs(im);
    if (tdagi_env_ok(&im->env)) bind_inputs(im);
    if (tdagi_env_ok(&im->env)) tdagi_pt2_check_ranges(im);
    for (uint32_t i = 0; i < p->n_inputs && tdagi_env_ok(&im->env); i++) {
        if (p->inputs[i].role == TDAGI_PT2_USER) tdag_builder_set_scope(im->env.b, "");
        take(im, &p->inputs[i], &n_tensors);
    }
    if (tdagi_env_ok(&im->env)) tdagi_pt2_other_leaves(im);
    tdag_builder_set_scope(im->env.b, "");
    const tdagi_pt2_spec *user = of_user(im, p->inputs, p->n_inputs, &n_user);
    if (tdagi_env_ok(&im->env))
        tdagi_pt2_describe(im, p->in, user, n_user, true, input_leaf, structure_out);
}

/* ---- outputs ---- */

/* What is no value that a structure holds; None stands for it. */
static void refuse_output(tdagi_pt2 *im, tdagi_any v, tdagi_structure_builder *to)
{
    tdagi_env *env = &im->env;
    tdagi_structure_none(to);
    if (v.kind != TDAGI_ANY_POISON)
        tdagi_env_issue(env, "an output that is %s", tdagi_any_text(env, v));
    else if (tdagi_env_note_poison(env, &v) && env->n_noted == 0)
        tdagi_env_issue(env, "an output that is not computed");
}

static void add_output(tdagi_pt2 *im, tdagi_any v, tdagi_structure_builder *to)
{
    int64_t i;
    v = tdagi_settled(&im->env, v);
    if (v.kind == TDAGI_ANY_DATA) v.kind = TDAGI_ANY_TENSOR;
    if (v.kind == TDAGI_ANY_COMPLEX) /* as pairs */
        v = tdagi_any_tensor(tdagi_cell_pairs(&im->env, v.u.tensor));
    if (v.kind == TDAGI_ANY_TENSOR) {
        tdag_builder_add_output(im->env.b, tdagi_cell_read(&im->env, v.u.tensor));
        tdagi_structure_tensor(to);
    } else if (v.kind == TDAGI_ANY_INT && tdagi_any_const_int(&im->env, v, &i)) {
        tdagi_structure_int(to, i);
    } else if (v.kind == TDAGI_ANY_FLOAT && !v.assumed) {
        tdagi_structure_float(to, v.u.f);
    } else if (v.kind == TDAGI_ANY_BOOL && !v.assumed) {
        tdagi_structure_bool(to, v.u.b);
    } else {
        refuse_output(im, v, to);
    }
}

static void output_leaf(tdagi_pt2 *im, const tdagi_pt2_spec *spec,
                        tdagi_structure_builder *to)
{
    if (spec->arg.kind == TDAGI_PT2_VALUE)
        add_output(im, tdagi_pt2_any(im, &spec->arg), to);
    else if (!add_constant(&spec->arg, to))
        tdagi_env_issue(&im->env, "an output that is no tensor, number or text");
}

static void check_mutation(tdagi_pt2 *im, const tdagi_pt2_spec *s)
{
    if (s->role == TDAGI_PT2_MUTATION)
        tdagi_env_issue(&im->env, "%s, which the program updates", s->name);
    if (s->role == TDAGI_PT2_UNKNOWN)
        tdagi_env_issue(&im->env, "an output of the kind %.80s", s->name);
}

void tdagi_pt2_give_outputs(tdagi_pt2 *im, tdagi_structure **structure_out)
{
    tdagi_pt2_program *p = &im->p;
    uint32_t n_user = 0;
    if (!agree(im, p->outputs, p->n_outputs, p->graph->outputs, p->graph->n_outputs,
               "outputs"))
        return;
    for (uint32_t i = 0; i < p->n_outputs; i++)
        check_mutation(im, &p->outputs[i]);
    const tdagi_pt2_spec *user = of_user(im, p->outputs, p->n_outputs, &n_user);
    if (tdagi_env_ok(&im->env))
        tdagi_pt2_describe(im, p->out, user, n_user, false, output_leaf, structure_out);
    tdag_status st = tdag_builder_get_status(im->env.b);
    if (st != TDAG_OK) tdagi_env_fail_here(&im->env, st, "the outputs");
}
