/* The rows of mil.def: their operands with defaults, and what functions of rows ask. */
#include "coreml/read/mil.h"

#include <string.h>

#include "aten/aten.h"

static const tdagi_cml_row rows[] = {
#define MIL(name, operands, formula) {#name, operands, formula, NULL, NULL},
#define MIL_BY(name, operands, function)                                               \
    {#name, operands, NULL, tdagi_cml_##function, NULL},
#define MIL_NOT(name, operands, why) {#name, operands, NULL, NULL, why},
#include "coreml/read/mil.def"
};

const tdagi_cml_row *tdagi_cml_row_at(uint32_t i)
{
    return i < sizeof(rows) / sizeof(rows[0]) ? &rows[i] : NULL;
}

const tdagi_cml_row *tdagi_cml_row_of(const char *name)
{
    const tdagi_cml_row *row;
    for (uint32_t i = 0; (row = tdagi_cml_row_at(i)) != NULL; i++)
        if (strcmp(row->name, name) == 0) return row;
    return NULL;
}

/* ---- operands ---- */

/* The next of "x, axis=-1, *values": its name, and its default or NULL. Defaults have
 * no commas. */
static bool next_operand(const char **p, const char **name, size_t *length,
                         const char **by_default)
{
    while (**p == ' ' || **p == ',' || **p == '*')
        (*p)++;
    *name = *p;
    *length = strcspn(*p, "=,");
    *by_default = (*p)[*length] == '=' ? *p + *length + 1 : NULL;
    *p += strcspn(*p, ",");
    return *length > 0;
}

static bool find_operand(const tdagi_cml_row *row, const char *operand, const char **at)
{
    const char *p = row->operands, *name, *by_default;
    size_t n;
    while (next_operand(&p, &name, &n, &by_default))
        if (strlen(operand) == n && memcmp(name, operand, n) == 0) {
            *at = name;
            return true;
        }
    return false;
}

bool tdagi_cml_is_tuple(const tdagi_cml_row *row, const char *operand)
{
    const char *at;
    return find_operand(row, operand, &at) && at > row->operands && at[-1] == '*';
}

/* Operands that the row does not name would be ignored. */
static bool check_names(tdagi_cml_call *c, const tdagi_cml_row *row)
{
    const char *at;
    for (uint32_t i = 0; i < c->n; i++)
        if (!find_operand(row, c->set[i].name, &at)) {
            tdagi_env_issue(c->env, "%s with the operand %.80s", c->what,
                            c->set[i].name);
            return false;
        }
    return true;
}

static bool complete(tdagi_cml_call *c, const tdagi_cml_row *row)
{
    const char *p = row->operands, *name, *by_default;
    size_t n;
    uint32_t given = c->n;
    while (next_operand(&p, &name, &n, &by_default)) {
        uint32_t i = 0;
        while (i < given &&
               (c->set[i].length != n || memcmp(c->set[i].name, name, n) != 0))
            i++;
        if (i < given) continue;
        if (by_default == NULL) {
            tdagi_env_issue(c->env, "%s without its operand %.*s", c->what, (int)n,
                            name);
            return false;
        }
        const char *copy = tdagi_env_text(c->env, "%.*s", (int)n, name);
        if (copy == NULL) return false;
        tdagi_cml_set(c, copy, tdagi_cml_eval(c, by_default));
    }
    return tdagi_env_ok(c->env);
}

tdagi_any tdagi_cml_meaning(tdagi_cml_call *c, const tdagi_cml_row *row)
{
    if (row == NULL) return tdagi_env_issue(c->env, "%s", c->what);
    if (row->why != NULL) return tdagi_env_issue(c->env, "%s: %s", c->what, row->why);
    if (!check_names(c, row) || !complete(c, row)) return tdagi_any_poison();
    uint32_t noted = c->env->n_noted;
    tdagi_any out = row->by != NULL ? row->by(c) : tdagi_cml_eval(c, row->formula);
    tdag_status st = tdag_builder_get_status(c->env->b);
    if (st != TDAG_OK && tdagi_env_ok(c->env)) tdagi_env_fail_here(c->env, st, c->what);
    bool missing = out.kind == TDAGI_ANY_POISON && out.u.issue == NULL;
    if (missing && c->env->n_noted == noted && tdagi_env_ok(c->env))
        tdagi_env_issue(c->env, "%s with these operands", c->what);
    return out;
}

void tdagi_cml_begin(tdagi_cml_call *c, tdagi_env *env, tdagi_cml_room *room,
                     const char *what)
{
    *c = (tdagi_cml_call){.env = env, .room = room, .what = what};
}

void tdagi_cml_set(tdagi_cml_call *c, const char *name, tdagi_any v)
{
    uint32_t i = 0;
    while (i < c->n && strcmp(c->set[i].name, name) != 0)
        i++;
    if (i == TDAGI_MIL_NAMES) {
        tdagi_env_issue(c->env, "%s with too many operands", c->what);
        return;
    }
    if (i == c->n) c->n++;
    c->set[i].name = name;
    c->set[i].length = (uint32_t)strlen(name);
    c->set[i].is = v;
}

tdagi_any tdagi_cml_at(const tdagi_cml_call *c, const char *name)
{
    for (uint32_t i = 0; i < c->n; i++)
        if (strcmp(c->set[i].name, name) == 0) return c->set[i].is;
    return tdagi_any_none();
}

/* ---- for functions of rows ---- */

void tdagi_cml_let(tdagi_cml_call *c, const char *name, const char *formula)
{
    tdagi_cml_set(c, name, tdagi_cml_eval(c, formula));
}

tdagi_any tdagi_cml_refuse(tdagi_cml_call *c, const char *why)
{
    return tdagi_env_issue(c->env, "%s with %s", c->what, why);
}

/* A known number of that type. */
static bool known(tdagi_cml_call *c, const char *name, const char *type, tdagi_any *out)
{
    tdagi_any v = tdagi_cml_at(c, name);
    if (tdagi_cml_fit(c->env, v, type, out) && out->kind != TDAGI_ANY_DATA &&
        !out->assumed)
        return true;
    if (v.kind != TDAGI_ANY_NONE)
        tdagi_env_issue(c->env, "%s with an operand %s that is not known", c->what,
                        name);
    return false;
}

int64_t tdagi_cml_int(tdagi_cml_call *c, const char *name, int64_t otherwise)
{
    tdagi_any v;
    int64_t i;
    if (!known(c, name, "int", &v)) return otherwise;
    if (tdagi_any_const_int(c->env, v, &i)) return i;
    tdagi_env_issue(c->env, "%s with an operand %s that a symbolic size decides",
                    c->what, name);
    return otherwise;
}

double tdagi_cml_float(tdagi_cml_call *c, const char *name, double otherwise)
{
    tdagi_any v;
    return known(c, name, "float", &v) ? v.u.f : otherwise;
}

bool tdagi_cml_bool(tdagi_cml_call *c, const char *name)
{
    tdagi_any v;
    return known(c, name, "bool", &v) && v.u.b;
}

bool tdagi_cml_is(tdagi_cml_call *c, const char *name, const char *text)
{
    tdagi_any v = tdagi_cml_at(c, name);
    return v.kind == TDAGI_ANY_STRING && strcmp(v.u.s, text) == 0;
}

tdag_list tdagi_cml_dims(tdagi_cml_call *c, const char *name)
{
    tdagi_any v = tdagi_cml_at(c, name), list;
    tdag_list none = {0, NULL};
    if (v.kind == TDAGI_ANY_NONE) return none;
    bool ok = tdagi_cml_fit(c->env, v, "List[int]", &list);
    uint32_t n = ok ? list.u.seq->n : 0;
    int64_t *out = tdagi_env_alloc(c->env, (n + 1) * sizeof(*out));
    for (uint32_t i = 0; ok && out != NULL && i < n; i++) {
        ok = list.u.seq->v[i].kind == TDAGI_ANY_INT;
        out[i] = list.u.seq->v[i].u.i;
    }
    if (!ok)
        tdagi_env_issue(c->env, "%s with an operand %s that is not known", c->what,
                        name);
    return ok && out != NULL ? (tdag_list){n, out} : none;
}

tdag_list tdagi_cml_ints(tdagi_cml_call *c, const char *name)
{
    tdag_list dims = tdagi_cml_dims(c, name);
    int64_t *out = tdagi_env_alloc(c->env, (dims.n + 1) * sizeof(*out));
    for (uint32_t i = 0; out != NULL && i < dims.n; i++)
        if (!tdagi_dim_is_const(c->env->pool, dims.v[i], &out[i])) {
            tdagi_env_issue(c->env,
                            "%s with an operand %s that a symbolic size decides",
                            c->what, name);
            return (tdag_list){0, NULL};
        }
    return out == NULL ? (tdag_list){0, NULL} : (tdag_list){dims.n, out};
}

void tdagi_cml_set_dims(tdagi_cml_call *c, const char *name, uint32_t n,
                        const int64_t *v)
{
    tdagi_any list = tdagi_any_seq(c->env, TDAGI_ANY_LIST, 0, NULL);
    for (uint32_t i = 0; i < n && tdagi_env_ok(c->env); i++)
        tdagi_seq_append(c->env, list.u.seq, tdagi_any_dim(v[i]));
    tdagi_cml_set(c, name, list);
}

void tdagi_cml_set_int(tdagi_cml_call *c, const char *name, int64_t i)
{
    tdagi_cml_set(c, name, tdagi_any_int(c->env, i));
}

tdag_value tdagi_cml_tensor(tdagi_cml_call *c, const char *name)
{
    tdagi_any v = tdagi_cml_at(c, name);
    if (tdagi_any_is_tensor(v)) return tdagi_cell_read(c->env, v.u.tensor);
    if (v.kind != TDAGI_ANY_POISON)
        tdagi_env_issue(c->env, "%s with an operand %s that is no tensor", c->what,
                        name);
    return TDAG_NO_VALUE;
}

const tdag_tensor *tdagi_cml_leaf(tdagi_cml_call *c, const char *name)
{
    tdagi_any v = tdagi_cml_at(c, name);
    if (v.kind != TDAGI_ANY_TENSOR || v.u.tensor->value.id == 0) return NULL;
    const tdagi_node *n = &c->env->b->graph->nodes[v.u.tensor->value.id];
    return tdagi_op_holds_tensor(n->op) ? n->u.tensor : NULL;
}

bool tdagi_cml_is_zero(tdagi_cml_call *c, const char *name)
{
    const tdag_tensor *t = tdagi_cml_leaf(c, name);
    const unsigned char *p = t == NULL ? NULL : t->data;
    size_t i = 0;
    while (p != NULL && i < t->size && p[i] == 0)
        i++;
    return p != NULL && i == t->size;
}

bool tdagi_cml_is_no_bias(tdagi_cml_call *c, const char *name)
{
    return !c->room->is_own && tdagi_cml_is_zero(c, name);
}

tdagi_any tdagi_cml_of(tdagi_cml_call *c, tdag_value v)
{
    if (v.id == 0) return tdagi_any_poison();
    return tdagi_any_tensor(tdagi_cell_new(c->env, v));
}

uint32_t tdagi_cml_rank(tdagi_cml_call *c, const char *name)
{
    tdagi_any v = tdagi_cml_at(c, name);
    return tdagi_any_is_tensor(v) ? tdagi_cell_rank(c->env, v.u.tensor) : 0;
}

tdag_dim tdagi_cml_dim(tdagi_cml_call *c, const char *name, uint32_t axis)
{
    tdagi_any v = tdagi_cml_at(c, name);
    return axis < tdagi_cml_rank(c, name) ? tdagi_cell_dim(c->env, v.u.tensor, axis)
                                          : 1;
}

uint32_t tdagi_cml_axis(tdagi_cml_call *c, const char *name, uint32_t rank)
{
    int64_t i = tdagi_cml_int(c, name, 0), n = rank == 0 ? 1 : rank;
    if (i < -n || i >= n) {
        tdagi_env_fail(c->env, TDAG_E_SHAPE, "axis %lld of %u", (long long)i,
                       (unsigned)rank);
        return 0;
    }
    return (uint32_t)(i < 0 ? i + n : i);
}
