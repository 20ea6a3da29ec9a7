/* What needs no network: tokens, random numbers, pictures. */
#include "runner/runner.h"

#include "base/rng.h"
#include "io/image.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- tokenizer: prompts to ids by CLIP's own vocabulary, word positions */

static void compare_ids(runner *r, const json_t *cases, const ss_weights *w, const char *key, int32_t pad) {
    ss_tokenizer *t = NULL;
    const ss_stored *want = stored(r, w, key);
    if (ss_tokenizer_builtin(&t, r->cx, pad)) broken(r, key, NULL);
    int64_t wrong = 0, n = want ? want->shape[0] : 0;
    for (int64_t i = 0; i < n && t; i++) {
        int32_t ids[SS_TOKENS], golden[SS_TOKENS];
        ss_tokens info;
        json_t *text = json_object_get(json_array_get(cases, (size_t)i), "text");
        memcpy(golden, (const char *)want->data + (size_t)i * sizeof golden, sizeof golden);
        if (ss_tokenize_bytes(t, r->cx, json_string_value(text), json_string_length(text), ids, &info))
            broken(r, key, NULL);
        else if (memcmp(ids, golden, sizeof ids))
            wrong++;
    }
    check(r, key, "wrong prompts", (double)wrong, 0);
    ss_tokenizer_free(t);
}

/* Folders of SD 2.x make "!" a token of its own. Cases without this key come out as they always do. */
static void compare_pad(runner *r, const json_t *cases) {
    static const char key[] = "pad '!' fast";
    ss_tokenizer *t = NULL;
    if (ss_tokenizer_builtin(&t, r->cx, 0) || ss_tokenizer_recognize(t, r->cx, "!")) broken(r, key, NULL);
    int64_t wrong = 0;
    for (size_t i = 0; t && i < json_array_size(cases); i++) {
        const json_t *one = json_array_get(cases, i), *text = json_object_get(one, "text"),
                     *want = json_object_get(one, key);
        int32_t ids[SS_TOKENS];
        ss_tokens info;
        if (!want) want = json_object_get(one, "ids");
        if (ss_tokenize_bytes(t, r->cx, json_string_value(text), json_string_length(text), ids, &info))
            broken(r, key, NULL);
        bool same = (size_t)info.count == json_array_size(want);
        for (int k = 0; k < info.count && same; k++)
            same = ids[k] == json_integer_value(json_array_get(want, (size_t)k));
        wrong += !same;
    }
    check(r, key, "wrong prompts", (double)wrong, 0);
    ss_tokenizer_free(t);
}

/* "characters" count code points; the tokens of that stretch of text. */
static size_t byte_of(const char *text, json_int_t character) {
    size_t b = 0;
    for (json_int_t i = 0; i < character && text[b]; i++) do
            b++;
        while ((text[b] & 0xc0) == 0x80);
    return b;
}

static void compare_words(runner *r, const json_t *list) {
    ss_tokenizer *t = NULL;
    int64_t wrong = 0;
    if (ss_tokenizer_builtin(&t, r->cx, SS_END_OF_TEXT)) broken(r, "words", NULL);
    for (size_t i = 0; t && i < json_array_size(list); i++) {
        const json_t *one = json_array_get(list, i), *selections = json_object_get(one, "selections");
        const char *prompt = json_string_value(json_object_get(one, "prompt"));
        int32_t ids[SS_TOKENS];
        ss_tokens info;
        if (ss_tokenize(t, r->cx, prompt, ids, &info)) broken(r, "words", NULL);
        for (size_t k = 0; k < json_array_size(selections); k++) {
            const json_t *s = json_array_get(selections, k), *span = json_object_get(s, "characters"),
                         *want = json_object_get(s, "tokens");
            int places[SS_TOKENS];
            int n = ss_tokens_between(&info, byte_of(prompt, json_integer_value(json_array_get(span, 0))),
                                      byte_of(prompt, json_integer_value(json_array_get(span, 1))), places);
            bool same = (size_t)n == json_array_size(want);
            for (int p = 0; p < n && same; p++) same = places[p] == json_integer_value(json_array_get(want, (size_t)p));
            wrong += !same;
        }
    }
    check(r, "words", "wrong words", (double)wrong, 0);
    ss_tokenizer_free(t);
}

void run_tokenizer(runner *r, const char *folder) {
    json_error_t error;
    json_t *cases =
        json_load_file(under(r, "%s/cases.json", folder), JSON_ALLOW_NUL, &error); /* one prompt holds a zero */
    if (!cases) broken(r, "cases.json", error.text);
    json_t *words = open_json(r, under(r, "%s/words.json", folder));
    ss_weights *w = open_tensors(r, under(r, "%s/ids.safetensors", folder));
    if (cases && w) {
        compare_ids(r, cases, w, "sd1", SS_END_OF_TEXT);
        compare_ids(r, cases, w, "sd2", 0);
        compare_pad(r, cases);
    }
    if (words) compare_words(r, words);
    json_decref(cases);
    json_decref(words);
    ss_weights_close(w);
}

