/* State: attributes that a method changes and reads. That an attribute is one shows
 * when it is written, after it has been read as a constant; then the method is walked
 * once more, and reads it as state. */
#include <string.h>

#include "aten/aten.h"
#include "aten/control/merge.h"
#include "aten/control/stack.h"
#include "torchscript/import/import.h"

void tdagi_import_free_found(tdagi_names_found *found)
{
    for (uint32_t i = 0; i < found->n; i++) {
        tdagi_strfree(found->ctx, found->v[i].path);
        tdag_tensor_free(found->v[i].rows);
    }
    if (found->v != NULL)
        tdagi_free(found->ctx, found->v, found->capacity * sizeof *found->v);
}

/* NULL: it is none of them. */
static tdagi_found *find(const tdagi_names_found *f, const char *path)
{
    for (uint32_t i = 0; i < f->n; i++)
        if (strcmp(f->v[i].path, path) == 0) return &f->v[i];
    return NULL;
}

bool tdagi_import_is_state(const tdagi_import *im, const char *path)
{
    return im->found != NULL && find(im->found, path) != NULL;
}

tdagi_found *tdagi_import_found(const tdagi_import *im, const char *path)
{
    return im->found == NULL ? NULL : find(im->found, path);
}

static tdag_status make_room(tdagi_names_found *f)
{
    if (f->n < f->capacity) return TDAG_OK;
    uint32_t wider = f->capacity == 0 ? 8 : 2 * f->capacity;
    void *v = f->v;
    TDAGI_TRY(
        tdagi_realloc(f->ctx, &v, f->capacity * sizeof *f->v, wider * sizeof *f->v));
    f->v = v;
    f->capacity = wider;
    return TDAG_OK;
}

void tdagi_import_found_state(tdagi_import *im, const char *path)
{
    tdagi_names_found *f = im->found;
    f->is_new = true;
    if (find(f, path) != NULL) return;
    tdagi_found new = {.path = NULL};
    tdag_status st = make_room(f);
    if (st == TDAG_OK) st = tdagi_strdup(f->ctx, path, &new.path);
    if (st != TDAG_OK)
        im->env.status = st;
    else
        f->v[f->n++] = new;
}

void tdagi_import_found_shared(tdagi_import *im, const char *path)
{
    tdagi_found *f = tdagi_import_found(im, path);
    if (f != NULL && f->is_shared) return;
    tdagi_import_found_state(im, path);
    f = tdagi_import_found(im, path);
    if (f != NULL) f->is_shared = true;
}

static void out_of_memory(tdagi_import *im)
{
    if (tdagi_env_ok(&im->env)) im->env.status = tdagi_nomem(im->env.ctx);
}

static const tdag_tensor *tensor_of(tdagi_import *im, tdagi_any v)
{
    if (v.kind != TDAGI_ANY_DATA && tdagi_number_letter(v) != 0)
        v = tdagi_number_data(&im->env, v);
    if (v.kind != TDAGI_ANY_TENSOR) return NULL;
    tdag_value x = tdagi_cell_read(&im->env, v.u.tensor);
    const tdagi_node *n = &im->env.b->graph->nodes[x.id];
    return x.id == 0 || !tdagi_op_holds_tensor(n->op) ? NULL : n->u.tensor;
}

/* ---- lists ---- */

/* The rows of a list's known items, which are like those of the list `like`. NULL: they
 * are of no or several types. */
static tdag_tensor *rows_of(tdagi_import *im, const tdagi_seq *s, const tdagi_seq *like)
{
    tdagi_env *env = &im->env;
    tdag_tensor *out = NULL;
    int64_t shape[TDAG_MAX_RANK] = {s->n};
    tdagi_any item = s->n > 0 ? s->v[0] : like->n > 0 ? like->v[0] : tdagi_any_none();
    if (tdagi_number_letter(item) != 0) item = tdagi_number_data(env, item);
    if (item.kind != TDAGI_ANY_TENSOR) return NULL;
    uint32_t rank = tdagi_cell_rank(env, item.u.tensor);
    for (uint32_t i = 0; i < rank && rank < TDAG_MAX_RANK; i++)
        if (!tdagi_dim_is_const(env->pool, tdagi_cell_dim(env, item.u.tensor, i),
                                &shape[i + 1]))
            return NULL;
    env->status = tdag_tensor_create(env->ctx, tdagi_cell_dtype(env, item.u.tensor),
                                     rank + 1, shape, &out);
    for (uint32_t i = 0; i < s->n && out != NULL; i++) {
        const tdag_tensor *t = tensor_of(im, s->v[i]);
        if (t == NULL || t->dtype != out->dtype || t->size * s->n != out->size) {
            tdag_tensor_free(out);
            return NULL;
        }
        if (t->size > 0) memcpy((char *)out->data + i * t->size, t->data, t->size);
    }
    return out;
}

