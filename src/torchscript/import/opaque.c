/* Unknown operators kept as opaque nodes (TDAG_TORCH_OPAQUE). PyTorch tells the types
 * of the results: it is asked by tensors that have shapes and no elements, for which
 * its kernels compute shapes alone. An operator without such a kernel is run once on
 * sample tensors, but only if its schema says that it computes and does nothing else:
 * tensors and numbers go in, new tensors come out, no text, device or generator is
 * taken. The arguments become text in which $0, $1, ... stand for the node's inputs, so
 * that the exporter writes the call as it was.
 *
 * What would not mean the same afterwards stays an issue: operators that write into
 * their arguments or give views of them, results that are no tensors or whose sizes
 * depend on elements, arguments that depend on tensor data, and symbolic sizes, because
 * nobody knows how the results' shapes follow from them. */
#include <stdio.h>
#include <string.h>

#include "base/number_text.h"
#include "base/text.h"
#include "torchscript/import/import.h"

typedef struct opaque_call {
    tdagi_import *im;
    const tdag_shim_api *api; /* PyTorch, whoever reads the file */
    tdag_shim_session *session;
    const tdag_shim_schema *shim_schema;
    const tdagi_schema *schema;
    bool by_shape;                  /* tensors have no elements */
    const tdag_shim_value **values; /* by argument: what PyTorch is called with */
    tdag_value *inputs;
    uint32_t n_inputs, inputs_capacity;
    tdagi_text text; /* the arguments as they are written */
    const char *why; /* NULL, or what stops it */
} opaque_call;

/* The first reason is kept. */
static void stop(opaque_call *o, const char *why)
{
    if (o->why == NULL) o->why = why;
}

/* The first line of what PyTorch says. */
static const char *words_of(opaque_call *o, const tdag_shim_error *error)
{
    size_t n = strcspn(error->message, "\n");
    return tdagi_env_text(&o->im->env, "%.*s", (int)(n < 200 ? n : 200),
                          error->message);
}

static void stop_by_torch(opaque_call *o, const tdag_shim_error *error)
{
    stop(o, tdagi_env_text(&o->im->env, "PyTorch cannot tell its results: %s",
                           words_of(o, error)));
}

/* ---- sample tensors ---- */

/* Floats are scattered over [0, 1), larger on the diagonal of square matrices, so that
 * inverses and decompositions exist; integers are 0, which is an index of anything. */
static double sample_element(tdag_dtype dtype, uint32_t rank, const int64_t *shape,
                             int64_t i)
{
    if (dtype == TDAG_BOOL) return 1;
    if (!tdag_dtype_is_float(dtype)) return 0;
    double x = (double)((uint64_t)(i + 1) * 0x9E3779B97F4A7C15u >> 40) * 0x1p-24;
    if (rank < 2 || shape[rank - 1] != shape[rank - 2]) return x;
    int64_t n = shape[rank - 1], column = i % n, row = i / n % n;
    return row == column ? x + (double)n : x;
}

static tdag_tensor *sample_tensor(tdagi_import *im, const tdagi_node *n)
{
    tdag_tensor *t = NULL;
    if (tdagi_op_holds_tensor(n->op)) return tdag_tensor_copy(n->u.tensor);
    tdag_status st =
        tdag_tensor_create(im->env.ctx, (tdag_dtype)n->dtype, n->rank, n->shape, &t);
    if (st != TDAG_OK) {
        im->env.status = st;
        return NULL;
    }
    int64_t count = tdag_tensor_get_count(t);
    for (int64_t i = 0; i < count; i++)
        tdagi_tensor_set_f64(
            t, i, sample_element((tdag_dtype)n->dtype, n->rank, n->shape, i));
    return t;
}

static void add_input(opaque_call *o, tdag_value v)
{
    if (o->n_inputs == o->inputs_capacity) {
        uint32_t wider = o->inputs_capacity == 0 ? 8 : 2 * o->inputs_capacity;
        tdag_value *p = tdagi_env_alloc(&o->im->env, wider * sizeof(*p));
        if (p == NULL) return;
        if (o->n_inputs > 0) memcpy(p, o->inputs, o->n_inputs * sizeof(*p));
        o->inputs = p;
        o->inputs_capacity = wider;
    }
    o->inputs[o->n_inputs++] = v;
}

