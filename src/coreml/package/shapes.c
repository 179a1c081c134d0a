/* The shapes that an input may have, as metadata "shapes.NAME": of a range one shape of
 * sizes and ranges, "1,3,32..512,16..", of enumerated ones all of them, with blanks
 * between. What an input of the model does not fit any more is left out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "coreml/package/metadata.h"

/* Core ML takes 128 shapes. */
enum { MOST_SHAPES = 1024, ROOM = 48 /* of a size with its range */ };

typedef struct ends {
    int64_t low, high; /* high -1: there is no end */
} ends;

static ends fixed(uint64_t n)
{
    const int64_t size = n > INT64_MAX ? INT64_MAX : (int64_t)n;
    return (ends){size, size};
}

static ends of_range(const Cml__SizeRange *r)
{
    return r == NULL ? fixed(1) : (ends){fixed(r->lower_bound).low, r->upper_bound};
}

/* ---- reading ---- */

typedef struct told {
    size_t n, rank; /* shapes and their axes; n 0: there are none */
    bool is_own;    /* as the writer would have them anyway */
} told;

static told of_array(const Cml__ArrayFeatureType *a)
{
    told t = {0, a->n_shape, false};
    if (a->flex_case == CML__ARRAY_FEATURE_TYPE__FLEX_ENUMERATED_SHAPES)
        t.n = a->enumerated_shapes->n_shapes;
    for (size_t i = 0; i < t.n; i++)
        if (a->enumerated_shapes->shapes[i]->n_shape != t.rank) t.n = 0;
    if (a->flex_case != CML__ARRAY_FEATURE_TYPE__FLEX_SHAPE_RANGE ||
        a->shape_range->n_size_ranges != t.rank)
        return t;
    t.n = 1;
    t.is_own = true;
    for (size_t k = 0; k < t.rank; k++) {
        const ends e = of_range(a->shape_range->size_ranges[k]);
        t.is_own = t.is_own && ((e.low == a->shape[k] && e.high == a->shape[k]) ||
                                (e.low == 1 && e.high == tdagi_open_end(a->shape[k])));
    }
    return t;
}

static ends array_ends(const Cml__ArrayFeatureType *a, size_t i, size_t axis)
{
    return a->flex_case == CML__ARRAY_FEATURE_TYPE__FLEX_SHAPE_RANGE
               ? of_range(a->shape_range->size_ranges[axis])
               : fixed((uint64_t)a->enumerated_shapes->shapes[i]->shape[axis]);
}

/* Images are [1, channels, height, width]. */
static told of_image(const Cml__ImageFeatureType *m)
{
    told t = {0, 4, false};
    if (m->flex_case == CML__IMAGE_FEATURE_TYPE__FLEX_IMAGE_SIZE_RANGE) t.n = 1;
    if (m->flex_case == CML__IMAGE_FEATURE_TYPE__FLEX_ENUMERATED_SIZES)
        t.n = m->enumerated_sizes->n_sizes;
    return t;
}

static ends image_ends(const Cml__ImageFeatureType *m, size_t i, size_t axis)
{
    const bool is_width = axis == 3;
    if (axis == 0) return fixed(1);
    if (axis == 1) return fixed(m->color_space == 10 || m->color_space == 40 ? 1 : 3);
    if (m->flex_case == CML__IMAGE_FEATURE_TYPE__FLEX_IMAGE_SIZE_RANGE)
        return of_range(is_width ? m->image_size_range->width_range
                                 : m->image_size_range->height_range);
    const Cml__ImageSize *s = m->enumerated_sizes->sizes[i];
    return fixed(is_width ? s->width : s->height);
}

char *tdagi_shapes_text(tdagi_arena *arena, const Cml__FeatureType *type, bool *failed)
{
    const bool is_image =
        type != NULL && type->type_case == CML__FEATURE_TYPE__TYPE_IMAGE_TYPE;
    if (!is_image &&
        (type == NULL || type->type_case != CML__FEATURE_TYPE__TYPE_MULTI_ARRAY_TYPE))
        return NULL;
    const told t =
        is_image ? of_image(type->image_type) : of_array(type->multi_array_type);
    if (t.n == 0 || t.n > MOST_SHAPES || t.rank == 0 || t.is_own) return NULL;
    char *text =
        t.rank > TDAG_MAX_RANK ? NULL : tdagi_arena_array(arena, t.n, t.rank * ROOM);
    if (text == NULL) *failed = t.rank <= TDAG_MAX_RANK;
    char *at = text;
    for (size_t i = 0; text != NULL && i < t.n; i++)
        for (size_t k = 0; k < t.rank; k++) {
            const ends e = is_image ? image_ends(type->image_type, i, k)
                                    : array_ends(type->multi_array_type, i, k);
            at += snprintf(at, ROOM, "%s%lld",
                           k > 0   ? ","
                           : i > 0 ? " "
                                   : "",
                           (long long)e.low);
            if (e.high == e.low) continue;
            at += snprintf(at, ROOM / 2, "..");
            if (e.high >= 0) at += snprintf(at, ROOM / 2, "%lld", (long long)e.high);
        }
    return text;
}

