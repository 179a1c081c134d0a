/* The classes of storages in PyTorch's pickles, and the dtypes that they hold. */
#ifndef TDAGI_STORAGE_H
#define TDAGI_STORAGE_H

#include <tdagger/tensor.h>

#include <stdbool.h>

typedef struct tdagi_storage_class {
    const char *name, *element; /* "FloatStorage", "Float" */
    tdag_dtype dtype;           /* TDAG_DTYPE_NONE for one that we lack */
    size_t size;                /* bytes of an element */
    bool is_complex;
} tdagi_storage_class;

/* NULL: there is none. */
const tdagi_storage_class *tdagi_storage_class_of_name(const char *name);
const tdagi_storage_class *tdagi_storage_class_of_dtype(tdag_dtype dtype);

#endif
