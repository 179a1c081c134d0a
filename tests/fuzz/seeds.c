/* The files that fuzzing begins with: seeds FOLDER writes a folder for each target.
 * .tdag files and texts are of small random graphs over all core ops, with symbols and
 * without, and of random programs; the others are of the archives in seeds/ and in
 * examples/: they as they are, and their records. */
#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include <tdagger/program.h>

#include "archive/zip.h"
#include "archive/zip_write.h"
#include "fuzz/archives.h"
#include "program/random_program.h"
#include "support/random_graph.h"

static const char *folder;

/* "FOLDER/TARGET/NAME" */
static void make_path(char path[4096], const char *target, const char *name)
{
    int n = snprintf(path, 4096, "%s/%s", folder, target);
    if (n < 0 || n >= 4000 || (mkdir(path, 0777) != 0 && errno != EEXIST)) exit(2);
    snprintf(path + n, 4096 - (size_t)n, "/%s", name);
}

static void write_file(const char *target, unsigned number, const void *head,
                       size_t head_size, const void *data, size_t size)
{
    char path[4096], name[16];
    snprintf(name, sizeof name, "%u", number);
    make_path(path, target, name);
    FILE *f = fopen(path, "wb");
    if (f == NULL || fwrite(head, 1, head_size, f) != head_size ||
        fwrite(data, 1, size, f) != size || fclose(f) != 0)
        exit(1);
}

static void need(tdag_status st)
{
    if (st != TDAG_OK) exit(1);
}

/* ---- models ---- */

static void write_text(tdag_ctx *ctx, const tdag_model *m, unsigned number)
{
    char *text = NULL;
    need(tdag_model_print(ctx, m, TDAG_TEXT_FULL, &text));
    write_file("text", number, "", 0, text, strlen(text));
    tdag_text_free(ctx, text);
}

static void write_models(void)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        char path[4096], name[32];
        tdag_ctx *ctx = test_ctx();
        tdag_model *m = NULL;
        snprintf(name, sizeof name, "program%llu", (unsigned long long)seed);
        make_path(path, "tdag", name);
        need(random_program(ctx, seed, &m));
        need(tdag_save(ctx, m, path, NULL));
        write_text(ctx, m, (unsigned)seed + 1000);
        tdag_model_free(m);
        tdag_ctx_free(ctx);
    }
}

static void write_graphs(void)
{
    for (uint64_t seed = 1; seed <= 120; seed++) {
        char path[4096], name[32];
        tdag_ctx *ctx = test_ctx();
        rg_options o = {.seed = seed,
                        .n_nodes = 1 + (uint32_t)(seed % 12),
                        .max_elements = 300,
                        .symbols = seed % 3 == 0};
        tdag_graph *g = rg_graph(ctx, &o);
        tdag_model *m = NULL;
        snprintf(name, sizeof name, "%llu", (unsigned long long)seed);
        make_path(path, "tdag", name);
        need(tdag_model_create(ctx, g, &m));
        need(tdag_save(ctx, m, path, NULL));
        if (seed % 3 == 0) write_text(ctx, m, (unsigned)seed);
        tdag_model_free(m);
        tdag_graph_free(g);
        tdag_ctx_free(ctx);
    }
}

/* ---- archives ---- */

static void write_whole(tdag_ctx *ctx, unsigned number, const char *path)
{
    tdagi_mapping *m = NULL;
    need(tdagi_mapping_open(ctx, path, 0, &m));
    write_file("zip", number, "", 0, tdagi_mapping_data(m), tdagi_mapping_size(m));
    tdagi_mapping_release(m);
}

/* As the library writes archives. */
static void write_again(tdag_ctx *ctx, const fuzz_archive *a)
{
    char path[4096];
    tdagi_zip_writer *w = NULL;
    make_path(path, "zip", a->file);
    need(tdagi_zip_create(ctx, path, "model", &w));
    for (uint32_t i = 0; i < a->n; i++)
        need(tdagi_zip_add(w, a->records[i].name, a->records[i].data,
                           a->records[i].size));
    need(tdagi_zip_finish(w));
}

static void write_records(unsigned archive, const fuzz_archive *a)
{
    for (uint32_t i = 0; i < a->n; i++) {
        const fuzz_record *r = &a->records[i];
        const unsigned char which[] = {(unsigned char)archive, (unsigned char)i};
        size_t n = strlen(r->name);
        if (!fuzz_is_changed(r)) continue;
        write_file("source", 100 * archive + i, which, 2, r->data, r->size);
        if (n > 4 && strcmp(r->name + n - 4, ".pkl") == 0)
            write_file("pickle", 100 * archive + i, "", 0, r->data, r->size);
    }
}

static void write_archives(void)
{
    tdag_ctx *ctx = test_ctx();
    char path[4096];
    for (unsigned i = 0; i < FUZZ_ARCHIVES; i++) {
        const fuzz_archive *a = &fuzz_archives()[i];
        snprintf(path, sizeof path, "%s/%s", TDAG_FUZZ_SEEDS, a->file);
        write_whole(ctx, i, path);
        write_again(ctx, a);
        write_records(i, a);
    }
    write_whole(ctx, FUZZ_ARCHIVES, TDAG_FUZZ_EXAMPLES "/readme_model.pt");
    tdag_ctx_free(ctx);
}

static void write_programs(void)
{
    for (unsigned i = 0; i < FUZZ_PROGRAMS; i++) {
        const fuzz_archive *a = &fuzz_programs()[i];
        for (uint32_t k = 0; k < a->n; k++) {
            const unsigned char which[] = {(unsigned char)i, (unsigned char)k};
            const fuzz_record *r = &a->records[k];
            if (fuzz_is_json(r))
                write_file("pt2", 100 * i + k, which, 2, r->data, r->size);
        }
    }
}

/* Small packages: the length of the message, four bytes, the message, the weights. */
static void write_packages(void)
{
    DIR *all = opendir(TDAG_FUZZ_SEEDS "/coreml");
    unsigned number = 0;
    if (all == NULL) exit(1);
    for (struct dirent *e; (e = readdir(all)) != NULL;) {
        char path[4096];
        tdagi_mapping *m = NULL;
        if (e->d_name[0] == '.') continue;
        tdag_ctx *ctx = test_ctx();
        snprintf(path, sizeof path, TDAG_FUZZ_SEEDS "/coreml/%s", e->d_name);
        need(tdagi_mapping_open(ctx, path, 0, &m));
        write_file("coreml", number++, "", 0, tdagi_mapping_data(m),
                   tdagi_mapping_size(m));
        tdagi_mapping_release(m);
        tdag_ctx_free(ctx);
    }
    closedir(all);
}

int main(int argc, char **argv)
{
    if (argc != 2 || (mkdir(argv[1], 0777) != 0 && errno != EEXIST)) return 2;
    folder = argv[1];
    write_graphs();
    write_models();
    write_archives();
    write_programs();
    write_packages();
    return 0;
}
