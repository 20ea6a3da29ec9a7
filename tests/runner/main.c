/* The golden runner's walk over the folder, and its lines. */
#include "runner/runner.h"

#include "diffuse/latent.h"

#include <dirent.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void check(runner *r, const char *name, const char *metric, double value, double limit) {
    bool ok = value <= limit; /* false for NaN */
    printf("%s/%s %s %.3g %.3g %s\n", r->kind, name, metric, value, limit, ok ? "ok" : "FAIL");
    if (ok)
        r->passed++;
    else
        r->failed++;
}

void broken(runner *r, const char *name, const char *why) {
    const char *sentence = why ? why : ss_ctx_error(r->cx);
    printf("%s/%s - - - FAIL (%s)\n", r->kind, name, sentence);
    ss_ctx_clear(r->cx);
    r->failed++;
}

void skip(runner *r, const char *name, const char *why) {
    printf("%s/%s skipped (%s)\n", r->kind, name, why);
    r->skipped++;
}

double relative(const float *a, const float *b, int64_t n) {
    double difference = 0, size = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)a[i] - b[i];
        difference += d * d;
        size += (double)b[i] * b[i];
    }
    return size > 0 ? sqrt(difference / size) : sqrt(difference);
}

double largest(const float *a, const float *b, int64_t n) {
    double most = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = fabs((double)a[i] - b[i]);
        if (!(d <= most)) most = d;
    }
    return most;
}

const char *under(const runner *r, const char *format, ...) {
    static char ring[8][4096];
    static int next;
    char *path = ring[next++ % 8];
    int n = snprintf(path, sizeof ring[0], "%s/", r->dir);
    va_list args;
    va_start(args, format);
    vsnprintf(path + n, sizeof ring[0] - (size_t)n, format, args);
    va_end(args);
    return path;
}

bool is_there(const char *path) {
    struct stat s;
    return stat(path, &s) == 0;
}

ss_weights *open_tensors(runner *r, const char *path) {
    ss_weights *w = NULL;
    if (ss_weights_open(&w, r->cx, path)) broken(r, path, NULL);
    return w;
}

json_t *open_json(runner *r, const char *path) {
    json_t *j = NULL;
    if (ss_json_read(&j, r->cx, path)) broken(r, path, NULL);
    return j;
}

const ss_stored *stored(runner *r, const ss_weights *w, const char *name) {
    const ss_stored *t = ss_weights_find(w, name);
    if (!t) broken(r, name, "the golden file has no such tensor");
    return t;
}

float *numbers(runner *r, const ss_weights *w, const char *name, int64_t *count) {
    const ss_stored *t = stored(r, w, name);
    if (!t) return NULL;
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->shape[i];
    float *y = malloc((size_t)(n ? n : 1) * sizeof *y);
    ss_to_f32(y, t->data, t->dtype, (size_t)n);
    if (count) *count = n;
    return y;
}

ss_model *open_noise_model(runner *r) {
    DIR *d = opendir(r->dir);
    ss_model *found = NULL;
    for (struct dirent *e; d && !found && (e = readdir(d));) {
        if (e->d_name[0] == '.' || !is_there(under(r, "%s/model_index.json", e->d_name))) continue;
        ss_model *m = NULL;
        if (ss_model_open(&m, r->cx, under(r, "%s", e->d_name), NULL))
            broken(r, e->d_name, NULL);
        else if (m->predicts_v)
            ss_model_free(m);
        else
            found = m;
    }
    if (d) closedir(d);
    if (!found) broken(r, "model", "no model folder that predicts noise lies beside this one");
    return found;
}

float *embed(runner *r, ss_model *m, const char *const *text, int n) {
    ss_texts t = {0};
    if (ss_embed_texts(&t, r->cx, m, text, n, 0)) broken(r, text[0], NULL);
    return t.data;
}

static const struct {
    const char *folder;
    void (*run)(runner *r, const char *folder);
} kinds[] = {
    {"tokenizer", run_tokenizer},
    {"noise", run_noise},
    {"samplers", run_samplers},
    {"masactrl", run_masactrl},
    {"image", run_image},
    {"formats", run_formats},
    {"custom-diffusion", run_custom_diffusion},
    {"clip", run_clip},
    {"conditioning", NULL},
    {"make", NULL},
};

static void run_folder(runner *r, const char *name) {
    r->kind = name;
    if (is_there(under(r, "%s/model_index.json", name))) {
        run_model(r, name);
        return;
    }
    for (int i = 0; i < SS_COUNT_OF(kinds); i++) {
        if (strcmp(kinds[i].folder, name)) continue;
        if (kinds[i].run)
            kinds[i].run(r, name);
        else if (strcmp(name, "make"))
            skip(r, "*", "not part of this program yet");
        return;
    }
    broken(r, "*", "a kind of case that this runner does not know");
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void warn(void *user, ss_log_level level, const char *sentence) {
    (void)user;
    if (level == SS_LOG_WARNING) fprintf(stderr, "%s\n", sentence);
}

int main(int argc, char **argv) {
    if (argc < 2 || argc > 4) {
        fprintf(stderr, "usage: golden DIR [float32|bfloat16] [cpu|reference]\n");
        return 2;
    }
    runner r = {.dir = argv[1]};
    ss_ctx_options o = {.callbacks.log = warn,
                        .threads = 1,
                        .numbers = argc > 2 ? argv[2] : "float32",
                        .device = argc > 3 ? argv[3] : NULL};
    if (ss_ctx_new(&r.cx, &o)) {
        fprintf(stderr, "golden: %s\n", ss_ctx_error(r.cx));
        return 1;
    }
    char *name[256];
    int count = 0;
    DIR *d = opendir(r.dir);
    for (struct dirent *e; d && count < 256 && (e = readdir(d));)
        if (e->d_name[0] != '.' && is_there(under(&r, "%s/.", e->d_name))) name[count++] = strdup(e->d_name);
    if (d) closedir(d);
    qsort(name, (size_t)count, sizeof *name, by_name);
    for (int i = 0; i < count; i++) {
        run_folder(&r, name[i]);
        fflush(stdout);
    }
    for (int i = 0; i < count; i++) free(name[i]);
    ss_ctx_free(r.cx);
    if (!count) fprintf(stderr, "golden: %s holds no folders\n", argv[1]);
    printf("%d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped);
    return r.failed || !count;
}
