/* See pickle.h. One pass over the opcodes with a stack of values, a stack of marks and
 * a memo. Values, once made, live in the arena and are only pointed to.
 *
 * A value can contain itself only if something is added to it after it was fetched from
 * the memo: until then its one place is that on the stack, below what is added. So
 * fetched values are closed, and depth and weight are known when a value is made. */
#include "archive/pickle.h"

#include <string.h>

#include "archive/pickle_format.h"
#include "base/text.h"

#define MAX_SIZE ((size_t)1 << 30) /* of a pickle */
/* Values of the whole as a tree: so many, and so many more for each byte. */
#define MAX_WEIGHT      ((uint64_t)1000000)
#define WEIGHT_PER_BYTE 16

typedef enum tdagi_pickle_opcode opcode;

typedef const tdagi_pickle *value;

typedef struct machine {
    tdag_ctx *ctx;
    tdagi_arena *arena;
    const char *what;
    const unsigned char *start, *p, *end;
    const unsigned char *opcode; /* the one that is executed */
    uint32_t n_opcodes;
    uint64_t max_weight;
    tdagi_pickle **stack; /* of the context, as marks and memo are */
    uint32_t n_stack, stack_capacity;
    uint32_t *marks; /* heights of the stack */
    uint32_t n_marks, marks_capacity;
    tdagi_pickle **memo;
    uint32_t memo_capacity;
} machine;

/* ---- failing and reading bytes ---- */

static tdag_status fail_with(const machine *m, tdag_status status, const char *why)
{
    tdagi_fail(m->ctx, status, "%s: %s", m->what, why);
    return tdagi_fail_at_offset(m->ctx, (uint64_t)(m->opcode - m->start));
}

static tdag_status malformed(const machine *m, const char *why)
{
    return fail_with(m, TDAG_E_FORMAT, why);
}

/* Moves over n bytes of the opcode's argument. */
static tdag_status take(machine *m, uint64_t n, const unsigned char **out)
{
    if (n > (uint64_t)(m->end - m->p))
        return malformed(m, "the pickle ends in the middle of a value");
    *out = m->p;
    m->p += n;
    return TDAG_OK;
}

static tdag_status take_number(machine *m, uint32_t n_bytes, uint64_t *out)
{
    const unsigned char *p = NULL;
    TDAGI_TRY(take(m, n_bytes, &p));
    uint64_t number = 0;
    for (uint32_t i = n_bytes; i-- > 0;)
        number = number << 8 | p[i];
    *out = number;
    return TDAG_OK;
}

/* A byte that says how many follow: of a two's complement number. */
static tdag_status take_long(machine *m, int64_t *out)
{
    uint64_t n = 0, bits = 0;
    TDAGI_TRY(take_number(m, 1, &n));
    if (n > 8)
        return fail_with(m, TDAG_E_UNSUPPORTED, "an integer that does not fit 64 bits");
    TDAGI_TRY(take_number(m, (uint32_t)n, &bits));
    bool negative = n > 0 && n < 8 && (bits >> (8 * n - 1) & 1) != 0;
    if (negative) bits |= UINT64_MAX << (8 * n);
    *out = (int64_t)bits;
    return TDAG_OK;
}

/* ---- the stack ---- */

static tdag_status grow(const machine *m, void **array, uint32_t *capacity,
                        uint32_t need, size_t size)
{
    if (need <= *capacity) return TDAG_OK;
    uint32_t wider = *capacity < 32 ? 64 : *capacity * 2;
    if (wider < need) wider = need;
    TDAGI_TRY(tdagi_realloc(m->ctx, array, *capacity * size, wider * size));
    *capacity = wider;
    return TDAG_OK;
}

static tdag_status push(machine *m, tdagi_pickle *v)
{
    void *stack = m->stack;
    tdag_status st = grow(m, &stack, &m->stack_capacity, m->n_stack + 1, sizeof v);
    m->stack = stack;
    if (st == TDAG_OK) m->stack[m->n_stack++] = v;
    return st;
}

