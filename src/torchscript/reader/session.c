/* Sessions of the native reader: the archive's records, and its code by the names of
 * what stands in it. */
#include "torchscript/reader/session.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "torchscript/reader/reader.h"

#define MAX_VERSION 10   /* of operators; 1.12 to 2.13 write no more */
#define MAX_PATH    4096 /* bytes of a dotted name */

/* ---- failures and memory ---- */

tdag_status tdagi_reader_note(tdag_shim_session *s, tdag_status status)
{
    if (s->status == TDAG_OK) s->status = status;
    return status;
}

tdag_status tdagi_reader_fail(tdag_shim_session *s, tdag_status status,
                              const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return tdagi_reader_note(s, tdagi_fail(s->ctx, status,
                                           "cannot load '%s' as TorchScript: %s",
                                           s->path, text));
}

tdag_status tdagi_reader_nomem(tdag_shim_session *s)
{
    return tdagi_reader_note(s, tdagi_nomem(s->ctx));
}

void *tdagi_reader_alloc(tdag_shim_session *s, size_t n, size_t size)
{
    void *p = tdagi_arena_array(&s->arena, n, size);
    if (p == NULL)
        tdagi_reader_nomem(s);
    else
        memset(p, 0, n * size);
    return p;
}

const char *tdagi_reader_join(tdag_shim_session *s, const char *first, size_t n,
                              const char *between, const char *last)
{
    size_t n_between = strlen(between), n_last = strlen(last);
    char *p = tdagi_arena_alloc(&s->arena, n + n_between + n_last + 1);
    if (p == NULL) {
        tdagi_reader_nomem(s);
        return NULL;
    }
    memcpy(p, first, n);
    memcpy(p + n, between, n_between);
    memcpy(p + n + n_between, last, n_last + 1);
    return p;
}

const char *tdagi_reader_numbered(tdag_shim_session *s, const char *first, char mark,
                                  uint64_t number)
{
    char text[24], *p = text + sizeof text - 1;
    *p = '\0';
    do
        *--p = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    *--p = mark;
    return tdagi_reader_join(s, first, strlen(first), "", p);
}

const char *tdagi_reader_path(tdag_shim_session *s, const char *first, size_t n,
                              const char *last)
{
    if (n + strlen(last) < MAX_PATH) return tdagi_reader_join(s, first, n, ".", last);
    tdagi_reader_fail(s, TDAG_E_LIMIT, "a dotted name of more than %d bytes", MAX_PATH);
    return NULL;
}

/* ---- records ---- */

/* *data_out NULL: there is no such record. */
static tdag_status read_record(tdag_shim_session *s, const char *name,
                               const void **data_out, size_t *size_out)
{
    const tdagi_zip_entry *entry = tdagi_zip_find(s->zip, name);
    *data_out = NULL;
    *size_out = 0;
    if (entry == NULL) return TDAG_OK;
    return tdagi_reader_note(s,
                             tdagi_zip_read(s->ctx, s->zip, entry, data_out, size_out));
}

static tdag_status read_pickle(tdag_shim_session *s, const char *name,
                               const tdagi_pickle **out)
{
    const void *data;
    size_t size;
    TDAGI_TRY(read_record(s, name, &data, &size));
    if (data == NULL)
        return tdagi_reader_fail(s, TDAG_E_FORMAT,
                                 "it has no %s, as archives of torch.jit.save() have",
                                 name);
    const char *what = tdagi_reader_join(s, s->path, strlen(s->path), ": ", name);
    if (what == NULL) return s->status;
    return tdagi_reader_note(
        s, tdagi_pickle_read(s->ctx, &s->arena, data, size, what, out));
}

