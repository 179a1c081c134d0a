/* The head and the end of the exported method: arguments and results with the structure
 * (tuples, lists, dicts) of the model's, by the grammar of tdagger/model.h. */
#include <string.h>

#include "torchscript/export/export.h"

static const char *skip_space(const char *s) { return s + strspn(s, " "); }

/* Past a quoted string that starts at s. */
static const char *skip_string(const char *s)
{
    for (s++; *s != '\0' && *s != '"'; s++)
        if (*s == '\\' && s[1] != '\0') s++;
    return *s == '"' ? s + 1 : s;
}

/* Past one value of the grammar. */
static const char *skip_value(const char *s)
{
    int depth = 0;
    for (; *s != '\0'; s++) {
        if (*s == '"') s = skip_string(s) - 1;
        if (*s == '(' || *s == '[' || *s == '{') depth++;
        if ((*s == ')' || *s == ']' || *s == '}') && depth-- == 0) return s;
        if (*s == ',' && depth == 0) return s;
    }
    return s;
}

static bool is_tensor(const char *s)
{
    return *s == 'T' && strchr(",)]} ", s[1]) != NULL; /* the terminator counts too */
}

/* The name part of "Name(" or "f=", or 0. */
static size_t word_before(const char *s, char mark)
{
    size_t n =
        strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    return n > 0 && s[n] == mark ? n + (mark == '=' ? 1 : 0) : 0;
}

/* ---- arguments ---- */

/* The type annotation of the value at s. */
static void add_type(tdagi_exporter *e, const char *s)
{
    s = skip_space(s);
    s += word_before(s, '=');
    s += word_before(s, '(');
    if (*s == '(') {
        tdagi_text_add(&e->body, "Tuple[");
        for (s = skip_space(s + 1); *s != ')' && *s != '\0'; s = skip_space(s)) {
            add_type(e, s);
            s = skip_value(s);
            if (*s == ',') s = skip_space(s + 1);
            if (*s != ')') tdagi_text_add(&e->body, ", ");
        }
        tdagi_text_add(&e->body, "]");
    } else if (*s == '[') {
        tdagi_text_add(&e->body, "List[");
        add_type(e, s[1] == ']' ? "T" : s + 1);
        tdagi_text_add(&e->body, "]");
    } else if (*s == '{') {
        const char *key = skip_space(s + 1);
        const char *colon = *key == '"' ? skip_space(skip_string(key)) : key;
        tdagi_text_add(&e->body, "Dict[str, ");
        add_type(e, *colon == ':' ? colon + 1 : "T");
        tdagi_text_add(&e->body, "]");
    } else if (is_tensor(s)) {
        tdagi_text_add(&e->body, "Tensor");
    } else {
        tdagi_text_add(&e->body, "Optional[Tensor]=None");
    }
}

/* Visits the value at s, which the expression `at` reads; each tensor is the next graph
 * input and gets that expression. */
static void bind_inputs(tdagi_exporter *e, const char *s, const char *at,
                        uint32_t *next)
{
    s = skip_space(s);
    s += word_before(s, '=');
    s += word_before(s, '(');
    if (is_tensor(s)) {
        if (*next >= e->g->n_inputs) return;
        uint32_t kernel = e->r->kernel_of[e->g->inputs[*next].id];
        if (kernel != 0) e->var[kernel] = at;
        (*next)++;
        return;
    }
    if (*s != '(' && *s != '[' && *s != '{') return;
    bool is_dict = *s == '{';
    uint32_t i = 0;
    for (s = skip_space(s + 1); *s != '\0' && strchr(")]}", *s) == NULL; i++) {
        tdagi_text key;
        tdagi_text_init(&key, e->ctx);
        if (is_dict && *s == '"') {
            const char *end = skip_string(s);
            tdagi_text_printf(&key, "%s[%.*s]", at, (int)(end - s), s);
            s = skip_space(end);
            s = skip_space(*s == ':' ? s + 1 : s);
        } else {
            tdagi_text_printf(&key, "%s[%lu]", at, (unsigned long)i);
        }
        char *copy = key.data == NULL ? NULL : tdagi_arena_strdup(&e->arena, key.data);
        tdagi_text_free(&key);
        if (copy == NULL) {
            e->body.status = tdagi_nomem(e->ctx);
            return;
        }
        bind_inputs(e, s, copy, next);
        s = skip_value(s);
        if (*s == ',') s = skip_space(s + 1);
    }
}

