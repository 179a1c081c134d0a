/* Trees of structure: making, sharing and comparing them. */
#include "program/structure.h"

#include <string.h>

#include "base/tensor.h"

/* ---- sharing ---- */

tdagi_structure *tdagi_structure_copy(const tdagi_structure *s)
{
    tdagi_structure *shared = (tdagi_structure *)(uintptr_t)s;
    atomic_fetch_add_explicit(&shared->refs, 1, memory_order_relaxed);
    return shared;
}

void tdagi_structure_free(tdagi_structure *s)
{
    if (s == NULL || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    tdag_allocator a = s->allocator;
    tdagi_arena_free(&s->arena);
    if (s->nodes != NULL) tdagi_mem_free(&a, s->nodes, s->capacity * sizeof *s->nodes);
    if (s->text != NULL) tdagi_mem_free(&a, s->text, strlen(s->text) + 1);
    tdagi_mem_free(&a, s, sizeof *s);
}

/* The text says all. */
bool tdagi_structure_equal(const tdagi_structure *a, const tdagi_structure *b)
{
    return a == b || strcmp(a->text, b->text) == 0;
}

/* ---- making ---- */

void tdagi_structure_begin(tdagi_structure_builder *b, tdag_ctx *ctx)
{
    memset(b, 0, sizeof *b);
    b->ctx = ctx;
    void *made = NULL;
    b->status = tdagi_alloc(ctx, sizeof *b->made, &made);
    if (b->status != TDAG_OK) return;
    b->made = made;
    atomic_init(&b->made->refs, 1);
    b->made->allocator = ctx->allocator;
    tdagi_arena_init(&b->made->arena, &ctx->allocator);
}

void tdagi_structure_drop(tdagi_structure_builder *b)
{
    tdagi_structure_free(b->made);
    b->made = NULL;
}

static bool is_ok(const tdagi_structure_builder *b) { return b->status == TDAG_OK; }

static const char *keep(tdagi_structure_builder *b, const char *s)
{
    if (!is_ok(b) || s == NULL) return NULL;
    const char *copy = tdagi_arena_strdup(&b->made->arena, s);
    if (copy == NULL) b->status = tdagi_nomem(b->ctx);
    return copy;
}

static bool grow(tdagi_structure_builder *b)
{
    tdagi_structure *s = b->made;
    if (s->n < s->capacity) return true;
    size_t capacity = s->capacity == 0 ? 8 : (size_t)s->capacity * 2;
    if (capacity > UINT32_MAX) {
        b->status = tdagi_fail(b->ctx, TDAG_E_LIMIT, "a structure has too many parts");
        return false;
    }
    void *nodes = s->nodes;
    b->status = tdagi_realloc(b->ctx, &nodes, s->capacity * sizeof *s->nodes,
                              capacity * sizeof *s->nodes);
    if (!is_ok(b)) return false;
    s->nodes = nodes;
    s->capacity = (uint32_t)capacity;
    return true;
}

/* The next node, under the key that was set; NULL after a failure. */
static tdagi_structure_node *add(tdagi_structure_builder *b, tdagi_structure_kind kind)
{
    if (!is_ok(b) || !grow(b)) return NULL;
    tdagi_structure *s = b->made;
    if (b->depth > 0) s->nodes[b->open[b->depth - 1]].n++;
    tdagi_structure_node *node = &s->nodes[s->n++];
    *node = (tdagi_structure_node){
        .kind = (uint8_t)kind, .size = 1, .key = b->key, .u.i = 0};
    b->key = NULL;
    s->n_tensors += kind == TDAGI_STRUCTURE_TENSOR;
    return node;
}

void tdagi_structure_key(tdagi_structure_builder *b, const char *key)
{
    b->key = keep(b, key);
}

void tdagi_structure_open(tdagi_structure_builder *b, tdagi_structure_kind kind,
                          const char *type_name)
{
    if (is_ok(b) && b->depth == TDAGI_STRUCTURE_MAX_DEPTH)
        b->status = tdagi_fail(b->ctx, TDAG_E_LIMIT, "a structure nests deeper than %d",
                               TDAGI_STRUCTURE_MAX_DEPTH);
    const char *name = keep(b, type_name);
    tdagi_structure_node *node = add(b, kind);
    if (node == NULL) return;
    node->u.s = name;
    b->open[b->depth++] = b->made->n - 1;
}

void tdagi_structure_close(tdagi_structure_builder *b)
{
    if (!is_ok(b)) return;
    uint32_t at = b->open[--b->depth];
    b->made->nodes[at].size = b->made->n - at;
}

void tdagi_structure_tensor(tdagi_structure_builder *b)
{
    add(b, TDAGI_STRUCTURE_TENSOR);
}

void tdagi_structure_number(tdagi_structure_builder *b, char letter)
{
    tdagi_structure_node *node = add(b, TDAGI_STRUCTURE_TENSOR);
    if (node != NULL) node->u.i = letter;
}

static const tdagi_structure_form forms[] = {
    {'\0', "T", "Tensor", "", ""},
    {'i', "int", "int", "int(", ")"},
    {'f', "float", "float", "float(", ")"},
    {'b', "bool", "bool", "bool(", ")"},
    {'t', "tensors", "List[Tensor]", "torch.unbind(", ")"},
    {'I', "ints", "List[int]", "annotate(List[int], ", ".tolist())"},
    {'F', "floats", "List[float]", "annotate(List[float], ", ".tolist())"},
    {'B', "bools", "List[bool]", "annotate(List[bool], ", ".tolist())"},
};

const tdagi_structure_form *tdagi_structure_form_of(int64_t letter)
{
    size_t i = sizeof forms / sizeof *forms - 1;
    while (i > 0 && forms[i].letter != letter)
        i--;
    return &forms[i];
}

const tdagi_structure_form *tdagi_structure_form_named(const char *name, size_t n)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++)
        if (strlen(forms[i].name) == n && memcmp(forms[i].name, name, n) == 0)
            return &forms[i];
    return NULL;
}

