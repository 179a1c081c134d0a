/* Element types and tensors in memory. */
#ifndef TDAGGER_TENSOR_H
#define TDAGGER_TENSOR_H

#include <stdbool.h>

#include <tdagger/status.h>

TDAG_BEGIN_DECLS

/*  id, code, name, bytes per element, class (f float, i signed, u unsigned, b bool) */
#define TDAG_DTYPE_MAP(X)                                                              \
    X(F64, 1, "f64", 8, 'f')                                                           \
    X(F32, 2, "f32", 4, 'f')                                                           \
    X(F16, 3, "f16", 2, 'f')                                                           \
    X(BF16, 4, "bf16", 2, 'f')                                                         \
    X(I64, 5, "i64", 8, 'i')                                                           \
    X(I32, 6, "i32", 4, 'i')                                                           \
    X(I16, 7, "i16", 2, 'i')                                                           \
    X(I8, 8, "i8", 1, 'i')                                                             \
    X(U8, 9, "u8", 1, 'u')                                                             \
    X(BOOL, 10, "bool", 1, 'b')

typedef enum tdag_dtype {
    TDAG_DTYPE_NONE = 0,
#define TDAG_DTYPE_ENUM(id, code, name, size, kind) TDAG_##id = code,
    TDAG_DTYPE_MAP(TDAG_DTYPE_ENUM)
#undef TDAG_DTYPE_ENUM
} tdag_dtype;

TDAG_API const char *tdag_dtype_name(tdag_dtype dtype); /* "f32"; "?" for a bad code */
TDAG_API size_t tdag_dtype_size(tdag_dtype dtype);      /* bytes; 0 for a bad code */
TDAG_API tdag_dtype
tdag_dtype_from_name(const char *name); /* TDAG_DTYPE_NONE if none */
TDAG_API bool tdag_dtype_is_float(tdag_dtype dtype);

/* The most axes a value may have. */
#define TDAG_MAX_RANK 16

/* A reference-counted block of elements: row-major and contiguous, in the machine's
 * byte order, bool as one byte 0 or 1. Its elements do not change while it is shared.
 * Copying and freeing are safe from any thread. */
typedef struct tdag_tensor tdag_tensor;

/* New uninitialised elements. Errors: E_NOMEM, E_LIMIT, E_ARG, E_OVERFLOW. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_tensor_create(tdag_ctx *ctx, tdag_dtype dtype,
                                                        uint32_t rank,
                                                        const int64_t *shape,
                                                        tdag_tensor **out);
/* Elements that live elsewhere (a mapped file, another library's storage) and stay
 * valid until release(user) is called, once, when the last reference goes. release may
 * be NULL. On failure release is not called. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_tensor_wrap(tdag_ctx *ctx, tdag_dtype dtype,
                                                      uint32_t rank,
                                                      const int64_t *shape, void *data,
                                                      void (*release)(void *user),
                                                      void *user, tdag_tensor **out);
TDAG_API tdag_tensor *
tdag_tensor_copy(const tdag_tensor *tensor);         /* one more reference */
TDAG_API void tdag_tensor_free(tdag_tensor *tensor); /* one reference less */

TDAG_API tdag_dtype tdag_tensor_get_dtype(const tdag_tensor *tensor);
TDAG_API uint32_t tdag_tensor_get_rank(const tdag_tensor *tensor);
TDAG_API const int64_t *tdag_tensor_get_shape(const tdag_tensor *tensor);
TDAG_API int64_t tdag_tensor_get_count(const tdag_tensor *tensor); /* elements */
TDAG_API size_t tdag_tensor_get_size(const tdag_tensor *tensor);   /* bytes */
TDAG_API const void *tdag_tensor_get_data(const tdag_tensor *tensor);
TDAG_API void *tdag_tensor_get_mutable_data(tdag_tensor *tensor); /* creator only */

/* Tensors with names, as a safetensors file holds them. Arrays of equal length n. */
typedef struct tdag_named_tensors {
    uint32_t n;
    char **names;
    tdag_tensor **tensors;
    tdag_allocator allocator; /* what the arrays came from; set by tdag_tensors_load */
} tdag_named_tensors;

/* Reads every tensor of a safetensors file, in the file's order. The file is mapped, so
 * its elements are not copied when their alignment allows it. Errors: E_IO, E_FORMAT,
 * E_UNSUPPORTED (a dtype we lack), E_NOMEM, E_LIMIT. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_tensors_load(tdag_ctx *ctx, const char *path,
                                                       tdag_named_tensors *out);
/* Writes a safetensors file under a temporary name in the same folder, then renames. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_tensors_save(tdag_ctx *ctx, const char *path, const tdag_named_tensors *tensors);
/* Frees what tdag_tensors_load made; leaves *tensors empty. */
TDAG_API void tdag_tensors_free(tdag_named_tensors *tensors);

TDAG_END_DECLS

#endif
