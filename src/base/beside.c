/* Finds files beside the library that this code is in (or beside the program that has
 * it linked in), so that an install can be moved and a build tree used without
 * installing. */
#define _GNU_SOURCE /* dladdr */
#include "base/beside.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* Seen from the own folder: beside it, as installed, as installed beside bin/, and in a
 * build tree, whose loadable libraries are all in shim/. */
static const char *const folders[] = {"", "tdagger/", "../lib/tdagger/", "../shim/",
                                      "../../shim/"};

/* The folder of the object that this code is in, with its slash; false if unknown. */
static bool own_folder(char *folder, size_t size)
{
    static const char anchor = 0;
    Dl_info info = {0};
    if (dladdr(&anchor, &info) == 0 || info.dli_fname == NULL) return false;
    if (strlen(info.dli_fname) >= size) return false;
    strcpy(folder, info.dli_fname);
    if (strchr(folder, '/') == NULL) { /* a program found by PATH */
        const ssize_t n = readlink("/proc/self/exe", folder, size - 1);
        if (n < 0) return false;
        folder[n] = '\0';
    }
    char *slash = strrchr(folder, '/');
    if (slash == NULL) return false;
    slash[1] = '\0';
    return true;
}

bool tdagi_find_beside(const char *file, char *path, size_t size)
{
    char folder[PATH_MAX];
    path[0] = '\0';
    if (!own_folder(folder, sizeof folder)) return false;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        const int n = snprintf(path, size, "%s%s%s", folder, folders[i], file);
        if (n > 0 && (size_t)n < size && access(path, F_OK) == 0) return true;
    }
    path[0] = '\0';
    return false;
}

bool tdagi_load_beside(const char *file, const char *symbol, void *function)
{
    char path[PATH_MAX];
    if (!tdagi_find_beside(file, path, sizeof path)) return false;
    void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) return false;
    void *found = dlsym(library, symbol);
    memcpy(function, &found, sizeof found);
    dlclose(library); /* stays mapped */
    return found != NULL;
}
