/* Pickles written as PyTorch writes them (protocol 2), opcode by opcode into a text.
 * The caller builds from inside out as the machine reads; memo numbers are handed out
 * here. */
#ifndef TDAGI_PICKLE_WRITE_H
#define TDAGI_PICKLE_WRITE_H

#include "base/text.h"

typedef struct tdagi_pickler {
    tdagi_text *to; /* its status sticks */
    uint32_t n_memo;
} tdagi_pickler;

void tdagi_pickle_begin(tdagi_pickler *p, tdagi_text *to); /* PROTO 2 */
void tdagi_pickle_end(tdagi_pickler *p);                   /* STOP */
void tdagi_pickle_none(tdagi_pickler *p);
void tdagi_pickle_bool(tdagi_pickler *p, bool value);
void tdagi_pickle_int(tdagi_pickler *p, int64_t value);
void tdagi_pickle_float(tdagi_pickler *p, double value);
void tdagi_pickle_string(tdagi_pickler *p, const char *s, size_t n);
void tdagi_pickle_global(tdagi_pickler *p, const char *module, const char *name);
void tdagi_pickle_mark(tdagi_pickler *p);
void tdagi_pickle_tuple(tdagi_pickler *p); /* of all since the last mark */
void tdagi_pickle_empty_tuple(tdagi_pickler *p);
void tdagi_pickle_empty_list(tdagi_pickler *p);
void tdagi_pickle_appends(tdagi_pickler *p); /* all since the mark to the list below */
void tdagi_pickle_empty_dict(tdagi_pickler *p);
void tdagi_pickle_setitems(tdagi_pickler *p);
void tdagi_pickle_reduce(tdagi_pickler *p);
void tdagi_pickle_newobj(tdagi_pickler *p);
void tdagi_pickle_build(tdagi_pickler *p);
void tdagi_pickle_persid(tdagi_pickler *p);
uint32_t tdagi_pickle_put(tdagi_pickler *p); /* remembers the top; its memo number */
void tdagi_pickle_get(tdagi_pickler *p, uint32_t memo);

#endif
