/* The page of tdag info for a program: what it holds, and of every method the symbols,
 * the statements as an indented tree, the totals as formulas and one table. */
#include <string.h>

#include "cli/command/info.h"

#define MOST_FORMULA 40 /* characters of a formula that stands in the tree */
#define MOST_LINE    56 /* of a statement there */

/* ---- symbols ---- */

static void put_symbol(const cJSON *s)
{
    const char *name = cli_info_text(s, "symbol"), *kind = cli_info_text(s, "kind");
    const char *as = cli_info_text(s, "counts_as");
    const cJSON *value = cJSON_GetObjectItem(s, "value");
    const char *formula = cli_info_text(value, "formula");
    int at = (int)cli_info_field(s, "statement");
    long long number = (long long)cli_info_number(value);
    printf("  %-12s ", name);
    if (strcmp(kind, "round") == 0) {
        printf("the round of a loop, from 0\n");
        return;
    }
    if (strcmp(kind, "size") == 0)
        printf("a size of the inputs");
    else if (strcmp(kind, "trips") == 0)
        printf("how often the loop of statement %d runs", at);
    else
        printf("a size that statement %d %s", at,
               strcmp(kind, "state") == 0 ? "reads of a state" : "finds");
    if (strcmp(as, "sample") == 0)
        printf("; the numbers here are for %lld\n", number);
    else if (formula[0] != '\0')
        printf("; counts as %s%s\n", formula,
               strcmp(as, "bound") == 0 ? ", its bound" : "");
    else
        printf("; counts as %lld%s\n", number,
               strcmp(as, "bound") == 0   ? ", its bound"
               : strcmp(as, "given") == 0 ? ", as --at says"
                                          : "");
}

/* ---- the tree ---- */

typedef struct tree {
    const cli *c;
    cli_table table;
} tree;

/* A formula where it is short, else the number at the samples. */
static void add_formula(tree *t, const cJSON *count)
{
    const char *formula = cli_info_text(count, "formula");
    if (formula[0] != '\0' && strlen(formula) <= MOST_FORMULA)
        cli_table_add(&t->table, formula);
    else
        cli_info_add(t->c, &t->table, cli_info_number(count), "");
}

/* Of a line that is too long the results are left out first. */
static void add_label(tree *t, uint32_t depth, const char *text)
{
    char line[CLI_CELL];
    int indent = (int)(2 * depth < 24 ? 2 * depth : 24), most = MOST_LINE - indent;
    const char *behind = strstr(text, " = ");
    if ((int)strlen(text) > most && behind != NULL) text = behind + 3;
    int n = snprintf(line, sizeof(line), "%*s%.*s", indent, "", most, text);
    if ((int)strlen(text) > most) memcpy(line + n - 3, "...", 3);
    cli_table_add(&t->table, line);
}

static void add_block(tree *t, const cJSON *rows, uint32_t depth);

static void add_statement(tree *t, const cJSON *s, uint32_t depth)
{
    const cJSON *other = cJSON_GetObjectItem(s, "else");
    const cJSON *trips = cJSON_GetObjectItem(s, "trips");
    cli_info_add(t->c, &t->table, cli_info_field(s, "statement"), "");
    add_label(t, depth, cli_info_text(s, "text"));
    if (trips != NULL)
        add_formula(t, trips);
    else
        cli_table_add(&t->table, "");
    add_formula(t, cJSON_GetObjectItem(s, "flops"));
    cli_info_add(t->c, &t->table, cli_info_field(s, "macs"), "");
    cli_info_add(t->c, &t->table, cli_info_field(s, "read_bytes"), "B");
    cli_info_add(t->c, &t->table, cli_info_field(s, "write_bytes"), "B");
    add_block(t, cJSON_GetObjectItem(s, "body"), depth + 1);
    add_block(t, cJSON_GetObjectItem(s, "then"), depth + 1);
    if (cJSON_GetArraySize(other) == 0) return;
    cli_table_add(&t->table, "");
    add_label(t, depth, "else");
    for (int i = 0; i < 5; i++)
        cli_table_add(&t->table, "");
    add_block(t, other, depth + 1);
}

