/* The `tdag` command: the one table of commands, help, and dispatch. */
#include "cli/cli.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

static const char inputs_help[] =
    "A TorchScript file does not store the dtypes and shapes of its inputs: give one "
    "-i\n"
    "per input in order, or --like. A dimension is a size (3) or a symbol with its "
    "sample\n"
    "value (N=4); counts of symbolic models are formulas. -i NAME=VALUE is an argument "
    "that\n"
    "is no tensor (sr=16000, scale=0.5, 'mode=\"max\"', sizes=[2,3]), or says what one "
    "is made\n"
    "of, each T the next tensor: past=[(T,T),(T,T)].\n";

/* clang-format off */
static const cli_command commands[] = {
    {"info", "MODEL", 1, "count FLOPs, memory traffic and memory held",
     "Prints the totals at the levels core, kernel and fused, and a table at one level\n"
     "(--level, default kernel): by operator, by module or by node (--by, default op).\n"
     "docs/counters.md defines every number. --json prints one object (tdag-info/1) with\n"
     "exact integers; --exact writes the tables' numbers in full.\n",
     CLI_IMPORT | CLI_JSON | CLI_LEVEL | CLI_BY | CLI_EXACT | CLI_CONTENT,
     cli_info},
    {"convert", "MODEL OUT", 2, "write a model in another format",
     "The ending of OUT names the format: .pt (TorchScript), .pt2 (torch.export; docs/pt2.md),\n"
     ".mlpackage (Core ML; docs/coreml.md), .tdag (docs/formats.md; read back in\n"
     "milliseconds, its weights mapped) or .txt (the textual form with every tensor in full,\n"
     "so that it can be read back).\n",
     CLI_EXPORT | CLI_SIMPLIFY, cli_convert},
    {"simplify", "MODEL OUT", 2, "write a model that computes the same with fewer nodes",
     "Runs the simplification passes until nothing changes: dead, common, constants,\n"
     "identities, views (docs/simplify.md). Their results are the same to the last bit.\n"
     "Of a program the statements are simplified, too, and its graphs by these passes.\n"
     "--fix makes an input that is a number, or a state, a constant: --fix n=3, --fix cache\n"
     "(its initial value); branches and loops that this decides go.\n"
     "--fold runs fold as well, which changes the weights: constant scales and shifts, such\n"
     "as those of a batch norm, go into the convolution or product beside them. Formats as\n"
     "in convert.\n",
     CLI_EXPORT | CLI_FOLD | CLI_PASSES | CLI_FIX, cli_simplify},
    {"inline", "MODEL OUT", 2, "write a program whose neighbouring calls are one graph",
     "Calls that stand side by side become one call of one graph; a program that is one\n"
     "call then is written as that graph. Formats as in convert.\n",
     CLI_EXPORT, cli_inline},
    {"unroll", "MODEL OUT", 2, "write loops of a known count as their statements",
     "Loops whose limit is a constant, of at most --most rounds (1024), become the\n"
     "statements of all rounds; then calls are inlined, as by tdag inline, and simplified.\n"
     "Other loops stay. Formats as in convert.\n",
     CLI_EXPORT | CLI_MOST, cli_unroll},
    {"roll", "MODEL OUT", 2, "write the steps of an unrolled recurrence as a loop",
     "Equal steps that follow each other, as in the trace of an LSTM over a sequence,\n"
     "become a loop over one graph (docs/programs.md says which). tdag unroll gives the\n"
     "steps back. Formats as in convert.\n",
     CLI_EXPORT, cli_roll},
    {"run", "MODEL --in X --out Y", 1, "run a model on tensors of a safetensors file",
     "Inputs are the tensors in0, in1, ..., or those named as the model's inputs, or, if\n"
     "neither fits, all tensors in the file's order. Outputs are named out0, out1, ...\n"
     "--engine native (default) evaluates the imported model, reference one core op at a\n"
     "time; torch runs a TorchScript file by PyTorch. --state keeps what a model remembers\n"
     "from call to call, a tensor per state by name; --seed is that of its random draws.\n",
     CLI_IN | CLI_OUT | CLI_METHOD | CLI_STATE | CLI_SEED | CLI_ENGINE | CLI_OPAQUE |
         CLI_OPS | CLI_READER | CLI_SHIM | CLI_QUIET,
     cli_run},
    {"verify", "A B", 2, "run two models on the same inputs and compare every output",
     "Inputs come from --in, or are random by -i, --like or what a .tdag or .txt declares\n"
     "(--seed; floats are standard normal, integers 0 or 1). A TorchScript file runs by\n"
     "PyTorch, any other by the native engine; --engine sets one engine for both.\n"
     "Values may differ by atol + rtol*|b|; NaN equals NaN. Without --rtol and --atol the\n"
     "tolerance follows the output's dtype: see docs/command.md. Exit status 1: they differ.\n"
     "--first names the first value, in topological order, that differs then; both run by\n"
     "the reference engine, or by those of --engine (E, or E,E for A and B). With one model\n"
     "twice, the native engine is compared with the reference engine. --calls N compares a\n"
     "sequence of calls, between which both models remember what they wrote.\n",
     (CLI_IMPORT & ~CLI_AT) | CLI_CALLS | CLI_IN | CLI_RTOL | CLI_ATOL | CLI_SEED | CLI_ENGINE |
         CLI_FIRST,
     cli_verify},
    {"diff", "A B", 2, "compare the structure and the weights of two models",
     "Names of values, module paths, the order of independent nodes and what no output\n"
     "needs do not count. Prints what differs: inputs and outputs, weights with the largest\n"
     "difference, nodes of both that changed, nodes that only one has. --most (default 30)\n"
     "says how many lines, --json prints all as one object (tdag-diff/1). Exit status 1:\n"
     "they differ. TorchScript files need -i, the same for both.\n",
     (CLI_IMPORT & ~CLI_AT) | CLI_JSON | CLI_MOST, cli_diff},
    {"show", "MODEL", 1, "print the textual form, one value per line",
     "Tensors of more than 16 elements appear by dtype and shape only, unless --full.\n"
     "--raised prints the composites that are recognised in it, one kernel per line.\n",
     CLI_IMPORT | CLI_FULL | CLI_RAISED, cli_show},
    {"debatch", "MODEL OUT --dim N", 2, "remove a dimension, such as the batch",
     "OUT takes one sample: the dimension N, which -i names, is gone from its inputs and\n"
     "outputs and from every value between. A model that mixes samples is refused, with\n"
     "the node that does; --at-one takes N to be 1, which is right for any model.\n",
     CLI_EXPORT | CLI_DIM | CLI_AT_ONE, cli_debatch},
    {"batch", "MODEL OUT --dim N[=4]", 2, "add a dimension: the model on many samples",
     "The inverse of debatch: every input (or those of --inputs) and every output gets a\n"
     "new axis N, in front or where --axis says; --dim N=4 sets its sample value.\n",
     CLI_EXPORT | CLI_DIM | CLI_AXIS | CLI_INPUTS, cli_batch},
    {"extract", "MODEL OUT", 2, "cut a part out of a model",
     "The part between named values (--inputs, default the model's; --outputs, likewise),\n"
     "or a module (--module layer3). `tdag show` prints the names of values; in0, in1, ...\n"
     "and out0, ... name inputs and outputs. The inputs must separate the outputs from the\n"
     "rest of the model; weights that the part does not use are left out.\n",
     CLI_EXPORT | CLI_INPUTS | CLI_OUTPUTS | CLI_MODULE | CLI_GRAPH, cli_extract},
    {"split", "MODEL OUT --module A,B,...", 2, "split a model into a chain of models",
     "Writes what comes before module A, A itself, what lies between A and B, B, ..., the\n"
     "rest, as OUT with .0, .1, ... before its ending; a part without nodes is left out. The\n"
     "outputs of each part are the inputs of the next, in order.\n",
     CLI_EXPORT | CLI_MODULE, cli_split},
    {"compose", "MODEL... OUT", -3, "make one model of several",
     "Without --link the outputs of each model feed the next, in order. --link\n"
     "0:VALUE=1:INPUT feeds a value of model 0 to an input of a later model, once per input;\n"
     "what no link feeds becomes an input, results that feed nothing are the outputs. Models\n"
     "are .tdag or .txt files, which know their inputs; the same file may stand several times:\n"
     "its weights are shared.\n",
     CLI_LINK | CLI_READER | CLI_WRITE | CLI_SHIM | CLI_QUIET, cli_compose},
    {"cuts", "MODEL", 1, "suggest where to cut a model in two",
     "The places where the fewest bytes cross, in the order of the nodes: the values that\n"
     "cross (for --outputs of tdag extract), their bytes, and the share of the multiply-adds\n"
     "that lies before. --most (default 10) says how many.\n",
     CLI_IMPORT | CLI_MOST | CLI_EXACT, cli_cuts},
    {"ops", "", 0, "list the core ops",
     "--md prints the op table as Markdown, which is docs/ops.md; with --torch the\n"
     "TorchScript operators that are imported and refused, which is docs/operators.md.\n",
     CLI_MD | CLI_TORCH, cli_ops},
    {"version", "", 0, "print the version", "", 0, cli_version},
};
/* clang-format on */
#define N_COMMANDS (sizeof(commands) / sizeof(commands[0]))

