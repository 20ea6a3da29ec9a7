/* CLIP: hidden states, features, cosines; pictures as they come in; the published programs' scores. */
#include "runner/runner.h"

#include "io/hash.h"
#include "io/image.h"
#include "model/clip_model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 64 }; /* pictures or captions of a folder */

typedef struct clip_case {
    runner *r;
    ss_clip *clip;
    json_t *about; /* features.json */
    ss_weights *golden;
    ss_image picture[MOST];
    int pictures, captions;
    float *image, *text; /* [pictures, width], [captions, width] */
} clip_case;

static const char *caption(const clip_case *c, int i) {
    return json_string_value(json_array_get(json_object_get(c->about, "captions"), (size_t)i));
}

static void features_of(clip_case *c) {
    runner *r = c->r;
    int64_t width = c->clip->width;
    for (int i = 0; i < c->pictures; i++)
        if (ss_clip_image_feature(c->image + i * width, r->cx, c->clip, &c->picture[i])) broken(r, "pictures", NULL);
    for (int i = 0; i < c->captions; i++)
        if (ss_clip_text_feature(c->text + i * width, r->cx, c->clip, caption(c, i))) broken(r, caption(c, i), NULL);
}

static void compare_features(clip_case *c, const char *prefix) {
    char name[80];
    const struct {
        const char *what;
        const float *got;
        int rows;
    } two[] = {{"image_features", c->image, c->pictures}, {"text_features", c->text, c->captions}};
    for (int i = 0; i < SS_COUNT_OF(two); i++) {
        int64_t n;
        snprintf(name, sizeof name, "%s%s", prefix, two[i].what);
        float *want = numbers(c->r, c->golden, name, &n);
        if (want && n != two[i].rows * c->clip->width)
            broken(c->r, name, "the folder has other pictures or captions");
        else if (want)
            check(c->r, name, "rel_l2", relative(two[i].got, want, n), 1e-5);
        free(want);
    }
}

static void compare_cosines(clip_case *c, const char *name, const float *b, int columns) {
    int64_t width = c->clip->width;
    float *want = numbers(c->r, c->golden, name, NULL);
    double worst = 0;
    for (int i = 0; want && i < c->pictures; i++)
        for (int j = 0; j < columns; j++) {
            double got = ss_cosine(c->image + i * width, b + j * width, width);
            worst = fmax(worst, fabs(got - (double)want[i * columns + j]));
        }
    if (want) check(c->r, name, "abs", worst, 1e-5);
    free(want);
}

/* ---- hidden states: [states, rows, places, d], of the first rows and places */

typedef struct states {
    clip_case *c;
    const char *name, *start, *layers; /* of the golden tensor; the pass' names of the first state and of layers */
    int row;
} states;

static void see(void *user, const char *name, const ss_tensor *x) {
    states *s = user;
    const ss_stored *t = ss_weights_find(s->c->golden, s->name);
    int layer = -1, used = 0;
    size_t n = strlen(s->layers);
    if (strcmp(name, s->start) &&
        (strncmp(name, s->layers, n) || sscanf(name + n, "%d%n", &layer, &used) != 1 || name[n + (size_t)used]))
        return;
    char line[80];
    snprintf(line, sizeof line, "%s.%d:%d", s->name, layer + 1, s->row);
    if (!t || layer + 1 >= t->shape[0]) {
        broken(s->c->r, line, "the golden file has no such state");
        return;
    }
    int64_t one = t->shape[2] * t->shape[3];
    float *want = numbers(s->c->r, s->c->golden, s->name, NULL);
    check(s->c->r, line, "rel_l2", relative(x->data, want + ((layer + 1) * t->shape[1] + s->row) * one, one), 1e-5);
    free(want);
}

static void compare_states(clip_case *c) {
    runner *r = c->r;
    float *feature = malloc((size_t)c->clip->width * sizeof *feature);
    for (int row = 0; row < 2; row++) {
        states text = {c, "text_hidden", "text_model.embeddings", "text_model.encoder.layers.", row};
        states vision = {c, "vision_hidden", "vision_model.pre_layrnorm", "vision_model.encoder.layers.", row};
        ss_watch watch = {see, &text};
        r->cx->watch = &watch;
        if (ss_clip_text_feature(feature, r->cx, c->clip, caption(c, row))) broken(r, text.name, NULL);
        watch.user = &vision;
        if (ss_clip_image_feature(feature, r->cx, c->clip, &c->picture[row])) broken(r, vision.name, NULL);
        r->cx->watch = NULL;
    }
    free(feature);
}

typedef struct pooled {
    clip_case *c;
    float *want;
    int row;
} pooled;

static void see_pooled(void *user, const char *name, const ss_tensor *x) {
    pooled *p = user;
    char line[40];
    snprintf(line, sizeof line, "vision_pooled:%d", p->row);
    if (!strcmp(name, "vision_model.post_layernorm"))
        check(p->c->r, line, "rel_l2", relative(x->data, p->want + p->row * ss_channels(x), ss_channels(x)), 1e-5);
}