/* ---- writing ---- */

/* The shape at *text, which is passed over; false: it is none of that rank. */
static bool read_shape(const char **text, size_t rank, ends *out)
{
    char *end = NULL;
    for (size_t k = 0; k < rank; k++, *text = end) {
        if (k > 0 && *(*text)++ != ',') return false;
        out[k].low = out[k].high = strtoll(*text, &end, 10);
        if (end == *text || out[k].low < 0) return false;
        if (strncmp(end, "..", 2) != 0) continue;
        *text = end + 2;
        out[k].high = strtoll(*text, &end, 10);
        if (end == *text) out[k].high = -1;
    }
    return **text == '\0' || *(*text)++ == ' ';
}

static bool is_open(const Cml__ArrayFeatureType *a, size_t axis)
{
    const Cml__SizeRange *r = a->shape_range->size_ranges[axis];
    return r->lower_bound != (uint64_t)r->upper_bound;
}

static bool holds(const ends *e, int64_t n)
{
    return e->low <= n && (e->high < 0 || n <= e->high);
}

/* Whether those sizes that are fixed by now are so there. */
static bool fits(const Cml__ArrayFeatureType *a, const ends *e, bool with_default)
{
    for (size_t k = 0; k < a->n_shape; k++)
        if ((with_default || !is_open(a, k)) && !holds(&e[k], a->shape[k]))
            return false;
    return true;
}

static void *message(tdagi_arena *arena, const ProtobufCMessageDescriptor *kind)
{
    ProtobufCMessage *m = tdagi_arena_alloc(arena, kind->sizeof_message);
    if (m != NULL) memset(m, 0, kind->sizeof_message);
    if (m != NULL) m->descriptor = kind;
    return m;
}

static Cml__Shape *shape_of(tdagi_arena *arena, size_t rank, const ends *e)
{
    Cml__Shape *s = message(arena, &cml__shape__descriptor);
    int64_t *sizes = tdagi_arena_array(arena, rank, sizeof *sizes);
    if (s == NULL || sizes == NULL) return NULL;
    for (size_t k = 0; k < rank; k++)
        sizes[k] = e[k].low;
    s->n_shape = rank;
    s->shape = sizes;
    return s;
}

static void enumerate(tdagi_arena *arena, const char *text, Cml__ArrayFeatureType *a,
                      bool *failed)
{
    ends e[TDAG_MAX_RANK];
    bool has_default = false;
    Cml__EnumeratedShapes *all = message(arena, &cml__enumerated_shapes__descriptor);
    if (all != NULL)
        all->shapes = tdagi_arena_array(arena, strlen(text), sizeof *all->shapes);
    *failed = all == NULL || all->shapes == NULL;
    while (!*failed && *text != '\0') {
        if (!read_shape(&text, a->n_shape, e)) return;
        if (!fits(a, e, false)) continue;
        has_default = has_default || fits(a, e, true);
        Cml__Shape *s = shape_of(arena, a->n_shape, e);
        *failed = s == NULL;
        all->shapes[all->n_shapes++] = s;
    }
    if (*failed || !has_default) return;
    a->flex_case = CML__ARRAY_FEATURE_TYPE__FLEX_ENUMERATED_SHAPES;
    a->enumerated_shapes = all;
}

void tdagi_shapes_restore(tdagi_arena *arena, const char *text,
                          Cml__ArrayFeatureType *a, bool *failed)
{
    ends e[TDAG_MAX_RANK];
    if (a->flex_case != CML__ARRAY_FEATURE_TYPE__FLEX_SHAPE_RANGE ||
        a->n_shape > TDAG_MAX_RANK || a->shape_range->n_size_ranges != a->n_shape)
        return;
    if (strstr(text, "..") == NULL) {
        enumerate(arena, text, a, failed);
        return;
    }
    if (!read_shape(&text, a->n_shape, e) || *text != '\0' || !fits(a, e, true)) return;
    for (size_t k = 0; k < a->n_shape; k++) {
        Cml__SizeRange *r = a->shape_range->size_ranges[k];
        if (!is_open(a, k) || e[k].low == e[k].high) continue;
        r->lower_bound = (uint64_t)e[k].low;
        r->upper_bound = e[k].high;
    }
}
