/* data.pkl: the objects of the modules with their tensors. Tensors of the same memory
 * share a storage, and those that are the same in all are one tensor. */
#include <stdio.h>
#include <string.h>

#include "archive/pickle_write.h"
#include "torchscript/storage.h"
#include "torchscript/write/archive.h"

/* The memory of one or more tensors. */
typedef struct storage {
    const tdag_tensor *tensor; /* the first of them */
    uint32_t number, memo;
    struct made *tensors;
} storage;

/* A tensor that was written. */
typedef struct made {
    const tdag_tensor *tensor;
    bool requires_grad;
    uint32_t memo;
    struct made *next; /* of the same storage */
} made;

typedef struct objects {
    tdagi_tree *tree;
    const tdagi_tree_classes *classes;
    tdagi_pickler p;
    tdagi_table storages; /* by address of the memory */
    tdagi_tree_record **end;
    uint32_t n_storages;
} objects;

static void *allocate(objects *o, size_t size)
{
    void *p = tdagi_arena_alloc(o->tree->arena, size);
    if (p == NULL)
        o->p.to->status = tdagi_nomem(o->tree->ctx);
    else
        memset(p, 0, size);
    return p;
}

/* ---- storages ---- */

static storage *add_storage(objects *o, const tdag_tensor *t)
{
    storage *s = allocate(o, sizeof *s);
    tdagi_tree_record *record = allocate(o, sizeof *record);
    if (s == NULL || record == NULL) return NULL;
    record->tensor = s->tensor = t;
    s->number = o->n_storages++;
    *o->end = record;
    o->end = &record->next;
    return s;
}

/* That of a tensor's memory; a part of another one's is one of its own, and so is what
 * is empty. */
static storage *storage_of(objects *o, const tdag_tensor *t, bool *is_new)
{
    *is_new = true;
    if (t->size == 0) return add_storage(o, t);
    void **place = tdagi_table_at(o->tree->arena, &o->storages, t->data, 0);
    storage *s = place == NULL ? NULL : *place;
    if (place == NULL) o->p.to->status = tdagi_nomem(o->tree->ctx);
    if (place == NULL) return NULL;
    *is_new = s == NULL || s->tensor->size != t->size || s->tensor->dtype != t->dtype;
    if (*is_new) *place = s = add_storage(o, t);
    return s;
}

static void put_text(objects *o, const char *text)
{
    tdagi_pickle_string(&o->p, text, strlen(text));
}

/* The id of a storage: ("storage", class, key, device, elements). */
static void put_storage(objects *o, storage *s)
{
    char key[16];
    snprintf(key, sizeof key, "%lu", (unsigned long)s->number);
    tdagi_pickle_mark(&o->p);
    put_text(o, "storage");
    tdagi_pickle_global(&o->p, "torch",
                        tdagi_storage_class_of_dtype(s->tensor->dtype)->name);
    put_text(o, key);
    put_text(o, "cpu");
    tdagi_pickle_int(&o->p, s->tensor->count);
    tdagi_pickle_tuple(&o->p);
    tdagi_pickle_persid(&o->p);
    s->memo = tdagi_pickle_put(&o->p);
}

/* ---- tensors ---- */

static void put_numbers(objects *o, uint32_t n, const int64_t *v)
{
    if (n == 0) {
        tdagi_pickle_empty_tuple(&o->p);
        return;
    }
    tdagi_pickle_mark(&o->p);
    for (uint32_t i = 0; i < n; i++)
        tdagi_pickle_int(&o->p, v[i]);
    tdagi_pickle_tuple(&o->p);
}

static void put_strides(objects *o, const tdag_tensor *t)
{
    int64_t strides[TDAG_MAX_RANK], stride = 1;
    for (uint32_t i = t->rank; i-- > 0;) {
        strides[i] = stride;
        stride *= t->shape[i] > 1 ? t->shape[i] : 1;
    }
    put_numbers(o, t->rank, strides);
}

static void put_new_tensor(objects *o, storage *s, bool is_new, const tdag_tensor *t,
                           bool requires_grad)
{
    tdagi_pickle_global(&o->p, "torch._utils", "_rebuild_tensor_v2");
    tdagi_pickle_mark(&o->p);
    if (is_new)
        put_storage(o, s);
    else
        tdagi_pickle_get(&o->p, s->memo);
    tdagi_pickle_int(&o->p, 0); /* offset */
    put_numbers(o, t->rank, t->shape);
    put_strides(o, t);
    tdagi_pickle_bool(&o->p, requires_grad);
    tdagi_pickle_global(&o->p, "collections", "OrderedDict");
    tdagi_pickle_empty_tuple(&o->p);
    tdagi_pickle_reduce(&o->p);
    tdagi_pickle_tuple(&o->p);
    tdagi_pickle_reduce(&o->p);
}

static bool is_same(const made *m, const tdag_tensor *t, bool requires_grad)
{
    return m->requires_grad == requires_grad && m->tensor->rank == t->rank &&
           memcmp(m->tensor->shape, t->shape, t->rank * sizeof(*t->shape)) == 0;
}

static void put_tensor(objects *o, const tdagi_tree_attr *a)
{
    const tdag_tensor *t = a->tensor;
    bool is_new, requires_grad = a->slot == TDAG_SHIM_SLOT_PARAMETER &&
                                 tdag_dtype_is_float(t->dtype);
    storage *s = storage_of(o, t, &is_new);
    for (const made *m = s == NULL ? NULL : s->tensors; m != NULL; m = m->next)
        if (is_same(m, t, requires_grad)) {
            tdagi_pickle_get(&o->p, m->memo);
            return;
        }
    made *m = allocate(o, sizeof *m);
    if (s == NULL || m == NULL) return;
    put_new_tensor(o, s, is_new, t, requires_grad);
    *m = (made){t, requires_grad, tdagi_pickle_put(&o->p), s->tensors};
    s->tensors = m;
}

/* ---- modules ---- */

/* Modules are nested no deeper than TDAGI_TREE_MAX_DEPTH. */
static void put_module(objects *o, const tdagi_tree_module *m)
{
    const tdagi_tree_class *c = tdagi_table_get(&o->classes->of, m, 0);
    tdagi_pickle_global(&o->p, c->module, c->name);
    tdagi_pickle_empty_tuple(&o->p);
    tdagi_pickle_newobj(&o->p);
    tdagi_pickle_empty_dict(&o->p);
    tdagi_pickle_mark(&o->p);
    for (const tdagi_tree_attr *a = m->first; a != NULL; a = a->next) {
        put_text(o, a->name);
        if (a->module != NULL)
            put_module(o, a->module);
        else
            put_tensor(o, a);
    }
    tdagi_pickle_setitems(&o->p);
    tdagi_pickle_build(&o->p);
}

tdag_status tdagi_tree_pickle(tdagi_tree *t, const tdagi_tree_classes *classes,
                              tdagi_text *to, tdagi_tree_record **records)
{
    objects o = {.tree = t, .classes = classes, .end = records};
    *records = NULL;
    tdagi_pickle_begin(&o.p, to);
    put_module(&o, &t->root);
    tdagi_pickle_end(&o.p);
    return to->status;
}
