/* Fields: what the members of a spec struct are. A table of them stands beside each op
 * and composite; text, JSON, equality, hash, checks and documents walk it. What is done
 * by the kind of a field is a visitor: a function per kind, so that a kind that is new
 * is a row here and does not compile until every visitor says what it does with it. */
#ifndef TDAGI_FIELD_H
#define TDAGI_FIELD_H

#include <stddef.h>

#include <tdagger/ops.h>

#include "base/dim/dim.h"

/* clang-format off */
/* X(KIND, member of visitors, C type, what documents call it) */
#define TDAGI_FIELD_KINDS(X)                                                           \
    X(INT,    integer,  int64_t,      "integer") /* a plain one */                     \
    X(BOOL,   boolean,  int64_t,      "0 or 1")                                        \
    X(ENUM,   name,     int64_t,      NULL)      /* named by the field's `names` */    \
    X(DTYPE,  dtype,    int64_t,      "dtype")   /* a tdag_dtype */                    \
    X(DIM,    dim,      tdag_dim,     "dim")                                           \
    X(F64,    real,     double,       "number")  /* text round-trips, inf, nan too */  \
    X(INTS,   integers, tdag_list,    "integers")                                      \
    X(DIMS,   dims,     tdag_list,    "dims")                                          \
    X(STRING, string,   const char *, "text")    /* never NULL once in a graph */
/* clang-format on */

typedef enum tdagi_field_kind {
    TDAGI_FIELD_END = 0,
#define TDAGI_KIND_CODE(KIND, member, type, text) TDAGI_FIELD_##KIND,
    TDAGI_FIELD_KINDS(TDAGI_KIND_CODE)
#undef TDAGI_KIND_CODE
} tdagi_field_kind;

/* What the numbers of a field mean, and so which of them fit. */
enum {
    TDAGI_ROLE_POSITIVE = 1,    /* at least 1 */
    TDAGI_ROLE_NATURAL = 2,     /* at least 0 */
    TDAGI_ROLE_AXIS = 4,        /* axes of the first input */
    TDAGI_ROLE_RESULT_AXIS = 8, /* axes of the result, which has one more */
    TDAGI_ROLE_SPATIAL = 16,    /* one per spatial axis */
    TDAGI_ROLE_LAST_AXES = 32,  /* how many of the first input's axes, from the last */
    TDAGI_ROLE_DECIMALS = 64,   /* an exponent of ten */
    TDAGI_ROLE_MISSING = 128,   /* not counted, of the elements that are reduced */
    TDAGI_ROLE_OPTIONAL =
        256, /* an ENUM that texts and files leave out where it is 0 */
};

typedef struct tdagi_field {
    const char *name;
    uint16_t offset;
    uint8_t kind;             /* tdagi_field_kind */
    uint16_t role;            /* TDAGI_ROLE_*; 0 = any number */
    const char *const *names; /* of an ENUM, by value: NULL at 0 where that is none of
                                 them, and after the last */
} tdagi_field;

#define TDAGI_FIELD_OF(type, member, what, role, names)                                \
    {                                                                                  \
#member, (uint16_t)offsetof(type, member), TDAGI_FIELD_##what, role, names     \
    }
#define TDAGI_FIELD(type, member, what) TDAGI_FIELD_OF(type, member, what, 0, NULL)
#define TDAGI_FIELD_AS(type, member, what, role)                                       \
    TDAGI_FIELD_OF(type, member, what, TDAGI_ROLE_##role, NULL)
#define TDAGI_FIELD_SPATIAL(type, member, what, role)                                  \
    TDAGI_FIELD_OF(type, member, what, TDAGI_ROLE_SPATIAL | TDAGI_ROLE_##role, NULL)
#define TDAGI_FIELD_NAMED(type, member, table)                                         \
    TDAGI_FIELD_OF(type, member, ENUM, 0, table)
#define TDAGI_FIELD_OPTIONAL(type, member, table)                                      \
    TDAGI_FIELD_OF(type, member, ENUM, TDAGI_ROLE_OPTIONAL, table)

/* Whether a text has to name it. */
static inline bool tdagi_field_is_shown(const tdagi_field *f, const void *spec)
{
    const int64_t *value = (const void *)((const char *)spec + f->offset);
    return (f->role & TDAGI_ROLE_OPTIONAL) == 0 || *value != 0;
}

static inline bool tdagi_field_is_list(const tdagi_field *f)
{
    return f->kind == TDAGI_FIELD_INTS || f->kind == TDAGI_FIELD_DIMS;
}

static inline bool tdagi_field_has_dims(const tdagi_field *f)
{
    return f->kind == TDAGI_FIELD_DIM || f->kind == TDAGI_FIELD_DIMS;
}

/* The numbers of a field of a spec, which they lie in: a list's, or the one of a field
 * that is no list, a double by its bits; none of a string. */
static inline tdag_list tdagi_field_numbers(const tdagi_field *f, const void *spec)
{
    const void *at = (const char *)spec + f->offset;
    if (tdagi_field_is_list(f)) return *(const tdag_list *)at;
    return (tdag_list){f->kind != TDAGI_FIELD_STRING, at};
}

static inline const char *tdagi_field_string(const tdagi_field *f, const void *spec)
{
    return *(const char *const *)(const void *)((const char *)spec + f->offset);
}

/* The number behind an ENUM's word; false: none of its names. */
bool tdagi_field_value_of(const tdagi_field *f, const char *word, int64_t *out);
/* The word for it; NULL: it has none. */
const char *tdagi_field_name_of(const tdagi_field *f, int64_t value);
/* The field of that name; the ending row where there is none. */
const tdagi_field *tdagi_field_find(const tdagi_field *fields, const char *name);

/* Tables of these are written without designators, so that none is left out. */
typedef struct tdagi_field_visitor {
#define TDAGI_KIND_VISIT(KIND, member, type, text)                                     \
    tdag_status (*member)(void *user, const tdagi_field *f, type *value);
    TDAGI_FIELD_KINDS(TDAGI_KIND_VISIT)
#undef TDAGI_KIND_VISIT
} tdagi_field_visitor;

tdag_status tdagi_field_visit(const tdagi_field_visitor *v, void *user,
                              const tdagi_field *f, void *spec);
/* The same for a visitor that changes nothing. */
tdag_status tdagi_field_show(const tdagi_field_visitor *v, void *user,
                             const tdagi_field *f, const void *spec);

#endif
