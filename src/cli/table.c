/* Tables of text, and numbers with units. */
#include "cli/cli.h"

#include <stdlib.h>
#include <string.h>

void cli_table_add(cli_table *t, const char *cell)
{
    if (t->n == t->capacity) {
        size_t bigger = t->capacity == 0 ? 64 : 2 * t->capacity;
        void *cells = realloc(t->cells, bigger * sizeof(*t->cells));
        if (cells == NULL) {
            t->failed = true;
            return;
        }
        t->cells = cells;
        t->capacity = bigger;
    }
    snprintf(t->cells[t->n++], CLI_CELL, "%s", cell);
    if (strlen(cell) >= CLI_CELL) memcpy(t->cells[t->n - 1] + CLI_CELL - 4, "...", 4);
}

static int width(const cli_table *t, size_t column)
{
    size_t most = 0;
    for (size_t i = column; i < t->n; i += t->columns)
        if (strlen(t->cells[i]) > most) most = strlen(t->cells[i]);
    return (int)most;
}

void cli_table_print(const cli_table *t)
{
    int widths[16];
    for (size_t k = 0; k < t->columns; k++)
        widths[k] = width(t, k);
    for (size_t i = 0; i + t->columns <= t->n; i += t->columns) {
        for (size_t k = 0; k < t->columns; k++) {
            const char *cell = t->cells[i + k];
            bool last = k + 1 == t->columns;
            if (k < t->left)
                printf("  %-*s", last ? 0 : widths[k], cell);
            else
                printf("  %*s", widths[k], cell);
        }
        printf("\n");
    }
}

void cli_table_free(cli_table *t)
{
    free(t->cells);
    memset(t, 0, sizeof(*t));
}

void cli_number(double value, const char *unit, bool exact, char *buf, size_t size)
{
    static const char prefixes[] = " kMGTPE";
    size_t i = 0;
    double x = value;
    while (!exact && x >= 999.5 && prefixes[i + 1] != '\0') {
        x /= 1000;
        i++;
    }
    if (i == 0)
        snprintf(buf, size, unit[0] == '\0' ? "%.0f%s" : "%.0f %s", x, unit);
    else
        snprintf(buf, size, "%.*f %c%s",
                 x < 9.995   ? 2
                 : x < 99.95 ? 1
                             : 0,
                 x, prefixes[i], unit);
}