static tdag_status read_version(tdag_shim_session *s)
{
    const void *data;
    size_t size;
    char text[16] = "";
    TDAGI_TRY(read_record(s, ".data/version", &data, &size));
    if (data == NULL) TDAGI_TRY(read_record(s, "version", &data, &size));
    if (data == NULL)
        return tdagi_reader_fail(s, TDAG_E_FORMAT, "it does not tell its version");
    memcpy(text, data, size < sizeof text ? size : sizeof text - 1);
    char *end = text;
    unsigned long version = strtoul(text, &end, 10);
    if (end == text || end[strspn(end, " \r\n")] != '\0')
        return tdagi_reader_fail(s, TDAG_E_FORMAT, "its version is no number");
    if (version < 1 || version > MAX_VERSION)
        return tdagi_reader_fail(s, TDAG_E_UNSUPPORTED,
                                 "its operators have version %lu, known are 1 to %d",
                                 version, MAX_VERSION);
    s->version = (uint32_t)version;
    return TDAG_OK;
}

static tdag_status check_byte_order(tdag_shim_session *s)
{
    const void *data;
    size_t size;
    TDAGI_TRY(read_record(s, "byteorder", &data, &size));
    if (data == NULL || (size >= 6 && memcmp(data, "little", 6) == 0)) return TDAG_OK;
    return tdagi_reader_fail(s, TDAG_E_UNSUPPORTED,
                             "its numbers are not in little-endian order");
}

/* ---- code ---- */

static tdag_status parse(tdag_shim_session *s, const char *path, tdagi_code **out)
{
    const void *data;
    size_t size;
    *out = NULL;
    TDAGI_TRY(read_record(s, path, &data, &size));
    if (data == NULL) return TDAG_OK;
    tdagi_code *code = tdagi_reader_alloc(s, 1, sizeof *code);
    if (code == NULL) return s->status;
    code->path = path;
    TDAGI_TRY(tdagi_reader_note(
        s, tdagi_source_parse(s->ctx, &s->arena, path, data, size, &code->source)));
    if (!tdagi_reader_list_code(s, code)) return s->status;
    *out = code;
    return TDAG_OK;
}

/* The code of "__torch__.a.b", the first n bytes of a path. */
static tdag_status code_of(tdag_shim_session *s, const char *path, size_t n,
                           tdagi_code **out)
{
    char *name = tdagi_reader_alloc(s, n + sizeof "code/.py", 1);
    if (name == NULL) return s->status;
    sprintf(name, "code/%.*s.py", (int)n, path);
    for (char *p = name; p < name + 5 + n; p++)
        if (*p == '.') *p = '/';
    *out = tdagi_table_get(&s->codes, name, strlen(name));
    if (*out != NULL) return TDAG_OK;
    TDAGI_TRY(parse(s, name, out));
    if (*out == NULL) return TDAG_OK;
    void **slot = tdagi_table_at(&s->arena, &s->codes, name, strlen(name));
    if (slot == NULL) return tdagi_reader_nomem(s);
    *slot = *out;
    return TDAG_OK;
}

/* The class or function that the path is of; what is left of out is as it was. */
static tdag_status find_in_code(tdag_shim_session *s, const char *path,
                                const char *last, tdagi_definition *out)
{
    tdagi_code *code = NULL;
    TDAGI_TRY(code_of(s, path, (size_t)(last - 1 - path), &code));
    out->code = code;
    if (code != NULL) tdagi_reader_in_code(code, last, out);
    return TDAG_OK;
}

/* A method: the path of its class and its name. */
static tdag_status find_method(tdag_shim_session *s, const char *path, const char *name,
                               tdagi_definition *out)
{
    tdagi_definition owner = {.path = NULL};
    const char *class_ = tdagi_reader_join(s, path, (size_t)(name - 1 - path), "", "");
    if (class_ == NULL) return s->status;
    const char *dot = strrchr(class_, '.');
    if (dot == NULL) return TDAG_OK;
    TDAGI_TRY(find_in_code(s, class_, dot + 1, &owner));
    if (owner.class_ == NULL) return TDAG_OK;
    out->code = owner.code;
    out->function = tdagi_reader_method(s, owner.class_, name);
    return s->status;
}

