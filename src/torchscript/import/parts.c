/* State in parts: lists and tuples of as many parts in each call, and dicts. Each part
 * is a state of its own, "layers.0.k"; what a dict does not have at first is there or
 * not, as "cache.k_is_there" says. */
#include <stdlib.h>
#include <string.h>

#include "aten/aten.h"
#include "aten/control/merge.h"
#include "torchscript/import/import.h"

#define MOST_PARTS 64

/* ---- lists and tuples ---- */

/* Whether both have as many parts, of the same kinds, which states can be. */
static bool same_parts(tdagi_any a, tdagi_any b, uint32_t depth, uint32_t *n)
{
    bool is_tensor = a.kind == TDAGI_ANY_TENSOR && b.kind == TDAGI_ANY_TENSOR;
    char letter = tdagi_number_letter(a);
    if (is_tensor || (letter != 0 && letter == tdagi_number_letter(b)))
        return ++*n <= MOST_PARTS;
    if (!tdagi_any_is_seq(a) || a.kind != b.kind || !tdagi_any_is_seq(b) ||
        a.u.seq->n != b.u.seq->n || depth == TDAGI_STRUCTURE_MAX_DEPTH)
        return false;
    bool same = true;
    for (uint32_t i = 0; same && i < a.u.seq->n; i++)
        same = same_parts(a.u.seq->v[i], b.u.seq->v[i], depth + 1, n);
    return same;
}

static void find_parts(tdagi_import *im, const char *path, tdagi_any v)
{
    tdagi_import_found_state(im, path);
    for (uint32_t i = 0; tdagi_any_is_seq(v) && i < v.u.seq->n; i++)
        find_parts(im, tdagi_env_text(&im->env, "%s.%u", path, (unsigned)i),
                   v.u.seq->v[i]);
    tdagi_found *f = tdagi_import_found(im, path);
    if (f != NULL) f->is_whole = tdagi_any_is_seq(v);
}

bool tdagi_import_found_parts(tdagi_import *im, const char *path, tdagi_any before,
                              tdagi_any after)
{
    uint32_t n = 0;
    const tdagi_found *f = tdagi_import_found(im, path);
    if (im->found == NULL || im->env.outline == NULL || f != NULL ||
        !tdagi_any_is_seq(before) || !same_parts(before, after, 0, &n) || n == 0)
        return false;
    find_parts(im, path, before);
    return true;
}

bool tdagi_import_found_tuple(tdagi_import *im, const char *path, tdagi_any tuple)
{
    const tdagi_seq *s = tuple.u.seq;
    bool fits = s->n > 0 && s->n <= MOST_PARTS;
    for (uint32_t i = 0; fits && i < s->n; i++) {
        const char *own = tdagi_env_text(&im->env, "%s.%u", path, (unsigned)i);
        fits = s->v[i].kind != TDAGI_ANY_TUPLE &&
               tdagi_import_found_optional(im, own, s->v[i]);
        tdagi_found *f = tdagi_import_found(im, own);
        if (f != NULL) f->is_part = !(f->is_optional = false);
    }
    if (!fits) return false;
    tdagi_import_found_state(im, path);
    tdagi_found *f = tdagi_import_found(im, path);
    if (f != NULL) f->is_whole = f->is_optional = true;
    return true;
}

/* The same with a state for each part. */
static tdagi_any live_part(tdagi_import *im, const tdagi_live *whole, const char *path,
                           tdagi_any v, uint32_t *at)
{
    tdagi_env *env = &im->env;
    if (!tdagi_any_is_seq(v)) {
        tdagi_attr one = {.value = v};
        tdagi_import_live(im, &one, path, v);
        if (one.live == NULL) return one.value;
        one.live->whole = whole;
        one.live->at = (*at)++;
        return one.live->now;
    }
    tdagi_any out = tdagi_any_seq(env, (tdagi_any_kind)v.kind, v.u.seq->n, v.u.seq->v);
    for (uint32_t i = 0; tdagi_any_is_seq(out) && i < v.u.seq->n; i++)
        out.u.seq->v[i] =
            live_part(im, whole, tdagi_env_text(env, "%s.%u", path, (unsigned)i),
                      v.u.seq->v[i], at);
    if (!tdagi_any_is_seq(out)) return out;
    out.u.seq->born = 0; /* it was there before any branch */
    out.u.seq->type_name = v.u.seq->type_name;
    out.u.seq->fields = v.u.seq->fields;
    return out;
}

void tdagi_import_live_parts(tdagi_import *im, tdagi_attr *a, const char *path)
{
    uint32_t at = 0;
    bool is_optional = tdagi_import_found(im, path)->is_optional;
    tdagi_live *whole = tdagi_env_alloc(&im->env, sizeof *whole);
    if (whole == NULL) return;
    *whole = (tdagi_live){.path = path, .was = a->value};
    if (is_optional) { /* as many as were found */
        whole->was = tdagi_any_seq(&im->env, TDAGI_ANY_TUPLE, 0, NULL);
        while (whole->was.kind == TDAGI_ANY_TUPLE &&
               tdagi_import_is_state(im, tdagi_env_text(&im->env, "%s.%u", path,
                                                        (unsigned)whole->was.u.seq->n)))
            tdagi_seq_append(&im->env, whole->was.u.seq, tdagi_any_none());
    }
    whole->now = live_part(im, whole, path, whole->was, &at);
    if (is_optional) whole->was = whole->now;
    if (is_optional) tdagi_import_live_there(im, whole);
    a->live = whole;
}

