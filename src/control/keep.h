/* A source branch that was kept: the keys and values that targets read, step by step, so that further targets need not
 * run the source again. In memory as the layers made them, on disk as one safetensors file. */
#ifndef SS_KEEP_H
#define SS_KEEP_H

#include "op/attention.h"

typedef struct ss_keep ss_keep;

/* Room for `steps` x `layers` x `halves` entries. */
ss_status ss_keep_new(ss_keep **out, ss_ctx *cx, int steps, int layers, int halves);
void ss_keep_free(ss_keep *k);

/* Copies one image's keys and values, [len, d] each. An entry that is there is replaced. */
ss_status ss_keep_put(ss_keep *k, ss_ctx *cx, int step, int layer, int half, const ss_tensor *keys,
                      const ss_tensor *values, int row);
/* The same from elsewhere. */
ss_status ss_keep_put_bytes(ss_keep *k, ss_ctx *cx, int step, int layer, int half, const ss_kept_kv *kv);

/* NULL if there is none. */
const ss_kept_kv *ss_keep_get(const ss_keep *k, int step, int layer, int half);

/* The map [h * w] by which a step's masks are made at a layer. */
ss_status ss_keep_put_map(ss_keep *k, ss_ctx *cx, int step, int layer, const float *map, int h, int w);
const float *ss_keep_get_map(const ss_keep *k, int step, int layer, int *h, int *w);

size_t ss_keep_bytes(const ss_keep *k);

#endif
