/* Tensors of the file as leaves, and the module tree that names them.
 *
 * Every parameter and buffer becomes a leaf under its state_dict() key before the walk,
 * so that keys survive even where nothing uses them. Elements are never copied: a leaf
 * holds one reference of PyTorch's tensor. Two names of one storage are two leaves that
 * share a tdag_tensor; a tensor attribute or a constant that has the memory of a leaf
 * is that leaf. */
#include "torchscript/import/import.h"

#include <string.h>

#include "aten/control/journal.h"
#include "aten/control/merge.h"
#include "aten/selection.h"
#include "base/tensor.h"
#include "derive/derive.h"

#define KNOWN_MAX 16 /* elements of a constant that may serve as sizes */

typedef struct tdagi_leaf {
    tdag_shim_tensor info;
    tdag_tensor *tensor;
    tdagi_cell *cell;
    bool is_state;    /* a parameter or a buffer */
    const char *path; /* of one */
    tdagi_live *live; /* the state that it is */
} tdagi_leaf;

/* ---- finding and making leaves ---- */

static bool same_memory(const tdag_shim_tensor *a, const tdag_shim_tensor *b)
{
    if (a->storage == NULL || a->storage != b->storage || a->rank != b->rank ||
        a->storage_offset != b->storage_offset || a->dtype != b->dtype ||
        a->is_complex != b->is_complex)
        return false;
    for (uint32_t i = 0; i < a->rank; i++)
        if (a->sizes[i] != b->sizes[i] || a->strides[i] != b->strides[i]) return false;
    return true;
}

static tdagi_leaf *find_leaf(tdagi_import *im, const tdag_shim_tensor *info)
{
    for (uint32_t i = 0; i < im->n_leaves; i++)
        if (same_memory(&im->leaves[i].info, info)) return &im->leaves[i];
    return NULL;
}

static tdagi_leaf *add_leaf(tdagi_import *im, const tdag_shim_tensor *info)
{
    if (im->n_leaves == im->leaves_capacity) {
        uint32_t wider = im->leaves_capacity == 0 ? 64 : im->leaves_capacity * 2;
        tdagi_leaf *p = tdagi_env_alloc(&im->env, wider * sizeof(*p));
        if (p == NULL) return NULL;
        if (im->n_leaves > 0) memcpy(p, im->leaves, im->n_leaves * sizeof(*p));
        im->leaves = p;
        im->leaves_capacity = wider;
    }
    tdagi_leaf *leaf = &im->leaves[im->n_leaves++];
    memset(leaf, 0, sizeof(*leaf));
    leaf->info = *info;
    return leaf;
}

void tdagi_import_free_leaves(tdagi_import *im)
{
    for (uint32_t i = 0; i < im->n_leaves; i++)
        tdag_tensor_free(im->leaves[i].tensor);
    im->n_leaves = 0;
}

/* NULL and a sentence where we have no such tensors. */
static const char *refuse(const tdag_shim_tensor *t)
{
    if (t->is_complex && strcmp(t->dtype_name, "ComplexHalf") == 0)
        return "a complex tensor of half precision";
    if (t->is_quantized) return "a quantized tensor";
    if (!t->is_dense) return "a sparse tensor";
    if (t->dtype == TDAG_DTYPE_NONE && !t->is_complex)
        return "a tensor of a dtype that is not supported";
    return t->rank + t->is_complex > TDAG_MAX_RANK ? "a tensor of too many axes" : NULL;
}

/* The elements as ours: no copy, one reference of PyTorch's. */
static tdag_tensor *wrap(tdagi_import *im, const tdag_shim_value *v)
{
    tdag_shim_error error;
    const tdag_shim_value *dense = NULL;
    tdag_shim_tensor info;
    if (im->api->tensor_contiguous(im->session, v, &dense, &error) != 0 ||
        im->api->tensor_get(dense, &info, &error) != 0) {
        tdagi_import_fail(im, TDAG_E_SHIM, &error);
        return NULL;
    }
    void *retained = im->api->tensor_retain(dense);
    if (retained == NULL) {
        im->env.status = tdagi_nomem(im->env.ctx);
        return NULL;
    }
    union { /* the elements are only read, tdag_tensor_wrap has one signature for all */
        const void *in;
        void *out;
    } data = {info.data};
    tdag_tensor *t = NULL;
    tdag_status st = tdag_tensor_wrap(im->env.ctx, info.dtype, info.rank, info.sizes,
                                      data.out, im->api->tensor_release, retained, &t);
    if (st != TDAG_OK) {
        im->api->tensor_release(retained);
        im->env.status = st;
        return NULL;
    }
    return t;
}

