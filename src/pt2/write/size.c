/* Sizes: dims as sympy's constructors write them, and the nodes that compute them from
 * the sizes of the inputs. */
#include "pt2/write/write.h"

#include "base/dim/pool.h"

/* ---- expressions ---- */

static void add_expression(tdagi_pt2_writer *w, tdagi_text *to, tdag_dim d);

/* A product of n factors: its head and its end stand there if there are several. */
static void open_head(tdagi_text *to, const char *head, bool is_there)
{
    if (is_there) tdagi_text_printf(to, "%s(", head);
}

static void add_integer(tdagi_text *to, int64_t value)
{
    tdagi_text_printf(to, "Integer(%lld)", (long long)value);
}

static void add_term(tdagi_pt2_writer *w, tdagi_text *to, const int64_t *term)
{
    bool has_factor = term[0] != 1 || term[1] == 0;
    bool is_product = term[1] + has_factor > 1;
    open_head(to, "Mul", is_product);
    if (has_factor) add_integer(to, term[0]);
    for (int64_t i = 0; i < term[1]; i++) {
        int64_t power = term[3 + 2 * i];
        if (i > 0 || has_factor) tdagi_text_add(to, ", ");
        open_head(to, "Pow", power > 1);
        add_expression(w, to, term[2 + 2 * i]);
        if (power > 1) tdagi_text_printf(to, ", Integer(%lld))", (long long)power);
    }
    if (is_product) tdagi_text_add(to, ")");
}

static void add_terms(tdagi_pt2_writer *w, tdagi_text *to, const tdagi_terms *t)
{
    bool is_sum = t->n > tdagi_term_size(t->v);
    open_head(to, "Add", is_sum);
    for (size_t i = 0; i < t->n; i += tdagi_term_size(t->v + i)) {
        if (i > 0) tdagi_text_add(to, ", ");
        add_term(w, to, t->v + i);
    }
    if (is_sum) tdagi_text_add(to, ")");
}

static void add_expression(tdagi_pt2_writer *w, tdagi_text *to, tdag_dim d)
{
    static const char *const heads[] = {[TDAGI_DIM_FLOOR] = "FloorDiv",
                                        [TDAGI_DIM_MAX] = "Max",
                                        [TDAGI_DIM_MIN] = "Min"};
    const tdagi_pool *pool = w->env.pool;
    int64_t value;
    if (tdagi_dim_is_const(pool, d, &value)) {
        add_integer(to, value);
        return;
    }
    const tdagi_entry *e = tdagi_pool_entry(pool, d);
    if (e->kind == TDAGI_DIM_SYMBOL) {
        tdagi_text_printf(to, "Symbol('%s', positive=True, integer=True)",
                          pool->symbols[e->words[0]].name);
    } else if (e->kind == TDAGI_DIM_POLYNOMIAL) {
        tdagi_terms t;
        tdagi_terms_of(pool, d, &t);
        add_terms(w, to, &t);
    } else {
        open_head(to, heads[e->kind], true);
        for (uint32_t i = 0; i < e->n_words; i++) {
            if (i > 0) tdagi_text_add(to, ", ");
            add_expression(w, to, e->words[i]);
        }
        tdagi_text_add(to, ")");
    }
}

/* Dims that could not be computed are reported by the pool at the end. */
void tdagi_pt2_add_size(tdagi_pt2_writer *w, tdagi_text *to, tdag_dim d)
{
    int64_t value = 0;
    if (!tdagi_dim_is_valid(w->env.pool, d) ||
        tdagi_dim_is_const(w->env.pool, d, &value)) {
        tdagi_text_printf(to, "{\"as_int\":%lld}", (long long)value);
        return;
    }
    tdagi_text_add(to, "{\"as_expr\":{\"expr_str\":\"");
    add_expression(w, to, d);
    tdagi_text_printf(to, "\",\"hint\":{\"as_int\":%lld}}}",
                      (long long)tdagi_dim_sample(w->env.pool, d));
}

void tdagi_pt2_add_ranges(tdagi_pt2_writer *w, tdagi_text *to)
{
    for (uint32_t i = 0; i < tdagi_pool_n_symbols(w->env.pool); i++) {
        int64_t sample;
        const char *name = tdagi_pool_symbol(w->env.pool, i, &sample);
        tdagi_text_printf(to, "%s\"%s\":{\"min_val\":%d,\"max_val\":null}",
                          i > 0 ? "," : "", name, sample < 1 ? 0 : 1);
    }
}

