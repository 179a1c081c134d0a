/* Nodes of the program: calls of operators with their arguments and results. */
#include "pt2/write/write.h"

#include <string.h>

/* ---- arguments ---- */

/* "List[int]" of "Optional[List[int]]", cut at its end by the caller's comparing. */
static const char *given_type(const char *type)
{
    return strncmp(type, "Optional[", 9) == 0 ? type + 9 : type;
}

static bool is_type(const char *type, const char *want)
{
    return strncmp(given_type(type), want, strlen(want)) == 0;
}

static void add_tensor_name(tdagi_pt2_writer *w, tdagi_text *to, tdagi_any v)
{
    const char *name = tdagi_pt2_label(w, tdagi_pt2_cell_key(v.u.tensor));
    if (name == NULL) tdagi_pt2_fail(w, "a tensor without a name");
    tdagi_text_printf(to, "{\"name\":\"%s\"}", name == NULL ? "" : name);
}

static void add_int(tdagi_pt2_writer *w, tdagi_text *to, tdag_dim d)
{
    int64_t value;
    if (tdagi_dim_is_const(w->env.pool, d, &value))
        tdagi_text_printf(to, "{\"as_int\":%lld}", (long long)value);
    else
        tdagi_text_printf(to, "{\"as_sym_int\":{\"as_name\":\"%s\"}}",
                          tdagi_pt2_size_name(w, d));
}

/* What schemas of TorchScript call an int and files do not, by the argument's name. */
static const struct {
    const char *name, *tag;
    int8_t codes[4]; /* of PyTorch's numbers; 0: by dtype */
} enums[] = {{"dtype", "as_scalar_type", {0}},
             {"layout", "as_layout", {7, 0, 0, 0}},
             {"memory_format", "as_memory_format", {1, 4, 2, 3}}};

static bool add_enum(tdagi_pt2_writer *w, tdagi_text *to, const char *name, tdagi_any v)
{
    int64_t value;
    if (!tdagi_any_const_int(&w->env, v, &value)) return false;
    for (size_t i = 0; i < sizeof(enums) / sizeof(enums[0]); i++) {
        if (strcmp(enums[i].name, name) != 0) continue;
        int64_t code = i == 0 ? tdagi_pt2_code(tdagi_dtype_of_scalar_type(value))
                       : value >= 0 && value < 4 ? enums[i].codes[value]
                                                 : 0;
        if (code == 0)
            tdagi_env_fail(&w->env, TDAG_E_UNSUPPORTED, "%s number %lld", name,
                           (long long)value);
        tdagi_text_printf(to, "{\"%s\":%lld}", enums[i].tag, (long long)code);
        return true;
    }
    return false;
}

static void add_ints(tdagi_pt2_writer *w, tdagi_text *to, uint32_t n,
                     const tdagi_any *v)
{
    bool symbolic = false;
    int64_t value;
    for (uint32_t i = 0; i < n; i++)
        symbolic |= !tdagi_any_const_int(&w->env, v[i], &value);
    tdagi_text_add(to, symbolic ? "{\"as_sym_ints\":[" : "{\"as_ints\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) tdagi_text_add(to, ",");
        bool known = tdagi_any_const_int(&w->env, v[i], &value);
        if (known)
            tdagi_text_printf(to, symbolic ? "{\"as_int\":%lld}" : "%lld",
                              (long long)value);
        else
            tdagi_text_printf(to, "{\"as_name\":\"%s\"}",
                              tdagi_pt2_size_name(w, v[i].u.i));
    }
    tdagi_text_add(to, "]}");
}

static double float_of(tdagi_pt2_writer *w, tdagi_any v)
{
    return v.kind == TDAGI_ANY_FLOAT ? v.u.f : tdagi_any_sample(&w->env, v);
}

static void add_floats(tdagi_pt2_writer *w, tdagi_text *to, uint32_t n,
                       const tdagi_any *v)
{
    tdagi_text_add(to, "{\"as_floats\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) tdagi_text_add(to, ",");
        tdagi_pt2_add_f64(to, float_of(w, v[i]));
    }
    tdagi_text_add(to, "]}");
}

