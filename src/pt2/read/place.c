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

/* One entry "KEY,PATH,CLASS" of a stack of modules. */
typedef struct stack_entry {
    const char *key, *path;
    int key_size, path_size;
} stack_entry;

static stack_entry entry_at(const char *at, const char *end)
{
    const char *path = find(at, end, ',');
    stack_entry e = {.key = at, .path = end, .key_size = (int)(path - at)};
    if (path == end) return e;
    e.path = path + 1;
    e.path_size = (int)(find(e.path, end, ',') - e.path);
    return e;
}

static bool same_path(const stack_entry *a, const stack_entry *b)
{
    return a->path_size == b->path_size &&
           memcmp(a->path, b->path, (size_t)a->path_size) == 0;
}

typedef struct called {
    const char *key;
    stack_entry caller;
} called;

/* A module that is called again has "@N" behind its key. Of one that several modules
 * share the exporter knows where it was called before, not where it is called now: the
 * path is right if the call before had the same caller. */
static bool is_elsewhere(tdagi_pt2 *im, const stack_entry *caller,
                         const stack_entry *callee)
{
    const char *again = memchr(callee->key, '@', (size_t)callee->key_size);
    size_t n = again == NULL ? (size_t)callee->key_size : (size_t)(again - callee->key);
    called *c = tdagi_pt2_intern(&im->called, callee->key, n, sizeof(*c));
    if (c == NULL) im->env.status = tdagi_nomem(im->env.ctx);
    if (c == NULL) return false;
    if (again == NULL || c->caller.path == NULL) c->caller = *caller;
    return !same_path(&c->caller, caller);
}

/* "layer1.0" of "KEY,,pkg.Net;KEY,layer1.0,pkg.Block": the path of the last entry. */
static const char *module_path(tdagi_pt2 *im, const char *stack)
{
    const char *end = stack + strlen(stack);
    stack_entry last = entry_at(end, end), caller = last;
    for (const char *p = stack; p < end; p = find(p, end, ';') + 1) {
        caller = last;
        last = entry_at(p, find(p, end, ';'));
    }
    if (last.path_size >= 16 && strncmp(last.path, "_empty_nn_module", 16) == 0)
        return "";
    if (is_elsewhere(im, &caller, &last)) last = caller;
    return tdagi_env_text(&im->env, "%.*s", last.path_size, last.path);
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
