/* A model as the JSON of a .tdag file, and the tensors that go beside it.
 *
 * The bytes follow from the graph alone: nodes in order; scopes and symbols in the
 * order of their first use, whatever else the graph's tables hold; tensors that several
 * leaves share, of one graph or of several, and equal constants, once, under the first
 * one's name. */
#include "format/tdag_write.h"

#include <stdio.h>
#include <string.h>

#include "format/json_read.h"
#include "ir/text/number.h"
#include "ir/text/print_field.h"

typedef struct writer {
    tdag_ctx *ctx;
    tdagi_arena *arena;
    const tdag_graph *g;
    tdagi_text *to;     /* the nodes */
    uint32_t *scope_of; /* by the graph's scope: its place in the file, from 1 */
    uint32_t *scopes;   /* the graph's scopes, in the order of the file */
    uint32_t n_scopes;
    unsigned char *symbol_seen; /* by the graph's symbol */
    uint32_t *symbols;          /* in the order of the file */
    uint32_t n_symbols;
    uint64_t repeated;        /* bytes of constants of one repeated value */
    tdag_named_tensors *t;    /* what is stored */
    const tdagi_node **nodes; /* by stored tensor: its first leaf; NULL: a state's */
    uint32_t *slots;          /* open addressing: a stored tensor from 1, 0 = free */
    uint32_t n_slots;         /* a power of two */
    tdagi_name_map keys;      /* of what is stored */
    const char *graph;        /* its name where there may be several, or NULL */
} writer;

/* ---- small things ---- */

static void fail(writer *w, const char *what, const char *text)
{
    if (w->to->status == TDAG_OK)
        w->to->status =
            tdagi_fail(w->ctx, TDAG_E_ARG, "a %s is not UTF-8: '%s'", what, text);
}

static void put_string(writer *w, const char *what, const char *text)
{
    if (tdagi_json_is_utf8(text, text + strlen(text)))
        tdagi_text_add_json(w->to, text);
    else
        fail(w, what, text);
}

static void put(writer *w, const char *text) { tdagi_text_add(w->to, text); }

static void put_int(writer *w, int64_t value)
{
    tdagi_text_printf(w->to, "%lld", (long long)value);
}

/* Notes the symbols of a dim's text: the identifiers that are no function. */
static void note_symbols(writer *w, const char *text)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
    for (const char *p = text; *p != '\0';) {
        size_t n = strspn(p, letters);
        bool name = n > 0 && !(*p >= '0' && *p <= '9') && p[n] != '(';
        for (uint32_t i = 0; name && i < tdagi_pool_n_symbols(w->g->pool); i++) {
            const char *symbol = tdagi_pool_symbol(w->g->pool, i, NULL);
            if (w->symbol_seen[i] || strlen(symbol) != n || memcmp(symbol, p, n) != 0)
                continue;
            w->symbol_seen[i] = 1;
            w->symbols[w->n_symbols++] = i;
        }
        p += n > 0 ? n : 1;
    }
}

static void put_dim(writer *w, tdag_dim d)
{
    int64_t value;
    if (tdagi_dim_is_const(w->g->pool, d, &value)) {
        put_int(w, value);
        return;
    }
    char buf[256], *text = buf;
    size_t n = tdagi_dim_text(w->g->pool, d, buf, sizeof buf);
    if (n >= sizeof buf) {
        text = tdagi_arena_alloc(w->arena, n + 1);
        if (text == NULL) {
            if (w->to->status == TDAG_OK) w->to->status = tdagi_nomem(w->ctx);
            return;
        }
        tdagi_dim_text(w->g->pool, d, text, n + 1);
    }
    note_symbols(w, text);
    tdagi_text_add_json(w->to, text);
}

/* A number's text as JSON: what JSON has no number for is a string, and -0 keeps its
 * sign in readers that know integers. */
static void put_number(writer *w, const char *text)
{
    if (strcmp(text, "-0") == 0)
        put(w, "-0.0");
    else if (strchr(text, 'n') != NULL && strcmp(text, "true") != 0)
        tdagi_text_add_json(w->to, text); /* inf, -inf, nan, nan(0x...) */
    else
        put(w, text);
}

/* ---- specs ---- */

static void add_word(void *user, const char *name)
{
    tdagi_text_add_json(((writer *)user)->to, name);
}

static void add_unnamed(void *user, const tdagi_field *f, int64_t value)
{
    writer *w = user;
    if (w->to->status == TDAG_OK)
        w->to->status = tdagi_fail(w->ctx, TDAG_E_ARG, "there is no %s number %lld",
                                   f->name, (long long)value);
}

