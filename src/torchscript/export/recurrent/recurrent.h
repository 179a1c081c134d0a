/* Recurrent layers in an export: where kernels are the steps of an LSTM, a GRU or an
 * RNN over a whole sequence, one call of PyTorch's stands for all of them.
 *
 * steps.c finds single steps and links them to sequences; layers.c makes layers of
 * these (a direction or two), stacks the layers that one call takes, and marks what
 * then needs no statement of its own; emit.c writes the calls. loops.c finds loops of
 * programs that are such a layer, and writes it. */
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

enum { /* of a layer, in the order of PyTorch's */
       TDAGI_RNN_W_IH,
       TDAGI_RNN_W_HH,
       TDAGI_RNN_B_IH,
       TDAGI_RNN_B_HH,
       TDAGI_RNN_W_HR, /* of an LSTM with a projection */
       TDAGI_RNN_N_WEIGHTS
};

/* A loop that is a layer over the rows of a sequence. */
typedef struct tdagi_rnn_loop {
    const tdagi_statement *loop;
    tdagi_rnn_kind kind;
    bool is_backwards;   /* from the last row on */
    uint32_t rows, h, c; /* of what it carries; c of an LSTM only */
    tdagi_var sequence;
    uint32_t step, product; /* graphs: of a round, with the product of the states; with
                               the product of the inputs */
    uint32_t output; /* of `product`, where that stands before the loop: the product */
    tdag_value x;    /* there: of what, which is given in its place; 0: in the step */
    tdag_value weights[TDAGI_RNN_N_WEIGHTS]; /* in these graphs; 0: it is not there */
    struct tdagi_rnn_loop *next;
} tdagi_rnn_loop;

/* Fills e->loops. */
void tdagi_rnn_find_loops(tdagi_exporter *e);
/* By the graph of a step, or by the loop; NULL: there is none. */
#define TDAGI_RNN_ANY UINT32_MAX
const tdagi_rnn_loop *tdagi_rnn_loop_by(const tdagi_exporter *e, uint32_t step,
                                        const tdagi_statement *loop);
/* That for which output, or any, of the exporter's graph is the inputs' product. */
const tdagi_rnn_loop *tdagi_rnn_loop_of_product(const tdagi_exporter *e,
                                                uint32_t output);
/* The layer as a method of the sequence, the rows that are none, and the states. */
void tdagi_rnn_write_loop(tdagi_exporter *e, const tdagi_rnn_loop *l, const char *name);
const char *tdagi_rnn_operator(tdagi_rnn_kind kind); /* "lstm" */

/* If kernel i is the state behind a step from h, s->before[0]: what is added of the
 * inputs, and s->kind, of_h and, of an LSTM, now[1] and before[1]; else 0. */
uint32_t tdagi_rnn_match(const tdagi_exporter *e, uint32_t i, tdagi_rnn_step *s);
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
