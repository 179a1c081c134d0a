/* What reading and writing safetensors share, and freeing what was read. */
#include "format/safetensors.h"

#include <string.h>

const char *tdagi_safetensors_dtype_name(tdag_dtype dtype)
{
    switch (dtype) {
#define NAME_CASE(id, code, name, size, kind)                                          \
    case TDAG_##id:                                                                    \
        return #id; /* the format's names are our identifiers */
        TDAG_DTYPE_MAP(NAME_CASE)
#undef NAME_CASE
    case TDAG_DTYPE_NONE:
        break;
    }
    return NULL;
}

/* A string that tdagi_strdup() made. */
static void free_string(const tdag_allocator *a, char *text)
{
    if (text != NULL) tdagi_mem_free(a, text, strlen(text) + 1);
}

void tdag_tensors_free(tdag_named_tensors *tensors)
{
    if (tensors == NULL || tensors->names == NULL) return;
    const tdag_allocator a = tensors->allocator;
    for (uint32_t i = 0; i < tensors->n; i++) {
        free_string(&a, tensors->names[i]);
        tdag_tensor_free(tensors->tensors[i]);
    }
    tdagi_mem_free(&a, tensors->names, tensors->n * sizeof *tensors->names);
    tdagi_mem_free(&a, tensors->tensors, tensors->n * sizeof *tensors->tensors);
    *tensors = (tdag_named_tensors){0};
}

const char *tdagi_metadata_find(const tdagi_metadata *metadata, const char *key)
{
    for (uint32_t i = 0; i < metadata->n; i++)
        if (strcmp(metadata->keys[i], key) == 0) return metadata->values[i];
    return NULL;
}

void tdagi_metadata_free(tdagi_metadata *metadata)
{
    if (metadata->keys == NULL) return;
    const tdag_allocator a = metadata->allocator;
    for (uint32_t i = 0; i < metadata->n; i++) {
        free_string(&a, metadata->keys[i]);
        free_string(&a, metadata->values[i]);
    }
    tdagi_mem_free(&a, metadata->keys, metadata->n * 2 * sizeof *metadata->keys);
    *metadata = (tdagi_metadata){0};
}