static void add_block(tree *t, const cJSON *rows, uint32_t depth)
{
    const cJSON *s;
    cJSON_ArrayForEach(s, rows) add_statement(t, s, depth);
}

static int print_tree(const cli *c, const cJSON *method)
{
    static const char *const heads[] = {
        "", "statement", "trips", "FLOPs", "multiply-adds", "read", "written"};
    tree t = {.c = c, .table = {.columns = 7, .left = 2}};
    for (int i = 0; i < 7; i++)
        cli_table_add(&t.table, heads[i]);
    add_block(&t, cJSON_GetObjectItem(method, "statements"), 0);
    return cli_info_table(&t.table);
}

/* ---- methods and the model ---- */

/* Whether a count of a loop is an upper bound. */
static bool is_bound(const cJSON *rows)
{
    static const char *const blocks[] = {"body", "then", "else"};
    const cJSON *s;
    cJSON_ArrayForEach(s, rows)
    {
        if (cJSON_GetObjectItem(s, "at_most") != NULL) return true;
        for (int i = 0; i < 3; i++)
            if (is_bound(cJSON_GetObjectItem(s, blocks[i]))) return true;
    }
    return false;
}

static int print_method(const cli *c, const cJSON *method)
{
    const char *by = c->by == NULL ? "graph" : c->by;
    const char *level = c->level == NULL ? "kernel" : c->level;
    const cJSON *totals = cJSON_GetObjectItem(method, "totals"), *s;
    const cJSON *symbols = cJSON_GetObjectItem(method, "symbols");
    double all_flops = cli_info_field(cJSON_GetObjectItem(totals, level), "flops");
    cli_info_title("method %s", cli_info_text(method, "method"));
    int status = cli_info_ends(method);
    if (status != CLI_DONE) return status;
    if (cJSON_GetArraySize(symbols) > 0) cli_info_title("symbols");
    cJSON_ArrayForEach(s, symbols) put_symbol(s);
    cli_info_title("statements, each by one execution, at the %s level", level);
    status = print_tree(c, method);
    if (status == CLI_DONE && is_bound(cJSON_GetObjectItem(method, "statements")))
        printf("  a loop counts at most that: each of its rounds as the largest\n");
    if (status == CLI_DONE) status = cli_info_levels(c, totals, level);
    if (status != CLI_DONE) return status;
    cli_info_title("by %s, at the %s level", by[0] == 'o' ? "operator" : by, level);
    return cli_info_rows(c, method, by, all_flops);
}

static int print_states(const cli *c, const cJSON *states)
{
    const cJSON *s, *dim;
    cli_table t = {.columns = 4, .left = 3};
    cJSON_ArrayForEach(s, states)
    {
        char shape[256];
        snprintf(shape, sizeof(shape), "%s[", cli_info_text(s, "dtype"));
        cJSON_ArrayForEach(dim, cJSON_GetObjectItem(s, "shape"))
        {
            if (cJSON_IsString(dim))
                cli_list_add(shape, sizeof(shape), dim->valuestring);
            else
                cli_list_add_int(shape, sizeof(shape), (int64_t)dim->valuedouble);
        }
        cli_list_end(shape, sizeof(shape));
        cli_table_add(&t, "state");
        cli_table_add(&t, cli_info_text(s, "name"));
        cli_table_add(&t, shape);
        cli_info_add(c, &t, cli_info_field(s, "bytes"), "B");
    }
    return cli_info_table(&t);
}

int cli_info_program(const cli *c, const cJSON *report)
{
    const cJSON *method;
    printf("%s\n", cli_info_text(report, "model"));
    int status = print_states(c, cJSON_GetObjectItem(report, "states"));
    cli_info_title("memory");
    if (status == CLI_DONE)
        status = cli_info_memory(c, cJSON_GetObjectItem(report, "totals"));
    cJSON_ArrayForEach(method, cJSON_GetObjectItem(report, "methods"))
    {
        if (status == CLI_DONE) status = print_method(c, method);
    }
    return status;
}
