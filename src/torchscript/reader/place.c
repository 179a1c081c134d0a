/* Where a piece of the archive's code comes from in Python: the record of ranges beside
 * each file of code, read when a sentence first asks for it. A range that is not there,
 * or not as it should be, is no failure: the place in the code is told then.
 *
 *   new   ("FORMAT_WITH_STRING_TABLE", (text, ...), ((offset, (source, start, end),
 * tag),
 *         ...)), source = (numbers of texts, number of the file's name, first line)
 *   old   ((offset, (source, start, end)[, tag]), ...), source = (text, file, first
 * line) */
#include <ctype.h>
#include <string.h>

#include "torchscript/reader/session.h"

/* Bytes of a source that are looked at, which may say that it is longer than memory. */
#define MAX_START (1 << 24)
#define MAX_LINE  1024

/* ---- parts of the pickle ---- */

static const tdagi_pickle *item(const tdagi_pickle *v, uint64_t i)
{
    bool holds =
        v != NULL && (v->kind == TDAGI_PICKLE_TUPLE || v->kind == TDAGI_PICKLE_LIST);
    return holds && i < v->n ? v->u.items[i] : NULL;
}

static bool get_int(const tdagi_pickle *v, int64_t *out)
{
    if (v == NULL || v->kind != TDAGI_PICKLE_INT) return false;
    *out = v->u.i;
    return true;
}

static const char *get_text(const tdagi_pickle *v)
{
    return v == NULL || v->kind != TDAGI_PICKLE_STRING ? NULL : v->u.s;
}

static bool is_new(const tdagi_pickle *v)
{
    const char *first = get_text(item(v, 0));
    return first != NULL && strcmp(first, "FORMAT_WITH_STRING_TABLE") == 0;
}

static const tdagi_pickle *read_ranges(tdag_shim_session *s, tdagi_code *code)
{
    if (code->ranges != NULL || code->has_no_ranges) return code->ranges;
    code->has_no_ranges = true;
    const char *name =
        tdagi_reader_join(s, code->path, strlen(code->path), ".debug_pkl", "");
    const tdagi_zip_entry *entry = name == NULL ? NULL : tdagi_zip_find(s->zip, name);
    const void *data;
    size_t size;
    if (entry == NULL) return NULL;
    const tdagi_pickle *v = NULL;
    tdag_status st = tdagi_zip_read(s->ctx, s->zip, entry, &data, &size);
    if (st == TDAG_OK)
        st = tdagi_pickle_read_shared(s->ctx, &s->arena, data, size, name, &v);
    if (st == TDAG_OK) code->ranges = v;
    if (st == TDAG_E_NOMEM) tdagi_reader_note(s, st);
    return code->ranges;
}

/* The last row at or before the offset; rows stand in the order of offsets. */
static const tdagi_pickle *find_row(const tdagi_pickle *rows, int64_t offset)
{
    uint64_t from = 0, to = rows == NULL ? 0 : rows->n;
    while (from < to) {
        uint64_t middle = from + (to - from) / 2;
        int64_t at;
        if (!get_int(item(item(rows, middle), 0), &at)) return NULL;
        if (at <= offset)
            from = middle + 1;
        else
            to = middle;
    }
    return from == 0 ? NULL : item(rows, from - 1);
}

/* ---- the source of a range ---- */

typedef struct source {
    const tdagi_pickle *table;   /* texts; NULL in the old form */
    const tdagi_pickle *numbers; /* of the texts that the source consists of */
    const char *text;            /* old: all of it */
    const char *file;
    int64_t line, start;
} source;

/* Number i of the texts; NULL: there is none. */
static const char *text_at(const source *x, uint64_t i)
{
    int64_t number;
    if (x->table == NULL) return i == 0 ? x->text : NULL;
    if (!get_int(item(x->numbers, i), &number) || number < 0) return NULL;
    return get_text(item(x->table, (uint64_t)number));
}

