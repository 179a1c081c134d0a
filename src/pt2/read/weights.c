/* The archive's tensors by their fully qualified names, as two configs list them, and
 * the leaves that the graph's inputs make of them. Weights and views of one storage
 * share its record; two of the same type there are one tensor. */
#include "pt2/read/import.h"

#include <string.h>

#include "aten/dtype.h"
#include "base/tensor.h"

/* ---- configs ---- */

static tdag_status weight_path(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_weight *w = user;
    return tdagi_json_take_null(r) ? TDAG_OK : tdagi_pt2_text(r, &w->path);
}

static tdag_status weight_is_parameter(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_weight *w = user;
    return tdagi_json_bool(r, &w->is_parameter);
}

static tdag_status weight_is_pickled(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_weight *w = user;
    return tdagi_json_bool(r, &w->is_pickled);
}

static tdag_status weight_meta(tdagi_json_reader *r, void *user)
{
    tdagi_pt2_weight *w = user;
    if (tdagi_json_take_null(r)) return TDAG_OK;
    w->has_meta = true;
    return tdagi_pt2_parse_meta(r, &w->meta);
}

static const tdagi_json_field weight_fields[] = {
    {"path_name", true, weight_path},
    {"is_param", false, weight_is_parameter},
    {"use_pickle", false, weight_is_pickled},
    {"tensor_meta", false, weight_meta}};

tdag_status tdagi_pt2_find_record(tdagi_pt2 *im, tdagi_zip *zip, const char *folder,
                                  tdagi_pt2_weight *w)
{
    const char *name = tdagi_env_text(&im->env, "%s%s", folder, w->path);
    tdagi_pt2_storage *record =
        tdagi_pt2_intern(&im->records, name, strlen(name), sizeof(*record));
    if (record == NULL) return tdagi_nomem(im->env.ctx);
    record->zip = zip;
    if (record->entry == NULL)
        record->entry = tdagi_zip_find(zip, zip == im->zip ? name : w->path);
    w->record = record;
    w->same_record = record->weights;
    record->weights = w;
    return TDAG_OK;
}

typedef struct at_config {
    tdagi_pt2 *im;
    tdagi_pt2_config *config;
} at_config;

static tdag_status read_weights(tdagi_json_reader *r, void *user)
{
    at_config *at = user;
    tdagi_pt2_config *config = at->config;
    bool first = true;
    for (;;) {
        const char *name;
        TDAGI_TRY(tdagi_pt2_next(r, &first, &name));
        if (name == NULL) return TDAG_OK;
        uint32_t before = config->names.n;
        tdagi_pt2_weight *w =
            tdagi_pt2_intern(&config->names, name, strlen(name), sizeof(*w));
        if (w == NULL) return tdagi_nomem(r->ctx);
        if (config->names.n == before)
            return tdagi_json_fail(r, "a weight stands twice in the config");
        w->path = "";
        TDAGI_TRY(tdagi_json_fields(r, "a weight", w, weight_fields, 4));
        TDAGI_TRY(tdagi_pt2_find_record(at->im, at->im->zip, config->folder, w));
        w->record->is_kept = true;
        *config->last = w;
        config->last = &w->next;
    }
}

tdag_status tdagi_pt2_read_config(tdagi_pt2 *im, tdagi_pt2_config *config,
                                  const char *record)
{
    static const tdagi_json_field fields[] = {{"config", true, read_weights}};
    const tdagi_zip_entry *entry = tdagi_zip_find(im->zip, record);
    const void *text;
    size_t size;
    at_config at = {im, config};
    if (entry == NULL) return TDAG_OK;
    TDAGI_TRY(tdagi_zip_read(im->env.ctx, im->zip, entry, &text, &size));
    tdagi_json_reader r = {.ctx = im->env.ctx,
                           .arena = &im->env.arena,
                           .text = text,
                           .p = text,
                           .end = (const char *)text + size};
    tdag_status st = tdagi_json_fields(&r, record, &at, fields, 1);
    if (st == TDAG_OK) st = tdagi_json_end(&r);
    return st;
}

/* ---- leaves ---- */

