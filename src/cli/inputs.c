/* Inputs as the command line gives them: by -i, by the tensors of a file, or as a
 * method declares them; and random values for them. */
#include "cli/cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/half.h"

static int reserve(cli_inputs *inputs, uint32_t n)
{
    memset(inputs, 0, sizeof(*inputs));
    inputs->specs = calloc(n + 1, sizeof(*inputs->specs));
    inputs->storages = calloc(n + 1, sizeof(*inputs->storages));
    inputs->values = calloc(n + 1, sizeof(*inputs->values));
    if (inputs->specs != NULL && inputs->storages != NULL && inputs->values != NULL)
        return CLI_DONE;
    free(inputs->specs);
    free(inputs->storages);
    free(inputs->values);
    memset(inputs, 0, sizeof(*inputs));
    return cli_fail(CLI_BAD, "out of memory");
}

void cli_inputs_free(cli *c, cli_inputs *inputs)
{
    for (uint32_t i = 0; i < inputs->n; i++)
        tdag_input_spec_free(c->ctx, inputs->storages[i]);
    free(inputs->specs);
    free(inputs->storages);
    free(inputs->values);
    tdag_tensors_free(&inputs->tensors);
    memset(inputs, 0, sizeof(*inputs));
}

/* ---- -i ---- */
/* A symbol without a value has that of its first mention. */
static int resolve_symbols(const cli_inputs *inputs)
{
    for (uint32_t i = 0; i < inputs->n; i++)
        for (uint32_t k = 0; k < inputs->specs[i].rank; k++) {
            const char *symbol = inputs->specs[i].symbol[k];
            int64_t *value = &inputs->specs[i].shape[k];
            if (symbol == NULL) continue;
            for (uint32_t j = 0; j <= i; j++)
                for (uint32_t m = 0; m < (j == i ? k : inputs->specs[j].rank); m++) {
                    const tdag_input_spec *s = &inputs->specs[j];
                    if (s->symbol[m] == NULL || strcmp(s->symbol[m], symbol) != 0)
                        continue;
                    if (*value == -1) *value = s->shape[m];
                    if (*value != s->shape[m])
                        return cli_fail(CLI_USAGE, "-i: %s has two values", symbol);
                }
            if (*value == -1)
                return cli_fail(CLI_USAGE,
                                "-i: %s needs a sample value where it is first met, as "
                                "in %s=4",
                                symbol, symbol);
        }
    return CLI_DONE;
}

static int parse_inputs(cli *c, cli_inputs *out)
{
    int status = reserve(out, c->n_inputs);
    for (uint32_t i = 0; i < c->n_inputs && status == CLI_DONE; i++) {
        if (tdag_input_spec_parse(c->ctx, c->inputs[i], &out->specs[i],
                                  &out->storages[i]) == TDAG_OK) {
            out->n = i + 1;
            continue;
        }
        bool is_ours = tdag_ctx_get_error(c->ctx)->status != TDAG_E_ARG;
        status = cli_fail_library(c, NULL);
        if (!is_ours) status = CLI_USAGE;
    }
    if (status == CLI_DONE) status = resolve_symbols(out);
    if (status != CLI_DONE) cli_inputs_free(c, out);
    return status;
}

/* ---- tensors of a file ---- */
void cli_spec_of_tensor(const tdag_tensor *tensor, tdag_input_spec *out)
{
    memset(out, 0, sizeof(*out));
    out->dtype = tdag_tensor_get_dtype(tensor);
    out->rank = tdag_tensor_get_rank(tensor);
    for (uint32_t k = 0; k < out->rank; k++)
        out->shape[k] = tdag_tensor_get_shape(tensor)[k];
}

static int64_t find_tensor(const tdag_named_tensors *tensors, const char *name)
{
    for (uint32_t i = 0; i < tensors->n; i++)
        if (strcmp(tensors->names[i], name) == 0) return i;
    return -1;
}

/* Results that stand beside the inputs: out0, out1, ... */
static bool is_output(const char *name)
{
    size_t n = strlen(name);
    return n > 3 && strncmp(name, "out", 3) == 0 &&
           strspn(name + 3, "0123456789") == n - 3;
}

static uint32_t count_outputs(const tdag_named_tensors *tensors)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < tensors->n; i++)
        n += is_output(tensors->names[i]);
    return n;
}

/* Tensors named in0, in1, ... go by number and need no names. */
static bool is_numbered(const tdag_named_tensors *tensors, uint32_t n)
{
    char name[24];
    for (uint32_t i = 0; i < n; i++) {
        snprintf(name, sizeof(name), "in%u", (unsigned)i);
        if (find_tensor(tensors, name) < 0) return false;
    }
    return true;
}

static void take_tensors(const tdag_named_tensors *tensors, uint32_t n, bool all,
                         cli_inputs *out)
{
    bool numbered = is_numbered(tensors, n);
    int64_t next = 0;
    for (uint32_t i = 0; i < n; i++) {
        char name[24];
        snprintf(name, sizeof(name), "in%u", (unsigned)i);
        while (!numbered && !all && is_output(tensors->names[next]))
            next++;
        int64_t at = numbered ? find_tensor(tensors, name) : next++;
        out->values[i] = tensors->tensors[at];
        cli_spec_of_tensor(out->values[i], &out->specs[i]);
        if (!numbered) out->specs[i].name = tensors->names[at];
    }
}

