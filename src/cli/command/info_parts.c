/* Parts of the page of tdag info: cells, what is held, the work, the tables. */
#include "cli/command/info.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

const char *const cli_level_names[3] = {"core", "kernel", "fused"};

/* ---- cells ---- */
/* A count: an integer, or a formula, which counts as its value at the samples. */
double cli_info_number(const cJSON *count)
{
    if (cJSON_IsObject(count)) count = cJSON_GetObjectItem(count, "at_sample");
    return cJSON_IsNumber(count) ? count->valuedouble : 0;
}

double cli_info_field(const cJSON *object, const char *key)
{
    return cli_info_number(cJSON_GetObjectItem(object, key));
}

const char *cli_info_text(const cJSON *object, const char *key)
{
    const cJSON *item = cJSON_GetObjectItem(object, key);
    return cJSON_IsString(item) ? item->valuestring : "";
}

void cli_info_add(const cli *c, cli_table *t, double value, const char *unit)
{
    char cell[CLI_CELL];
    cli_number(value, unit, c->given & CLI_EXACT, cell, sizeof(cell));
    cli_table_add(t, cell);
}

static void shape_text(const cJSON *value, char *buf, size_t size)
{
    snprintf(buf, size, "%s[", cli_info_text(value, "dtype"));
    const cJSON *dim;
    cJSON_ArrayForEach(dim, cJSON_GetObjectItem(value, "shape"))
    {
        if (cJSON_IsString(dim))
            cli_list_add(buf, size, dim->valuestring);
        else
            cli_list_add_int(buf, size, (int64_t)dim->valuedouble);
    }
    cli_list_end(buf, size);
}

/* ---- parts of the page ---- */
void cli_info_title(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    printf("\n%s", cli_color(stdout, CLI_TITLE));
    vprintf(format, args);
    printf("%s\n", cli_color(stdout, CLI_PLAIN));
    va_end(args);
}

int cli_info_table(cli_table *t)
{
    int status = t->failed ? cli_fail(CLI_BAD, "out of memory") : CLI_DONE;
    if (status == CLI_DONE) cli_table_print(t);
    cli_table_free(t);
    return status;
}

int cli_info_ends(const cJSON *report)
{
    cli_table t = {.columns = 3, .left = 3};
    const char *const kinds[] = {"inputs", "outputs"};
    for (int i = 0; i < 2; i++) {
        const cJSON *value;
        cJSON_ArrayForEach(value, cJSON_GetObjectItem(report, kinds[i]))
        {
            char shape[256];
            shape_text(value, shape, sizeof(shape));
            cli_table_add(&t, i == 0 ? "input" : "output");
            cli_table_add(&t, cli_info_text(value, "name"));
            cli_table_add(&t, shape);
        }
    }
    return cli_info_table(&t);
}

int cli_info_memory(const cli *c, const cJSON *totals)
{
    cli_table t = {.columns = 3, .left = 1};
    static const char *const rows[][3] = {
        {"parameters", "parameters", "parameter_bytes"},
        {"buffers", "buffers", "buffer_bytes"},
        {"constants", NULL, "constant_bytes"},
        {"states", NULL, "state_bytes"},
        {"total held", NULL, "total_bytes"},
        {"peak of values", NULL, "peak_bytes"},
    };
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (cJSON_GetObjectItem(totals, rows[i][2]) == NULL) continue;
        cli_table_add(&t, rows[i][0]);
        if (rows[i][1] == NULL)
            cli_table_add(&t, "");
        else
            cli_info_add(c, &t, cli_info_field(totals, rows[i][1]), "");
        cli_info_add(c, &t, cli_info_field(totals, rows[i][2]), "B");
    }
    return cli_info_table(&t);
}

static const struct {
    const char *key, *title, *unit;
} counts[] = {
    {"nodes", "nodes", ""},
    {"flops", "FLOPs", ""},
    {"macs", "multiply-adds", ""},
    {"memory_reads", "elements read", ""},
    {"memory_writes", "elements written", ""},
    {"read_bytes", "bytes read", "B"},
    {"write_bytes", "bytes written", "B"},
    {"unpriced", "unpriced nodes", ""},
};
#define N_COUNTS (sizeof(counts) / sizeof(counts[0]))

static int print_levels(const cli *c, const cJSON *totals)
{
    cli_table t = {.columns = 4, .left = 1};
    cli_table_add(&t, "");
    for (int level = 0; level < 3; level++)
        cli_table_add(&t, cli_level_names[level]);
    for (size_t i = 0; i < N_COUNTS; i++) {
        bool known =
            cJSON_GetObjectItem(cJSON_GetObjectItem(totals, "core"), counts[i].key);
        if (!known) continue; /* nothing is unpriced */
        cli_table_add(&t, counts[i].title);
        for (int level = 0; level < 3; level++)
            cli_info_add(
                c, &t,
                cli_info_field(cJSON_GetObjectItem(totals, cli_level_names[level]),
                               counts[i].key),
                counts[i].unit);
    }
    return cli_info_table(&t);
}

