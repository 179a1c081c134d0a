/* The pickles in PyTorch's files, read into plain values. Of the pickle machine only
 * what those files use is here, and nothing of it can be called: a GLOBAL is its name,
 * a REDUCE or NEWOBJ is noted as what would be applied to what. Who reads a file
 * decides which of these applications it knows.
 *
 * Memory is bounded by the pickle's size: a memo index is at most the number of opcodes
 * so far, a string inside the bytes. Values are shared and never cyclic; who walks them
 * as a tree meets at most TDAGI_PICKLE_MAX_DEPTH levels, and few more values than the
 * pickle has bytes. */
#ifndef TDAGI_PICKLE_H
#define TDAGI_PICKLE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/ctx.h"

typedef enum tdagi_pickle_kind {
    TDAGI_PICKLE_NONE = 0,
    TDAGI_PICKLE_BOOL,   /* i */
    TDAGI_PICKLE_INT,    /* i */
    TDAGI_PICKLE_FLOAT,  /* f */
    TDAGI_PICKLE_STRING, /* s, n: UTF-8, ended by a zero byte that n does not count */
    TDAGI_PICKLE_LIST,   /* items, n */
    TDAGI_PICKLE_TUPLE,  /* items, n */
    TDAGI_PICKLE_DICT,   /* items: key, value, key, ...; n pairs; also an OrderedDict */
    TDAGI_PICKLE_GLOBAL, /* s: "torch._utils _rebuild_tensor_v2" (module, space, name)
                          */
    TDAGI_PICKLE_APPLY, /* REDUCE or NEWOBJ: items[0] applied to items[1], a tuple; then
                           items[2], the state of BUILD, or NULL; n = 2 or 3 */
    TDAGI_PICKLE_PERSISTENT, /* BINPERSID: items[0], its id; n = 1 */
} tdagi_pickle_kind;

enum { TDAGI_PICKLE_MAX_DEPTH = 2048 };

/* Immutable once the pickle is read; equal pointers are the same object of the pickle.
 */
typedef struct tdagi_pickle {
    uint8_t kind;    /* tdagi_pickle_kind */
    bool is_new;     /* APPLY: by NEWOBJ */
    bool is_used;    /* it was fetched from the memo: nothing can be added any more */
    uint16_t depth;  /* levels below it */
    uint32_t weight; /* values of the tree that it is, itself included; saturated */
    uint32_t offset; /* where the opcode that made it stands, for messages */
    uint64_t n;
    union {
        int64_t i;
        double f;
        const char *s;
        const struct tdagi_pickle **items;
    } u;
} tdagi_pickle;

/* Reads the one value of a pickle; it lives in the arena. `what` names the record in
 * sentences. Errors: E_FORMAT with the offset, E_UNSUPPORTED (an opcode PyTorch's files
 * do not have), E_LIMIT, E_NOMEM. */
tdag_status tdagi_pickle_read(tdag_ctx *ctx, tdagi_arena *arena, const void *data,
                              size_t size, const char *what, const tdagi_pickle **out);
/* The same for who never walks it as a tree, which may be of any size: values can be
 * shared as often as they are. */
tdag_status tdagi_pickle_read_shared(tdag_ctx *ctx, tdagi_arena *arena,
                                     const void *data, size_t size, const char *what,
                                     const tdagi_pickle **out);

/* True for a GLOBAL of that name. */
bool tdagi_pickle_is_global(const tdagi_pickle *v, const char *name);
/* True for an APPLY of the GLOBAL of that name; *args_out its arguments, a tuple. */
bool tdagi_pickle_applies(const tdagi_pickle *v, const char *name,
                          const tdagi_pickle **args_out);

/* ---- tensors, of both kinds of file ---- */
typedef struct tdagi_pickle_tensor {
    const char *storage_type; /* "FloatStorage" */
    const char *key;          /* of the record data/KEY */
    int64_t storage_count;    /* elements of the storage, as the pickle says */
    int64_t offset;           /* elements */
    uint32_t rank;
    const tdagi_pickle **sizes, **strides; /* INTs, checked: not negative */
    bool requires_grad;
    bool is_quantized; /* _rebuild_qtensor */
} tdagi_pickle_tensor;
/* Whether v is a rebuilt tensor (also inside _rebuild_parameter): its parts, checked by
 * kind. *is_out false: it is something else. Errors: E_FORMAT. */
tdag_status tdagi_pickle_get_tensor(tdag_ctx *ctx, const tdagi_pickle *v, bool *is_out,
                                    tdagi_pickle_tensor *out);

#endif