/* A leaf as what its tensor is: complex ones are kept as pairs. */
static tdagi_any as_tensor(tdagi_import *im, const tdag_shim_tensor *info,
                           tdagi_cell *leaf)
{
    return info->is_complex ? tdagi_cell_of_pairs(&im->env, leaf)
                            : tdagi_any_tensor(leaf);
}

static tdagi_cell *make_leaf(tdagi_import *im, const tdag_shim_value *v,
                             const tdag_shim_tensor *info, tdag_op op, const char *name)
{
    tdagi_leaf *twin = find_leaf(im, info);
    tdag_tensor *t = twin != NULL ? tdag_tensor_copy(twin->tensor) : wrap(im, v);
    if (t == NULL) return NULL;
    tdagi_leaf *leaf = add_leaf(im, info);
    if (leaf == NULL) {
        tdag_tensor_free(t);
        return NULL;
    }
    leaf->tensor = t;
    leaf->is_state = op != TDAG_OP_CONSTANT;
    if (leaf->is_state && name != NULL) name = tdagi_env_name(&im->env, name);
    tdag_value value = tdag_add_tensor(im->env.b, op, name, t);
    if (value.id == 0) {
        tdagi_env_fail_here(&im->env, tdag_builder_get_status(im->env.b), "a weight");
        return NULL;
    }
    leaf->cell = tdagi_cell_new(&im->env, value);
    if (leaf->cell != NULL) {
        leaf->cell->is_leaf = true;
        leaf->cell->first_value = value;
    }
    return leaf->cell;
}

/* A small constant of numbers that may turn out to be sizes; NULL: it is none. */
static tdagi_cell *known_constant(tdagi_import *im, const tdag_shim_value *v,
                                  const tdag_shim_tensor *info)
{
    if (info->rank > 1 || info->count > KNOWN_MAX) return NULL; /* not worth a copy */
    tdag_tensor *t = wrap(im, v);
    if (t == NULL) return NULL;
    tdagi_cell *known = tdagi_cell_of_constant(&im->env, t);
    tdag_tensor_free(t);
    return known;
}

tdagi_any tdagi_import_constant(tdagi_import *im, const tdag_shim_value *v,
                                const char *name)
{
    tdag_shim_tensor info;
    tdag_shim_error error;
    if (im->api->tensor_get(v, &info, &error) != 0) {
        tdagi_import_fail(im, TDAG_E_SHIM, &error);
        return tdagi_any_poison();
    }
    const char *why = refuse(&info);
    if (why != NULL)
        return tdagi_env_issue(&im->env, "%s (%s)", why,
                               name == NULL ? "a constant" : name);
    tdagi_leaf *leaf = find_leaf(im, &info);
    if (leaf != NULL && leaf->cell != NULL) return as_tensor(im, &info, leaf->cell);
    tdagi_cell *known = info.is_complex ? NULL : known_constant(im, v, &info);
    if (known != NULL || !tdagi_env_ok(&im->env)) return tdagi_any_tensor(known);
    tdagi_cell *made = make_leaf(im, v, &info, TDAG_OP_CONSTANT, name);
    return as_tensor(im, &info, made);
}

/* ---- modules ---- */

static tdagi_attr *find_attr(tdagi_import *im, tdagi_object *o, const char *name)
{
    if (!tdagi_env_step(&im->env, o->n / 16)) return NULL;
    for (uint32_t i = 0; i < o->n; i++)
        if (strcmp(o->attrs[i].name, name) == 0) return &o->attrs[i];
    return NULL;
}

