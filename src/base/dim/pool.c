/* The pool of dims: entries found by hash, symbols, the stuck status.
 *
 * An entry's words lie in the arena and never move, so views of them stay valid while
 * the pool grows. Everything that can be said about a dim from its words (sample,
 * depth, weight, sign) is computed once, when it is interned. */
#include "base/dim/pool.h"

#include <string.h>

#define FIRST_SLOTS 64

/* ---- failing ---- */

tdag_dim tdagi_pool_fail(tdagi_pool *pool, tdag_status status, const char *reason)
{
    if (pool->status == TDAG_OK) {
        pool->status = status;
        pool->reason = reason;
    }
    return TDAGI_DIM_BAD;
}

static tdag_dim no_memory(tdagi_pool *pool)
{
    return tdagi_pool_fail(pool, TDAG_E_NOMEM, "out of memory");
}

tdag_status tdagi_pool_status(const tdagi_pool *pool) { return pool->status; }

tdag_status tdagi_pool_report(tdag_ctx *ctx, const tdagi_pool *pool)
{
    if (pool->status == TDAG_OK) return TDAG_OK;
    return tdagi_fail(ctx, pool->status, "%s", pool->reason);
}

void tdagi_pool_clear_status(tdagi_pool *pool)
{
    pool->status = TDAG_OK;
    pool->reason = NULL;
}

/* ---- memory ---- */

/* Doubles an array of elements of `size` bytes; false when out of memory. */
static bool grow(tdagi_pool *pool, void **array, uint32_t *capacity, size_t size)
{
    uint32_t want = *capacity == 0 ? 8 : *capacity * 2;
    void *p = pool->allocator.realloc(pool->allocator.user, *array, *capacity * size,
                                      want * size);
    if (p == NULL) {
        no_memory(pool);
        return false;
    }
    *array = p;
    *capacity = want;
    return true;
}

bool tdagi_words_push(tdagi_pool *pool, tdagi_words *to, const int64_t *words, size_t n)
{
    if (to->capacity - to->n < n) {
        size_t want = to->capacity == 0 ? 32 : to->capacity * 2;
        while (want - to->n < n)
            want *= 2;
        int64_t *v = pool->allocator.realloc(
            pool->allocator.user, to->v, to->capacity * sizeof *v, want * sizeof *v);
        if (v == NULL) {
            no_memory(pool);
            return false;
        }
        to->v = v;
        to->capacity = want;
    }
    if (n > 0) memcpy(to->v + to->n, words, n * sizeof *words);
    to->n += n;
    return true;
}

void tdagi_words_free(tdagi_pool *pool, tdagi_words *words)
{
    tdagi_mem_free(&pool->allocator, words->v, words->capacity * sizeof *words->v);
    *words = (tdagi_words){0};
}

tdagi_pool *tdagi_pool_create(const tdag_allocator *allocator)
{
    tdagi_pool *pool = tdagi_mem_alloc(allocator, sizeof *pool);
    if (pool == NULL) return NULL;
    *pool = (tdagi_pool){.allocator = *allocator};
    tdagi_arena_init(&pool->arena, allocator);
    return pool;
}

void tdagi_pool_free(tdagi_pool *pool)
{
    if (pool == NULL) return;
    tdag_allocator a = pool->allocator;
    tdagi_arena_free(&pool->arena);
    tdagi_mem_free(&a, pool->entries, pool->capacity * sizeof *pool->entries);
    tdagi_mem_free(&a, pool->table, pool->n_slots * sizeof *pool->table);
    tdagi_mem_free(&a, pool->symbols, pool->symbols_capacity * sizeof *pool->symbols);
    tdagi_mem_free(&a, pool, sizeof *pool);
}

/* A copy of n * size bytes, NULL for none; *ok turns false when out of memory. */
static void *copy_array(tdagi_pool *to, const void *from, size_t bytes, bool *ok)
{
    if (from == NULL || !*ok) return NULL;
    void *p = tdagi_mem_alloc(&to->allocator, bytes);
    if (p == NULL)
        *ok = false;
    else
        memcpy(p, from, bytes);
    return p;
}

static bool copy_contents(tdagi_pool *to)
{
    for (uint32_t i = 0; i < to->n; i++) {
        size_t n = to->entries[i].n_words;
        int64_t *words = tdagi_arena_array(&to->arena, n, sizeof *words);
        if (words == NULL) return false;
        memcpy(words, to->entries[i].words, n * sizeof *words);
        to->entries[i].words = words;
    }
    for (uint32_t i = 0; i < to->n_symbols; i++) {
        to->symbols[i].name = tdagi_arena_strdup(&to->arena, to->symbols[i].name);
        if (to->symbols[i].name == NULL) return false;
    }
    return true;
}

