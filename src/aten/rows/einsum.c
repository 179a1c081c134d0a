/* einsum: the ellipsis becomes letters, operands are joined two at a time from the
 * left, and a letter is summed as soon as nothing later needs it. */
#include <string.h>

#include "aten/rows/steps.h"

#define MAX_OPERANDS 16

typedef struct term {
    char letters[2 * TDAG_MAX_RANK + 1];
    uint32_t n;
    tdag_value v;
} term;

typedef struct equation {
    term in[MAX_OPERANDS];
    uint32_t n;
    char out[2 * TDAG_MAX_RANK + 1];
    uint32_t n_out;
    uint32_t n_ellipsis; /* axes that "..." stands for, at most */
} equation;

static const char dots[] = "ABCDEFGHIJKLMNOP"; /* reversed names of ellipsis axes */

/* Letters of one term, "..." as the dot's number of letters counted from the right. */
static bool read_term(const char *s, size_t length, uint32_t rank, char *out,
                      uint32_t *n)
{
    uint32_t named = 0;
    *n = 0;
    for (size_t i = 0; i < length; i++)
        named += s[i] != '.' && s[i] != ' ';
    for (size_t i = 0; i < length; i++) {
        if (s[i] == ' ') continue;
        if (*n + TDAG_MAX_RANK > 2 * TDAG_MAX_RANK) return false;
        if (s[i] != '.') {
            out[(*n)++] = s[i];
            continue;
        }
        if (i + 2 >= length || s[i + 1] != '.' || s[i + 2] != '.' || rank < named)
            return false;
        i += 2;
        uint32_t more = rank - named;
        if (more > TDAG_MAX_RANK) return false;
        for (uint32_t k = more; k-- > 0;)
            out[(*n)++] =
                (char)(dots[k] - 'A' + 1); /* letters 1.. are not in the text */
    }
    out[*n] = '\0';
    return true;
}

