/* aten.def as tables: the rows, and what is refused with a reason. */
#include <string.h>

#include "aten/aten.h"

#define ATEN(name, handler, data, ignorable)                                           \
    {name, tdagi_aten_##handler, data, ignorable},
static const tdagi_aten_row aten_rows[] = {
#include "aten/aten.def"
};

#define REFUSED(name, why) {name, why},
static const struct {
    const char *name, *why;
} refused_rows[] = {
#include "aten/aten.def"
};

const char *tdagi_aten_refusal(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < sizeof(refused_rows) / sizeof(refused_rows[0]); i++) {
        size_t k = strlen(refused_rows[i].name);
        bool in_place = n == k + 1 && name[k] == '_';
        if ((n == k || in_place) && strncmp(refused_rows[i].name, name, k) == 0)
            return refused_rows[i].why;
    }
    return NULL;
}

const tdagi_aten_row *tdagi_aten_row_of(const char *name, size_t length)
{
    const size_t differs = sizeof "aten::" - 1; /* mostly there */
    const char letter = length > differs ? name[differs] : '\0';
    for (size_t i = 0; i < sizeof(aten_rows) / sizeof(aten_rows[0]); i++) {
        const char *row = aten_rows[i].name;
        if ((letter == '\0' || row[differs] == letter) &&
            strncmp(row, name, length) == 0 && row[length] == '\0')
            return &aten_rows[i];
    }
    return NULL;
}
