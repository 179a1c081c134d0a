/* Recurrent layers in an export: where kernels are the steps of an LSTM, a GRU or an
 * RNN over a whole sequence, one call of PyTorch's stands for all of them.
 *
 * steps.c finds single steps and links them to sequences; layers.c makes layers of
 * these (a direction or two), stacks the layers that one call takes, and marks what
 * then needs no statement of its own; emit.c writes the calls. */
#ifndef TDAGI_RECURRENT_H
#define TDAGI_RECURRENT_H

#include "torchscript/export/export.h"

typedef enum tdagi_rnn_kind {
    TDAGI_RNN_NONE,
    TDAGI_RNN_TANH,
    TDAGI_RNN_RELU,
    TDAGI_RNN_GRU,
    TDAGI_RNN_LSTM,
} tdagi_rnn_kind;

/* Kernels are numbers of the exporter's; c of an LSTM only. */
typedef struct tdagi_rnn_step {
    tdagi_rnn_kind kind;
    uint32_t now[2], before[2]; /* h and c: what it gives, and from what */
    uint32_t of_x, of_h;        /* the products of all inputs and of h, both linear */
    int64_t axis, t;            /* its part of of_x */
    uint32_t next;              /* a step, by its number; 0: none */
    uint32_t sequence;          /* that it is of, if that is over all inputs; else 0 */
    bool has_previous;
} tdagi_rnn_step;

/* A sequence is the number of its first step. */
typedef struct tdagi_rnn_layer {
    uint32_t of[2];        /* sequences: forwards, backwards; 0: none */
    uint32_t out[2];       /* the kernels that stack their states; 0: none */
    uint32_t joined;       /* the kernel that has all states; 0: none */
    uint32_t below, above; /* layers of the same call; 0: none */
    bool is_left;          /* no call computes it */
    /* of the topmost one: */
    bool is_call;
    uint32_t n;          /* states: layers times directions */
    uint32_t *first[2];  /* h and c before the first steps, layer by layer */
    uint32_t *final[2];  /* and after the last ones */
    uint32_t base[2];    /* the kernel whose rows the first ones are, or a
                        number that they are full of; 0: none */
    uint32_t stacked[2]; /* the kernel that has the last ones as its rows; 0: none */
    uint32_t at;         /* the call stands before this kernel's statement */
} tdagi_rnn_layer;

typedef struct tdagi_recurrent {
    tdagi_rnn_step *steps; /* from 1 on */
    uint32_t n_steps;
    uint32_t *step_of;       /* by kernel: the step that gives it as h; 0: none */
    tdagi_rnn_layer *layers; /* from 1 on */
    uint32_t n_layers;
    unsigned char *is_given; /* by kernel: a call computes it */
} tdagi_recurrent;

/* Fills steps and step_of, which the caller has made; linked. */
void tdagi_rnn_find_steps(const tdagi_exporter *e, tdagi_recurrent *r);
/* Finds all calls and defers what they make needless. */
void tdagi_rnn_plan(tdagi_exporter *e);
/* Writes the calls that stand before kernel i. */
void tdagi_rnn_emit(tdagi_exporter *e, uint32_t i);

static inline bool tdagi_rnn_is_composite(const tdagi_exporter *e, uint32_t i,
                                          tdagi_composite id)
{
    return tdagi_export_kernel(e, i)->composite == id;
}
static inline bool tdagi_rnn_is_core(const tdagi_exporter *e, uint32_t i, tdag_op op)
{
    return tdagi_export_is_core(tdagi_export_kernel(e, i), op);
}
static inline uint32_t tdagi_rnn_in(const tdagi_exporter *e, uint32_t i, uint32_t n)
{
    const tdagi_kernel *k = tdagi_export_kernel(e, i);
    return n < k->n_inputs ? k->inputs[n] : 0;
}
/* If i is x[index] of an axis, without that axis: x; else 0. */
uint32_t tdagi_rnn_row(const tdagi_exporter *e, uint32_t i, int64_t *axis,
                       int64_t *index);

#endif
