/* The head and the end of the exported method: arguments and results with the structure
 * (tuples, lists, dicts) of the model's, by the grammar of tdagger/model.h. */
#include <stdio.h>
#include <string.h>

#include "base/table.h"
#include "torchscript/export/export.h"
#include "torchscript/source_name.h"

typedef tdagi_structure_node node;

/* ---- arguments ---- */

/* The expression that reads item i of the value that `at` reads. */
static const char *item_expression(tdagi_exporter *e, const node *of, const node *item,
                                   uint32_t i, const char *at)
{
    tdagi_text text;
    tdagi_text_init(&text, e->ctx);
    tdagi_text_printf(&text, "%s[", at);
    if (of->kind == TDAGI_STRUCTURE_DICT)
        tdagi_source_quote(&text, item->key);
    else
        tdagi_text_printf(&text, "%lu", (unsigned long)i);
    tdagi_text_add(&text, "]");
    return tdagi_export_keep(e, &text);
}

/* Visits a value, which the expression `at` reads; each tensor is the next graph input
 * and gets that expression. */
static void bind_inputs(tdagi_exporter *e, const node *of, const char *at,
                        uint32_t *next)
{
    if (of->kind == TDAGI_STRUCTURE_TENSOR) {
        uint32_t kernel = e->g == NULL ? 0 : e->r->kernel_of[e->g->inputs[*next].id];
        if (kernel != 0) e->var[kernel] = at;
        e->arguments[(*next)++] = at;
    }
    if (!tdagi_structure_has_items(of)) return;
    const node *item = tdagi_structure_first(of);
    for (uint32_t i = 0; i < of->n; i++, item = tdagi_structure_next(item)) {
        const char *reads = item_expression(e, of, item, i, at);
        if (reads == NULL) return;
        bind_inputs(e, item, reads, next);
    }
}

/* What the statements call by name: no argument may hide it. */
static bool is_reserved(const char *name)
{
    static const char *const words[] = {
        "self",       "torch",         "ops",     "inf",      "nan",
        "min",        "max",           "getattr", "hasattr",  "int",
        "isinstance", "uninitialized", "Tensor",  "__torch__"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strcmp(name, words[i]) == 0) return true;
    return !tdagi_source_is_name(name);
}

static bool has_tensor(const node *of)
{
    for (uint32_t i = 0; i < of->size; i++)
        if (of[i].kind == TDAGI_STRUCTURE_TENSOR) return true;
    return false;
}

/* The name of a value, its first part where it is one of several, as an identifier. */
static void add_identifier(tdagi_text *to, const char *from, bool first)
{
    for (; *from != '\0' && !(first && *from == '.'); from++) {
        bool plain = (*from >= 'a' && *from <= 'z') || (*from >= 'A' && *from <= 'Z') ||
                     (*from >= '0' && *from <= '9');
        tdagi_text_add_bytes(to, plain ? from : "_", 1);
    }
}

/* The name of tensor i of the inputs; NULL: it has none of its own. */
static const char *input_name(const tdagi_exporter *e, uint32_t i)
{
    if (e->g == NULL)
        return tdagi_method_var(e->method, e->method->body.params[i])->name;
    return i < e->g->n_inputs ? e->g->nodes[e->g->inputs[i].id].name : NULL;
}

/* An argument's name: its own, that of its tensor as an identifier, or in<i>. */
static const char *argument_name(tdagi_exporter *e, const node *argument, uint32_t i,
                                 uint32_t next)
{
    tdagi_text name;
    tdagi_text_init(&name, e->ctx);
    const char *given = has_tensor(argument) ? input_name(e, next) : NULL;
    if (argument->key != NULL)
        add_identifier(&name, argument->key, false);
    else if (given != NULL)
        add_identifier(&name, tdagi_name_given(given),
                       argument->kind != TDAGI_STRUCTURE_TENSOR);
    else
        tdagi_text_printf(&name, "in%lu", (unsigned long)i);
    const char *kept = tdagi_export_keep(e, &name);
    if (kept == NULL || !is_reserved(kept)) return kept;
    tdagi_text_init(&name, e->ctx);
    tdagi_text_printf(&name, "in_%s", kept);
    return tdagi_export_keep(e, &name);
}