void tdagi_import_found_list(tdagi_import *im, const char *path, tdagi_any before,
                             tdagi_any after)
{
    if (tdagi_import_found_parts(im, path, before, after)) return;
    bool known =
        tdagi_any_is_seq(before) &&
        (tdagi_any_is_seq(after) || (tdagi_any_is_stack(after) && before.u.seq->n > 0));
    tdag_tensor *rows = known ? rows_of(im, before.u.seq, after.u.seq) : NULL;
    if (rows == NULL) {
        if (tdagi_env_ok(&im->env))
            tdagi_env_issue(&im->env,
                            "the attribute %s, a list that changes, whose "
                            "items are of no or several types",
                            path);
        return;
    }
    tdagi_import_found_state(im, path);
    tdagi_found *f = find(im->found, path);
    if (f == NULL || f->rows != NULL) {
        tdag_tensor_free(rows);
        return;
    }
    tdagi_any item = before.u.seq->n > 0 ? before.u.seq->v[0] : after.u.seq->v[0];
    f->rows = rows;
    f->varies = 1;
    f->letter = tdagi_number_letter(item);
}

void tdagi_import_read_list(tdagi_import *im, const tdagi_seq *list, const char *path)
{
    tdagi_living *l = tdagi_env_alloc(&im->env, sizeof *l);
    if (l == NULL) return;
    *l = (tdagi_living){.next = im->living, .list = list, .path = path};
    im->living = l;
}

const char *tdagi_import_path_of(const tdagi_import *im, const tdagi_seq *list)
{
    const tdagi_living *l = im->living;
    while (l != NULL && l->list != list)
        l = l->next;
    return l == NULL || im->found == NULL || im->env.outline == NULL ? NULL : l->path;
}

/* ---- reads and writes ---- */

/* The read stands before all other statements. */
static void add_read(tdagi_import *im, uint32_t state, tdag_value v,
                     uint32_t n_bindings, const tdagi_outline_binding *bindings)
{
    tdagi_outline *o = &im->outline;
    const tdagi_statement_spec what = {.kind = TDAGI_READ, .target = state};
    tdagi_outline_statement *s = tdagi_outline_prepend(o, &what);
    if (s == NULL) {
        out_of_memory(im);
        return;
    }
    s->results = tdagi_outline_keep(o, 1, &v);
    s->bindings = bindings;
    s->n_bindings = n_bindings;
}

/* The state's sizes: those that change are symbols, which reading it binds. */
typedef struct sizes {
    tdag_dim shape[TDAG_MAX_RANK];
    const char *symbols[TDAG_MAX_RANK];
    tdagi_outline_binding bindings[TDAG_MAX_RANK];
    uint32_t n;
} sizes;

static void find_sizes(tdagi_import *im, const char *path, const tdag_tensor *t,
                       sizes *out)
{
    uint32_t varies = find(im->found, path)->varies;
    for (uint32_t i = 0; i < t->rank; i++) {
        out->shape[i] = t->shape[i];
        if ((varies >> i & 1) == 0) continue;
        int64_t sample = t->shape[i] > 0 ? t->shape[i] : 1, factor, offset;
        uint32_t number = 0;
        out->shape[i] = tdagi_new_symbol(&im->env, "state", sample);
        if (!tdagi_dim_is_affine(im->env.pool, out->shape[i], &number, &factor,
                                 &offset))
            return; /* no memory for it, which the pool says */
        out->symbols[i] = tdagi_pool_symbol(im->env.pool, number, NULL);
        out->bindings[out->n++] = (tdagi_outline_binding){out->shape[i], TDAGI_DIM_BAD};
    }
}

