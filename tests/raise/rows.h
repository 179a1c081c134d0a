/* How rows of composites are written: lists, types and specs. */
#ifndef TEST_RAISE_ROWS_H
#define TEST_RAISE_ROWS_H

#define L(...)                                                                         \
    {                                                                                  \
        sizeof((int64_t[]){__VA_ARGS__}) / 8, (const int64_t[]) { __VA_ARGS__ }        \
    }
#define F(...)                                                                         \
    {                                                                                  \
        TDAG_F32, sizeof((int64_t[]){__VA_ARGS__}) / 8, { __VA_ARGS__ }                \
    }
#define I(...)                                                                         \
    {                                                                                  \
        TDAG_I64, sizeof((int64_t[]){__VA_ARGS__}) / 8, { __VA_ARGS__ }                \
    }
#define J(...)                                                                         \
    {                                                                                  \
        TDAG_I32, sizeof((int64_t[]){__VA_ARGS__}) / 8, { __VA_ARGS__ }                \
    }
#define B(...)                                                                         \
    {                                                                                  \
        TDAG_BOOL, sizeof((int64_t[]){__VA_ARGS__}) / 8, { __VA_ARGS__ }               \
    }
#define SPEC(name, ...)                                                                \
    &(const tdagi_##name##_spec) { __VA_ARGS__ }

#endif
