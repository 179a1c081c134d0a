/* Tables of text, numbers with units, lists and types. */
#include "cli/cli.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/number_text.h"

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
    char digits[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_f64_fixed(x, i == 0 || x >= 99.95 ? 0 : x < 9.995 ? 2 : 1, digits);
    if (i == 0)
        snprintf(buf, size, "%s%s%s", digits, unit[0] == '\0' ? "" : " ", unit);
    else
        snprintf(buf, size, "%s %c%s", digits, prefixes[i], unit);
}

void cli_share(double part, double whole, const char *unit, char *buf, size_t size)
{
    char digits[TDAGI_NUMBER_TEXT_SIZE];
    tdagi_f64_fixed(whole > 0 ? 100 * part / whole : 0, 1, digits);
    snprintf(buf, size, "%s%s", digits, unit);
}

/* ---- lists ---- */

static void append(char *buf, size_t size, const char *piece)
{
    size_t n = strlen(buf);
    if (n + 1 < size) snprintf(buf + n, size - n, "%s", piece);
}

void cli_list_add(char *buf, size_t size, const char *item)
{
    size_t n = strlen(buf);
    if (n > 0 && buf[n - 1] != '[') append(buf, size, ",");
    append(buf, size, item);
}

void cli_list_add_int(char *buf, size_t size, int64_t item)
{
    char digits[24];
    snprintf(digits, sizeof(digits), "%" PRId64, item);
    cli_list_add(buf, size, digits);
}

void cli_list_end(char *buf, size_t size) { append(buf, size, "]"); }

void cli_type_text(const tdag_graph *graph, tdag_value value, char *buf, size_t size)
{
    tdag_node_info node = tdag_graph_get_node(graph, value);
    snprintf(buf, size, "%s[", tdag_dtype_name(node.dtype));
    for (uint32_t k = 0; k < node.rank; k++) {
        char dim[256];
        tdag_graph_dim_text(graph, node.shape[k], dim, sizeof(dim));
        cli_list_add(buf, size, dim);
    }
    cli_list_end(buf, size);
}
