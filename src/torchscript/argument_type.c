/* Types of arguments: taken apart, and compared with values. */
#include "torchscript/argument_type.h"

#include <string.h>

bool tdagi_type_is(const char *type, const char *head)
{
    return strncmp(type, head, strlen(head)) == 0;
}

size_t tdagi_type_size(const char *type)
{
    int depth = 0;
    const char *p = type;
    for (; *p != '\0'; p++) {
        if (depth == 0 && strchr(",])", *p) != NULL) break;
        depth += *p == '[' || *p == '(';
        depth -= *p == ']' || *p == ')';
    }
    return (size_t)(p - type);
}

const char *tdagi_type_name(const char *type, size_t *size_out)
{
    size_t n = strcspn(type, "[](,"), last = n;
    *size_out = 0;
    if (type[n] != '(') return type;
    while (last > 0 && type[last - 1] != '.')
        last--;
    *size_out = n - last;
    return type + last;
}

static bool is_named(const char *type)
{
    size_t n;
    tdagi_type_name(type, &n);
    return n > 0;
}

bool tdagi_type_is_tuple(const char *type)
{
    return tdagi_type_is(type, "Tuple[") || is_named(type);
}

/* "x: Tensor" or "Tensor" at p; false at the end. */
static bool item_at(const char *p, bool named, tdagi_type_item *out)
{
    *out = (tdagi_type_item){.type = p};
    if (*p == '\0' || *p == ']' || *p == ')') return false;
    size_t n = strcspn(p, ":,)");
    if (!named || p[n] != ':') return !named;
    out->field = p;
    out->field_size = n;
    out->type = p + n + 1 + strspn(p + n + 1, " ");
    return true;
}

bool tdagi_type_first(const char *type, tdagi_type_item *out)
{
    bool named = is_named(type);
    const char *open = strchr(type, named ? '(' : '[');
    return open != NULL && item_at(open + 1, named, out);
}

bool tdagi_type_next(tdagi_type_item *item)
{
    const char *end = item->type + tdagi_type_size(item->type);
    return item_at(end + strspn(end, ", "), item->field != NULL, item);
}

bool tdagi_type_takes_tensors(const char *type)
{
    const char *found = strstr(type, "Tensor");
    return found != NULL && found < type + tdagi_type_size(type);
}

static bool is_item(const char *type, const char *p)
{
    return p == type || strchr("[( ", p[-1]) != NULL;
}

/* What a type asks for, read from left to right: tensors, and whether there are lists
 * or dicts with some. What is in these, or optional, does not count. */
static uint32_t scan(const char *type, bool *open_out)
{
    uint32_t n = 0;
    const char *end = type + tdagi_type_size(type);
    *open_out = false;
    for (const char *p = type; p < end; p++) {
        if (!is_item(type, p)) continue;
        bool is_list = tdagi_type_is(p, "List[") || tdagi_type_is(p, "Dict[");
        if (is_list) *open_out |= tdagi_type_takes_tensors(p);
        if (is_list || tdagi_type_is(p, "Optional["))
            p += tdagi_type_size(p);
        else
            n += tdagi_type_is(p, "Tensor") && p[strlen("Tensor")] != ':';
    }
    return n;
}

uint32_t tdagi_type_n_tensors(const char *type)
{
    bool open;
    return scan(type, &open);
}

bool tdagi_type_is_open(const char *type)
{
    bool open;
    scan(type, &open);
    return open;
}

/* ---- values ---- */

/* Items of one type, or of as many types as there are. */
static bool items_fit(const char *type, tdagi_structure_node *value)
{
    tdagi_type_item item = {.type = NULL};
    bool is_tuple = value->kind == TDAGI_STRUCTURE_TUPLE;
    bool more = tdagi_type_first(type, &item);
    if (value->kind == TDAGI_STRUCTURE_DICT)
        more = more && tdagi_type_is(item.type, "str") && tdagi_type_next(&item);
    tdagi_structure_node *at = value + 1;
    for (uint32_t i = 0; i < value->n; i++, at += at->size) {
        if (!more || !tdagi_type_fits(item.type, at)) return false;
        if (is_tuple) more = tdagi_type_next(&item);
    }
    return !is_tuple || !more;
}

static bool number_fits(const char *type, tdagi_structure_node *value)
{
    if (tdagi_type_is(type, "number") || tdagi_type_is(type, "Scalar")) return true;
    if (value->kind == TDAGI_STRUCTURE_FLOAT) return tdagi_type_is(type, "float");
    if (tdagi_type_is(type, "float")) {
        value->kind = TDAGI_STRUCTURE_FLOAT;
        value->u.f = (double)value->u.i;
        return true;
    }
    return tdagi_type_is(type, "int");
}

/* Recursion ends where the structure's depth does. */
bool tdagi_type_fits(const char *type, tdagi_structure_node *value)
{
    if (type == NULL || tdagi_type_is(type, "Any") || tdagi_type_is(type, "Union["))
        return true;
    if (tdagi_type_is(type, "Optional["))
        return value->kind == TDAGI_STRUCTURE_NONE ||
               tdagi_type_fits(type + strlen("Optional["), value);
    switch ((tdagi_structure_kind)value->kind) {
    case TDAGI_STRUCTURE_TENSOR:
        return tdagi_type_is(type, "Tensor");
    case TDAGI_STRUCTURE_TUPLE:
        return tdagi_type_is_tuple(type) && items_fit(type, value);
    case TDAGI_STRUCTURE_LIST:
        return tdagi_type_is(type, "List[") && items_fit(type, value);
    case TDAGI_STRUCTURE_DICT:
        return tdagi_type_is(type, "Dict[") && items_fit(type, value);
    case TDAGI_STRUCTURE_NONE:
        return tdagi_type_is(type, "NoneType");
    case TDAGI_STRUCTURE_BOOL:
        return tdagi_type_is(type, "bool");
    case TDAGI_STRUCTURE_INT:
    case TDAGI_STRUCTURE_FLOAT:
        return number_fits(type, value);
    case TDAGI_STRUCTURE_STRING:
        return tdagi_type_is(type, "str");
    }
    return false;
}