/* An argument's name: that of its tensor as an identifier, or in<i>. */
static const char *argument_name(tdagi_exporter *e, const char *s, uint32_t i,
                                 uint32_t next)
{
    tdagi_text name;
    tdagi_text_init(&name, e->ctx);
    char buf[16];
    if (is_tensor(s) && next < e->g->n_inputs &&
        e->g->nodes[e->g->inputs[next].id].name) {
        const char *from = tdagi_value_name(e->g, e->g->inputs[next], buf);
        tdagi_text_add(&name, "in_");
        for (; *from != '\0'; from++) {
            bool plain = (*from >= 'a' && *from <= 'z') ||
                         (*from >= 'A' && *from <= 'Z') ||
                         (*from >= '0' && *from <= '9');
            tdagi_text_add_bytes(&name, plain ? from : "_", 1);
        }
    } else {
        tdagi_text_printf(&name, "in%lu", (unsigned long)i);
    }
    char *copy = name.data == NULL ? NULL : tdagi_arena_strdup(&e->arena, name.data);
    tdagi_text_free(&name);
    if (copy == NULL) e->body.status = tdagi_nomem(e->ctx);
    return copy;
}

/* Writes the statement that gets symbol s from an axis of input i, if one shows it:
 * alone or, if not `alone`, with a factor and an offset. */
static bool bind_symbol(tdagi_exporter *e, uint32_t s, uint32_t i, bool alone)
{
    const tdagi_node *n = tdagi_graph_node(e->g, e->g->inputs[i]);
    uint32_t kernel = e->r->kernel_of[e->g->inputs[i].id];
    if (kernel == 0 || e->var[kernel] == NULL) return false;
    for (uint32_t axis = 0; axis < n->rank; axis++) {
        uint32_t symbol;
        int64_t factor, offset;
        if (!tdagi_dim_is_affine(e->g->pool, n->shape[axis], &symbol, &factor,
                                 &offset) ||
            symbol != s || (alone && (factor != 1 || offset != 0)))
            continue;
        const char *name = tdagi_pool_symbol(e->g->pool, s, NULL);
        tdagi_text_printf(&e->body, "    size_%s = torch.size(%s, %lu)\n", name,
                          e->var[kernel], (unsigned long)axis);
        if (factor != 1 || offset != 0)
            tdagi_text_printf(&e->body, "    size_%s = (size_%s - (%lld)) // %lld\n",
                              name, name, (long long)offset, (long long)factor);
        return true;
    }
    return false;
}

static void bind_symbols(tdagi_exporter *e)
{
    for (uint32_t s = 0; s < tdagi_pool_n_symbols(e->g->pool); s++) {
        bool bound = false;
        for (int alone = 1; alone >= 0 && !bound; alone--)
            for (uint32_t i = 0; i < e->g->n_inputs && !bound; i++)
                bound = bind_symbol(e, s, i, alone == 1);
    }
}

void tdagi_export_head(tdagi_exporter *e)
{
    const char *s = skip_space(e->model->input_structure);
    uint32_t i = 0, next = 0;
    tdagi_text_add(&e->body, "def forward(self");
    if (*s == '(') s = skip_space(s + 1);
    for (; *s != ')' && *s != '\0' && e->body.status == TDAG_OK; i++) {
        s += word_before(s, '=');
        const char *name = argument_name(e, s, i, next);
        if (name == NULL) return;
        tdagi_text_printf(&e->body, ", %s: ", name);
        add_type(e, s);
        bind_inputs(e, s, name, &next);
        s = skip_value(s);
        if (*s == ',') s = skip_space(s + 1);
    }
    tdagi_text_add(&e->body, "):\n");
    bind_symbols(e);
}

/* ---- results ---- */

void tdagi_export_return(tdagi_exporter *e)
{
    /* Leaves that are results are fetched first: that writes statements. */
    for (uint32_t i = 0; i < e->g->n_outputs; i++)
        tdagi_export_value(e, e->r->kernel_of[e->g->outputs[i].id]);
    tdagi_text_add(&e->body, "    return ");
    uint32_t next = 0;
    bool value_starts = true;
    for (const char *s = e->model->output_structure; *s != '\0';) {
        size_t name = value_starts ? word_before(s, '(') : 0;
        if (name == 0 && value_starts) name = word_before(s, '=');
        if (name > 0) { /* named tuples go out as plain ones */
            s += name;
        } else if (*s == '"') {
            const char *end = skip_string(s);
            tdagi_text_add_bytes(&e->body, s, (size_t)(end - s));
            s = end;
            value_starts = false;
        } else if (value_starts && is_tensor(s) && next < e->g->n_outputs) {
            uint32_t kernel = e->r->kernel_of[e->g->outputs[next++].id];
            if (e->var[kernel] != NULL) tdagi_text_add(&e->body, e->var[kernel]);
            s++;
            value_starts = false;
        } else {
            value_starts = strchr("([{,: ", *s) != NULL;
            tdagi_text_add_bytes(&e->body, s++, 1);
        }
    }
    tdagi_text_add(&e->body, "\n");
}
