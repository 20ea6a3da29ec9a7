/* custom-diffusion/merge: features of prompts, the targets, and the merged weights. */
#include "subject/merge.h"
#include "runner/runner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The captions file's lines; *text owns them. */
static int lines_of(char **text, const char **line, int most, const char *path) {
    FILE *f = fopen(path, "rb");
    size_t size = 1 << 20, n = 0;
    *text = calloc(size + 1, 1);
    if (f) n = fread(*text, 1, size, f);
    if (f) fclose(f);
    int count = 0;
    for (char *at = *text; at < *text + n && count < most;) {
        char *end = strchr(at, '\n');
        line[count++] = at;
        if (!end) break;
        *end = 0;
        at = end + 1;
    }
    return count;
}

static double far(const double *a, const float *b, int64_t n) {
    float *f = malloc((size_t)n * sizeof *f);
    for (int64_t i = 0; i < n; i++) f[i] = (float)a[i];
    double d = relative(f, b, n);
    free(f);
    return d;
}

/* Every stride-th number of `got` against what is stored. */
static double thinned(const float *got, int64_t n, const float *want, int64_t stored_count) {
    int64_t stride = (n + stored_count - 1) / stored_count;
    float *some = malloc((size_t)stored_count * sizeof *some);
    for (int64_t i = 0; i < stored_count; i++) some[i] = got[i * stride < n ? i * stride : n - 1];
    double d = relative(some, want, stored_count);
    free(some);
    return d;
}

/* The weight's name in the golden file: as diffusers or, without the prefix, as CompVis spells it. */
static void golden_name(char *out, size_t size, const char *set, const char *name, bool compvis) {
    char key[SS_NAME];
    if (compvis && ss_single_key(key, SS_PART_UNET, name, false))
        snprintf(out, size, "%s/%s", set, key + strlen("model.diffusion_model."));
    else
        snprintf(out, size, "%s/%s", set, name);
}

static double worst_of(runner *r, const ss_weights *w, const char *set, const ss_subject *merged, bool compvis) {
    double worst = 0;
    for (int64_t i = 0; i < merged->change_count; i++) {
        const ss_change *c = &merged->change[i];
        char name[SS_NAME + 16];
        int64_t n;
        golden_name(name, sizeof name, set, c->name, compvis);
        float *want = numbers(r, w, name, &n);
        double d = want ? thinned(c->to.data, ss_numbers_count(&c->to), want, n) : INFINITY;
        if (!(d <= worst)) worst = d;
        free(want);
    }
    return worst;
}

/* How far the published program's float32 result is from the formula in float64, both as stored: where its prompts make
 * the system badly conditioned, further than from anybody else's exact result one may ask. */
static double own_noise(runner *r, const ss_weights *w) {
    double worst = 0;
    for (int64_t i = 0; i < w->count; i++) {
        char exact[SS_NAME + 16];
        int64_t n;
        if (strncmp(w->at[i].name, "W/", 2)) continue;
        snprintf(exact, sizeof exact, "W_exact/%s", w->at[i].name + 2);
        float *a = numbers(r, w, w->at[i].name, &n), *b = numbers(r, w, exact, NULL);
        worst = fmax(worst, relative(a, b, n));
        free(a);
        free(b);
    }
    return worst;
}

/* The formula in float64 on the stored features, with targets that the subjects' own weights give of them. */
static void compare_exact(runner *r, const char *which, const ss_weights *w, const ss_model *m, ss_subject *const *s,
                          ss_merge_problem *p, bool compvis) {
    double worst = 0, worst_v = 0;
    char name[SS_NAME + 16];
    int64_t d = p->width, n, general, own;
    float *c_reg = numbers(r, w, "C_reg", &general), *c = numbers(r, w, "C", &own);
    for (int64_t i = 0; i < general; i++) p->general[i] = (double)c_reg[i];
    for (int64_t i = 0; i < own; i++) p->own[i] = (double)c[i];
    if (ss_merge_solve(p, r->cx)) broken(r, "merge", NULL);
    for (int64_t i = 0; i < s[0]->change_count && p->pull; i++) {
        const char *called = s[0]->change[i].name;
        const ss_param *a = ss_params_find(&m->unet.params, called);
        int64_t out = a->shape[0], stored_v, stored_w;
        float *f = malloc((size_t)(out * d) * sizeof *f), *flat = malloc((size_t)(p->rows * out) * sizeof *flat);
        double *v = calloc((size_t)(p->rows * out), sizeof *v), *weight = malloc((size_t)(out * d) * sizeof *weight);
        for (int64_t row = 0; row < p->rows; row++) {
            const ss_subject *of = s[p->concept[row]];
            for (int64_t j = 0; j < of->change_count; j++)
                if (!strcmp(of->change[j].name, called))
                    ss_to_f32(f, of->change[j].to.data, of->change[j].to.type, (size_t)(out * d));
            for (int64_t o = 0; o < out; o++) {
                float sum = 0; /* in float32 and in this order the published programs' own, to the last bit */
                for (int64_t k = 0; k < d; k++) sum = fmaf(f[o * d + k], (float)p->own[row * d + k], sum);
                v[row * out + o] = (double)(flat[row * out + o] = sum);
            }
        }
        golden_name(name, sizeof name, "V", called, compvis);
        float *want_v = numbers(r, w, name, &stored_v);
        worst_v = fmax(worst_v, thinned(flat, p->rows * out, want_v, stored_v));
        ss_model_original(f, m, SS_PART_UNET, a, 0, out * d);
        for (int64_t k = 0; k < out * d; k++) weight[k] = (double)f[k];
        if (ss_merge_weight(weight, r->cx, p, v, out)) broken(r, "merge", NULL);
        for (int64_t k = 0; k < out * d; k++) f[k] = (float)weight[k];
        golden_name(name, sizeof name, "W_exact", called, compvis);
        float *want = numbers(r, w, name, &stored_w);
        n = out * d;
        worst = fmax(worst, thinned(f, n, want, stored_w));
        free(want);
        free(want_v);
        free(flat);
        free(f);
        free(v);
        free(weight);
    }
    snprintf(name, sizeof name, "merge/%s V of the stored features", which);
    check(r, name, "rel_l2", worst_v, 1e-6);
    snprintf(name, sizeof name, "merge/%s W_exact of the stored features", which);
    check(r, name, "rel_l2", worst, 1e-5);
    free(c_reg);
    free(c);
}