/* ---- noise: keys say what was drawn */

static void compare_draw(runner *r, const ss_stored *t, ss_rng *rng, const char *kind, int64_t drawn, int64_t skipped) {
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->shape[i];
    double worst = 0;
    bool float64 = t->dtype == SS_F64, whole = t->dtype == SS_I64;
    if (whole) {
        int64_t *got = malloc((size_t)n * sizeof *got), want;
        if (!strcmp(kind, "randperm"))
            ss_rng_permutation(rng, got, n);
        else
            for (int64_t i = 0; i < n; i++)
                got[i] = !strcmp(kind, "randint") ? ss_rng_int(rng, 0, 1000)
                                                  : (int64_t)(ss_rng_u64(rng) % ((uint64_t)1 << 63));
        for (int64_t i = 0; i < n; i++) {
            memcpy(&want, (const char *)t->data + i * 8, 8);
            worst += got[i] != want;
        }
        check(r, t->name, "different", worst, 0);
        free(got);
    } else if (float64) {
        double *got = malloc((size_t)drawn * sizeof *got), want;
        if (!strncmp(kind, "randn", 5))
            ss_rng_normal_f64(rng, got, drawn);
        else
            ss_rng_uniform_f64(rng, got, drawn);
        for (int64_t i = 0; i < n; i++) {
            memcpy(&want, (const char *)t->data + i * 8, 8);
            worst = fmax(worst, fabs(got[i] - want));
        }
        check(r, t->name, "abs", worst, 1e-14);
        free(got);
    } else {
        float *got = malloc((size_t)drawn * sizeof *got), *want = malloc((size_t)n * sizeof *want);
        ss_to_f32(want, t->data, t->dtype, (size_t)n);
        bool normal = !strcmp(kind, "randn");
        if (normal)
            ss_rng_normal(rng, got, drawn);
        else
            ss_rng_uniform(rng, got, drawn);
        check(r, t->name, "abs", largest(got + skipped, want, n), normal ? 1e-6 : 0);
        free(got);
        free(want);
    }
}

void run_noise(runner *r, const char *folder) {
    json_t *info = open_json(r, under(r, "%s/noise.json", folder));
    ss_weights *w = open_tensors(r, under(r, "%s/noise.safetensors", folder));
    const json_t *sequence = json_object_get(info, "sequence");
    for (int64_t i = 0; w && i < w->count; i++) {
        const char *name = w->at[i].name;
        unsigned long long seed;
        long long a, b, c, d, n;
        char kind[16];
        ss_rng rng;
        if (sscanf(name, "sequence.seed%llu.0.", &seed) == 1 && strstr(name, ".0.")) {
            char key[80];
            ss_rng_seed(&rng, seed); /* one generator through the whole list */
            for (size_t k = 0; k < json_array_size(sequence); k++) {
                const json_t *draw = json_array_get(sequence, k);
                const char *what = json_string_value(json_array_get(draw, 0));
                snprintf(key, sizeof key, "sequence.seed%llu.%zu.%s", seed, k, what);
                const ss_stored *t = stored(r, w, key);
                if (t) compare_draw(r, t, &rng, what, json_integer_value(json_array_get(draw, 1)), 0);
            }
        }
        if (sscanf(name, "%15[a-z0-9].seed%llu.", kind, &seed) != 2 || !strncmp(name, "sequence", 8)) continue;
        const char *shape = strrchr(strstr(name, ".seed") + 1, '.');
        const char *dims = strchr(strstr(name, ".seed") + 1, '.') + 1;
        ss_rng_seed(&rng, seed);
        if (sscanf(dims, "n%lld", &n) == 1)
            compare_draw(r, &w->at[i], &rng, kind, n, 0);
        else if (sscanf(dims, "%lldx%lldx%lldx%lld", &a, &b, &c, &d) == 4)
            compare_draw(r, &w->at[i], &rng, kind, a * b * c * d, 0);
        else if (sscanf(dims, "%lldx%lldx%lld", &a, &b, &c) == 3) {
            int64_t whole = a * b * c, part = w->at[i].shape[w->at[i].rank - 1];
            compare_draw(r, &w->at[i], &rng, kind, whole, !strcmp(shape, ".tail") ? whole - part : 0);
        } else
            broken(r, name, "a draw that this runner does not know");
    }
    json_decref(info);
    ss_weights_close(w);
}

/* ---- image: decoding and resizing to the last level, JPEGs within two */

static const struct {
    const char *name;
    ss_resample how;
} filters[] = {{"nearest", SS_NEAREST_CENTRE},
               {"box", SS_BOX},
               {"bilinear", SS_BILINEAR},
               {"bicubic", SS_BICUBIC},
               {"lanczos", SS_LANCZOS}};

static double levels(const ss_image *im, const ss_stored *t) {
    if (t->rank < 2 || t->shape[0] != im->h || t->shape[1] != im->w) return INFINITY;
    const uint8_t *want = t->data;
    int channels = t->rank == 3 ? 3 : 1, worst = 0;
    for (int64_t i = 0; i < (int64_t)im->w * im->h; i++)
        for (int c = 0; c < channels; c++) {
            int d = abs(im->rgb[i * 3 + c] - want[i * channels + c]);
            if (d > worst) worst = d;
        }
    return worst;
}

