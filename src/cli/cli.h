/* What the files of the `tdag` command share. It is a client of the library: public
 * headers only, and base/half.h to read halves. */
#ifndef CLI_H
#define CLI_H

#include <stdio.h>

#include <tdagger.h>

/* Exit statuses. */
enum {
    CLI_DONE = 0,
    CLI_NO = 1,    /* the answer is no: verify found a difference */
    CLI_USAGE = 2, /* the command line is wrong */
    CLI_BAD = 3,   /* a model or a file is bad or unsupported, or memory ran out */
};

#define CLI_MOST_METHODS 64

/* Which options a command takes, by bit. */
#define CLI_BIT(number)  ((uint64_t)1 << (number))
#define CLI_INPUT        CLI_BIT(0)
#define CLI_LIKE         CLI_BIT(1)
#define CLI_JSON         CLI_BIT(2)
#define CLI_LEVEL        CLI_BIT(3)
#define CLI_BY           CLI_BIT(4)
#define CLI_EXACT        CLI_BIT(5)
#define CLI_IN           CLI_BIT(6)
#define CLI_OUT          CLI_BIT(7)
#define CLI_ENGINE       CLI_BIT(8)
#define CLI_RTOL         CLI_BIT(9)
#define CLI_ATOL         CLI_BIT(10)
#define CLI_SEED         CLI_BIT(11)
#define CLI_FULL         CLI_BIT(12)
#define CLI_OPAQUE       CLI_BIT(13)
#define CLI_SHIM         CLI_BIT(14)
#define CLI_QUIET        CLI_BIT(15)
#define CLI_MD           CLI_BIT(16)
#define CLI_HELP         CLI_BIT(17)
#define CLI_INPUTS       CLI_BIT(18)
#define CLI_OUTPUTS      CLI_BIT(19)
#define CLI_MODULE       CLI_BIT(20)
#define CLI_LINK         CLI_BIT(21)
#define CLI_MOST         CLI_BIT(22)
#define CLI_FOLD         CLI_BIT(23)
#define CLI_PASSES       CLI_BIT(24)
#define CLI_SIMPLIFY     CLI_BIT(25)
#define CLI_DIM          CLI_BIT(26)
#define CLI_AT_ONE       CLI_BIT(27)
#define CLI_AXIS         CLI_BIT(28)
#define CLI_CONTENT      CLI_BIT(29)
#define CLI_TORCH        CLI_BIT(30)
#define CLI_FIRST        CLI_BIT(32)
#define CLI_RAISED       CLI_BIT(33)
#define CLI_READER       CLI_BIT(34)
#define CLI_WRITER       CLI_BIT(35)
#define CLI_NO_CHECK     CLI_BIT(36)
#define CLI_AT           CLI_BIT(31)
#define CLI_COMPLEX      CLI_BIT(40)
#define CLI_METHOD       CLI_BIT(41)
#define CLI_STATE        CLI_BIT(42)
#define CLI_CALLS        CLI_BIT(43)
#define CLI_OPS          CLI_BIT(44)
#define CLI_GRAPH        CLI_BIT(45)
#define CLI_FIX          CLI_BIT(46)
#define CLI_TARGET       CLI_BIT(47)
#define CLI_F16          CLI_BIT(48)
#define CLI_STATE_INPUTS CLI_BIT(49)
#define CLI_IMPORT                                                                     \
    (CLI_COMPLEX | CLI_INPUT | CLI_LIKE | CLI_AT | CLI_METHOD | CLI_OPAQUE | CLI_OPS | \
     CLI_READER | CLI_SHIM | CLI_QUIET)
#define CLI_WRITE  (CLI_WRITER | CLI_NO_CHECK | CLI_TARGET | CLI_F16 | CLI_STATE_INPUTS)
#define CLI_EXPORT (CLI_IMPORT | CLI_WRITE)

/* "a,b" taken apart. */
typedef struct cli_names {
    char *text;
    const char **names;
    uint32_t n;
} cli_names;

/* A method, and the first of the -i that are its own: those behind it. */
typedef struct cli_method {
    const char *name;
    uint32_t first;
} cli_method;