static void add_dim(void *user, tdag_dim d) { put_dim(user, d); }

static void add_number(void *user, const char *text) { put_number(user, text); }

static void add_string(void *user, const tdagi_field *f, const char *string)
{
    put_string(user, f->name, string);
}

static tdagi_field_printer printer_of(writer *w)
{
    return (tdagi_field_printer){w->to,   w,          add_word,  add_unnamed,
                                 add_dim, add_number, add_string};
}

static void put_shape(writer *w, uint32_t n, const tdag_dim *v)
{
    const tdagi_field_printer p = printer_of(w);
    tdagi_print_list(&p, n, v, true);
}

static void put_spec(writer *w, const tdagi_field *fields, const void *spec)
{
    tdagi_field_printer p = printer_of(w);
    put(w, ",\"spec\":{");
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++) {
        if (!tdagi_field_is_shown(f, spec)) continue;
        tdagi_text_printf(w->to, "%s\"%s\":", f == fields ? "" : ",", f->name);
        tdagi_print_field(&p, f, spec);
    }
    put(w, "}");
}

/* ---- tensors ---- */

static bool is_repeated(const tdag_tensor *t)
{
    size_t one = tdag_dtype_size(t->dtype);
    const char *data = t->data;
    return t->count > 0 && memcmp(data, data + one, t->size - one) == 0;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h = (h ^ x) * UINT64_C(0xff51afd7ed558ccd);
    return h ^ (h >> 32);
}

/* Equal for tensors that are stored once. Constants go by what they hold. */
static uint64_t storage_hash(const tdagi_node *n)
{
    const tdag_tensor *t = n->u.tensor;
    uint64_t h = mix(n->op == TDAG_OP_CONSTANT, t->dtype);
    for (uint32_t i = 0; i < t->rank; i++)
        h = mix(h, (uint64_t)t->shape[i]);
    if (n->op != TDAG_OP_CONSTANT) return mix(h, (uint64_t)(uintptr_t)t->data);
    const unsigned char *p = t->data, *end = p + t->size;
    for (uint64_t word; end - p >= 8; p += 8) {
        memcpy(&word, p, 8);
        h = mix(h, word);
    }
    for (; p < end; p++)
        h = mix(h, *p);
    return h;
}

static bool same_storage(const tdagi_node *a, const tdagi_node *b)
{
    const tdag_tensor *x = a->u.tensor, *y = b->u.tensor;
    bool constants = a->op == TDAG_OP_CONSTANT && b->op == TDAG_OP_CONSTANT;
    if (a->op != b->op && (a->op == TDAG_OP_CONSTANT || b->op == TDAG_OP_CONSTANT))
        return false;
    return (constants || x->data == y->data) && tdagi_tensor_equal(x, y);
}

static bool is_reserved(const char *key)
{
    return strcmp(key, "__metadata__") == 0 ||
           strncmp(key, TDAGI_SAFETENSORS_PADDING, strlen(TDAGI_SAFETENSORS_PADDING)) ==
               0;
}

/* Whether a key is another tensor's, or would be that of another leaf of the graph. */
static bool is_taken(const writer *w, const char *key)
{
    return tdagi_name_map_get(&w->keys, key) != 0 || tdag_graph_find(w->g, key).id != 0;
}

/* A key that is free: "value:0:name", "value:1:name", ... */
static const char *other_key(const writer *w, const char *name)
{
    size_t size = 2 * strlen(name) + 64;
    char *key = tdagi_arena_alloc(w->arena, size);
    uint32_t i = 0;
    if (key == NULL) return NULL;
    do
        snprintf(key, size, "value:%lu:%s", (unsigned long)i++, name);
    while (is_taken(w, key));
    return key;
}

/* The key of a tensor of its own: the value's name, unless the format means something
 * else by it or another graph has one of that name. */
static const char *new_key(const writer *w, uint32_t id)
{
    char buf[16];
    const char *name = tdagi_value_name(w->g, (tdag_value){id}, buf);
    if (w->graph == NULL || tdagi_name_map_get(&w->keys, name) == 0) {
        if (name == buf) return tdagi_arena_strdup(w->arena, name);
        return is_reserved(name) ? other_key(w, name) : name;
    }
    size_t size = strlen(w->graph) + strlen(name) + 2;
    char *key = tdagi_arena_alloc(w->arena, size);
    if (key == NULL) return NULL;
    snprintf(key, size, "%s.%s", w->graph, name);
    return is_reserved(key) || is_taken(w, key) ? other_key(w, key) : key;
}

