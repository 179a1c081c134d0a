/* aten.def as tables: the rows, and what is refused with a reason. */
#include <stddef.h>
#include <string.h>

#include "aten/aten.h"

#define AT_LINE(line) at_##line
#define AT(line)      AT_LINE(line)
#define ATEN(name, handler, data, ignorable)                                           \
    char AT(__LINE__)[sizeof(name) + sizeof(ignorable)];
#define FAMILY(title) char AT(__LINE__)[sizeof(title)];
struct texts {
#include "aten/aten.def"
};

#define ATEN(name, handler, data, ignorable) name "\0" ignorable,
#define FAMILY(title)                        title,
static const struct texts texts = {
#include "aten/aten.def"
};

#define ATEN(name, handler, data, ignorable)                                           \
    {tdagi_aten_##handler, data, offsetof(struct texts, AT(__LINE__))},
#define FAMILY(title) {NULL, 0, offsetof(struct texts, AT(__LINE__))},
static const tdagi_aten_row aten_rows[] = {
#include "aten/aten.def"
};
#define N_ROWS (sizeof(aten_rows) / sizeof(aten_rows[0]))

_Static_assert(sizeof(struct texts) <= UINT16_MAX, "places are of 16 bits");

#define REFUSED(name, why) {name, why},
static const tdagi_aten_refused refused_rows[] = {
#include "aten/aten.def"
};
#define N_REFUSED (sizeof(refused_rows) / sizeof(refused_rows[0]))

const char *tdagi_aten_row_name(const tdagi_aten_row *row)
{
    return (const char *)&texts + row->name;
}

const char *tdagi_aten_row_ignorable(const tdagi_aten_row *row)
{
    return strchr(tdagi_aten_row_name(row), '\0') + 1;
}

bool tdagi_aten_row_is_elementwise(const tdagi_aten_row *row)
{
    while (row->fn != NULL)
        row--;
    return strncmp(tdagi_aten_row_name(row), "element-wise", 12) == 0;
}

const tdagi_aten_row *tdagi_aten_rows(size_t *n_out)
{
    *n_out = N_ROWS;
    return aten_rows;
}

const tdagi_aten_refused *tdagi_aten_refusals(size_t *n_out)
{
    *n_out = N_REFUSED;
    return refused_rows;
}

const char *tdagi_aten_refusal(const char *name)
{
    size_t n = strlen(name);
    for (size_t i = 0; i < N_REFUSED; i++) {
        size_t k = strlen(refused_rows[i].name);
        bool in_place = n == k + 1 && name[k] == '_';
        if ((n == k || in_place) && strncmp(refused_rows[i].name, name, k) == 0)
            return refused_rows[i].why;
    }
    return NULL;
}

const tdagi_aten_row *tdagi_aten_row_of(const char *name, size_t length)
{
    if (strncmp(name, "aten::", 6) == 0) {
        name += 6;
        length -= 6;
    }
    for (size_t i = 0; i < N_ROWS; i++) {
        const char *row = tdagi_aten_row_name(&aten_rows[i]);
        if (row[0] == name[0] && (length < 2 || row[1] == name[1]) &&
            strncmp(row, name, length) == 0 && row[length] == '\0' &&
            aten_rows[i].fn != NULL)
            return &aten_rows[i];
    }
    return NULL;
}