/* The same with as many "_" behind it as no other argument has it. */
static const char *own_name(tdagi_exporter *e, tdagi_table *names, const char *name)
{
    while (name != NULL && tdagi_table_get(names, name, strlen(name)) != NULL) {
        tdagi_text more;
        tdagi_text_init(&more, e->ctx);
        tdagi_text_printf(&more, "%s_", name);
        name = tdagi_export_keep(e, &more);
    }
    if (name == NULL) return NULL;
    void **place = tdagi_table_at(&e->arena, names, name, strlen(name));
    if (place == NULL) {
        e->body.status = tdagi_nomem(e->ctx);
        return NULL;
    }
    *place = e;
    return name;
}

/* The variables of the exporter's get more "_" before them than such an argument has.
 */
static void keep_apart(tdagi_exporter *e, const char *name)
{
    size_t bars = strspn(name, "_");
    const char *rest = name + bars;
    bool is_size = strncmp(rest, "size_", 5) == 0;
    bool is_short = *rest != '\0' && strchr("mpstv", *rest) != NULL &&
                    rest[1 + strspn(rest + 1, "0123456789")] == '\0';
    if ((!is_size && !is_short) || bars < strlen(e->mark)) return;
    char *mark = tdagi_arena_alloc(&e->arena, bars + 2);
    if (mark == NULL) {
        e->body.status = tdagi_nomem(e->ctx);
        return;
    }
    memset(mark, '_', bars + 1);
    mark[bars + 1] = '\0';
    e->mark = mark;
}

/* Writes the statement that gets symbol s from an axis of input i, if one shows it:
 * alone or, if not `alone`, with a factor and an offset. */
static bool bind_symbol(tdagi_exporter *e, uint32_t s, uint32_t i, bool alone)
{
    const tdagi_node *n = tdagi_graph_node(e->g, e->g->inputs[i]);
    if (e->arguments[i] == NULL) return false;
    for (uint32_t axis = 0; axis < n->rank; axis++) {
        uint32_t symbol;
        int64_t factor, offset;
        if (!tdagi_dim_is_affine(e->g->pool, n->shape[axis], &symbol, &factor,
                                 &offset) ||
            symbol != s || (alone && (factor != 1 || offset != 0)))
            continue;
        const char *name = tdagi_pool_symbol(e->g->pool, s, NULL);
        tdagi_text_printf(&e->body, "    %ssize_%s = torch.size(%s, %lu)\n", e->mark,
                          name, e->arguments[i], (unsigned long)axis);
        if (factor != 1 || offset != 0)
            tdagi_text_printf(
                &e->body, "    %ssize_%s = (%ssize_%s - (%lld)) // %lld\n", e->mark,
                name, e->mark, name, (long long)offset, (long long)factor);
        return true;
    }
    return false;
}

void tdagi_export_bind_symbols(tdagi_exporter *e, const bool *given)
{
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(e->g->pool); s++) {
        bool bound = given != NULL && given[s];
        for (int alone = 1; alone >= 0 && !bound; alone--)
            for (uint32_t i = 0; i < e->g->n_inputs && !bound; i++)
                bound = bind_symbol(e, s, i, alone == 1);
    }
}

/* ---- what the model was made with ---- */

static void refuse_if(tdagi_exporter *e, const char *what, const char *differs)
{
    tdagi_text_printf(&e->body, "    if %s%s:\n      ops.prim.RaiseException(", what,
                      differs);
    tdagi_text text;
    tdagi_text_init(&text, e->ctx);
    tdagi_text_printf(&text, "the model was not made for %s%s", what, differs);
    if (text.status == TDAG_OK)
        tdagi_source_quote(&e->body, text.data);
    else if (e->body.status == TDAG_OK)
        e->body.status = text.status;
    tdagi_text_free(&text);
    tdagi_text_add(&e->body, ")\n    else:\n      pass\n");
}

static void add_constant(const node *of, tdagi_text *to)
{
    const tdagi_structure one = {.nodes = (node *)(uintptr_t)of, .n = 1};
    static const tdagi_structure_style style = {0};
    if (of->kind == TDAGI_STRUCTURE_STRING)
        tdagi_source_quote(to, of->u.s);
    else
        tdagi_structure_write(&one, &style, to);
}

/* Another value than the one that the model was made with is an error when it runs, and
 * so is a list of another length. */
