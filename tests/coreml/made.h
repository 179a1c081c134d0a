/* Packages that tests make by hand, in a folder of their own below /tmp. */
#ifndef TDAG_TEST_COREML_MADE_H
#define TDAG_TEST_COREML_MADE_H

#include <stddef.h>

/* The path of a file or folder in the test's folder, which is made at the first call;
 * "" is the folder itself. One of eight buffers, used in turn. */
const char *made_path(const char *name);
/* Writes a file there, with the folders that it needs. */
void made_file(const char *name, const void *bytes, size_t size);
/* Writes over one byte of a file. */
void made_byte(const char *name, size_t at, int byte);
void made_text(const char *name, const char *text);
/* Reads one; *size_out bytes, to be freed. */
unsigned char *made_read(const char *name, size_t *size_out);
/* Removes the folder with all that is in it. */
int made_remove(void **state);

/* The manifest of a package with a model, and weights or none, as coremltools writes
 * it.
 */
#define MADE_MANIFEST(path)                                                            \
    "{\"fileFormatVersion\": \"1.0.0\", \"itemInfoEntries\": {\"m\": {\"path\": "      \
    "\"" path "\", \"name\": \"model.mlmodel\", \"author\": \"com.apple.CoreML\", "    \
    "\"description\": \"\"}}, \"rootModelIdentifier\": \"m\"}"
#define MADE_MODEL "com.apple.CoreML/model.mlmodel"

#endif