/* Values above the last mark. */
static uint32_t n_above(const machine *m)
{
    return m->n_stack - (m->n_marks == 0 ? 0 : m->marks[m->n_marks - 1]);
}

/* Opcodes that take n values do not reach below the last mark. */
static tdag_status need(const machine *m, uint32_t n)
{
    if (n_above(m) >= n) return TDAG_OK;
    return malformed(m, "an opcode finds too few values before it");
}

static tdag_status set_mark(machine *m)
{
    void *marks = m->marks;
    tdag_status st =
        grow(m, &marks, &m->marks_capacity, m->n_marks + 1, sizeof *m->marks);
    m->marks = marks;
    if (st == TDAG_OK) m->marks[m->n_marks++] = m->n_stack;
    return st;
}

/* Takes the last mark away; *n_out values stood above it. */
static tdag_status take_mark(machine *m, uint32_t *n_out)
{
    if (m->n_marks == 0) return malformed(m, "an opcode finds no mark before it");
    *n_out = n_above(m);
    m->n_marks--;
    return TDAG_OK;
}

/* ---- making values ---- */

static tdag_status make(const machine *m, tdagi_pickle_kind kind, tdagi_pickle **out)
{
    tdagi_pickle *v = tdagi_arena_alloc(m->arena, sizeof *v);
    if (v == NULL) return tdagi_nomem(m->ctx);
    *v = (tdagi_pickle){
        .kind = (uint8_t)kind, .weight = 1, .offset = (uint32_t)(m->opcode - m->start)};
    *out = v;
    return TDAG_OK;
}

static tdag_status push_int(machine *m, tdagi_pickle_kind kind, int64_t number)
{
    tdagi_pickle *v = NULL;
    TDAGI_TRY(make(m, kind, &v));
    v->u.i = number;
    return push(m, v);
}

static tdag_status push_float(machine *m)
{
    const unsigned char *p = NULL;
    TDAGI_TRY(take(m, 8, &p));
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) /* the one number that is big-endian */
        bits = bits << 8 | p[i];
    tdagi_pickle *v = NULL;
    TDAGI_TRY(make(m, TDAGI_PICKLE_FLOAT, &v));
    memcpy(&v->u.f, &bits, sizeof bits);
    return push(m, v);
}

static tdag_status push_text(machine *m, tdagi_pickle_kind kind, char *text, size_t n)
{
    tdagi_pickle *v = NULL;
    TDAGI_TRY(make(m, kind, &v));
    v->u.s = text;
    v->n = n;
    return push(m, v);
}

/* UTF-8, in which U+0000 may stand. */
static bool is_utf8(const unsigned char *bytes, size_t n)
{
    const char *p = (const char *)bytes, *end = p + n;
    while (p < end) {
        size_t step = (unsigned char)*p < 0x7f ? 1 : tdagi_utf8_length(p, end);
        if (step == 0) return false;
        p += step;
    }
    return true;
}

static tdag_status push_string(machine *m)
{
    uint64_t n = 0;
    const unsigned char *p = NULL;
    TDAGI_TRY(take_number(m, 4, &n));
    TDAGI_TRY(take(m, n, &p));
    if (!is_utf8(p, (size_t)n)) return malformed(m, "a string that is not UTF-8");
    char *text = tdagi_arena_alloc(m->arena, (size_t)n + 1);
    if (text == NULL) return tdagi_nomem(m->ctx);
    memcpy(text, p, (size_t)n);
    text[n] = '\0';
    return push_text(m, TDAGI_PICKLE_STRING, text, (size_t)n);
}

/* The length of the line at m->p without its end; such lines hold names. */
static tdag_status line_length(const machine *m, const unsigned char *p, size_t *out)
{
    const unsigned char *end = memchr(p, '\n', (size_t)(m->end - p));
    if (end == NULL) return malformed(m, "a name that does not end");
    for (const unsigned char *c = p; c < end; c++)
        if (*c <= ' ' || *c == 0x7f) return malformed(m, "a name with a blank");
    *out = (size_t)(end - p);
    if (*out == 0 || !is_utf8(p, *out)) return malformed(m, "a name that is none");
    return TDAG_OK;
}

