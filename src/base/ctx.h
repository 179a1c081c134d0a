/* Contexts inside the library: allocation through the hook, and failing with a
 * sentence. */
#ifndef TDAGI_CTX_H
#define TDAGI_CTX_H

#include <stdarg.h>
#include <stdbool.h>

#include <tdagger/status.h>

#define TDAGI_MESSAGE_SIZE 1024

/* What a context keeps until its end. */
typedef struct tdagi_kept {
    void *block; /* NULL: nothing yet */
    size_t size; /* bytes */
} tdagi_kept;

struct tdag_ctx {
    tdag_allocator allocator;  /* that of `meter`, where there is one */
    struct tdagi_meter *meter; /* NULL: memory has no limit */
    tdag_limits limits;        /* no zeroes: defaults are filled in */
    uint32_t polls;
    const void *blas;             /* of src/run, once it is loaded */
    tdagi_kept schemas, formulas; /* of src/aten and src/derive, see tdagi_built_in() */
    tdag_error error;             /* its pointers lead into the buffers below */
    char message[TDAGI_MESSAGE_SIZE];
    char node[256];
    char scope[256];
};

/* Allocation through a copied hook, for objects that outlive their context. */
void *tdagi_mem_alloc(const tdag_allocator *a,
                      size_t size); /* not zeroed; NULL = none */
void tdagi_mem_free(const tdag_allocator *a, void *ptr, size_t size);

/* Allocation that records TDAG_E_NOMEM. Size 0 gives a unique non-NULL block of 1 byte.
 */
tdag_status tdagi_alloc(tdag_ctx *ctx, size_t size, void **out); /* zeroed */
tdag_status tdagi_array_alloc(tdag_ctx *ctx, size_t n, size_t size, void **out);
tdag_status tdagi_realloc(tdag_ctx *ctx, void **ptr, size_t old_size, size_t new_size);
void tdagi_free(tdag_ctx *ctx, void *ptr, size_t size); /* the size it was asked with */
tdag_status tdagi_strdup(tdag_ctx *ctx, const char *text, char **out);
void tdagi_strfree(tdag_ctx *ctx, char *text); /* NULL is fine */

/* Records code and sentence, clears node, scope and offset, and returns the code. The
 * sentence is one clause without a final period, naming values in words. */
tdag_status tdagi_fail(tdag_ctx *ctx, tdag_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
tdag_status tdagi_nomem(tdag_ctx *ctx); /* tdagi_fail(ctx, E_NOMEM, "out of memory") */
/* E_IO with the system's words for an errno: "cannot open x: no such file". */
tdag_status tdagi_fail_io(tdag_ctx *ctx, const char *verb, const char *path, int error);
/* Adds what the failing site did not know; keeps what is there already. Return status.
 */
tdag_status tdagi_fail_at_node(tdag_ctx *ctx, const char *node, const char *scope);
tdag_status tdagi_fail_at_offset(tdag_ctx *ctx, uint64_t offset);

/* For places that are passed often: asks the host, once in 256 times, whether to go on.
 * E_STOPPED. */
tdag_status tdagi_poll(tdag_ctx *ctx);
tdag_status tdagi_ask(tdag_ctx *ctx); /* the same, every time */
/* Whether a failure ends all: nothing else is to be tried after it. */
static inline bool tdagi_is_final(tdag_status status)
{
    return status == TDAG_E_NOMEM || status == TDAG_E_STOPPED;
}

/* What a public call that can fail begins with: E_ARG and a sentence unless the pointer
 * of that name is there. A NULL context is E_ARG, too, but nothing can hold a sentence.
 */
tdag_status tdagi_need(tdag_ctx *ctx, const void *pointer, const char *name);

/* Loads a caller's options struct of any age: known gets full_size bytes, zeroes where
 * options is NULL or shorter; a longer one must end in zeroes. Fails with E_ARG. */
tdag_status tdagi_options_load(tdag_ctx *ctx, void *known, size_t full_size,
                               const void *options);

#define TDAGI_TRY(expression)                                                          \
    do {                                                                               \
        tdag_status tdagi_try_status_ = (expression);                                  \
        if (tdagi_try_status_ != TDAG_OK) return tdagi_try_status_;                    \
    } while (0)

#endif