static void print_overview(FILE *to)
{
    fprintf(to, "usage: tdag COMMAND ...\n\n");
    for (size_t i = 0; i < N_COMMANDS; i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].summary);
    fprintf(to,
            "\n`tdag COMMAND --help` tells more.\n"
            "Exit status: 0 done; 1 the answer is no; 2 the command line is wrong;\n"
            "3 a model or file is bad or unsupported.\n");
}

static void print_help(const cli_command *command)
{
    printf("usage: tdag %s%s%s", command->name, command->files[0] == '\0' ? "" : " ",
           command->files);
    printf("%s\n\n%s.\n", command->options == 0 ? "" : " [OPTIONS]", command->summary);
    if (command->help[0] != '\0') printf("\n%s", command->help);
    if (command->options & CLI_INPUT) printf("\n%s", inputs_help);
    if (command->options != 0) printf("\n");
    cli_print_options(command->options, stdout);
}

static const cli_command *find_command(const char *name)
{
    for (size_t i = 0; i < N_COMMANDS; i++)
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}

static int run_command(cli *c, int argc, char **argv)
{
    int status = cli_parse(c, argc, argv);
    if (status != CLI_DONE) return status;
    if (c->given & CLI_HELP) {
        print_help(c->command);
        return cli_flush();
    }
    if (tdag_ctx_create(NULL, &c->ctx) != TDAG_OK)
        return cli_fail(CLI_BAD, "out of memory");
    for (uint32_t i = 0; i < c->n_ops && status == CLI_DONE; i++)
        if (tdag_torch_load_operators(c->ctx, c->ops[i], c->shim) != TDAG_OK)
            status = cli_fail_library(c, NULL);
    if (status == CLI_DONE) status = c->command->run(c);
    if (status == CLI_DONE) status = cli_flush();
    tdag_ctx_free(c->ctx);
    return status;
}

