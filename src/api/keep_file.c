/* Kept sources in and out of safetensors. */
#include "api/keep_file.h"

#include "io/weights.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LAYERS = 16, HALVES = 2, NAME = 40 };

typedef struct listing {
    ss_to_store *t;
    char (*name)[NAME];
    int64_t (*shape)[4];
    int64_t count;
} listing;

static void list(listing *l, const char *name, ss_dtype dtype, int rank, const int64_t *shape, const void *data) {
    int64_t i = l->count++;
    snprintf(l->name[i], NAME, "%s", name);
    memcpy(l->shape[i], shape, (size_t)rank * sizeof *shape);
    l->t[i] = (ss_to_store){.name = l->name[i], .dtype = dtype, .rank = rank, .shape = l->shape[i], .data = data};
}

static void list_keys(listing *l, const ss_kept *k, const ss_keep *keys) {
    char name[NAME];
    for (int s = 0; s < k->steps; s++)
        for (int a = 0; a < LAYERS; a++) {
            int h, w;
            const float *map = ss_keep_get_map(keys, s, a, &h, &w);
            snprintf(name, sizeof name, "map.%d.%d", s, a);
            if (map) list(l, name, SS_F32, 2, (int64_t[]){h, w}, map);
            for (int half = 0; half < HALVES; half++) {
                const ss_kept_kv *e = ss_keep_get(keys, s, a, half);
                if (!e) continue;
                int64_t shape[2] = {e->len, e->d};
                snprintf(name, sizeof name, "k.%d.%d.%d", s, a, half);
                list(l, name, e->dtype, 2, shape, e->k);
                snprintf(name, sizeof name, "v.%d.%d.%d", s, a, half);
                list(l, name, e->dtype, 2, shape, e->v);
            }
        }
}

ss_status ss_kept_write(const ss_kept *k, ss_ctx *cx, const char *file) {
    size_t most = 1 + (k->keys ? (size_t)k->steps * LAYERS * (1 + 2 * HALVES) : 0);
    listing l = {.t = ss_alloc(cx, most, sizeof *l.t),
                 .name = ss_alloc(cx, most, sizeof *l.name),
                 .shape = ss_alloc(cx, most, sizeof *l.shape)};
    ss_status st = cx->status;
    if (!st) {
        list(&l, "path", SS_F32, 2, (int64_t[]){k->steps + 1, k->one}, k->path);
        if (k->keys) list_keys(&l, k, k->keys);
        st = ss_safetensors_write(cx, file, l.t, l.count, &(ss_pair){"selfsame.kept_source", k->of}, 1);
    }
    free(l.t);
    free(l.name);
    free(l.shape);
    return st;
}

ss_status ss_kept_read(ss_kept *k, ss_ctx *cx, const char *file, bool *has_keys) {
    ss_weights *w = NULL;
    ss_status st = ss_weights_open(&w, cx, file);
    if (st) return st;
    const char *of = ss_weights_metadata(w, "selfsame.kept_source");
    const ss_stored *path = ss_weights_find(w, "path");
    if (!of || !path)
        st = ss_fail(cx, SS_ERR_FORMAT, "%s is no kept source; name a file that does not exist yet", file);
    else if (strcmp(of, k->of))
        st = ss_fail(cx, SS_ERR_ARG, "%s was kept of something else. It says: %s. This run says: %s. Name another file",
                     file, of, k->of);
    else if (path->dtype != SS_F32 || path->bytes != (size_t)((k->steps + 1) * k->one) * sizeof(float))
        st = ss_fail(cx, SS_ERR_FORMAT, "%s: its path has %zu bytes, %d steps need %zu", file, path->bytes, k->steps,
                     (size_t)((k->steps + 1) * k->one) * sizeof(float));
    *has_keys = false;
    for (int64_t i = 0; i < w->count && !st; i++) {
        const ss_stored *t = &w->at[i];
        int step, layer, half, used = 0;
        if (!strcmp(t->name, "path")) {
            memcpy(k->path, t->data, t->bytes);
        } else if (k->keys && t->rank == 2 && sscanf(t->name, "k.%d.%d.%d%n", &step, &layer, &half, &used) == 3 &&
                   !t->name[used]) {
            char other[NAME];
            snprintf(other, sizeof other, "v.%d.%d.%d", step, layer, half);
            const ss_stored *v = ss_weights_find(w, other);
            if (!v || v->bytes != t->bytes || v->dtype != t->dtype)
                st = ss_fail(cx, SS_ERR_FORMAT, "%s: %s has no %s of its size", file, t->name, other);
            else
                st = ss_keep_put_bytes(k->keys, cx, step, layer, half,
                                       &(ss_kept_kv){t->data, v->data, t->dtype, t->shape[0], t->shape[1]});
            *has_keys = true;
        } else if (k->keys && t->rank == 2 && t->dtype == SS_F32 &&
                   sscanf(t->name, "map.%d.%d%n", &step, &layer, &used) == 2 && !t->name[used]) {
            st = ss_keep_put_map(k->keys, cx, step, layer, t->data, (int)t->shape[0], (int)t->shape[1]);
        }
    }
    ss_weights_close(w);
    return st;
}
