/* Attention: one call in newer PyTorch, for older one the statements of its recipe. */
#include "torchscript/export/export.h"

/* What hides the keys after a query, counted from the start of both. */
#define ALL_PAIRS "torch.ones([torch.size($0, -2), torch.size($1, -2)], dtype=%t)"

/* PyTorch takes a mask or is causal: of both a mask is made. */
static void add_mask(tdagi_exporter *e, const tdagi_kernel *k, bool causal)
{
    bool has_mask = k->n_inputs > 3 && k->inputs[3] != 0;
    uint32_t rank = has_mask ? tdagi_export_input(e, k, 3)->rank : 2;
    if ((!causal || !has_mask) && rank >= 2)
        tdagi_export_piece(e, k, "$3");
    else if (!causal || !has_mask) /* PyTorch wants queries and keys of it */
        tdagi_export_piece(
            e, k, rank == 1 ? "torch.unsqueeze($3, 0)" : "torch.reshape($3, [1, 1])");
    else if (tdagi_export_input(e, k, 3)->dtype == TDAG_BOOL)
        tdagi_export_piece(e, k, "torch.logical_and($3, torch.tril(" ALL_PAIRS "))",
                           TDAG_BOOL);
    else
        tdagi_export_piece(e, k,
                           "torch.masked_fill($3, torch.triu(" ALL_PAIRS ", 1), -inf)",
                           TDAG_BOOL);
}

/* Heads without a batch. PyTorch's fast kernel is for what has one. */
static bool is_single(const tdagi_exporter *e, const tdagi_kernel *k)
{
    for (uint32_t i = 0; i < 3; i++)
        if (tdagi_export_input(e, k, i)->rank != 3) return false;
    return true;
}

static void emit_attention_call(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_attention_spec *s = k->spec;
    bool has_mask = k->n_inputs > 3 && k->inputs[3] != 0, single = is_single(e, k);
    bool leads = single && has_mask && tdagi_export_input(e, k, 3)->rank == 3;
    tdagi_export_begin(e, k);
    tdagi_export_piece(
        e, k,
        single ? "torch.squeeze(torch.scaled_dot_product_attention(torch.unsqueeze($0, "
                 "0), torch.unsqueeze($1, 0), torch.unsqueeze($2, 0), "
               : "torch.scaled_dot_product_attention($0, $1, $2, ");
    if (leads) tdagi_export_piece(e, k, "torch.unsqueeze(");
    add_mask(e, k, s->causal != 0);
    tdagi_export_piece(e, k, leads ? ", 0), 0., %b, scale=%f)" : ", 0., %b, scale=%f)",
                       (int64_t)(s->causal != 0 && !has_mask), s->scale);
    if (single) tdagi_export_piece(e, k, ", 0)");
    tdagi_export_end(e);
}

/* An input of half precision is computed with in f32. */
static void add_wide(tdagi_exporter *e, const tdagi_kernel *k, const char *input)
{
    bool is_half = k->dtype == TDAG_F16 || k->dtype == TDAG_BF16;
    if (is_half) tdagi_export_piece(e, k, "torch.to(");
    tdagi_export_piece(e, k, input);
    if (is_half) tdagi_export_piece(e, k, ", %t)", TDAG_F32);
}

static void add_scores(tdagi_exporter *e, const tdagi_kernel *k)
{
    const tdagi_attention_spec *s = k->spec;
    tdagi_export_piece(e, k, "torch.matmul(torch.mul(");
    add_wide(e, k, "$0");
    tdagi_export_piece(e, k, ", %f), torch.transpose(", s->scale);
    add_wide(e, k, "$1");
    tdagi_export_piece(e, k, ", -2, -1))\n");
}

/* What a mask hides is -inf among the scores s<id>. */
static void hide_scores(tdagi_exporter *e, const tdagi_kernel *k, uint32_t id)
{
    const tdagi_attention_spec *s = k->spec;
    bool is_bool = k->n_inputs > 3 && k->inputs[3] != 0 &&
                   tdagi_export_input(e, k, 3)->dtype == TDAG_BOOL;
    if (s->causal) {
        tdagi_export_begin_line(e, "  s", id);
        tdagi_export_piece(e, k,
                           "torch.masked_fill(%ms%i, torch.triu(torch.ones(["
                           "torch.size($0, -2), torch.size($1, -2)], dtype=%t), 1), "
                           "-inf)\n",
                           (int64_t)id, TDAG_BOOL);
    }
    if (k->n_inputs <= 3 || k->inputs[3] == 0) return;
    tdagi_export_begin_line(e, "  s", id);
    tdagi_export_piece(e, k,
                       is_bool
                           ? "torch.masked_fill(%ms%i, torch.logical_not($3), -inf)\n"
                           : "torch.add(%ms%i, torch.to($3, %t))\n",
                       (int64_t)id, k->dtype == TDAG_F64 ? TDAG_F64 : TDAG_F32);
}

/* The recipe's statements: only a mask can leave a row without a key, which is 0. */
static void emit_attention_parts(tdagi_exporter *e, const tdagi_kernel *k)
{
    uint32_t id = tdagi_export_index(e, k);
    bool is_half = k->dtype == TDAG_F16 || k->dtype == TDAG_BF16;
    tdagi_export_begin_line(e, "s", id);
    add_scores(e, k);
    hide_scores(e, k, id);
    tdagi_export_begin_line(e, "  p", id);
    tdagi_export_piece(e, k, "torch.softmax(%ms%i, -1)\n", (int64_t)id);
    if (k->n_inputs > 3 && k->inputs[3] != 0) {
        tdagi_export_begin_line(e, "  p", id);
        tdagi_export_piece(
            e, k,
            "torch.masked_fill(%mp%i, torch.all(torch.eq(%ms%i, -inf), -1, "
            "True), 0.)\n",
            (int64_t)id, (int64_t)id);
    }
    tdagi_export_begin_line(e, "  v", id);
    tdagi_export_piece(
        e, k, is_half ? "torch.to(torch.matmul(%mp%i, " : "torch.matmul(%mp%i, ",
        (int64_t)id);
    add_wide(e, k, "$2");
    if (is_half)
        tdagi_export_piece(e, k, "), %t)\n", (int)k->dtype);
    else
        tdagi_export_piece(e, k, ")\n");
}

static void emit_attention(tdagi_exporter *e, const tdagi_kernel *k)
{
    if (!e->is_portable) {
        emit_attention_call(e, k);
        return;
    }
    tdagi_export_begin_newer(e, k);
    emit_attention_call(e, k);
    tdagi_export_begin_older(e);
    emit_attention_parts(e, k);
}
const tdagi_emitter tdagi_emitter_attention = {.emit = emit_attention};
