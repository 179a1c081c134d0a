/* See skeleton.h. A skeleton is matched by walking its code down the graph from the
 * root: ops and enumerated fields must agree, slots bind; lists and numbers are left to
 * the check. Operands of a commutative op are tried both ways, once. */
#include "raise/skeleton.h"

#include <math.h>
#include <string.h>

#include "raise/lead/lead.h"
#include "raise/number.h"

#define MOST_NODES 64
#define MOST_STEPS 512
#define SPEC_SIZE  256 /* at least any composite's */

typedef struct matching {
    const tdagi_raiser *r;
    bool wide;                        /* slots are below the converts of a half dtype */
    tdag_dtype half;                  /* that one */
    const uint8_t *start[MOST_NODES]; /* of each node's code */
    const uint8_t *far;               /* the last code at which something failed */
    uint32_t n, steps;
    tdag_value slot[TDAGI_GUESS_INPUTS];
    tdag_value node[MOST_NODES];
} matching;

/* ---- the tree ---- */

static const uint8_t *meet(matching *m, const uint8_t *code, tdag_value v);

static const uint8_t *fail(matching *m, const uint8_t *code)
{
    if (code > m->far) m->far = code;
    return NULL;
}

static bool same_number(const tdagi_node *n, uint8_t index)
{
    if (n->u.tensor->count != 1) return false;
    if (index == 0) return true;
    double want = tdagi_skeleton_numbers[index], got;
    got = tdagi_tensor_get_f64(n->u.tensor, 0);
    want = tdagi_rounded((tdag_dtype)n->dtype, want);
    return got == want || (isnan(got) && isnan(want));
}

static bool same_kind(const tdagi_node *n, uint8_t kind)
{
    const tdagi_field *f = tdagi_node_def(n)->fields;
    while (f->kind != TDAGI_FIELD_ENUM)
        f++;
    int64_t value;
    memcpy(&value, (const char *)n->u.spec + f->offset, sizeof(value));
    return value == kind;
}

static const uint8_t *meet_pair(matching *m, const uint8_t *code, tdag_value x,
                                tdag_value y)
{
    code = meet(m, code, x);
    return code == NULL ? NULL : meet(m, code, y);
}

/* The operands of an op that commutes: `first` stands first in the code. */
static const uint8_t *meet_either(matching *m, const uint8_t *code,
                                  const tdag_value *in, uint32_t first)
{
    tdag_value before[TDAGI_GUESS_INPUTS];
    uint32_t n_before = m->n;
    memcpy(before, m->slot, sizeof(before));
    const uint8_t *end = meet_pair(m, code, in[first], in[1 - first]);
    if (end != NULL) return end;
    memcpy(m->slot, before, sizeof(before));
    m->n = n_before;
    return meet_pair(m, code, in[1 - first], in[first]);
}

static const uint8_t *meet_operands(matching *m, const uint8_t *code,
                                    const tdagi_node *n)
{
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; code != NULL && i < n->n_inputs; i++)
        code = meet(m, code, in[i]);
    return code;
}

/* A node that was met before: the same value, or one that is made the same way. */
static const uint8_t *meet_again(matching *m, const uint8_t *code, tdag_value v)
{
    uint32_t n = m->n;
    if (m->node[*code].id == v.id) return code + 1;
    bool same = meet(m, m->start[*code], v) != NULL;
    m->n = n;
    return same ? code + 1 : fail(m, code);
}

/* v before it was widened. */
static tdag_value narrowed(const matching *m, tdag_value v)
{
    const tdagi_node *n = tdagi_raiser_node(m->r, v);
    if (n->op != TDAG_OP_CONVERT) return v;
    tdag_value narrow = tdagi_node_inputs(n)[0];
    return tdagi_raiser_node(m->r, narrow)->dtype == m->half ? narrow : v;
}