static tdag_status push_global(machine *m)
{
    size_t module = 0, name = 0;
    const unsigned char *p = m->p;
    TDAGI_TRY(line_length(m, p, &module));
    TDAGI_TRY(line_length(m, p + module + 1, &name));
    m->p += module + name + 2;
    char *text = tdagi_arena_alloc(m->arena, module + name + 2);
    if (text == NULL) return tdagi_nomem(m->ctx);
    memcpy(text, p, module + name + 1);
    text[module] = ' ';
    text[module + 1 + name] = '\0';
    return push_text(m, TDAGI_PICKLE_GLOBAL, text, module + 1 + name);
}

/* ---- values of values ---- */

/* Counts `items` into the container that gets them. */
static tdag_status count_in(const machine *m, tdagi_pickle *to,
                            tdagi_pickle *const *items, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        if (items[i]->depth + 1 > to->depth)
            to->depth = (uint16_t)(items[i]->depth + 1);
        uint64_t weight = (uint64_t)to->weight + items[i]->weight;
        if (weight > m->max_weight)
            return fail_with(m, TDAG_E_LIMIT,
                             "values that share values so often that they are "
                             "too many");
        to->weight = weight > UINT32_MAX ? UINT32_MAX : (uint32_t)weight;
    }
    if (to->depth <= TDAGI_PICKLE_MAX_DEPTH) return TDAG_OK;
    tdagi_fail(m->ctx, TDAG_E_LIMIT, "%s: values nested more than %d levels deep",
               m->what, TDAGI_PICKLE_MAX_DEPTH);
    return tdagi_fail_at_offset(m->ctx, (uint64_t)(m->opcode - m->start));
}

/* A value of the topmost n ones, which it replaces. `room`: pointers to have. */
static tdag_status fold(machine *m, tdagi_pickle_kind kind, uint32_t n, uint32_t room)
{
    tdagi_pickle *v = NULL;
    TDAGI_TRY(make(m, kind, &v));
    tdagi_pickle **items = n == 0 ? NULL : &m->stack[m->n_stack - n];
    TDAGI_TRY(count_in(m, v, items, n));
    v->n = n;
    v->u.items = tdagi_arena_array(m->arena, room, sizeof *v->u.items);
    if (v->u.items == NULL) return tdagi_nomem(m->ctx);
    for (uint32_t i = 0; i < room; i++)
        v->u.items[i] = i < n ? items[i] : NULL;
    m->n_stack -= n;
    return push(m, v);
}

static tdag_status fold_top(machine *m, tdagi_pickle_kind kind, uint32_t n)
{
    TDAGI_TRY(need(m, n));
    return fold(m, kind, n, n);
}

static tdag_status fold_marked(machine *m)
{
    uint32_t n = 0;
    TDAGI_TRY(take_mark(m, &n));
    return fold(m, TDAGI_PICKLE_TUPLE, n, n);
}

static bool is_empty_tuple(value v)
{
    return v->kind == TDAGI_PICKLE_TUPLE && v->n == 0;
}

/* The value of an Enum's member. */
static bool is_scalar(value v)
{
    return v->kind >= TDAGI_PICKLE_BOOL && v->kind <= TDAGI_PICKLE_STRING;
}

/* REDUCE and NEWOBJ, which differ in name only. An OrderedDict of nothing is a dict,
 * which items are then put into. */
static tdag_status apply(machine *m, bool is_new)
{
    TDAGI_TRY(need(m, 2));
    value function = m->stack[m->n_stack - 2], args = m->stack[m->n_stack - 1];
    if (args->kind != TDAGI_PICKLE_TUPLE && (is_new || !is_scalar(args)))
        return malformed(m, "arguments that are no tuple");
    if (tdagi_pickle_is_global(function, "collections OrderedDict") &&
        is_empty_tuple(args)) {
        m->n_stack -= 2;
        return fold(m, TDAGI_PICKLE_DICT, 0, 0);
    }
    TDAGI_TRY(fold(m, TDAGI_PICKLE_APPLY, 2, 3));
    m->stack[m->n_stack - 1]->is_new = is_new;
    return TDAG_OK;
}

