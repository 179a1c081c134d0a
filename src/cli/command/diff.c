/* tdag diff: how the structure of two models differs. */
#include "cli/cli.h"

#include <inttypes.h>
#include <string.h>

#include <cjson/cJSON.h>

#include "base/number_text.h"

typedef struct diff {
    const cli *c;
    const tdag_graph *a, *b;
    tdag_differences found;
} diff;

static const char *const kinds[] = {
    [TDAG_DIFFERS_INPUT] = "input",   [TDAG_DIFFERS_OUTPUT] = "output",
    [TDAG_DIFFERS_WEIGHT] = "weight", [TDAG_DIFFERS_NODE] = "node",
    [TDAG_DIFFERS_ONLY_A] = "only_a", [TDAG_DIFFERS_ONLY_B] = "only_b",
};

static const struct {
    uint32_t bit;
    const char *name;
} aspects[] = {
    {TDAG_DIFFERS_IN_OP, "op"},
    {TDAG_DIFFERS_IN_DTYPE, "dtype"},
    {TDAG_DIFFERS_IN_SHAPE, "shape"},
    {TDAG_DIFFERS_IN_SPEC, "spec"},
    {TDAG_DIFFERS_IN_OPERANDS, "operands"},
};
#define N_ASPECTS (sizeof(aspects) / sizeof(aspects[0]))

/* "" for no value; automatic names are written into buf. */
static const char *name_of(const tdag_graph *g, tdag_value v, char *buf, size_t size)
{
    if (v.id == 0) return "";
    const char *name = tdag_graph_get_node(g, v).name;
    if (name != NULL) return name;
    snprintf(buf, size, "v%u", (unsigned)v.id);
    return buf;
}

/* The node of a difference: A's, or where there is none B's. */
static tdag_node_info node_of(const diff *d, const tdag_difference *item)
{
    return item->a.id != 0 ? tdag_graph_get_node(d->a, item->a)
                           : tdag_graph_get_node(d->b, item->b);
}

/* ---- the table ---- */

static void append(char *buf, size_t size, const char *text)
{
    size_t n = strlen(buf);
    snprintf(buf + n, size - n, "%s%s", n == 0 ? "" : "; ", text);
}

static void detail_of(const diff *d, const tdag_difference *item, char *buf,
                      size_t size)
{
    char a[256] = "", b[256] = "", line[600];
    buf[0] = '\0';
    if (item->a.id != 0) cli_type_text(d->a, item->a, a, sizeof(a));
    if (item->b.id != 0) cli_type_text(d->b, item->b, b, sizeof(b));
    if (item->kind == TDAG_DIFFERS_WEIGHT) {
        int64_t n = tdag_tensor_get_count(node_of(d, item).tensor);
        char worst[TDAGI_NUMBER_TEXT_SIZE];
        tdagi_f64_text(item->max_abs, 3, worst);
        snprintf(buf, size, "%s max abs %s in %" PRId64 " of %" PRId64, a, worst,
                 item->n_elements, n);
        return;
    }
    if (item->what & (TDAG_DIFFERS_IN_DTYPE | TDAG_DIFFERS_IN_SHAPE)) {
        snprintf(line, sizeof(line), "%s -> %s", a, b);
        append(buf, size, line);
    } else {
        append(buf, size, item->a.id != 0 ? a : b);
    }
    for (size_t i = 0; i < N_ASPECTS; i++)
        if (item->what & aspects[i].bit & ~(uint32_t)TDAG_DIFFERS_IN_DTYPE &
            ~(uint32_t)TDAG_DIFFERS_IN_SHAPE)
            append(buf, size, aspects[i].name);
}

static void add_row(const diff *d, const tdag_difference *item, cli_table *t)
{
    char text[1024], automatic[16];
    tdag_node_info node = node_of(d, item);
    bool has_position =
        item->kind == TDAG_DIFFERS_INPUT || item->kind == TDAG_DIFFERS_OUTPUT;
    if (has_position)
        snprintf(text, sizeof(text), "%s %u", kinds[item->kind],
                 (unsigned)item->position);
    else
        snprintf(text, sizeof(text), "%s",
                 item->kind == TDAG_DIFFERS_ONLY_A   ? "only in A"
                 : item->kind == TDAG_DIFFERS_ONLY_B ? "only in B"
                                                     : kinds[item->kind]);
    cli_table_add(t, text);
    cli_table_add(t, name_of(d->a, item->a, automatic, sizeof(automatic)));
    cli_table_add(t, name_of(d->b, item->b, automatic, sizeof(automatic)));
    cli_table_add(t, tdag_op_name(node.op));
    cli_table_add(t, node.scope);
    detail_of(d, item, text, sizeof(text));
    cli_table_add(t, text);
}

