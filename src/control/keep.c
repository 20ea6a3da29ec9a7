/* Kept keys, values and maps, by step, layer and half of the batch. */
#include "control/keep.h"

#include <stdlib.h>
#include <string.h>

typedef struct kept_map {
    float *map;
    int h, w;
} kept_map;

struct ss_keep {
    int steps, layers, halves;
    ss_kept_kv *kv; /* [steps][layers][halves] */
    kept_map *map;  /* [steps][layers] */
    size_t bytes;
};

ss_status ss_keep_new(ss_keep **out, ss_ctx *cx, int steps, int layers, int halves) {
    ss_keep *k = ss_alloc(cx, 1, sizeof *k);
    if (!k) return SS_ERR_NOMEM;
    *k = (ss_keep){.steps = steps, .layers = layers, .halves = halves};
    k->kv = ss_alloc(cx, (size_t)(steps * layers * halves), sizeof *k->kv);
    k->map = ss_alloc(cx, (size_t)(steps * layers), sizeof *k->map);
    if (!k->kv || !k->map) {
        ss_keep_free(k);
        return SS_ERR_NOMEM;
    }
    *out = k;
    return SS_OK;
}

void ss_keep_free(ss_keep *k) {
    if (!k) return;
    for (int i = 0; k->kv && i < k->steps * k->layers * k->halves; i++) free((void *)k->kv[i].k);
    for (int i = 0; k->map && i < k->steps * k->layers; i++) free(k->map[i].map);
    free(k->kv);
    free(k->map);
    free(k);
}

static bool within(const ss_keep *k, int step, int layer, int half) {
    return step >= 0 && step < k->steps && layer >= 0 && layer < k->layers && half >= 0 && half < k->halves;
}

static ss_kept_kv *entry(const ss_keep *k, int step, int layer, int half) {
    return &k->kv[(step * k->layers + layer) * k->halves + half];
}

ss_status ss_keep_put_bytes(ss_keep *k, ss_ctx *cx, int step, int layer, int half, const ss_kept_kv *kv) {
    if (!within(k, step, layer, half)) return SS_OK;
    ss_kept_kv *e = entry(k, step, layer, half);
    size_t bytes = (size_t)(kv->len * kv->d) * ss_dtype_size(kv->dtype);
    char *copy = ss_alloc(cx, 2, bytes);
    if (!copy) return SS_ERR_NOMEM;
    memcpy(copy, kv->k, bytes);
    memcpy(copy + bytes, kv->v, bytes);
    if (!e->k) k->bytes += 2 * bytes;
    free((void *)e->k);
    *e = *kv;
    e->k = copy, e->v = copy + bytes;
    return SS_OK;
}

ss_status ss_keep_put(ss_keep *k, ss_ctx *cx, int step, int layer, int half, const ss_tensor *keys,
                      const ss_tensor *values, int row) {
    size_t bytes = (size_t)(keys->shape[1] * keys->shape[2]) * ss_dtype_size(keys->dtype);
    ss_kept_kv kv = {.k = (const char *)keys->bytes + (size_t)row * bytes,
                     .v = (const char *)values->bytes + (size_t)row * bytes,
                     .dtype = keys->dtype,
                     .len = keys->shape[1],
                     .d = keys->shape[2]};
    return ss_keep_put_bytes(k, cx, step, layer, half, &kv);
}

const ss_kept_kv *ss_keep_get(const ss_keep *k, int step, int layer, int half) {
    if (!within(k, step, layer, half)) return NULL;
    const ss_kept_kv *e = entry(k, step, layer, half);
    return e->k ? e : NULL;
}

ss_status ss_keep_put_map(ss_keep *k, ss_ctx *cx, int step, int layer, const float *map, int h, int w) {
    if (!within(k, step, layer, 0)) return SS_OK;
    kept_map *e = &k->map[step * k->layers + layer];
    float *copy = ss_alloc(cx, (size_t)(h * w), sizeof *copy);
    if (!copy) return SS_ERR_NOMEM;
    free(e->map);
    *e = (kept_map){memcpy(copy, map, (size_t)(h * w) * sizeof *copy), h, w};
    return SS_OK;
}

const float *ss_keep_get_map(const ss_keep *k, int step, int layer, int *h, int *w) {
    if (!within(k, step, layer, 0)) return NULL;
    const kept_map *e = &k->map[step * k->layers + layer];
    *h = e->h, *w = e->w;
    return e->map;
}

size_t ss_keep_bytes(const ss_keep *k) { return k->bytes; }