static void add_tensors(tdagi_pt2_writer *w, tdagi_text *to, uint32_t n,
                        const tdagi_any *v)
{
    bool optional = false;
    for (uint32_t i = 0; i < n; i++)
        optional |= v[i].kind == TDAGI_ANY_NONE;
    tdagi_text_add(to, optional ? "{\"as_optional_tensors\":[" : "{\"as_tensors\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0) tdagi_text_add(to, ",");
        if (v[i].kind == TDAGI_ANY_NONE) {
            tdagi_text_add(to, "{\"as_none\":true}");
            continue;
        }
        if (optional) tdagi_text_add(to, "{\"as_tensor\":");
        add_tensor_name(w, to, v[i]);
        if (optional) tdagi_text_add(to, "}");
    }
    tdagi_text_add(to, "]}");
}

static void add_list(tdagi_pt2_writer *w, tdagi_text *to, const char *type, uint32_t n,
                     const tdagi_any *v)
{
    bool tensors = n > 0 && (v[n - 1].kind == TDAGI_ANY_TENSOR);
    if (tensors || is_type(type, "List[Tensor") ||
        is_type(type, "List[Optional[Tensor"))
        add_tensors(w, to, n, v);
    else if (is_type(type, "List[float") || (n > 0 && v[0].kind == TDAGI_ANY_FLOAT))
        add_floats(w, to, n, v);
    else
        add_ints(w, to, n, v);
}

static void add_string(tdagi_text *to, const char *text)
{
    tdagi_text_add(to, "{");
    tdagi_pt2_member(to, "as_string", text);
    tdagi_text_add(to, "}");
}

static void add_float(tdagi_text *to, double value)
{
    tdagi_text_add(to, "{\"as_float\":");
    tdagi_pt2_add_f64(to, value);
    tdagi_text_add(to, "}");
}

void tdagi_pt2_add_argument(tdagi_pt2_writer *w, tdagi_text *to,
                            const tdagi_parameter *parameter, tdagi_any v)
{
    const char *type = parameter->type;
    if (v.kind == TDAGI_ANY_NONE) {
        tdagi_text_add(to, "{\"as_none\":true}");
    } else if (v.kind == TDAGI_ANY_TENSOR) {
        tdagi_text_add(to, "{\"as_tensor\":");
        add_tensor_name(w, to, v);
        tdagi_text_add(to, "}");
    } else if (tdagi_any_is_seq(v)) {
        add_list(w, to, type, v.u.seq->n, v.u.seq->v);
    } else if (is_type(type, "List[")) { /* one number that serves all */
        add_list(w, to, type, 1, &v);
    } else if (v.kind == TDAGI_ANY_STRING) {
        add_string(to, v.u.s);
    } else if (v.kind == TDAGI_ANY_BOOL) {
        tdagi_text_printf(to, "{\"as_bool\":%s}", v.u.b ? "true" : "false");
    } else if (v.kind == TDAGI_ANY_FLOAT || is_type(type, "float")) {
        add_float(to, float_of(w, v));
    } else if (v.kind != TDAGI_ANY_INT) {
        tdagi_env_fail(&w->env, TDAG_E_UNSUPPORTED, "an argument %s of that kind",
                       parameter->name);
    } else if (!add_enum(w, to, parameter->name, v)) {
        add_int(w, to, v.u.i);
    }
}

/* ---- nodes ---- */

void tdagi_pt2_add_node(tdagi_pt2_writer *w, const char *target, const char *outputs,
                        const char *name)
{
    tdagi_text *to = &w->nodes;
    tdagi_pt2_comma(to);
    tdagi_text_printf(to, "{\"target\":\"%s\",\"inputs\":[", target);
    if (w->piece.length > 0) tdagi_text_add_bytes(to, w->piece.data, w->piece.length);
    tdagi_text_printf(to, "],\"outputs\":[%s],\"metadata\":{", outputs);
    tdagi_pt2_add_stack(w, to);
    tdagi_text_printf(to, "},\"is_hop_single_tensor_return\":null,\"name\":\"%s\"}",
                      name);
    w->n_nodes++;
}

