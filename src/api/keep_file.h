/* A kept source as a file: the inverted path and, if asked for, the keys and values along it. */
#ifndef SS_KEEP_FILE_H
#define SS_KEEP_FILE_H

#include "control/keep.h"

/* What a path belongs to: photo, model, sizes, prompt and steps in one line. Files are used only for the same line. */
typedef struct ss_kept {
    const char *of;
    int steps;
    int64_t one;   /* floats of one latent */
    float *path;   /* [steps + 1][one], from the photo to the noise */
    ss_keep *keys; /* NULL: only the path */
} ss_kept;

/* Safetensors: "path" and, with keys, "k.STEP.LAYER.HALF", "v.STEP.LAYER.HALF", "map.STEP.LAYER". */
ss_status ss_kept_write(const ss_kept *k, ss_ctx *cx, const char *file);

/* Fills k->path (allocated by the caller) and, if k->keys is there, the keys that the file holds; *has_keys says if
 * any. Fails when the file was kept of something else. */
ss_status ss_kept_read(ss_kept *k, ss_ctx *cx, const char *file, bool *has_keys);

#endif
