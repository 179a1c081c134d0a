/* The structure that a method's tensors have in their framework: a tree of tuples,
 * lists and dicts whose leaves are tensors and constants. Its text form is that of
 * tdagger/model.h. Trees are immutable and shared by reference. */
#ifndef TDAGI_STRUCTURE_H
#define TDAGI_STRUCTURE_H

#include <stdatomic.h>

#include <tdagger/tensor.h>

#include "base/arena.h"
#include "base/text.h"

#define TDAGI_STRUCTURE_MAX_DEPTH 64 /* tuples, lists and dicts inside each other */

typedef enum tdagi_structure_kind {
    TDAGI_STRUCTURE_TENSOR, /* the next one in order */
    TDAGI_STRUCTURE_TUPLE,
    TDAGI_STRUCTURE_LIST,
    TDAGI_STRUCTURE_DICT,
    TDAGI_STRUCTURE_NONE,
    TDAGI_STRUCTURE_BOOL,
    TDAGI_STRUCTURE_INT,
    TDAGI_STRUCTURE_FLOAT,
    TDAGI_STRUCTURE_STRING,
} tdagi_structure_kind;

typedef struct tdagi_structure_node {
    uint8_t kind;
    uint32_t n;      /* items of a tuple, list or dict */
    uint32_t size;   /* nodes of the subtree, this one included */
    const char *key; /* of an item: the dict's key or the field's name; NULL: none */
    union {
        bool b;
        int64_t i; /* of a tensor: 'i', 'f' or 'b' where the framework has a number
                      instead, which the tensor of rank 0 holds; 't', 'I', 'F', 'B'
                      where it has a list, of which the tensor has the items as its
                      rows; else 0 */
        double f;
        const char *s; /* of a string; of a tuple the name of its type, or NULL */
    } u;
} tdagi_structure_node;

typedef struct tdagi_structure {
    atomic_uint refs;
    tdag_allocator allocator;
    tdagi_arena arena;           /* strings */
    tdagi_structure_node *nodes; /* in preorder: an item stands behind its parent */
    uint32_t n, capacity;
    uint32_t n_tensors;
    char *text; /* the text form */
} tdagi_structure;

tdagi_structure *
tdagi_structure_copy(const tdagi_structure *s); /* one reference more */
void tdagi_structure_free(tdagi_structure *s);  /* one less; NULL is fine */
bool tdagi_structure_equal(const tdagi_structure *a, const tdagi_structure *b);

static inline bool tdagi_structure_has_items(const tdagi_structure_node *node)
{
    return node->kind >= TDAGI_STRUCTURE_TUPLE && node->kind <= TDAGI_STRUCTURE_DICT;
}
/* The items of a node: the first, and the one behind another. There are node->n. */
static inline const tdagi_structure_node *
tdagi_structure_first(const tdagi_structure_node *node)
{
    return node + 1;
}
static inline const tdagi_structure_node *
tdagi_structure_next(const tdagi_structure_node *item)
{
    return item + item->size;
}

/* ---- making one ---- */
/* Errors stick until tdagi_structure_finish(). */
typedef struct tdagi_structure_builder {
    tdag_ctx *ctx;
    tdag_status status;
    tdagi_structure *made;
    const char *key;                          /* of the next node */
    uint32_t open[TDAGI_STRUCTURE_MAX_DEPTH]; /* positions of what is open */
    uint32_t depth;
} tdagi_structure_builder;

void tdagi_structure_begin(tdagi_structure_builder *b, tdag_ctx *ctx);
void tdagi_structure_drop(tdagi_structure_builder *b); /* of one not finished */
/* The key or field name of the next node; copied. NULL: none. */
void tdagi_structure_key(tdagi_structure_builder *b, const char *key);
/* Opens a tuple, list or dict; type_name (copied) is NULL but for a named tuple. */
void tdagi_structure_open(tdagi_structure_builder *b, tdagi_structure_kind kind,
                          const char *type_name);
void tdagi_structure_close(tdagi_structure_builder *b);
void tdagi_structure_tensor(tdagi_structure_builder *b);
/* A tensor that is a number or a list; the letter tells which. */
void tdagi_structure_number(tdagi_structure_builder *b, char letter);
/* What a tensor is in the framework, by the letter of its node. */
typedef struct tdagi_structure_form {
    char letter;
    const char *name, *type;    /* in texts of structures; in TorchScript */
    const char *before, *after; /* the tensor, which makes it that in TorchScript */
} tdagi_structure_form;
const tdagi_structure_form *tdagi_structure_form_of(int64_t letter);
/* NULL: there is none of that name. */
const tdagi_structure_form *tdagi_structure_form_named(const char *name, size_t n);
void tdagi_structure_none(tdagi_structure_builder *b);
void tdagi_structure_bool(tdagi_structure_builder *b, bool value);
void tdagi_structure_int(tdagi_structure_builder *b, int64_t value);
void tdagi_structure_float(tdagi_structure_builder *b, double value);
void tdagi_structure_string(tdagi_structure_builder *b, const char *value);
/* One without items as another tree has it. */
void tdagi_structure_leaf(tdagi_structure_builder *b, const tdagi_structure_node *leaf);
/* The same tree with numbers in the place of tensors that are known: those by tensor,
 * NULL: it stays one. */
tdag_status tdagi_structure_settle(tdag_ctx *ctx, const tdagi_structure *s,
                                   const tdag_tensor *const *known,
                                   tdagi_structure **out);
/* Hands the tree over, or drops it and says what failed: E_NOMEM, E_LIMIT (depth). */
tdag_status tdagi_structure_finish(tdagi_structure_builder *b, tdagi_structure **out);

/* "(T, T)" of n tensors; as a result, one tensor is that tensor itself. */
tdag_status tdagi_structure_flat(tdag_ctx *ctx, uint32_t n, bool is_result,
                                 tdagi_structure **out);
/* Reads the text form. Errors: E_FORMAT with one sentence, E_LIMIT, E_NOMEM. */
tdag_status tdagi_structure_parse(tdag_ctx *ctx, const char *text,
                                  tdagi_structure **out);

/* ---- writing one ---- */
typedef struct tdagi_structure_style {
    bool plain_tuples; /* named tuples without their names and those of fields */
    /* Writes tensor i; NULL: "T". */
    void (*tensor)(void *user, uint32_t i, tdagi_text *to);
    void *user;
} tdagi_structure_style;

void tdagi_structure_write(const tdagi_structure *s, const tdagi_structure_style *style,
                           tdagi_text *to);
/* A string in double quotes, with \\ before quotes and backslashes. */
void tdagi_structure_quote(tdagi_text *to, const char *s);

#endif