/* KEY.FILTER: squashN, cropN, upWxH, multiple8. */
static void compare_resized(runner *r, const ss_image *im, const ss_stored *t, const char *what, double limit) {
    ss_image part = {0}, y = {0};
    const char *filter = strrchr(what, '.') + 1;
    int how = -1;
    for (int i = 0; i < SS_COUNT_OF(filters); i++)
        if (!strcmp(filters[i].name, filter)) how = (int)filters[i].how;
    bool crop = !strncmp(what, "crop", 4);
    ss_status st = how < 0 ? SS_ERR_ARG : SS_OK;
    if (!st && crop) st = ss_image_crop(&part, r->cx, im, ss_crop_box(im->w, im->h, 1, 1));
    if (!st) st = ss_image_resize(&y, r->cx, crop ? &part : im, (int)t->shape[1], (int)t->shape[0], (ss_resample)how);
    if (st)
        broken(r, t->name, how < 0 ? "a filter that this runner does not know" : NULL);
    else
        check(r, t->name, "levels", levels(&y, t), limit);
    ss_image_free(&part);
    ss_image_free(&y);
}

/* What the study's loader makes of a file, as [1, 3, h, w] in -1 .. 1: the whole picture, or rows 200-207 and columns
 * 300-315 after squashing to 512 x 512. */
static void compare_loaded(runner *r, const char *path, const ss_stored *t, bool part) {
    ss_image raw = {0}, y = {0};
    ss_status st = ss_image_read_unturned(&raw, r->cx, path);
    if (!st) st = part ? ss_image_fit(&y, r->cx, &raw, 512, 512, SS_FIT_SQUASH) : ss_image_copy(&y, r->cx, &raw);
    if (st) {
        broken(r, t->name, NULL);
    } else {
        int64_t n;
        float worst = 0, *want = malloc(t->bytes);
        memcpy(want, t->data, t->bytes);
        n = t->shape[2] * t->shape[3];
        int top = part ? 200 : 0, left = part ? 300 : 0;
        for (int c = 0; c < 3; c++)
            for (int64_t i = 0; i < n; i++) {
                int64_t row = top + i / t->shape[3], column = left + i % t->shape[3];
                float v = (float)y.rgb[(row * y.w + column) * 3 + c] / 127.5f - 1.0f;
                worst = fmaxf(worst, fabsf(v - want[c * n + i]));
            }
        bool jpeg = strstr(path, ".jpg") != NULL;
        check(r, t->name, "abs", worst, jpeg ? 2.01 / 127.5 : 0);
        free(want);
    }
    ss_image_free(&raw);
    ss_image_free(&y);
}

void run_image(runner *r, const char *folder) {
    json_t *info = open_json(r, under(r, "%s/image.json", folder)), *entry;
    ss_weights *w = open_tensors(r, under(r, "%s/image.safetensors", folder));
    bool *seen = w ? calloc((size_t)w->count, 1) : NULL;
    const char *file;
    if (info && w) json_object_foreach(json_object_get(info, "files"), file, entry) {
            char stem[80];
            ss_image im = {0};
            const char *path = under(r, "%s/%s", folder, file);
            snprintf(stem, sizeof stem, "%s", file);
            *strchr(stem, '.') = '_';
            if (ss_image_read(&im, r->cx, path)) {
                broken(r, file, NULL);
                continue;
            }
            double limit = strstr(file, ".jpg") ? 2 : 0;
            for (int64_t i = 0; i < w->count; i++) {
                const ss_stored *t = &w->at[i];
                size_t n = strlen(stem);
                if (strncmp(t->name, stem, n) || t->name[n] != '.') continue;
                const char *what = t->name + n + 1;
                seen[i] = true;
                /* 16-bit grey: Pillow's own conversion clips, the upper byte is what a reader should keep. */
                bool grey16 = ss_weights_find(w, "grey16_png.upper_byte") && !strcmp(stem, "grey16_png");
                if (!strcmp(what, "raw16") || (grey16 && !strcmp(what, "rgb"))) continue;
                if (!strcmp(what, "rgb") || !strcmp(what, "upper_byte"))
                    check(r, t->name, "levels", levels(&im, t), limit);
                else if (!strcmp(what, "load_image.part"))
                    compare_loaded(r, path, t, true);
                else if (!strcmp(what, "tensor"))
                    compare_loaded(r, path, t, false);
                else if (strchr(what, '.'))
                    compare_resized(r, &im, t, what, limit);
                else
                    broken(r, t->name, "a picture that this runner does not know");
            }
            ss_image_free(&im);
        }
    for (int64_t i = 0; w && i < w->count; i++)
        if (!seen[i]) broken(r, w->at[i].name, "belongs to no file of image.json");
    free(seen);
    json_decref(info);
    ss_weights_close(w);
}
