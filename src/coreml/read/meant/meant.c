/* What was meant by operations that stand, with those before them, for another one:
 * the rows of meant.def. */
#include "coreml/read/meant/match.h"

#include <string.h>

static const struct {
    const char *pattern, *formula;
    tdagi_any (*by)(tdagi_cml_matching *m);
} rows[] = {
#define MEANT(pattern, formula)     {pattern, formula, NULL},
#define MEANT_BY(pattern, function) {pattern, NULL, tdagi_cml_##function},
#include "coreml/read/meant/meant.def"
};

static bool begins(const char *pattern, const char *type)
{
    size_t n = strlen(type);
    return strncmp(pattern, type, n) == 0 && (pattern[n] == '(' || pattern[n] == '\0');
}

bool tdagi_cml_meant(tdagi_cml *im, const Cml__Operation *op, tdagi_any *out)
{
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        tdagi_cml_matching m = {.im = im, .op = op};
        if (!begins(rows[i].pattern, op->type) || !tdagi_env_ok(&im->env)) continue;
        if (!tdagi_cml_match(&m, op, rows[i].pattern)) continue;
        *out = rows[i].by != NULL ? rows[i].by(&m)
                                  : tdagi_cml_eval(&m.call, rows[i].formula);
        tdag_status st = tdag_builder_get_status(im->env.b);
        if (st != TDAG_OK) tdagi_env_fail_here(&im->env, st, op->type);
        if (out->kind != TDAGI_ANY_NONE) return true;
    }
    return !tdagi_env_ok(&im->env);
}