static void fail_memory(writer *w)
{
    if (w->to->status == TDAG_OK) w->to->status = tdagi_nomem(w->ctx);
}

/* Stores a tensor, of that leaf if it is not NULL. */
static void store(writer *w, const char *key, tdag_tensor *tensor,
                  const tdagi_node *leaf)
{
    if (w->to->status == TDAG_OK && w->graph != NULL) /* names of one graph differ */
        w->to->status = tdagi_name_map_put(w->ctx, &w->keys, key, 1);
    w->nodes[w->t->n] = leaf;
    w->t->names[w->t->n] = (char *)(uintptr_t)key; /* only read by the saver */
    w->t->tensors[w->t->n++] = tensor;
}

/* The key under which a leaf's tensor is stored; stores it if it is a new one. */
static const char *key_of(writer *w, uint32_t id)
{
    const tdagi_node *n = &w->g->nodes[id];
    uint32_t mask = w->n_slots - 1, i = (uint32_t)storage_hash(n) & mask;
    bool sharable = n->u.tensor->size > 0;
    for (; sharable && w->slots[i] != 0; i = (i + 1) & mask)
        if (same_storage(w->nodes[w->slots[i] - 1], n))
            return w->t->names[w->slots[i] - 1];
    const char *key = new_key(w, id);
    if (key == NULL) {
        fail_memory(w);
        return "";
    }
    store(w, key, n->u.tensor, n);
    if (sharable) w->slots[i] = w->t->n;
    return key;
}

static void put_tensor(writer *w, uint32_t id)
{
    const tdagi_node *n = &w->g->nodes[id];
    const tdag_tensor *t = n->u.tensor;
    if (n->op == TDAG_OP_CONSTANT && t->size <= TDAGI_TDAG_MAX_REPEATED - w->repeated &&
        is_repeated(t)) {
        char number[TDAGI_NUMBER_TEXT_SIZE];
        tdagi_element_text(t, 0, number);
        put(w, ",\"value\":");
        put_number(w, number);
        w->repeated += t->size;
        return;
    }
    put(w, ",\"tensor\":");
    put_string(w, "name", key_of(w, id));
}

/* ---- nodes ---- */

static uint32_t scope_in_file(writer *w, uint32_t scope)
{
    if (w->scope_of[scope] == 0) {
        w->scopes[w->n_scopes++] = scope;
        w->scope_of[scope] = w->n_scopes;
    }
    return w->scope_of[scope] - 1;
}

static void put_node(writer *w, uint32_t id)
{
    const tdagi_node *n = &w->g->nodes[id];
    tdagi_text_printf(w->to, "{\"op\":\"%s\"", tdag_op_name((tdag_op)n->op));
    if (n->name != NULL) {
        put(w, ",\"name\":");
        put_string(w, "name", n->name);
    }
    if (w->g->scopes[n->scope][0] != '\0')
        tdagi_text_printf(w->to, ",\"scope\":%lu",
                          (unsigned long)scope_in_file(w, n->scope));
    if (tdagi_op_row_of(n->op)->n_inputs != 0) {
        const tdag_value *in = tdagi_node_inputs(n);
        put(w, ",\"in\":[");
        for (uint32_t i = 0; i < n->n_inputs; i++)
            tdagi_text_printf(w->to, "%s%lu", i == 0 ? "" : ",",
                              (unsigned long)in[i].id);
        put(w, "]");
    }
    if (tdagi_op_holds_tensor(n->op))
        put_tensor(w, id);
    else if (tdagi_node_def(n)->spec_size > 0)
        put_spec(w, tdagi_node_def(n)->fields, n->u.spec);
    tdagi_text_printf(
        w->to, ",\"dtype\":\"%s\",\"shape\":", tdag_dtype_name((tdag_dtype)n->dtype));
    put_shape(w, n->rank, n->shape);
    put(w, "}");
}

/* ---- the whole ---- */

