/* tdag version */
#include "cli/cli.h"

int cli_version(cli *c)
{
    (void)c;
    printf("tdag %d.%d.%d\n", TDAG_VERSION_MAJOR, TDAG_VERSION_MINOR,
           TDAG_VERSION_PATCH);
    return CLI_DONE;
}