static tdagi_any part_at(tdagi_any v, uint32_t *at)
{
    tdagi_any out = tdagi_any_none();
    if (!tdagi_any_is_seq(v)) return --*at == UINT32_MAX ? v : out;
    for (uint32_t i = 0; *at != UINT32_MAX && i < v.u.seq->n; i++)
        out = part_at(v.u.seq->v[i], at);
    return out;
}

tdagi_any tdagi_import_part_now(tdagi_import *im, const tdagi_live *l)
{
    uint32_t n = 0, at = l->at;
    if (l->values != NULL) return l->values->v[l->at];
    if (l->whole == NULL) return l->now;
    const tdagi_live *whole = l->whole;
    tdagi_any now = whole->now;
    if (now.kind == TDAGI_ANY_OPTIONAL) now = now.u.seq->v[1];
    if (now.kind == TDAGI_ANY_NONE) return now;
    if (same_parts(whole->was, now, 0, &n)) return part_at(now, &at);
    tdagi_found *f = tdagi_import_found(im, whole->path);
    if (f->is_whole) { /* its length changes: rows are the state */
        f->is_whole = false;
        tdagi_import_found_list(im, whole->path, whole->was, whole->now);
    }
    return tdagi_any_none();
}

/* ---- dicts ---- */

static const char *path_of_key(tdagi_env *env, const char *path, tdagi_any key)
{
    return tdagi_env_text(env, "%s.%s", path, tdagi_any_text(env, key));
}

/* Value `at` of a dict is a state. */
static void live_value(tdagi_import *im, tdagi_dict *dict, uint32_t at,
                       const char *path)
{
    tdagi_attr one = {.value = dict->values.v[at]};
    tdagi_import_live(im, &one, path, one.value);
    if (one.live == NULL) return;
    one.live->values = &dict->values;
    one.live->at = at;
    dict->values.v[at] = one.live->now;
}

/* Keys that it does not have at first. */
static void live_keys(tdagi_import *im, tdagi_dict *dict, const char *path)
{
    size_t length = strlen(path);
    for (uint32_t i = 0; i < im->found->n && tdagi_env_ok(&im->env); i++) {
        const tdagi_found *f = &im->found->v[i];
        if (f->key == 0 || strncmp(f->path, path, length) != 0 ||
            f->path[length] != '.')
            continue;
        const char *own = tdagi_env_text(&im->env, "%s", f->path);
        tdagi_any key = f->key == 's'
                            ? tdagi_any_string(own + length + 1)
                            : tdagi_any_int(&im->env, atoll(own + length + 1));
        tdagi_dict_set(&im->env, dict, key, tdagi_any_none());
        if (!tdagi_env_ok(&im->env)) return;
        live_value(im, dict, dict->keys.n - 1, own);
        dict->values.v[dict->keys.n - 1].letter = 'k';
    }
}

void tdagi_import_live_dict(tdagi_import *im, tdagi_dict *dict, const char *path)
{
    tdagi_env *env = &im->env;
    tdagi_import_read_list(im, &dict->values, path);
    dict->keys.born = dict->values.born = 0;
    for (uint32_t i = 0; i < dict->keys.n && tdagi_env_ok(env); i++) {
        const char *own = path_of_key(env, path, dict->keys.v[i]);
        if (tdagi_import_is_state(im, own)) live_value(im, dict, i, own);
    }
    if (im->found != NULL) live_keys(im, dict, path);
}

bool tdagi_import_found_value(tdagi_import *im, const char *path,
                              const tdagi_dict *dict, tdagi_any key, tdagi_any after)
{
    const tdagi_any *before = tdagi_dict_get(&im->env, dict, key);
    const char *own = path_of_key(&im->env, path, key);
    if (tdagi_import_is_state(im, own)) return true;
    if (before == NULL) {
        bool is_key = key.kind == TDAGI_ANY_STRING || key.kind == TDAGI_ANY_INT;
        if (!is_key || !tdagi_import_found_optional(im, own, after)) return false;
        tdagi_found *f = tdagi_import_found(im, own);
        if (f != NULL) f->key = key.kind == TDAGI_ANY_STRING ? 's' : 'i';
        return true;
    }
    bool fits = (before->kind == TDAGI_ANY_TENSOR && after.kind == TDAGI_ANY_TENSOR) ||
                (tdagi_number_letter(*before) != 0 &&
                 tdagi_number_letter(*before) == tdagi_number_letter(after));
    if (fits) tdagi_import_found_state(im, own);
    return fits;
}
