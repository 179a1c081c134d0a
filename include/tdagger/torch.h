/* TorchScript in and out. Files are read and written by the library itself. Running
 * them needs PyTorch, as do opaque operators: the shim, a library of its own, is loaded
 * then, so a program that does neither never loads PyTorch. */
#ifndef TDAGGER_TORCH_H
#define TDAGGER_TORCH_H

#include <tdagger/model.h>

TDAG_BEGIN_DECLS

/* A method and its inputs, as tdag_from_torchscript() takes them. */
typedef struct tdag_torchscript_method {
    const char *name;
    const tdag_input_spec *inputs;
    uint32_t n_inputs;
} tdag_torchscript_method;

typedef struct tdag_torchscript_options {
    size_t size;           /* set by tdag_torchscript_options_init() */
    const char *shim_path; /* NULL: TDAG_TORCH_SHIM, then the install's own folder */
    const char *method;    /* NULL: "forward" */
    uint32_t flags;        /* TDAG_TORCH_* */
    uint32_t reader;       /* TDAG_TORCH_NATIVE or TDAG_TORCH_SHIM */
    uint32_t writer;       /* the same, of tdag_to_torchscript() */
    /* "NAME=VALUE" of arguments that are no plain tensors. VALUE is the text of a
     * structure as tdagger/model.h tells: "sr=16000", "past=[(T, T), (T, T)]". */
    const char *const *values;
    uint32_t n_values;
    /* Bit i: input i of those given is a complex tensor, and what is given are its
     * pairs [..., 2], as view_as_real() makes them (docs/complex.md). */
    uint64_t complex_inputs;
    /* Of running: the structure of the results, as tdagger/model.h tells. A number that
     * stands where it has a tensor is one of rank 0; NULL: numbers are left out. */
    const char *outputs;
    /* Of reading: more methods that the model gets, as `encode` beside `forward`. They
     * share its weights and its state. `values` and `complex_inputs` are of the first
     * method only. */
    const tdag_torchscript_method *more;
    uint32_t n_more;
} tdag_torchscript_options;
enum {
    TDAG_TORCH_OPAQUE = 1,  /* keep unknown operators as opaque nodes: asks PyTorch */
    TDAG_TORCH_NO_CHECK = 2 /* write the file without proving it */
};
/* Who reads or writes the file. */
enum {
    TDAG_TORCH_NATIVE = 0, /* the library itself, which runs nothing of the file */
    TDAG_TORCH_SHIM = 1,   /* PyTorch, which runs the file's code while it loads it */
};
TDAG_OPTIONS_INIT(tdag_torchscript_options)

/* Reads a file that torch.jit.save() wrote, in eval mode. `inputs` gives dtype and
 * shape of each flat tensor input in order (TorchScript files do not store them).
 * Unknown operators are all reported in one message, each with its module path and
 * source line. Errors: E_SHIM, E_IO, E_FORMAT, E_ARG (number of inputs), E_SHAPE,
 * E_DTYPE, E_UNSUPPORTED, E_NOMEM. options may be NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_from_torchscript(
    tdag_ctx *ctx, const char *path, const tdag_input_spec *inputs, uint32_t n_inputs,
    const tdag_torchscript_options *options, tdag_model **out);

/* Raises the graph and writes a TorchScript file: parameters and buffers under their
 * own names, in nested modules; symbolic dims stay dynamic. Tensors that share memory
 * share it in the file. PyTorch 1.13 and later load it; written by the shim, the
 * PyTorch that wrote it and later. Written under a temporary name, then renamed; before
 * that it is read again, and its graph is proven to compute what the model's does
 * (models with opaque nodes are not). Where an operator's call is not what it stands
 * for, its parts are written instead, and if that does not help it is E_INTERNAL with
 * the node. Errors: E_IO, E_ARG (two names that are one), E_UNSUPPORTED, E_LIMIT,
 * E_INTERNAL, E_NOMEM; by the shim E_SHIM. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_to_torchscript(tdag_ctx *ctx, const tdag_model *model, const char *path,
                    const tdag_torchscript_options *options);

/* Runs the method of a TorchScript file by PyTorch itself, on the CPU in eval mode.
 * inputs are its flat tensor inputs in order: tuples and lists of tensors are filled in
 * order, and an argument that is no tensor takes its default. names may be NULL, and so
 * may each of them; inputs that are all named as arguments of the method go there. *out
 * gets the flat tensor outputs, named out0, out1, ..., freed with tdag_tensors_free().
 * Errors: E_SHIM (PyTorch's own failures too), E_ARG (number of inputs), E_UNSUPPORTED
 * (an argument or result of another type), E_NOMEM. options may be NULL. */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_run_torchscript(tdag_ctx *ctx, const char *path, tdag_tensor *const *inputs,
                     const char *const *names, uint32_t n_inputs,
                     const tdag_torchscript_options *options, tdag_named_tensors *out);

/* The same for a sequence of calls: a file that PyTorch has loaded, whose buffers and
 * attributes keep what a call writes. */
typedef struct tdag_torch_module tdag_torch_module;
/* Freed before its context. shim_path as in the options. Errors: E_SHIM, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_torch_module_open(tdag_ctx *ctx,
                                                            const char *path,
                                                            const char *shim_path,
                                                            tdag_torch_module **out);
TDAG_API void tdag_torch_module_free(tdag_torch_module *module); /* NULL is fine */
/* As tdag_run_torchscript(). */
TDAG_API TDAG_MUST_CHECK tdag_status
tdag_torch_module_run(tdag_torch_module *module, tdag_tensor *const *inputs,
                      const char *const *names, uint32_t n_inputs,
                      const tdag_torchscript_options *options, tdag_named_tensors *out);

/* Loads a library of operators that are not PyTorch's own, such as torchvision's _C.so,
 * whose code runs when it is loaded: files that call them can then be read and written
 * by PyTorch, run by it, and opaque operators asked for. For the life of the process;
 * once more is nothing. shim_path as in the options. Errors: E_SHIM, E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_torch_load_operators(tdag_ctx *ctx,
                                                               const char *path,
                                                               const char *shim_path);

/* The operators the importer knows and those it refuses, as a document (Markdown),
 * which is docs/operators.md; needs no shim; freed with tdag_text_free(). Errors:
 * E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_torch_operators_markdown(tdag_ctx *ctx,
                                                                   char **out);

TDAG_END_DECLS

#endif
