/* The parameters of one network, by the names of the diffusers layout, and places among them.
 *
 * There are no weight structs: a model's definition asks for its parameters by their keys while it runs. Walking a
 * definition on the shape-only device therefore tells which keys it reads and which shapes it takes.
 */
#ifndef SS_PARAMS_H
#define SS_PARAMS_H

#include "tensor/call.h"

typedef struct ss_params {
    const char *part; /* "unet", "vae", "text_encoder": opens every sentence about it */
    ss_param *at;     /* sorted by name once complete */
    int64_t count, capacity;
    char **names; /* owned; at[i].name points here */
} ss_params;

/* Adds a parameter that lies at `stored` (which the caller keeps alive). The name is copied. Shapes of more than four
 * dimensions and empty ones fail. */
ss_status ss_params_add(ss_params *p, ss_ctx *cx, const char *name, ss_dtype dtype, int rank, const int64_t *shape,
                        const void *stored);
ss_status ss_params_sort(ss_params *p, ss_ctx *cx); /* after the last one; a name that comes twice fails */
ss_param *ss_params_find(const ss_params *p, const char *name);
void ss_params_remove(ss_params *p, const char *prefix); /* those whose names begin so */
void ss_params_clear(ss_params *p);

/* Names for a sentence about tensors that nobody has a use for: the first few. */
typedef struct ss_leftover {
    int64_t count;
    char text[512];
} ss_leftover;
void ss_leave(ss_leftover *l, const char *name, int rank, const int64_t *shape);

/* After a walk over the network: SS_ERR_MODEL and the names of parameters that it did not read, or of one that holds
 * NaN or infinite numbers. */
ss_status ss_params_account(const ss_params *p, ss_ctx *cx);

/* Drops what was packed for computing; the next use packs again. For networks that have done their part of a request.
 */
void ss_params_unpack(ss_params *p);

/* Marks as trained what fits the pattern ('*' any characters, '[kv]' one of): "*.attn2.to_[kv].weight". Their float32
 * form becomes the one that counts. Returns how many fit. */
int64_t ss_params_train(ss_params *p, const char *pattern);

/* A place in the checkpoint: `ss_sub(at, "resnets.%d", j)`. */
typedef struct ss_at {
    ss_params *in;
    char path[120];
} ss_at;

ss_at ss_root(ss_params *p);
ss_at ss_sub(ss_at at, const char *format, ...) SS_PRINTF(2, 3);

/* The parameter `name` at a place, or NULL with SS_ERR_MODEL and its full key. `has` is for biases that the *structure*
 * leaves out, never for asking the file. */
ss_tensor *ss_param_tensor(ss_ctx *cx, ss_at at, const char *name);

#endif
