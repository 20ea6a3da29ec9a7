/* Models that tests make of the tiny one: its tensors in memory, changed at will, written into a folder that goes with
 * the test. Every function fails the running test when it cannot do its work.
 */
#ifndef SS_TEST_MADE_H
#define SS_TEST_MADE_H

#include "io/weights.h"
#include "model/model.h"

/* ---- folders */

char *made_dir(void);          /* a new empty one; the caller hands it to made_dir_free */
void made_dir_free(char *dir); /* with all that is in it */

/* DIR/NAME with printf's formats in NAME. The text is good until the eighth call after. */
const char *made_path(const char *dir, const char *format, ...) SS_PRINTF(2, 3);

/* DIR/NAME becomes a diffusers folder: folders of its own, with links to the tiny model's files. The caller
 * frees its path. */
char *made_model(const char *dir, const char *name);

void made_remove(const char *path);
void made_text(const char *path, const char *text); /* a link that is there is replaced, not followed */

/* The file at `path` (a link is replaced by a copy) with the first `from` in it turned into `to`. */
void made_edit(const char *path, const char *from, const char *to);

/* ---- tensors */

typedef struct made_tensor {
    char *name;
    ss_dtype dtype;
    int rank;
    int64_t shape[8];
    void *data;
    size_t bytes;
} made_tensor;

typedef struct made {
    made_tensor *at;
    int64_t count;
} made;

made made_read(ss_ctx *cx, const char *path);
void made_write(const made *m, ss_ctx *cx, const char *path); /* as safetensors, or as torch.save for a .ckpt */
void made_free(made *m);

made_tensor *made_find(const made *m, const char *name);
void made_drop(made *m, const char *name);
void made_rename(made *m, const char *name, const char *to);

/* A tensor of zeros, or in place of the one that has the name. */
made_tensor *made_add(made *m, const char *name, ss_dtype dtype, int rank, const int64_t *shape);

/* Every tensor of floating-point numbers that fits the pattern (as in fnmatch) stored as F64, F32, F16, BF16 or
 * F8_E5M2, rounded where it has to be. */
void made_store_as(made *m, const char *pattern, ss_dtype dtype);

/* ---- pictures */

/* A small picture with all three networks' work in it. */
ss_image made_drawn(ss_ctx *cx, ss_model *m);

/* Two models of the same numbers draw the same picture to the last bit. */
void made_draw_alike(ss_ctx *cx, const char *one, const ss_model_options *o, const char *two,
                     const ss_model_options *p);

#endif