static const uint8_t *meet_slot(matching *m, const uint8_t *code, tdag_value v)
{
    tdag_value *slot = &m->slot[*code - TDAGI_CODE_SLOT];
    if (m->wide) v = narrowed(m, v);
    if (slot->id == 0) *slot = v;
    return slot->id == v.id ? code + 1 : fail(m, code);
}

/* Returns where the code of v ends; NULL: v is something else. */
static const uint8_t *meet(matching *m, const uint8_t *code, tdag_value v)
{
    const uint8_t *start = code;
    uint8_t order = *code;
    if (order == TDAGI_CODE_SIZE) return code + 1;
    if (order == TDAGI_CODE_AGAIN) return meet_again(m, code + 1, v);
    if (order >= TDAGI_CODE_PAIR)
        code++;
    else if (order >= TDAGI_CODE_SLOT)
        return meet_slot(m, code, v);
    const tdagi_node *n = tdagi_raiser_node(m->r, v);
    if (n->op != *code || m->n == MOST_NODES || m->steps++ == MOST_STEPS)
        return fail(m, code);
    code++;
    m->start[m->n] = start;
    m->node[m->n++] = v;
    if (n->op == TDAG_OP_CONSTANT)
        return same_number(n, *code) ? code + 1 : fail(m, code);
    if (*code == TDAGI_CODE_KIND) {
        if (!same_kind(n, code[1])) return fail(m, code + 1);
        code += 2;
    }
    if (order < TDAGI_CODE_PAIR) return meet_operands(m, code, n);
    return meet_either(m, code, tdagi_node_inputs(n), order == TDAGI_CODE_SWAPPED);
}

/* ---- the spec ---- */

/* Elements of the axes that the node reduces, at the samples. */
static double n_reduced(const tdagi_raiser *r, const matching *m)
{
    double count = 1;
    for (uint32_t i = 0; i < m->n; i++) {
        const tdagi_node *n = tdagi_raiser_node(r, m->node[i]);
        if (n->op != TDAG_OP_REDUCE) continue;
        const tdag_reduce_spec *spec = n->u.spec;
        tdag_value x = tdagi_node_inputs(n)[0];
        for (uint32_t k = 0; k < spec->axes.n; k++)
            count *= (double)tdagi_dim_sample(
                r->pool, tdagi_raiser_node(r, x)->shape[spec->axes.v[k]]);
        break;
    }
    return count;
}

typedef struct reading {
    const tdagi_raiser *r;
    const matching *m;
    const tdagi_field *fields;
    char *spec;
    int lead; /* axes in front of those that the tags count from */
} reading;

static double field_number(const reading *w, int8_t field)
{
    double number;
    memcpy(&number, w->spec + w->fields[field].offset, sizeof(number));
    return number;
}

static double read_number(const reading *w, const tdagi_tag *t)
{
    const tdagi_node *n = tdagi_raiser_node(w->r, w->m->node[t->node]);
    double x = tdagi_tensor_get_f64(n->u.tensor, 0);
    tdag_dtype dtype = (tdag_dtype)n->dtype;
    switch ((tdagi_tag_how)t->how) {
    case TDAGI_TAG_NEGATIVE:
        return -x;
    case TDAGI_TAG_MISSING:
        return n_reduced(w->r, w->m) - x;
    case TDAGI_TAG_LOG10:
        return round(log10(x));
    case TDAGI_TAG_MINUS_LOG10:
        return -round(log10(x));
    case TDAGI_TAG_QUOTIENT:
        return tdagi_shortest_factor(dtype, x, field_number(w, t->from));
    case TDAGI_TAG_LITERAL:
    case TDAGI_TAG_FIELD:
    case TDAGI_TAG_LENGTH:
    case TDAGI_TAG_LAST:
    case TDAGI_TAG_NUMBER:
    case TDAGI_TAG_ITEM:
        break;
    }
    return tdagi_shortest(dtype, x);
}

