/* Made and run while the library is built: packs the texts of formulas. */
#include "base/pack/pack.h"
#include "derive/formula_layout.h"

static const tdagi_formula_texts texts = {
#define TDAGI_FORMULA(name, text) #name "\0" text,
#include "derive/formulas.def"
    ""};

int main(int argc, char **argv) { return tdagi_pack(argc, argv, &texts, sizeof texts); }
