/* See learn.h: from samples to skeletons and tags. */
#include "raise/learn.h"

#include <math.h>

#include "base/tensor.h"
#include "ir/graph.h"

/* ---- a sample's code ---- */

typedef struct writing {
    learned *all;
    const tdag_graph *g;
    const tdagi_composite_def *def;
    const void *spec;
    learn_skeleton *row;
    learn_sample *sample;
    uint8_t *ordinal; /* by value: + 1; 0: not met */
    uint32_t n_nodes;
    bool boolean; /* numbers of the spec are 0 and 1 */
    bool wide;    /* converts of inputs are not written */
} writing;

static double field_f64(const void *spec, const tdagi_field *f)
{
    double x;
    memcpy(&x, (const char *)spec + f->offset, sizeof(x));
    return x;
}

static int64_t field_int(const void *spec, const tdagi_field *f)
{
    int64_t x;
    memcpy(&x, (const char *)spec + f->offset, sizeof(x));
    return x;
}

static tdag_list field_list(const void *spec, const tdagi_field *f)
{
    tdag_list x;
    memcpy(&x, (const char *)spec + f->offset, sizeof(x));
    return x;
}

static bool is_list(const tdagi_field *f)
{
    return f->kind == TDAGI_FIELD_INTS || f->kind == TDAGI_FIELD_DIMS;
}

static bool is_near(double x, double y)
{
    return x == y || fabs(x - y) <= 1e-6 * fabs(y);
}

static double count_reduced(const tdag_graph *g)
{
    double n = 1;
    for (uint32_t id = 1; id <= g->n; id++) {
        if (g->nodes[id].op != TDAG_OP_REDUCE) continue;
        const tdag_reduce_spec *s = g->nodes[id].u.spec;
        const tdagi_node *x = &g->nodes[tdagi_node_inputs(&g->nodes[id])[0].id];
        for (uint32_t k = 0; k < s->axes.n; k++)
            n *= (double)x->shape[s->axes.v[k]];
        break;
    }
    return n;
}

/* Whether a constant comes from the spec, in one of the ways that tags know. */
static bool from_spec(const writing *w, double x)
{
    for (const tdagi_field *f = w->def->fields; f != NULL && f->name != NULL; f++) {
        if (f->kind == TDAGI_FIELD_INT) {
            double i = (double)field_int(w->spec, f);
            if (f->role & TDAGI_ROLE_DECIMALS && i != 0 && is_near(x, pow(10, fabs(i))))
                return true;
            if (fabs(i) >= 5 && x == i) return true;
        }
        if (f->kind != TDAGI_FIELD_F64) continue;
        double v = field_f64(w->spec, f);
        if (v == 0 && !w->boolean) continue;
        if (is_near(x, v) || is_near(x, -v) || is_near(x, w->sample->n_reduced - v))
            return true;
        for (const tdagi_field *h = w->def->fields; h->name != NULL; h++)
            if (h->kind == TDAGI_FIELD_F64 && is_near(x, v * field_f64(w->spec, h)))
                return true;
    }
    return false;
}

static uint8_t number_index(learned *all, double x, tdag_dtype dtype)
{
    for (uint32_t i = 1; i <= all->n_numbers; i++) {
        double y = tdagi_rounded(dtype, all->numbers[i]);
        if (y == x || (isnan(x) && isnan(y))) return (uint8_t)i;
    }
    assert_true(all->n_numbers < 255);
    all->numbers[++all->n_numbers] = x;
    return (uint8_t)all->n_numbers;
}

static void put_code(writing *w, uint32_t code)
{
    assert_true(w->row->n_code < LEARN_MOST_CODE && code < 256);
    w->row->code[w->row->n_code++] = (uint8_t)code;
}

/* What a tree is made of: nodes, and whether it reads an input, a size, the spec. */
typedef struct contents {
    uint32_t n;
    bool input, size, spec;
} contents;

static void look(const writing *w, tdag_value v, contents *c)
{
    const tdagi_node *n = &w->g->nodes[v.id];
    const tdag_value *in = tdagi_node_inputs(n);
    c->n += !tdagi_op_is_leaf(n->op);
    c->input = c->input || n->op == TDAG_OP_INPUT;
    c->size = c->size || n->op == TDAG_OP_IOTA || n->op == TDAG_OP_REPEAT;
    if (n->op == TDAG_OP_CONSTANT)
        c->spec = c->spec || from_spec(w, tdagi_tensor_get_f64(n->u.tensor, 0));
    for (uint32_t i = 0; i < n->n_inputs; i++)
        look(w, in[i], c);
}