/* Puts an integer, or where the field is a double that. False: it is out of range. */
static bool put(const reading *w, const tdagi_tag *t, double x)
{
    const tdagi_field *f = &w->fields[t->field];
    if (f->kind == TDAGI_FIELD_F64) {
        memcpy(w->spec + f->offset, &x, sizeof(x));
        return true;
    }
    if (!(fabs(x) < 0x1p62)) return false;
    int64_t i = (int64_t)x;
    memcpy(w->spec + f->offset, &i, sizeof(i));
    return true;
}

static bool put_list(const reading *w, const tdagi_tag *t, tdag_list list)
{
    const tdagi_field *f = &w->fields[t->field];
    int64_t i = t->how - TDAGI_TAG_ITEM + w->lead;
    if (t->how == TDAGI_TAG_FIELD) {
        memcpy(w->spec + f->offset, &list, sizeof(list));
        return true;
    }
    if (t->how == TDAGI_TAG_LAST) i = (int64_t)list.n - 1;
    if (t->how == TDAGI_TAG_LENGTH) return put(w, t, list.n);
    if (i < 0 || i >= list.n) return false;
    memcpy(w->spec + f->offset, &list.v[i], sizeof(list.v[i]));
    return true;
}

static bool read_tag(const reading *w, const tdagi_tag *t)
{
    if (t->how == TDAGI_TAG_LITERAL) return put(w, t, t->from);
    if (t->how >= TDAGI_TAG_NUMBER && t->how < TDAGI_TAG_ITEM)
        return put(w, t, read_number(w, t));
    const tdagi_node *n = tdagi_raiser_node(w->r, w->m->node[t->node]);
    const tdagi_field *f = &tdagi_node_def(n)->fields[t->from];
    const char *at = (const char *)n->u.spec + f->offset;
    if (f->kind == TDAGI_FIELD_INTS || f->kind == TDAGI_FIELD_DIMS) {
        tdag_list list;
        memcpy(&list, at, sizeof(list));
        return put_list(w, t, list);
    }
    memcpy(w->spec + w->fields[t->field].offset, at, sizeof(int64_t));
    return true;
}

static bool read_spec(const tdagi_raiser *r, const tdagi_skeleton *s, const matching *m,
                      int lead, char spec[SPEC_SIZE])
{
    const tdagi_composite_def *def =
        tdagi_composite_row_of((tdagi_composite)s->composite)->def;
    const reading w = {r, m, def->fields, spec, lead};
    memset(spec, 0, def->spec_size);
    for (uint32_t i = 0; i < s->n_tags; i++)
        if (!read_tag(&w, &tdagi_skeleton_tags[s->tags + i])) return false;
    return true;
}

/* ---- candidates ---- */

/* The ops of a node's operands, and 0, as a set. */
typedef struct op_set {
    uint64_t bits[TDAGI_OP_CODES / 64];
} op_set;

static op_set children(const tdagi_raiser *r, const tdagi_node *n)
{
    op_set s = {{1}};
    const tdag_value *in = tdagi_node_inputs(n);
    for (uint32_t i = 0; i < n->n_inputs; i++) {
        uint32_t op = tdagi_raiser_node(r, in[i])->op;
        s.bits[op / 64] |= UINT64_C(1) << op % 64;
    }
    return s;
}

static bool has(const op_set *s, uint32_t op)
{
    return s->bits[op / 64] >> op % 64 & 1;
}

static bool meets_any(const op_set *s, const tdagi_skeleton_rows *rows)
{
    return (s->bits[0] & rows->children[0]) != 0 ||
           (s->bits[1] & rows->children[1]) != 0;
}

/* A place where composites may be rooted. */
typedef struct place {
    tdag_value v, top; /* top: below the last convert of a half dtype, else v */
    tdag_dtype dtype;  /* of v */
} place;