/* A file that holds nothing but out0, out1, ... holds inputs of those names. */
static int inputs_of_file(cli *c, const char *path, cli_inputs *out)
{
    tdag_named_tensors tensors = {0};
    if (tdag_tensors_load(c->ctx, path, &tensors) != TDAG_OK)
        return cli_fail_library(c, path);
    uint32_t n_outputs = count_outputs(&tensors);
    bool all = n_outputs == tensors.n;
    int status = reserve(out, tensors.n);
    if (status != CLI_DONE) {
        tdag_tensors_free(&tensors);
        return status;
    }
    out->n = all ? tensors.n : tensors.n - n_outputs;
    out->n_outputs = all ? 0 : n_outputs;
    take_tensors(&tensors, out->n, all, out);
    out->tensors = tensors;
    return CLI_DONE;
}

const tdag_tensor *cli_inputs_output(const cli_inputs *inputs, uint32_t i)
{
    char name[24];
    snprintf(name, sizeof(name), "out%u", (unsigned)i);
    int64_t at = inputs->n_outputs == 0 ? -1 : find_tensor(&inputs->tensors, name);
    return at < 0 ? NULL : inputs->tensors.tensors[at];
}

void cli_order(const cli_inputs *inputs, const tdag_method *method, uint32_t *order)
{
    tdag_vars params = tdag_block_get(tdag_method_get_body(method)).params;
    bool by_name = inputs->n == params.n;
    for (uint32_t i = 0; i < inputs->n && by_name; i++) {
        const char *name = tdag_method_get_var_name(method, params.v[i]);
        uint32_t j = 0;
        while (j < inputs->n && (name == NULL || inputs->specs[j].name == NULL ||
                                 strcmp(inputs->specs[j].name, name) != 0))
            j++;
        by_name = j < inputs->n;
        order[i] = j;
    }
    for (uint32_t i = 0; i < inputs->n && !by_name; i++)
        order[i] = i;
}

int cli_inputs_get(cli *c, cli_inputs *out)
{
    if (c->in != NULL) return inputs_of_file(c, c->in, out);
    if (c->like != NULL) return inputs_of_file(c, c->like, out);
    return parse_inputs(c, out);
}

/* ---- a method's ---- */
/* A dim that is no plain size counts as a symbol. Names are lent by the method. */
int cli_inputs_of_method(const tdag_method *method, cli_inputs *out)
{
    tdag_vars params = tdag_block_get(tdag_method_get_body(method)).params;
    int status = reserve(out, params.n);
    if (status != CLI_DONE) return status;
    for (uint32_t i = 0; i < params.n; i++) {
        tdag_var_type type = tdag_method_get_type(method, params.v[i]);
        tdag_input_spec *spec = &out->specs[i];
        spec->name = tdag_method_get_var_name(method, params.v[i]);
        spec->dtype = type.dtype;
        spec->rank = type.rank;
        for (uint32_t k = 0; k < type.rank; k++) {
            spec->shape[k] = tdag_method_dim_sample(method, type.shape[k]);
            if (type.shape[k] < 0) spec->symbol[k] = "symbolic";
        }
    }
    out->n = params.n;
    return CLI_DONE;
}

void cli_spec_text(const tdag_input_spec *spec, char *buf, size_t size)
{
    snprintf(buf, size, "%s[", tdag_dtype_name(spec->dtype));
    for (uint32_t k = 0; k < spec->rank; k++)
        cli_list_add_int(buf, size, spec->shape[k]);
    cli_list_end(buf, size);
}

/* ---- random values ---- */
typedef struct random_stream {
    uint64_t state;
} random_stream;

static uint64_t next_bits(random_stream *r) /* splitmix64 */
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double next_normal(random_stream *r)
{
    double u = ((double)(next_bits(r) >> 11) + 1) * 0x1p-53; /* (0, 1] */
    double v = (double)(next_bits(r) >> 11) * 0x1p-53;
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static void store(tdag_dtype dtype, void *data, int64_t i, double x)
{
    unsigned char *at = (unsigned char *)data + i * (int64_t)tdag_dtype_size(dtype);
    float f = (float)x;
    uint16_t half = dtype == TDAG_F16 ? tdagi_f32_to_f16(f) : tdagi_f32_to_bf16(f);
    if (dtype == TDAG_F64)
        memcpy(at, &x, sizeof(x));
    else if (dtype == TDAG_F32)
        memcpy(at, &f, sizeof(f));
    else
        memcpy(at, &half, sizeof(half));
}

static void fill(tdag_tensor *tensor, random_stream *r)
{
    tdag_dtype dtype = tdag_tensor_get_dtype(tensor);
    size_t size = tdag_dtype_size(dtype);
    unsigned char *data = tdag_tensor_get_mutable_data(tensor);
    for (int64_t i = 0; i < tdag_tensor_get_count(tensor); i++) {
        if (tdag_dtype_is_float(dtype)) {
            store(dtype, data, i, next_normal(r));
            continue;
        }
        /* 0 or 1 in any width: one byte of it differs */
        unsigned char *at = data + (size_t)i * size;
        const uint16_t probe = 1;
        bool little = *(const unsigned char *)&probe == 1;
        memset(at, 0, size);
        at[little ? 0 : size - 1] = (unsigned char)(next_bits(r) & 1);
    }
}

int cli_random_tensors(cli *c, uint64_t seed, const cli_inputs *inputs,
                       tdag_tensor **out)
{
    random_stream r = {seed};
    for (uint32_t i = 0; i < inputs->n; i++) {
        const tdag_input_spec *s = &inputs->specs[i];
        if (tdag_tensor_create(c->ctx, s->dtype, s->rank, s->shape, &out[i]) != TDAG_OK)
            return cli_fail_library(c, NULL);
        fill(out[i], &r);
    }
    return CLI_DONE;
}
