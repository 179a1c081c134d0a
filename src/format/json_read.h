/* Reading JSON piece by piece: the caller knows what must come next, so nothing is
 * built that is not wanted. Integers of 64 bits stay exact, memory comes from the
 * context's hook, failures carry the byte offset; all of that, and two threads reading
 * at once, is why this is not a general JSON library. */
#ifndef TDAGI_JSON_READ_H
#define TDAGI_JSON_READ_H

#include "base/arena.h"
#include "base/ctx.h"

typedef struct tdagi_json_reader {
    tdag_ctx *ctx;
    tdagi_arena *arena; /* decoded strings */
    const char *text, *p, *end;
    uint64_t offset; /* of `text` in the file, for messages */
} tdagi_json_reader;

/* Fails with E_FORMAT unless all of the text is UTF-8 without U+0000. */
tdag_status tdagi_json_check_utf8(const tdagi_json_reader *r);
bool tdagi_json_is_utf8(const char *text, const char *end);
/* Fails with E_FORMAT here, with a sentence. */
tdag_status tdagi_json_fail(const tdagi_json_reader *r, const char *sentence);

/* Takes the byte, with the spaces before it, if it comes next. */
bool tdagi_json_take(tdagi_json_reader *r, char byte);
tdag_status tdagi_json_expect(tdagi_json_reader *r, char byte);
/* For loops over the items of a container that was opened: *more_out tells whether an
 * item follows; commas and the closing byte are taken. *first is true before the first.
 */
tdag_status tdagi_json_next(tdagi_json_reader *r, char close, bool *first,
                            bool *more_out);
/* A key and its colon. */
tdag_status tdagi_json_key(tdagi_json_reader *r, const char **out);
tdag_status tdagi_json_string(tdagi_json_reader *r,
                              const char **out);                  /* in the arena */
tdag_status tdagi_json_int64(tdagi_json_reader *r, int64_t *out); /* no fraction */
tdag_status tdagi_json_bool(tdagi_json_reader *r, bool *out);
/* A string's content or a number, true, false as it stands there: a scalar that the
 * caller reads by its own rules. Not ended by a zero byte. */
tdag_status tdagi_json_scalar(tdagi_json_reader *r, const char **out, size_t *n_out);
/* A string's bytes without a copy where it has no escapes, else decoded in the arena.
 * Not ended by a zero byte, and not looked at but for its end. */
tdag_status tdagi_json_bytes(tdagi_json_reader *r, const char **out, size_t *n_out);
/* A number, or one of the strings "Infinity", "-Infinity" and "NaN". */
tdag_status tdagi_json_f64(tdagi_json_reader *r, double *out);
/* Takes null if it comes next. */
bool tdagi_json_take_null(tdagi_json_reader *r);
/* Past a value of any kind. Of what is in it, quotes and the number of brackets are
 * looked at, no more. */
tdag_status tdagi_json_skip(tdagi_json_reader *r);
/* The byte that comes next after spaces, without taking it; 0 at the end. */
char tdagi_json_peek(tdagi_json_reader *r);
/* Nothing but spaces is left. */
tdag_status tdagi_json_end(tdagi_json_reader *r);

/* ---- objects of known keys, which may come in any order ---- */
typedef struct tdagi_json_slot {
    const char *key;
    bool optional;
    const char *value, *end; /* the value's text; NULL: not there. Set by reading. */
} tdagi_json_slot;

/* Finds the value of every slot in the object that comes next, without reading it. A
 * key that no slot has, one that stands there twice and a missing one are E_FORMAT;
 * `what` names the object in the sentence. */
tdag_status tdagi_json_object(tdagi_json_reader *r, const char *what,
                              tdagi_json_slot *slots, uint32_t n);
/* A reader of a slot's value alone; tdagi_json_end() must hold after reading it. */
tdagi_json_reader tdagi_json_at(const tdagi_json_reader *r,
                                const tdagi_json_slot *slot);

/* ---- objects of keys that are known in part, read as they come ---- */
typedef struct tdagi_json_field {
    const char *key;
    bool required;
    tdag_status (*read)(tdagi_json_reader *r, void *user); /* takes the value */
} tdagi_json_field;
#define TDAGI_JSON_MAX_FIELDS 32

/* Reads the object that comes next: each field's value by its function, in the order
 * of the text; values of other keys are skipped. A field that stands there twice or is
 * required and missing is E_FORMAT; `what` names the object in the sentence. */
tdag_status tdagi_json_fields(tdagi_json_reader *r, const char *what, void *user,
                              const tdagi_json_field *fields, uint32_t n);

#endif