static contents look_at(const writing *w, tdag_value v)
{
    contents c = {0};
    look(w, v, &c);
    return c;
}

static void write_tree(writing *w, tdag_value v);

static void write_operands(writing *w, const tdagi_node *n, bool swapped)
{
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++)
        write_tree(w, in[swapped ? n->n_inputs - 1 - i : i]);
}

static void write_constant(writing *w, const tdagi_node *n)
{
    double x = w->sample->nodes[w->sample->n - 1].number;
    if (from_spec(w, x)) {
        put_code(w, 0);
        w->row->n_numbers++;
    } else
        put_code(w, number_index(w->all, x, (tdag_dtype)n->dtype));
}

/* An integer that is the size of one of the first operand's axes. */
static bool is_size(const writing *w, const tdagi_node *n)
{
    const tdagi_node *x = &w->g->nodes[w->g->inputs[0].id];
    if (n->op != TDAG_OP_CONSTANT || n->dtype != TDAG_I64) return false;
    double number = tdagi_tensor_get_f64(n->u.tensor, 0);
    for (uint32_t i = 0; i < x->rank; i++)
        if (number >= 0 && number == (double)x->shape[i]) return true;
    return false;
}

static uint32_t input_index(const tdag_graph *g, tdag_value v)
{
    const char *name = g->nodes[v.id].name; /* "0", "1", ... */
    return (uint32_t)(name[0] - '0');
}

static void write_tree(writing *w, tdag_value v)
{
    const tdagi_node *n = &w->g->nodes[v.id];
    const tdag_value *in = tdagi_node_inputs(n);
    contents c = look_at(w, v);
    if (w->wide && n->op == TDAG_OP_CONVERT &&
        w->g->nodes[in[0].id].op == TDAG_OP_INPUT) {
        v = in[0];
        n = &w->g->nodes[v.id];
    }
    if (n->op == TDAG_OP_INPUT) {
        uint32_t slot = input_index(w->g, v);
        put_code(w, TDAGI_CODE_SLOT + slot);
        if (slot >= w->row->n_slots) w->row->n_slots = slot + 1;
        return;
    }
    if (!c.input && !c.spec && (c.size || is_size(w, n))) {
        put_code(w, TDAGI_CODE_SIZE);
        return;
    }
    if (w->ordinal[v.id] != 0 && n->op != TDAG_OP_CONSTANT) {
        put_code(w, TDAGI_CODE_AGAIN);
        put_code(w, w->ordinal[v.id] - 1u);
        return;
    }
    bool pair = n->n_inputs == 2 && tdagi_node_def(n)->commutes;
    bool swapped = pair && look_at(w, in[1]).n > look_at(w, in[0]).n;
    if (pair) put_code(w, swapped ? TDAGI_CODE_SWAPPED : TDAGI_CODE_PAIR);
    put_code(w, n->op);
    learn_node *node = &w->sample->nodes[w->sample->n++];
    assert_true(w->sample->n < LEARN_MOST_NODES);
    *node = (learn_node){n, (double)NAN};
    w->ordinal[v.id] = (uint8_t)w->sample->n;
    if (n->op == TDAG_OP_CONSTANT) {
        node->number = tdagi_tensor_get_f64(n->u.tensor, 0);
        write_constant(w, n);
        return;
    }
    w->n_nodes++;
    for (const tdagi_field *f = tdagi_node_def(n)->fields; f != NULL && f->name; f++)
        if (f->kind == TDAGI_FIELD_ENUM) {
            put_code(w, TDAGI_CODE_KIND);
            put_code(w, (uint32_t)field_int(n->u.spec, f));
            break;
        }
    write_operands(w, n, swapped);
}

static uint8_t child_of(const learn_skeleton *s)
{
    uint32_t at = s->code[0] >= TDAGI_CODE_PAIR;
    at += s->code[at + 1] == TDAGI_CODE_KIND ? 3 : 1;
    at += s->code[at] >= TDAGI_CODE_PAIR;
    return s->code[at] < TDAGI_CODE_SLOT ? s->code[at] : 0;
}

