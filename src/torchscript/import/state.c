/* State: attributes that a method changes and reads. That an attribute is one shows
 * when it is written, after it has been read as a constant; then the method is walked
 * once more, and reads it as state. */
#include <string.h>

#include "aten/aten.h"
#include "aten/control/merge.h"
#include "torchscript/import/import.h"

void tdagi_import_free_found(tdagi_names_found *found)
{
    for (uint32_t i = 0; i < found->n; i++)
        tdagi_strfree(found->ctx, found->paths[i]);
    if (found->paths != NULL)
        tdagi_free(found->ctx, found->paths, found->capacity * sizeof(char *));
    if (found->varies != NULL)
        tdagi_free(found->ctx, found->varies, found->capacity * sizeof(uint32_t));
}

/* Its place among those found; n if it is none. */
static uint32_t place_of(const tdagi_names_found *f, const char *path)
{
    uint32_t i = 0;
    while (i < f->n && strcmp(f->paths[i], path) != 0)
        i++;
    return i;
}

bool tdagi_import_is_state(const tdagi_import *im, const char *path)
{
    return im->found != NULL && place_of(im->found, path) < im->found->n;
}

static tdag_status make_room(tdagi_names_found *f)
{
    if (f->n < f->capacity) return TDAG_OK;
    uint32_t wider = f->capacity == 0 ? 8 : 2 * f->capacity;
    void *paths = f->paths, *varies = f->varies;
    TDAGI_TRY(tdagi_realloc(f->ctx, &varies, f->capacity * sizeof(uint32_t),
                            wider * sizeof(uint32_t)));
    f->varies = varies;
    tdag_status st = tdagi_realloc(f->ctx, &paths, f->capacity * sizeof(char *),
                                   wider * sizeof(char *));
    if (st != TDAG_OK) { /* back to one size for both */
        tdagi_free(f->ctx, varies, wider * sizeof(uint32_t));
        f->varies = NULL;
        return st;
    }
    f->paths = paths;
    f->capacity = wider;
    return TDAG_OK;
}

void tdagi_import_found_state(tdagi_import *im, const char *path)
{
    tdagi_names_found *f = im->found;
    f->is_new = true;
    if (place_of(f, path) < f->n) return;
    tdag_status st = make_room(f);
    if (st == TDAG_OK) st = tdagi_strdup(f->ctx, path, &f->paths[f->n]);
    if (st != TDAG_OK) {
        im->env.status = st;
        return;
    }
    f->varies[f->n++] = 0;
}

static void out_of_memory(tdagi_import *im)
{
    if (tdagi_env_ok(&im->env)) im->env.status = tdagi_nomem(im->env.ctx);
}

/* The initial value as a tensor of the file or of a number. */
static tdag_value initial_value(tdagi_import *im, tdagi_any v)
{
    if (tdagi_any_is_number(v)) v = tdagi_number_data(&im->env, v);
    if (v.kind != TDAGI_ANY_TENSOR) return TDAG_NO_VALUE;
    tdag_value x = tdagi_cell_read(&im->env, v.u.tensor);
    if (x.id == 0 || !tdagi_op_holds_tensor(im->env.b->graph->nodes[x.id].op))
        return TDAG_NO_VALUE;
    return x;
}

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
    uint32_t varies = im->found->varies[place_of(im->found, path)];
    for (uint32_t i = 0; i < t->rank; i++) {
        out->shape[i] = t->shape[i];
        if ((varies >> i & 1) == 0) continue;
        int64_t sample = t->shape[i] > 0 ? t->shape[i] : 1, factor, offset;
        uint32_t number = 0;
        out->shape[i] = tdagi_new_symbol(&im->env, "state", sample);
        (void)tdagi_dim_is_affine(im->env.pool, out->shape[i], &number, &factor,
                                  &offset);
        out->symbols[i] = tdagi_pool_symbol(im->env.pool, number, NULL);
        out->bindings[out->n++] = (tdagi_outline_binding){out->shape[i], TDAGI_DIM_BAD};
    }
}

void tdagi_import_live(tdagi_import *im, tdagi_attr *a, const char *path, tdagi_any v)
{
    tdagi_env *env = &im->env;
    tdag_value x = initial_value(im, v);
    if (x.id == 0) {
        a->value = tdagi_env_issue(env, "the attribute %s, which is %s and changes",
                                   path, tdagi_any_text(env, v));
        return;
    }
    const tdag_tensor *t = env->b->graph->nodes[x.id].u.tensor;
    sizes *z = tdagi_env_alloc(env, sizeof *z);
    tdagi_live *live = tdagi_env_alloc(env, sizeof *live);
    if (z == NULL || live == NULL) return;
    memset(z, 0, sizeof *z);
    find_sizes(im, path, t, z);
    const tdagi_outline_state state = {
        .name = path, .initial = t, .symbols = z->symbols};
    uint32_t number = tdagi_outline_add_state(&im->outline, &state);
    tdag_value read = tdagi_given(env, t->dtype, t->rank, z->shape);
    tdagi_cell *cell = tdagi_cell_new(env, read);
    if (cell == NULL) return;
    cell->born = 0; /* it was there before any branch */
    add_read(im, number, read, z->n, z->bindings);
    tdagi_any now = tdagi_any_tensor(cell);
    if (tdagi_any_is_number(v)) {
        now.kind = TDAGI_ANY_DATA;
        now.letter = v.kind == TDAGI_ANY_FLOAT  ? 'f'
                     : v.kind == TDAGI_ANY_BOOL ? 'b'
                                                : 'i';
    }
    *live = (tdagi_live){.path = path, .first = read, .now = now};
    tdagi_live **end = &im->lives;
    while (*end != NULL)
        end = &(*end)->next;
    *end = live;
    a->live = live;
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
    uint32_t *varies = &im->found->varies[place_of(im->found, l->path)];
    for (uint32_t i = 0; i < rank; i++) {
        bool same = tdag_builder_get_shape(b, l->first)[i] ==
                    tdag_builder_get_shape(b, last)[i];
        if (same || (*varies >> i & 1) != 0) continue;
        *varies |= 1u << i;
        im->found->is_new = true;
    }
}

void tdagi_import_write_states(tdagi_import *im)
{
    uint32_t number = 0;
    tdagi_outline *o = &im->outline;
    for (const tdagi_live *l = im->lives; l != NULL && tdagi_env_ok(&im->env);
         l = l->next, number++) {
        tdagi_any now = l->now;
        if (tdagi_any_is_number(now) || now.kind == TDAGI_ANY_DATA)
            now = tdagi_number_data(&im->env, now);
        if (now.kind != TDAGI_ANY_TENSOR) {
            if (!tdagi_env_note_poison(&im->env, &now))
                tdagi_env_issue(&im->env, "the attribute %s, which becomes %s", l->path,
                                tdagi_any_text(&im->env, now));
            continue;
        }
        const tdagi_statement_spec what = {.kind = TDAGI_WRITE, .target = number};
        tdagi_outline_statement *s = tdagi_outline_add(o, &what);
        tdag_value v = tdagi_cell_read(&im->env, now.u.tensor);
        if (s == NULL)
            out_of_memory(im);
        else
            s->inputs = tdagi_outline_keep(o, 1, &v);
        if (v.id != 0) compare_sizes(im, l, v);
    }
}
