/* src/raise/skeletons.def is what the recipes say: it is made anew and compared.
 * TDAG_UPDATE_GOLDEN=1 writes it. */
#include "raise/learn.h"

#include <stdarg.h>

#include "ir/graph.h"

static const char path[] = TDAG_SKELETONS;

/* ---- printing the table ---- */

typedef struct text {
    char *v;
    size_t n, room;
} text;

static void print(text *t, const char *format, ...)
{
    va_list args;
    if (t->room - t->n < 256) {
        t->room = 2 * t->room + 65536;
        t->v = realloc(t->v, t->room);
    }
    va_start(args, format);
    t->n += (size_t)vsnprintf(t->v + t->n, t->room - t->n, format, args);
    va_end(args);
}

static void print_upper(text *t, const char *name)
{
    for (; *name != '\0'; name++)
        print(t, "%c", *name >= 'a' && *name <= 'z' ? *name - 'a' + 'A' : *name);
}

static void print_op(text *t, uint32_t op)
{
    print_upper(t, op == 0 ? "0" : tdagi_op_row_of(op)->name);
}

static void print_kinds(text *t, uint32_t kinds)
{
    static const char *const names[] = {"FLOATS", "HALVES", "INTS", "BOOLS", "WIDE"};
    bool first = true;
    for (uint32_t i = 0; i < 5; i++)
        if (kinds >> i & 1) {
            print(t, "%s%s", first ? "" : " | ", names[i]);
            first = false;
        }
}

static const char *code_name(uint32_t code)
{
    return code == TDAGI_CODE_SIZE    ? "SIZE"
           : code == TDAGI_CODE_AGAIN ? "AGAIN"
           : code == TDAGI_CODE_KIND  ? "KIND"
           : code == TDAGI_CODE_PAIR  ? "PAIR"
                                      : "SWAPPED";
}

static void print_code(text *t, const learn_skeleton *s)
{
    print(t, "CODE(");
    for (uint32_t i = 0; i < s->n_code; i++) {
        uint32_t c = s->code[i];
        if (i > 0) print(t, ", ");
        if (c < TDAGI_CODE_SLOT)
            print_op(t, c);
        else if (c < TDAGI_CODE_SIZE)
            print(t, "SLOT(%u)", (unsigned)(c - TDAGI_CODE_SLOT));
        else
            print(t, "%s", code_name(c));
        if (c == TDAG_OP_CONSTANT || c == TDAGI_CODE_AGAIN || c == TDAGI_CODE_KIND)
            print(t, ", %u", (unsigned)s->code[++i]);
    }
    print(t, ")");
}

static void print_tag(text *t, const tdagi_tag *tag)
{
    static const char *const names[] = {"LITERAL",     "FIELD",    "LENGTH",  "LAST",
                                        "NUMBER",      "NEGATIVE", "MISSING", "LOG10",
                                        "MINUS_LOG10", "QUOTIENT"};
    print(t, "TAG(%u, ", (unsigned)tag->field);
    if (tag->how < TDAGI_TAG_ITEM)
        print(t, "%s", names[tag->how]);
    else
        print(t, "ITEM + %u", (unsigned)(tag->how - TDAGI_TAG_ITEM));
    print(t, ", %u, %d)", (unsigned)tag->node, tag->from);
}

static const char *id_name(tdagi_composite id)
{
    static const char *const names[] = {
        "CORE",
#define TDAGI_COMPOSITE(ID, ...) #ID,
#include "derive/composites.def"
    };
    return names[id];
}

/* Counts on what the rows before it took of codes and tags. */
static void print_row(text *t, const learn_skeleton *s, uint32_t *code, uint32_t *tags)
{
    print(t, "TDAGI_SKELETON(%s, ", id_name(s->composite));
    print_kinds(t, s->kinds);
    print(t, ", %u, ", (unsigned)s->n_nodes);
    print_op(t, s->root);
    print(t, ", ");
    print_op(t, s->child);
    print(t, ", %u, %u, %u,\n    ", (unsigned)s->n_tags, (unsigned)*code,
          (unsigned)*tags);
    print_code(t, s);
    print(t, ",");
    for (uint32_t i = 0; i < s->n_tags; i++) {
        print(t, i == 0 ? "\n    " : " ");
        print_tag(t, &s->tags[i]);
    }
    print(t, ")\n");
    *code += s->n_code;
    *tags += s->n_tags;
}

static void print_table(text *t, const learned *all)
{
    print(t,
          "/* Made from the recipes by tests/raise/test_skeletons.c; see skeleton.h.\n"
          " * TDAG_UPDATE_GOLDEN=1 ctest -R raise.skeletons writes it anew. */\n"
          "#ifdef TDAGI_NUMBER\n");
    for (uint32_t i = 1; i <= all->n_numbers; i++) {
        double x = all->numbers[i];
        if (x != x)
            print(t, "TDAGI_NUMBER(%u, NAN)\n", (unsigned)i);
        else if (x - x != 0)
            print(t, "TDAGI_NUMBER(%u, %sINFINITY)\n", (unsigned)i, x < 0 ? "-" : "");
        else
            print(t, "TDAGI_NUMBER(%u, %.17g)\n", (unsigned)i, x);
    }
    print(t, "#undef TDAGI_NUMBER\n#endif\n#ifdef TDAGI_SKELETON\n");
    uint32_t code = 0, tags = 0;
    for (uint32_t i = 0; i < all->n; i++)
        print_row(t, &all->rows[i], &code, &tags);
    print(t, "#undef TDAGI_SKELETON\n#endif\n#ifdef TDAGI_ROOT\n");
    for (uint32_t i = 0, end, k = 1; i < all->n; i = end, k++) {
        uint64_t children[2] = {0};
        for (end = i; end < all->n && all->rows[end].root == all->rows[i].root; end++) {
            uint32_t child = all->rows[end].child;
            children[child / 64] |= UINT64_C(1) << child % 64;
        }
        print(t, "TDAGI_ROOT(%u, ", (unsigned)k);
        print_op(t, all->rows[i].root);
        print(t, ", %u, %u, 0x%llx, 0x%llx)\n", (unsigned)i, (unsigned)end,
              (unsigned long long)children[0], (unsigned long long)children[1]);
    }
    print(t, "#undef TDAGI_ROOT\n#endif\n");
}

/* ---- the test ---- */

static char *read_file(void)
{
    FILE *f = fopen(path, "rb");
    char *v = calloc(1, 1 << 22);
    if (f == NULL) return v;
    size_t n = fread(v, 1, (1 << 22) - 1, f);
    v[n] = '\0';
    fclose(f);
    return v;
}

static void table_is_what_recipes_say(void **state)
{
    (void)state;
    learned all = {.ctx = test_ctx()};
    text t = {0};
    for (uint32_t id = 1; id < TDAGI_N_COMPOSITES; id++)
        learn_composite(&all, (tdagi_composite)id);
    learn_finish(&all);
    print_table(&t, &all);
    learn_free(&all);
    if (getenv("TDAG_UPDATE_GOLDEN") != NULL) {
        FILE *f = fopen(path, "wb");
        assert_non_null(f);
        fwrite(t.v, 1, t.n, f);
        fclose(f);
        free(t.v);
        return;
    }
    char *have = read_file();
    if (strcmp(have, t.v) != 0)
        fail_msg("%s is not what the recipes say; TDAG_UPDATE_GOLDEN=1 writes it",
                 path);
    free(have);
    free(t.v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_what_recipes_say),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