static int print_table(const diff *d)
{
    static const char *const heads[] = {"differs", "A", "B", "op", "module", "how"};
    uint64_t most = d->c->given & CLI_MOST ? d->c->most : 30;
    uint32_t n = d->found.n < most ? d->found.n : (uint32_t)most;
    cli_table t = {.columns = 6, .left = 6};
    printf("A %s\nB %s\n%u nodes match, %u difference%s\n", d->c->files[0],
           d->c->files[1], (unsigned)d->found.n_same, (unsigned)d->found.n,
           d->found.n == 1 ? "" : "s");
    for (int i = 0; i < 6 && n > 0; i++)
        cli_table_add(&t, heads[i]);
    for (uint32_t i = 0; i < n; i++)
        add_row(d, &d->found.items[i], &t);
    bool failed = t.failed;
    if (!failed) cli_table_print(&t);
    cli_table_free(&t);
    if (failed) return cli_fail(CLI_BAD, "out of memory");
    if (n < d->found.n) printf("  ... and %u more\n", (unsigned)(d->found.n - n));
    return CLI_DONE;
}

/* ---- JSON ---- */

static bool add_text(cJSON *to, const char *key, const char *text)
{
    return cJSON_AddStringToObject(to, key, text) != NULL;
}

static bool add_number(cJSON *to, const char *key, double number)
{
    return cJSON_AddNumberToObject(to, key, number) != NULL;
}

static bool add_node(cJSON *to, const char *key, const tdag_graph *g, tdag_value v)
{
    char automatic[16], type[512];
    if (v.id == 0) return cJSON_AddNullToObject(to, key) != NULL;
    tdag_node_info node = tdag_graph_get_node(g, v);
    cJSON *object = cJSON_AddObjectToObject(to, key);
    cli_type_text(g, v, type, sizeof(type));
    return object != NULL &&
           add_text(object, "node", name_of(g, v, automatic, sizeof(automatic))) &&
           add_text(object, "op", tdag_op_name(node.op)) &&
           add_text(object, "module", node.scope) && add_text(object, "type", type);
}

static bool add_aspects(cJSON *to, uint32_t what)
{
    cJSON *list = cJSON_AddArrayToObject(to, "what");
    if (list == NULL) return false;
    for (size_t i = 0; i < N_ASPECTS; i++)
        if (what & aspects[i].bit &&
            !cJSON_AddItemToArray(list, cJSON_CreateString(aspects[i].name)))
            return false;
    return true;
}

static bool add_item(const diff *d, const tdag_difference *item, cJSON *list)
{
    cJSON *object = cJSON_CreateObject();
    if (object == NULL || !cJSON_AddItemToArray(list, object)) return false;
    bool done = add_text(object, "kind", kinds[item->kind]) &&
                add_node(object, "a", d->a, item->a) &&
                add_node(object, "b", d->b, item->b);
    if (item->kind == TDAG_DIFFERS_INPUT || item->kind == TDAG_DIFFERS_OUTPUT)
        done = done && add_number(object, "position", item->position);
    if (item->what != 0) done = done && add_aspects(object, item->what);
    if (item->kind == TDAG_DIFFERS_WEIGHT)
        done = done && add_number(object, "elements", (double)item->n_elements) &&
               add_number(object, "first", (double)item->first_element) &&
               add_number(object, "max_abs", item->max_abs);
    return done;
}

static bool fill_json(const diff *d, cJSON *report)
{
    bool done = add_text(report, "format", "tdag-diff/1") &&
                add_text(report, "a", d->c->files[0]) &&
                add_text(report, "b", d->c->files[1]) &&
                cJSON_AddBoolToObject(report, "equal", d->found.n == 0) != NULL &&
                add_number(report, "same", d->found.n_same);
    cJSON *list = cJSON_AddArrayToObject(report, "differences");
    done = done && list != NULL;
    for (uint32_t i = 0; i < d->found.n && done; i++)
        done = add_item(d, &d->found.items[i], list);
    return done;
}

static int print_json(const diff *d)
{
    cJSON *report = cJSON_CreateObject();
    char *text = report != NULL && fill_json(d, report) ? cJSON_Print(report) : NULL;
    cJSON_Delete(report);
    if (text == NULL) return cli_fail(CLI_BAD, "out of memory");
    puts(text);
    cJSON_free(text);
    return CLI_DONE;
}

/* ---- models with programs ---- */

static const char *const parts[] = {[TDAG_PART_GRAPH] = "graph",
                                    [TDAG_PART_STATE] = "state",
                                    [TDAG_PART_METHOD] = "method",
                                    [TDAG_PART_STATEMENT] = "statement"};

/* "3", or "-" for none. */
static void add_number_cell(cli_table *t, uint32_t number)
{
    char text[16] = "-";
    if (number != 0) snprintf(text, sizeof(text), "%u", (unsigned)number);
    cli_table_add(t, text);
}