void tdagi_structure_none(tdagi_structure_builder *b) { add(b, TDAGI_STRUCTURE_NONE); }

void tdagi_structure_bool(tdagi_structure_builder *b, bool value)
{
    tdagi_structure_node *node = add(b, TDAGI_STRUCTURE_BOOL);
    if (node != NULL) node->u.b = value;
}

void tdagi_structure_int(tdagi_structure_builder *b, int64_t value)
{
    tdagi_structure_node *node = add(b, TDAGI_STRUCTURE_INT);
    if (node != NULL) node->u.i = value;
}

void tdagi_structure_float(tdagi_structure_builder *b, double value)
{
    tdagi_structure_node *node = add(b, TDAGI_STRUCTURE_FLOAT);
    if (node != NULL) node->u.f = value;
}

void tdagi_structure_string(tdagi_structure_builder *b, const char *value)
{
    const char *kept = keep(b, value);
    tdagi_structure_node *node = add(b, TDAGI_STRUCTURE_STRING);
    if (node != NULL) node->u.s = kept;
}

void tdagi_structure_leaf(tdagi_structure_builder *b, const tdagi_structure_node *leaf)
{
    const char *kept = leaf->kind == TDAGI_STRUCTURE_STRING ? keep(b, leaf->u.s) : NULL;
    tdagi_structure_node *node = add(b, (tdagi_structure_kind)leaf->kind);
    if (node == NULL) return;
    node->u = leaf->u;
    if (leaf->kind == TDAGI_STRUCTURE_STRING) node->u.s = kept;
}

tdag_status tdagi_structure_finish(tdagi_structure_builder *b, tdagi_structure **out)
{
    static const tdagi_structure_style own = {0};
    tdagi_text text;
    tdagi_text_init(&text, b->ctx);
    if (is_ok(b)) {
        tdagi_structure_write(b->made, &own, &text);
        b->status = tdagi_text_take(&text, &b->made->text);
    }
    if (!is_ok(b)) {
        tdagi_structure_drop(b);
        return b->status;
    }
    *out = b->made;
    b->made = NULL;
    return TDAG_OK;
}

static void add_number(tdagi_structure_builder *b, const tdag_tensor *t)
{
    char kind = tdagi_dtype_class(t->dtype);
    if (kind == 'b')
        tdagi_structure_bool(b, tdagi_tensor_get_i64(t, 0) != 0);
    else if (kind == 'f')
        tdagi_structure_float(b, tdagi_tensor_get_f64(t, 0));
    else
        tdagi_structure_int(b, tdagi_tensor_get_i64(t, 0));
}

/* As deep as structures are. */
static void settle(tdagi_structure_builder *b, const tdagi_structure_node *n,
                   const tdag_tensor *const **known)
{
    tdagi_structure_key(b, n->key);
    const tdag_tensor *number = n->kind == TDAGI_STRUCTURE_TENSOR ? *(*known)++ : NULL;
    if (number != NULL) {
        add_number(b, number);
        return;
    }
    if (!tdagi_structure_has_items(n)) {
        tdagi_structure_leaf(b, n);
        return;
    }
    tdagi_structure_open(b, (tdagi_structure_kind)n->kind,
                         n->kind == TDAGI_STRUCTURE_TUPLE ? n->u.s : NULL);
    const tdagi_structure_node *item = tdagi_structure_first(n);
    for (uint32_t i = 0; i < n->n; i++, item = tdagi_structure_next(item))
        settle(b, item, known);
    tdagi_structure_close(b);
}

tdag_status tdagi_structure_settle(tdag_ctx *ctx, const tdagi_structure *s,
                                   const tdag_tensor *const *known,
                                   tdagi_structure **out)
{
    tdagi_structure_builder b;
    tdagi_structure_begin(&b, ctx);
    settle(&b, s->nodes, &known);
    return tdagi_structure_finish(&b, out);
}

tdag_status tdagi_structure_flat(tdag_ctx *ctx, uint32_t n, bool is_result,
                                 tdagi_structure **out)
{
    tdagi_structure_builder b;
    tdagi_structure_begin(&b, ctx);
    bool alone = is_result && n == 1;
    if (!alone) tdagi_structure_open(&b, TDAGI_STRUCTURE_TUPLE, NULL);
    for (uint32_t i = 0; i < n; i++)
        tdagi_structure_tensor(&b);
    if (!alone) tdagi_structure_close(&b);
    return tdagi_structure_finish(&b, out);
}