static tdagi_attr *add_attr(tdagi_import *im, tdagi_object *o, const char *name,
                            tdagi_any v)
{
    if (o->n == o->capacity) {
        uint32_t wider = o->capacity == 0 ? 8 : o->capacity * 2;
        if (o->path == NULL) wider = 256; /* they do not move: journals note them */
        if (o->n >= wider) {
            tdagi_env_fail(&im->env, TDAG_E_LIMIT, "an object of 256 attributes");
            return NULL;
        }
        tdagi_attr *p = tdagi_env_alloc(&im->env, wider * sizeof(*p));
        if (p == NULL) return NULL;
        if (o->n > 0) memcpy(p, o->attrs, o->n * sizeof(*p));
        o->attrs = p;
        o->capacity = wider;
    }
    o->attrs[o->n] = (tdagi_attr){.name = name, .value = v};
    return &o->attrs[o->n++];
}

static const char *join(tdagi_import *im, const char *path, const char *name)
{
    return *path == '\0' ? name : tdagi_env_text(&im->env, "%s.%s", path, name);
}

/* The last leaf is an attribute: state, of its own or the memory of another one, which
 * is written in place. */
static void live_leaf(tdagi_import *im, tdagi_attr *a, const char *path)
{
    tdagi_leaf *leaf = &im->leaves[im->n_leaves - 1], *twin = leaf;
    const tdagi_found *found = tdagi_import_found(im, path);
    leaf->path = path;
    if (im->found != NULL && im->found->n > 0) twin = find_leaf(im, &leaf->info);
    if (twin == NULL) twin = leaf; /* of no elements */
    if (twin->live != NULL && tdagi_import_found(im, twin->path)->is_shared)
        a->live = twin->live;
    else if (found != NULL && found->is_shared && twin != leaf && twin->is_state)
        tdagi_import_found_shared(im, twin->path);
    else if (found != NULL)
        tdagi_import_live(im, a, path, a->value);
    leaf->live = a->live;
}

/* Parameters or buffers of one module, in the file's order. */
static void add_state(tdagi_import *im, tdagi_object *o, tdag_shim_slot slot)
{
    const tdag_shim_api *api = im->api;
    size_t n = api->value_size(o->shim);
    for (size_t i = 0; i < n && tdagi_env_ok(&im->env); i++) {
        if (api->object_attr_slot(o->shim, i) != slot) continue;
        const tdag_shim_value *v = api->value_item(im->session, o->shim, i);
        if (v == NULL && !tdagi_import_check(im)) return;
        if (v == NULL || api->value_kind(v) != TDAG_SHIM_TENSOR) continue;
        tdag_shim_tensor info;
        tdag_shim_error error;
        if (api->tensor_get(v, &info, &error) != 0 || refuse(&info) != NULL) continue;
        const char *name = api->object_attr_name(im->session, o->shim, i);
        tdag_op op =
            slot == TDAG_SHIM_SLOT_PARAMETER ? TDAG_OP_PARAMETER : TDAG_OP_BUFFER;
        const char *path = join(im, o->path, name);
        tdagi_cell *t = make_leaf(im, v, &info, op, path);
        tdagi_attr *a =
            t == NULL ? NULL : add_attr(im, o, name, as_tensor(im, &info, t));
        if (a != NULL) live_leaf(im, a, path);
    }
}

#define STEPS_OF_A_MODULE 100 /* what its object, attributes and names take */

static void add_module(tdagi_import *im, tdagi_object *o, uint32_t depth)
{
    const tdag_shim_api *api = im->api;
    const uint64_t deepest = im->env.ctx->limits.max_depth;
    if (depth > deepest)
        tdagi_env_fail(&im->env, TDAG_E_LIMIT, "modules nest deeper than %llu",
                       (unsigned long long)deepest);
    if (!tdagi_env_step(&im->env, STEPS_OF_A_MODULE)) return;
    tdag_builder_set_scope(im->env.b, o->path);
    add_state(im, o, TDAG_SHIM_SLOT_PARAMETER);
    add_state(im, o, TDAG_SHIM_SLOT_BUFFER);
    size_t n = api->value_size(o->shim);
    for (size_t i = 0; i < n && tdagi_env_ok(&im->env); i++) {
        if (api->object_attr_slot(o->shim, i) != TDAG_SHIM_SLOT_MODULE) continue;
        const tdag_shim_value *v = api->value_item(im->session, o->shim, i);
        if (v == NULL && !tdagi_import_check(im)) return;
        if (v == NULL || api->value_kind(v) != TDAG_SHIM_OBJECT) continue;
        const char *name = api->object_attr_name(im->session, o->shim, i);
        tdagi_any child = tdagi_import_value(im, v, join(im, o->path, name));
        if (child.kind != TDAGI_ANY_OBJECT) return;
        add_attr(im, o, name, child);
        add_module(im, child.u.object, depth + 1);
    }
}

