/* Generic work on spec structs by their field tables: equality, deep copy, hash, and
 * copies with every dim taken elsewhere. A spec in a graph is a struct in the arena
 * whose lists and strings follow in the arena too. */
#include <string.h>

#include "base/arena.h"
#include "ir/opdef.h"

#define MOST_NAMES 64 /* more than any ENUM has */

bool tdagi_field_value_of(const tdagi_field *f, const char *word, int64_t *out)
{
    /* The first name may be a hole; any later NULL ends the table. */
    for (int64_t i = 0; i < MOST_NAMES && (i == 0 || f->names[i] != NULL); i++) {
        if (f->names[i] == NULL || strcmp(f->names[i], word) != 0) continue;
        *out = i;
        return true;
    }
    return false;
}

const char *tdagi_field_name_of(const tdagi_field *f, int64_t value)
{
    int64_t i = 0;
    while (i < value && (f->names[i] != NULL || i == 0))
        i++;
    return i == value ? f->names[i] : NULL;
}

const tdagi_field *tdagi_field_find(const tdagi_field *fields, const char *name)
{
    static const tdagi_field none = {0};
    const tdagi_field *f = fields == NULL ? &none : fields;
    while (f->kind != TDAGI_FIELD_END && strcmp(f->name, name) != 0)
        f++;
    return f;
}

tdag_status tdagi_field_visit(const tdagi_field_visitor *v, void *user,
                              const tdagi_field *f, void *spec)
{
    void *value = (char *)spec + f->offset;
    switch ((tdagi_field_kind)f->kind) {
#define VISIT_KIND(KIND, member, type, text)                                           \
    case TDAGI_FIELD_##KIND:                                                           \
        return v->member(user, f, value);
        TDAGI_FIELD_KINDS(VISIT_KIND)
#undef VISIT_KIND
    case TDAGI_FIELD_END:
        break;
    }
    return TDAG_OK;
}

tdag_status tdagi_field_show(const tdagi_field_visitor *v, void *user,
                             const tdagi_field *f, const void *spec)
{
    void *same;
    memcpy(&same, &spec, sizeof(same));
    return tdagi_field_visit(v, user, f, same);
}

/* Doubles by their bits, so that -0 and NaN count as written. */
static bool field_equal(const tdagi_field *f, const void *a, const void *b)
{
    if (f->kind == TDAGI_FIELD_STRING)
        return strcmp(tdagi_field_string(f, a), tdagi_field_string(f, b)) == 0;
    tdag_list x = tdagi_field_numbers(f, a), y = tdagi_field_numbers(f, b);
    return x.n == y.n && (x.n == 0 || memcmp(x.v, y.v, x.n * sizeof(int64_t)) == 0);
}

bool tdagi_spec_equal(const tdagi_field *fields, const void *a, const void *b)
{
    if (fields == NULL) return true;
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++)
        if (!field_equal(f, a, b)) return false;
    return true;
}

static uint64_t mix(uint64_t h, uint64_t x)
{
    h ^= x + 0x9e3779b97f4a7c15u + (h << 6) + (h >> 2);
    return h * 0xff51afd7ed558ccdu;
}

static uint64_t hash_field(uint64_t h, const tdagi_field *f, const void *spec)
{
    if (f->kind == TDAGI_FIELD_STRING) {
        for (const char *s = tdagi_field_string(f, spec); *s != '\0'; s++)
            h = mix(h, (unsigned char)*s);
        return h;
    }
    tdag_list numbers = tdagi_field_numbers(f, spec);
    if (tdagi_field_is_list(f)) h = mix(h, numbers.n);
    for (uint32_t i = 0; i < numbers.n; i++) {
        uint64_t bits;
        memcpy(&bits, &numbers.v[i], sizeof(bits));
        h = mix(h, bits);
    }
    return h;
}

uint64_t tdagi_spec_hash(const tdagi_field *fields, const void *spec)
{
    uint64_t h = 0;
    if (fields == NULL) return h;
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++)
        h = hash_field(h, f, spec);
    return h;
}

/* How the dims of a copy come about: kept, taken over into another pool (with its
 * symbols replaced or not), or sampled. */
typedef struct dim_map {
    tdagi_pool *to;               /* NULL: samples */
    const tdagi_pool *from;       /* NULL: keep */
    const tdag_dim *replacements; /* NULL: the same symbols */
} dim_map;

static int64_t map_dim(const dim_map *m, int64_t d)
{
    if (m->from == NULL || d >= 0) return d;
    if (m->to == NULL) return tdagi_dim_sample(m->from, d);
    return m->replacements == NULL
               ? tdagi_dim_import(m->to, m->from, d)
               : tdagi_dim_substitute(m->to, m->from, d, m->replacements);
}

static bool copy_list(tdagi_arena *arena, tdag_list *l, const dim_map *m, bool dims)
{
    if (l->n == 0) {
        l->v = NULL;
        return true;
    }
    int64_t *v = tdagi_arena_array(arena, l->n, sizeof(int64_t));
    if (v == NULL) return false;
    for (uint32_t i = 0; i < l->n; i++)
        v[i] = dims ? map_dim(m, l->v[i]) : l->v[i];
    l->v = v;
    return true;
}

static bool copy_string(tdagi_arena *arena, void *member)
{
    const char *s;
    memcpy(&s, member, sizeof(s));
    s = tdagi_arena_strdup(arena, s == NULL ? "" : s);
    memcpy(member, &s, sizeof(s));
    return s != NULL;
}

static void *copy_mapped(tdagi_arena *arena, const tdagi_field *fields, size_t size,
                         const void *spec, const dim_map *m)
{
    char *copy = tdagi_arena_alloc(arena, size);
    if (copy == NULL) return NULL;
    memcpy(copy, spec, size);
    for (const tdagi_field *f = fields; f->kind != TDAGI_FIELD_END; f++) {
        void *x = copy + f->offset;
        bool ok = true;
        if (tdagi_field_is_list(f))
            ok = copy_list(arena, x, m, tdagi_field_has_dims(f));
        else if (f->kind == TDAGI_FIELD_STRING)
            ok = copy_string(arena, x);
        else if (f->kind == TDAGI_FIELD_DIM)
            *(int64_t *)x = map_dim(m, *(int64_t *)x);
        if (!ok) return NULL;
    }
    return copy;
}

void *tdagi_spec_copy(tdagi_arena *arena, const tdagi_field *fields, size_t size,
                      const void *spec)
{
    const dim_map keep = {NULL, NULL, NULL};
    return copy_mapped(arena, fields, size, spec, &keep);
}

void *tdagi_spec_sample(tdagi_arena *arena, const tdagi_field *fields, size_t size,
                        const void *spec, const tdagi_pool *pool)
{
    const dim_map sample = {NULL, pool, NULL};
    return copy_mapped(arena, fields, size, spec, &sample);
}

void *tdagi_spec_substitute(tdagi_arena *arena, const tdagi_field *fields, size_t size,
                            const void *spec, const tdagi_substitution *by)
{
    const dim_map substitute = {by->to, by->from, by->replacements};
    return copy_mapped(arena, fields, size, spec, &substitute);
}