static void compare_features(runner *r, const char *which, const ss_weights *w, const ss_merge_problem *p) {
    int64_t n, rows;
    char line[64];
    float *c_reg = numbers(r, w, "C_reg", &n), *c = numbers(r, w, "C", &rows);
    bool fits = c_reg && c && n == p->general_rows * p->width && rows == p->rows * p->width;
    snprintf(line, sizeof line, "merge/%s rows", which);
    check(r, line, "wrong counts", !fits, 0);
    snprintf(line, sizeof line, "merge/%s C_reg", which);
    if (fits) check(r, line, "rel_l2", far(p->general, c_reg, n), 1e-5);
    snprintf(line, sizeof line, "merge/%s C", which);
    if (fits) check(r, line, "rel_l2", far(p->own, c, rows), 1e-5);
    free(c_reg);
    free(c);
}

static void compare_embed(runner *r, const char *which, const ss_weights *w, const ss_subject *merged) {
    char line[64];
    int64_t n, row = 0, wrong = 0;
    float *embed = numbers(r, w, "embed", &n);
    for (int i = 0; i < merged->token_count; i++)
        for (int64_t k = 0; k < merged->token[i].width; k++, row++)
            wrong += row >= n || merged->token[i].vectors[k] != embed[row];
    snprintf(line, sizeof line, "merge/%s embed", which);
    check(r, line, "wrong numbers", (double)(wrong + (row != n)), 0);
    free(embed);
}

static void run_one(runner *r, const char *folder, const char *which) {
    enum { MOST = 8, LINES = 200 };
    char line[64], *text = NULL;
    const char *caption[LINES], *word[MOST] = {0};
    ss_subject *subject[MOST] = {0};
    ss_merged_concept lost[MOST];
    ss_merge_problem p = {0};
    ss_model *m = NULL;
    json_t *info = open_json(r, under(r, "%s/merge/%s.json", folder, which));
    ss_weights *w = open_tensors(r, under(r, "%s/merge/%s.safetensors", folder, which));
    const json_t *deltas = json_object_get(info, "deltas"), *words = json_object_get(info, "categories");
    const char *file = json_string_value(json_object_get(info, "captions"));
    bool compvis = !strcmp(json_string_value(json_object_get(info, "recipe")), "A");
    int count = (int)json_array_size(deltas),
        captions = lines_of(&text, caption, LINES, under(r, "%s/merge/%s", folder, file));
    ss_status st = ss_model_open(&m, r->cx, under(r, "%s/base", folder), NULL);
    for (int i = 0; i < count && i < MOST && !st; i++) {
        const char *delta = json_string_value(json_array_get(deltas, (size_t)i));
        word[i] = json_string_value(json_array_get(words, (size_t)i));
        st = ss_subject_open(&subject[i], r->cx, under(r, "%s/%s", folder, delta));
    }
    ss_merging o = {.subject = (const ss_subject *const *)subject,
                    .class_word = word,
                    .count = count,
                    .caption = caption,
                    .caption_count = captions,
                    .compvis = compvis};
    if (!st) st = ss_merge_read(&p, r->cx, m, &o);
    if (!st && w) compare_features(r, which, w, &p);
    if (!st) st = ss_merge_solve(&p, r->cx);
    if (!st) st = ss_merge_weights(&p, lost, NULL, r->cx, m, &o);
    snprintf(line, sizeof line, "merge/%s W", which);
    if (!st && w) {
        check(r, line, "rel_l2", worst_of(r, w, "W", p.merged, compvis), fmax(5e-3, 1.1 * own_noise(r, w)));
        compare_embed(r, which, w, p.merged);
        for (int i = 0; i < count; i++) {
            snprintf(line, sizeof line, "merge/%s concept %d", which, i + 1);
            check(r, line, "share lost", lost[i].lost, 1e-4);
        }
        compare_exact(r, which, w, m, subject, &p, compvis);
    } else {
        broken(r, line, NULL);
    }
    ss_merge_clear(&p);
    for (int i = 0; i < MOST; i++) ss_subject_free(subject[i]);
    ss_model_free(m);
    ss_weights_close(w);
    json_decref(info);
    free(text);
}

void run_merge(runner *r, const char *folder) {
    static const char *const which[] = {"a", "b"};
    for (int i = 0; i < 2; i++)
        if (is_there(under(r, "%s/merge/%s.json", folder, which[i]))) run_one(r, folder, which[i]);
}