tdagi_object *tdagi_import_module(tdagi_import *im, const tdag_shim_value *root)
{
    tdagi_any v = tdagi_import_value(im, root, "");
    if (v.kind != TDAGI_ANY_OBJECT) return NULL;
    add_module(im, v.u.object, 0);
    tdag_builder_set_scope(im->env.b, "");
    return v.u.object;
}

/* Lists and dicts of an attribute, and those inside of them. */
static void mark_living(tdagi_any v, uint32_t depth)
{
    tdagi_seq *items = NULL;
    if (tdagi_any_is_seq(v)) items = v.u.seq;
    if (v.kind == TDAGI_ANY_DICT) {
        v.u.dict->keys.lives = true;
        items = &v.u.dict->values;
    }
    if (items == NULL || depth == TDAGI_STRUCTURE_MAX_DEPTH) return;
    items->lives = true;
    for (uint32_t i = 0; i < items->n; i++)
        mark_living(items->v[i], depth + 1);
}

/* The attribute as the file has it, or as state. NULL: there is none. */
static tdagi_attr *load_attr(tdagi_import *im, tdagi_object *object, const char *name)
{
    const tdag_shim_value *v = im->api->object_attr(im->session, object->shim, name);
    if (v == NULL && tdagi_import_check(im))
        tdagi_env_fail(&im->env, TDAG_E_FORMAT, "there is no attribute %s", name);
    if (v == NULL) return NULL;
    const char *path = join(im, object->path, name);
    tdagi_attr *a = add_attr(im, object, name, tdagi_import_value(im, v, path));
    if (a == NULL) return NULL;
    mark_living(a->value, 0);
    if (a->value.kind == TDAGI_ANY_LIST)
        tdagi_import_read_list(im, a->value.u.seq, path);
    if (a->value.kind == TDAGI_ANY_DICT)
        tdagi_import_live_dict(im, a->value.u.dict, path);
    const tdagi_found *found = tdagi_import_found(im, path);
    if (found != NULL && found->is_whole)
        tdagi_import_live_parts(im, a, path);
    else if (found != NULL)
        tdagi_import_live(im, a, path, a->value);
    return a;
}

/* Whether it may be state: that shows, and then the method is walked again. */
static bool may_live(const tdagi_import *im, tdagi_any before, tdagi_any after)
{
    bool is_tensor = before.kind == TDAGI_ANY_TENSOR && after.kind == TDAGI_ANY_TENSOR;
    char letter = before.kind == TDAGI_ANY_DATA ? 0 : tdagi_number_letter(before);
    bool is_number = letter != 0 &&
                     (letter == 's') == (tdagi_number_letter(after) == 's') &&
                     tdagi_number_letter(after) != 0;
    return im->found != NULL && im->env.outline != NULL && (is_tensor || is_number);
}

/* Whether it is what is there already: the same tensors, equal numbers. */
static bool is_what_it_was(tdagi_import *im, tdagi_any was, tdagi_any v, uint32_t depth)
{
    bool assumed = false;
    if (was.kind != v.kind || depth == TDAGI_STRUCTURE_MAX_DEPTH) return false;
    if (v.kind == TDAGI_ANY_TENSOR) return was.u.tensor == v.u.tensor;
    if (!tdagi_any_is_seq(v))
        return (tdagi_any_is_number(v) || v.kind == TDAGI_ANY_NONE ||
                v.kind == TDAGI_ANY_STRING) &&
               tdagi_any_equal(&im->env, was, v, &assumed) && !assumed;
    bool same = was.u.seq->n == v.u.seq->n;
    for (uint32_t i = 0; same && i < v.u.seq->n; i++)
        same = is_what_it_was(im, was.u.seq->v[i], v.u.seq->v[i], depth + 1);
    return same;
}

