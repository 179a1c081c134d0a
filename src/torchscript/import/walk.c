/* Walking graphs: environments, blocks, and calls of methods and functions. */
#include "torchscript/import/import.h"

#include <string.h>

/* ---- environments ---- */

static uint32_t slot_of(const tdagi_frame *f, uint64_t key)
{
    uint32_t i = (uint32_t)(key * 0x9E3779B97F4A7C15u >> 32) & (f->capacity - 1);
    while (f->ids[i] != 0 && f->ids[i] != key)
        i = (i + 1) & (f->capacity - 1);
    return i;
}

static bool frame_grow(tdagi_frame *f)
{
    tdagi_frame old = *f;
    f->capacity = old.capacity == 0 ? 64 : old.capacity * 2;
    f->ids = tdagi_env_alloc(&f->im->env, f->capacity * sizeof(*f->ids));
    f->values = tdagi_env_alloc(&f->im->env, f->capacity * sizeof(*f->values));
    if (f->ids == NULL || f->values == NULL) return false;
    memset(f->ids, 0, f->capacity * sizeof(*f->ids));
    for (uint32_t i = 0; i < old.capacity; i++) {
        if (old.ids[i] == 0) continue;
        uint32_t at = slot_of(f, old.ids[i]);
        f->ids[at] = old.ids[i];
        f->values[at] = old.values[i];
    }
    return true;
}

void tdagi_frame_set(tdagi_frame *f, const tdag_shim_var *var, tdagi_any v)
{
    if (!tdagi_env_ok(&f->im->env)) return;
    if (2 * (f->n + 1) > f->capacity && !frame_grow(f)) return;
    uint64_t key = f->im->api->var_id(var) + 1;
    uint32_t at = slot_of(f, key);
    f->n += f->ids[at] == 0;
    f->ids[at] = key;
    f->values[at] = v;
}

const tdagi_any *tdagi_frame_get(tdagi_frame *f, const tdag_shim_var *var)
{
    if (f->capacity == 0) return NULL;
    uint32_t at = slot_of(f, f->im->api->var_id(var) + 1);
    return f->ids[at] == 0 ? NULL : &f->values[at];
}

tdagi_any tdagi_frame_input(tdagi_frame *f, const tdag_shim_node *node, size_t i)
{
    const tdag_shim_var *var = f->im->api->node_input(node, i);
    const tdagi_any *v = var == NULL ? NULL : tdagi_frame_get(f, var);
    return v == NULL ? tdagi_any_poison() : *v;
}

void tdagi_frame_output(tdagi_frame *f, const tdag_shim_node *node, size_t i,
                        tdagi_any v)
{
    const tdag_shim_var *var = f->im->api->node_output(node, i);
    if (var != NULL) tdagi_frame_set(f, var, v);
}

void tdagi_frame_outputs(tdagi_frame *f, const tdag_shim_node *node, tdagi_any v)
{
    size_t n = f->im->api->node_n_outputs(node);
    for (size_t i = 0; i < n; i++)
        tdagi_frame_output(f, node, i, v);
}

/* ---- blocks and calls ---- */

/* Whether what is walked was called by itself. */
static bool is_recursive(const tdagi_frame *f)
{
    for (const tdagi_frame *by = f->caller; f->graph != NULL && by != NULL;
         by = by->caller)
        if (by->graph == f->graph) return true;
    return false;
}

void tdagi_import_block(tdagi_frame *f, const tdag_shim_block *block)
{
    tdagi_import *im = f->im;
    const tdag_shim_api *api = im->api;
    const uint64_t deepest = im->env.ctx->limits.max_depth;
    if (++im->depth > deepest)
        tdagi_env_fail(&im->env, TDAG_E_LIMIT,
                       "blocks and calls nest deeper than %llu%s",
                       (unsigned long long)deepest,
                       is_recursive(f) ? ": a function that calls itself has to end "
                                         "while the file is read"
                                       : "");
    const tdag_shim_node *n = api->block_first(block);
    for (; n != NULL && tdagi_env_step(&im->env, 1); n = api->node_next(n)) {
        im->node = n;
        const char *kind = api->node_kind(n);
        if (strncmp(kind, "prim::", 6) == 0 && tdagi_import_prim(f, n, kind)) continue;
        im->node = n;
        tdagi_import_operator(f, n);
    }
    tdagi_import_check(im);
    im->depth--;
}

tdagi_any tdagi_import_call(tdagi_import *im, const tdag_shim_graph *graph,
                            const tdagi_any *args, uint32_t n_args)
{
    const tdag_shim_api *api = im->api;
    const tdag_shim_block *block = api->graph_block(graph);
    size_t n = api->block_n_inputs(block);
    tdagi_frame f = {.im = im, .graph = graph, .caller = im->frame};
    if (n != n_args) {
        tdagi_env_fail(&im->env, TDAG_E_FORMAT, "a call gives %u arguments to %zu",
                       (unsigned)n_args, n);
        return tdagi_any_poison();
    }
    for (size_t i = 0; i < n; i++)
        tdagi_frame_set(&f, api->block_input(block, i), args[i]);
    const tdag_shim_node *node = im->node;
    im->frame = &f;
    tdagi_import_block(&f, block);
    im->frame = f.caller;
    im->node = node;
    if (!tdagi_env_ok(&im->env) || api->block_n_outputs(block) == 0)
        return tdagi_any_none();
    const tdagi_any *out = tdagi_frame_get(&f, api->block_output(block, 0));
    return out == NULL ? tdagi_any_none() : *out;
}
