/* See made.h. */
#include "coreml/made.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coreml/package/swap.h"
#include "support/test.h"

static char folder[64];

const char *made_path(const char *name)
{
    static char paths[8][1024];
    static unsigned next;
    if (folder[0] == '\0') {
        snprintf(folder, sizeof(folder), "/tmp/tdag-coreml-XXXXXX");
        assert_non_null(mkdtemp(folder));
    }
    char *path = paths[next++ % 8];
    snprintf(path, sizeof(paths[0]), "%s%s%s", folder, name[0] == '\0' ? "" : "/",
             name);
    return path;
}

void made_file(const char *name, const void *bytes, size_t size)
{
    char path[1024];
    snprintf(path, sizeof(path), "%s", made_path(name));
    for (char *p = path + strlen(folder) + 1; (p = strchr(p, '/')) != NULL; p++) {
        *p = '\0';
        mkdir(path, 0777);
        *p = '/';
    }
    FILE *f = fopen(path, "wb");
    if (f == NULL) fail_msg("%s cannot be written", path);
    assert_int_equal(fwrite(bytes, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

void made_byte(const char *name, size_t at, int byte)
{
    const unsigned char value = (unsigned char)byte;
    int fd = open(made_path(name), O_WRONLY);
    assert_true(fd >= 0);
    assert_int_equal(pwrite(fd, &value, 1, (off_t)at), 1);
    assert_int_equal(close(fd), 0);
}

void made_text(const char *name, const char *text)
{
    made_file(name, text, strlen(text));
}

unsigned char *made_read(const char *name, size_t *size_out)
{
    struct stat info;
    FILE *f = fopen(made_path(name), "rb");
    if (f == NULL) fail_msg("%s is not there", name);
    assert_int_equal(fstat(fileno(f), &info), 0);
    unsigned char *bytes = malloc((size_t)info.st_size + 1);
    assert_non_null(bytes);
    *size_out = fread(bytes, 1, (size_t)info.st_size, f);
    assert_int_equal(*size_out, info.st_size);
    fclose(f);
    return bytes;
}

int made_remove(void **state)
{
    (void)state;
    if (folder[0] != '\0') tdagi_folder_remove(folder);
    folder[0] = '\0';
    return 0;
}