/* Under the table, where the model has symbols. */
static void print_formulas(const cJSON *totals, const char *level)
{
    const cJSON *object = cJSON_GetObjectItem(totals, level);
    bool first = true;
    for (size_t i = 0; i < N_COUNTS; i++) {
        const char *formula =
            cli_info_text(cJSON_GetObjectItem(object, counts[i].key), "formula");
        if (formula[0] == '\0') continue;
        if (first) cli_info_title("as formulas, at the %s level", level);
        first = false;
        printf("  %-16s = %s\n", counts[i].title, formula);
    }
    const char *peak =
        cli_info_text(cJSON_GetObjectItem(totals, "peak_bytes"), "formula");
    if (peak[0] != '\0') printf("  %-16s = %s\n", "peak of values", peak);
}

/* ---- the table by op, module or node ---- */
static int by_flops(const void *a, const void *b)
{
    const cJSON *x = *(const cJSON *const *)a, *y = *(const cJSON *const *)b;
    double fx = cli_info_field(x, "flops"), fy = cli_info_field(y, "flops");
    if (fx != fy) return fx < fy ? 1 : -1;
    fx = cli_info_field(x, "read_bytes") + cli_info_field(x, "write_bytes");
    fy = cli_info_field(y, "read_bytes") + cli_info_field(y, "write_bytes");
    if (fx != fy) return fx < fy ? 1 : -1;
    return strcmp(cli_info_text(x, "op"), cli_info_text(y, "op"));
}

static void add_counts(const cli *c, cli_table *t, const cJSON *row, double all_flops)
{
    char share[16];
    double flops = cli_info_field(row, "flops");
    cli_share(flops, all_flops, "%", share, sizeof(share));
    cli_info_add(c, t, flops, "");
    cli_table_add(t, share);
    cli_info_add(c, t, cli_info_field(row, "macs"), "");
    cli_info_add(c, t, cli_info_field(row, "read_bytes"), "B");
    cli_info_add(c, t, cli_info_field(row, "write_bytes"), "B");
}

static void add_heads(cli_table *t, const char *const *heads)
{
    static const char *const common[] = {"FLOPs", "share", "multiply-adds", "read",
                                         "written"};
    for (; *heads != NULL; heads++)
        cli_table_add(t, *heads);
    for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++)
        cli_table_add(t, common[i]);
}

/* By operator, or by graph. */
static int print_ops(const cli *c, const cJSON *rows, double all_flops, bool graphs)
{
    const char *name = graphs ? "graph" : "op", *count = graphs ? "times" : "count";
    size_t n = (size_t)cJSON_GetArraySize(rows), i = 0;
    const cJSON **sorted = calloc(n + 1, sizeof(*sorted));
    if (sorted == NULL) return cli_fail(CLI_BAD, "out of memory");
    const cJSON *row;
    cJSON_ArrayForEach(row, rows) sorted[i++] = row;
    qsort(sorted, n, sizeof(*sorted), by_flops);
    cli_table t = {.columns = 7, .left = 1};
    add_heads(&t, (const char *const[]){graphs ? "graph" : "operator", count, NULL});
    for (i = 0; i < n; i++) {
        cli_table_add(&t, cli_info_text(sorted[i], name));
        cli_info_add(c, &t, cli_info_field(sorted[i], count), "");
        add_counts(c, &t, sorted[i], all_flops);
    }
    free(sorted);
    return cli_info_table(&t);
}

static int print_modules(const cli *c, const cJSON *rows, double all_flops)
{
    cli_table t = {.columns = 7, .left = 1};
    add_heads(&t, (const char *const[]){"module", "parameters", NULL});
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        const char *path = cli_info_text(row, "module");
        cli_table_add(&t, path[0] == '\0' ? "(model)" : path);
        cli_info_add(c, &t, cli_info_field(row, "parameters"), "");
        add_counts(c, &t, row, all_flops);
    }
    return cli_info_table(&t);
}

static int print_nodes(const cli *c, const cJSON *rows, double all_flops)
{
    cli_table t = {.columns = 9, .left = 4};
    add_heads(&t, (const char *const[]){"node", "operator", "module", "result", NULL});
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        char shape[256];
        shape_text(row, shape, sizeof(shape));
        cli_table_add(&t, cli_info_text(row, "node"));
        cli_table_add(&t, cli_info_text(row, "op"));
        cli_table_add(&t, cli_info_text(row, "module"));
        cli_table_add(&t, shape);
        add_counts(c, &t, row, all_flops);
    }
    return cli_info_table(&t);
}

int cli_info_levels(const cli *c, const cJSON *totals, const char *level)
{
    cli_info_title("work, by level");
    int status = print_levels(c, totals);
    if (status == CLI_DONE) print_formulas(totals, level);
    return status;
}

int cli_info_rows(const cli *c, const cJSON *object, const char *by, double all_flops)
{
    char key[16];
    snprintf(key, sizeof(key), "by_%s", by);
    const cJSON *rows = cJSON_GetObjectItem(object, key);
    return by[0] == 'm'   ? print_modules(c, rows, all_flops)
           : by[0] == 'n' ? print_nodes(c, rows, all_flops)
                          : print_ops(c, rows, all_flops, by[0] == 'g');
}
