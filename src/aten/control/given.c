/* What statements give, and numbers as tensors. */
#include <stdio.h>
#include <string.h>

#include "aten/control/merge.h"
#include "derive/derive.h"

tdag_value tdagi_given(tdagi_env *env, tdag_dtype dtype, uint32_t rank,
                       const tdag_dim *shape)
{
    tdag_value v = tdag_add_input(env->b, NULL, dtype, rank, shape);
    if (v.id == 0 && tdagi_env_ok(env))
        tdagi_env_fail_here(env, tdag_builder_get_status(env->b), "a value");
    return v;
}

tdag_dim tdagi_new_symbol(tdagi_env *env, const char *prefix, int64_t sample)
{
    char name[64];
    bool taken = true;
    for (uint32_t k = 1; taken; k++) {
        snprintf(name, sizeof name, "%.40s%u", prefix, (unsigned)k);
        taken = false;
        for (uint32_t i = 0; i < tdagi_pool_n_symbols(env->pool) && !taken; i++)
            taken = strcmp(tdagi_pool_symbol(env->pool, i, NULL), name) == 0;
    }
    tdag_dim symbol = tdagi_dim_symbol(env->pool, name, sample);
    tdagi_dim_may_be_zero(env->pool, symbol);
    return symbol;
}

char tdagi_number_letter(tdagi_any v)
{
    return v.kind == TDAGI_ANY_DATA     ? v.letter
           : v.kind == TDAGI_ANY_INT    ? 'i'
           : v.kind == TDAGI_ANY_FLOAT  ? 'f'
           : v.kind == TDAGI_ANY_BOOL   ? 'b'
           : v.kind == TDAGI_ANY_STRING ? 's'
                                        : 0;
}

/* A string that stands as a number. */
struct tdagi_text_number {
    const char *text;
    int64_t number;
    struct tdagi_text_number *next;
};

/* Of two strings the numbers differ. */
static bool keep_number(tdagi_env *env, const char *text, int64_t number)
{
    const struct tdagi_text_number *t = env->text_numbers;
    while (t != NULL && t->number != number)
        t = t->next;
    if (t != NULL) return strcmp(t->text, text) == 0;
    struct tdagi_text_number *made = tdagi_env_alloc(env, sizeof *made);
    if (made == NULL) return false;
    *made = (struct tdagi_text_number){text, number, env->text_numbers};
    env->text_numbers = made;
    return true;
}

/* The number that a string is told by where tensor data decides which: of its FNV-1a
 * hash, so that it is the same in each method, as many bits as i32 has, which is all
 * that Core ML knows. */
static tdagi_any number_of_text(tdagi_env *env, tdagi_any text)
{
    uint64_t h = 14695981039346656037u;
    if (text.assumed)
        return tdagi_env_issue(env, "a string with a symbolic size or a number of "
                                    "tensor data in it, as tensor data decides");
    for (const char *s = text.u.s; *s != '\0'; s++)
        h = (h ^ (unsigned char)*s) * 1099511628211u;
    const int64_t number = (int64_t)((h ^ h >> 32) & INT32_MAX);
    if (!keep_number(env, text.u.s, number))
        return tdagi_env_issue(env, "two strings that have one number, as tensor data "
                                    "decides");
    return tdagi_any_int(env, number);
}

tdagi_any tdagi_number_data(tdagi_env *env, tdagi_any v)
{
    char letter = tdagi_number_letter(v);
    if (v.kind == TDAGI_ANY_STRING) v = number_of_text(env, v);
    if (v.kind == TDAGI_ANY_POISON) return v;
    tdag_dtype d = letter == 'f' ? TDAG_F64 : letter == 'b' ? TDAG_BOOL : TDAG_I64;
    if (v.kind == TDAGI_ANY_DATA && tdagi_cell_dtype(env, v.u.tensor) == d)
        return tdagi_any_tensor(v.u.tensor);
    if (v.kind == TDAGI_ANY_DATA)
        return tdagi_any_tensor(tdagi_cell_new(
            env, tdagi_cast(env->b, tdagi_cell_read(env, v.u.tensor), d)));
    return tdagi_any_tensor(tdagi_cell_known(env, d, v));
}
