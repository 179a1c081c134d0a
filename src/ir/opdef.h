/* What a core op is: one constant tdagi_opdef per row of ops.def, in src/ops. The
 * verifier, the text form, JSON, counters, evaluator and transforms read it. */
#ifndef TDAGI_OPDEF_H
#define TDAGI_OPDEF_H

#include <tdagger/ops.h>

#include "base/dim/dim.h"
#include "base/tensor.h"
#include "ir/field.h"
#include "ir/index_map.h"

/* ---- the hooks' arguments ---- */
/* Dtype, rank and dims of one value. */
typedef struct tdagi_type {
    tdag_dtype dtype;
    uint32_t rank;
    tdag_dim shape[TDAG_MAX_RANK];
} tdagi_type;

/* Shape rule: checks spec and inputs and fills out. Dims may be symbolic: combine them
 * with tdagi_dim_* of pool; compare by number for "the same", and where a rule is an
 * inequality check it at the samples (tdagi_dim_sample). Fails by tdagi_fail(c->ctx,
 * ...) with a sentence that names the op. Spec lists have been checked for NULL only.
 */
typedef struct tdagi_shape_call {
    tdag_ctx *ctx;
    tdagi_pool *pool;
    const void *spec;
    uint32_t n_inputs;
    const tdagi_type *inputs;
    tdagi_type *out; /* zeroed before */
} tdagi_shape_call;

/* Counts of one core op, as dims (constants unless symbolic); see design section 4. */
typedef struct tdagi_cost {
    tdag_dim flops;
    tdag_dim macs;
    tdag_dim reads;      /* elements */
    tdag_dim writes;     /* elements */
    tdag_dim read_bytes; /* each operand's elements times its own element size */
    tdag_dim write_bytes;
} tdagi_cost;

typedef struct tdagi_cost_call {
    tdagi_pool *pool;
    const void *spec;
    uint32_t n_inputs;
    const tdagi_type *inputs;
    const tdagi_type *output;
    tdagi_cost *out; /* zeroed before */
} tdagi_cost_call;

/* Reference evaluation: plain loops, correct before fast. inputs are contiguous; out
 * has its final dtype and shape and uninitialised elements. spec dims are integers
 * here. */
typedef struct tdagi_eval_call {
    tdag_ctx *ctx;
    const void *spec;
    uint32_t n_inputs;
    const tdag_tensor *const *inputs;
    tdag_tensor *out;
} tdagi_eval_call;

/* Axis rule, for removing a dim D from a graph. A mark says where D sits in a value: in
 * axis `axis`, whose dim is outer*D*inner in row-major order; axis < 0: the value does
 * not depend on D's index (it has no D). The rule gets the marks of the inputs, decides
 * the mark of the output, and rewrites the node as it is without D: it adds the nodes
 * it needs to `builder` from the already rewritten inputs and returns the new value.
 * Fails with E_UNSUPPORTED and a sentence saying why samples are mixed. */
typedef struct tdagi_mark {
    int32_t axis;
    tdag_dim outer;
    tdag_dim inner;
    /* The value is what it is rewritten to, plus ramp * the position in D: it counts
     * the positions, as an iota does. 0: it does not. */
    tdag_dim ramp;
    bool same; /* its parts at all positions of D are equal: a broadcast */
    bool
        free; /* same, and the whole axis is: any outer and inner of that product fit */
} tdagi_mark;

struct tdag_builder;
typedef struct tdagi_axis_call {
    tdag_ctx *ctx;
    struct tdag_builder *builder; /* of the new graph */
    tdagi_pool *pool; /* the new graph's; spec, types and marks use it too */
    tdag_dim dim;     /* D */
    const void *spec; /* of the old node, dims imported into pool */
    uint32_t n_inputs;
    const tdagi_type *types;  /* of the old inputs */
    const tdagi_type *output; /* of the old node */
    const tdagi_mark *marks;  /* of the old inputs */
    const uint32_t *inputs;   /* ids of the new inputs */
    tdagi_mark *mark_out;     /* of the old node's result */
    uint32_t *out;            /* id of the new value */
} tdagi_axis_call;

/* The other way: a dim D becomes a new leading axis of some inputs (marks[i].axis is 0;
 * types are without it) and of the result. add_dim is called where at least one input
 * has it, and adds the node as it is on all positions of D at once. mark_out is unused.
 * NULL: this op cannot get an axis. */

/* What kind of op it is. */
typedef enum tdagi_op_class {
    TDAGI_CLASS_LEAF = 1,    /* no inputs */
    TDAGI_CLASS_VIEW,        /* movement that needs no copy */
    TDAGI_CLASS_MOVE,        /* other movement */
    TDAGI_CLASS_ELEMENTWISE, /* each result element from one element of each operand */
    TDAGI_CLASS_REDUCTION,   /* of whole axes */
    TDAGI_CLASS_FOLD,        /* sums of elements that meet: a movement's transpose */
    TDAGI_CLASS_ORDERED,     /* along an axis, by what came before or is smaller */
    TDAGI_CLASS_INDEXED,     /* positions are data */
    TDAGI_CLASS_OPAQUE,      /* unknown */
} tdagi_op_class;