/* Room for what is stored of all graphs. */
static tdag_status prepare(writer *w, const tdag_model *model)
{
    uint32_t n_leaves = model->n_states;
    for (uint32_t i = 0; i < model->n_graphs; i++) {
        const tdag_graph *g = model->graphs[i].graph;
        for (uint32_t id = 1; id <= g->n; id++)
            n_leaves += tdagi_op_holds_tensor(g->nodes[id].op);
    }
    w->n_slots = 16;
    while (w->n_slots / 2 < n_leaves)
        w->n_slots *= 2;
    w->nodes = tdagi_arena_array(w->arena, n_leaves, sizeof *w->nodes);
    w->slots = tdagi_arena_array(w->arena, w->n_slots, sizeof *w->slots);
    w->t->names = tdagi_arena_array(w->arena, n_leaves, sizeof *w->t->names);
    w->t->tensors = tdagi_arena_array(w->arena, n_leaves, sizeof *w->t->tensors);
    if (w->nodes == NULL || w->slots == NULL || w->t->names == NULL ||
        w->t->tensors == NULL)
        return tdagi_nomem(w->ctx);
    memset(w->slots, 0, w->n_slots * sizeof *w->slots);
    return TDAG_OK;
}

/* The tables of the graph at hand. */
static tdag_status prepare_graph(writer *w)
{
    const tdag_graph *g = w->g;
    uint32_t n_symbols = tdagi_pool_n_symbols(g->pool);
    w->n_scopes = w->n_symbols = 0;
    w->scope_of = tdagi_arena_array(w->arena, g->n_scopes, sizeof *w->scope_of);
    w->scopes = tdagi_arena_array(w->arena, g->n_scopes, sizeof *w->scopes);
    w->symbol_seen = tdagi_arena_array(w->arena, n_symbols, 1);
    w->symbols = tdagi_arena_array(w->arena, n_symbols, sizeof *w->symbols);
    if (w->scope_of == NULL || w->scopes == NULL || w->symbol_seen == NULL ||
        w->symbols == NULL)
        return tdagi_nomem(w->ctx);
    memset(w->scope_of, 0, g->n_scopes * sizeof *w->scope_of);
    if (n_symbols > 0) memset(w->symbol_seen, 0, n_symbols);
    return TDAG_OK;
}

static void put_values(writer *w, const char *key, uint32_t n, const tdag_value *v)
{
    tdagi_text_printf(w->to, ",\n\"%s\":[", key);
    for (uint32_t i = 0; i < n; i++)
        tdagi_text_printf(w->to, "%s%lu", i == 0 ? "" : ",", (unsigned long)v[i].id);
    put(w, "]");
}

/* The tables, which are known once the nodes are written. */
static void put_tables(writer *w)
{
    put(w, "{");
    if (w->graph != NULL) {
        put(w, "\"name\":");
        put_string(w, "name", w->graph);
        put(w, ",");
    }
    put(w, "\"symbols\":[");
    for (uint32_t i = 0; i < w->n_symbols; i++) {
        int64_t sample;
        const char *name = tdagi_pool_symbol(w->g->pool, w->symbols[i], &sample);
        tdagi_text_printf(w->to, "%s[\"%s\",%lld]", i == 0 ? "" : ",", name,
                          (long long)sample);
    }
    put(w, "],\n\"scopes\":[");
    for (uint32_t i = 0; i < w->n_scopes; i++) {
        if (i > 0) put(w, ",");
        put_string(w, "module path", w->g->scopes[w->scopes[i]]);
    }
    put(w, "],\n\"nodes\":[");
}

/* Calls give sizes to symbols by their numbers, those that no node has included. */
static void note_all_symbols(writer *w)
{
    w->n_symbols = tdagi_pool_n_symbols(w->g->pool);
    for (uint32_t i = 0; i < w->n_symbols; i++)
        w->symbols[i] = i;
}

static void put_graph(writer *w, tdagi_text *nodes, tdagi_text *to)
{
    w->to = nodes;
    for (uint32_t id = 1; id <= w->g->n && nodes->status == TDAG_OK; id++) {
        put(w, id == 1 ? "\n" : ",\n");
        put_node(w, id);
    }
    if (w->graph != NULL) note_all_symbols(w);
    w->to = to;
    if (nodes->status != TDAG_OK) {
        to->status = nodes->status;
        return;
    }
    put_tables(w);
    if (nodes->length > 0) tdagi_text_add_bytes(to, nodes->data, nodes->length);
    put(w, "]");
    put_values(w, "inputs", w->g->n_inputs, w->g->inputs);
    put_values(w, "outputs", w->g->n_outputs, w->g->outputs);
    put(w, "}");
}

/* n, n+1, ... as values of a program. */
static void put_range(writer *w, const char *key, uint32_t from, uint32_t n)
{
    tdagi_text_printf(w->to, "\"%s\":[", key);
    for (uint32_t i = 0; i < n; i++)
        tdagi_text_printf(w->to, "%s%lu", i == 0 ? "" : ",", (unsigned long)(from + i));
    put(w, "]");
}