/* What one step of a command frees serves the next: given back to the system, it would
 * be asked for anew, and cleared. */
static void keep_freed_memory(void)
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 32 << 20);
    mallopt(M_TRIM_THRESHOLD, INT_MAX);
    mallopt(M_TOP_PAD, 1 << 20);
#endif
}

int main(int argc, char **argv)
{
    keep_freed_memory();
    const char *name = argc > 1 ? argv[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 ||
        strcmp(name, "help") == 0) {
        const cli_command *about = argc > 2 ? find_command(argv[2]) : NULL;
        if (argc > 2 && about == NULL)
            return cli_fail(CLI_USAGE, "there is no command \"%s\"; see tdag --help",
                            argv[2]);
        if (about != NULL)
            print_help(about);
        else
            print_overview(stdout);
        return cli_flush();
    }
    if (strcmp(name, "--version") == 0 || strcmp(name, "-V") == 0) name = "version";
    if (name[0] == '\0') {
        print_overview(stderr);
        return CLI_USAGE;
    }
    cli c = {.started = cli_clock()};
    c.command = find_command(name);
    if (c.command == NULL)
        return cli_fail(CLI_USAGE, "there is no command \"%s\"; see tdag --help", name);
    int status = run_command(&c, argc - 2, argv + 2);
    free(c.inputs);
    free(c.values);
    free(c.links);
    free(c.ops);
    free(c.fixes);
    free(c.methods);
    free(c.files);
    return status;
}
