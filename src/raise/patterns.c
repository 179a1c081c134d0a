/* The table of recognisers: which composites may be rooted at which op. */
#include "raise/raiser.h"

tdag_status tdagi_recognise(tdagi_raiser *r, tdag_value v, tdagi_match **out)
{
    *out = r->contractions[v.id];
    return TDAG_OK;
}