/* A state that is read at the beginning; what it is then is in *out. */
static tdagi_live *add_live(tdagi_import *im, const char *path, const tdag_tensor *t,
                            sizes *z, tdagi_cell **out)
{
    tdagi_live *live = tdagi_env_alloc(&im->env, sizeof *live);
    if (live == NULL) return NULL;
    const tdagi_outline_state state = {
        .name = path, .initial = t, .symbols = z->symbols};
    uint32_t number = tdagi_outline_add_state(&im->outline, &state);
    tdag_value read = tdagi_given(&im->env, t->dtype, t->rank, z->shape);
    tdagi_cell *cell = tdagi_cell_new(&im->env, read);
    if (cell == NULL) return NULL;
    cell->born = 0; /* it was there before any branch */
    add_read(im, number, read, z->n, z->bindings);
    *live = (tdagi_live){
        .path = path, .first = read, .now = tdagi_any_tensor(cell), .cell = cell};
    tdagi_live **end = &im->lives;
    while (*end != NULL)
        end = &(*end)->next;
    *end = live;
    *out = cell;
    return live;
}

/* Whether it is there is a state of its own. */
void tdagi_import_live_there(tdagi_import *im, tdagi_live *live)
{
    tdagi_env *env = &im->env;
    tdagi_cell *cell = NULL,
               *no = tdagi_cell_known(env, TDAG_BOOL, tdagi_any_bool(false));
    sizes *z = tdagi_env_alloc(env, sizeof *z);
    const tdag_tensor *t = no == NULL ? NULL : tensor_of(im, tdagi_any_tensor(no));
    if (z == NULL || t == NULL) return;
    memset(z, 0, sizeof *z);
    tdagi_live *there =
        add_live(im, tdagi_env_text(env, "%s_is_there", live->path), t, z, &cell);
    if (there == NULL) return;
    there->of = live;
    const tdagi_any both[] = {{.kind = TDAGI_ANY_DATA, .letter = 'b', .u.tensor = cell},
                              live->now};
    live->now = tdagi_any_seq(env, TDAGI_ANY_OPTIONAL, 2, both);
}

void tdagi_import_live(tdagi_import *im, tdagi_attr *a, const char *path, tdagi_any v)
{
    tdagi_env *env = &im->env;
    const tdagi_found *found = find(im->found, path);
    const tdag_tensor *t = found->rows != NULL ? found->rows : tensor_of(im, v);
    if (t == NULL) {
        a->value = tdagi_env_issue(env, "the attribute %s, which is %s and changes",
                                   path, tdagi_any_text(env, v));
        return;
    }
    sizes *z = tdagi_env_alloc(env, sizeof *z);
    tdagi_cell *cell = NULL;
    if (z == NULL) return;
    memset(z, 0, sizeof *z);
    find_sizes(im, path, t, z);
    tdagi_live *live = add_live(im, path, t, z, &cell);
    if (live == NULL) return;
    if (found->is_optional || found->is_part) {
        if (found->letter != 0) live->now.kind = TDAGI_ANY_DATA;
        live->now.letter = found->letter;
        if (found->is_optional) tdagi_import_live_there(im, live);
    } else if (found->rows != NULL) {
        live->now = tdagi_stack_list(env, cell, found->letter);
        if (live->now.kind == TDAGI_ANY_LIST) live->now.u.seq->born = 0;
    } else if (tdagi_number_letter(v) != 0) {
        live->now.kind = TDAGI_ANY_DATA;
        live->now.letter = tdagi_number_letter(v);
    }
    a->live = live;
}

bool tdagi_import_found_optional(tdagi_import *im, const char *path, tdagi_any v)
{
    tdagi_env *env = &im->env;
    int64_t shape[TDAG_MAX_RANK];
    uint32_t varies = 0;
    tdag_tensor *t = NULL;
    if (!tdagi_env_ok(env)) return true;
    if (v.kind == TDAGI_ANY_OPTIONAL) v = v.u.seq->v[1];
    if (v.kind == TDAGI_ANY_TUPLE) return tdagi_import_found_tuple(im, path, v);
    char letter = tdagi_number_letter(v);
    if (letter != 0 && env->outline != NULL) v = tdagi_number_data(env, v);
    if (v.kind != TDAGI_ANY_TENSOR || env->outline == NULL) return false;
    for (uint32_t i = 0; i < tdagi_cell_rank(env, v.u.tensor); i++) {
        tdag_dim d = tdagi_cell_dim(env, v.u.tensor, i);
        if (tdagi_dim_is_const(env->pool, d, &shape[i])) continue;
        shape[i] = 0;
        varies |= 1u << i;
    }
    tdagi_import_found_state(im, path);
    tdagi_found *f = find(im->found, path);
    if (f == NULL || f->rows != NULL) return true;
    env->status = tdag_tensor_create(env->ctx, tdagi_cell_dtype(env, v.u.tensor),
                                     tdagi_cell_rank(env, v.u.tensor), shape, &t);
    if (t == NULL) return true;
    if (t->size > 0) memset(t->data, 0, t->size);
    f->rows = t;
    f->varies = varies;
    f->letter = letter;
    f->is_optional = true;
    return true;
}

