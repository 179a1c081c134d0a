/* See made.h. */
#include "pt2/made.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/zip_format.h"

/* ---- zip ---- */

typedef struct buffer {
    unsigned char *bytes;
    size_t size, room;
} buffer;

static void add(buffer *b, const void *bytes, size_t n)
{
    if (b->size + n > b->room) {
        b->room = 2 * (b->size + n);
        b->bytes = realloc(b->bytes, b->room);
        if (b->bytes == NULL) abort();
    }
    if (n > 0) memcpy(b->bytes + b->size, bytes, n);
    b->size += n;
}

static void add_number(buffer *b, uint64_t value, size_t n)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < n; i++, value >>= 8)
        bytes[i] = (unsigned char)value;
    add(b, bytes, n);
}

static size_t size_of(const made_record *r)
{
    return r->size != 0 ? r->size : strlen(r->text);
}

/* From the flags to the length of the extra field. */
static void add_facts(buffer *b, const made_record *r)
{
    add_number(b, 0, 8); /* flags, stored, time, date */
    add_number(b, 0, 4); /* a checksum, which is not looked at */
    add_number(b, size_of(r), 4);
    add_number(b, size_of(r), 4);
    add_number(b, strlen(r->name), 2);
    add_number(b, 0, 2);
}

static void add_central(buffer *b, const made_record *r, size_t offset)
{
    add_number(b, TDAGI_ZIP_CENTRAL, 4);
    add_number(b, 20, 4);
    add_facts(b, r);
    add_number(b, 0, 8);
    add_number(b, 0, 2);
    add_number(b, offset, 4);
    add(b, r->name, strlen(r->name));
}

made_archive made_zip(const made_record *records, uint32_t n)
{
    buffer b = {NULL, 0, 0};
    size_t *offsets = calloc(n + 1, sizeof *offsets);
    if (offsets == NULL) abort();
    for (uint32_t i = 0; i < n; i++) {
        offsets[i] = b.size;
        add_number(&b, TDAGI_ZIP_LOCAL, 4);
        add_number(&b, 20, 2);
        add_facts(&b, &records[i]);
        add(&b, records[i].name, strlen(records[i].name));
        add(&b, records[i].text, size_of(&records[i]));
    }
    size_t start = b.size;
    for (uint32_t i = 0; i < n; i++)
        add_central(&b, &records[i], offsets[i]);
    size_t length = b.size - start;
    add_number(&b, TDAGI_ZIP_END, 4);
    add_number(&b, 0, 4);
    add_number(&b, n, 2);
    add_number(&b, n, 2);
    add_number(&b, length, 4);
    add_number(&b, start, 4);
    add_number(&b, 0, 2);
    free(offsets);
    return (made_archive){b.bytes, b.size};
}

/* ---- programs ---- */

static const char *or_plain(const char *text, const char *plain)
{
    return text == NULL ? plain : text;
}

static void add_text(buffer *b, const char *text) { add(b, text, strlen(text)); }

static void add_graph(buffer *b, const made_program *p)
{
    add_text(b, "{\"inputs\":[{\"as_tensor\":{\"name\":\"x\"}},"
                "{\"as_tensor\":{\"name\":\"i\"}}");
    add_text(b, or_plain(p->inputs, ""));
    add_text(b, "],\"outputs\":[");
    add_text(b, or_plain(p->outputs, "{\"as_tensor\":{\"name\":\"y\"}}"));
    add_text(b, "],\"nodes\":[");
    add_text(b,
             or_plain(p->nodes,
                      "{\"target\":\"torch.ops.aten.add.Tensor\",\"inputs\":["
                      "{\"name\":\"self\",\"arg\":{\"as_tensor\":{\"name\":\"x\"}}},"
                      "{\"name\":\"other\",\"arg\":{\"as_tensor\":{\"name\":\"x\"}}}],"
                      "\"outputs\":[{\"as_tensor\":{\"name\":\"y\"}}],"
                      "\"metadata\":{}}"));
    add_text(b, "],\"tensor_values\":{\"x\":" MADE_META("7", MADE_N "," MADE_INT(4),
                                                        MADE_INT(4) "," MADE_INT(1)));
    add_text(b, ",\"i\":" MADE_META("5", MADE_INT(3), MADE_INT(1)));
    add_text(b, ",\"y\":" MADE_META("7", MADE_N "," MADE_INT(4),
                                    MADE_INT(4) "," MADE_INT(1)));
    add_text(b, or_plain(p->values, ""));
    add_text(b, "},\"sym_int_values\":{");
    add_text(b, or_plain(p->numbers, ""));
    add_text(b, "},\"sym_bool_values\":{},\"sym_float_values\":{},"
                "\"is_single_tensor_return\":false}");
}

static void add_signature(buffer *b, const made_program *p)
{
    add_text(b,
             ",\"signature\":{\"input_specs\":[{\"user_input\":{\"arg\":{\"as_tensor\":"
             "{\"name\":\"x\"}}}},{\"user_input\":{\"arg\":{\"as_tensor\":{\"name\":"
             "\"i\"}}}}");
    add_text(b, or_plain(p->in_specs, ""));
    add_text(b, "],\"output_specs\":[");
    add_text(b, or_plain(p->specs, "{\"user_output\":{\"arg\":{\"as_tensor\":{\"name\":"
                                   "\"y\"}}}}"));
    add_text(b, "]},\"module_call_graph\":[");
    add_text(b, or_plain(p->calls, ""));
    add_text(b, "]}");
}

made_archive made_pt2(const made_program *p) { return made_pt2_with(p, NULL); }

made_archive made_pt2_with(const made_program *p, const made_record *more)
{
    buffer program = {NULL, 0, 0}, config = {NULL, 0, 0};
    add_text(&program, "{\"graph_module\":{\"graph\":");
    add_graph(&program, p);
    add_signature(&program, p);
    add_text(&program, ",\"range_constraints\":{");
    add_text(&program, or_plain(p->ranges, ""));
    add_text(&program, "},\"opset_version\":{\"aten\":10},\"schema_version\":");
    add_text(&program, or_plain(p->version, "{\"major\":8,\"minor\":20}"));
    add_text(&program, "}");
    add_text(&config, "{\"config\":{");
    add_text(&config, or_plain(p->weights, ""));
    add_text(&config, "}}");
    const made_record none = {"", "", 0};
    const made_record records[] = {
        {"m/archive_format", "pt2", 0},
        {"m/models/model.json", (const char *)program.bytes, program.size},
        {"m/data/weights/model_weights_config.json", (const char *)config.bytes,
         config.size},
        {"m/data/weights/weight_0", "0123456789abcdef0123456789abcdef", 0},
        more == NULL ? none : *more,
    };
    made_archive all = made_zip(records, more == NULL ? 4 : 5);
    free(program.bytes);
    free(config.bytes);
    return all;
}

tdag_status made_read(tdag_ctx *ctx, const made_archive *a, uint32_t flags,
                      tdag_model **out)
{
    const tdag_bytes bytes = {.data = a->bytes, .size = a->size};
    const tdag_open_options o = {
        .size = sizeof o, .flags = flags, .kind = TDAG_FILE_PT2};
    return tdag_open_memory(ctx, &bytes, NULL, 0, &o, out);
}