void learn_add(learned *all, tdagi_composite id, tdag_builder *b, tdag_value top,
               void *spec)
{
    const tdag_graph *g = b->graph;
    tdag_dtype dtype = (tdag_dtype)g->nodes[g->inputs[0].id].dtype;
    uint8_t kind = tdagi_dtype_kind(dtype);
    if (kind == TDAGI_KIND_HALF && g->nodes[top.id].op == TDAG_OP_CONVERT) {
        top = tdagi_node_inputs(&g->nodes[top.id])[0];
        kind = TDAGI_KIND_WIDE;
    }
    learn_skeleton row = {.composite = id, .root = g->nodes[top.id].op};
    learn_sample *sample = calloc(1, sizeof(*sample));
    *sample = (learn_sample){.builder = b, .spec = spec, .n_reduced = count_reduced(g)};
    uint8_t *ordinal = calloc(g->n + 1, 1);
    writing w = {.all = all,
                 .g = g,
                 .def = tdagi_composite_row_of(id)->def,
                 .spec = spec,
                 .row = &row,
                 .sample = sample,
                 .ordinal = ordinal,
                 .boolean = dtype == TDAG_BOOL,
                 .wide = kind == TDAGI_KIND_WIDE};
    write_tree(&w, top);
    free(ordinal);
    row.n_nodes = w.n_nodes;
    row.child = child_of(&row);
    uint32_t i = 0;
    while (i < all->n &&
           (all->rows[i].composite != id || all->rows[i].n_code != row.n_code ||
            memcmp(all->rows[i].code, row.code, row.n_code) != 0))
        i++;
    if (i == all->n) {
        if (all->n == all->capacity) {
            all->capacity = 2 * all->capacity + 64;
            all->rows = realloc(all->rows, all->capacity * sizeof(*all->rows));
        }
        all->rows[all->n++] = row;
    }
    sample->next = all->rows[i].samples;
    all->rows[i].samples = sample;
    all->rows[i].kinds |= kind;
}

/* ---- tags ---- */

static bool same_list(tdag_list x, tdag_list y)
{
    for (uint32_t i = 0; x.n == y.n && i < x.n; i++)
        if (x.v[i] != y.v[i]) return false;
    return x.n == y.n;
}

static bool same_int(const tdagi_field *f, const void *spec, int64_t i)
{
    if (f->kind == TDAGI_FIELD_F64) return field_f64(spec, f) == (double)i;
    return field_int(spec, f) == i;
}

static bool number_holds(const tdagi_field *fields, const learn_sample *s,
                         const tdagi_tag *t, double x)
{
    const tdagi_field *f = &fields[t->field];
    double want = f->kind == TDAGI_FIELD_F64 ? field_f64(s->spec, f)
                                             : (double)field_int(s->spec, f);
    switch (t->how) {
    case TDAGI_TAG_NUMBER:
        return is_near(x, want);
    case TDAGI_TAG_NEGATIVE:
        return is_near(-x, want);
    case TDAGI_TAG_MISSING:
        return is_near(s->n_reduced - x, want);
    case TDAGI_TAG_LOG10:
        return round(log10(x)) == want;
    case TDAGI_TAG_MINUS_LOG10:
        return -round(log10(x)) == want;
    case TDAGI_TAG_QUOTIENT:
        return is_near(x, want * field_f64(s->spec, &fields[t->from]));
    default:
        return false;
    }
}

/* Whether the tag reads the field of that sample rightly. */
static bool holds(const tdagi_field *fields, const learn_sample *s, const tdagi_tag *t)
{
    const tdagi_field *f = &fields[t->field];
    if (t->how == TDAGI_TAG_LITERAL)
        return !is_list(f) && same_int(f, s->spec, t->from);
    const learn_node *n = &s->nodes[t->node];
    if (t->how >= TDAGI_TAG_NUMBER && t->how < TDAGI_TAG_ITEM)
        return n->node->op == TDAG_OP_CONSTANT && !is_list(f) &&
               number_holds(fields, s, t, n->number);
    if (tdagi_op_is_leaf(n->node->op) || tdagi_node_def(n->node)->fields == NULL)
        return false;
    const tdagi_field *from = &tdagi_node_def(n->node)->fields[t->from];
    if (!is_list(from)) {
        bool whole = from->kind == TDAGI_FIELD_INT || from->kind == TDAGI_FIELD_DIM;
        return whole && t->how == TDAGI_TAG_FIELD && f->kind != TDAGI_FIELD_F64 &&
               !is_list(f) && same_int(f, s->spec, field_int(n->node->u.spec, from));
    }
    tdag_list list = field_list(n->node->u.spec, from);
    int64_t i =
        t->how == TDAGI_TAG_LAST ? (int64_t)list.n - 1 : t->how - TDAGI_TAG_ITEM;
    if (t->how == TDAGI_TAG_FIELD)
        return is_list(f) && same_list(list, field_list(s->spec, f));
    if (is_list(f) || f->kind == TDAGI_FIELD_F64) return false;
    if (t->how == TDAGI_TAG_LENGTH) return same_int(f, s->spec, list.n);
    return i >= 0 && i < list.n && same_int(f, s->spec, list.v[i]);
}