/* The one method: its program calls the one graph. */
static void put_methods(writer *w, const tdag_model *model)
{
    uint32_t n_in = w->g->n_inputs, n_out = w->g->n_outputs;
    put(w, "\"methods\":[{\"name\":\"forward\",\"inputs\":");
    put_string(w, "structure of inputs", tdag_model_get_input_structure(model));
    put(w, ",\"outputs\":");
    put_string(w, "structure of outputs", tdag_model_get_output_structure(model));
    put(w, ",\n\"program\":[{\"do\":\"call\",\"graph\":0,");
    put_range(w, "in", 1, n_in);
    put(w, ",");
    put_range(w, "out", n_in + 1, n_out);
    put(w, "}],");
    put_range(w, "return", n_in + 1, n_out);
    put(w, "}]");
}

static void write_graph(writer *w, const tdag_graph *g, tdagi_text *text)
{
    tdagi_text nodes;
    tdagi_text_init(&nodes, w->ctx);
    w->g = g;
    tdag_status st = prepare_graph(w);
    if (text->status == TDAG_OK) text->status = st;
    if (text->status == TDAG_OK) put_graph(w, &nodes, text);
    tdagi_text_free(&nodes);
}

/* Version 1: one graph and the method that calls it. */
static void write_plain(writer *w, const tdag_model *model)
{
    tdagi_text *text = w->to;
    w->g = model->graphs[0].graph;
    put(w, "{");
    put_methods(w, model);
    put(w, ",\n\"graphs\":[");
    write_graph(w, w->g, text);
    put(w, "]}\n");
}

static void put_states(writer *w, const tdag_model *model)
{
    for (uint32_t i = 0; i < model->n_states; i++) {
        const tdagi_state *s = &model->states[i];
        const char *key = other_key(w, s->name);
        if (key == NULL) fail_memory(w);
        if (key != NULL) store(w, key, s->initial, NULL);
        put(w, i == 0 ? "\n{\"name\":" : ",\n{\"name\":");
        put_string(w, "name", s->name);
        put(w, ",\"tensor\":");
        put_string(w, "name", key == NULL ? "" : key);
        put(w, ",\"symbols\":[");
        for (uint32_t k = 0; k < s->initial->rank; k++)
            tdagi_text_printf(w->to, s->symbols[k] == NULL ? "%snull%s" : "%s\"%s\"",
                              k == 0 ? "" : ",",
                              s->symbols[k] == NULL ? "" : s->symbols[k]);
        put(w, "]}");
    }
}

/* Version 2: methods, states, graphs. */
static void write_programs(writer *w, const tdag_model *model)
{
    tdagi_text *text = w->to;
    put(w, "{\"methods\":[");
    for (uint32_t i = 0; i < model->n_methods && text->status == TDAG_OK; i++) {
        put(w, i == 0 ? "\n" : ",\n");
        tdagi_tdag_write_method(w->ctx, model, model->methods[i], text);
    }
    put(w, "],\n\"graphs\":[");
    for (uint32_t i = 0; i < model->n_graphs && text->status == TDAG_OK; i++) {
        put(w, i == 0 ? "\n" : ",\n");
        w->graph = model->graphs[i].name;
        write_graph(w, model->graphs[i].graph, text);
    }
    w->graph = "";
    w->g = NULL;
    put(w, "],\n\"states\":[");
    if (text->status == TDAG_OK) put_states(w, model);
    put(w, "]}\n");
}

tdag_status tdagi_tdag_write(tdag_ctx *ctx, tdagi_arena *arena, const tdag_model *model,
                             int *version_out, char **json_out,
                             tdag_named_tensors *tensors_out)
{
    tdagi_text text;
    bool is_plain = false;
    TDAGI_TRY(tdagi_model_is_plain(ctx, model, &is_plain));
    if (!is_plain) TDAGI_TRY(tdagi_model_verify(ctx, model));
    *version_out = is_plain ? 1 : 2;
    tdagi_text_init(&text, ctx);
    writer w = {.ctx = ctx, .arena = arena, .to = &text, .t = tensors_out};
    TDAGI_TRY(prepare(&w, model));
    if (is_plain)
        write_plain(&w, model);
    else
        write_programs(&w, model);
    tdagi_name_map_free(ctx, &w.keys);
    return tdagi_text_take(&text, json_out);
}
