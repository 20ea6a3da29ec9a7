/* Pictures and texts in and out of the model's spaces. */
#include "diffuse/latent.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

ss_status ss_encode_pixels(ss_ctx *cx, ss_model *m, const float *x, int w, int h, float *mean, float *std) {
    ss_mark start = ss_arena_mark(cx->arena);
    int64_t shape[4] = {1, 3, h, w}, count = (int64_t)4 * (h / 8) * (w / 8);
    /* Interleaved pixels are channels-last already. They stay float32: a photo is encoded once, and in bfloat16 the
     * error would be carried through a hundred steps (an edit then comes 10 dB less near to float32's). */
    ss_tensor *moments = ss_vae_encode(cx, &m->vae, ss_tensor_wrap(cx, (float *)x, 4, shape));
    ss_tensor *mu = moments ? ss_slice(cx, moments, 0, 4) : NULL, *logvar = mu ? ss_slice(cx, moments, 4, 4) : NULL;
    if (logvar) {
        ss_tensor_to_planar(mean, mu);
        if (std) ss_tensor_to_planar(std, logvar);
        for (int64_t i = 0; std && i < count; i++) std[i] = expf(0.5f * fminf(fmaxf(std[i], -30.0f), 20.0f));
    }
    ss_arena_rewind(cx->arena, start);
    return cx->status;
}

ss_status ss_encode_image(ss_ctx *cx, ss_model *m, const ss_image *image, float *mean, float *std) {
    size_t n = (size_t)image->w * (size_t)image->h * 3;
    float *x = ss_alloc(cx, n, sizeof *x);
    if (!x) return SS_ERR_NOMEM;
    for (size_t i = 0; i < n; i++) x[i] = (float)image->rgb[i] / 127.5f - 1.0f;
    ss_status st = ss_encode_pixels(cx, m, x, image->w, image->h, mean, std);
    ss_params_unpack(&m->vae.params); /* one photo was to be encoded, and the UNet needs the memory */
    ss_arena_trim(cx->arena);
    free(x);
    return st;
}

ss_status ss_decode_pixels(ss_ctx *cx, ss_model *m, const float *z, int64_t h, int64_t w, float *rgb) {
    ss_mark start = ss_arena_mark(cx->arena);
    ss_tensor *x = ss_tensor_from_planar(cx, z, (int64_t[]){1, 4, h, w});
    for (int64_t i = 0; x && i < 4 * h * w; i++) x->data[i] /= m->vae.scaling;
    ss_tensor *y = ss_vae_decode(cx, &m->vae, x);
    if (y) memcpy(rgb, y->data, (size_t)ss_count(y) * sizeof *rgb);
    ss_arena_rewind(cx->arena, start);
    return cx->status;
}

ss_status ss_decode_image(ss_image *out, ss_ctx *cx, ss_model *m, const float *z, int64_t h, int64_t w) {
    size_t n = (size_t)(64 * h * w) * 3;
    float *v = ss_alloc(cx, n, sizeof *v);
    uint8_t *rgb = v ? ss_alloc(cx, n, 1) : NULL;
    ss_status st = rgb ? ss_decode_pixels(cx, m, z, h, w, v) : cx->status;
    for (size_t i = 0; i < n && !st; i++) {
        float unit = fminf(fmaxf(v[i] / 2 + 0.5f, 0.0f), 1.0f);
        rgb[i] = (uint8_t)lrintf(255.0f * unit);
    }
    free(v);
    if (st)
        free(rgb);
    else
        *out = (ss_image){.w = (int)(8 * w), .h = (int)(8 * h), .rgb = rgb};
    return st;
}

ss_status ss_embed_texts(ss_texts *out, ss_ctx *cx, ss_model *m, const char *const *text, int count, int clip_skip) {
    int skip = clip_skip > 1 ? clip_skip - 1 : 0;
    if (skip >= m->text.layers)
        return ss_fail(cx, SS_ERR_ARG, "clip skip %d: the text encoder has %d layers", clip_skip, m->text.layers);
    int64_t d = m->unet_text_width;
    ss_texts t = {.data = ss_alloc(cx, (size_t)(count * 77 * d), sizeof *t.data), .rows = count, .len = 77, .d = d};
    int32_t ids[77];
    for (int i = 0; i < count && !cx->status; i++) {
        ss_tokens info;
        const char *words = text[i] ? text[i] : "";
        if (ss_tokenize(m->tokenizer, cx, words, ids, &info)) break;
        if (info.cut_at)
            ss_warn(cx, "the prompt has %lld tokens and the model reads 75: \"%.200s%s\" was left out",
                    (long long)info.used, info.cut_at, strlen(info.cut_at) > 200 ? " ..." : "");
        ss_mark start = ss_arena_mark(cx->arena);
        ss_tensor *h = ss_clip_text_run(cx, &m->text, ids, 1, skip);
        if (h) memcpy(t.data + i * 77 * d, h->data, (size_t)(77 * d) * sizeof *t.data);
        ss_arena_rewind(cx->arena, start);
    }
    ss_params_unpack(&m->text.params); /* a tenth of the memory that the UNet is about to need */
    if (cx->status)
        free(t.data);
    else
        *out = t;
    return cx->status;
}

