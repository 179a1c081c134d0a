/* The reference implementation reads what we write and we read what it writes, bit for
 * bit. Python is $TDAG_PYTHON or python3; without safetensors.torch the test is
 * skipped (77). */
#include <sys/wait.h>
#include <unistd.h>

#include "base/tensor.h"
#include "format/safetensors.h"
#include "support/test.h"

static char folder[64], ours[96], theirs[96];

static const char script[] =
    "import sys, struct, json\n"
    "from safetensors import deserialize\n"
    "ours, theirs = sys.argv[1:3]\n"
    "data = open(ours, 'rb').read()\n"
    "tensors = dict(deserialize(data))\n"
    "assert len(tensors) == 11, len(tensors)\n"
    "n = struct.unpack('<Q', data[:8])[0]\n"
    "assert (8 + n) % 64 == 0\n"
    "header = json.loads(data[8:8 + n])\n"
    "assert header['__metadata__'] == {'format': 'x \\u20ac \"y\"'}, header\n"
    "assert list(header)[1:] == ['f64', 'f32', 'f16', 'bf16', 'i64', 'i32', 'i16',"
    " 'i8', 'u8', 'bool', 'empty']\n"
    "assert tensors['f32']['shape'] == [3, 5]\n"
    "assert bytes(tensors['f32']['data']) == struct.pack('<15f', *[i - 7.5 for i in "
    "range(15)])\n"
    "assert bytes(tensors['i16']['data']) == struct.pack('<15h', *[int(i - 7.5) for i "
    "in "
    "range(15)])\n"
    "from safetensors.torch import load_file, save_file\n"
    "save_file(load_file(ours), theirs, {'who': 'peer'})\n";

static int run_python(const char *code, const char *a, const char *b)
{
    const char *python = getenv("TDAG_PYTHON");
    if (python == NULL || *python == '\0') python = "python3";
    pid_t pid = fork();
    if (pid == 0) {
        execlp(python, python, "-c", code, a, b, (char *)NULL);
        _exit(127);
    }
    int status = -1;
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFEXITED(status)) return -1;
    return WEXITSTATUS(status);
}

static void test_peer(void **state)
{
    (void)state;
    tdag_ctx *ctx = test_ctx();
    char *names[11];
    tdag_tensor *tensors[11];
    uint32_t n = 0;
    const int64_t shape[2] = {3, 5}, empty[3] = {2, 0, 3};
#define MAKE(id, code, text, size, kind)                                               \
    names[n] = (char *)(uintptr_t)text;                                                \
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_##id, 2, shape, &tensors[n++]));
    TDAG_DTYPE_MAP(MAKE)
#undef MAKE
    for (uint32_t t = 0; t < n; t++)
        for (int64_t i = 0; i < 15; i++)
            tdagi_tensor_set_f64(tensors[t], i, (double)i - 7.5);
    names[n] = (char *)(uintptr_t) "empty";
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_F32, 3, empty, &tensors[n++]));
    char *key = (char *)(uintptr_t) "format";
    char *value = (char *)(uintptr_t) "x \xE2\x82\xAC \"y\"";
    tdag_named_tensors saved = {.n = n, .names = names, .tensors = tensors}, loaded;
    tdagi_metadata metadata = {.n = 1, .keys = &key, .values = &value}, read;
    TEST_OK(ctx, tdagi_safetensors_save(ctx, ours, 0, &saved, &metadata));
    assert_int_equal(run_python(script, ours, theirs), 0);
    TEST_OK(ctx, tdagi_safetensors_load(ctx, theirs, 0, &loaded, &read));
    assert_string_equal(tdagi_metadata_find(&read, "who"), "peer");
    assert_int_equal(loaded.n, n);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = 0;
        while (k < n && strcmp(names[k], loaded.names[i]) != 0)
            k++;
        assert_true(k < n);
        assert_true(tdagi_tensor_equal(loaded.tensors[i], tensors[k]));
    }
    tdag_tensors_free(&loaded);
    tdagi_metadata_free(&read);
    for (uint32_t i = 0; i < n; i++)
        tdag_tensor_free(tensors[i]);
    tdag_ctx_free(ctx);
}

int main(void)
{
    if (run_python("import safetensors.torch", "", "") != 0) return 77;
    snprintf(folder, sizeof folder, "/tmp/tdag_peer_XXXXXX");
    if (mkdtemp(folder) == NULL) return 1;
    snprintf(ours, sizeof ours, "%s/ours", folder);
    snprintf(theirs, sizeof theirs, "%s/theirs", folder);
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_peer)};
    int failures = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(ours);
    unlink(theirs);
    rmdir(folder);
    return failures;
}
