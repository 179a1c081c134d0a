/* The list of refused operators, and the counts of a run by operator (refusals.h). */
#include "refusals.h"

#include "support/test.h"

#define MAX_ROWS     512
#define MAX_OPERATOR 96
#define MAX_WHY      256

typedef struct row {
    char name[MAX_OPERATOR], why[MAX_WHY];
    uint32_t n_met, n_refused;
} row;

struct refusals {
    row rows[MAX_ROWS];
    uint32_t n;
    char operator_name[MAX_OPERATOR]; /* at hand */
    row *at;                          /* its row, if any */
    bool is_own;                      /* not that of the same operator of f32 */
    uint32_t n_operators, n_cases, n_refused;
};

/* Reasons that are no question of operators: what is refused for them is left out of
 * the share. */
static const char *const not_static[] = {"random numbers",
                                         "a shape that depends on tensor data"};

static char *read_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    rewind(f);
    char *text = calloc((size_t)size + 1, 1);
    assert_non_null(text);
    assert_int_equal(fread(text, 1, (size_t)size, f), size);
    fclose(f);
    return text;
}

refusals *refusals_load(const char *path, const char *docs)
{
    char line[MAX_OPERATOR + MAX_WHY];
    refusals *r = calloc(1, sizeof(*r));
    FILE *f = fopen(path, "r");
    char *text = read_file(docs);
    assert_non_null(r);
    assert_non_null(f);
    while (fgets(line, sizeof(line), f) != NULL) {
        row *at = &r->rows[r->n];
        if (line[0] == '#') continue;
        assert_true(r->n < MAX_ROWS);
        assert_int_equal(sscanf(line, "%95[^\t]\t%255[^\n]", at->name, at->why), 2);
        bool is_known = strncmp(at->why, "unsupported: ", 13) != 0;
        if (is_known && strstr(text, at->why) == NULL)
            fail_msg("%s: %s does not tell: %s", at->name, docs, at->why);
        r->n++;
    }
    fclose(f);
    free(text);
    return r;
}

void refusals_free(refusals *r) { free(r); }

static row *find(refusals *r, const char *name, size_t length)
{
    for (uint32_t i = 0; i < r->n; i++)
        if (strncmp(r->rows[i].name, name, length) == 0 &&
            r->rows[i].name[length] == '\0')
            return &r->rows[i];
    return NULL;
}

void refusals_meet(refusals *r, const char *line)
{
    char name[MAX_OPERATOR];
    assert_int_equal(sscanf(line, "%*s %95s", name), 1);
    r->n_cases++;
    if (strcmp(name, r->operator_name) != 0) {
        memcpy(r->operator_name, name, sizeof(name));
        r->n_operators++;
        r->at = find(r, name, strlen(name));
        r->is_own = r->at != NULL;
        if (!r->is_own) r->at = find(r, name, strcspn(name, "/"));
    }
    if (r->is_own) r->at->n_met++;
}

bool refusals_allow(refusals *r, const char *message)
{
    r->n_refused++;
    if (r->at == NULL) return false;
    r->at->n_refused++;
    return strstr(message, r->at->why) != NULL;
}

static bool is_static(const row *at)
{
    for (size_t i = 0; i < sizeof(not_static) / sizeof(not_static[0]); i++)
        if (strstr(at->why, not_static[i]) != NULL) return false;
    return true;
}

uint32_t refusals_report(const refusals *r)
{
    uint32_t faults = 0, n_static = r->n_operators, refused = 0;
    for (uint32_t i = 0; i < r->n; i++) {
        const row *at = &r->rows[i];
        if (at->n_met > 0 && at->n_refused == 0) {
            print_error("%s is converted: it is to leave the list\n", at->name);
            faults++;
        }
        if (at->n_met > 0 && !is_static(at)) n_static--;
        if (at->n_refused > 0 && is_static(at)) refused++;
    }
    print_message("%u operators, %u cases: %u refused. Of %u operators that are "
                  "deterministic and of static shapes, %u are refused: %.1f %%\n",
                  (unsigned)r->n_operators, (unsigned)r->n_cases,
                  (unsigned)r->n_refused, (unsigned)n_static, (unsigned)refused,
                  100.0 * refused / n_static);
    return faults;
}
