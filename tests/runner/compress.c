/* custom-diffusion/compress: ranks, singular values and products of the published program. */
#include "runner/runner.h"
#include "subject/linear.h"
#include "subject/subject.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double limit = 1e-4;

/* The weight that the golden file calls `called`. */
static const ss_change *find(const ss_subject *s, const char *called) {
    for (int64_t i = 0; i < s->change_count; i++) {
        char key[SS_NAME] = "";
        ss_single_key(key, SS_PART_UNET, s->change[i].name, false);
        const char *single = strstr(key, "model.diffusion_model.");
        if (!strcmp(s->change[i].name, called) ||
            (single && !strcmp(single + strlen("model.diffusion_model."), called)))
            return &s->change[i];
    }
    return NULL;
}

static float *product(runner *r, const ss_change *c) {
    float *y = calloc((size_t)(c->up.shape[0] * c->down.shape[1]), sizeof *y);
    if (ss_low_rank_add(y, r->cx, c, 1)) broken(r, c->name, NULL);
    return y;
}

/* All weights of one threshold: r<p>/<name> is every 11th number of u @ v. */
static void compare_products(runner *r, const char *line, const char *share, const ss_subject *thin,
                             const json_t *ranks, const ss_weights *w) {
    double worst = 0;
    int64_t wrong = 0;
    const char *name;
    json_t *rank;
    json_object_foreach((json_t *)ranks, name, rank) {
        const ss_change *c = find(thin, name);
        char key[SS_NAME + 16];
        int64_t n;
        if (!c || c->kind != SS_CHANGE_LOW_RANK || c->up.shape[1] != json_integer_value(rank)) {
            wrong++;
            continue;
        }
        snprintf(key, sizeof key, "r%s/%s", share, name);
        float *want = numbers(r, w, key, &n), *all = product(r, c), *some = malloc((size_t)(n + 1) * sizeof *some);
        int64_t count = c->up.shape[0] * c->down.shape[1], stride = (count + n - 1) / n;
        for (int64_t i = 0; i < n; i++) some[i] = all[i * stride < count ? i * stride : count - 1];
        worst = fmax(worst, relative(some, want, n));
        free(want);
        free(all);
        free(some);
    }
    char text[160];
    snprintf(text, sizeof text, "%s share %s", line, share);
    check(r, text, "wrong ranks", (double)wrong, 0);
    check(r, text, "rel_l2 of u v", worst, limit);
}

static void compare_singular(runner *r, const char *line, const ss_model *m, const ss_subject *s, const ss_weights *w) {
    double worst = 0;
    for (int64_t i = 0; i < w->count; i++) {
        const char *slash = strchr(w->at[i].name, '/');
        const ss_change *c = !strncmp(w->at[i].name, "singular/", 9) ? find(s, slash + 1) : NULL;
        if (!c) continue;
        int64_t rows = c->to.shape[0], columns = c->to.shape[1], n = rows * columns, k;
        float *want = numbers(r, w, w->at[i].name, &k), *f = malloc(2 * (size_t)n * sizeof *f);
        double *a = malloc((size_t)(n + rows * k + k + k * columns) * sizeof *a), *u = a + n, *values = u + rows * k;
        ss_to_f32(f, c->to.data, c->to.type, (size_t)n);
        ss_model_original(f + n, m, c->part, ss_params_find(&m->unet.params, c->name), 0, n);
        for (int64_t j = 0; j < n; j++) a[j] = f[j] - f[n + j];
        if (ss_svd(r->cx, a, rows, columns, u, values, values + k)) broken(r, line, NULL);
        for (int64_t j = 0; j < k; j++) f[j] = (float)values[j];
        worst = fmax(worst, relative(f, want, k));
        free(want);
        free(f);
        free(a);
    }
    check(r, line, "rel_l2 of singular values", worst, limit);
}

static void run_one(runner *r, const char *folder, const char *which) {
    char line[64];
    bool compvis = !strcmp(which, "a");
    ss_model *m = NULL;
    ss_subject *s = NULL, *file = NULL;
    json_t *info = open_json(r, under(r, "%s/compress/%s.json", folder, which)), *ranks;
    ss_weights *w = open_tensors(r, under(r, "%s/compress/%s.safetensors", folder, which));
    const char *share, *delta = json_string_value(json_object_get(info, "delta")), *suffix = compvis ? "ckpt" : "bin";
    snprintf(line, sizeof line, "compress/%s", which);
    ss_status st = ss_model_open(&m, r->cx, under(r, "%s/base", folder), NULL);
    if (!st) st = ss_subject_open(&s, r->cx, under(r, "%s/%s/delta.%s", folder, delta, suffix));
    if (!st) st = ss_subject_open(&file, r->cx, under(r, "%s/compress/compressed_delta.%s", folder, suffix));
    if (st || !w) broken(r, line, NULL);
    if (!st && w) compare_singular(r, line, m, s, w);
    if (!st && w) json_object_foreach(json_object_get(info, "ranks"), share, ranks) {
            ss_subject *thin = NULL;
            ss_thinning o = {.share = strtod(share, NULL)};
            if (ss_subject_compress(&thin, r->cx, m, s, &o, NULL))
                broken(r, line, NULL);
            else
                compare_products(r, line, share, thin, ranks, w);
            /* Of the thresholds one is that of the file that the program wrote. */
            const ss_change *a = thin ? &thin->change[0] : NULL, *b = a ? find(file, a->name) : NULL;
            if (b && a->up.shape[1] == b->up.shape[1]) {
                char text[120];
                snprintf(text, sizeof text, "%s compressed_delta.%s", line, suffix);
                compare_products(r, text, share, file, ranks, w);
            }
            ss_subject_free(thin);
        }
    ss_subject_free(file);
    ss_subject_free(s);
    ss_model_free(m);
    ss_weights_close(w);
    json_decref(info);
}

void run_compress(runner *r, const char *folder) {
    static const char *const which[] = {"a", "b"};
    for (int i = 0; i < 2; i++)
        if (is_there(under(r, "%s/compress/%s.json", folder, which[i]))) run_one(r, folder, which[i]);
}
