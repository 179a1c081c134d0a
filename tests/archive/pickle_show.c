/* See pickle_show.h. */
#include "archive/pickle_show.h"

#include "base/number_text.h"

static void show_items(tdagi_text *to, const tdagi_pickle *v, const char *open,
                       const char *close)
{
    bool pairs = v->kind == TDAGI_PICKLE_DICT;
    tdagi_text_add(to, open);
    for (uint64_t i = 0; i < v->n * (pairs ? 2 : 1); i++) {
        if (i > 0) tdagi_text_add(to, pairs && i % 2 == 1 ? ": " : ", ");
        pickle_show(to, v->u.items[i]);
    }
    tdagi_text_add(to, close);
}

static void show_apply(tdagi_text *to, const tdagi_pickle *v)
{
    if (v->is_new) tdagi_text_add(to, "new ");
    tdagi_text_printf(to, "%s",
                      v->u.items[0]->kind == TDAGI_PICKLE_GLOBAL ? v->u.items[0]->u.s
                                                                 : "?");
    pickle_show(to, v->u.items[1]);
    if (v->n < 3) return;
    tdagi_text_add(to, " with ");
    pickle_show(to, v->u.items[2]);
}

void pickle_show(tdagi_text *to, const tdagi_pickle *v)
{
    char number[TDAGI_NUMBER_TEXT_SIZE];
    switch ((tdagi_pickle_kind)v->kind) {
    case TDAGI_PICKLE_NONE:
        tdagi_text_add(to, "None");
        break;
    case TDAGI_PICKLE_BOOL:
        tdagi_text_add(to, v->u.i != 0 ? "True" : "False");
        break;
    case TDAGI_PICKLE_INT:
        tdagi_text_printf(to, "%lld", (long long)v->u.i);
        break;
    case TDAGI_PICKLE_FLOAT:
        tdagi_f64_literal(v->u.f, number);
        tdagi_text_add(to, number);
        break;
    case TDAGI_PICKLE_STRING:
        tdagi_text_printf(to, "'%s'", v->u.s);
        break;
    case TDAGI_PICKLE_LIST:
        show_items(to, v, "[", "]");
        break;
    case TDAGI_PICKLE_TUPLE:
        show_items(to, v, "(", ")");
        break;
    case TDAGI_PICKLE_DICT:
        show_items(to, v, "{", "}");
        break;
    case TDAGI_PICKLE_GLOBAL:
        tdagi_text_printf(to, "<%s>", v->u.s);
        break;
    case TDAGI_PICKLE_APPLY:
        show_apply(to, v);
        break;
    case TDAGI_PICKLE_PERSISTENT:
        tdagi_text_add(to, "persistent ");
        pickle_show(to, v->u.items[0]);
        break;
    }
}