static void check_argument(tdagi_exporter *e, const node *of, const char *at)
{
    char differs[40];
    const node *item = tdagi_structure_first(of);
    if (of->kind == TDAGI_STRUCTURE_TENSOR) return;
    if (of->kind == TDAGI_STRUCTURE_NONE) {
        refuse_if(e, at, " is not None");
    } else if (!tdagi_structure_has_items(of)) {
        tdagi_text text;
        tdagi_text_init(&text, e->ctx);
        tdagi_text_add(&text, " != ");
        add_constant(of, &text);
        bool is_nan = of->kind == TDAGI_STRUCTURE_FLOAT && of->u.f != of->u.f;
        const char *kept = tdagi_export_keep(e, &text);
        if (kept != NULL && !is_nan) refuse_if(e, at, kept);
        return;
    }
    if (of->kind == TDAGI_STRUCTURE_LIST) {
        tdagi_text text;
        tdagi_text_init(&text, e->ctx);
        tdagi_text_printf(&text, "torch.len(%s)", at);
        const char *length = tdagi_export_keep(e, &text);
        snprintf(differs, sizeof differs, " != %lu", (unsigned long)of->n);
        if (length != NULL) refuse_if(e, length, differs);
    }
    for (uint32_t i = 0; tdagi_structure_has_items(of) && i < of->n; i++) {
        const char *reads = item_expression(e, of, item, i, at);
        if (reads == NULL) return;
        check_argument(e, item, reads);
        item = tdagi_structure_next(item);
    }
}

/* ---- the head ---- */

static const node *arguments_of(const tdagi_exporter *e, uint32_t *n_out)
{
    const node *root = e->takes->nodes;
    bool is_list = root->kind == TDAGI_STRUCTURE_TUPLE && root->u.s == NULL;
    *n_out = is_list ? root->n : 1;
    return is_list ? tdagi_structure_first(root) : root;
}

/* The argument from which on all are constants: they have their defaults. */
static uint32_t first_default(const node *argument, uint32_t n)
{
    uint32_t first = 0;
    for (uint32_t i = 0; i < n; i++, argument = tdagi_structure_next(argument))
        if (argument->kind == TDAGI_STRUCTURE_TENSOR ||
            tdagi_structure_has_items(argument))
            first = i + 1;
    return first;
}

void tdagi_export_head(tdagi_exporter *e)
{
    uint32_t n, next = 0;
    const node *argument = arguments_of(e, &n);
    uint32_t defaults = first_default(argument, n);
    tdagi_table names = {0};
    e->names = tdagi_arena_array(&e->arena, n + 1u, sizeof *e->names);
    if (e->names == NULL && e->body.status == TDAG_OK)
        e->body.status = tdagi_nomem(e->ctx);
    tdagi_text_printf(&e->body, "def %s(self",
                      e->method == NULL ? "forward" : e->method->name);
    for (uint32_t i = 0; i < n && e->body.status == TDAG_OK; i++) {
        const char *name = own_name(e, &names, argument_name(e, argument, i, next));
        if (name == NULL) return;
        e->names[i] = name;
        keep_apart(e, name);
        tdagi_text_printf(&e->body, ", %s: ", name);
        tdagi_export_type(argument, &e->body);
        if (i >= defaults) tdagi_text_add(&e->body, "=");
        if (i >= defaults) add_constant(argument, &e->body);
        bind_inputs(e, argument, name, &next);
        argument = tdagi_structure_next(argument);
    }
    tdagi_text_add(&e->body, "):\n");
    argument = arguments_of(e, &n);
    for (uint32_t i = 0; i < n && e->body.status == TDAG_OK; i++) {
        check_argument(e, argument, e->names[i]);
        argument = tdagi_structure_next(argument);
    }
    if (e->g != NULL) tdagi_export_bind_symbols(e, NULL);
}

/* ---- results ---- */

static void write_result(void *user, uint32_t i, tdagi_text *to)
{
    const tdagi_exporter *e = user;
    const char *var = e->var[e->r->kernel_of[e->g->outputs[i].id]];
    if (var != NULL) tdagi_text_add(to, var);
}

void tdagi_export_return(tdagi_exporter *e)
{
    /* Leaves that are results are fetched first: that writes statements. */
    for (uint32_t i = 0; i < e->g->n_outputs; i++)
        tdagi_export_value(e, e->r->kernel_of[e->g->outputs[i].id]);
    tdagi_text_add(&e->body, "    return ");
    const tdagi_structure_style style = {
        .plain_tuples = false, .tensor = write_result, .user = e};
    tdagi_structure_write(e->gives, &style, &e->body);
    tdagi_text_add(&e->body, "\n");
}
