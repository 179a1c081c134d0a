/* The modules that nodes belong to: their paths, and which call of a module it is, as
 * torch.export tells second calls of one module apart. */
#include "pt2/write/write.h"

#include <string.h>

typedef struct module {
    const char *name; /* "layer1.0" */
    bool is_called;   /* nodes belong to it itself: no mere container of modules */
    bool is_noted;
    uint32_t n_calls;
    uint32_t n_noted; /* calls that are in the list */
} module;

/* The module of the first n bytes of a path. */
static module *module_of(tdagi_pt2_writer *w, const char *path, size_t n)
{
    module *m = tdagi_pt2_intern(&w->modules, path, n, sizeof(*m));
    if (m == NULL && tdagi_env_ok(&w->env)) w->env.status = tdagi_nomem(w->ctx);
    return m;
}

/* The end of the path's first parts, one more than those up to `end`. */
static size_t next_end(const char *path, size_t end)
{
    end += end > 0;
    return end + strcspn(path + end, ".");
}

/* How many bytes of both are the same parts. */
static size_t common_parts(const char *a, const char *b)
{
    size_t end = 0;
    while (a[end] != '\0') {
        size_t next = next_end(a, end);
        bool same = strncmp(a, b, next) == 0 && (b[next] == '.' || b[next] == '\0');
        if (!same) return end;
        end = next;
    }
    return end;
}

/* "@1" of a second call; of a first one nothing. */
static void add_call(tdagi_text *to, const module *m)
{
    if (m->n_calls > 1) tdagi_text_printf(to, "@%lu", (unsigned long)m->n_calls - 1);
}

static void note_call(tdagi_pt2_writer *w, module *m)
{
    if (m->is_noted && m->n_noted >= m->n_calls) return;
    tdagi_text_add(&w->calls, ",{\"fqn\":\"");
    tdagi_text_add(&w->calls, m->name);
    add_call(&w->calls, m);
    tdagi_text_add(&w->calls, "\",\"signature\":null}");
    m->is_noted = true;
    m->n_noted = m->n_calls > 0 ? m->n_calls : 1;
}

/* Paths are names with dots; what else stands there is left out. */
static bool is_path(const char *scope)
{
    for (const char *p = scope; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || strchr(",;\"\\()[]@", *p) != NULL) return false;
    return true;
}

void tdagi_pt2_find_called(tdagi_pt2_writer *w)
{
    const tdagi_raised *r = w->s->raised;
    for (uint32_t i = 1; i <= r->n && tdagi_env_ok(&w->env); i++) {
        if (r->kernels[i].value.id == 0) continue;
        const char *scope = tdagi_value_scope(w->g, r->kernels[i].value);
        module *m = is_path(scope) && !tdagi_op_is_leaf(r->kernels[i].op)
                        ? module_of(w, scope, strlen(scope))
                        : NULL;
        if (m != NULL) m->is_called = true;
    }
}

void tdagi_pt2_note_module(tdagi_pt2_writer *w, const char *path)
{
    if (!is_path(path)) return;
    for (size_t end = 0; path[end] != '\0';) {
        end = next_end(path, end);
        module *m = module_of(w, path, end);
        if (m == NULL) return;
        note_call(w, m);
    }
}

void tdagi_pt2_add_stack(tdagi_pt2_writer *w, tdagi_text *to)
{
    static const char type[] = "torch.nn.modules.module.Module";
    const char *scope = w->scope;
    if (!is_path(scope)) scope = "";
    size_t same = common_parts(scope, w->last_scope);
    w->last_scope = scope;
    tdagi_text_printf(to, "\"nn_module_stack\":\"L__self__,,%s", type);
    for (size_t end = 0; scope[end] != '\0';) {
        end = next_end(scope, end);
        module *m = module_of(w, scope, end);
        if (m == NULL) return;
        if (!m->is_called) continue;
        if (end > same) m->n_calls++;
        note_call(w, m);
        tdagi_text_printf(to, ";L__self___%s", m->name);
        add_call(to, m);
        tdagi_text_printf(to, ",%s,%s", m->name, type);
    }
    tdagi_text_add(to, "\"");
}
