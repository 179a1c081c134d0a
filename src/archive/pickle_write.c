/* See pickle_write.h. */
#include "archive/pickle_write.h"

#include <string.h>

#include "archive/pickle_format.h"

static void put(tdagi_pickler *p, enum tdagi_pickle_opcode opcode)
{
    const char byte = (char)(unsigned char)opcode;
    tdagi_text_add_bytes(p->to, &byte, 1);
}

/* Low byte first. */
static void put_number(tdagi_pickler *p, uint64_t value, uint32_t n_bytes)
{
    for (uint32_t i = 0; i < n_bytes; i++) {
        const char byte = (char)(unsigned char)(value >> (8 * i));
        tdagi_text_add_bytes(p->to, &byte, 1);
    }
}

void tdagi_pickle_begin(tdagi_pickler *p, tdagi_text *to)
{
    *p = (tdagi_pickler){.to = to};
    put(p, TDAGI_OPCODE_PROTO);
    put_number(p, 2, 1);
}

void tdagi_pickle_end(tdagi_pickler *p) { put(p, TDAGI_OPCODE_STOP); }
void tdagi_pickle_none(tdagi_pickler *p) { put(p, TDAGI_OPCODE_NONE); }

void tdagi_pickle_bool(tdagi_pickler *p, bool value)
{
    put(p, value ? TDAGI_OPCODE_NEWTRUE : TDAGI_OPCODE_NEWFALSE);
}

void tdagi_pickle_int(tdagi_pickler *p, int64_t value)
{
    if (value >= 0 && value <= UINT8_MAX) {
        put(p, TDAGI_OPCODE_BININT1);
        put_number(p, (uint64_t)value, 1);
    } else if (value >= 0 && value <= UINT16_MAX) {
        put(p, TDAGI_OPCODE_BININT2);
        put_number(p, (uint64_t)value, 2);
    } else if (value >= INT32_MIN && value <= INT32_MAX) {
        put(p, TDAGI_OPCODE_BININT);
        put_number(p, (uint64_t)value, 4);
    } else {
        put(p, TDAGI_OPCODE_LONG1);
        put_number(p, 8, 1);
        put_number(p, (uint64_t)value, 8);
    }
}

void tdagi_pickle_float(tdagi_pickler *p, double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put(p, TDAGI_OPCODE_BINFLOAT);
    for (uint32_t i = 8; i-- > 0;) /* high byte first */
        put_number(p, bits >> (8 * i) & 0xFF, 1);
}

void tdagi_pickle_string(tdagi_pickler *p, const char *s, size_t n)
{
    if (n > UINT32_MAX) {
        p->to->status = tdagi_fail(p->to->ctx, TDAG_E_LIMIT, "a string is too long");
        return;
    }
    put(p, TDAGI_OPCODE_BINUNICODE);
    put_number(p, n, 4);
    tdagi_text_add_bytes(p->to, s, n);
}

void tdagi_pickle_global(tdagi_pickler *p, const char *module, const char *name)
{
    put(p, TDAGI_OPCODE_GLOBAL);
    tdagi_text_printf(p->to, "%s\n%s\n", module, name);
}

void tdagi_pickle_mark(tdagi_pickler *p) { put(p, TDAGI_OPCODE_MARK); }
void tdagi_pickle_tuple(tdagi_pickler *p) { put(p, TDAGI_OPCODE_TUPLE); }
void tdagi_pickle_empty_tuple(tdagi_pickler *p) { put(p, TDAGI_OPCODE_EMPTY_TUPLE); }
void tdagi_pickle_empty_list(tdagi_pickler *p) { put(p, TDAGI_OPCODE_EMPTY_LIST); }
void tdagi_pickle_appends(tdagi_pickler *p) { put(p, TDAGI_OPCODE_APPENDS); }
void tdagi_pickle_empty_dict(tdagi_pickler *p) { put(p, TDAGI_OPCODE_EMPTY_DICT); }
void tdagi_pickle_setitems(tdagi_pickler *p) { put(p, TDAGI_OPCODE_SETITEMS); }
void tdagi_pickle_reduce(tdagi_pickler *p) { put(p, TDAGI_OPCODE_REDUCE); }
void tdagi_pickle_newobj(tdagi_pickler *p) { put(p, TDAGI_OPCODE_NEWOBJ); }
void tdagi_pickle_build(tdagi_pickler *p) { put(p, TDAGI_OPCODE_BUILD); }
void tdagi_pickle_persid(tdagi_pickler *p) { put(p, TDAGI_OPCODE_BINPERSID); }

uint32_t tdagi_pickle_put(tdagi_pickler *p)
{
    uint32_t memo = p->n_memo++;
    put(p, memo <= UINT8_MAX ? TDAGI_OPCODE_BINPUT : TDAGI_OPCODE_LONG_BINPUT);
    put_number(p, memo, memo <= UINT8_MAX ? 1 : 4);
    return memo;
}

void tdagi_pickle_get(tdagi_pickler *p, uint32_t memo)
{
    put(p, memo <= UINT8_MAX ? TDAGI_OPCODE_BINGET : TDAGI_OPCODE_LONG_BINGET);
    put_number(p, memo, memo <= UINT8_MAX ? 1 : 4);
}
