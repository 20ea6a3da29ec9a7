/* Which places of a photo listen to a word. */
#include "train/find_subject.h"

#include "base/rng.h"
#include "control/maps.h"
#include "diffuse/latent.h"
#include "diffuse/schedule.h"
#include "io/image.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { GRID = 16, MULTIPLE = 32 /* of pixels, so that every level divides */ };

static const int times[] = {150, 300, 450, 600};

float ss_otsu(const float *x, int64_t n) {
    int64_t count[256] = {0};
    double total = 0, below = 0, most = -1;
    int64_t left = 0;
    int best = 0;
    for (int64_t i = 0; i < n; i++) count[(int)(fminf(fmaxf(x[i], 0), 1) * 255)]++;
    for (int v = 0; v < 256; v++) total += (double)v * (double)count[v];
    for (int v = 0; v < 255; v++) {
        left += count[v];
        below += (double)v * (double)count[v];
        if (!left || left == n) continue;
        double apart = below / (double)left - (total - below) / (double)(n - left);
        double variance = (double)left * (double)(n - left) * apart * apart;
        if (variance > most) most = variance, best = v;
    }
    return (float)(best + 1) / 255.0f;
}

static int rounded(double side) {
    int n = (int)lrint(side / MULTIPLE) * MULTIPLE;
    return n < 2 * MULTIPLE ? 2 * MULTIPLE : n;
}

/* The sum of the tokens' maps [h, w] over all times. */
static ss_status look(ss_maps *maps, ss_ctx *cx, ss_model *m, const ss_image *im, const char *text) {
    ss_texts texts = {0};
    ss_schedule s;
    ss_rng rng;
    int64_t h = im->h / 8, w = im->w / 8, one = 4 * h * w;
    float *z = ss_alloc(cx, 4 * (size_t)one, sizeof *z);
    ss_status st = z ? ss_embed_texts(&texts, cx, m, &text, 1, 0) : SS_ERR_NOMEM;
    if (!st) st = ss_schedule_read(&s, cx, (ss_object){m->scheduler, "scheduler/scheduler_config.json"});
    if (!st) st = ss_encode_image(cx, m, im, z, NULL);
    ss_rng_seed(&rng, 0);
    ss_sample pass = {
        .model = m, .rows = 1, .h = h, .w = w, .guidance = 1, .with = texts.data, .control = &maps->control};
    for (int i = 0; i < SS_COUNT_OF(times) && !st; i++) {
        float *noise = z + one, *x = noise + one, *y = x + one, a = s.alpha[times[i]];
        ss_rng_normal(&rng, noise, one);
        for (int64_t k = 0; k < one; k++) x[k] = sqrtf(a) * m->vae.scaling * z[k] + sqrtf(1 - a) * noise[k];
        st = ss_predict(cx, &pass, (float)times[i], i, x, y);
    }
    free(z);
    free(texts.data);
    return st;
}

/* The tokens' mean map, stretched to 0..1. */
static ss_status read_map(float **out, ss_ctx *cx, const ss_maps *maps, const int *places, int count) {
    int n = maps->h * maps->w;
    if (!maps->sum) return ss_fail(cx, SS_ERR_MODEL, "the model has no cross-attention at %d x %d places", GRID, GRID);
    float *map = ss_alloc(cx, 2 * (size_t)n, sizeof *map);
    if (!map) return SS_ERR_NOMEM;
    float *one = map + n;
    for (int i = 0; i < count; i++) {
        ss_maps_token(maps, 0, places[i], one);
        for (int k = 0; k < n; k++) map[k] += one[k];
    }
    float least = map[0], most = map[0];
    for (int k = 1; k < n; k++) least = fminf(least, map[k]), most = fmaxf(most, map[k]);
    for (int k = 0; k < n; k++) map[k] = most > least ? (map[k] - least) / (most - least) : 0;
    *out = map;
    return SS_OK;
}

static void paint(float *mask, const float *map, int h, int w, const ss_image *photo) {
    int n = h * w, inside = 0;
    float threshold = ss_otsu(map, n);
    for (int k = 0; k < n; k++) inside += map[k] >= threshold;
    bool found = inside * 50 >= n && inside * 20 <= 19 * n;
    for (int64_t y = 0; y < photo->h; y++)
        for (int64_t x = 0; x < photo->w; x++)
            mask[y * photo->w + x] = !found || map[y * h / photo->h * w + x * w / photo->w] >= threshold;
}

ss_status ss_find_subject(float *mask, ss_ctx *cx, ss_model *m, const ss_image *photo, const char *text,
                          const char *word) {
    ss_image fitted = {0};
    ss_maps maps;
    ss_tokens info;
    int32_t ids[SS_TOKENS];
    int places[SS_TOKENS], count = 0;
    float *map = NULL;
    ss_maps_init(&maps, 1);
    double scale = m->size / sqrt((double)photo->w * photo->h);
    int w = rounded(photo->w * scale), h = rounded(photo->h * scale), longer = (w > h ? w : h) / 8;
    for (maps.level = 0; longer >> maps.level > GRID + GRID / 2 && maps.level < 2;) maps.level++;

    ss_status st = ss_tokenize(m->tokenizer, cx, text, ids, &info);
    if (!st) st = ss_token_places(places, &count, cx, text, &info, word);
    if (!st) st = ss_image_resize(&fitted, cx, photo, w, h, SS_BICUBIC);
    if (!st) st = look(&maps, cx, m, &fitted, text);
    if (!st) st = read_map(&map, cx, &maps, places, count);
    if (!st) paint(mask, map, maps.h, maps.w, photo);
    free(map);
    ss_maps_clear(&maps);
    ss_image_free(&fitted);
    return st;
}