typedef struct tdagi_opdef {
    const char *brief;         /* one line for docs and help */
    uint8_t op_class;          /* tdagi_op_class */
    bool holds_tensor;         /* leaf: its node has a tensor, no spec */
    bool commutes;             /* binary: x op y is y op x */
    bool same_order;           /* movement: a reshape, the elements in the same order */
    bool rearranges;           /* movement: each element of the input, once */
    bool overwrites;           /* eval may have its first input as its output */
    uint16_t spec_size;        /* 0 = no spec */
    const tdagi_field *fields; /* NULL = no spec; else ended by a zero row */
    tdag_status (*shape)(const tdagi_shape_call *call);
    void (*cost)(const tdagi_cost_call *call);        /* errors stick in the pool */
    tdag_status (*eval)(const tdagi_eval_call *call); /* NULL: leaves, opaque */
    /* The index map, added to an empty one; movement only. Of a fold: that of the
     * movement whose transpose it is, from the fold's result to its input. */
    void (*index)(const tdagi_index_call *call, tdagi_index_map *out);
    tdag_status (*drop_dim)(const tdagi_axis_call *call);
    bool counts_dim; /* drop_dim takes marks with a ramp */
    tdag_status (*add_dim)(const tdagi_axis_call *call);
} tdagi_opdef;

#define TDAG_OP(id, code, name, inputs, definition)                                    \
    extern const tdagi_opdef tdagi_op_##definition;
#include <tdagger/ops.def>

#define TDAGI_ANY_INPUTS 255
#define TDAGI_OP_CODES   128 /* codes are below */

typedef struct tdagi_op_row {
    const char *name; /* NULL: no op has this code */
    uint8_t n_inputs; /* TDAGI_ANY_INPUTS: the node says */
    const tdagi_opdef *def;
} tdagi_op_row;

/* The row of an op; NULL for a number that is no op. */
extern const tdagi_op_row tdagi_op_rows[TDAGI_OP_CODES];
static inline const tdagi_op_row *tdagi_op_row_of(uint32_t op)
{
    return op < TDAGI_OP_CODES && tdagi_op_rows[op].def != NULL ? &tdagi_op_rows[op]
                                                                : NULL;
}
/* 0 for a number that is no op. */
static inline tdagi_op_class tdagi_op_class_of(uint32_t op)
{
    const tdagi_op_row *row = tdagi_op_row_of(op);
    return row == NULL ? (tdagi_op_class)0 : (tdagi_op_class)row->def->op_class;
}
static inline bool tdagi_op_is_leaf(uint32_t op)
{
    return tdagi_op_class_of(op) == TDAGI_CLASS_LEAF;
}
static inline bool tdagi_op_is_movement(uint32_t op)
{
    tdagi_op_class c = tdagi_op_class_of(op);
    return c == TDAGI_CLASS_VIEW || c == TDAGI_CLASS_MOVE;
}
/* Whether each element of the result is one of the input's. */
static inline bool tdagi_op_selects(uint32_t op)
{
    return tdagi_op_is_movement(op) && op != TDAG_OP_PAD;
}
static inline bool tdagi_op_holds_tensor(uint32_t op)
{
    const tdagi_op_row *row = tdagi_op_row_of(op);
    return row != NULL && row->def->holds_tensor;
}
/* The index map of a movement op. */
static inline void tdagi_op_index(uint32_t op, const tdagi_index_call *call,
                                  tdagi_index_map *out)
{
    out->n = 0;
    out->pad = NULL;
    tdagi_op_rows[op].def->index(call, out);
}

/* ---- generic work on specs by their fields ---- */
struct tdagi_arena;
bool tdagi_spec_equal(const tdagi_field *fields, const void *a, const void *b);
/* A deep copy in an arena; NULL when out of memory. */
void *tdagi_spec_copy(struct tdagi_arena *arena, const tdagi_field *fields, size_t size,
                      const void *spec);
uint64_t tdagi_spec_hash(const tdagi_field *fields, const void *spec);
/* A copy with every dim taken over into another pool, its symbols replaced or kept
 * (tdagi_dim_substitute, tdagi_dim_import). */
typedef struct tdagi_substitution {
    tdagi_pool *to;
    const tdagi_pool *from;
    const tdag_dim *replacements; /* one dim of `to` per symbol of `from`; NULL: kept */
} tdagi_substitution;
void *tdagi_spec_substitute(struct tdagi_arena *arena, const tdagi_field *fields,
                            size_t size, const void *spec,
                            const tdagi_substitution *by);
/* A copy with every dim replaced by its sample. */
void *tdagi_spec_sample(struct tdagi_arena *arena, const tdagi_field *fields,
                        size_t size, const void *spec, const tdagi_pool *pool);

#endif