/* A command line taken apart; the strings are those of argv. */
typedef struct cli {
    const struct cli_command *command;
    tdag_ctx *ctx;
    double started; /* seconds of the clock */
    uint64_t given; /* options, by bit */
    const char **files;
    int n_files;
    const char **inputs; /* of -i, in order */
    uint32_t n_inputs;
    const char **values; /* of -i, those that are "NAME=VALUE" */
    uint32_t n_values;
    const char *like, *in, *out, *engine, *shim, *reader, *writer, *level, *by, *passes,
        *dim;
    const char *engine_b;             /* of "--engine E,E"; else engine */
    const char *names_in, *names_out; /* of --inputs, --outputs: "a,b" */
    const char *module;
    const char *graph;  /* of --graph */
    const char **fixes; /* of --fix, in order */
    uint32_t n_fixes;
    const char *at;     /* of --at: "N=8,S=T" */
    const char **links; /* of --link, in order */
    uint32_t n_links;
    const char **ops; /* of --ops, in order */
    uint32_t n_ops;
    const char *method;  /* of the first --method; NULL: forward */
    cli_method *methods; /* of --method, in order */
    uint32_t n_methods;
    bool stays_whole;   /* --method says what to call of a model; set by the command */
    const char *state;  /* of --state: a file */
    const char *target; /* of --target: "iOS17" */
    double rtol, atol;
    uint64_t seed, most, axis, calls;
    uint64_t complex;    /* of --complex, as bits */
    bool takes_programs; /* the command does more than one graph; set by it */
    cli_names *at_left; /* set by a command that takes sizes of programs: what --at says
                           is put there, if the model is one */
} cli;

typedef struct cli_command {
    const char *name;
    const char *files; /* as the usage line names them */
    int n_files;       /* -3: at least 3 */
    const char *summary;
    const char *help; /* paragraphs after the usage line and the options */
    uint64_t options;
    int (*run)(cli *c);
} cli_command;

int cli_info(cli *c);
int cli_convert(cli *c);
int cli_run(cli *c);
int cli_verify(cli *c);
int cli_diff(cli *c);
int cli_show(cli *c);
int cli_simplify(cli *c);
int cli_inline(cli *c);
int cli_unroll(cli *c);
int cli_roll(cli *c);
int cli_extract(cli *c);
int cli_split(cli *c);
int cli_compose(cli *c);
int cli_cuts(cli *c);
int cli_ops(cli *c);
int cli_debatch(cli *c);
int cli_batch(cli *c);
int cli_version(cli *c);

/* ---- arguments (args.c) ---- */
/* Reads what follows the command's name. CLI_DONE, or CLI_USAGE with its line printed.
 */
int cli_parse(cli *c, int argc, char **argv);
void cli_print_options(uint64_t options, FILE *to);