static void add_part_row(const tdag_model_difference *item, cli_table *t)
{
    char how[128] = "";
    cli_table_add(t, item->kind == TDAG_DIFFERS_ONLY_A   ? "only in A"
                     : item->kind == TDAG_DIFFERS_ONLY_B ? "only in B"
                                                         : parts[item->part]);
    cli_table_add(t, parts[item->part]);
    cli_table_add(t, item->name);
    add_number_cell(t, item->a);
    add_number_cell(t, item->b);
    for (size_t i = 0; i < N_ASPECTS; i++)
        if (item->what & aspects[i].bit) append(how, sizeof(how), aspects[i].name);
    cli_table_add(t, item->kind == TDAG_DIFFERS_WEIGHT   ? "elements"
                     : item->kind == TDAG_DIFFERS_ONLY_A ? "not in B"
                     : item->kind == TDAG_DIFFERS_ONLY_B ? "not in A"
                     : item->part == TDAG_PART_GRAPH     ? "nodes or weights"
                                                         : how);
}

static int print_parts(const cli *c, const tdag_model_differences *found)
{
    static const char *const heads[] = {"differs", "part", "name", "A", "B", "how"};
    uint64_t most = c->given & CLI_MOST ? c->most : 30;
    uint32_t n = found->n < most ? found->n : (uint32_t)most;
    cli_table t = {.columns = 6, .left = 6};
    printf("A %s\nB %s\n%u difference%s\n", c->files[0], c->files[1],
           (unsigned)found->n, found->n == 1 ? "" : "s");
    for (int i = 0; i < 6 && n > 0; i++)
        cli_table_add(&t, heads[i]);
    for (uint32_t i = 0; i < n; i++)
        add_part_row(&found->items[i], &t);
    bool failed = t.failed;
    if (!failed) cli_table_print(&t);
    cli_table_free(&t);
    if (failed) return cli_fail(CLI_BAD, "out of memory");
    if (n < found->n) printf("  ... and %u more\n", (unsigned)(found->n - n));
    return CLI_DONE;
}

static bool add_part(const tdag_model_difference *item, cJSON *list)
{
    cJSON *object = cJSON_CreateObject();
    if (object == NULL || !cJSON_AddItemToArray(list, object)) return false;
    bool done = add_text(object, "kind", kinds[item->kind]) &&
                add_text(object, "part", parts[item->part]) &&
                add_text(object, "name", item->name);
    if (item->a != 0) done = done && add_number(object, "a", item->a);
    if (item->b != 0) done = done && add_number(object, "b", item->b);
    return done && (item->what == 0 || add_aspects(object, item->what));
}

static int print_parts_json(const cli *c, const tdag_model_differences *found)
{
    cJSON *report = cJSON_CreateObject();
    bool done = report != NULL && add_text(report, "format", "tdag-diff/1") &&
                add_text(report, "a", c->files[0]) &&
                add_text(report, "b", c->files[1]) &&
                cJSON_AddBoolToObject(report, "equal", found->n == 0) != NULL;
    cJSON *list = done ? cJSON_AddArrayToObject(report, "differences") : NULL;
    done = done && list != NULL;
    for (uint32_t i = 0; i < found->n && done; i++)
        done = add_part(&found->items[i], list);
    char *text = done ? cJSON_Print(report) : NULL;
    cJSON_Delete(report);
    if (text == NULL) return cli_fail(CLI_BAD, "out of memory");
    puts(text);
    cJSON_free(text);
    return CLI_DONE;
}

static int compare_programs(cli *c, const tdag_model *a, const tdag_model *b)
{
    tdag_model_differences found;
    if (tdag_model_diff(c->ctx, a, b, &found) != TDAG_OK)
        return cli_fail_library(c, NULL);
    int status =
        c->given & CLI_JSON ? print_parts_json(c, &found) : print_parts(c, &found);
    if (status == CLI_DONE && found.n > 0) status = CLI_NO;
    tdag_model_differences_free(&found);
    return status;
}

/* ---- the command ---- */

static int compare(cli *c, const tdag_model *a, const tdag_model *b)
{
    diff d = {.c = c, .a = tdag_model_get_graph(a), .b = tdag_model_get_graph(b)};
    cli_progress(c, "comparing", c->files[0]);
    if (d.a == NULL || d.b == NULL) return compare_programs(c, a, b);
    if (tdag_diff(c->ctx, a, b, &d.found) != TDAG_OK) return cli_fail_library(c, NULL);
    int status = c->given & CLI_JSON ? print_json(&d) : print_table(&d);
    if (status == CLI_DONE && d.found.n > 0) status = CLI_NO;
    tdag_differences_free(&d.found);
    return status;
}

int cli_diff(cli *c)
{
    cli_inputs inputs;
    tdag_model *a = NULL, *b = NULL;
    int status = cli_inputs_get(c, &inputs);
    if (status != CLI_DONE) return status;
    c->takes_programs = true;
    status = cli_load(c, c->files[0], &inputs, &a);
    if (status == CLI_DONE) status = cli_load(c, c->files[1], &inputs, &b);
    if (status == CLI_DONE) status = compare(c, a, b);
    tdag_model_free(a);
    tdag_model_free(b);
    cli_inputs_free(c, &inputs);
    return status;
}
