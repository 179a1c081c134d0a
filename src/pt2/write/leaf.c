/* Parameters, buffers and constants: a placeholder in the graph, what it is in the
 * signature, its tensor in a config and a record, which tensors share that share
 * memory. */
#include <string.h>

#include "base/tensor.h"
#include "pt2/write/write.h"

/* ---- records ---- */

static bool same_memory(const tdagi_pt2_record *r, const tdag_tensor *t, bool constant)
{
    return r->tensor->data == t->data && r->tensor->size == t->size &&
           r->tensor->dtype == t->dtype && r->is_constant == constant;
}

static uint32_t *slot_of(tdagi_pt2_writer *w, const tdag_tensor *t, bool constant)
{
    uint32_t mask = w->n_record_slots - 1,
             i = (uint32_t)((uintptr_t)t->data * 0x9E3779B97F4A7C15u >> 32) & mask;
    while (w->record_slots[i] != 0 &&
           !same_memory(&w->records[w->record_slots[i] - 1], t, constant))
        i = (i + 1) & mask;
    return &w->record_slots[i];
}

static bool grow(tdagi_pt2_writer *w)
{
    uint32_t n = w->n_record_slots == 0 ? 256 : 2 * w->n_record_slots;
    uint32_t *slots = tdagi_env_alloc(&w->env, n * sizeof(*slots));
    if (slots == NULL) return false;
    memset(slots, 0, n * sizeof(*slots));
    w->record_slots = slots;
    w->n_record_slots = n;
    for (uint32_t i = 0; i < w->n_records; i++)
        *slot_of(w, w->records[i].tensor, w->records[i].is_constant) = i + 1;
    return true;
}

/* The number of the record that holds t, made where there is none. */
static uint32_t record_of(tdagi_pt2_writer *w, const tdag_tensor *t, bool constant)
{
    if (2 * (w->n_records + 1) > w->n_record_slots && !grow(w)) return 0;
    uint32_t *slot = slot_of(w, t, constant);
    if (*slot != 0) return w->records[*slot - 1].number;
    tdagi_pt2_record *records =
        tdagi_pt2_room(&w->env.arena, w->records, w->n_records, sizeof(*records));
    if (records == NULL) {
        w->env.status = tdagi_nomem(w->ctx);
        return 0;
    }
    uint32_t number = constant ? w->n_tensors++ : w->n_weights++;
    w->records = records;
    records[w->n_records++] = (tdagi_pt2_record){t, constant, number};
    *slot = w->n_records;
    return number;
}

/* ---- placeholders ---- */

typedef struct leaf {
    tdag_op op;
    const char *name; /* fully qualified */
    const tdag_tensor *tensor;
} leaf;

static void add_config(tdagi_pt2_writer *w, const leaf *l, bool is_trained)
{
    bool constant = l->op == TDAG_OP_CONSTANT;
    tdagi_text *to = constant ? &w->constants : &w->weights;
    tdagi_pt2_comma(to);
    tdagi_text_add_json(to, l->name);
    tdagi_text_printf(to,
                      ":{\"path_name\":\"%s_%lu\",\"is_param\":%s,\"use_pickle\":false,"
                      "\"tensor_meta\":",
                      constant ? "tensor" : "weight",
                      (unsigned long)record_of(w, l->tensor, constant),
                      l->op == TDAG_OP_PARAMETER ? "true" : "false");
    tdagi_pt2_add_meta(w, to, l->tensor->dtype, l->tensor->rank, l->tensor->shape,
                       is_trained);
    tdagi_text_add(to, "}");
}

static void add_spec(tdagi_text *to, const leaf *l, const char *name)
{
    static const char *const kinds[] = {[TDAG_OP_PARAMETER] = "parameter",
                                        [TDAG_OP_BUFFER] = "buffer",
                                        [TDAG_OP_CONSTANT] = "tensor_constant"};
    const char *kind = kinds[l->op];
    tdagi_pt2_comma(to);
    tdagi_text_printf(to, "{\"%s\":{\"arg\":{\"name\":\"%s\"},\"%s_name\":", kind, name,
                      kind);
    tdagi_text_add_json(to, l->name);
    if (l->op == TDAG_OP_BUFFER) tdagi_text_add(to, ",\"persistent\":true");
    tdagi_text_add(to, "}}");
}

/* Its value in the graph that the rows build, if a kernel reads it. */
static void bind(tdagi_pt2_writer *w, const leaf *l, uint32_t kernel, const char *name)
{
    if (kernel == 0 || !tdagi_env_ok(&w->env)) return;
    tdag_value v = tdag_add_tensor(w->env.b, l->op, l->name, l->tensor);
    if (tdag_builder_get_status(w->env.b) != TDAG_OK) {
        w->env.status = tdag_builder_get_status(w->env.b);
        return;
    }
    w->values[kernel] = tdagi_any_tensor(tdagi_cell_new(&w->env, v));
    if (tdagi_env_ok(&w->env))
        tdagi_pt2_set_label(w, tdagi_pt2_cell_key(w->values[kernel].u.tensor), name);
}

static void note_owner(tdagi_pt2_writer *w, const char *name)
{
    const char *dot = strrchr(name, '.');
    if (dot != NULL)
        tdagi_pt2_note_module(w,
                              tdagi_env_text(&w->env, "%.*s", (int)(dot - name), name));
}

static void add_leaf(tdagi_pt2_writer *w, const leaf *l, uint32_t kernel)
{
    static const char *const prefixes[] = {
        [TDAG_OP_PARAMETER] = "p_", [TDAG_OP_BUFFER] = "b_", [TDAG_OP_CONSTANT] = "c_"};
    bool constant = l->op == TDAG_OP_CONSTANT;
    bool is_trained =
        l->op == TDAG_OP_PARAMETER && tdag_dtype_is_float(l->tensor->dtype);
    const char *name = tdagi_pt2_unique(w, prefixes[l->op], l->name);
    tdagi_text *inputs = constant ? &w->constant_inputs : &w->leaf_inputs;
    tdagi_pt2_comma(inputs);
    tdagi_text_printf(inputs, "{\"as_tensor\":{\"name\":\"%s\"}}", name);
    add_spec(constant ? &w->constant_specs : &w->leaf_specs, l, name);
    tdagi_pt2_declare(w, name, l->tensor->dtype, l->tensor->rank, l->tensor->shape,
                      is_trained);
    add_config(w, l, is_trained);
    note_owner(w, l->name);
    bind(w, l, kernel, name);
}

void tdagi_pt2_add_leaves(tdagi_pt2_writer *w)
{
    char buf[16];
    for (uint32_t id = 1; id <= w->g->n && tdagi_env_ok(&w->env); id++) {
        const tdagi_node *n = &w->g->nodes[id];
        if (n->op != TDAG_OP_PARAMETER && n->op != TDAG_OP_BUFFER) continue;
        const char *name = tdagi_value_name(w->g, (tdag_value){id}, buf);
        const leaf l = {(tdag_op)n->op, tdagi_name_given(name), n->u.tensor};
        add_leaf(w, &l, w->s->raised->kernel_of[id]);
    }
}

void tdagi_pt2_add_constant(tdagi_pt2_writer *w, uint32_t i)
{
    const tdagi_kernel *k = &w->s->raised->kernels[i];
    const char *name;
    do
        name = tdagi_env_text(&w->env, "constant_%lu", (unsigned long)w->n_constants++);
    while (tdag_graph_find(w->g, name).id != 0);
    const leaf l = {TDAG_OP_CONSTANT, name, tdagi_graph_node(w->g, k->value)->u.tensor};
    add_leaf(w, &l, i);
}