/* ---- messages (message.c) ---- */
/* Prints "tdag: error: <sentence>" as one line and returns status. */
int cli_fail(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The same for what a library call reported about a file (NULL: none): CLI_BAD. */
int cli_fail_library(const cli *c, const char *file);
/* Says what is being done, on a terminal and once a second has passed. */
void cli_progress(const cli *c, const char *what, const char *file);
double cli_clock(void);
/* The escape sequence of a style where `to` is a terminal that shows colour, else "".
 * NO_COLOR and TERM=dumb turn it off. */
typedef enum cli_style { CLI_PLAIN, CLI_TITLE, CLI_GOOD, CLI_WRONG } cli_style;
const char *cli_color(FILE *to, cli_style style);
/* Flushes standard output: CLI_DONE, or CLI_BAD when it could not be written. */
int cli_flush(void);

/* ---- inputs (inputs.c) ---- */
/* The inputs as a command line describes them. */
typedef struct cli_inputs {
    tdag_input_spec *specs;
    char **storages; /* of each spec; NULL: its strings live elsewhere */
    uint32_t n;
    tdag_tensor **values;       /* of each spec, lent by tensors; NULL without a file */
    tdag_named_tensors tensors; /* what --in or --like named, in the file's order */
    uint32_t n_outputs;         /* of these, results that stand beside the inputs */
} cli_inputs;

/* From -i, --like or --in; none of them gives n = 0. */
int cli_inputs_get(cli *c, cli_inputs *out);
/* The result out<i> that the file holds; NULL: none. */
const tdag_tensor *cli_inputs_output(const cli_inputs *inputs, uint32_t i);
/* The declared inputs of a method, at the samples of its symbols. */
int cli_inputs_of_method(const tdag_method *method, cli_inputs *out);
void cli_inputs_free(cli *c, cli_inputs *inputs);
/* order[i] = which of the inputs is the method's input i: by name if all are named as
 * the method's inputs, else by position. */
void cli_order(const cli_inputs *inputs, const tdag_method *method, uint32_t *order);
/* Random tensors, one per input: normal floats, integers 0 and 1, the same for the same
 * seed. What was made when it failed is in out, too. */
int cli_random_tensors(cli *c, uint64_t seed, const cli_inputs *inputs,
                       tdag_tensor **out);
void cli_spec_of_tensor(const tdag_tensor *tensor, tdag_input_spec *out);
/* "f32[2,4]", at the samples */
void cli_spec_text(const tdag_input_spec *spec, char *buf, size_t size);

/* ---- models (load.c) ---- */
/* What a file is: by its content, by its ending where that tells nothing; prints why
 * when it is nothing that is read. */
int cli_kind_of_file(cli *c, const char *path, tdag_file_kind *out);
/* What a file to be written should be, by its ending. */
tdag_file_kind cli_kind_of_name(const char *path);
/* Reads a model; a TorchScript file needs the inputs that it takes. Prints what went
 * wrong. */
int cli_load(cli *c, const char *path, const cli_inputs *inputs, tdag_model **out);
/* The method that --method names, or forward, or the only one; prints what there is. */
int cli_find_method(const cli *c, const char *path, const tdag_model *model,
                    const tdag_method **out);
/* Whether the model of a file takes inputs at all. */
int cli_takes_inputs(cli *c, const char *path, bool *out);
/* The model of the first file, imported with the inputs of the command line, at the
 * sizes that --at names. */
int cli_load_first(cli *c, tdag_model **out);
/* What --complex says of a file: of the first one alone, as others may be its exports,
 * which take pairs. */
uint64_t cli_complex_inputs(const cli *c, const char *path);
void cli_torch_options(const cli *c, tdag_torchscript_options *out);

/* ---- lists of names (extract.c) ---- */
/* The value of an option, NULL: no names. Prints what is wrong; frees what it made. */
int cli_split_names(const char *name, const char *value, cli_names *out);
void cli_free_names(cli_names *names);

/* ---- writing models (save.c) ---- */
/* Whether a file of that name can be written, by its ending, with the options that are
 * given; prints why not. */
int cli_check_name(const cli *c, const char *path);
/* Writes a model in the format that the ending names. */
int cli_write_model(cli *c, const tdag_model *model, const char *path);
/* The model simplified as --passes and --fold say; *model is replaced. */
int cli_simplify_model(cli *c, tdag_model **model);

/* ---- comparing (compare.c) ---- */
typedef struct cli_comparison {
    double rtol, atol; /* an element may differ by atol + rtol*|b| */
    double max_abs, max_rel;
    int64_t n_bad, first_bad; /* elements */
} cli_comparison;

/* Two tensors of one dtype and shape, by the tolerances of the command line. */
void cli_compare(const cli *c, const tdag_tensor *a, const tdag_tensor *b,
                 cli_comparison *out);
bool cli_same_type(const tdag_tensor *a, const tdag_tensor *b);
/* "  max abs 1e-06 ..." on standard output */
void cli_print_errors(const cli_comparison *c);
/* The end of a line there: "  ok" and such, in colour. */
void cli_print_verdict(bool good, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Finds and prints the first value at which the two models differ (first.c). */
int cli_find_first(cli *c, const cli_inputs *inputs, tdag_tensor *const *values);

/* ---- running (run.c) ---- */
typedef struct cli_outputs {
    tdag_tensor **tensors;
    uint32_t n;
} cli_outputs;

/* A model that is called, perhaps several times, and what it remembers meanwhile. */
typedef struct cli_runner {
    const char *path;
    const cli_inputs *inputs;
    bool is_reference;
    tdag_model *model; /* and state; or PyTorch's */
    tdag_state *state;
    tdag_torch_module *torch;
    const char *outputs; /* the structure that PyTorch's results have; NULL: unknown */
    uint32_t *order;     /* of the inputs */
    uint64_t n_calls;
} cli_runner;

/* Opens the model of a file. engine NULL: PyTorch for TorchScript files, native for
 * others. What failed is closed, too. */
int cli_runner_open(cli *c, const char *path, const char *engine,
                    const cli_inputs *inputs, cli_runner *out);
/* One call; the values are in the order of inputs->specs. */
int cli_runner_call(cli *c, cli_runner *r, tdag_tensor *const *values,
                    cli_outputs *out);
void cli_runner_close(cli_runner *r);
/* The structure of the results as the model has it; NULL: PyTorch runs it. */
const char *cli_runner_outputs(const cli *c, const cli_runner *r);
void cli_outputs_free(cli_outputs *outputs);
/* A model in memory, values in the order of its inputs; state NULL: the initial one. */
int cli_run_model(cli *c, const cli_runner *r, const tdag_model *model,
                  tdag_tensor *const *values, uint32_t n, cli_outputs *out);

/* ---- tables (table.c) ---- */
#define CLI_CELL 64
typedef struct cli_table {
    char (*cells)[CLI_CELL];
    size_t n, capacity;
    size_t columns, left; /* the first `left` columns stand left, the others right */
    bool failed;          /* out of memory */
} cli_table;
void cli_table_add(cli_table *t, const char *cell);
void cli_table_print(const cli_table *t);
void cli_table_free(cli_table *t);
/* "4.09 G", "102 M"; exact: "4089184256". unit "B" makes "102 MB". */
void cli_number(double value, const char *unit, bool exact, char *buf, size_t size);
/* Appends an item to a list that was begun with '[' and is ended with ']'. */
void cli_list_add(char *buf, size_t size, const char *item);
void cli_list_end(char *buf, size_t size);
void cli_list_add_int(char *buf, size_t size, int64_t item);
/* "f32[N,3]" of a graph's value */
void cli_type_text(const tdag_graph *graph, tdag_value value, char *buf, size_t size);
/* "12.5%" with the unit "%" */
void cli_share(double part, double whole, const char *unit, char *buf, size_t size);

#endif