static tdag_status define(tdag_shim_session *s, const char *path, tdagi_definition *out)
{
    const char *dot = strrchr(path, '.');
    if (dot == NULL) return TDAG_OK;
    TDAGI_TRY(find_in_code(s, path, dot + 1, out));
    if (out->class_ != NULL || out->function != NULL) return TDAG_OK;
    return find_method(s, path, dot + 1, out);
}

tdag_status tdagi_reader_find(tdag_shim_session *s, const char *path,
                              const tdagi_definition **out)
{
    size_t n = strlen(path);
    *out = n > MAX_PATH ? NULL : tdagi_table_get(&s->definitions, path, n);
    if (*out != NULL || n > MAX_PATH) return TDAG_OK;
    tdagi_definition d = {.path = NULL};
    TDAGI_TRY(define(s, path, &d));
    if (d.class_ == NULL && d.function == NULL) return TDAG_OK;
    tdagi_definition *kept = tdagi_reader_alloc(s, 1, sizeof *kept);
    if (kept == NULL) return s->status;
    *kept = d;
    kept->path = tdagi_reader_join(s, path, n, "", "");
    if (kept->path == NULL) return s->status;
    void **slot = tdagi_table_at(&s->arena, &s->definitions, kept->path, strlen(path));
    if (slot == NULL) return tdagi_reader_nomem(s);
    *slot = kept;
    *out = kept;
    return TDAG_OK;
}

/* ---- opening ---- */

static tdag_status read_root(tdag_shim_session *s, const tdag_shim_value **out)
{
    const tdagi_pickle *data, *constants;
    TDAGI_TRY(check_byte_order(s));
    TDAGI_TRY(read_pickle(s, "constants.pkl", &constants));
    TDAGI_TRY(read_pickle(s, "data.pkl", &data));
    TDAGI_TRY(read_version(s));
    s->constants = tdagi_reader_value(s, constants, NULL, "constants");
    if (s->constants == NULL) return s->status;
    const tdag_shim_value *root = tdagi_reader_value(s, data, NULL, "data");
    if (root == NULL) return s->status;
    if (root->kind != TDAG_SHIM_OBJECT)
        return tdagi_reader_fail(s, TDAG_E_FORMAT, "its root is no module");
    *out = root;
    return TDAG_OK;
}

tdag_status tdagi_reader_open(tdag_ctx *ctx, tdagi_mapping *mapping, const char *path,
                              tdag_shim_session **out,
                              const tdag_shim_value **module_out)
{
    void *p = NULL;
    TDAGI_TRY(tdagi_alloc(ctx, sizeof(tdag_shim_session), &p));
    tdag_shim_session *s = p;
    s->ctx = ctx;
    s->path = path;
    tdagi_arena_init(&s->arena, &ctx->allocator);
    tdag_status st = tdagi_zip_open(ctx, mapping, path, &s->zip);
    if (st == TDAG_OK) st = read_root(s, module_out);
    if (st == TDAG_OK)
        *out = s;
    else
        tdagi_reader_close(s);
    return st;
}

static void release_copies(tdag_shim_session *s)
{
    for (tdagi_mapping_list *m = s->copies; m != NULL; m = m->next)
        tdagi_mapping_release(m->mapping);
}

void tdagi_reader_close(tdag_shim_session *s)
{
    if (s == NULL) return;
    release_copies(s);
    tdagi_zip_close(s->zip);
    tdagi_arena_free(&s->arena);
    tdagi_free(s->ctx, s, sizeof *s);
}

bool tdagi_reader_failed(const tdag_shim_session *s) { return s->status != TDAG_OK; }

tdag_status tdagi_reader_status(const tdag_shim_session *s)
{
    return s->status == TDAG_OK ? TDAG_E_FORMAT : s->status;
}

uint32_t tdagi_reader_version(const tdag_shim_session *s) { return s->version; }

void tdagi_reader_api(tdag_shim_api *out)
{
    memset(out, 0, sizeof *out);
    out->session_free = tdagi_reader_close;
    tdagi_reader_value_functions(out);
    tdagi_reader_object_functions(out);
    tdagi_reader_tensor_functions(out);
    tdagi_reader_graph_functions(out);
}
