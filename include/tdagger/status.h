/* Status codes, contexts and error detail. Every fallible call returns a tdag_status;
 * the words belong to the tdag_ctx that the call was given.
 *
 * NULL where a call's comment does not allow it: a fallible call is TDAG_E_ARG and
 * names the argument, _free() does nothing, and _get_ and other readers answer 0,
 * false, NULL or TDAG_NO_VALUE. */
#ifndef TDAGGER_STATUS_H
#define TDAGGER_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <tdagger/version.h>

TDAG_BEGIN_DECLS

/* Numbers are ABI: append only. */
#define TDAG_STATUS_MAP(X)                                                             \
    X(OK, 0, "success")                                                                \
    X(E_NOMEM, 1, "out of memory")                                                     \
    X(E_ARG, 2, "invalid argument")                                                    \
    X(E_SHAPE, 3, "shapes do not fit the op")                                          \
    X(E_DTYPE, 4, "dtypes do not fit the op")                                          \
    X(E_OVERFLOW, 5, "a size or a count does not fit 64 bits")                         \
    X(E_LIMIT, 6, "a limit of the context is exceeded")                                \
    X(E_FORMAT, 7, "the file or text is malformed")                                    \
    X(E_UNSUPPORTED, 8, "the model uses something that is not supported")              \
    X(E_IO, 9, "reading or writing failed")                                            \
    X(E_SHIM, 10, "the PyTorch shim is missing or failed")                             \
    X(E_INTERNAL, 11, "a broken invariant of the library; please report it")           \
    X(E_STOPPED, 12, "the host stopped the call")                                      \
    X(E_CHECK, 13, "a check that the model makes of its values failed")

typedef enum tdag_status {
#define TDAG_STATUS_ENUM(id, code, text) TDAG_##id = code,
    TDAG_STATUS_MAP(TDAG_STATUS_ENUM)
#undef TDAG_STATUS_ENUM
} tdag_status;

/* The fixed text of a code; never NULL, also for a number that is no code. */
TDAG_API const char *tdag_status_text(tdag_status status);

/* One hook for all memory: `old_size` is what was asked for before (0 for a new block),
 * `new_size` 0 frees and returns NULL. Must return blocks aligned for any C type. */
typedef struct tdag_allocator {
    void *(*realloc)(void *user, void *ptr, size_t old_size, size_t new_size);
    void *user;
} tdag_allocator;

/* Limits that hostile input meets before memory or patience does; 0 is the default
 * beside each. A call that meets one is TDAG_E_LIMIT, but for the two that say so. */
typedef struct tdag_limits {
    uint64_t max_nodes;        /* of one graph; default 2^31 - 2 */
    uint64_t max_tensor_bytes; /* of one evaluated tensor; default 2^40 */
    uint64_t max_loop_trips;   /* of one unrolled loop on import; default 10,000 */
    /* Bytes that may live at once of what the context's calls took from the allocator,
     * by objects that outlive the context too; mapped files and the memory of PyTorch,
     * where the shim is used, do not count. Default: none. What would exceed it is
     * TDAG_E_NOMEM, with the limit in the sentence. */
    uint64_t max_memory;
    /* Of what nests in a file that is imported: modules, calls, blocks, values of a
     * pickle, source. Default 200; more than 500 is 500, as the stack bears no more. */
    uint64_t max_depth;
    /* Of one import: a step is an operator or statement, each time it is walked, or 64
     * bytes of what such a one makes. Default 20,000,000, which is seconds. */
    uint64_t max_steps;
    /* Asked again and again while a call imports, raises, transforms, runs or writes a
     * graph, by the thread of the call: every few hundred nodes, before every kernel of
     * a run. The call is given up as TDAG_E_STOPPED when it answers false, which it
     * must go on to do until the call has returned. It calls nothing of the library.
     * NULL: never stopped. */
    bool (*keep_going)(void *user);
    void *keep_going_user;
} tdag_limits;

typedef struct tdag_ctx_options {
    size_t size;              /* sizeof(tdag_ctx_options), set by the init function */
    tdag_allocator allocator; /* realloc NULL = the C library's */
    tdag_limits limits;       /* the last member, which grows at its end */
} tdag_ctx_options;

#define TDAG_OPTIONS_INIT(type)                                                        \
    static inline void type##_init(type *options)                                      \
    {                                                                                  \
        memset(options, 0, sizeof *options);                                           \
        options->size = sizeof(type);                                                  \
    }
TDAG_OPTIONS_INIT(tdag_ctx_options)

/* A context carries the allocator, the limits and the detail of the last failure, and
 * keeps, once a model was imported, a table of 47 kB until it is freed. One thread at a
 * time uses it. Graphs, tensors and models do not refer to the context they
 * were made with, so it may be freed before them. */
typedef struct tdag_ctx tdag_ctx;

/* options may be NULL. Errors: TDAG_E_NOMEM, TDAG_E_ARG (options->size or its tail). */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_ctx_create(const tdag_ctx_options *options,
                                                     tdag_ctx **out);
TDAG_API void tdag_ctx_free(tdag_ctx *ctx);

/* What the last failed call on this context reported. Valid until the next call on it.
 * Without a context (NULL): that there was none. */
typedef struct tdag_error {
    tdag_status status;
    const char *message; /* one sentence, never NULL */
    const char *node;    /* the value's name in its graph, or "" */
    const char *scope;   /* the module path, or "" */
    uint64_t offset;     /* byte offset in the input text or file, UINT64_MAX if none */
} tdag_error;
TDAG_API const tdag_error *tdag_ctx_get_error(const tdag_ctx *ctx);

TDAG_END_DECLS

#endif