/* Solves the 5 x 5 normal equations for three colours at once, by elimination with row exchanges. */
static void solve(double a[5][5], double b[5][3], float matrix[3][5]) {
    for (int i = 0; i < 5; i++) {
        int best = i;
        for (int j = i + 1; j < 5; j++)
            if (fabs(a[j][i]) > fabs(a[best][i])) best = j;
        for (int k = 0; k < 5; k++) {
            double swap = a[i][k];
            a[i][k] = a[best][k], a[best][k] = swap;
        }
        for (int k = 0; k < 3; k++) {
            double swap = b[i][k];
            b[i][k] = b[best][k], b[best][k] = swap;
        }
        for (int j = 0; j < 5; j++) {
            if (j == i || a[i][i] == 0) continue;
            double f = a[j][i] / a[i][i];
            for (int k = 0; k < 5; k++) a[j][k] -= f * a[i][k];
            for (int k = 0; k < 3; k++) b[j][k] -= f * b[i][k];
        }
    }
    for (int i = 0; i < 5; i++)
        for (int k = 0; k < 3; k++) matrix[k][i] = a[i][i] != 0 ? (float)(b[i][k] / a[i][i]) : 0;
}

ss_status ss_preview_fit(ss_preview *p, ss_ctx *cx, ss_model *m) {
    enum { SIDE = 12, CELLS = SIDE * SIDE };
    float z[4 * CELLS], *rgb = ss_alloc(cx, (size_t)CELLS * 64 * 3, sizeof *rgb);
    ss_rng rng;
    ss_rng_seed(&rng, 0);
    /* Patches of 3 x 3 equal cells: the decoder looks around, and a picture has surfaces. */
    float patch[4][SIDE / 3][SIDE / 3];
    ss_rng_normal(&rng, &patch[0][0][0], 4 * CELLS / 9);
    for (int c = 0; c < 4; c++)
        for (int i = 0; i < CELLS; i++) z[c * CELLS + i] = patch[c][i / SIDE / 3][i % SIDE / 3];
    ss_status st = rgb ? ss_decode_pixels(cx, m, z, SIDE, SIDE, rgb) : cx->status;
    double a[5][5] = {{0}}, b[5][3] = {{0}};
    for (int i = 0; i < CELLS && !st; i++) {
        double v[5] = {z[i], z[CELLS + i], z[2 * CELLS + i], z[3 * CELLS + i], 1}, colour[3] = {0};
        for (int y = 0; y < 8; y++)
            for (int x = 0; x < 8; x++)
                for (int k = 0; k < 3; k++)
                    colour[k] += rgb[((i / SIDE * 8 + y) * SIDE * 8 + i % SIDE * 8 + x) * 3 + k] / 64.0;
        for (int r = 0; r < 5; r++) {
            for (int c = 0; c < 5; c++) a[r][c] += v[r] * v[c];
            for (int k = 0; k < 3; k++) b[r][k] += v[r] * colour[k];
        }
    }
    if (!st) solve(a, b, p->matrix);
    p->fitted = !st;
    free(rgb);
    return st;
}

ss_status ss_preview_image(ss_image *out, ss_ctx *cx, const ss_preview *p, const float *z, int64_t h, int64_t w) {
    uint8_t *rgb = ss_alloc(cx, (size_t)(64 * h * w), 3);
    if (!rgb) return SS_ERR_NOMEM;
    for (int64_t y = 0; y < 8 * h; y++)
        for (int64_t x = 0; x < 8 * w; x++)
            for (int k = 0; k < 3; k++) {
                float v = p->matrix[k][4];
                for (int c = 0; c < 4; c++) v += p->matrix[k][c] * z[(c * h + y / 8) * w + x / 8];
                rgb[(y * 8 * w + x) * 3 + k] = (uint8_t)lrintf(255.0f * fminf(fmaxf(v / 2 + 0.5f, 0.0f), 1.0f));
            }
    *out = (ss_image){.w = (int)(8 * w), .h = (int)(8 * h), .rgb = rgb};
    return SS_OK;
}
