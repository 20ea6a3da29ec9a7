/* torch.save's zip archives, written: dictionaries of tensors, texts and whole numbers, as torch.load reads them, also
 * with weights_only. The pickle calls nothing but the functions that rebuild tensors.
 */
#ifndef SS_TORCH_WRITE_H
#define SS_TORCH_WRITE_H

#include "io/buffer.h"
#include "io/weights.h"

/* One file while it is being put together; zero to begin with. A failure sticks, and ss_torch_finish returns it. */
typedef struct ss_torch_file {
    ss_buffer pickle;
    ss_to_store *tensor; /* their numbers stay the caller's until the file is written */
    int64_t count;
} ss_torch_file;

/* A dictionary begins as the value of the last key, or as the file's object, and ends. */
void ss_torch_begin(ss_torch_file *f, ss_ctx *cx);
void ss_torch_end(ss_torch_file *f, ss_ctx *cx);
void ss_torch_key(ss_torch_file *f, ss_ctx *cx, const char *key);

/* Values of the last key. */
void ss_torch_tensor(ss_torch_file *f, ss_ctx *cx, const ss_to_store *t); /* the name does not matter */
void ss_torch_text(ss_torch_file *f, ss_ctx *cx, const char *text);
void ss_torch_integer(ss_torch_file *f, ss_ctx *cx, int64_t n);

/* Writes the file, whole or not at all, and frees f. */
ss_status ss_torch_finish(ss_torch_file *f, ss_ctx *cx, const char *path);
void ss_torch_drop(ss_torch_file *f); /* frees f without a file */

#endif