static void compare_pooled(clip_case *c) {
    runner *r = c->r;
    pooled p = {.c = c, .want = numbers(r, c->golden, "vision_pooled", NULL)};
    float *feature = malloc((size_t)c->clip->width * sizeof *feature);
    ss_watch watch = {see_pooled, &p};
    r->cx->watch = &watch;
    for (; p.want && p.row < c->pictures; p.row++)
        if (ss_clip_image_feature(feature, r->cx, c->clip, &c->picture[p.row])) broken(r, "vision_pooled", NULL);
    r->cx->watch = NULL;
    free(feature);
    free(p.want);
}

static void compare_last(clip_case *c) {
    runner *r = c->r;
    const ss_stored *t = stored(r, c->golden, "text_last");
    float *want = t ? numbers(r, c->golden, "text_last", NULL) : NULL;
    for (int row = 0; want && row < t->shape[0]; row++) {
        int32_t ids[SS_TOKENS];
        ss_tokens info;
        int64_t one = t->shape[1] * t->shape[2];
        ss_mark start = ss_arena_mark(r->cx->arena);
        ss_status st = ss_tokenize(c->clip->tokenizer, r->cx, caption(c, row), ids, &info);
        ss_tensor *y = st ? NULL : ss_clip_text_run(r->cx, &c->clip->text, ids, 1, 0);
        if (y)
            check(r, "text_last", "rel_l2", relative(y->data, want + row * one, one), 1e-5);
        else
            broken(r, "text_last", NULL);
        ss_arena_rewind(r->cx->arena, start);
    }
    free(want);
}

/* ---- tokens and pixels */

static void compare_ids(clip_case *c) {
    int wrong = 0;
    for (int i = 0; i < c->captions; i++) {
        const json_t *want = json_array_get(json_object_get(c->about, "ids"), (size_t)i);
        int32_t ids[SS_TOKENS];
        ss_tokens info;
        if (ss_tokenize(c->clip->tokenizer, c->r->cx, caption(c, i), ids, &info)) broken(c->r, "ids", NULL);
        wrong += info.count != (int)json_array_size(want);
        for (int k = 0; k < info.count; k++)
            wrong += json_integer_value(json_array_get(want, (size_t)k)) != (json_int_t)ids[k];
    }
    check(c->r, "ids", "wrong", wrong, 0);
}

/* [n, 3, s, s] bytes. */
static void compare_pixels(clip_case *c) {
    const ss_stored *t = stored(c->r, c->golden, "pixels");
    int64_t wrong = 0, one = t ? t->shape[2] * t->shape[3] : 0;
    for (int i = 0; t && i < c->pictures; i++) {
        ss_image im = {0};
        const uint8_t *want = (const uint8_t *)t->data + i * 3 * one;
        if (ss_clip_crop(&im, c->r->cx, &c->picture[i], c->clip->side, c->clip->crop)) {
            broken(c->r, "pixels", NULL);
            continue;
        }
        for (int64_t k = 0; k < 3 * one; k++) wrong += im.rgb[k % one * 3 + k / one] != want[k];
        ss_image_free(&im);
    }
    if (t) check(c->r, "pixels", "wrong", (double)wrong, 0);
}

static void compare_preprocess(runner *r, const char *folder) {
    json_t *about = open_json(r, under(r, "%s/preprocess.json", folder)), *entry;
    ss_weights *w = open_tensors(r, under(r, "%s/preprocess.safetensors", folder));
    size_t i;
    if (about && w) json_array_foreach(json_object_get(about, "pictures"), i, entry) {
            const char *name = json_string_value(json_object_get(entry, "picture"));
            const char *want = json_string_value(json_object_get(entry, "hf_crop_sha256"));
            char hex[SS_HASH_TEXT], rows_name[32];
            ss_image im = {0}, cut = {0};
            ss_hash *h = NULL;
            ss_status st = ss_image_read(&im, r->cx, under(r, "%s/%s", folder, name));
            if (!st) st = ss_clip_crop(&cut, r->cx, &im, 224, 224);
            if (!st) st = ss_hash_new(&h, r->cx);
            if (st) {
                broken(r, name, NULL);
            } else {
                ss_hash_add(h, cut.rgb, (size_t)224 * 224 * 3);
                ss_hash_text(h, hex);
                check(r, name, "sha256 differs", strcmp(hex, want) != 0, 0);
                snprintf(rows_name, sizeof rows_name, "%zu/hf_rows", i);
                const ss_stored *rows = stored(r, w, rows_name);
                int wrong = 0;
                for (int64_t k = 0; rows && k < rows->shape[0]; k++)
                    wrong += memcmp((const uint8_t *)rows->data + k * 672, cut.rgb + 16 * k * 672, 672) != 0;
                check(r, rows_name, "wrong", wrong, 0);
            }
            ss_hash_free(h);
            ss_image_free(&im);
            ss_image_free(&cut);
        }
    json_decref(about);
    ss_weights_close(w);
}