/* ---- nodes ---- */

/* {"as_int":3}, {"as_sym_int":...} as input number i of the node at hand. */
static void add_operand(tdagi_pt2_writer *w, const char *name, tdag_dim d)
{
    const tdagi_parameter parameter = {.name = name, .type = "int"};
    tdagi_pt2_comma(&w->piece);
    tdagi_text_printf(&w->piece, "{\"name\":\"%s\",\"arg\":", name);
    tdagi_pt2_add_argument(w, &w->piece, &parameter, tdagi_any_dim(d));
    tdagi_text_add(&w->piece, ",\"kind\":1}");
}

/* The name of a node that gives d. */
static const char *end_node(tdagi_pt2_writer *w, const char *target, const char *base,
                            tdag_dim d)
{
    const char *name = tdagi_pt2_unique(w, base, "");
    tdagi_pt2_add_node(
        w, target,
        tdagi_env_text(&w->env, "{\"as_sym_int\":{\"as_name\":\"%s\"}}", name), name);
    tdagi_pt2_comma(&w->sizes);
    tdagi_text_printf(&w->sizes, "\"%s\":", name);
    tdagi_pt2_add_size(w, &w->sizes, d);
    tdagi_pt2_set_label(w, (uint64_t)d, name);
    return name;
}

/* target(a, b) = d; the operands are values by then. */
static void add_operation(tdagi_pt2_writer *w, const char *target, const char *base,
                          tdag_dim a, tdag_dim b, tdag_dim d)
{
    int64_t value;
    if (tdagi_dim_is_const(w->env.pool, d, &value)) return;
    if (tdagi_pt2_label(w, (uint64_t)d) != NULL) return;
    tdagi_text keep = w->piece; /* the node that asks may be half written */
    tdagi_text_init(&w->piece, w->ctx);
    add_operand(w, "a", a);
    add_operand(w, "b", b);
    end_node(w, target, base, d);
    if (w->piece.status != TDAG_OK) keep.status = w->piece.status;
    tdagi_text_free(&w->piece);
    w->piece = keep;
}

/* The input whose axis is factor * symbol + offset, alone if there is such. */
static bool find_axis(tdagi_pt2_writer *w, uint32_t symbol, bool alone,
                      uint32_t *input_out, uint32_t *axis_out, tdag_dim *dim_out)
{
    for (uint32_t i = 0; i < w->g->n_inputs; i++) {
        const tdagi_node *n = tdagi_graph_node(w->g, w->g->inputs[i]);
        for (uint32_t axis = 0; axis < n->rank; axis++) {
            uint32_t s;
            int64_t factor, offset;
            tdag_dim d = tdagi_dim_import(w->env.pool, w->g->pool, n->shape[axis]);
            if (!tdagi_dim_is_affine(w->env.pool, d, &s, &factor, &offset)) continue;
            if (s != symbol || (alone && (factor != 1 || offset != 0))) continue;
            *input_out = i;
            *axis_out = axis;
            *dim_out = d;
            return true;
        }
    }
    return false;
}

/* sym_size.int of an input's axis, whose size is d. */
static void add_sym_size(tdagi_pt2_writer *w, uint32_t input, uint32_t axis, tdag_dim d)
{
    tdagi_text keep = w->piece;
    tdagi_text_init(&w->piece, w->ctx);
    tdagi_text_printf(&w->piece,
                      "{\"name\":\"self\",\"arg\":{\"as_tensor\":{\"name\":\"%s\"}},"
                      "\"kind\":1}",
                      w->inputs[input]);
    add_operand(w, "dim", axis);
    end_node(w, "torch.ops.aten.sym_size.int", "sym_size_int", d);
    if (w->piece.status != TDAG_OK) keep.status = w->piece.status;
    tdagi_text_free(&w->piece);
    w->piece = keep;
}