/* Letters of all terms renamed to a-z, A-Z, so that ellipsis axes have letters too. */
static bool rename_letters(equation *e)
{
    static const char names[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    char of[128] = {0};
    uint32_t used = 0;
    for (uint32_t k = 0; k <= e->n; k++) {
        char *s = k < e->n ? e->in[k].letters : e->out;
        for (; *s != '\0'; s++) {
            if (*s < 0) return false;
            if (of[(int)*s] == 0) {
                if (used == sizeof(names) - 1) return false;
                of[(int)*s] = names[used++];
            }
            *s = of[(int)*s];
        }
    }
    return true;
}

/* Without "->": ellipsis axes, then letters that occur once, in the alphabet's order.
 */
static void implicit_output(equation *e)
{
    e->n_out = 0;
    for (uint32_t k = e->n_ellipsis; k-- > 0;)
        e->out[e->n_out++] = (char)(dots[k] - 'A' + 1);
    for (int c = 'A'; c <= 'z'; c++) {
        uint32_t count = 0;
        for (uint32_t k = 0; k < e->n; k++)
            for (const char *s = e->in[k].letters; *s != '\0'; s++)
                count += *s == c;
        if (count == 1 && e->n_out < 2 * TDAG_MAX_RANK) e->out[e->n_out++] = (char)c;
    }
    e->out[e->n_out] = '\0';
}

static bool read_equation(tdagi_call *c, const char *text, const tdag_value *v,
                          uint32_t n, equation *e)
{
    memset(e, 0, sizeof(*e));
    if (n == 0 || n > MAX_OPERANDS) return false;
    const char *arrow = strstr(text, "->"), *s = text;
    const char *end = arrow == NULL ? text + strlen(text) : arrow;
    for (e->n = 0; e->n < n; e->n++) {
        term *t = &e->in[e->n];
        size_t length = (size_t)(end - s);
        const char *comma = memchr(s, ',', length);
        if (comma != NULL) length = (size_t)(comma - s);
        if ((comma == NULL) != (e->n + 1 == n)) return false;
        t->v = v[e->n];
        uint32_t rank = tdagi_rank(c, t->v);
        if (!read_term(s, length, rank, t->letters, &t->n) || t->n != rank)
            return false;
        for (const char *l = t->letters; *l != '\0'; l++)
            if (*l <= TDAG_MAX_RANK && (uint32_t)*l > e->n_ellipsis)
                e->n_ellipsis = (uint32_t)*l;
        s += length + 1;
    }
    if (arrow == NULL) {
        implicit_output(e);
    } else {
        size_t length = strlen(arrow + 2);
        uint32_t named = 0;
        for (size_t i = 0; i < length; i++)
            named += arrow[2 + i] != '.' && arrow[2 + i] != ' ';
        if (!read_term(arrow + 2, length, named + e->n_ellipsis, e->out, &e->n_out))
            return false;
    }
    return rename_letters(e);
}

/* A letter that comes twice in one operand takes the diagonal of its axes. */
static bool take_diagonals(tdagi_call *c, term *t)
{
    for (uint32_t i = 0; i < t->n; i++)
        for (uint32_t k = i + 1; k < t->n; k++) {
            if (t->letters[i] != t->letters[k]) continue;
            tdag_dim n = tdagi_dim(c, t->v, i);
            tdag_value at = tdag_iota(c->b, n, TDAG_I64);
            tdag_value here =
                tdag_binary(c->b, TDAG_OP_EQUAL, tdagi_unsqueeze1(c->b, at, 1), at);
            tdag_dim dims[TDAG_MAX_RANK];
            for (uint32_t a = 0; a < t->n; a++)
                dims[a] = a == i || a == k ? tdagi_dim(c, t->v, a) : 1;
            here = tdagi_reshape(c->b, here, t->n, dims);
            t->v = tdag_where(c->b, here, t->v,
                              tdag_add_scalar(c->b, tdagi_dtype(c, t->v), 0));
            t->v = tdagi_reduce_keep(c->b, t->v, TDAG_REDUCE_SUM, TDAG_LIST(k), false);
            memmove(&t->letters[k], &t->letters[k + 1], t->n - k);
            t->n--;
            k--;
            if (t->v.id == 0) return false;
        }
    return true;
}

/* Letters that something after operand k, or the result, still needs. */
static bool needed(const equation *e, uint32_t k, char letter)
{
    if (strchr(e->out, letter) != NULL) return true;
    for (uint32_t i = k; i < e->n; i++)
        if (strchr(e->in[i].letters, letter) != NULL) return true;
    return false;
}

/* Axes of one letter, which are to be of one size or of size 1. */
static void match_letters(tdagi_call *c, const term *a, const term *b, tdag_value in[2])
{
    for (uint32_t i = 0; i < a->n && in[0].id != 0 && in[1].id != 0; i++) {
        const char *at = strchr(b->letters, a->letters[i]);
        uint32_t k = at == NULL ? 0 : (uint32_t)(at - b->letters);
        if (at != NULL && tdagi_dim(c, in[0], i) != 1 && tdagi_dim(c, in[1], k) != 1)
            tdagi_match_dims(c, &in[0], i, &in[1], k);
    }
}

static void join_pair(tdagi_call *c, const equation *e, term *a, const term *b,
                      uint32_t next)
{
    term out = {.n = 0};
    bool last = next == e->n;
    if (last) memcpy(out.letters, e->out, e->n_out + 1);
    for (uint32_t k = 0; k < 2 && !last; k++)
        for (const char *s = k == 0 ? a->letters : b->letters; *s != '\0'; s++)
            if (needed(e, next, *s) && strchr(out.letters, *s) == NULL)
                out.letters[strlen(out.letters)] = *s;
    out.n = (uint32_t)strlen(out.letters);
    tdag_value in[2] = {a->v, b->v};
    match_letters(c, a, b, in);
    tdagi_einsum_spec s = {
        tdagi_env_text(c->env, "%s,%s->%s", a->letters, b->letters, out.letters)};
    out.v = tdagi_lower(c->b, TDAGI_EINSUM, in, 2, &s);
    *a = out;
}

/* Sums and permutes one operand to the result. */
static tdag_value finish(tdagi_call *c, const equation *e, term *t)
{
    int64_t axes[TDAG_MAX_RANK], order[TDAG_MAX_RANK];
    uint32_t n = 0, k = 0;
    bool moves = false;
    char kept[2 * TDAG_MAX_RANK + 1];
    for (uint32_t i = 0; i < t->n; i++) {
        if (strchr(e->out, t->letters[i]) == NULL)
            axes[n++] = i;
        else
            kept[k++] = t->letters[i];
    }
    tdag_value v = t->v;
    if (n > 0)
        v = tdagi_reduce_keep(c->b, step_summand(c, v), TDAG_REDUCE_SUM,
                              (tdag_list){n, axes}, false);
    for (uint32_t i = 0; i < k && i < e->n_out; i++) {
        const char *at = memchr(kept, e->out[i], k);
        order[i] = at == NULL ? 0 : at - kept;
        moves |= order[i] != i;
    }
    return moves ? tdag_permute(c->b, v, (tdag_list){k, order}) : v;
}

tdagi_any tdagi_aten_einsum(tdagi_call *c)
{
    const char *text = tdagi_arg_string(c, "equation");
    const tdag_value *v;
    tdag_list n = tdagi_arg_tensors(c, "tensors", &v);
    tdagi_ignore(c, "path"); /* the order of joining changes no result */
    equation e;
    if (c->bad || !read_equation(c, text, v, n.n, &e))
        return tdagi_refuse(c, "equation");
    for (uint32_t k = 0; k < e.n; k++)
        if (!take_diagonals(c, &e.in[k])) return tdagi_any_poison();
    term *acc = &e.in[0];
    for (uint32_t k = 1; k < e.n; k++)
        join_pair(c, &e, acc, &e.in[k], k + 1);
    return tdagi_result(c, e.n > 1 ? acc->v : finish(c, &e, acc));
}
