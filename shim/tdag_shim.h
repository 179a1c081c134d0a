/* What the importer, the exporter and the torch engine see of PyTorch: a table of C
 * functions. The shim library (C++, linked with one libtorch) exports one symbol,
 * tdag_shim_get_api; src/torch talks to the table only, so a test can give it a fake.
 *
 * Rules that hold for every entry:
 * - Fallible functions return 0, or -1 with one sentence in *error (error may be NULL)
 * and no out-parameter written. No C++ exception leaves the table.
 * - Everything handed out (values, graphs, blocks, nodes, vars, schemas, strings,
 * arrays) belongs to the session it came from and lives until session_free. Nothing is
 * freed one by one. What must outlive the session is a tensor: see tensor_retain.
 * - Functions without an error argument cannot fail on a valid handle. Asked for what a
 *   handle has not (the int of a string, input 7 of 2) they return 0, NULL or "".
 *   String functions return "" when memory runs out, never NULL unless that is said.
 * - One thread at a time uses a session; sessions of different threads are independent.
 */
#ifndef TDAG_SHIM_H
#define TDAG_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tdagger/tensor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised whenever this file changes in a way that an older shim cannot serve. */
#define TDAG_SHIM_ABI 4

#define TDAG_SHIM_MESSAGE_SIZE 1024

typedef struct tdag_shim_error {
    char message[TDAG_SHIM_MESSAGE_SIZE]; /* one line, always terminated */
} tdag_shim_error;

typedef struct tdag_shim_session tdag_shim_session;
typedef struct tdag_shim_value tdag_shim_value; /* a run-time value (c10::IValue) */
typedef struct tdag_shim_graph tdag_shim_graph; /* the graph of a method or function */
typedef struct tdag_shim_block tdag_shim_block; /* a graph's body or a sub-block */
typedef struct tdag_shim_node tdag_shim_node;   /* one operation */
typedef struct tdag_shim_var tdag_shim_var;     /* an edge (torch::jit::Value) */
typedef struct tdag_shim_schema tdag_shim_schema; /* the signature of an operator */

/* Kinds of values. ENUM: see enum_value. OTHER: generators, streams, capsules, ... */
typedef enum tdag_shim_kind {
    TDAG_SHIM_NONE = 0,
    TDAG_SHIM_TENSOR,
    TDAG_SHIM_INT, /* also dtypes, layouts and memory formats, as PyTorch numbers them
                    */
    TDAG_SHIM_DOUBLE,
    TDAG_SHIM_BOOL,
    TDAG_SHIM_STRING,
    TDAG_SHIM_DEVICE, /* value_string is "cpu", "cuda:0", ... */
    TDAG_SHIM_LIST,   /* of any element type, the typed lists included */
    TDAG_SHIM_TUPLE,  /* named tuples too, see tuple_field */
    TDAG_SHIM_DICT,   /* in insertion order */
    TDAG_SHIM_OBJECT, /* modules and instances of script classes */
    TDAG_SHIM_ENUM,
    TDAG_SHIM_COMPLEX,
    TDAG_SHIM_OTHER
} tdag_shim_kind;

/* What a tensor is. The pointers live as long as the value, and while nobody resizes it
 * in place (methods of a module may, walking never does). */
typedef struct tdag_shim_tensor {
    tdag_dtype dtype; /* TDAG_DTYPE_NONE for one that we lack: see dtype_name */
    const char
        *dtype_name; /* PyTorch's: "Float", "ComplexFloat", "QInt8"; "undefined" */
    uint32_t rank;
    const int64_t *sizes;
    const int64_t *strides; /* in elements; NULL when the layout has none (sparse) */
    int64_t count;          /* elements */
    const void
        *data; /* the first element; NULL if empty, not on the CPU or not dense */
    const void *storage;    /* equal for tensors that share memory; NULL as data */
    int64_t storage_offset; /* elements from the start of the storage */
    uint64_t storage_size;  /* bytes of the whole storage */
    bool is_contiguous; /* row-major without gaps, no lazy conjugation or negation */
    bool is_cpu;
    bool is_dense; /* strided layout */
    bool is_quantized;
    bool is_complex;
    bool requires_grad;
} tdag_shim_tensor;

/* A tensor to make: elements in row-major order at data. release NULL: they are copied.
 * Otherwise they are used in place and release(user) is called once, when PyTorch's
 * last reference is gone (perhaps after session_free); never if make_tensor fails. */