static bool read_source(const tdagi_pickle *all, const tdagi_pickle *range, source *out)
{
    const tdagi_pickle *of = item(range, 0), *args = NULL;
    int64_t file;
    *out = (source){.table = is_new(all) ? item(all, 1) : NULL};
    if (!get_int(item(range, 1), &out->start) || !get_int(item(of, 2), &out->line) ||
        out->start > MAX_START)
        return false;
    if (out->table == NULL) {
        out->text = get_text(item(of, 0));
        out->file = get_text(item(of, 1));
        return out->text != NULL;
    }
    const tdagi_pickle *numbers = item(of, 0);
    if (numbers == NULL || !get_int(item(of, 1), &file) || file < 0 ||
        !tdagi_pickle_applies(numbers, "torch.jit._pickle build_intlist", &args))
        return false;
    out->numbers = item(args, 0);
    out->file = get_text(item(out->table, (uint64_t)file));
    return true;
}

/* Counts the lines before the start of the range and gives the one it is in, of which
 * at most `size` - 1 bytes are kept. */
static int64_t find_line(const source *x, char *line, size_t size)
{
    int64_t left = x->start, count = x->line;
    size_t n = 0;
    const char *text;
    for (uint64_t i = 0; (text = text_at(x, i)) != NULL; i++)
        for (; *text != '\0'; text++, left--) {
            if ((*text == '\n' && left <= 0) || left < -MAX_LINE) goto done;
            if (*text == '\n') {
                count++;
                n = 0;
            } else if (n + 1 < size) {
                line[n++] = *text;
            }
        }
done:
    line[n] = '\0';
    return count;
}

/* ---- places ---- */

/* "path(line): function", a frame of a tracer's stack, as "path:line"; NULL: another
 * text. */
static const char *frame_place(tdag_shim_session *s, char *line)
{
    line += strspn(line, " \t");
    char *close = strstr(line, "): ");
    const char *open = close;
    while (open != NULL && open > line && *open != '(')
        open--;
    if (open == NULL || *open != '(' || open + 1 == close) return NULL;
    for (const char *p = open + 1; p < close; p++)
        if (!isdigit((unsigned char)*p)) return NULL;
    *close = '\0';
    return tdagi_reader_join(s, line, (size_t)(open - line), ":", open + 1);
}

const char *tdagi_reader_place(tdag_shim_session *s, tdagi_code *code, uint32_t offset)
{
    char line[1024];
    source x;
    const tdagi_pickle *all = read_ranges(s, code);
    const tdagi_pickle *row = find_row(is_new(all) ? item(all, 2) : all, offset);
    if (!read_source(all, item(row, 1), &x)) return NULL;
    int64_t number = find_line(&x, line, sizeof line);
    const char *frame = frame_place(s, line);
    if (frame != NULL) return frame;
    if (x.file == NULL || *x.file == '\0') return NULL;
    return tdagi_reader_numbered(s, x.file, ':', (uint64_t)number);
}

/* ---- lines of the code itself ---- */

static bool list_lines(tdag_shim_session *s, tdagi_code *code)
{
    uint32_t n = 1, size = (uint32_t)code->source.size;
    const char *text = code->source.text;
    for (uint32_t i = 0; i < size; i++)
        n += text[i] == '\n';
    code->lines = tdagi_reader_alloc(s, n, sizeof *code->lines);
    if (code->lines == NULL) return false;
    for (uint32_t i = 0; i < size; i++)
        if (text[i] == '\n') code->lines[++code->n_lines] = i + 1;
    code->n_lines++;
    return true;
}

uint32_t tdagi_reader_line(tdag_shim_session *s, tdagi_code *code, uint32_t offset)
{
    if (code->lines == NULL && !list_lines(s, code)) return 0;
    uint32_t from = 0, to = code->n_lines;
    while (from < to) {
        uint32_t middle = from + (to - from) / 2;
        if (code->lines[middle] <= offset)
            from = middle + 1;
        else
            to = middle;
    }
    return from;
}