static tdag_status check_open(const machine *m, value v)
{
    if (!v->is_used) return TDAG_OK;
    return malformed(m, "something is added to a value after its use, "
                        "as if it contained itself");
}

/* The state of an object; that of an OrderedDict is no part of its value. */
static tdag_status build(machine *m)
{
    TDAGI_TRY(need(m, 2));
    tdagi_pickle **state = &m->stack[m->n_stack - 1], *to = m->stack[m->n_stack - 2];
    TDAGI_TRY(check_open(m, to));
    if (to->kind == TDAGI_PICKLE_APPLY && to->n == 2) {
        TDAGI_TRY(count_in(m, to, state, 1));
        to->u.items[2] = *state;
        to->n = 3;
    } else if (to->kind != TDAGI_PICKLE_DICT) {
        return malformed(m, "a state for what takes none");
    }
    m->n_stack--;
    return TDAG_OK;
}

/* ---- lists and dicts ---- */

static uint64_t room_for(uint64_t n)
{
    uint64_t room = n == 0 ? 0 : 1;
    while (room < n)
        room *= 2;
    return room;
}

/* Adds the topmost n values, of `width` for each item, to the container below them. */
static tdag_status add_items(machine *m, tdagi_pickle_kind kind, uint32_t n,
                             uint32_t width)
{
    uint32_t first = m->n_stack - n;
    tdagi_pickle *to = first == 0 ? NULL : m->stack[first - 1];
    if (to == NULL || to->kind != kind || n % width != 0)
        return malformed(m, kind == TDAGI_PICKLE_LIST ? "items for what is no list"
                                                      : "pairs for what is no dict");
    TDAGI_TRY(check_open(m, to));
    TDAGI_TRY(count_in(m, to, &m->stack[first], n));
    uint64_t old = to->n * width, all = old + n;
    if (all > room_for(old) || old == 0) {
        value *items =
            tdagi_arena_array(m->arena, (size_t)room_for(all), sizeof *items);
        if (items == NULL) return tdagi_nomem(m->ctx);
        if (old > 0) memcpy(items, to->u.items, (size_t)old * sizeof *items);
        to->u.items = items;
    }
    for (uint32_t i = 0; i < n; i++)
        to->u.items[old + i] = m->stack[first + i];
    to->n = all / width;
    m->n_stack = first;
    return TDAG_OK;
}

static tdag_status add_marked(machine *m, tdagi_pickle_kind kind, uint32_t width)
{
    uint32_t n = 0;
    TDAGI_TRY(take_mark(m, &n));
    TDAGI_TRY(need(m, n + 1)); /* the container is above the mark before */
    return add_items(m, kind, n, width);
}

static tdag_status add_one(machine *m, tdagi_pickle_kind kind, uint32_t width)
{
    TDAGI_TRY(need(m, width + 1));
    return add_items(m, kind, width, width);
}

/* ---- the memo ---- */

/* No pickler numbers more values than it wrote opcodes. */
static tdag_status memo_index(machine *m, uint32_t n_bytes, uint64_t *out)
{
    TDAGI_TRY(take_number(m, n_bytes, out));
    if (*out < m->n_opcodes) return TDAG_OK;
    return malformed(m, "a memo index above the number of values");
}

static tdag_status put(machine *m, uint32_t n_bytes)
{
    uint64_t i = 0;
    TDAGI_TRY(memo_index(m, n_bytes, &i));
    TDAGI_TRY(need(m, 1));
    void *memo = m->memo;
    uint32_t old = m->memo_capacity;
    tdag_status st =
        grow(m, &memo, &m->memo_capacity, (uint32_t)i + 1, sizeof *m->memo);
    m->memo = memo;
    TDAGI_TRY(st);
    for (uint32_t k = old; k < m->memo_capacity; k++)
        m->memo[k] = NULL;
    m->memo[i] = m->stack[m->n_stack - 1];
    return TDAG_OK;
}