typedef struct tdag_shim_tensor_spec {
    tdag_dtype dtype;
    uint32_t rank;
    const int64_t *sizes;
    const void *data; /* NULL is fine when there are no elements */
    void (*release)(void *user);
    void *user;
    bool requires_grad;
    bool is_complex; /* the elements are pairs: the last size is 2, and of no axis */
} tdag_shim_tensor_spec;

/* How an object's slot is registered. */
typedef enum tdag_shim_slot {
    TDAG_SHIM_SLOT_ATTRIBUTE = 0,
    TDAG_SHIM_SLOT_PARAMETER,
    TDAG_SHIM_SLOT_BUFFER,
    TDAG_SHIM_SLOT_MODULE
} tdag_shim_slot;

/* One argument or result of a schema. */
typedef struct tdag_shim_arg {
    const char *name; /* "" for an unnamed result */
    const char *type; /* "Tensor", "int", "List[int]", "Optional[float]" */
    bool kwarg_only;
    bool is_written; /* a Tensor(a!): the operator writes into it */
    bool has_default;
    const tdag_shim_value *default_value; /* NULL unless has_default */
} tdag_shim_arg;

/* Where a node comes from: the Python code if the file tells, else the archive's code.
 */
typedef struct tdag_shim_source {
    const char *location; /* "models/resnet.py:268", or "" */
    const char *text;     /* a source line of it without indentation, or "" */
} tdag_shim_source;