/* ---- calls ---- */

static void add_inputs(tdagi_pt2_writer *w, const tdagi_resolved *call)
{
    const tdagi_schema *s = call->schema;
    w->piece.length = 0;
    for (uint32_t i = 0; i < s->n_args && tdagi_env_ok(&w->env); i++) {
        if ((call->given >> i & 1) == 0) continue;
        tdagi_pt2_comma(&w->piece);
        tdagi_text_printf(&w->piece, "{\"name\":\"%s\",\"arg\":", s->args[i].name);
        tdagi_pt2_add_argument(w, &w->piece, &s->args[i], call->args[i]);
        tdagi_text_printf(&w->piece, ",\"kind\":%d}", s->args[i].keyword_only ? 2 : 1);
    }
}

/* "conv2d" of "aten::conv2d" */
static const char *short_name(const tdagi_schema *s)
{
    const char *colons = strstr(s->name, "::");
    return colons == NULL ? s->name : colons + 2;
}

/* Where nothing says what a result is, as where it is: positions, of the first one's
 * shape. */
static void name_result(tdagi_pt2_writer *w, const char *name, tdagi_any v,
                        tdagi_any first)
{
    bool is_known = v.kind == TDAGI_ANY_TENSOR;
    if (!is_known && first.kind != TDAGI_ANY_TENSOR) {
        tdagi_pt2_fail(w, "a result without a type");
        return;
    }
    tdagi_cell *cell = is_known ? v.u.tensor : first.u.tensor;
    uint32_t rank = tdagi_cell_rank(&w->env, cell);
    const tdag_dim *shape = tdagi_cell_shape(&w->env, cell);
    if (!tdagi_env_ok(&w->env)) return;
    tdagi_pt2_declare(w, name, is_known ? tdagi_cell_dtype(&w->env, cell) : TDAG_I64,
                      rank, shape, false);
    if (is_known) tdagi_pt2_set_label(w, tdagi_pt2_cell_key(cell), name);
}

/* The text of the node's results. One result has the node's name, several have names
 * of their own. */
static const char *name_results(tdagi_pt2_writer *w, const char *node, tdagi_any result)
{
    bool is_seq = tdagi_any_is_seq(result), is_list = result.kind == TDAGI_ANY_LIST;
    uint32_t n = is_seq ? result.u.seq->n : 1;
    const tdagi_any *items = is_seq ? result.u.seq->v : &result;
    const char *out = is_list ? "{\"as_tensors\":[" : "";
    for (uint32_t i = 0; i < n && tdagi_env_ok(&w->env); i++) {
        const char *name = is_seq ? tdagi_pt2_unique(w, "getitem", "") : node;
        out = tdagi_env_text(&w->env,
                             is_list ? "%s%s{\"name\":\"%s\"}"
                                     : "%s%s{\"as_tensor\":{\"name\":\"%s\"}}",
                             out, i > 0 ? "," : "", name);
        name_result(w, name, items[i], items[0]);
    }
    return is_list ? tdagi_env_text(&w->env, "%s]}", out) : out;
}

void tdagi_pt2_add_call(tdagi_pt2_writer *w, const tdagi_resolved *call,
                        tdagi_any result)
{
    const tdagi_schema *schema = call->schema;
    const char *base = short_name(schema);
    size_t space = (size_t)(base - schema->name);
    add_inputs(w, call);
    const char *node = tdagi_pt2_unique(w, base, "");
    const char *outputs = name_results(w, node, result);
    const char *overload = *schema->overload == '\0' ? "default" : schema->overload;
    const char *target =
        tdagi_env_text(&w->env, "torch.ops.%.*s.%s.%s",
                       (int)(space < 2 ? 0 : space - 2), schema->name, base, overload);
    tdagi_pt2_add_node(w, target, outputs, node);
}
