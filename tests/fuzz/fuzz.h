/* What the fuzzing targets share. */
#ifndef TDAG_TEST_FUZZ_H
#define TDAG_TEST_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include <tdagger.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What must be so; else the input is kept as a finding. */
#define EXPECT(condition)                                                              \
    do {                                                                               \
        if (!(condition)) {                                                            \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
            abort();                                                                   \
        }                                                                              \
    } while (0)

/* A context whose limits keep every input short. */
tdag_ctx *fuzz_ctx(void);
/* A call either succeeds or tells why not, which is never our own fault. */
void fuzz_expect_told(const tdag_ctx *ctx, tdag_status st);
/* What was read is a model: it verifies, counts, prints and hashes. */
void fuzz_use_model(tdag_ctx *ctx, const tdag_model *m);

#endif
