/* Saving that is interrupted leaves the old file whole and nothing beside it; files of
 * more than 4 GiB are mapped and not read. */
#define _GNU_SOURCE /* O_TMPFILE, mount */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tdagger.h>

#include "support/test.h"

static char folder[64], path[96];

static tdag_model *model_of_size(tdag_ctx *ctx, int64_t n, unsigned char first)
{
    tdag_builder *b = NULL;
    tdag_graph *g = NULL;
    tdag_model *m = NULL;
    tdag_tensor *t = NULL;
    TEST_OK(ctx, tdag_tensor_create(ctx, TDAG_U8, 1, &n, &t));
    memset(tdag_tensor_get_mutable_data(t), first, (size_t)n);
    TEST_OK(ctx, tdag_builder_create(ctx, &b));
    tdag_builder_add_output(b, tdag_add_tensor(b, TDAG_OP_PARAMETER, "w", t));
    TEST_OK(ctx, tdag_builder_finish(b, &g));
    TEST_OK(ctx, tdag_model_create(ctx, g, &m));
    tdag_graph_free(g);
    tdag_builder_free(b);
    tdag_tensor_free(t);
    return m;
}

/* The file at `file` holds a model whose weight has n bytes `first`. */
static void expect_model(const char *file, int64_t n, unsigned char first)
{
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    TEST_OK(ctx, tdag_load(ctx, file, NULL, &m));
    const tdag_graph *g = tdag_model_get_graph(m);
    const tdag_tensor *t = tdag_graph_get_node(g, (tdag_value){1}).tensor;
    assert_int_equal(tdag_tensor_get_count(t), n);
    const unsigned char *data = tdag_tensor_get_data(t);
    for (int64_t i = 0; i < n; i++)
        if (data[i] != first) fail_msg("byte %lld has changed", (long long)i);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static int count_files(const char *where)
{
    int n = 0;
    DIR *d = opendir(where);
    assert_non_null(d);
    for (const struct dirent *e; (e = readdir(d)) != NULL;)
        n += e->d_name[0] != '.';
    closedir(d);
    return n;
}

static void save(const char *file, int64_t n, unsigned char first)
{
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = model_of_size(ctx, n, first);
    TEST_OK(ctx, tdag_save(ctx, m, file, NULL));
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

/* In a child: 0 if saving fails with E_IO and a sentence. */
static int save_fails(const char *file, int64_t n)
{
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = model_of_size(ctx, n, 9);
    tdag_status st = tdag_save(ctx, m, file, NULL);
    int bad = st != TDAG_E_IO || strstr(tdag_ctx_get_error(ctx)->message, file) == NULL;
    if (bad) fprintf(stderr, "status %d: %s\n", st, tdag_ctx_get_error(ctx)->message);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
    return bad;
}

static void expect_child(pid_t pid)
{
    int status = -1;
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- failures of the system ---- */

static void test_no_room(void **state)
{
    (void)state;
    save(path, 1000, 1);
    pid_t pid = fork();
    if (pid == 0) {
        const struct rlimit limit = {1 << 20, 1 << 20};
        signal(SIGXFSZ, SIG_IGN);
        _exit(setrlimit(RLIMIT_FSIZE, &limit) != 0 || save_fails(path, 4 << 20));
    }
    expect_child(pid);
    expect_model(path, 1000, 1);
    assert_int_equal(count_files(folder), 1);
}

/* A file system of one megabyte, where the test may make one. */
static void test_full_disk(void **state)
{
    (void)state;
    char disk[96], file[128];
    snprintf(disk, sizeof disk, "%s/disk", folder);
    snprintf(file, sizeof file, "%s/a.tdag", disk);
    assert_int_equal(mkdir(disk, 0700), 0);
    if (mount("tdag-test", disk, "tmpfs", MS_NOSUID, "size=1m") != 0) {
        rmdir(disk);
        skip();
    }
    save(file, 300000, 2);
    pid_t pid = fork();
    if (pid == 0) _exit(save_fails(file, 900000));
    expect_child(pid);
    expect_model(file, 300000, 2);
    assert_int_equal(count_files(disk), 1);
    save(file, 400000, 3); /* and there is room again */
    expect_model(file, 400000, 3);
    assert_int_equal(umount(disk), 0);
    rmdir(disk);
}

static void test_no_right(void **state)
{
    (void)state;
    char missing[128];
    snprintf(missing, sizeof missing, "%s/nowhere/a.tdag", folder);
    assert_int_equal(save_fails(missing, 10), 0);
    save(path, 1000, 4);
    assert_int_equal(chmod(folder, 0555), 0);
    pid_t pid = fork();
    if (pid == 0) /* rights do not hold for root */
        _exit((getuid() == 0 && setuid(65534) != 0) || save_fails(path, 100));
    expect_child(pid);
    assert_int_equal(chmod(folder, 0755), 0);
    expect_model(path, 1000, 4);
    assert_int_equal(count_files(folder), 1);
}

/* ---- killed at any moment ---- */

static void test_killed(void **state)
{
    (void)state;
    const int64_t n = 24 << 20;
    int left = 0;
    save(path, n, 5);
    for (int i = 0; i < 12; i++) {
        pid_t pid = fork();
        if (pid == 0)
            for (;;)
                save(path, n, 5);
        const struct timespec wait = {0, 20000000 + i * 9000000};
        nanosleep(&wait, NULL);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, NULL, 0), pid);
        expect_model(path, n, 5);
        left = count_files(folder) - 1;
    }
    /* Files without a name leave nothing, but for the moment between naming and
     * renaming; where there are none, each kill may leave one. */
    int fd = open(folder, O_WRONLY | O_TMPFILE, 0600);
    if (fd >= 0 && left > 1) fail_msg("%d files are left", left);
    if (fd >= 0) close(fd);
    char command[128];
    snprintf(command, sizeof command, "rm -f %s/*.tmp", folder);
    assert_int_equal(system(command), 0);
}

/* ---- more than 4 GiB ---- */

static const char big_json[] =
    "{\\\"methods\\\":[{\\\"name\\\":\\\"forward\\\",\\\"inputs\\\":\\\"()\\\","
    "\\\"outputs\\\":\\\"(T, T)\\\",\\\"program\\\":[{\\\"do\\\":\\\"call\\\","
    "\\\"graph\\\":0,\\\"in\\\":[],\\\"out\\\":[1,2]}],\\\"return\\\":[1,2]}],"
    "\\\"graphs\\\":[{\\\"symbols\\\":[],\\\"scopes\\\":[],\\\"nodes\\\":["
    "{\\\"op\\\":\\\"parameter\\\",\\\"name\\\":\\\"big\\\",\\\"tensor\\\":\\\"big\\\","
    "\\\"dtype\\\":\\\"f32\\\",\\\"shape\\\":[5,268435456]},"
    "{\\\"op\\\":\\\"buffer\\\",\\\"name\\\":\\\"last\\\",\\\"tensor\\\":\\\"last\\\","
    "\\\"dtype\\\":\\\"i64\\\",\\\"shape\\\":[]}],"
    "\\\"inputs\\\":[],\\\"outputs\\\":[1,2]}]}";

/* A sparse file: 5 GiB of zeros that take no room, and a number behind them. */
static bool write_big(int64_t number)
{
    char header[2048];
    int n = snprintf(header, sizeof header,
                     "{\"__metadata__\":{\"format\":\"tdag/1\",\"tdag\":\"%s\"},"
                     "\"big\":{\"dtype\":\"F32\",\"shape\":[5,268435456],"
                     "\"data_offsets\":[0,5368709120]},\"last\":{\"dtype\":\"I64\","
                     "\"shape\":[],\"data_offsets\":[5368709120,5368709128]}}",
                     big_json);
    while ((n + 8) % 64 != 0)
        header[n++] = ' ';
    unsigned char length[8] = {(unsigned char)n, (unsigned char)(n >> 8)};
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    bool done =
        fd >= 0 && write(fd, length, 8) == 8 && write(fd, header, (size_t)n) == n;
    done = done && pwrite(fd, &number, 8, (off_t)n + 8 + 5368709120) == 8;
    if (fd >= 0) close(fd);
    return done;
}

static void test_big(void **state)
{
    (void)state;
    if (sizeof(size_t) < 8) skip();
    unlink(path);
    if (!write_big(42)) {
        unlink(path);
        skip(); /* a file system without sparse files */
    }
    tdag_ctx *ctx = test_ctx();
    tdag_model *m = NULL;
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    TEST_OK(ctx, tdag_load(ctx, path, NULL, &m));
    const tdag_graph *g = tdag_model_get_graph(m);
    TEST_OK(ctx, tdag_verify(ctx, g));
    int64_t total = 0, last;
    TEST_OK(ctx, tdag_total_bytes(ctx, m, &total));
    getrusage(RUSAGE_SELF, &after);
    assert_int_equal(total, INT64_C(5368709128));
    assert_true(after.ru_maxrss - before.ru_maxrss < 4096); /* KiB: it is not read */
    const tdag_tensor *t = tdag_graph_get_node(g, tdag_graph_find(g, "last")).tensor;
    memcpy(&last, tdag_tensor_get_data(t), sizeof last);
    assert_int_equal(last, 42);
    tdag_model_free(m);
    tdag_ctx_free(ctx);
}

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/tdag-disk-XXXXXX");
    if (mkdtemp(folder) == NULL || chmod(folder, 0755) != 0) return -1;
    snprintf(path, sizeof path, "%s/a.tdag", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_room),  cmocka_unit_test(test_full_disk),
        cmocka_unit_test(test_no_right), cmocka_unit_test(test_killed),
        cmocka_unit_test(test_big),
    };
    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
