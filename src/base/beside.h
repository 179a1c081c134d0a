/* Where the libraries are that libtdagger loads on demand. */
#ifndef TDAGI_BESIDE_H
#define TDAGI_BESIDE_H

#include <stdbool.h>
#include <stddef.h>

/* Writes the path of the first file of that name in the folders that belong to this
 * libtdagger: its own, tdagger/ in it (as installed), and those of a build tree. False
 * if there is none; path is then "". */
bool tdagi_find_beside(const char *file, char *path, size_t size);
/* Loads such a file for good, as what is in it outlives no call but costs to load, and
 * sets *function, a pointer to a function, to the symbol's. False: it is not there. */
bool tdagi_load_beside(const char *file, const char *symbol, void *function);

#endif