static const tdag_shim_value *make_tensor(opaque_call *o, const tdagi_node *n)
{
    const tdag_shim_value *made = NULL;
    tdag_shim_error error = {""};
    tdag_shim_tensor_spec spec = {
        .dtype = (tdag_dtype)n->dtype, .rank = n->rank, .sizes = n->shape};
    tdag_tensor *t = NULL;
    if (o->by_shape) {
        if (o->api->make_meta(o->session, &spec, &made, &error) != 0)
            stop_by_torch(o, &error);
        return made;
    }
    t = sample_tensor(o->im, n);
    if (t == NULL) return NULL;
    spec.sizes = t->shape;
    spec.data = t->data;
    if (o->api->make_tensor(o->session, &spec, &made, &error) != 0)
        stop_by_torch(o, &error);
    tdag_tensor_free(t);
    return made;
}

static const tdag_shim_value *take_tensor(opaque_call *o, tdagi_cell *cell)
{
    tdagi_import *im = o->im;
    tdag_value v = tdagi_cell_read(&im->env, cell);
    if (v.id == 0 || !tdagi_env_ok(&im->env)) return NULL;
    const tdagi_node *n = &im->env.b->graph->nodes[v.id];
    for (uint32_t i = 0; i < n->rank; i++)
        if (n->shape[i] < 0) {
            stop(o, "with a symbolic size");
            return NULL;
        }
    const tdag_shim_value *made = make_tensor(o, n);
    tdagi_text_printf(&o->text, "$%lu", (unsigned long)o->n_inputs);
    add_input(o, v);
    return made;
}

/* ---- other arguments ---- */