/* "layer1.0" of "layer1.0.weight" */
static const char *module_of(tdagi_pt2 *im, const char *name)
{
    const char *dot = strrchr(name, '.');
    return dot == NULL ? "" : tdagi_env_text(&im->env, "%.*s", (int)(dot - name), name);
}

static tdagi_any make_leaf(tdagi_pt2 *im, tdagi_pt2_weight *w, tdag_op op)
{
    const char *why = NULL;
    tdag_tensor *t = tdagi_pt2_tensor(im, w, &why);
    if (t == NULL && !tdagi_env_ok(&im->env)) return tdagi_any_poison();
    if (t == NULL)
        return tdagi_env_issue_if_used(&im->env, "%s, which is %s", w->name, why);
    bool is_complex = tdagi_part_of_scalar_type(w->meta.scalar_type) != TDAG_DTYPE_NONE;
    if (op == TDAG_OP_CONSTANT && !is_complex) {
        w->cell = tdagi_cell_of_constant(&im->env, t);
        if (w->cell != NULL || !tdagi_env_ok(&im->env))
            return tdagi_any_tensor(w->cell);
    }
    tdag_builder_set_scope(im->env.b, module_of(im, w->name));
    const char *name =
        op == TDAG_OP_CONSTANT ? w->name : tdagi_env_name(&im->env, w->name);
    tdag_value value = tdag_add_tensor(im->env.b, op, name, t);
    if (value.id == 0) {
        tdagi_env_fail_here(&im->env, tdag_builder_get_status(im->env.b), w->name);
        return tdagi_any_poison();
    }
    w->cell = tdagi_cell_new(&im->env, value);
    if (w->cell == NULL) return tdagi_any_poison();
    w->cell->is_leaf = true;
    w->cell->first_value = value;
    return is_complex ? tdagi_cell_of_pairs(&im->env, w->cell)
                      : tdagi_any_tensor(w->cell);
}

static const tdag_op ops[] = {[TDAGI_PT2_PARAMETER] = TDAG_OP_PARAMETER,
                              [TDAGI_PT2_BUFFER] = TDAG_OP_BUFFER,
                              [TDAGI_PT2_CONSTANT] = TDAG_OP_CONSTANT};

tdagi_any tdagi_pt2_leaf(tdagi_pt2 *im, const tdagi_pt2_spec *spec)
{
    tdagi_pt2_weight *w = tdagi_pt2_find(&im->weights.names, spec->name);
    if (w == NULL) w = tdagi_pt2_find(&im->constants.names, spec->name);
    if (w == NULL) {
        tdagi_pt2_bad(im, "the archive has no elements of %s", spec->name);
        return tdagi_any_poison();
    }
    if (w->is_taken) {
        tdagi_pt2_bad(im, "the signature names %s twice", spec->name);
        return tdagi_any_poison();
    }
    w->is_taken = true;
    return make_leaf(im, w, ops[spec->role]);
}

void tdagi_pt2_other_leaves(tdagi_pt2 *im)
{
    for (tdagi_pt2_weight *w = im->weights.first; w != NULL; w = w->next) {
        if (w->is_taken || !tdagi_env_ok(&im->env)) continue;
        w->is_taken = true;
        make_leaf(im, w, w->is_parameter ? TDAG_OP_PARAMETER : TDAG_OP_BUFFER);
    }
}

/* ---- state ---- */

static void check_written(tdagi_pt2 *im, const tdagi_pt2_config *config)
{
    for (const tdagi_pt2_weight *w = config->first; w != NULL; w = w->next)
        if (w->cell != NULL && w->cell->is_leaf && w->cell->was_written)
            tdagi_env_issue(&im->env, "%s, which the program updates in place",
                            w->name);
}

void tdagi_pt2_check_state(tdagi_pt2 *im)
{
    check_written(im, &im->weights);
    check_written(im, &im->constants);
}

void tdagi_pt2_free_weights(tdagi_pt2 *im)
{
    for (tdagi_pt2_weight *w = im->weights.first; w != NULL; w = w->next)
        tdag_tensor_free(w->tensor);
    for (tdagi_pt2_weight *w = im->constants.first; w != NULL; w = w->next)
        tdag_tensor_free(w->tensor);
    tdagi_zip_close(im->weights.zip);
    tdagi_zip_close(im->constants.zip);
    tdag_tensor_free(im->zeros);
}
