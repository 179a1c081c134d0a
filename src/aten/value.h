/* What an operator takes and gives: a tensor that the builder makes, or something that
 * is known while the model is read: a number, perhaps symbolic, a list, a string. All
 * memory is the environment's arena. */
#ifndef TDAGI_ATEN_VALUE_H
#define TDAGI_ATEN_VALUE_H

#include <tdagger/graph.h>

struct tdagi_env;

typedef enum tdagi_any_kind {
    TDAGI_ANY_NONE = 0,
    TDAGI_ANY_POISON, /* what is not there; u.issue, or NULL where one is noted */
    TDAGI_ANY_TENSOR,
    TDAGI_ANY_INT,   /* u.i, a dim of the builder's pool, of any sign */
    TDAGI_ANY_FLOAT, /* u.f */
    TDAGI_ANY_BOOL,  /* u.b */
    TDAGI_ANY_DATA,  /* a number that depends on tensor data: u.tensor, rank 0; or a
                        string, by the number that stands for it */
    TDAGI_ANY_STRING,
    TDAGI_ANY_DEVICE,         /* u.s */
    TDAGI_ANY_LIST,           /* u.seq, shared by all who hold it */
    TDAGI_ANY_TUPLE,          /* u.seq */
    TDAGI_ANY_DICT,           /* u.dict */
    TDAGI_ANY_COMPLEX,        /* a complex tensor: u.tensor is its real half, whose imag
                                 is the other one */
    TDAGI_ANY_COMPLEX_NUMBER, /* u.pair: the real and the imaginary part */
    TDAGI_ANY_NESTED, /* a nested tensor: u.seq of a padded one and what is there of it
                       */
    TDAGI_ANY_OPTIONAL, /* u.seq of a bool, whether it is there, and what it is then:
                           else None, as tensor data decides */
    /* Known to the reader alone; rows only pass them on. */
    TDAGI_ANY_OBJECT,   /* a module: u.object */
    TDAGI_ANY_FUNCTION, /* u.foreign */
    TDAGI_ANY_OTHER,    /* generators, enums, ...: u.foreign */
} tdagi_any_kind;

typedef struct tdagi_seq tdagi_seq;
typedef struct tdagi_dict tdagi_dict;
typedef struct tdagi_cell tdagi_cell;

/* Two words, which calls pass in registers. */
typedef struct tdagi_any {
    uint8_t kind; /* tdagi_any_kind */
    char letter;  /* of DATA: 'i', 'f', 'b' or 's' */
    bool assumed; /* FLOAT, BOOL, STRING: so at the samples of the symbols, or with
                     their names in the text; unproved beyond */
    uint32_t how; /* of a BOOL or FLOAT that symbols decide: what a run computes it
                     from, by its number in the environment; 0: nothing */
    union {
        tdag_dim i;
        double f;
        const double *pair;
        bool b;
        const char *s;
        tdagi_seq *seq;
        tdagi_dict *dict;
        tdagi_cell *tensor;
        struct tdagi_object *object;
        const void *foreign;
        const struct tdagi_issue *issue;
    } u;
} tdagi_any;

struct tdagi_seq {
    uint32_t n, capacity;
    struct tdagi_seq_name *names;     /* those that it may be */
    const struct tdagi_issue *spoilt; /* one of them was changed; NULL: none */
    struct tdagi_seq *pending;
    uint32_t born; /* the environment's epoch then */
    tdagi_any *v;
    const char *type_name; /* of a named tuple; else NULL */
    const char **fields;   /* n of them when type_name is there */
    bool lives;            /* an attribute has it: between calls, too */
    tdagi_cell *rows;   /* of a list whose length a run tells: its items as rows of one
                           tensor, and none in v; else NULL (control/stack.h) */
    tdagi_seq *columns; /* of such a list of tuples: a list with rows for each item of
                           the tuples; nobody writes to those; else NULL */
    char letter; /* of rows that are numbers: 'i', 'f' or 'b'; 'r' of columns that are
                    the rows of items of several lengths, and those; else 0 */
};

struct tdagi_dict { /* in insertion order */
    tdagi_seq keys, values;
};

/* ---- making ---- */
tdagi_any tdagi_any_none(void);
tdagi_any tdagi_any_poison(void); /* of something that was noted */
tdagi_any tdagi_any_dim(tdag_dim d);
tdagi_any tdagi_any_int(struct tdagi_env *env, int64_t i);
tdagi_any tdagi_any_float(double f);
tdagi_any tdagi_any_bool(bool b);
tdagi_any tdagi_any_string(const char *s);
tdagi_any tdagi_any_tensor(tdagi_cell *t); /* NULL: poison */
tdagi_any tdagi_any_complex_number(struct tdagi_env *env, double re, double im);
tdagi_any tdagi_any_seq(struct tdagi_env *env, tdagi_any_kind kind, uint32_t n,
                        const tdagi_any *v); /* copies v */
/* A list of the same items or rows. */
tdagi_any tdagi_list_copy_of(struct tdagi_env *env, const tdagi_seq *seq);
tdagi_any tdagi_any_dict(struct tdagi_env *env);
/* The list becomes one of the other's items or rows. */
void tdagi_seq_take(tdagi_seq *to, const tdagi_seq *from);
void tdagi_seq_append(struct tdagi_env *env, tdagi_seq *seq, tdagi_any v);
void tdagi_seq_remove(tdagi_seq *seq, uint32_t at); /* the item of that place */
void tdagi_dict_set(struct tdagi_env *env, tdagi_dict *d, tdagi_any key, tdagi_any v);
const tdagi_any *tdagi_dict_get(struct tdagi_env *env, const tdagi_dict *d,
                                tdagi_any key);

/* ---- asking ---- */
/* POISON itself or a sequence that holds one, which is given; else NULL. */
const tdagi_any *tdagi_any_find_poison(const tdagi_any *v);
bool tdagi_any_is_seq(tdagi_any v);    /* whose items are known */
bool tdagi_any_is_stack(tdagi_any v);  /* a list with rows or columns */
bool tdagi_any_is_tensor(tdagi_any v); /* TENSOR, DATA */
bool tdagi_any_is_number(tdagi_any v); /* INT, FLOAT, BOOL */
/* COMPLEX, COMPLEX_NUMBER, or a sequence that holds one. */
bool tdagi_any_is_complex(tdagi_any v);
/* INT or BOOL */
bool tdagi_any_const_int(struct tdagi_env *env, tdagi_any v, int64_t *out);
/* It, or something in it, depends on symbols: a formula, or what is assumed. */
bool tdagi_any_is_open(struct tdagi_env *env, tdagi_any v);
/* Same known value; *assumed_out is set where symbols decide at their samples, or where
 * tensor data decides. */
bool tdagi_any_equal(struct tdagi_env *env, tdagi_any a, tdagi_any b,
                     bool *assumed_out);
/* A short text of a value for sentences and for aten::str. */
const char *tdagi_any_text(struct tdagi_env *env, tdagi_any v);
/* A number's value at the samples. */
double tdagi_any_sample(struct tdagi_env *env, tdagi_any v);

#endif
