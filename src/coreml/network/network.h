/* Networks of the older format (NeuralNetwork): their layers become operators of
 * coreml/read/mil.h. layers.def says what each layer means. */
#ifndef TDAGI_NETWORK_H
#define TDAGI_NETWORK_H

#include "coreml/read/import.h"

/* A layer while it is run. */
typedef struct tdagi_layer {
    tdagi_cml *im;
    const Cml__NeuralNetworkLayer *layer;
    const char *kind;               /* the field's name: "inner_product" */
    const ProtobufCMessage *params; /* of that kind */
    tdagi_cml_call call;            /* its inputs and fields, by their names */
} tdagi_layer;

typedef struct tdagi_layer_row {
    const char *kind, *inputs, *weights;
    const char *formula; /* or NULL: */
    tdagi_any (*by)(tdagi_layer *l);
    const char *why; /* it is not imported; else NULL */
} tdagi_layer_row;
const tdagi_layer_row *tdagi_layer_row_at(uint32_t i); /* NULL behind the last */

#define LAYER_BY(kind, inputs, weights, function)                                      \
    tdagi_any tdagi_layer_##function(tdagi_layer *l);
#include "coreml/network/layers.def"

/* ---- fields.c ---- */
/* A field of a message by its name; NULL: it has none or it is not set. */
const void *tdagi_message_field(const ProtobufCMessage *m, const char *name,
                                const ProtobufCFieldDescriptor **out);
/* Sets the numbers and lists of numbers of the parameters under their fields' names. */
void tdagi_layer_set_fields(tdagi_layer *l);

/* ---- model.c ---- */
/* A function that takes and gives what the description of a model does, with no
 * operations: it runs by tdagi_network_run(). NULL after a failure. */
Cml__Program *tdagi_network_program(tdagi_arena *arena, const Cml__Model *model);
/* Whether a model is a network or a pipeline of models. */
bool tdagi_network_is(const Cml__Model *model);
/* Runs a network, or the models of a pipeline one after the other, whose inputs and
 * results go by the names of the descriptions. */
void tdagi_network_run(tdagi_cml *im, const Cml__Model *model);

/* ---- network.c ---- */
/* Runs all layers; values go by the names of blobs. */
void tdagi_network_run_layers(tdagi_cml *im, const Cml__NeuralNetwork *network);
/* Evaluates a formula with the layer's names. */
tdagi_any tdagi_layer_eval(tdagi_layer *l, const char *formula);

/* ---- control.c ---- */
void tdagi_network_branch(tdagi_cml *im, const Cml__NeuralNetworkLayer *layer);
void tdagi_network_loop(tdagi_cml *im, const Cml__NeuralNetworkLayer *layer);

/* ---- weights.c ---- */
/* The leaf of a layer's numbers, as f32, of so many elements as the shape has; NONE
 * where there are none. POISON with an issue or a failure. */
tdagi_any tdagi_layer_weights(tdagi_layer *l, const char *name,
                              const Cml__WeightParams *w, uint32_t rank,
                              const int64_t *shape);
/* How many numbers there are. */
int64_t tdagi_weights_count(const Cml__WeightParams *w);
/* Sets the fields that `specs` names, "weights[a,b] bias[a]", as leaves. False: POISON.
 */
bool tdagi_layer_take_weights(tdagi_layer *l, const char *specs);

#endif
