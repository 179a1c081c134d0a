/* Arithmetic of what is known, as sizes are: element by element it stays known, also
 * where the numbers are symbolic. */
#include "coreml/read/import.h"

#include <string.h>

#include "aten/aten.h"

static const struct {
    const char *type, *formula;
} rows[] = {
    {"add", "add(x, y)"},         {"sub", "sub(x, y)"},
    {"mul", "mul(x, y)"},         {"real_div", "floordiv(x, y)"},
    {"mod", "remainder(x, y)"},   {"floor_div", "floordiv(x, y)"},
    {"equal", "eq(x, y)"},        {"not_equal", "ne(x, y)"},
    {"less", "lt(x, y)"},         {"less_equal", "le(x, y)"},
    {"greater", "gt(x, y)"},      {"greater_equal", "ge(x, y)"},
    {"select", "if(cond, a, b)"},
};

typedef struct known {
    const char *name;
    const tdagi_any *v;
    uint32_t rank, n;
} known;

static bool is_whole(tdagi_any v)
{
    return v.kind == TDAGI_ANY_INT || v.kind == TDAGI_ANY_BOOL;
}

static bool get(const tdagi_cml_call *c, uint32_t i, known *out)
{
    const tdagi_any *v = &c->set[i].is;
    const tdagi_cell *t = v->kind == TDAGI_ANY_TENSOR ? v->u.tensor : NULL;
    *out = (known){c->set[i].name, v, 0, 1};
    if (t != NULL && t->known != NULL && t->value.id == 0)
        *out = (known){c->set[i].name, t->known, t->known_rank, t->n_known};
    for (uint32_t k = 0; k < out->n; k++)
        if (!is_whole(out->v[k])) return false;
    return true;
}

/* Divisions that are of no negative number, which one of integers rounds to 0, and by
 * none that is 0. */
static bool can_divide(tdagi_cml_call *c, const known *operands)
{
    int64_t v;
    bool divides = strstr(c->what, "div") != NULL || strcmp(c->what, "mod") == 0;
    for (uint32_t i = 0; divides && i < c->n; i++)
        for (uint32_t k = 0; k < operands[i].n; k++)
            if (tdagi_any_const_int(c->env, operands[i].v[k], &v) &&
                (v < 0 || (v == 0 && strcmp(operands[i].name, "y") == 0)))
                return false;
    return true;
}

/* Its dtype is settled with the result. */
static tdagi_any list_of(tdagi_cml_call *c, uint32_t n, const tdagi_any *v)
{
    tdagi_any all = tdagi_any_seq(c->env, TDAGI_ANY_LIST, n, v);
    return tdagi_env_ok(c->env) ? all : tdagi_any_poison();
}

bool tdagi_cml_known(tdagi_cml_call *c, tdagi_any *out)
{
    enum { MOST = 3, MOST_ITEMS = 64 };
    known operands[MOST];
    tdagi_any items[MOST_ITEMS];
    uint32_t n = 0;
    size_t row = 0;
    while (row < sizeof(rows) / sizeof(rows[0]) && strcmp(rows[row].type, c->what) != 0)
        row++;
    if (row == sizeof(rows) / sizeof(rows[0]) || c->n > MOST) return false;
    for (uint32_t i = 0; i < c->n; i++) {
        if (!get(c, i, &operands[i])) return false;
        if (operands[i].rank == 1 && (n == 0 || n == 1)) n = operands[i].n;
    }
    for (uint32_t i = 0; i < c->n; i++)
        if (operands[i].n != 1 && operands[i].n != n) return false;
    if (n == 0 || n > MOST_ITEMS || !can_divide(c, operands))
        return false; /* numbers are known anyhow */
    for (uint32_t k = 0; k < n; k++) {
        tdagi_cml_call one;
        tdagi_cml_begin(&one, c->env, c->room, c->what);
        for (uint32_t i = 0; i < c->n; i++)
            tdagi_cml_set(&one, operands[i].name,
                          operands[i].v[operands[i].n == 1 ? 0 : k]);
        items[k] = tdagi_cml_eval(&one, rows[row].formula);
        if (!is_whole(items[k]) || items[k].assumed) return !tdagi_env_ok(c->env);
    }
    *out = list_of(c, n, items);
    return true;
}
