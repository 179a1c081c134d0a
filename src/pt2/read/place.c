/* Where in its source a node comes from: the module at hand, and the innermost line of
 * Python that the exporter noted. */
#include "pt2/read/import.h"

#include <string.h>

static const char *decoded(tdagi_pt2 *im, const tdagi_json_slot *slot)
{
    const char *text = "";
    tdagi_json_reader r = {.ctx = im->env.ctx,
                           .arena = &im->env.arena,
                           .text = im->text,
                           .end = im->text + im->text_size};
    if (slot->value == NULL || *slot->value != '"') return "";
    r = tdagi_json_at(&r, slot);
    tdag_status st = tdagi_pt2_text(&r, &text);
    if (st == TDAG_E_NOMEM && tdagi_env_ok(&im->env)) im->env.status = st;
    return st == TDAG_OK ? text : "";
}

/* The first `c` that is in no brackets; the end without one. */
static const char *find(const char *p, const char *end, char c)
{
    int depth = 0;
    for (; p < end; p++) {
        if (*p == c && depth == 0) return p;
        depth += *p == '(' || *p == '[';
        depth -= *p == ')' || *p == ']';
    }
    return end;
}

/* "layer1.0" of "KEY,,pkg.Net;KEY,layer1.0,pkg.Block": the second part of the last
 * entry. */
static const char *module_path(tdagi_pt2 *im, const char *stack)
{
    const char *end = stack + strlen(stack), *last = stack;
    for (const char *p = stack; p < end; p = find(p, end, ';') + 1)
        last = p;
    const char *path = find(last, end, ',');
    if (path == end) return "";
    path++;
    const char *path_end = find(path, end, ',');
    bool is_made_up = *path == '_' && strncmp(path, "_empty_nn_module", 16) == 0;
    if (is_made_up) return "";
    return tdagi_env_text(&im->env, "%.*s", (int)(path_end - path), path);
}

static bool same_text(const tdagi_json_slot *a, const tdagi_json_slot *b)
{
    size_t n = (size_t)(a->end - a->value);
    return a->value != NULL && b->value != NULL && (size_t)(b->end - b->value) == n &&
           memcmp(a->value, b->value, n) == 0;
}

void tdagi_pt2_enter(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    if (same_text(&node->modules, &im->modules)) return;
    im->modules = node->modules;
    im->env.scope = module_path(im, decoded(im, &node->modules));
    tdag_builder_set_scope(im->env.b, im->env.scope);
}

/* The last line of the form: File "PATH", line N, in NAME. */
const char *tdagi_pt2_location(tdagi_pt2 *im, const tdagi_pt2_node *node)
{
    const char *trace = decoded(im, &node->stack), *last = NULL;
    for (const char *p = trace; (p = strstr(p, "File \"")) != NULL; p++)
        last = p + 6;
    if (last == NULL) return "";
    size_t n = strcspn(last, "\"\n"), digits = 0;
    const char *line = last + n;
    if (strncmp(line, "\", line ", 8) != 0) return "";
    line += 8;
    digits = strspn(line, "0123456789");
    return tdagi_env_text(&im->env, "%.*s:%.*s", (int)n, last, (int)digits, line);
}