typedef struct tdag_shim_api {
    uint32_t abi; /* TDAG_SHIM_ABI of the shim */

    /* --- the libtorch behind it ------------------------------------------------------
     */
    const char *torch_version; /* "2.13.0" */
    uint32_t torch_major;
    uint32_t torch_minor;
    int (*set_threads)(int n,
                       tdag_shim_error *error); /* intra-op, process-wide, n >= 1 */
    int (*get_threads)(void);

    int (*session_create)(tdag_shim_session **out, tdag_shim_error *error);
    void (*session_free)(tdag_shim_session *session); /* NULL is fine */

    /* --- loading ---------------------------------------------------------------------
     */
    /* Loads a TorchScript file to the CPU and switches it to eval mode. */
    int (*module_load)(tdag_shim_session *session, const char *path,
                       const tdag_shim_value **out, tdag_shim_error *error);
    /* The same of a file that is in memory; the bytes are needed during the call only,
     * name stands for the path in sentences. */
    int (*module_load_bytes)(tdag_shim_session *session, const void *data, size_t size,
                             const char *name, const tdag_shim_value **out,
                             tdag_shim_error *error);

    /* --- values ----------------------------------------------------------------------
     */
    tdag_shim_kind (*value_kind)(const tdag_shim_value *value);
    /* "int", "Tensor", "List[int]", "__torch__.torchvision.models.resnet.ResNet" */
    const char *(*value_type)(tdag_shim_session *session, const tdag_shim_value *value);
    /* Equal for two handles of the same object, list, dict or tensor; NULL for scalars.
     */
    const void *(*value_identity)(const tdag_shim_value *value);
    int64_t (*value_int)(const tdag_shim_value *value);
    double (*value_double)(const tdag_shim_value *value);
    bool (*value_bool)(const tdag_shim_value *value);
    /* STRING and DEVICE; ENUM: its name. The length of a STRING may exceed strlen. */
    const char *(*value_string)(tdag_shim_session *session,
                                const tdag_shim_value *value,
                                size_t *length_out); /* length_out may be NULL */
    const tdag_shim_value *(*enum_value)(tdag_shim_session *session,
                                         const tdag_shim_value *value);
    void (*value_complex)(const tdag_shim_value *value, double *real_out,
                          double *imaginary_out);

    /* LIST and TUPLE: elements. DICT: pairs. OBJECT: attributes. Others: 0. */
    size_t (*value_size)(const tdag_shim_value *value);
    /* LIST, TUPLE: element i. DICT: the value of pair i. OBJECT: the value of attribute
     * i. NULL when i is out of range or memory ran out. */
    const tdag_shim_value *(*value_item)(tdag_shim_session *session,
                                         const tdag_shim_value *value, size_t i);
    const tdag_shim_value *(*dict_key)(tdag_shim_session *session,
                                       const tdag_shim_value *value, size_t i);
    /* The declared element kind of a list, so also of an empty one; OTHER for Any. */
    tdag_shim_kind (*list_kind)(const tdag_shim_value *value);
    /* The name of field i of a named tuple; NULL for a plain tuple. */
    const char *(*tuple_field)(tdag_shim_session *session, const tdag_shim_value *value,
                               size_t i);

    /* --- objects ---------------------------------------------------------------------
     */
    bool (*object_is_module)(const tdag_shim_value *object);
    const char *(*object_attr_name)(tdag_shim_session *session,
                                    const tdag_shim_value *object, size_t i);
    tdag_shim_slot (*object_attr_slot)(const tdag_shim_value *object, size_t i);
    /* The attribute (or class constant) of that name; NULL if there is none. */
    const tdag_shim_value *(*object_attr)(tdag_shim_session *session,
                                          const tdag_shim_value *object,
                                          const char *name);
    size_t (*object_n_methods)(const tdag_shim_value *object);
    const char *(*object_method_name)(tdag_shim_session *session,
                                      const tdag_shim_value *object, size_t i);

    /* --- tensors ---------------------------------------------------------------------
     */
    int (*tensor_get)(const tdag_shim_value *value, tdag_shim_tensor *out,
                      tdag_shim_error *error);
    /* The same elements on the CPU, dense and row-major: the value itself when it is
     * that already (nothing is copied then), a converted copy otherwise. A complex
     * tensor comes as pairs of real numbers, with one axis more. */
    int (*tensor_contiguous)(tdag_shim_session *session, const tdag_shim_value *value,
                             const tdag_shim_value **out, tdag_shim_error *error);
    /* One more reference that is independent of the session; NULL when out of memory.
     * tensor_release (any thread) drops it: the pair fits tdag_tensor_wrap. */
    void *(*tensor_retain)(const tdag_shim_value *value);
    void (*tensor_release)(void *retained);

    /* --- graphs: not inlined, not optimised ------------------------------------------
     */
    int (*method_graph)(tdag_shim_session *session, const tdag_shim_value *object,
                        const char *method, const tdag_shim_graph **out,
                        tdag_shim_error *error);
    /* An object without attributes of the class that result 0 of a node has. */
    int (*object_new)(tdag_shim_session *session, const tdag_shim_node *node,
                      const tdag_shim_value **out, tdag_shim_error *error);
    /* The schema of a method, self first: argument names, types and defaults. */
    int (*method_schema)(tdag_shim_session *session, const tdag_shim_value *object,
                         const char *method, const tdag_shim_schema **out,
                         tdag_shim_error *error);
    /* The function behind a var of function type (input 0 of prim::CallFunction). Its
     * graph has no self. Fails for a var that is no function of TorchScript code. */
    int (*var_function)(tdag_shim_session *session, const tdag_shim_var *var,
                        const tdag_shim_graph **graph_out, const char **name_out,
                        tdag_shim_error *error);

    const tdag_shim_block *(*graph_block)(const tdag_shim_graph *graph);

    /* A root block's inputs are the arguments (self first in a method), its outputs the
     * results: always one. Of prim::If the outputs are the branch's values; of
     * prim::Loop input 0 is the iteration, the rest is carried, output 0 the next
     * condition. */
    size_t (*block_n_inputs)(const tdag_shim_block *block);
    const tdag_shim_var *(*block_input)(const tdag_shim_block *block, size_t i);
    size_t (*block_n_outputs)(const tdag_shim_block *block);
    const tdag_shim_var *(*block_output)(const tdag_shim_block *block, size_t i);
    const tdag_shim_node *(*block_first)(
        const tdag_shim_block *block);                              /* NULL: empty */
    const tdag_shim_node *(*node_next)(const tdag_shim_node *node); /* NULL: the end */

    const char *(*node_kind)(const tdag_shim_node *node); /* "aten::relu", "prim::If" */
    size_t (*node_n_inputs)(const tdag_shim_node *node);
    const tdag_shim_var *(*node_input)(const tdag_shim_node *node, size_t i);
    size_t (*node_n_outputs)(const tdag_shim_node *node);
    const tdag_shim_var *(*node_output)(const tdag_shim_node *node, size_t i);
    size_t (*node_n_blocks)(const tdag_shim_node *node);
    const tdag_shim_block *(*node_block)(const tdag_shim_node *node, size_t i);
    /* NULL for nodes without one (prim::If, prim::GetAttr, prim::CallMethod, ...). */
    const tdag_shim_schema *(*node_schema)(tdag_shim_session *session,
                                           const tdag_shim_node *node);
    void (*node_source)(tdag_shim_session *session, const tdag_shim_node *node,
                        tdag_shim_source *out);
    /* The scope a tracer noted, "" if none. Saved files keep none: follow the calls. */
    const char *(*node_scope)(tdag_shim_session *session, const tdag_shim_node *node);
    size_t (*node_n_attrs)(const tdag_shim_node *node);
    const char *(*node_attr_name)(const tdag_shim_node *node, size_t i);
    /* An attribute as a value: numbers, strings, tensors, their lists, constants; types
     * become strings. NULL if there is none of that name or it is a graph. */
    const tdag_shim_value *(*node_attr)(tdag_shim_session *session,
                                        const tdag_shim_node *node, const char *name);

    uint64_t (*var_id)(const tdag_shim_var *var); /* unique in the graph of its root */
    /* "input.1", "x"; the id in digits for one that was never named. */
    const char *(*var_name)(tdag_shim_session *session, const tdag_shim_var *var);
    const char *(*var_type)(tdag_shim_session *session, const tdag_shim_var *var);
    /* The field names of a var of named tuple type; NULL beyond them or if it is none.
     */
    const char *(*var_tuple_field)(tdag_shim_session *session, const tdag_shim_var *var,
                                   size_t i);
    const tdag_shim_node *(*var_node)(const tdag_shim_var *var); /* its producer */
    /* The value of a prim::Constant's output (None included); NULL for any other var.
     */
    const tdag_shim_value *(*var_constant)(tdag_shim_session *session,
                                           const tdag_shim_var *var);

    /* --- schemas and operators -------------------------------------------------------
     */
    /* The operator registered as "aten::add", "Tensor"; NULL if this PyTorch has none.
     * Overload "" is the default one. */
    const tdag_shim_schema *(*op_schema)(tdag_shim_session *session, const char *name,
                                         const char *overload);
    size_t (*op_n_overloads)(const char *name); /* 0: PyTorch does not know the name */
    const tdag_shim_schema *(*op_overload)(tdag_shim_session *session, const char *name,
                                           size_t i);
    const char *(*schema_name)(const tdag_shim_schema *schema);     /* "aten::add" */
    const char *(*schema_overload)(const tdag_shim_schema *schema); /* "Tensor" or "" */
    const char *(*schema_text)(tdag_shim_session *session,
                               const tdag_shim_schema *schema);
    size_t (*schema_n_args)(const tdag_shim_schema *schema);
    size_t (*schema_n_results)(const tdag_shim_schema *schema);
    bool (*schema_is_vararg)(const tdag_shim_schema *schema);
    void (*schema_arg)(tdag_shim_session *session, const tdag_shim_schema *schema,
                       size_t i,
                       tdag_shim_arg *out); /* out of range: zeroes, name and type "" */
    void (*schema_result)(tdag_shim_session *session, const tdag_shim_schema *schema,
                          size_t i, tdag_shim_arg *out);

    /* --- making values ---------------------------------------------------------------
     */
    /* NULL when out of memory. */
    const tdag_shim_value *(*make_none)(tdag_shim_session *session);
    const tdag_shim_value *(*make_int)(tdag_shim_session *session, int64_t value);
    const tdag_shim_value *(*make_double)(tdag_shim_session *session, double value);
    const tdag_shim_value *(*make_bool)(tdag_shim_session *session, bool value);
    const tdag_shim_value *(*make_string)(tdag_shim_session *session, const char *text);
    int (*make_device)(tdag_shim_session *session, const char *text,
                       const tdag_shim_value **out, tdag_shim_error *error);
    /* Specs with a release and the same data, dtype and sizes give the same tensor
     * within a session (the later release is called at once): registered twice it stays
     * one tensor in the saved file. Such elements must not change while the session
     * lives. */
    int (*make_tensor)(tdag_shim_session *session, const tdag_shim_tensor_spec *spec,
                       const tdag_shim_value **out, tdag_shim_error *error);
    /* A tensor that has dtype and sizes but no elements, for op_ask; spec->data and
     * what follows it do not count. */
    int (*make_meta)(tdag_shim_session *session, const tdag_shim_tensor_spec *spec,
                     const tdag_shim_value **out, tdag_shim_error *error);
    /* type: that of the elements ("int", "float", "bool", "str", "Tensor", "List[int]",
     * "Optional[Tensor]", ...); NULL: that of item 0, Tensor when there are none. */
    int (*make_list)(tdag_shim_session *session, const char *type, size_t n,
                     const tdag_shim_value *const *items, const tdag_shim_value **out,
                     tdag_shim_error *error);
    int (*make_tuple)(tdag_shim_session *session, size_t n,
                      const tdag_shim_value *const *items, const tdag_shim_value **out,
                      tdag_shim_error *error);
    /* Key and value types as in make_list; NULL: of pair 0, str to Tensor if none. */
    int (*make_dict)(tdag_shim_session *session, const char *key_type,
                     const char *value_type, size_t n,
                     const tdag_shim_value *const *keys,
                     const tdag_shim_value *const *values, const tdag_shim_value **out,
                     tdag_shim_error *error);

    /* --- building modules ------------------------------------------------------------
     */
    /* An empty module; class_name is a dotted path ("__torch__.Exported"), made unique.
     */
    int (*module_create)(tdag_shim_session *session, const char *class_name,
                         const tdag_shim_value **out, tdag_shim_error *error);
    /* An empty submodule of parent under that attribute name. */
    int (*module_add_module)(tdag_shim_session *session, const tdag_shim_value *parent,
                             const char *name, const char *class_name,
                             const tdag_shim_value **out, tdag_shim_error *error);
    /* A parameter, buffer or plain attribute; state_dict() keeps the order of the calls
     * (parameters before buffers, own before those of submodules). type as in
     * make_list, NULL: that of the value. Parameters and buffers are tensors or None.
     * Register before define: code can only name what exists. */
    int (*module_add_attr)(tdag_shim_session *session, const tdag_shim_value *module,
                           const char *name, tdag_shim_slot slot, const char *type,
                           const tdag_shim_value *value, tdag_shim_error *error);
    /* Compiles "def forward(self, x: Tensor) -> Tensor:\n    return torch.relu(x)\n"
     * (one or more methods) into the module. Names beside the module's own: `torch`
     * (aten operators: torch.conv2d), `ops` (ops.prim.NumToTensor, ops.aten.x), `inf`,
     * `nan`. */
    int (*module_define)(tdag_shim_session *session, const tdag_shim_value *module,
                         const char *source, tdag_shim_error *error);
    /* Any module: one that was built or one that was loaded. Overwrites path; writing
     * under another name and renaming is the caller's part. */
    int (*module_save)(tdag_shim_session *session, const tdag_shim_value *module,
                       const char *path, tdag_shim_error *error);

    /* --- running, without gradients --------------------------------------------------
     */
    /* names: NULL, or per argument the keyword it is given by (NULL: by position). The
     * result is one value (a tuple for several). The module's state may change. */
    int (*method_run)(tdag_shim_session *session, const tdag_shim_value *object,
                      const char *method, size_t n, const tdag_shim_value *const *args,
                      const char *const *names, const tdag_shim_value **out,
                      tdag_shim_error *error);
    /* Runs one operator on all its arguments (see op_schema), in order. outs gets one
     * handle per result; n_outs must be schema_n_results. */
    int (*op_run)(tdag_shim_session *session, const tdag_shim_schema *schema, size_t n,
                  const tdag_shim_value *const *args, size_t n_outs,
                  const tdag_shim_value **outs, tdag_shim_error *error);
    /* What op_run would give, as meta tensors, without doing what the operator does:
     * its tensors come from make_meta, a device it takes is "meta" whatever is given.
     * PyTorch's kernels for such tensors compute dtypes and sizes and touch nothing
     * else. Fails where there is no such kernel, so also for operators of others, and
     * where sizes depend on elements. */
    int (*op_ask)(tdag_shim_session *session, const tdag_shim_schema *schema, size_t n,
                  const tdag_shim_value *const *args, size_t n_outs,
                  const tdag_shim_value **outs, tdag_shim_error *error);
    /* Whether the sizes of results depend on elements, as those of "aten::nonzero". */
    bool (*op_is_sized_by_data)(const tdag_shim_schema *schema);
} tdag_shim_api;

/* The shim's only symbol. NULL when it does not speak that ABI; abi 0 gets the table of
 * the shim's own, of which only the field `abi` may then be read. */
#define TDAG_SHIM_SYMBOL "tdag_shim_get_api"
typedef const tdag_shim_api *(*tdag_shim_get_api_fn)(uint32_t abi);
TDAG_API const tdag_shim_api *tdag_shim_get_api(uint32_t abi);

#ifdef __cplusplus
}
#endif

#endif
