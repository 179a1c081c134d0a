/* The core ops and the parameters of each. docs/ops.md, made by `tdag ops --md`, tells
 * what each op computes.
 *
 * An axis is a position in a shape, 0 <= axis < rank; negative axes are an importer's
 * business. A dim is the extent of an axis. */
#ifndef TDAGGER_OPS_H
#define TDAGGER_OPS_H

#include <tdagger/tensor.h>

TDAG_BEGIN_DECLS

typedef enum tdag_op {
    TDAG_OP_NONE = 0,
#define TDAG_OP(id, code, name, inputs, definition) TDAG_OP_##id = code,
#include <tdagger/ops.def>
} tdag_op;

/* "permute"; "?" for a number that is no op. */
TDAG_API const char *tdag_op_name(tdag_op op);
/* TDAG_OP_NONE for a name that is no op. */
TDAG_API tdag_op tdag_op_from_name(const char *name);
/* The op table as a document (Markdown), which is docs/ops.md; freed with
 * tdag_text_free(). Errors: E_NOMEM. */
TDAG_API TDAG_MUST_CHECK tdag_status tdag_ops_markdown(tdag_ctx *ctx, char **out);

/* An extent. A value >= 0 is the integer itself; a value < 0 names an expression over
 * symbols that lives in the builder or graph it came from, where equal expressions have
 * equal values. Do arithmetic on dims with tdag_dim_add() and its sisters only. */
typedef int64_t tdag_dim;

/* n numbers that the callee copies: axes, counts or dims, as the field says. */
typedef struct tdag_list {
    uint32_t n;
    const int64_t *v;
} tdag_list;

/* A literal list: TDAG_LIST(2, 0, 1) */
#define TDAG_LIST(...)                                                                 \
    ((tdag_list){sizeof((int64_t[]){__VA_ARGS__}) / sizeof(int64_t),                   \
                 (const int64_t[]){__VA_ARGS__}})

typedef enum tdag_reduction {
    TDAG_REDUCE_SUM = 1,
    TDAG_REDUCE_PRODUCT = 2,
    TDAG_REDUCE_MIN = 3, /* NaN if any element is NaN */
    TDAG_REDUCE_MAX = 4, /* NaN if any element is NaN */
    TDAG_REDUCE_MEAN = 5,
} tdag_reduction;

typedef enum tdag_pad_mode {
    TDAG_PAD_CONSTANT = 0,
    TDAG_PAD_REFLECT = 1,   /* without repeating the edge; before, after < dim */
    TDAG_PAD_REPLICATE = 2, /* the edge element; dim >= 1 */
    TDAG_PAD_CIRCULAR = 3,  /* before, after <= dim */
} tdag_pad_mode;

typedef enum tdag_scatter_mode {
    TDAG_SCATTER_SET = 0, /* of equal indices the last in row-major order stays */
    TDAG_SCATTER_ADD = 1,
    TDAG_SCATTER_MULTIPLY = 2,
    TDAG_SCATTER_MIN = 3,
    TDAG_SCATTER_MAX = 4,
} tdag_scatter_mode;

typedef struct tdag_permute_spec {
    tdag_list order; /* axis i of the result is axis order[i] of the input */
} tdag_permute_spec;

typedef struct tdag_group_spec {
    tdag_list
        runs; /* lengths of runs of adjacent axes, each >= 1; their sum is the rank */
} tdag_group_spec;

typedef struct tdag_ungroup_spec {
    tdag_list counts;  /* per input axis, into how many axes it splits (>= 1) */
    tdag_list factors; /* dims, counts[0] of the first axis, then counts[1], ... */
} tdag_ungroup_spec;

typedef struct tdag_axes_spec { /* squeeze: axes of the input; unsqueeze: of the result
                                 */
    tdag_list axes;             /* strictly ascending */
} tdag_axes_spec;

typedef struct tdag_slice_spec {
    tdag_list start; /* dims, one per axis */
    tdag_list end;   /* dims, one per axis, exclusive; 0 <= start <= end <= dim */
} tdag_slice_spec;

typedef struct tdag_pad_spec {
    tdag_list before; /* dims >= 0, one per axis */
    tdag_list after;  /* dims >= 0, one per axis */
    int64_t mode;     /* tdag_pad_mode */
    double value;     /* of mode constant, converted to the input's dtype */
} tdag_pad_spec;

typedef struct tdag_select_spec {
    int64_t axis;
    tdag_dim index; /* 0 <= index < dim */
} tdag_select_spec;

typedef struct tdag_repeat_spec {
    tdag_list counts; /* dims, one per axis; 1 where the axis stays */
} tdag_repeat_spec;

typedef struct tdag_window_spec { /* unfold, fold */
    tdag_list kernel;             /* >= 1, one per axis; 1 where the axis stays */
    tdag_list stride;             /* >= 1, one per axis */
} tdag_window_spec;

typedef struct tdag_reduce_spec {
    tdag_list axes; /* strictly ascending; none is the identity */
    int64_t kind;   /* tdag_reduction */
} tdag_reduce_spec;

typedef struct tdag_scan_spec {
    int64_t axis;
    int64_t kind; /* tdag_reduction without mean */
} tdag_scan_spec;

/* What is left open of the order, for who executes it elsewhere; the engines here are
 * stable whatever it is. */
typedef enum tdag_order {
    TDAG_ORDER_STABLE = 0,   /* equal elements keep their order */
    TDAG_ORDER_FREE = 1,     /* equal elements may stand in any order */
    TDAG_ORDER_SELECTED = 2, /* likewise, and each part that is read of it may have
                                another */
    TDAG_ORDER_SET = 3, /* likewise, and a part from the start may be in any order */
} tdag_order;

typedef struct tdag_argsort_spec { /* i64 positions; NaN sorts as the largest */
    int64_t axis;
    int64_t descending; /* 0 or 1 */
    int64_t order;      /* tdag_order */
} tdag_argsort_spec;

typedef struct tdag_convert_spec {
    int64_t dtype; /* tdag_dtype */
} tdag_convert_spec;

typedef struct tdag_gather_spec {
    int64_t batch; /* leading axes that input and index share */
} tdag_gather_spec;

typedef struct tdag_scatter_spec { /* inputs: data, index, update */
    int64_t batch;
    int64_t mode; /* tdag_scatter_mode */
} tdag_scatter_spec;

typedef struct tdag_iota_spec {
    tdag_dim n;    /* the result is 0, 1, ... n-1 */
    int64_t dtype; /* tdag_dtype; a float or an integer type */
} tdag_iota_spec;

typedef struct tdag_opaque_spec {
    const char *name;      /* the operator with its overload: "torchvision::nms" */
    const char *arguments; /* what it was called with, as its framework writes it */
    int64_t output;        /* which of its results this node is */
    int64_t dtype;         /* tdag_dtype of that result */
    tdag_list shape;       /* its dims */
} tdag_opaque_spec;

TDAG_END_DECLS

#endif