static tdag_status get(machine *m, uint32_t n_bytes)
{
    uint64_t i = 0;
    TDAGI_TRY(memo_index(m, n_bytes, &i));
    tdagi_pickle *v = i < m->memo_capacity ? m->memo[i] : NULL;
    if (v == NULL) return malformed(m, "a memo index that nothing was put at");
    v->is_used = true;
    return push(m, v);
}

/* ---- opcodes ---- */

static tdag_status push_unsigned(machine *m, uint32_t n_bytes)
{
    uint64_t number = 0;
    TDAGI_TRY(take_number(m, n_bytes, &number));
    return push_int(m, TDAGI_PICKLE_INT,
                    n_bytes == 4 ? (int32_t)number : (int64_t)number);
}

static tdag_status push_long(machine *m)
{
    int64_t number = 0;
    TDAGI_TRY(take_long(m, &number));
    return push_int(m, TDAGI_PICKLE_INT, number);
}

static tdag_status unknown_opcode(const machine *m)
{
    tdagi_fail(m->ctx, TDAG_E_UNSUPPORTED,
               "%s: pickle opcode 0x%02x, which PyTorch's files do not have", m->what,
               (unsigned)*m->opcode);
    return tdagi_fail_at_offset(m->ctx, (uint64_t)(m->opcode - m->start));
}

static tdag_status execute_composite(machine *m)
{
    switch (*m->opcode) {
    case TDAGI_OPCODE_EMPTY_TUPLE:
        return fold(m, TDAGI_PICKLE_TUPLE, 0, 0);
    case TDAGI_OPCODE_EMPTY_LIST:
        return fold(m, TDAGI_PICKLE_LIST, 0, 0);
    case TDAGI_OPCODE_EMPTY_DICT:
        return fold(m, TDAGI_PICKLE_DICT, 0, 0);
    case TDAGI_OPCODE_TUPLE:
        return fold_marked(m);
    case TDAGI_OPCODE_TUPLE1:
    case TDAGI_OPCODE_TUPLE2:
    case TDAGI_OPCODE_TUPLE3:
        return fold_top(m, TDAGI_PICKLE_TUPLE, *m->opcode - TDAGI_OPCODE_TUPLE1 + 1u);
    case TDAGI_OPCODE_BINPERSID:
        return fold_top(m, TDAGI_PICKLE_PERSISTENT, 1);
    case TDAGI_OPCODE_REDUCE:
    case TDAGI_OPCODE_NEWOBJ:
        return apply(m, *m->opcode == TDAGI_OPCODE_NEWOBJ);
    case TDAGI_OPCODE_BUILD:
        return build(m);
    case TDAGI_OPCODE_APPEND:
        return add_one(m, TDAGI_PICKLE_LIST, 1);
    case TDAGI_OPCODE_APPENDS:
        return add_marked(m, TDAGI_PICKLE_LIST, 1);
    case TDAGI_OPCODE_SETITEM:
        return add_one(m, TDAGI_PICKLE_DICT, 2);
    case TDAGI_OPCODE_SETITEMS:
        return add_marked(m, TDAGI_PICKLE_DICT, 2);
    default:
        return unknown_opcode(m);
    }
}

