/* Raising: from a graph of core ops to kernels, the operators a framework would run.
 *
 * An operator that gives values and their positions (tdagi_composite_is_pair()) is two
 * kernels side by side: the first stands for the call, computes the values and covers
 * the nodes of both; the second is the positions, which the first has computed.
 *
 * The result is a list of kernels in topological order. A kernel is a composite, or one
 * core op that no composite took (a leaf is one too). Its inputs are earlier kernels.
 * Most kernels compute a value of the graph; a few are synthetic views (permute, group,
 * ungroup, ...) that lay an operand out as its composite wants it. Nodes that no output
 * needs are left out. Every kernel's result is exactly (rounding aside) what the core
 * nodes it covers compute. */
#ifndef TDAGI_RAISE_H
#define TDAGI_RAISE_H

#include "derive/derive.h"

typedef struct tdagi_kernel {
    uint16_t composite; /* tdagi_composite; TDAGI_CORE: the op below */
    uint16_t op;        /* tdag_op of a TDAGI_CORE kernel */
    uint8_t dtype;      /* of the result */
    uint8_t rank;
    bool is_view;      /* moves nothing: free in the cost model */
    bool is_size;      /* of a size as data (tdagi_is_size()), which is no work */
    bool is_second;    /* computed by the kernel before it, and read from the same */
    uint32_t n_inputs; /* absent optional inputs in the middle are index 0 */
    const uint32_t *inputs; /* kernel indices */
    const tdag_dim *shape;
    const void *spec;   /* of the composite or the op; NULL = none */
    tdag_value value;   /* the graph's value it computes; id 0 = synthetic */
    uint32_t n_covered; /* core nodes computed inside, its own included */
    const tdag_value *covered;
} tdagi_kernel;

typedef struct tdagi_raised {
    tdag_graph *graph; /* one reference; dims are in graph->pool or in `pool` */
    tdagi_pool *pool;  /* a clone of the graph's, grown by what raising had to make */
    tdagi_arena arena;
    uint32_t n; /* kernels are 1..n */
    tdagi_kernel *kernels;
    uint32_t *kernel_of; /* by value id: the kernel that computes it; 0 = none does */
    size_t kernels_size, kernel_of_size; /* bytes, for freeing */
} tdagi_raised;

/* `by_parts`, by composite: true where it is to be left as what it consists of; NULL =
 * nowhere. */
tdag_status tdagi_raise(tdag_ctx *ctx, const tdag_graph *graph, const bool *by_parts,
                        tdagi_raised **out);
void tdagi_raised_free(tdagi_raised *raised);

/* One line per call, for tests and `tdag show --raised`:
 * "v12: f32[1,64,112,112] = conv(x, conv1.weight) {stride=[2,2], ...}"
 * "v3, v9: f32[2], i64[2] = max_with_index(x) {axis=1, keep=0}" */
tdag_status tdagi_raised_print(tdag_ctx *ctx, const tdagi_raised *raised, char **out);

#endif
