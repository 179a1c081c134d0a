/* A mutator that knows where the model's JSON is: random bytes would hardly ever get
 * past the length, the escapes and the brackets. It takes the file apart, changes the
 * JSON as text (numbers, words, whole pieces), and puts it together with the right
 * length. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed);

#define MOST 65536

static uint64_t random_bits(uint64_t *state) /* splitmix64 */
{
    uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static size_t below(uint64_t *state, size_t n)
{
    return n == 0 ? 0 : (size_t)(random_bits(state) % n);
}

typedef struct text {
    char data[MOST];
    size_t n;
} text;

/* Replaces `count` bytes at `at`; nothing where there is no room. */
static void splice(text *t, size_t at, size_t count, const char *with, size_t n)
{
    if (t->n - count + n > MOST / 3) return;
    memmove(t->data + at + n, t->data + at + count, t->n - at - count);
    memcpy(t->data + at, with, n);
    t->n += n - count;
}

static bool is_word(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           c == '-' || c == '+' || c == '.' || c == '_';
}

/* The word (number, name) at or after a random place. */
static size_t find_word(const text *t, uint64_t *rng, size_t *n_out)
{
    size_t at = below(rng, t->n), n = 0;
    while (at < t->n && !is_word(t->data[at]))
        at++;
    while (at > 0 && is_word(t->data[at - 1]))
        at--;
    while (at + n < t->n && is_word(t->data[at + n]))
        n++;
    *n_out = n;
    return at;
}

/* What a word may become: numbers at the edges, names that mean something. */
static const char *const words[] = {
    "0",
    "1",
    "2",
    "-1",
    "3",
    "16",
    "17",
    "65536",
    "2147483648",
    "4294967296",
    "9223372036854775807",
    "-9223372036854775808",
    "9223372036854775808",
    "1e400",
    "0.5",
    "-0.0",
    "nan",
    "inf",
    "N",
    "true",
    "false",
    "null",
    "input",
    "parameter",
    "constant",
    "f32",
    "i64",
    "bool",
    "f16",
    "permute",
    "group",
    "ungroup",
    "slice",
    "pad",
    "select",
    "repeat",
    "unfold",
    "fold",
    "reduce",
    "scan",
    "argsort",
    "gather",
    "scatter",
    "where",
    "opaque",
    "iota",
    "convert",
    "squeeze",
    "unsqueeze",
    "multiply",
    "add",
    "floor_divide",
    "value",
    "tensor",
    "sum",
    "max",
    "mean",
    "reflect",
    "circular",
    "\"N*N\"",
    "\"floor(N/2)\"",
    "\"max(N,3)\"",
    "\"N-1\"",
    "[]",
    "{}",
    "[1,1]",
    "call",
    "if",
    "loop",
    "read",
    "write",
    "draw",
    "apply",
    "check",
    "return",
    "permutation",
    "\"T\"",
    "\"\"",
};

static void change_word(text *t, uint64_t *rng)
{
    size_t n, at = find_word(t, rng, &n);
    if (below(rng, 3) == 0) { /* by another word of the text */
        char copy[64];
        size_t m, from = find_word(t, rng, &m);
        if (m > sizeof copy) return;
        memcpy(copy, t->data + from, m);
        splice(t, at, n, copy, m);
        return;
    }
    const char *word = words[below(rng, sizeof words / sizeof *words)];
    splice(t, at, n, word, strlen(word));
}

/* The end of the value that begins with a bracket at `at`, or 0. */
static size_t bracket_end(const text *t, size_t at)
{
    int depth = 0;
    for (size_t i = at; i < t->n; i++) {
        if (t->data[i] == '{' || t->data[i] == '[') depth++;
        if (t->data[i] == '}' || t->data[i] == ']') depth--;
        if (depth == 0) return i + 1;
    }
    return 0;
}

/* Copies a bracketed piece over another one, beside itself, or away. */
static void change_piece(text *t, uint64_t *rng)
{
    static char copy[MOST];
    size_t at[2], end[2];
    for (int i = 0; i < 2; i++) {
        at[i] = below(rng, t->n);
        while (at[i] < t->n && t->data[at[i]] != '{' && t->data[at[i]] != '[')
            at[i]++;
        if (at[i] == t->n) return;
        end[i] = bracket_end(t, at[i]);
        if (end[i] == 0) return;
    }
    size_t n = end[0] - at[0];
    memcpy(copy, t->data + at[0], n);
    copy[n] = ',';
    switch (below(rng, 3)) {
    case 0:
        splice(t, at[1], end[1] - at[1], copy, n);
        break;
    case 1:
        splice(t, at[0], 0, copy, n + 1);
        break;
    default:
        if (end[0] < t->n && t->data[end[0]] == ',') n++;
        splice(t, at[0], n, "", 0);
        break;
    }
}

/* ---- the file ---- */

/* The model's JSON without its escapes; its place in the header. False: none there. */
static bool take_out(const uint8_t *data, size_t size, text *json, size_t *begin,
                     size_t *end)
{
    static const char key[] = "\"tdag\":\"";
    if (size < 8 + sizeof key) return false;
    size_t i = 8;
    while (i + sizeof key < size && memcmp(data + i, key, sizeof key - 1) != 0)
        i++;
    *begin = i += sizeof key - 1;
    for (json->n = 0; i < size && data[i] != '"' && json->n < MOST / 3; i++) {
        if (data[i] == '\\' && i + 1 < size)
            json->data[json->n++] = data[++i] == 'n' ? '\n' : (char)data[i];
        else
            json->data[json->n++] = (char)data[i];
    }
    *end = i;
    return i < size && data[i] == '"';
}

static size_t escape(const text *json, char *out)
{
    size_t n = 0;
    for (size_t i = 0; i < json->n; i++) {
        char c = json->data[i];
        if (c == '"' || c == '\\' || c == '\n') out[n++] = '\\';
        out[n++] = c == '\n' ? 'n' : c;
    }
    return n;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
                               unsigned seed)
{
    static text json;
    static char out[2 * MOST];
    uint64_t rng = seed, length = 0;
    size_t begin, end;
    if (below(&rng, 8) == 0 || !take_out(data, size, &json, &begin, &end))
        return LLVMFuzzerMutate(data, size, max_size);
    for (int i = 7; i >= 0; i--)
        length = length << 8 | data[i];
    if (length > size - 8 || end > length + 8)
        return LLVMFuzzerMutate(data, size, max_size);
    for (size_t n = 1 + below(&rng, 4); n > 0 && json.n > 0; n--) {
        size_t way = below(&rng, 10);
        if (way < 5)
            change_word(&json, &rng);
        else if (way < 9)
            change_piece(&json, &rng);
        else
            json.n = LLVMFuzzerMutate((uint8_t *)json.data, json.n, MOST / 3);
    }
    size_t n = escape(&json, out), rest = size - end;
    if (begin + n + rest > max_size) return size;
    memmove(data + begin + n, data + end, rest);
    memcpy(data + begin, out, n);
    length = length - (end - begin) + n;
    for (int i = 0; i < 8; i++)
        data[i] = (uint8_t)(length >> (8 * i));
    return begin + n + rest;
}