static tdag_status execute(machine *m)
{
    switch (*m->opcode) {
    case TDAGI_OPCODE_MARK:
        return set_mark(m);
    case TDAGI_OPCODE_BINGET:
        return get(m, 1);
    case TDAGI_OPCODE_LONG_BINGET:
        return get(m, 4);
    case TDAGI_OPCODE_BINPUT:
        return put(m, 1);
    case TDAGI_OPCODE_LONG_BINPUT:
        return put(m, 4);
    case TDAGI_OPCODE_NONE:
        return push_int(m, TDAGI_PICKLE_NONE, 0);
    case TDAGI_OPCODE_NEWTRUE:
    case TDAGI_OPCODE_NEWFALSE:
        return push_int(m, TDAGI_PICKLE_BOOL, *m->opcode == TDAGI_OPCODE_NEWTRUE);
    case TDAGI_OPCODE_BININT:
        return push_unsigned(m, 4);
    case TDAGI_OPCODE_BININT1:
        return push_unsigned(m, 1);
    case TDAGI_OPCODE_BININT2:
        return push_unsigned(m, 2);
    case TDAGI_OPCODE_LONG1:
        return push_long(m);
    case TDAGI_OPCODE_BINFLOAT:
        return push_float(m);
    case TDAGI_OPCODE_BINUNICODE:
        return push_string(m);
    case TDAGI_OPCODE_GLOBAL:
        return push_global(m);
    default:
        return execute_composite(m);
    }
}

/* ---- the whole ---- */

static tdag_status finish(const machine *m, value *out)
{
    if (m->n_stack != 1 || m->n_marks != 0)
        return malformed(m, "the pickle ends with more or less than one value");
    if (m->p != m->end) return malformed(m, "the pickle goes on behind its end");
    *out = m->stack[0];
    return TDAG_OK;
}

static tdag_status run(machine *m, value *out)
{
    const unsigned char *p = NULL;
    m->opcode = m->start;
    TDAGI_TRY(take(m, 2, &p));
    if (p[0] != TDAGI_OPCODE_PROTO) return malformed(m, "it is no pickle");
    if (p[1] != 2)
        return fail_with(m, TDAG_E_UNSUPPORTED, "a pickle of another protocol than 2");
    for (;;) {
        m->opcode = m->p;
        TDAGI_TRY(take(m, 1, &p));
        if (*p == TDAGI_OPCODE_STOP) return finish(m, out);
        m->n_opcodes++;
        TDAGI_TRY(execute(m));
    }
}

static tdag_status read_within(tdag_ctx *ctx, tdagi_arena *arena, const void *data,
                               size_t size, const char *what, uint64_t max_weight,
                               const tdagi_pickle **out)
{
    if (size > MAX_SIZE)
        return tdagi_fail(ctx, TDAG_E_LIMIT,
                          "%s: a pickle of %zu bytes; at most %zu are read", what, size,
                          MAX_SIZE);
    machine m = {.ctx = ctx,
                 .arena = arena,
                 .what = what,
                 .max_weight = max_weight,
                 .start = data,
                 .p = data,
                 .end = (const unsigned char *)data + size};
    tdag_status st = run(&m, out);
    tdagi_free(ctx, m.stack, m.stack_capacity * sizeof *m.stack);
    tdagi_free(ctx, m.marks, m.marks_capacity * sizeof *m.marks);
    tdagi_free(ctx, m.memo, m.memo_capacity * sizeof *m.memo);
    return st;
}

tdag_status tdagi_pickle_read(tdag_ctx *ctx, tdagi_arena *arena, const void *data,
                              size_t size, const char *what, const tdagi_pickle **out)
{
    uint64_t max_weight = MAX_WEIGHT + size * (uint64_t)WEIGHT_PER_BYTE;
    if (max_weight > UINT32_MAX) max_weight = UINT32_MAX;
    return read_within(ctx, arena, data, size, what, max_weight, out);
}

tdag_status tdagi_pickle_read_shared(tdag_ctx *ctx, tdagi_arena *arena,
                                     const void *data, size_t size, const char *what,
                                     const tdagi_pickle **out)
{
    return read_within(ctx, arena, data, size, what, UINT64_MAX, out);
}

bool tdagi_pickle_is_global(const tdagi_pickle *v, const char *name)
{
    return v->kind == TDAGI_PICKLE_GLOBAL && strcmp(v->u.s, name) == 0;
}

bool tdagi_pickle_applies(const tdagi_pickle *v, const char *name,
                          const tdagi_pickle **args_out)
{
    if (v->kind != TDAGI_PICKLE_APPLY || !tdagi_pickle_is_global(v->u.items[0], name))
        return false;
    *args_out = v->u.items[1];
    return true;
}
