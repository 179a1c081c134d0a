/* Files within a package: paths that stay in it, opened part by part, so that no link
 * leads out of it, whoever changes the folders meanwhile. */
#ifndef TDAGI_INSIDE_H
#define TDAGI_INSIDE_H

#include "archive/mapping.h"
#include "base/arena.h"

/* The folder of a package, or one in it. */
typedef struct tdagi_inside {
    tdag_ctx *ctx;
    tdagi_arena *arena; /* of the paths in sentences */
    const char *what;   /* the folder's path, for sentences */
    int fd;             /* open; -1: there is none */
} tdagi_inside;

/* Opens a folder below `from`; out->fd is to be closed. path: parts with a slash
 * between them; "", "." and ".." as a part are E_FORMAT, as are links. */
tdag_status tdagi_inside_folder(const tdagi_inside *from, const char *path,
                                tdagi_inside *out);
/* Maps a file below `from`. E_FORMAT, E_IO (no regular file, not there), E_NOMEM. */
tdag_status tdagi_inside_map(const tdagi_inside *from, const char *path,
                             tdagi_mapping **out);
void tdagi_inside_close(tdagi_inside *folder);

/* "a/b" in the arena; NULL: out of memory. */
const char *tdagi_path_join(tdagi_arena *arena, const char *a, const char *b);

#endif
