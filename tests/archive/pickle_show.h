/* Values of pickles as text, much like Python's. */
#ifndef TDAG_TEST_PICKLE_SHOW_H
#define TDAG_TEST_PICKLE_SHOW_H

#include "archive/pickle.h"
#include "base/text.h"

void pickle_show(tdagi_text *to, const tdagi_pickle *v);

#endif