static place place_at(const tdagi_raiser *r, tdag_value v)
{
    const tdagi_node *n = tdagi_raiser_node(r, v);
    place p = {v, v, (tdag_dtype)n->dtype};
    if (n->op != TDAG_OP_CONVERT || tdagi_dtype_kind(p.dtype) != TDAGI_KIND_HALF)
        return p;
    tdag_value below = tdagi_node_inputs(n)[0];
    if (tdagi_raiser_node(r, below)->dtype == TDAG_F32) p.top = below;
    return p;
}

static bool is_wide(const place *p) { return p->v.id != p->top.id; }

static bool fits(const tdagi_raiser *r, const tdagi_skeleton *s, const matching *m)
{
    uint8_t kind =
        tdagi_dtype_kind((tdag_dtype)tdagi_raiser_node(r, m->slot[0])->dtype);
    if (m->wide) kind = kind == TDAGI_KIND_HALF ? TDAGI_KIND_WIDE : 0;
    return (s->kinds & kind) != 0;
}

static tdag_status confirm_lead(tdagi_raiser *r, tdag_value v, const tdagi_skeleton *s,
                                const matching *m, int lead, tdagi_match **out)
{
    char spec[SPEC_SIZE];
    if (!read_spec(r, s, m, lead, spec)) return TDAG_OK;
    tdagi_guess g = {
        .composite = (tdagi_composite)s->composite, .spec = spec, .lead = lead};
    for (uint32_t i = 0; i < TDAGI_GUESS_INPUTS; i++) {
        g.in[i] = m->slot[i];
        if (m->slot[i].id != 0) g.n = i + 1;
    }
    return tdagi_check_guess(r, v, &g, out);
}

static tdag_status confirm(tdagi_raiser *r, tdag_value v, const tdagi_skeleton *s,
                           const matching *m, tdagi_match **out)
{
    TDAGI_TRY(confirm_lead(r, v, s, m, 0, out));
    if (tdagi_lead_count(s->composite) == 0) return TDAG_OK;
    for (int lead = -1; lead < 2 && *out == NULL; lead += 2)
        TDAGI_TRY(confirm_lead(r, v, s, m, lead, out));
    return TDAG_OK;
}

/* A code that did not meet the place: what begins as it does does not, either. */
typedef struct failure {
    const uint8_t *code;
    size_t n; /* codes that were looked at; 0 = nothing failed so far */
} failure;

/* No code is the beginning of another, so the loop ends within both. */
static bool begins_so(const uint8_t *code, const failure *f)
{
    size_t i = 0;
    while (i < f->n && code[i] == f->code[i])
        i++;
    return f->n > 0 && i == f->n;
}

static tdag_status try_skeleton(tdagi_raiser *r, const place *p,
                                const tdagi_skeleton *s, failure *failed,
                                tdagi_match **out)
{
    const uint8_t *code = &tdagi_skeleton_codes[s->code];
    if (begins_so(code, failed)) return TDAG_OK;
    matching m; /* nodes are set before they are read */
    m.r = r;
    m.wide = is_wide(p);
    m.half = p->dtype;
    m.n = m.steps = 0;
    m.far = code;
    memset(m.slot, 0, sizeof(m.slot));
    if (meet(&m, code, p->top) == NULL) {
        *failed = (failure){code, (size_t)(m.far - code) + 1};
        return TDAG_OK;
    }
    if (m.slot[0].id == 0 || !fits(r, s, &m)) return TDAG_OK;
    return confirm(r, p->v, s, &m, out);
}

/* The first that is confirmed, of those with more nodes than `least`, from
 * row *next of its root's on. */