tdagi_pool *tdagi_pool_clone(const tdagi_pool *pool)
{
    tdagi_pool *to = tdagi_pool_create(&pool->allocator);
    if (to == NULL) return NULL;
    bool ok = true;
    to->entries =
        copy_array(to, pool->entries, pool->capacity * sizeof *to->entries, &ok);
    if (to->entries != NULL) to->capacity = pool->capacity;
    to->table = copy_array(to, pool->table, pool->n_slots * sizeof *to->table, &ok);
    if (to->table != NULL) to->n_slots = pool->n_slots;
    to->symbols = copy_array(to, pool->symbols,
                             pool->symbols_capacity * sizeof *to->symbols, &ok);
    if (to->symbols != NULL) to->symbols_capacity = pool->symbols_capacity;
    to->n = pool->n;
    to->n_symbols = pool->n_symbols;
    to->status = pool->status;
    to->reason = pool->reason;
    if (ok && copy_contents(to)) return to;
    tdagi_pool_free(to);
    return NULL;
}

/* ---- interning ---- */

static uint64_t hash_words(tdagi_dim_kind kind, const int64_t *words, size_t n)
{
    uint64_t h = (uint64_t)kind * UINT64_C(0x9E3779B97F4A7C15) + n;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ (uint64_t)words[i]) * UINT64_C(0xFF51AFD7ED558CCD);
        h ^= h >> 32;
    }
    return h;
}

static uint32_t *find_slot(const tdagi_pool *pool, tdagi_dim_kind kind,
                           const int64_t *words, size_t n, uint64_t hash)
{
    uint32_t mask = pool->n_slots - 1;
    for (uint32_t i = (uint32_t)hash & mask;; i = (i + 1) & mask) {
        if (pool->table[i] == 0) return &pool->table[i];
        const tdagi_entry *e = &pool->entries[pool->table[i] - 1];
        if (e->hash == hash && e->kind == (uint8_t)kind && e->n_words == n &&
            memcmp(e->words, words, n * sizeof *words) == 0)
            return &pool->table[i];
    }
}

static bool grow_table(tdagi_pool *pool)
{
    uint32_t n_slots = pool->n_slots == 0 ? FIRST_SLOTS : pool->n_slots * 2;
    uint32_t *table = tdagi_mem_alloc(&pool->allocator, n_slots * sizeof *table);
    if (table == NULL) {
        no_memory(pool);
        return false;
    }
    memset(table, 0, n_slots * sizeof *table);
    for (uint32_t e = 0; e < pool->n; e++) {
        uint32_t i = (uint32_t)pool->entries[e].hash & (n_slots - 1);
        while (table[i] != 0)
            i = (i + 1) & (n_slots - 1);
        table[i] = e + 1;
    }
    tdagi_mem_free(&pool->allocator, pool->table, pool->n_slots * sizeof *table);
    pool->table = table;
    pool->n_slots = n_slots;
    return true;
}

/* Adds what a dim inside an entry contributes to its depth and weight. */
static void count_part(const tdagi_pool *pool, tdag_dim d, uint32_t *depth,
                       uint64_t *weight)
{
    if (d >= 0) {
        *weight += 1;
        return;
    }
    const tdagi_entry *e = tdagi_pool_entry(pool, d);
    if (e->depth > *depth) *depth = e->depth;
    *weight += e->weight;
}

static bool part_non_negative(const tdagi_pool *pool, tdag_dim d)
{
    return d >= 0 || tdagi_pool_entry(pool, d)->non_negative;
}

/* Sign from signs: see tdagi_entry.non_negative. */
static bool words_non_negative(const tdagi_pool *pool, tdagi_dim_kind kind,
                               const int64_t *words, size_t n)
{
    if (kind == TDAGI_DIM_POLYNOMIAL) {
        const tdagi_terms terms = {.v = words, .n = n};
        return tdagi_terms_non_negative(pool, &terms);
    }
    if (kind == TDAGI_DIM_INTEGER) return false;
    if (kind == TDAGI_DIM_SYMBOL) return true;
    bool any = kind == TDAGI_DIM_MAX;
    for (size_t i = 0; i < n; i++)
        if (part_non_negative(pool, words[i]) == any) return any;
    return !any;
}

/* Fills depth, weight and sign of a new entry; false beyond a limit. */
static bool measure(tdagi_pool *pool, tdagi_entry *e, tdagi_dim_kind kind,
                    const int64_t *words, size_t n)
{
    uint32_t depth = 0;
    uint64_t weight = 1;
    if (kind == TDAGI_DIM_POLYNOMIAL) {
        for (size_t i = 0; i < n; i += tdagi_term_size(words + i)) {
            weight++;
            for (int64_t k = 0; k < words[i + 1]; k++) {
                const int64_t *factor = words + i + 2 + 2 * k;
                uint64_t one = 0;
                count_part(pool, factor[0], &depth, &one);
                weight += one * (uint64_t)factor[1];
            }
        }
    } else if (kind != TDAGI_DIM_INTEGER && kind != TDAGI_DIM_SYMBOL) {
        for (size_t i = 0; i < n; i++)
            count_part(pool, words[i], &depth, &weight);
        depth++;
    }
    if (depth > TDAGI_DIM_MAX_DEPTH || weight > TDAGI_DIM_MAX_WEIGHT) {
        tdagi_pool_fail(pool, TDAG_E_LIMIT,
                        "a symbolic dim is too large an expression");
        return false;
    }
    e->depth = (uint8_t)depth;
    e->weight = (uint32_t)weight;
    e->non_negative = words_non_negative(pool, kind, words, n);
    return true;
}

