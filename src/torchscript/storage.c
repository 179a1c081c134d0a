/* See storage.h. */
#include "torchscript/storage.h"

#include <string.h>

static const tdagi_storage_class rows[] = {
    {"FloatStorage", "Float", TDAG_F32, 4, false},
    {"DoubleStorage", "Double", TDAG_F64, 8, false},
    {"HalfStorage", "Half", TDAG_F16, 2, false},
    {"BFloat16Storage", "BFloat16", TDAG_BF16, 2, false},
    {"LongStorage", "Long", TDAG_I64, 8, false},
    {"IntStorage", "Int", TDAG_I32, 4, false},
    {"ShortStorage", "Short", TDAG_I16, 2, false},
    {"CharStorage", "Char", TDAG_I8, 1, false},
    {"ByteStorage", "Byte", TDAG_U8, 1, false},
    {"BoolStorage", "Bool", TDAG_BOOL, 1, false},
    {"ComplexHalfStorage", "ComplexHalf", TDAG_DTYPE_NONE, 4, true},
    {"ComplexFloatStorage", "ComplexFloat", TDAG_DTYPE_NONE, 8, true},
    {"ComplexDoubleStorage", "ComplexDouble", TDAG_DTYPE_NONE, 16, true},
};
enum { N_ROWS = sizeof rows / sizeof *rows };

const tdagi_storage_class *tdagi_storage_class_of_name(const char *name)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) return &rows[i];
    return NULL;
}

const tdagi_storage_class *tdagi_storage_class_of_dtype(tdag_dtype dtype)
{
    for (size_t i = 0; i < N_ROWS; i++)
        if (dtype != TDAG_DTYPE_NONE && rows[i].dtype == dtype) return &rows[i];
    return NULL;
}
