/* A file in memory: mapped, or read into a block, or bytes that the caller lends.
 * Counted references, any thread: tensors keep it while they point into it. */
#ifndef TDAGI_MAPPING_H
#define TDAGI_MAPPING_H

#include <stdbool.h>

#include <tdagger/status.h>

typedef struct tdagi_mapping tdagi_mapping;

enum { TDAGI_MAPPING_COPY = 1 /* read into memory instead of mapped */ };
/* Errors: E_IO (no regular file included), E_NOMEM. */
tdag_status tdagi_mapping_open(tdag_ctx *ctx, const char *path, uint32_t flags,
                               tdagi_mapping **out);
/* The same of a file that is open for reading; `path` is for sentences. */
tdag_status tdagi_mapping_of_file(tdag_ctx *ctx, int fd, const char *path,
                                  uint32_t flags, tdagi_mapping **out);
/* Bytes of the caller; release(user), which may be NULL, is called once when the last
 * reference is gone; never if this fails. */
tdag_status tdagi_mapping_wrap(tdag_ctx *ctx, const void *data, size_t size,
                               void (*release)(void *user), void *user,
                               tdagi_mapping **out);
const unsigned char *tdagi_mapping_data(const tdagi_mapping *m);
size_t tdagi_mapping_size(const tdagi_mapping *m);
/* Lets go of the whole pages of n bytes at p, where the mapping is one of a file: they
 * leave the process's memory until somebody reads them again. Any thread, any time. */
void tdagi_mapping_forget(const tdagi_mapping *m, const void *p, size_t n);
tdagi_mapping *tdagi_mapping_retain(tdagi_mapping *m);
void tdagi_mapping_release(void *mapping); /* fits tdag_tensor_wrap; NULL is fine */

#endif
