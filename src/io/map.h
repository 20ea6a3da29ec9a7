/* Whole files, mapped for reading. */
#ifndef SS_MAP_H
#define SS_MAP_H

#include "base/base.h"

typedef struct ss_map {
    const unsigned char *bytes;
    size_t size;
} ss_map;

/* Fails with SS_ERR_FILE for what is missing, unreadable, empty or no file (a folder, a pipe). The pages belong to the
 * file: another process that truncates it makes reading them a bus error, so files are replaced, never rewritten. */
ss_status ss_map_file(ss_map *out, ss_ctx *cx, const char *path);
void ss_unmap(ss_map *map); /* leaves {0}, on which it does nothing */

/* What people most often have under a name that promised something else: "a Git-LFS pointer (...)", "a web page",
 * "a PNG picture", "a GGUF file" and so on, fit for "%s is %s". NULL if the bytes look like none of them. */
const char *ss_foreign(const void *bytes, size_t size);

#endif