static tdag_dim add_entry(tdagi_pool *pool, tdagi_dim_kind kind, const int64_t *words,
                          size_t n, uint64_t hash)
{
    if (pool->n >= TDAGI_POOL_MAX_ENTRIES)
        return tdagi_pool_fail(pool, TDAG_E_LIMIT, "too many different symbolic dims");
    tdagi_entry e = {.hash = hash, .n_words = (uint32_t)n, .kind = (uint8_t)kind};
    bool by_zero = false;
    if (!measure(pool, &e, kind, words, n)) return TDAGI_DIM_BAD;
    if (!tdagi_words_eval(pool, kind, words, n, NULL, &e.sample, &by_zero))
        return by_zero
                   ? tdagi_pool_fail(pool, TDAG_E_ARG,
                                     "a symbolic dim divides by zero at the samples "
                                     "of its symbols")
                   : tdagi_pool_fail(pool, TDAG_E_OVERFLOW,
                                     "a symbolic dim does not fit 64 bits at the "
                                     "samples of its symbols");
    if (pool->n == pool->capacity) {
        void *entries = pool->entries;
        if (!grow(pool, &entries, &pool->capacity, sizeof e)) return TDAGI_DIM_BAD;
        pool->entries = entries;
    }
    int64_t *copy = tdagi_arena_array(&pool->arena, n, sizeof *words);
    if (copy == NULL) return no_memory(pool);
    memcpy(copy, words, n * sizeof *words);
    e.words = copy;
    pool->entries[pool->n++] = e;
    return -(tdag_dim)pool->n;
}

tdag_dim tdagi_pool_intern(tdagi_pool *pool, tdagi_dim_kind kind, const int64_t *words,
                           size_t n)
{
    if (pool->n + 1 > pool->n_slots / 4 * 3 && !grow_table(pool)) return TDAGI_DIM_BAD;
    uint64_t hash = hash_words(kind, words, n);
    uint32_t *slot = find_slot(pool, kind, words, n, hash);
    if (*slot != 0) return -(tdag_dim)*slot;
    tdag_dim d = add_entry(pool, kind, words, n, hash);
    if (d != TDAGI_DIM_BAD) *slot = pool->n;
    return d;
}

/* ---- symbols ---- */

bool tdagi_is_identifier(const char *name)
{
    for (const char *p = name; *p != '\0'; p++) {
        bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || *p == '_';
        bool digit = *p >= '0' && *p <= '9';
        if (!letter && !(digit && p != name)) return false;
    }
    return name[0] != '\0';
}

tdag_dim tdagi_dim_symbol(tdagi_pool *pool, const char *name, int64_t sample)
{
    if (name == NULL || !tdagi_is_identifier(name))
        return tdagi_pool_fail(pool, TDAG_E_ARG, "a symbol's name is no identifier");
    if (sample < 0)
        return tdagi_pool_fail(pool, TDAG_E_ARG, "a symbol's sample is negative");
    for (uint32_t i = 0; i < pool->n_symbols; i++) {
        if (strcmp(pool->symbols[i].name, name) != 0) continue;
        if (pool->symbols[i].sample == sample) return pool->symbols[i].dim;
        return tdagi_pool_fail(pool, TDAG_E_ARG,
                               "a symbol is declared twice with different samples");
    }
    if (pool->n_symbols >= TDAGI_POOL_MAX_SYMBOLS)
        return tdagi_pool_fail(pool, TDAG_E_LIMIT, "more than 4096 symbols");
    if (pool->n_symbols == pool->symbols_capacity) {
        void *symbols = pool->symbols;
        if (!grow(pool, &symbols, &pool->symbols_capacity, sizeof *pool->symbols))
            return TDAGI_DIM_BAD;
        pool->symbols = symbols;
    }
    char *copy = tdagi_arena_strdup(&pool->arena, name);
    if (copy == NULL) return no_memory(pool);
    tdagi_symbol *s = &pool->symbols[pool->n_symbols];
    *s = (tdagi_symbol){.name = copy, .sample = sample};
    int64_t number = pool->n_symbols;
    tdag_dim d = tdagi_pool_intern(pool, TDAGI_DIM_SYMBOL, &number, 1);
    if (d == TDAGI_DIM_BAD) return d;
    s->dim = d;
    pool->n_symbols++;
    return d;
}

uint32_t tdagi_pool_n_symbols(const tdagi_pool *pool) { return pool->n_symbols; }

const char *tdagi_pool_symbol(const tdagi_pool *pool, uint32_t i, int64_t *sample_out)
{
    if (sample_out != NULL) *sample_out = pool->symbols[i].sample;
    return pool->symbols[i].name;
}

tdag_dim tdagi_pool_symbol_dim(const tdagi_pool *pool, uint32_t i)
{
    return pool->symbols[i].dim;
}
