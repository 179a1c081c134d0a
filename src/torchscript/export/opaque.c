/* Opaque nodes: the operator's call as the source model had it. */
#include <stdlib.h>
#include <string.h>

#include "torchscript/export/export.h"

static bool same_call(const tdagi_kernel *a, const tdagi_kernel *b)
{
    if (b->composite != TDAGI_CORE || b->op != TDAG_OP_OPAQUE) return false;
    const tdag_opaque_spec *s = a->spec, *t = b->spec;
    return strcmp(s->name, t->name) == 0 && strcmp(s->arguments, t->arguments) == 0 &&
           a->n_inputs == b->n_inputs &&
           memcmp(a->inputs, b->inputs, a->n_inputs * sizeof(*a->inputs)) == 0;
}

/* "aten::foo.bar" is torch.foo, "ns::foo" is ops.ns.foo; the overload follows from the
 * arguments. Inputs stand for $0, $1, ... of the arguments. */
static void opaque_call(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_opaque_spec *s = k->spec;
    const char *colons = strstr(s->name, "::");
    if (colons == NULL) {
        tdagi_export_fail(e, k, TDAG_E_UNSUPPORTED, "%s is no operator of PyTorch's",
                          s->name);
        return;
    }
    if (strncmp(s->name, "aten::", 6) == 0)
        tdagi_text_add(&e->body, "torch.");
    else
        tdagi_text_printf(&e->body, "ops.%.*s.", (int)(colons - s->name), s->name);
    tdagi_text_add_bytes(&e->body, colons + 2, strcspn(colons + 2, "."));
    tdagi_text_add(&e->body, "(");
    for (const char *p = s->arguments; *p != '\0';) {
        size_t plain = strcspn(p, "$");
        tdagi_text_add_bytes(&e->body, p, plain);
        p += plain;
        if (*p != '$') break;
        char *end = NULL;
        unsigned long i = strtoul(p + 1, &end, 10);
        if (end == p + 1 || i >= k->n_inputs) {
            tdagi_export_fail(e, k, TDAG_E_ARG, "the arguments of %s name no input",
                              s->name);
            return;
        }
        tdagi_text_add(&e->body, tdagi_export_value(e, k->inputs[i]));
        p = end;
    }
    tdagi_text_add(&e->body, ")");
}

/* Without PyTorch it has several where another than the first one is used. */
static size_t opaque_n_results(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_opaque_spec *s = k->spec;
    size_t most = 1;
    for (uint32_t i = tdagi_export_index(e, k); e->api == NULL && i <= e->r->n; i++) {
        const tdagi_kernel *other = tdagi_export_kernel(e, i);
        if (!same_call(k, other)) continue;
        const tdag_opaque_spec *t = other->spec;
        if (t->output >= (int64_t)most) most = (size_t)t->output + 1;
    }
    if (e->api == NULL) return most;
    char name[256];
    size_t n = strcspn(s->name, ".");
    if (n >= sizeof(name)) return 1;
    memcpy(name, s->name, n);
    name[n] = '\0';
    const tdag_shim_schema *schema =
        e->api->op_schema(e->session, name, s->name[n] == '.' ? s->name + n + 1 : "");
    return schema == NULL ? 1 : e->api->schema_n_results(schema);
}

/* The result of a call whose others, if it has any, are not used. Without PyTorch only
 * the type tells, which is known when the file is loaded: isinstance() is decided then,
 * and what it rules out is not compiled. */
static void opaque_result(tdagi_exporter *e, const tdagi_kernel *k)
{
    if (!e->is_portable) {
        tdagi_export_begin(e, k);
        opaque_call(e, k);
        tdagi_export_end(e);
        return;
    }
    uint32_t self = tdagi_export_index(e, k);
    tdagi_export_begin_line(e, "t", self);
    opaque_call(e, k);
    tdagi_text_printf(&e->body, "\n    if isinstance(%st%lu, Tensor):\n  ", e->mark,
                      (unsigned long)self);
    tdagi_export_emit(e, k, "%mt%i", (int64_t)self);
    tdagi_text_add(&e->body, "    else:\n  ");
    tdagi_export_emit(e, k, "%mt%i[0]", (int64_t)self);
}

/* Results of one call are neighbours; the first of them writes it, as t<its number>. */
#define MOST_RESULTS 64

void tdagi_export_opaque(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdag_opaque_spec *s = k->spec;
    for (uint32_t i = 0; i < k->n_inputs; i++) /* fetching writes statements */
        if (tdagi_export_value(e, k->inputs[i]) == NULL) return;
    if (opaque_n_results(e, k) == 1) {
        opaque_result(e, k);
        return;
    }
    uint32_t self = tdagi_export_index(e, k), call = self;
    for (uint32_t i = 1; i < MOST_RESULTS && i < self; i++)
        if (same_call(k, tdagi_export_kernel(e, self - i)) && e->var[self - i] != NULL)
            call = self - i;
    if (call == self) {
        tdagi_text_printf(&e->body, "    %st%lu = ", e->mark, (unsigned long)self);
        opaque_call(e, k);
        tdagi_export_end(e);
    }
    tdagi_export_begin(e, k);
    tdagi_text_printf(&e->body, "%st%lu[%lld]", e->mark, (unsigned long)call,
                      (long long)s->output);
    tdagi_export_end(e);
}