static void write_float(tdagi_text *text, double x)
{
    char digits[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_f64_literal(x, digits);
    tdagi_text_add(text, digits);
}

/* A literal without '$', which stands for inputs. */
static void write_string(tdagi_text *text, const char *s)
{
    tdagi_text_add(text, "\"");
    for (; *s != '\0'; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\' || c == '$' || c < 32 || c > 126)
            tdagi_text_printf(text, "\\%03o", (unsigned)c);
        else
            tdagi_text_add_bytes(text, s, 1);
    }
    tdagi_text_add(text, "\"");
}

/* "int" of "List[int]" and of "Optional[List[int]]"; NULL for what is no list. */
static const char *item_type(tdagi_import *im, const char *type)
{
    const char *list = strstr(type, "List[");
    if (list == NULL) return NULL;
    const char *start = list + strlen("List["), *end = start;
    for (int depth = 1; *end != '\0'; end++) {
        depth += *end == '[' ? 1 : *end == ']' ? -1 : 0;
        if (depth == 0) break;
    }
    return tdagi_env_text(&im->env, "%.*s", (int)(end - start), start);
}

static const tdag_shim_value *take(opaque_call *o, tdagi_any v, const char *type);

static const tdag_shim_value *take_list(opaque_call *o, const tdagi_seq *seq,
                                        const char *type)
{
    tdagi_import *im = o->im;
    const char *each = item_type(im, type);
    const tdag_shim_value **items =
        tdagi_env_alloc(&im->env, (seq->n + 1) * sizeof(*items));
    const tdag_shim_value *made = NULL;
    tdag_shim_error error = {""};
    if (items == NULL) return NULL;
    tdagi_text_add(&o->text, "[");
    for (uint32_t i = 0; i < seq->n; i++) {
        if (i > 0) tdagi_text_add(&o->text, ", ");
        items[i] = take(o, seq->v[i], each == NULL ? "" : each);
        if (items[i] == NULL) return NULL;
    }
    tdagi_text_add(&o->text, "]");
    if (o->api->make_list(o->session, each, seq->n, items, &made, &error) != 0)
        stop_by_torch(o, &error);
    return made;
}

/* Writes an argument and gives it as PyTorch's value; NULL after stop() or a failure.
 */
static const tdag_shim_value *take(opaque_call *o, tdagi_any v, const char *type)
{
    const tdag_shim_api *api = o->api;
    tdag_shim_session *session = o->session;
    int64_t number;
    switch ((tdagi_any_kind)v.kind) {
    case TDAGI_ANY_NONE:
        tdagi_text_add(&o->text, "None");
        return api->make_none(session);
    case TDAGI_ANY_TENSOR:
        return take_tensor(o, v.u.tensor);
    case TDAGI_ANY_INT:
        if (!tdagi_any_const_int(&o->im->env, v, &number)) break;
        tdagi_text_printf(&o->text, "%lld", (long long)number);
        return api->make_int(session, number);
    case TDAGI_ANY_FLOAT:
        if (v.assumed) break;
        write_float(&o->text, v.u.f);
        return api->make_double(session, v.u.f);
    case TDAGI_ANY_BOOL:
        if (v.assumed) break;
        tdagi_text_add(&o->text, v.u.b ? "True" : "False");
        return api->make_bool(session, v.u.b);
    case TDAGI_ANY_STRING:
        write_string(&o->text, v.u.s);
        return api->make_string(session, v.u.s);
    case TDAGI_ANY_LIST:
    case TDAGI_ANY_TUPLE:
        return take_list(o, v.u.seq, type);
    case TDAGI_ANY_POISON:
    case TDAGI_ANY_DATA:
    case TDAGI_ANY_DEVICE:
    case TDAGI_ANY_DICT:
    case TDAGI_ANY_NESTED:
    case TDAGI_ANY_OPTIONAL:
    case TDAGI_ANY_COMPLEX:
    case TDAGI_ANY_COMPLEX_NUMBER:
    case TDAGI_ANY_OBJECT:
    case TDAGI_ANY_FUNCTION:
    case TDAGI_ANY_OTHER:
        stop(o, "with an argument that cannot be written out");
        return NULL;
    }
    stop(o, "with a symbolic size");
    return NULL;
}

/* All arguments by position, those that have to be named by name. */
static bool take_arguments(opaque_call *o, const tdagi_any *args)
{
    const tdagi_schema *s = o->schema;
    bool first = true;
    tdagi_text_free(&o->text);
    o->n_inputs = 0;
    for (uint32_t i = 0; i < s->n_args && o->why == NULL; i++) {
        const tdagi_parameter *a = &s->args[i];
        if (a->is_written) stop(o, "which writes into an argument");
        bool left_out = a->keyword_only && (args[i].kind == TDAGI_ANY_NONE ||
                                            args[i].kind == TDAGI_ANY_DEVICE);
        if (left_out) {
            o->values[i] = o->api->make_none(o->session);
            continue;
        }
        if (!first) tdagi_text_add(&o->text, ", ");
        first = false;
        if (a->keyword_only) tdagi_text_printf(&o->text, "%s=", a->name);
        o->values[i] = take(o, args[i], a->type);
        if (o->values[i] == NULL) break;
    }
    return o->why == NULL && tdagi_env_ok(&o->im->env);
}

/* ---- results ---- */

/* One result as a node, or POISON after stop() or a failure. */
static tdagi_any result(opaque_call *o, const char *arguments, uint32_t i,
                        const tdag_shim_value *made)
{
    tdagi_import *im = o->im;
    tdag_shim_tensor info;
    tdag_shim_error error = {""};
    if (o->api->value_kind(made) != TDAG_SHIM_TENSOR) {
        stop(o, "which gives something that is no tensor");
        return tdagi_any_poison();
    }
    if (o->api->tensor_get(made, &info, &error) != 0) {
        stop_by_torch(o, &error);
        return tdagi_any_poison();
    }
    if (info.dtype == TDAG_DTYPE_NONE || info.rank > TDAG_MAX_RANK) {
        stop(o, tdagi_env_text(&im->env, "which gives a %s tensor of rank %u",
                               info.dtype_name, (unsigned)info.rank));
        return tdagi_any_poison();
    }
    tdag_opaque_spec spec = {.name = tdagi_schema_name(&im->env, o->schema),
                             .arguments = arguments,
                             .output = i,
                             .dtype = info.dtype,
                             .shape = {info.rank, info.sizes}};
    tdag_value v = tdag_add_node(im->env.b, TDAG_OP_OPAQUE, &spec, sizeof(spec),
                                 o->inputs, o->n_inputs);
    tdag_status st = tdag_builder_get_status(im->env.b);
    if (st != TDAG_OK) {
        tdagi_env_fail_here(&im->env, st, spec.name);
        return tdagi_any_poison();
    }
    return tdagi_any_tensor(tdagi_cell_new(&im->env, v));
}

static tdagi_any results(opaque_call *o, uint32_t n, const tdag_shim_value *const *made)
{
    tdagi_import *im = o->im;
    tdagi_any *out = tdagi_env_alloc(&im->env, (n + 1) * sizeof(*out));
    const char *arguments =
        tdagi_env_text(&im->env, "%s", o->text.data == NULL ? "" : o->text.data);
    if (out == NULL) return tdagi_any_poison();
    for (uint32_t i = 0; i < n && o->why == NULL && tdagi_env_ok(&im->env); i++)
        out[i] = result(o, arguments, i, made[i]);
    if (o->why != NULL || !tdagi_env_ok(&im->env)) return tdagi_any_poison();
    return n == 1 ? out[0] : tdagi_any_seq(&im->env, TDAGI_ANY_TUPLE, n, out);
}

/* ---- what may be asked, what may be run ---- */

/* Results may share memory with an argument: PyTorch says "Tensor(a)" then. */
static bool gives_views(const opaque_call *o)
{
    const char *text = o->api->schema_text(o->session, o->shim_schema);
    const char *results = text == NULL ? NULL : strstr(text, "->");
    return results != NULL && strstr(results, "Tensor(") != NULL;
}

/* Tensors and numbers, lists of them, and those that may be None. */
static bool is_plain_type(const char *type)
{
    static const char *const around[] = {"Optional[", "List["};
    static const char *const plain[] = {"Tensor", "int", "float", "bool", "number"};
    for (size_t i = 0; i < 2; i++)
        if (strncmp(type, around[i], strlen(around[i])) == 0)
            return is_plain_type(type + strlen(around[i]));
    size_t n = strcspn(type, "]");
    for (size_t i = 0; i < sizeof(plain) / sizeof(*plain); i++)
        if (strlen(plain[i]) == n && strncmp(type, plain[i], n) == 0) return true;
    return false;
}

/* Of an operator that may do more than compute: what it takes for that. */
static const char *impure(opaque_call *o)
{
    tdag_shim_arg a;
    for (uint32_t i = 0; i < o->api->schema_n_args(o->shim_schema); i++) {
        o->api->schema_arg(o->session, o->shim_schema, i, &a);
        if (!is_plain_type(a.type))
            return tdagi_env_text(&o->im->env, "its argument %s is of type %s", a.name,
                                  a.type);
    }
    return NULL;
}

static void refuse_unasked(opaque_call *o, uint32_t n_results)
{
    if (n_results == 0) stop(o, "which gives nothing");
    if (gives_views(o)) stop(o, "which gives a view of its argument");
    if (o->api->op_is_sized_by_data(o->shim_schema))
        stop(o, "whose results have sizes that depend on tensor data");
}

static tdagi_any call(opaque_call *o, const tdagi_any *args, uint32_t n_results)
{
    tdag_shim_error error = {""}, first = {""};
    const tdag_shim_value **made =
        tdagi_env_alloc(&o->im->env, (n_results + 1) * sizeof(*made));
    if (made == NULL || !take_arguments(o, args)) return tdagi_any_poison();
    uint32_t n = o->schema->n_args;
    if (o->api->op_ask(o->session, o->shim_schema, n, o->values, n_results, made,
                       &first) == 0)
        return results(o, n_results, made);
    const char *why = impure(o);
    if (why != NULL) {
        stop(o, tdagi_env_text(&o->im->env, "which is not run, as %s, and %s", why,
                               words_of(o, &first)));
        return tdagi_any_poison();
    }
    o->by_shape = false;
    if (!take_arguments(o, args)) return tdagi_any_poison();
    if (o->api->op_run(o->session, o->shim_schema, n, o->values, n_results, made,
                       &error) == 0)
        return results(o, n_results, made);
    stop_by_torch(o, &error);
    return tdagi_any_poison();
}

tdagi_any tdagi_import_opaque(tdagi_env *env, const tdagi_schema *schema,
                              const tdagi_any *args, uint32_t n_args)
{
    tdagi_import *im = env->reader;
    const char *name = tdagi_schema_name(env, schema);
    bool usable =
        im->shim_schema != NULL && schema->n_args == n_args && !schema->is_vararg;
    if (!usable) return tdagi_env_issue(env, "%s", name);
    opaque_call o = {.im = im,
                     .api = im->torch,
                     .session = im->torch_session,
                     .shim_schema = im->shim_schema,
                     .schema = schema,
                     .by_shape = true};
    o.values = tdagi_env_alloc(env, (n_args + 1u) * sizeof(*o.values));
    if (o.values == NULL) return tdagi_any_poison();
    tdagi_text_init(&o.text, env->ctx);
    tdagi_any out = tdagi_any_poison();
    uint32_t n_results = (uint32_t)o.api->schema_n_results(o.shim_schema);
    refuse_unasked(&o, n_results);
    if (o.why == NULL) out = call(&o, args, n_results);
    if (o.text.status != TDAG_OK && tdagi_env_ok(env)) env->status = o.text.status;
    tdagi_text_free(&o.text);
    if (!tdagi_env_ok(env)) return tdagi_any_poison();
    return o.why == NULL ? out : tdagi_env_issue(env, "%s, %s", name, o.why);
}
