/* What describes one input: read from a command line, "[NAME:]DTYPE[DIMS]", where
 * blanks may stand between the parts, and told by a graph. */
#include <string.h>

#include <tdagger/model.h>

#include "base/ctx.h"
#include "program/model.h"

/* Before the strings, so that a block of several strings can be freed. */
typedef struct spec_storage {
    size_t size;
} spec_storage;

typedef struct spec_parser {
    tdag_ctx *ctx;
    const char *start, *at;
    char *strings; /* where the next string goes */
    tdag_input_spec *spec;
} spec_parser;

static tdag_status bad(const spec_parser *p, const char *what)
{
    tdagi_fail(p->ctx, TDAG_E_ARG, "input \"%s\": expected %s at \"%s\"", p->start,
               what, p->at);
    return tdagi_fail_at_offset(p->ctx, (uint64_t)(p->at - p->start));
}

static void skip_blanks(spec_parser *p)
{
    while (*p->at == ' ' || *p->at == '\t')
        p->at++;
}

static bool take(spec_parser *p, char c)
{
    skip_blanks(p);
    if (*p->at != c) return false;
    p->at++;
    return true;
}

static const char *keep(spec_parser *p, const char *s, size_t n)
{
    char *kept = p->strings;
    memcpy(kept, s, n);
    kept[n] = '\0';
    p->strings += n + 1;
    return kept;
}

static bool is_word(char c, bool first)
{
    bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    return letter || (!first && c >= '0' && c <= '9');
}

static tdag_status parse_number(spec_parser *p, int64_t *out)
{
    skip_blanks(p);
    if (*p->at < '0' || *p->at > '9') return bad(p, "a size");
    int64_t n = 0;
    const char *first = p->at;
    for (; *p->at >= '0' && *p->at <= '9'; p->at++) {
        int digit = *p->at - '0';
        if (n > (INT64_MAX - digit) / 10) {
            p->at = first;
            return bad(p, "a size that fits 63 bits");
        }
        n = 10 * n + digit;
    }
    *out = n;
    return TDAG_OK;
}

/* "3", "N=4" or "N" */
static tdag_status parse_dim(spec_parser *p)
{
    tdag_input_spec *s = p->spec;
    if (s->rank == TDAG_MAX_RANK) return bad(p, "at most 16 sizes");
    skip_blanks(p);
    uint32_t axis = s->rank++;
    if (!is_word(*p->at, true)) return parse_number(p, &s->shape[axis]);
    const char *first = p->at;
    while (is_word(*p->at, false))
        p->at++;
    s->symbol[axis] = keep(p, first, (size_t)(p->at - first));
    s->shape[axis] = -1;
    return take(p, '=') ? parse_number(p, &s->shape[axis]) : TDAG_OK;
}

static tdag_status parse_dims(spec_parser *p)
{
    if (!take(p, '[')) return bad(p, "'['");
    if (!take(p, ']')) {
        do {
            TDAGI_TRY(parse_dim(p));
        } while (take(p, ','));
        if (!take(p, ']')) return bad(p, "',' or ']'");
    }
    skip_blanks(p);
    return *p->at == '\0' ? TDAG_OK : bad(p, "the end");
}

static tdag_status parse_dtype(spec_parser *p)
{
    skip_blanks(p);
    const char *first = p->at;
    char name[8];
    size_t n = strspn(first, "abcdefghijklmnopqrstuvwxyz0123456789");
    if (n > 0 && n < sizeof(name)) {
        memcpy(name, first, n);
        name[n] = '\0';
        p->spec->dtype = tdag_dtype_from_name(name);
    }
    if (p->spec->dtype == TDAG_DTYPE_NONE)
        return bad(p, "a dtype (f64 f32 f16 bf16 i64 i32 i16 i8 u8 bool)");
    p->at += n;
    return TDAG_OK;
}

static tdag_status parse(spec_parser *p)
{
    const char *bracket = strchr(p->start, '[');
    size_t head = bracket == NULL ? strlen(p->start) : (size_t)(bracket - p->start);
    const char *colon = NULL; /* the last one, so that a name may contain one */
    for (size_t i = 0; i < head; i++)
        if (p->start[i] == ':') colon = p->start + i;
    if (colon != NULL) {
        if (colon == p->start) return bad(p, "a name");
        p->spec->name = keep(p, p->start, (size_t)(colon - p->start));
        p->at = colon + 1;
    }
    TDAGI_TRY(parse_dtype(p));
    return parse_dims(p);
}

tdag_status tdag_input_spec_parse(tdag_ctx *ctx, const char *text, tdag_input_spec *out,
                                  char **storage_out)
{
    TDAGI_TRY(tdagi_need(ctx, text, "text"));
    TDAGI_TRY(tdagi_need(ctx, out, "out"));
    TDAGI_TRY(tdagi_need(ctx, storage_out, "storage_out"));
    /* Each string is a part of the text, and at least one character lies between two.
     */
    size_t size = sizeof(spec_storage) + strlen(text) + 2;
    void *block = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, size, &block));
    ((spec_storage *)block)->size = size;
    tdag_input_spec spec;
    memset(&spec, 0, sizeof(spec));
    spec_parser p = {ctx, text, text, (char *)block + sizeof(spec_storage), &spec};
    tdag_status status = parse(&p);
    if (status != TDAG_OK) {
        tdagi_free(ctx, block, size);
        return status;
    }
    *out = spec;
    *storage_out = block;
    return TDAG_OK;
}

void tdag_input_spec_free(tdag_ctx *ctx, char *storage)
{
    if (storage == NULL) return;
    spec_storage head;
    memcpy(&head, storage, sizeof(head));
    tdagi_free(ctx, storage, head.size);
}

bool tdagi_input_spec_of_type(const tdagi_pool *pool, tdag_dtype dtype, uint32_t rank,
                              const tdag_dim *shape, tdag_input_spec *out)
{
    memset(out, 0, sizeof *out);
    out->dtype = dtype;
    out->rank = rank;
    for (uint32_t k = 0; k < rank; k++) {
        uint32_t symbol;
        int64_t factor, offset;
        out->shape[k] = tdagi_dim_sample(pool, shape[k]);
        if (shape[k] >= 0) continue;
        if (!tdagi_dim_is_affine(pool, shape[k], &symbol, &factor, &offset) ||
            factor != 1 || offset != 0)
            return false;
        out->symbol[k] = tdagi_pool_symbol(pool, symbol, NULL);
    }
    return true;
}

bool tdagi_input_spec_of(const tdag_graph *g, uint32_t i, tdag_input_spec *out)
{
    const tdagi_node *n = tdagi_graph_node(g, g->inputs[i]);
    return tdagi_input_spec_of_type(g->pool, (tdag_dtype)n->dtype, n->rank, n->shape,
                                    out);
}
