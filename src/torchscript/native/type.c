/* Types in source: "Tensor", "Dict[str, List[int]]", "__torch__.a.B". A type that is
 * just a name is one per file and name. */
#include <string.h>

#include "torchscript/native/lex.h"

/* "a.b.C" as one name. Parts stand together, so the path is a piece of the source. */
static tdag_status parse_path(tdagi_source_parser *p, tdagi_source_name **out)
{
    uint32_t start = p->token.offset, end = start + p->token.n;
    bool more = p->token.kind == TDAGI_TOKEN_NONE;
    if (more)
        TDAGI_TRY(tdagi_source_next(p));
    else
        TDAGI_TRY(tdagi_source_expect(p, TDAGI_TOKEN_NAME, "a type"));
    TDAGI_TRY(tdagi_source_take(p, '.', &more));
    while (more) {
        uint32_t offset = p->token.offset;
        if (offset != end + 1)
            return tdagi_source_fail(p, offset, "a blank in the path of a type");
        end = offset + p->token.n;
        TDAGI_TRY(tdagi_source_expect(p, TDAGI_TOKEN_NAME, "a name"));
        TDAGI_TRY(tdagi_source_take(p, '.', &more));
    }
    bool is_none = end - start == 4 && memcmp(p->text + start, "None", 4) == 0;
    *out = is_none ? tdagi_source_intern(p, "NoneType", 8)
                   : tdagi_source_intern(p, p->text + start, end - start);
    return *out == NULL ? tdagi_nomem(p->ctx) : TDAG_OK;
}

/* One argument; "()" of an empty tuple is none. */
static tdag_status parse_argument(tdagi_source_parser *p)
{
    bool is_empty;
    TDAGI_TRY(tdagi_source_take(p, '(', &is_empty));
    if (is_empty) return tdagi_source_expect(p, ')', "\")\"");
    const tdagi_source_type *arg = NULL;
    TDAGI_TRY(tdagi_source_type_parse(p, &arg));
    return tdagi_source_push(p, &arg, sizeof(arg));
}

static tdag_status parse_arguments(tdagi_source_parser *p, tdagi_source_type *type)
{
    size_t since = p->stack_size;
    bool more = true;
    while (more && p->token.kind != ']') {
        TDAGI_TRY(parse_argument(p));
        TDAGI_TRY(tdagi_source_take(p, ',', &more));
    }
    TDAGI_TRY(tdagi_source_expect(p, ']', "\"]\""));
    type->n = (uint32_t)((p->stack_size - since) / sizeof(*type->args));
    return tdagi_source_pop(p, since, &type->args);
}

static char *append(char *to, const char *text)
{
    size_t n = strlen(text);
    memcpy(to, text, n);
    return to + n;
}

/* "Dict[str, Tensor]" */
static tdag_status write_text(tdagi_source_parser *p, tdagi_source_type *type)
{
    size_t size = strlen(type->name) + sizeof("[()]");
    for (uint32_t i = 0; i < type->n && size <= TDAGI_SOURCE_MAX_TYPE; i++)
        size += strlen(type->args[i]->text) + 2;
    if (size > TDAGI_SOURCE_MAX_TYPE)
        return tdagi_source_fail(p, p->token.offset, "a type of more than 65536 bytes");
    char *text = NULL;
    TDAGI_TRY(tdagi_source_node(p, size, &text));
    type->text = text;
    text = append(append(text, type->name), type->n == 0 ? "[()" : "[");
    for (uint32_t i = 0; i < type->n; i++)
        text = append(append(text, i > 0 ? ", " : ""), type->args[i]->text);
    memcpy(text, "]", 2);
    return TDAG_OK;
}

static tdag_status parse_generic(tdagi_source_parser *p, const char *name,
                                 const tdagi_source_type **out)
{
    tdagi_source_type *type = NULL;
    TDAGI_TRY(tdagi_source_node(p, sizeof(*type), &type));
    type->name = name;
    TDAGI_TRY(tdagi_source_enter(p));
    TDAGI_TRY(parse_arguments(p, type));
    tdagi_source_leave(p);
    TDAGI_TRY(write_text(p, type));
    *out = type;
    return TDAG_OK;
}

tdag_status tdagi_source_type_parse(tdagi_source_parser *p,
                                    const tdagi_source_type **out)
{
    tdagi_source_name *name = NULL;
    TDAGI_TRY(parse_path(p, &name));
    bool is_generic;
    TDAGI_TRY(tdagi_source_take(p, '[', &is_generic));
    if (is_generic) return parse_generic(p, name->text, out);
    if (name->type == NULL) {
        tdagi_source_type *type = NULL;
        TDAGI_TRY(tdagi_source_node(p, sizeof(*type), &type));
        type->name = type->text = name->text;
        name->type = type;
    }
    *out = name->type;
    return TDAG_OK;
}
