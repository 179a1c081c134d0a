/* The archive: which of PyTorch's layouts it has, its program and its weights.
 *
 *   2.9 and later   models/NAME.json, records of elements and the configs that list
 * them 2.8             models/NAME.json, weights in one pickle, data/weights/NAME.pt
 *   2.6 and 2.7     serialized_exported_program.json, serialized_state_dict.pt ...
 *
 * Older programs are of another schema. */
#include "pt2/read/import.h"

#include <string.h>

#define OLD_PROGRAM "serialized_exported_program.json"

static bool has(const tdagi_pt2 *im, const char *name)
{
    return tdagi_zip_find(im->zip, name) != NULL;
}

static bool has_folder(const tdagi_pt2 *im, const char *folder)
{
    for (uint32_t i = 0; i < tdagi_zip_count(im->zip); i++)
        if (strncmp(tdagi_zip_entry_at(im->zip, i)->name, folder, strlen(folder)) == 0)
            return true;
    return false;
}

/* Of the version of an old layout: "8.2" is read, as 2.6 wrote it; "7.3" and "1" are
 * not. A program of these has other unions, so that it is not even parsed. */
static tdag_status check_old(tdagi_pt2 *im)
{
    const tdagi_zip_entry *entry = tdagi_zip_find(im->zip, "version");
    const void *text = "";
    size_t size = 0;
    if (entry != NULL)
        TDAGI_TRY(tdagi_zip_read(im->env.ctx, im->zip, entry, &text, &size));
    if (size >= 1 && memcmp(text, "8", 1) == 0) return TDAG_OK;
    return tdagi_fail(im->env.ctx, TDAG_E_UNSUPPORTED,
                      "an archive of PyTorch 2.1 to 2.5, which later ones do not load "
                      "either: export the model again");
}

/* What an archive without a program of a known layout is. */
static tdag_status check_kind(tdagi_pt2 *im)
{
    if (has(im, OLD_PROGRAM)) return check_old(im);
    if (has(im, "archive_format") && has_folder(im, "models/")) return TDAG_OK;
    if (has_folder(im, "data/aotinductor/"))
        return tdagi_fail(
            im->env.ctx, TDAG_E_UNSUPPORTED,
            "an archive of compiled code (AOTInductor) without a program");
    return tdagi_fail(im->env.ctx, TDAG_E_FORMAT,
                      has(im, "data.pkl") || has(im, "constants.pkl")
                          ? "a TorchScript archive, no .pt2 (archive_format is missing)"
                          : "no archive of torch.export (no models/ in it)");
}

/* The name of the only program, "model" if there are several. */
static const char *only_program(tdagi_pt2 *im)
{
    const char *found = NULL;
    for (uint32_t i = 0; i < tdagi_zip_count(im->zip); i++) {
        const char *name = tdagi_zip_entry_at(im->zip, i)->name;
        size_t n = strlen(name);
        if (strncmp(name, "models/", 7) != 0 || n < 12) continue;
        if (strcmp(name + n - 5, ".json") != 0) continue;
        if (found != NULL) return "model";
        found = tdagi_env_text(&im->env, "%.*s", (int)(n - 12), name + 7);
    }
    return found == NULL ? "model" : found;
}

static tdag_status find_program(tdagi_pt2 *im, const tdagi_zip_entry **out)
{
    const char *name = im->program;
    bool is_old = has(im, OLD_PROGRAM);
    if (name == NULL)
        name = is_old || has(im, "models/model.json") ? "model" : only_program(im);
    im->program = name;
    *out =
        is_old && strcmp(name, "model") == 0
            ? tdagi_zip_find(im->zip, OLD_PROGRAM)
            : tdagi_zip_find(im->zip, tdagi_env_text(&im->env, "models/%s.json", name));
    if (*out != NULL) return TDAG_OK;
    return tdagi_fail(im->env.ctx, TDAG_E_ARG, "the archive has no program %.200s",
                      name);
}

static tdag_status check_version(tdagi_pt2 *im)
{
    if (im->p.schema_major == 8) return TDAG_OK;
    return tdagi_fail(im->env.ctx, TDAG_E_UNSUPPORTED,
                      "a program of schema %lld.%lld%s%.80s, of which 8 is known",
                      (long long)im->p.schema_major, (long long)im->p.schema_minor,
                      *im->p.torch_version == '\0' ? "" : " by PyTorch ",
                      im->p.torch_version);
}

/* Weights or constants, as the layout has them: `kind` of either is "weights". */
static tdag_status read_tensors(tdagi_pt2 *im, tdagi_pt2_config *config,
                                const char *kind, const char *old_record)
{
    const char *pickled =
        has(im, OLD_PROGRAM)
            ? old_record
            : tdagi_env_text(&im->env, "%s%s.pt", config->folder, im->program);
    config->names.arena = &im->env.arena;
    config->last = &config->first;
    if (has(im, pickled)) return tdagi_pt2_read_pickled(im, config, pickled);
    return tdagi_pt2_read_config(im, config,
                                 tdagi_env_text(&im->env, "%s%s_%s_config.json",
                                                config->folder, im->program, kind));
}

tdag_status tdagi_pt2_read_archive(tdagi_pt2 *im)
{
    const tdagi_zip_entry *entry = NULL;
    const void *text = NULL;
    TDAGI_TRY(check_kind(im));
    TDAGI_TRY(find_program(im, &entry));
    TDAGI_TRY(tdagi_zip_read(im->env.ctx, im->zip, entry, &text, &im->text_size));
    im->text = text;
    TDAGI_TRY(
        tdagi_pt2_parse(im->env.ctx, &im->env.arena, im->text, im->text_size, &im->p));
    TDAGI_TRY(check_version(im));
    TDAGI_TRY(read_tensors(im, &im->weights, "weights", "serialized_state_dict.pt"));
    return read_tensors(im, &im->constants, "constants", "serialized_constants.pt");
}