/* `self.t += x` writes into t and then sets it to itself. */
static bool is_same_tensor(tdagi_any a, tdagi_any b)
{
    return a.kind == TDAGI_ANY_TENSOR && b.kind == TDAGI_ANY_TENSOR &&
           a.u.tensor == b.u.tensor;
}

/* What became a number on its way to a tensor's place is a tensor. */
static tdagi_any as_tensor_of(tdagi_import *im, tdagi_any v, tdagi_any like)
{
    tdagi_env *env = &im->env;
    if (v.kind != TDAGI_ANY_DATA && !tdagi_any_is_number(v)) return v;
    v = tdagi_number_data(env, v);
    if (v.kind != TDAGI_ANY_TENSOR) return v;
    tdag_value x = tdagi_cast(env->b, tdagi_cell_read(env, v.u.tensor),
                              tdagi_cell_dtype(env, like.u.tensor));
    return tdagi_any_tensor(tdagi_cell_new(env, x));
}

/* It is state, as which the method reads it when it is walked again. */
static void is_found(tdagi_import *im, const tdagi_object *object, const tdagi_attr *a,
                     tdagi_any v)
{
    const char *path = join(im, object->path, a->name);
    bool is_list = a->value.kind == TDAGI_ANY_LIST && v.kind == TDAGI_ANY_LIST;
    bool may = im->found != NULL && im->env.outline != NULL;
    if (may && is_list)
        tdagi_import_found_list(im, path, a->value, v);
    else if (tdagi_import_found_parts(im, path, a->value, v))
        ;
    else if (may_live(im, a->value, v))
        tdagi_import_found_state(im, path);
    else if (a->value.kind != TDAGI_ANY_NONE || im->found == NULL ||
             !tdagi_import_found_optional(im, path, v))
        tdagi_env_issue(&im->env, "the attribute %s that lives between calls", a->name);
}

/* Whether it was set in a branch or loop that has ended: it may have been set or not.
 */
static bool may_be_set(const tdagi_import *im, const tdagi_attr *a)
{
    const tdagi_journal *j = im->env.journal;
    while (j != NULL && j->epoch != a->epoch)
        j = j->outer;
    return a->epoch != 0 && j == NULL;
}

tdagi_any tdagi_import_attr(tdagi_import *im, tdagi_object *object, const char *name)
{
    tdagi_attr *a = find_attr(im, object, name);
    if (a == NULL && object->path == NULL)
        return tdagi_env_issue(&im->env, "the attribute %s, which nothing was set to",
                               name);
    if (a == NULL) a = load_attr(im, object, name);
    if (a == NULL) return tdagi_any_poison();
    if (may_be_set(im, a)) is_found(im, object, a, a->now);
    if (!a->was_set) a->was_read = true;
    return a->live != NULL ? a->live->now : a->was_set ? a->now : a->value;
}

void tdagi_import_set_attr(tdagi_import *im, tdagi_object *object, const char *name,
                           tdagi_any v)
{
    tdagi_attr *a = find_attr(im, object, name);
    v = tdagi_settled(&im->env, v);
    if (a != NULL && a->value.kind == TDAGI_ANY_TENSOR)
        v = as_tensor_of(im, v, a->value);
    if (a == NULL && object->path == NULL)
        tdagi_journal_refuses(&im->env, object->born, "an object's new attribute");
    if (a == NULL)
        a = object->path == NULL ? add_attr(im, object, name, v)
                                 : load_attr(im, object, name);
    if (a == NULL) return;
    if (object->path == NULL) {
        tdagi_journal_note_slot(&im->env, &a->value, object->born);
        a->value = v;
        return;
    }
    if (a->live != NULL && is_same_tensor(a->live->now, v)) return;
    if (a->live != NULL && tdagi_import_found(im, a->live->path)->is_shared)
        tdagi_env_issue(
            &im->env,
            "the attribute %s, another tensor than before, where others have "
            "its memory, which is written in place",
            name);
    if (a->live != NULL) {
        tdagi_journal_note_slot(&im->env, &a->live->now, 0);
        a->live->now = v;
        return;
    }
    if (!a->was_set && is_what_it_was(im, a->value, v, 0)) return;
    if (a->was_read) is_found(im, object, a, v);
    a->now = v;
    a->was_set = true;
    a->epoch = im->env.journal == NULL ? 0 : im->env.journal->epoch;
}