/* A size that is another one at the end than at the beginning changes: the method is
 * walked again with a symbol there. */
static void compare_sizes(tdagi_import *im, const tdagi_live *l, tdag_value last)
{
    tdag_builder *b = im->env.b;
    uint32_t rank = tdag_builder_get_rank(b, l->first);
    if (rank != tdag_builder_get_rank(b, last) ||
        tdag_builder_get_dtype(b, l->first) != tdag_builder_get_dtype(b, last)) {
        tdagi_env_issue(&im->env, "the attribute %s, which changes its rank or dtype",
                        l->path);
        return;
    }
    if (l->of != NULL) return;
    uint32_t *varies = &find(im->found, l->path)->varies;
    for (uint32_t i = 0; i < rank; i++) {
        bool same = tdag_builder_get_shape(b, l->first)[i] ==
                    tdag_builder_get_shape(b, last)[i];
        if (same || (*varies >> i & 1) != 0) continue;
        *varies |= 1u << i;
        im->found->is_new = true;
    }
}

static tdagi_any rows_now(tdagi_import *im, const tdagi_live *l, tdagi_any list)
{
    tdagi_any first = tdagi_stack_list(&im->env, tdagi_cell_new(&im->env, l->first),
                                       find(im->found, l->path)->letter);
    tdagi_any now = tdagi_stack_of(&im->env, list, first, UINT32_MAX);
    return tdagi_any_is_stack(now) && now.u.seq->rows != NULL
               ? tdagi_any_tensor(now.u.seq->rows)
               : list;
}

/* What a state is at the end. */
static tdagi_any value_now(tdagi_import *im, const tdagi_live *l)
{
    tdagi_any now = tdagi_import_part_now(im, l->of != NULL ? l->of : l);
    bool may_be_none = now.kind == TDAGI_ANY_OPTIONAL;
    if (l->of != NULL)
        return may_be_none ? now.u.seq->v[0]
                           : tdagi_any_bool(now.kind != TDAGI_ANY_NONE);
    if (now.kind == TDAGI_ANY_NONE)
        return tdagi_any_tensor(tdagi_cell_new(&im->env, l->first));
    return may_be_none ? now.u.seq->v[1] : now;
}

void tdagi_import_write_states(tdagi_import *im)
{
    uint32_t number = 0;
    tdagi_outline *o = &im->outline;
    for (const tdagi_live *l = im->lives; l != NULL && tdagi_env_ok(&im->env);
         l = l->next, number++) {
        tdagi_any now = value_now(im, l);
        if (tdagi_number_letter(now) != 0) now = tdagi_number_data(&im->env, now);
        if (now.kind == TDAGI_ANY_LIST) now = rows_now(im, l, now);
        if (im->found->is_new && now.kind != TDAGI_ANY_TENSOR) continue;
        if (now.kind != TDAGI_ANY_TENSOR) {
            if (!tdagi_env_note_poison(&im->env, &now))
                tdagi_env_issue(&im->env, "the attribute %s, which becomes %s", l->path,
                                tdagi_any_text(&im->env, now));
            continue;
        }
        const tdagi_statement_spec what = {.kind = TDAGI_WRITE, .target = number};
        tdag_value v = tdagi_cell_read(&im->env, now.u.tensor);
        if (v.id == l->first.id) continue; /* another method writes it */
        tdagi_outline_statement *s = tdagi_outline_add(o, &what);
        if (s == NULL)
            out_of_memory(im);
        else
            s->inputs = tdagi_outline_keep(o, 1, &v);
        if (v.id != 0) compare_sizes(im, l, v);
    }
}