/* ---- scores of the published programs */

static void compare_study(clip_case *c, const json_t *scores) {
    static const char *const names[] = {"study_text", "study_image"};
    int64_t width = c->clip->width;
    for (int which = 0; which < 2; which++) {
        const json_t *rows = json_object_get(scores, names[which]), *row, *value;
        const float *b = which ? c->image : c->text;
        double worst = 0;
        size_t i, j;
        json_array_foreach(rows, i, row) json_array_foreach(row, j, value) {
            double got = ss_cosine(c->image + (int64_t)i * width, b + (int64_t)j * width, width);
            worst = fmax(worst, fabs(got - json_number_value(value)));
        }
        check(c->r, names[which], "abs", json_array_size(rows) ? worst : NAN, 1e-5);
    }
}

/* Text: the mean of 2.5 max(cos, 0); image: the mean cosine over all pairs. */
static void compare_concept101(clip_case *c, const json_t *about) {
    const json_t *samples = json_object_get(about, "samples"), *targets = json_object_get(about, "targets"), *s, *t;
    int64_t width = c->clip->width;
    double text = 0, image = 0;
    size_t i, j, n = json_array_size(samples), m = json_array_size(targets);
    float *feature = malloc((size_t)width * sizeof *feature);
    json_array_foreach(samples, i, s) {
        const float *x = c->image + json_integer_value(s) * width;
        const char *prompt = json_string_value(json_array_get(json_object_get(about, "prompts"), i));
        if (ss_clip_text_feature(feature, c->r->cx, c->clip, prompt)) broken(c->r, "concept101", NULL);
        text += 2.5 * fmax(ss_cosine(x, feature, width), 0) / (double)n;
        json_array_foreach(targets, j, t) image +=
            ss_cosine(x, c->image + json_integer_value(t) * width, width) / (double)(n * m);
    }
    free(feature);
    text -= json_number_value(json_object_get(about, "text_alignment"));
    image -= json_number_value(json_object_get(about, "image_alignment"));
    check(c->r, "concept101.text_alignment", "abs", fabs(text), 1e-5);
    check(c->r, "concept101.image_alignment", "abs", fabs(image), 1e-5);
}

static int read_pictures(clip_case *c, const char *folder) {
    for (; c->pictures < MOST; c->pictures++) {
        const char *path = under(c->r, "%s/pictures/%d.png", folder, c->pictures);
        if (!is_there(path)) break;
        if (ss_image_read(&c->picture[c->pictures], c->r->cx, path)) {
            broken(c->r, path, NULL);
            break;
        }
    }
    return c->pictures;
}

void run_clip(runner *r, const char *folder) {
    clip_case c = {.r = r};
    json_t *scores = open_json(r, under(r, "%s/scores.json", folder));
    c.about = open_json(r, under(r, "%s/features.json", folder));
    c.golden = open_tensors(r, under(r, "%s/features.safetensors", folder));
    if (ss_clip_open(&c.clip, r->cx, under(r, "%s/hf", folder))) broken(r, "hf", NULL);
    c.captions = (int)json_array_size(json_object_get(c.about, "captions"));
    if (scores && c.about && c.golden && c.clip && read_pictures(&c, folder)) {
        size_t width = (size_t)c.clip->width;
        c.image = calloc((size_t)c.pictures * width, sizeof *c.image);
        c.text = calloc((size_t)c.captions * width, sizeof *c.text);
        compare_ids(&c);
        compare_pixels(&c);
        compare_states(&c);
        compare_pooled(&c);
        compare_last(&c);
        features_of(&c);
        compare_features(&c, "");
        compare_cosines(&c, "cosine", c.text, c.captions);
        compare_cosines(&c, "cosine_images", c.image, c.pictures);
        compare_study(&c, scores);
        /* The official loader takes heads of 64 channels. */
        c.clip->text.heads =
            (int)ss_params_find(&c.clip->text.params, "text_model.final_layer_norm.weight")->shape[0] / 64;
        c.clip->vision.heads =
            (int)ss_params_find(&c.clip->text.params, "vision_model.post_layernorm.weight")->shape[0] / 64;
        features_of(&c);
        compare_features(&c, "openai/");
        compare_concept101(&c, json_object_get(scores, "concept101"));
    }
    compare_preprocess(r, folder);
    skip(r, "openai.pt", "OpenAI's own names; its numbers are compared through hf/");
    skip(r, "dino, pie, statistics", "not part of this program yet");
    for (int i = 0; i < c.pictures; i++) ss_image_free(&c.picture[i]);
    free(c.image);
    free(c.text);
    ss_clip_free(c.clip);
    ss_weights_close(c.golden);
    json_decref(c.about);
    json_decref(scores);
}