static bool holds_in_all(const learn_skeleton *row, const tdagi_tag *t)
{
    const tdagi_field *fields = tdagi_composite_row_of(row->composite)->def->fields;
    for (const learn_sample *s = row->samples; s != NULL; s = s->next)
        if (!holds(fields, s, t)) return false;
    return true;
}

static bool find_literal(const learn_skeleton *row, tdagi_tag *t)
{
    for (int32_t i = -128; i < 128; i++) {
        *t = (tdagi_tag){t->field, TDAGI_TAG_LITERAL, 0, (int8_t)i};
        if (holds_in_all(row, t)) return true;
    }
    return false;
}

/* `from` runs over the fields: of the op's spec, or of the composite's for quotients.
 */
static bool find_tag(const learn_skeleton *row, tdagi_tag *t)
{
    const tdagi_field *own = tdagi_composite_row_of(row->composite)->def->fields;
    for (uint32_t how = TDAGI_TAG_FIELD; how < TDAGI_TAG_ITEM + TDAG_MAX_RANK; how++)
        for (uint32_t node = 0; node < row->samples->n; node++) {
            const tdagi_node *n = row->samples->nodes[node].node;
            const tdagi_field *f = how == TDAGI_TAG_QUOTIENT ? own
                                   : how >= TDAGI_TAG_NUMBER && how < TDAGI_TAG_ITEM
                                       ? NULL
                                       : tdagi_node_def(n)->fields;
            int8_t from = 0;
            do {
                *t = (tdagi_tag){t->field, (uint8_t)how, (uint8_t)node, from++};
                bool usable = how != TDAGI_TAG_QUOTIENT || f->kind == TDAGI_FIELD_F64;
                if (f != NULL && f->name == NULL) break;
                if (usable && holds_in_all(row, t)) return true;
            } while (f != NULL && (++f)->name != NULL);
        }
    return false;
}

static void find_tags(learn_skeleton *row)
{
    const tdagi_field *fields = tdagi_composite_row_of(row->composite)->def->fields;
    for (uint32_t late = 0; late < 2; late++) /* quotients need their divisor */
        for (uint8_t i = 0; fields != NULL && fields[i].name != NULL; i++) {
            tdagi_tag t = {.field = i};
            if (find_literal(row, &t)) {
                if (late || t.from == 0) continue;
            } else if (!find_tag(row, &t)) {
                continue; /* this variant does without the field */
            }
            if ((t.how == TDAGI_TAG_QUOTIENT) == late) row->tags[row->n_tags++] = t;
        }
}

/* ---- the table ---- */

static int by_place(const void *a, const void *b)
{
    const learn_skeleton *x = a, *y = b;
    if (x->root != y->root) return x->root < y->root ? -1 : 1;
    if (x->n_nodes != y->n_nodes) return x->n_nodes > y->n_nodes ? -1 : 1;
    if (x->n_slots != y->n_slots) return x->n_slots < y->n_slots ? -1 : 1;
    if (x->n_numbers != y->n_numbers) return x->n_numbers < y->n_numbers ? -1 : 1;
    if (x->composite != y->composite) return x->composite < y->composite ? -1 : 1;
    uint32_t n = x->n_code < y->n_code ? x->n_code : y->n_code;
    int order = memcmp(x->code, y->code, n);
    return order != 0 ? order : (int)x->n_code - (int)y->n_code;
}

void learn_finish(learned *all)
{
    for (uint32_t i = 0; i < all->n; i++)
        find_tags(&all->rows[i]);
    qsort(all->rows, all->n, sizeof(*all->rows), by_place);
}

void learn_free(learned *all)
{
    for (uint32_t i = 0; i < all->n; i++)
        for (learn_sample *s = all->rows[i].samples, *next; s != NULL; s = next) {
            next = s->next;
            tdag_builder_free(s->builder);
            free(s->spec);
            free(s);
        }
    free(all->rows);
    tdag_ctx_free(all->ctx);
}