static void make_symbol(tdagi_pt2_writer *w, uint32_t symbol, tdag_dim d)
{
    uint32_t input = 0, axis = 0, s;
    int64_t factor, offset;
    tdag_dim shown = d;
    if (!find_axis(w, symbol, true, &input, &axis, &shown) &&
        !find_axis(w, symbol, false, &input, &axis, &shown)) {
        tdagi_env_fail(&w->env, TDAG_E_UNSUPPORTED,
                       "the size %s, which no input of the model shows",
                       tdagi_pool_symbol(w->env.pool, symbol, NULL));
        return;
    }
    if (tdagi_pt2_label(w, (uint64_t)shown) == NULL)
        add_sym_size(w, input, axis, shown);
    if (shown == d) return;
    tdagi_dim_is_affine(w->env.pool, shown, &s, &factor, &offset);
    tdag_dim less = tdagi_dim_const(w->env.pool, offset), scaled = shown;
    if (offset != 0) {
        scaled = tdagi_dim_sub(w->env.pool, shown, less);
        add_operation(w, "_operator.sub", "sub", shown, less, scaled);
    }
    if (factor != 1)
        add_operation(w, "_operator.floordiv", "floordiv", scaled, factor, d);
}

static void make_term(tdagi_pt2_writer *w, const int64_t *term, tdag_dim *out)
{
    tdag_dim product = tdagi_dim_const(w->env.pool, term[0]);
    for (int64_t i = 0; i < term[1]; i++)
        for (int64_t p = 0; p < term[3 + 2 * i]; p++) {
            tdag_dim factor = term[2 + 2 * i],
                     next = tdagi_dim_mul(w->env.pool, product, factor);
            tdagi_pt2_size_name(w, factor);
            if (product != 1)
                add_operation(w, "_operator.mul", "mul", factor, product, next);
            product = next;
        }
    *out = product;
}

/* The terms of d are copied, as the pool grows meanwhile. */
static void make_sum(tdagi_pt2_writer *w, tdag_dim d)
{
    tdagi_terms t;
    tdag_dim sum = 0;
    tdagi_terms_of(w->env.pool, d, &t);
    for (size_t i = 0; i < t.n && tdagi_env_ok(&w->env);
         i += tdagi_term_size(t.v + i)) {
        tdag_dim term = 0;
        make_term(w, t.v + i, &term);
        tdag_dim next = tdagi_dim_add(w->env.pool, sum, term);
        if (i > 0) add_operation(w, "_operator.add", "add", sum, term, next);
        sum = next;
    }
}

static void make_sides(tdagi_pt2_writer *w, const tdagi_entry *e)
{
    bool is_max = e->kind == TDAGI_DIM_MAX;
    tdag_dim side = e->words[0];
    for (uint32_t i = 0; i < e->n_words; i++)
        tdagi_pt2_size_name(w, e->words[i]);
    for (uint32_t i = 1; i < e->n_words; i++) {
        tdag_dim next = is_max ? tdagi_dim_max(w->env.pool, side, e->words[i])
                               : tdagi_dim_min(w->env.pool, side, e->words[i]);
        add_operation(w, is_max ? "torch.sym_max" : "torch.sym_min",
                      is_max ? "sym_max" : "sym_min", side, e->words[i], next);
        side = next;
    }
}

static void make(tdagi_pt2_writer *w, tdag_dim d)
{
    const tdagi_entry e = *tdagi_pool_entry(w->env.pool, d); /* the pool may grow */
    switch ((tdagi_dim_kind)e.kind) {
    case TDAGI_DIM_INTEGER:
        return;
    case TDAGI_DIM_SYMBOL:
        make_symbol(w, (uint32_t)e.words[0], d);
        return;
    case TDAGI_DIM_FLOOR:
        tdagi_pt2_size_name(w, e.words[0]);
        tdagi_pt2_size_name(w, e.words[1]);
        add_operation(w, "_operator.floordiv", "floordiv", e.words[0], e.words[1], d);
        return;
    case TDAGI_DIM_MAX:
    case TDAGI_DIM_MIN:
        make_sides(w, &e);
        return;
    case TDAGI_DIM_POLYNOMIAL:
        make_sum(w, d);
        return;
    }
}

const char *tdagi_pt2_size_name(tdagi_pt2_writer *w, tdag_dim d)
{
    const char *name = d < 0 ? tdagi_pt2_label(w, (uint64_t)d) : "";
    if (name != NULL || !tdagi_env_ok(&w->env)) return name == NULL ? "" : name;
    if (tdagi_dim_is_valid(w->env.pool, d)) make(w, d);
    name = tdagi_pt2_label(w, (uint64_t)d);
    return name == NULL ? "" : name;
}
