/* How the texts of formulas.def lie in memory: names and texts in turn, ended by "". */
#ifndef TDAGI_FORMULA_LAYOUT_H
#define TDAGI_FORMULA_LAYOUT_H

typedef struct tdagi_formula_texts {
#define TDAGI_FORMULA(name, text) char name[sizeof(#name "\0" text)];
#include "derive/formulas.def"
    char end[1];
} tdagi_formula_texts;

#endif
