/* tdag ops */
#include "cli/cli.h"

int cli_ops(cli *c)
{
    if (c->given & (CLI_MD | CLI_TORCH)) {
        char *text = NULL;
        if ((c->given & CLI_TORCH ? tdag_torch_operators_markdown(c->ctx, &text)
                                  : tdag_ops_markdown(c->ctx, &text)) != TDAG_OK)
            return cli_fail_library(c, NULL);
        fputs(text, stdout);
        tdag_text_free(c->ctx, text);
        return CLI_DONE;
    }
#define TDAG_OP(id, code, name, inputs, definition) puts(name);
#include <tdagger/ops.def>
    return CLI_DONE;
}