/* ---- state ---- */

static void mark_values(bool *mark, tdagi_outline_values values)
{
    for (uint32_t i = 0; i < values.n; i++)
        mark[values.v[i].id] = true;
}

/* What statements take and blocks yield. */
static void mark_block(bool *mark, const tdagi_outline_block *block)
{
    for (const tdagi_outline_statement *s = block->first; s != NULL; s = s->next) {
        mark_values(mark, s->inputs);
        for (uint32_t i = 0; i < s->n_blocks; i++) {
            mark_values(mark, s->blocks[i]->yields);
            mark_block(mark, s->blocks[i]);
        }
    }
}

/* Which values the outputs depend on; of a program, any statement, too. */
static bool *reachable(tdagi_import *im)
{
    const tdag_graph *g = im->env.b->graph;
    bool *mark = tdagi_env_alloc(&im->env, g->n + 1);
    if (mark == NULL) return NULL;
    memset(mark, 0, g->n + 1);
    for (uint32_t i = 0; i < g->n_outputs; i++)
        mark[g->outputs[i].id] = true;
    mark_block(mark, &im->outline.body);
    for (uint32_t id = g->n; id > 0; id--) {
        if (!mark[id]) continue;
        const tdagi_node *n = tdagi_graph_node(g, (tdag_value){id});
        for (uint32_t i = 0; i < n->n_inputs; i++)
            mark[tdagi_node_inputs(n)[i].id] = true;
    }
    return mark;
}

/* Whether what the leaf was before it was written is needed, under any name. */
static bool is_read(const tdagi_import *im, const bool *mark, const tdagi_leaf *leaf,
                    bool *is_shared)
{
    bool is = false;
    for (uint32_t i = 0; i < im->n_leaves; i++) {
        const tdagi_leaf *twin = &im->leaves[i];
        if (!twin->is_state || twin->cell == NULL ||
            !same_memory(&twin->info, &leaf->info))
            continue;
        is |= mark[twin->cell->first_value.id];
        *is_shared |= twin != leaf;
    }
    return is;
}

/* A state that is written in place where other attributes have its memory is theirs. */
static void check_live(tdagi_import *im, const tdagi_leaf *leaf)
{
    for (uint32_t i = 0; i < im->n_leaves && leaf->live->cell->was_written; i++)
        if (&im->leaves[i] != leaf && im->leaves[i].is_state &&
            same_memory(&im->leaves[i].info, &leaf->info))
            tdagi_import_found_shared(im, leaf->live->path);
}

void tdagi_import_check_state(tdagi_import *im)
{
    bool *mark = NULL;
    im->node = NULL;
    for (uint32_t i = 0; i < im->n_leaves && tdagi_env_ok(&im->env); i++) {
        const tdagi_leaf *leaf = &im->leaves[i];
        if (leaf->live != NULL) check_live(im, leaf);
        if (!leaf->is_state || leaf->cell == NULL || !leaf->cell->was_written) continue;
        if (mark == NULL) mark = reachable(im);
        if (mark == NULL) return;
        tdag_value v = leaf->cell->first_value;
        char buf[16];
        bool is_shared = false, is_needed = is_read(im, mark, leaf, &is_shared);
        const char *path = tdagi_name_given(tdagi_value_name(im->env.b->graph, v, buf));
        if (is_needed && im->found != NULL && is_shared)
            tdagi_import_found_shared(im, path);
        else if (is_needed && im->found != NULL)
            tdagi_import_found_state(im, path);
        else if (is_needed)
            tdagi_env_issue(
                &im->env, "%s, which the model reads and then updates in place by %s",
                tdagi_value_name(im->env.b->graph, v, buf), leaf->cell->writer);
    }
}
