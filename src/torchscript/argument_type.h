/* The declared types of arguments, as texts: "List[Tuple[Tensor, int]]", and of a named
 * tuple "Point(x: Tensor, y: Tensor)". A text may go on behind the type. */
#ifndef TDAGI_TORCHSCRIPT_ARGUMENT_TYPE_H
#define TDAGI_TORCHSCRIPT_ARGUMENT_TYPE_H

#include "program/model.h"

bool tdagi_type_is(const char *type, const char *head);
/* The end of one type: its length. */
size_t tdagi_type_size(const char *type);
bool tdagi_type_is_tuple(const char *type); /* also a named one */
/* "Point" of "pkg.Point(x: Tensor)": its last part and the size; 0: it has no name. */
const char *tdagi_type_name(const char *type, size_t *size_out);

/* An item of a tuple's type. */
typedef struct tdagi_type_item {
    const char *type;
    const char *field; /* of a named tuple; NULL: none */
    size_t field_size;
} tdagi_type_item;
/* The first item of a tuple, list or dict (its keys), and the one behind another;
 * false: there is none. */
bool tdagi_type_first(const char *type, tdagi_type_item *out);
bool tdagi_type_next(tdagi_type_item *item);

bool tdagi_type_takes_tensors(const char *type);
/* Tensors that a type asks for; lists and what is optional ask for none. */
uint32_t tdagi_type_n_tensors(const char *type);
/* Whether tensors of any number make it: it is, or has in it, a list or dict. */
bool tdagi_type_is_open(const char *type);

/* Whether a value is of the type; NULL: of any. Whole numbers become floats where the
 * type says so. */
bool tdagi_type_fits(const char *type, tdagi_structure_node *value);

#endif