static tdag_status largest(tdagi_raiser *r, tdag_value v, uint32_t least,
                           uint32_t *next, tdagi_match **out)
{
    const place p = place_at(r, v);
    const tdagi_node *n = tdagi_raiser_node(r, p.top);
    const tdagi_skeleton_rows *rows =
        &tdagi_skeleton_roots[tdagi_skeleton_root_of[n->op]];
    uint32_t i = rows->first + *next;
    *out = NULL;
    if (is_wide(&p) && least > 0) least--; /* the last convert */
    if (i >= rows->end || tdagi_skeletons[i].n_nodes <= least) return TDAG_OK;
    const op_set ops = children(r, n);
    failure failed = {NULL, 0};
    if (!meets_any(&ops, rows)) return TDAG_OK;
    for (; *out == NULL && i < rows->end; i++) {
        const tdagi_skeleton *s = &tdagi_skeletons[i];
        if (s->n_nodes <= least) break;
        if (has(&ops, s->child) && !tdagi_raiser_leaves_out(r, s->composite))
            TDAGI_TRY(try_skeleton(r, &p, s, &failed, out));
    }
    *next = i - rows->first;
    return TDAG_OK;
}

/* ---- matches that cut a larger one ---- */

static bool covers(const tdagi_match *m, tdag_value v)
{
    uint32_t lo = 0, hi = m->n_covered;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        if (m->covered[mid].id < v.id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < m->n_covered && m->covered[lo].id == v.id;
}

uint32_t tdagi_match_size(const tdagi_raiser *r, const tdagi_match *m)
{
    uint32_t n = 0;
    for (uint32_t i = 0; m != NULL && i < m->n_covered; i++)
        n += !tdagi_op_is_leaf(tdagi_raiser_node(r, m->covered[i])->op);
    return n;
}

/* Nodes of m outside `except`. */
static uint32_t n_beyond(const tdagi_raiser *r, const tdagi_match *m,
                         const tdagi_match *except)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < m->n_covered; i++)
        n += !tdagi_op_is_leaf(tdagi_raiser_node(r, m->covered[i])->op) &&
             !covers(except, m->covered[i]);
    return n;
}

/* True where what m leaves of `larger` is one kernel, too. */
static tdag_status rest_is_whole(tdagi_raiser *r, const tdagi_match *m,
                                 const tdagi_match *larger, bool *yes)
{
    uint32_t rest = n_beyond(r, larger, m);
    *yes = rest <= 1;
    for (uint32_t i = 0; !*yes && i < m->n_operands; i++) {
        tdag_value top = m->operands[i].value;
        tdagi_match *half = NULL;
        if (top.id == 0 || !covers(larger, top)) continue;
        uint32_t next = 0;
        TDAGI_TRY(largest(r, top, 1, &next, &half));
        *yes = half != NULL && n_beyond(r, larger, m) <= tdagi_match_size(r, half);
    }
    return TDAG_OK;
}

/* A node inside m may be the root of a composite that is larger than m and reaches
 * below it: in x / (1 + exp(-y)) that is a sigmoid, better kept than the division. */
static tdag_status cuts_larger(tdagi_raiser *r, const tdagi_match *m, bool *yes)
{
    uint32_t size = tdagi_match_size(r, m);
    *yes = false;
    if (size < 2) return TDAG_OK; /* nothing but its root */
    for (uint32_t i = 0; !*yes && i < m->n_covered; i++) {
        tdag_value v = m->covered[i];
        tdagi_match *larger = NULL;
        uint32_t next = 0;
        if (v.id == m->result.id || tdagi_op_is_leaf(tdagi_raiser_node(r, v)->op))
            continue;
        TDAGI_TRY(largest(r, v, size, &next, &larger));
        if (larger == NULL || n_beyond(r, larger, m) == 0) continue;
        TDAGI_TRY(rest_is_whole(r, m, larger, yes));
        *yes = !*yes;
    }
    return TDAG_OK;
}

tdag_status tdagi_match_skeletons(tdagi_raiser *r, tdag_value v, uint32_t least,
                                  tdagi_match **out)
{
    uint32_t next = 0;
    bool cuts = true;
    while (cuts) {
        TDAGI_TRY(largest(r, v, least, &next, out));
        if (*out == NULL) return TDAG_OK;
        TDAGI_TRY(cuts_larger(r, *out, &cuts));
    }
    return TDAG_OK;
}
