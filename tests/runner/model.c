/* Model folders: text encoder, UNet and autoencoder stage by stage, gradients, single files, sampling runs beside them.
 */
#include "runner/runner.h"

#include "diffuse/latent.h"
#include "model/rename.h"
#include "runner/runs.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- stages: every named tensor of a golden file that the pass shows is compared */

typedef struct stages {
    runner *r;
    const ss_weights *golden;
    const char *file;
    double limit;
    const char *const *order; /* attention calls: NN.in, NN.out, NN.prob; NULL: plain names */
    int order_count;
    bool *seen; /* [golden->count] */
} stages;

static void compare(stages *s, const char *name, const ss_tensor *x, double limit) {
    const ss_stored *t = ss_weights_find(s->golden, name);
    if (!t) return;
    int64_t n = 1;
    for (int i = 0; i < t->rank; i++) n *= t->shape[i];
    float *want = malloc((size_t)n * sizeof *want), *got = malloc((size_t)ss_count(x) * sizeof *got);
    ss_to_f32(want, t->data, t->dtype, (size_t)n);
    ss_tensor_to_planar(got, x);
    /* Norms are shown with the SiLU that follows them. */
    size_t length = strlen(name);
    if (length >= 13 && !strcmp(name + length - 13, "conv_norm_out"))
        for (int64_t i = 0; i < n; i++) want[i] /= 1 + expf(-want[i]);
    char line[300];
    snprintf(line, sizeof line, "%s:%s", s->file, name);
    if (n > ss_count(x))
        broken(s->r, line, "the golden tensor is larger than ours");
    else
        check(s->r, line, "rel_l2", relative(got, want, n), limit);
    s->seen[t - s->golden->at] = true;
    free(want);
    free(got);
}

static void see(void *user, const char *name, const ss_tensor *x) {
    stages *s = user;
    if (!s->order) {
        compare(s, name, x, s->limit);
        return;
    }
    const char *end = strrchr(name, '.');
    for (int i = 0; i < s->order_count && end; i++) {
        size_t n = strlen(s->order[i]);
        char golden[32];
        if (strncmp(s->order[i], name, n) || name + n != end) continue;
        bool probs = !strcmp(end, ".probs");
        snprintf(golden, sizeof golden, "%02d%s", i, probs ? ".prob" : end);
        compare(s, golden, x, 2e-5);
    }
}

static void all_seen(const stages *s, const char *const *inputs, int count) {
    for (int64_t i = 0; i < s->golden->count; i++) {
        bool known = s->seen[i];
        for (int j = 0; j < count && !known; j++) known = !strcmp(s->golden->at[i].name, inputs[j]);
        char line[300];
        snprintf(line, sizeof line, "%s:%s", s->file, s->golden->at[i].name);
        if (!known) broken(s->r, line, "the pass shows no such stage");
    }
}

/* ---- text encoder */

static void run_text(runner *r, ss_model *m, const ss_weights *w, const char *file) {
    const ss_stored *ids = stored(r, w, "ids");
    if (!ids) return;
    int64_t n = ids->shape[0];
    int32_t *id = malloc(ids->bytes);
    memcpy(id, ids->data, ids->bytes);
    stages s = {.r = r, .golden = w, .file = file, .limit = 1e-5, .seen = calloc((size_t)w->count, 1)};
    ss_mark start = ss_arena_mark(r->cx->arena);
    for (int skip = 1; skip >= 0; skip--) {
        ss_tensor *y = ss_clip_text_run(r->cx, &m->text, id, n, skip);
        if (!y)
            broken(r, file, NULL);
        else
            compare(&s, skip ? "final_norm_of_penultimate" : "last_hidden_state", y, 1e-5);
        if (y && !skip) { /* pooled: the row of the first end token */
            int32_t end = (int32_t)(ss_tokenizer_count(m->tokenizer) - 1);
            float *pooled = malloc((size_t)(n * ss_channels(y)) * sizeof *pooled);
            for (int64_t i = 0; i < n; i++) {
                int64_t p = 0;
                while (p < 76 && id[i * 77 + p] != end) p++;
                memcpy(pooled + i * ss_channels(y), y->data + (i * 77 + p) * ss_channels(y),
                       (size_t)ss_channels(y) * sizeof *pooled);
            }
            ss_tensor *t = ss_tensor_wrap(r->cx, pooled, 2, (int64_t[]){n, ss_channels(y)});
            compare(&s, "pooled", t, 1e-5);
            free(pooled);
        }
    }
    ss_arena_rewind(r->cx->arena, start);
    free(id);
    free(s.seen);
}

typedef struct text_stages {
    stages *s;
    int64_t prompt; /* whose probabilities are stored */
} text_stages;

static void see_text(void *user, const char *name, const ss_tensor *x) {
    text_stages *t = user;
    char golden[64];
    int layer, used = 0;
    if (!strcmp(name, "text_model.embeddings"))
        compare(t->s, "hidden.0", x, 1e-5);
    else if (sscanf(name, "text_model.encoder.layers.%d%n", &layer, &used) == 1 && !name[used]) {
        snprintf(golden, sizeof golden, "hidden.%d", layer + 1);
        compare(t->s, golden, x, 1e-5);
    } else if (!strcmp(name, "text_model.encoder.layers.0.self_attn.probs")) {
        const ss_stored *g = ss_weights_find(t->s->golden, "attention.layer0.prompt1");
        if (!g) return;
        int64_t one = g->shape[0] * g->shape[1] * g->shape[2];
        ss_tensor part = *x;
        part.data += t->prompt * one;
        part.shape[0] = one;
        compare(t->s, "attention.layer0.prompt1", &part, 2e-5);
    }
}

static void run_text_stages(runner *r, ss_model *m, const ss_weights *w, const char *file) {
    const ss_stored *ids = ss_weights_find(w, "ids");
    if (!ids) return;
    int32_t *id = malloc(ids->bytes);
    memcpy(id, ids->data, ids->bytes);
    stages s = {.r = r, .golden = w, .file = file, .limit = 1e-5, .seen = calloc((size_t)w->count, 1)};
    text_stages t = {&s, 1};
    ss_watch watch = {see_text, &t};
    ss_mark start = ss_arena_mark(r->cx->arena);
    r->cx->watch = &watch;
    if (!ss_clip_text_run(r->cx, &m->text, id, ids->shape[0], 0)) broken(r, file, NULL);
    r->cx->watch = NULL;
    ss_arena_rewind(r->cx->arena, start);
    static const char *const elsewhere[] = {"ids", "last_hidden_state", "pooled", "final_norm_of_penultimate"};
    all_seen(&s, elsewhere, SS_COUNT_OF(elsewhere));
    free(id);
    free(s.seen);
}

/* ---- UNet */

static void run_unet(runner *r, ss_model *m, const ss_weights *w, const char *file, const json_t *order) {
    const ss_stored *shape = stored(r, w, "x");
    float *x = numbers(r, w, "x", NULL), *t = numbers(r, w, "t", NULL), *text = numbers(r, w, "context", NULL);
    float *times = NULL;
    const char **names = NULL;
    if (shape && x && t && text) {
        stages s = {.r = r, .golden = w, .file = file, .limit = 1e-5, .seen = calloc((size_t)w->count, 1)};
        int64_t n = shape->shape[0], given = ss_weights_find(w, "t")->shape[0];
        times = malloc((size_t)n * sizeof *times);
        for (int64_t i = 0; i < n; i++) times[i] = t[given == 1 ? 0 : i];
        if (order) {
            s.order_count = (int)json_array_size(order);
            names = malloc((size_t)s.order_count * sizeof *names);
            for (int i = 0; i < s.order_count; i++) names[i] = json_string_value(json_array_get(order, (size_t)i));
            s.order = names;
        }
        ss_watch watch = {see, &s};
        ss_mark start = ss_arena_mark(r->cx->arena);
        ss_tensor *in = ss_tensor_from_planar(r->cx, x, shape->shape);
        ss_tensor *c = ss_tensor_wrap(r->cx, text, 3, (int64_t[]){n, 77, m->unet_text_width});
        r->cx->watch = &watch;
        ss_tensor *y = ss_unet_run(r->cx, &m->unet, in, times, c, 0);
        r->cx->watch = NULL;
        if (!y)
            broken(r, file, NULL);
        else if (order)
            compare(&s, "y", y, 1e-5);
        ss_arena_rewind(r->cx->arena, start);
        static const char *const inputs[] = {"x", "t", "context"};
        all_seen(&s, inputs, SS_COUNT_OF(inputs));
        free(s.seen);
    }
    free(x);
    free(t);
    free(text);
    free(times);
    free(names);
}

/* ---- autoencoder */

static void see_half(void *user, const char *name, const ss_tensor *x) {
    stages *s = user;
    if (strcmp(name, "y") && strcmp(name, "moments"))
        compare(s, name, x, strncmp(name, "encoder", 7) ? 2e-5 : s->limit);
}

static void run_vae(runner *r, ss_model *m, const ss_weights *w, const char *file) {
    const ss_stored *shape = stored(r, w, "x"), *latent = stored(r, w, "latent");
    float *x = numbers(r, w, "x", NULL), *z = numbers(r, w, "latent", NULL), *noise = numbers(r, w, "noise", NULL);
    if (shape && latent && x && z && noise) {
        stages s = {.r = r, .golden = w, .file = file, .limit = 1e-5, .seen = calloc((size_t)w->count, 1)};
        ss_watch watch = {see_half, &s};
        ss_mark start = ss_arena_mark(r->cx->arena);
        r->cx->watch = &watch;
        ss_tensor *moments = ss_vae_encode(r->cx, &m->vae, ss_tensor_from_planar(r->cx, x, shape->shape));
        r->cx->watch = NULL;
        ss_tensor *mean = moments ? ss_slice(r->cx, moments, 0, 4) : NULL,
                  *logvar = mean ? ss_slice(r->cx, moments, 4, 4) : NULL;
        if (!logvar)
            broken(r, file, NULL);
        else {
            ss_tensor *std = ss_slice(r->cx, logvar, 0, 4), *sample = ss_slice(r->cx, logvar, 0, 4),
                      *ours = ss_slice(r->cx, mean, 0, 4);
            ss_tensor *eps = ss_tensor_from_planar(r->cx, noise, latent->shape);
            for (int64_t i = 0, n = ss_count(std); i < n; i++) {
                logvar->data[i] = fminf(fmaxf(logvar->data[i], -30), 20);
                std->data[i] = expf(0.5f * logvar->data[i]);
                sample->data[i] = mean->data[i] + std->data[i] * eps->data[i];
                ours->data[i] *= m->vae.scaling;
            }
            compare(&s, "mean", mean, 1e-5);
            compare(&s, "logvar", logvar, 1e-5);
            compare(&s, "std", std, 1e-5);
            compare(&s, "sample", sample, 1e-5);
            compare(&s, "latent", ours, 1e-5);
        }
        ss_tensor *from = ss_tensor_from_planar(r->cx, z, latent->shape);
        for (int64_t i = 0; from && i < ss_count(from); i++) from->data[i] /= m->vae.scaling;
        r->cx->watch = &watch;
        ss_tensor *y = ss_vae_decode(r->cx, &m->vae, from);
        r->cx->watch = NULL;
        if (!y)
            broken(r, file, NULL);
        else
            compare(&s, "y", y, 2e-5);
        ss_arena_rewind(r->cx->arena, start);
        all_seen(&s, (const char *[]){"x", "noise"}, 2);
        free(s.seen);
    }
    free(x);
    free(z);
    free(noise);
}

/* ---- gradients */

/* dy of the mean square of y - target, and the loss. y and target are float32 in the same order. */
static double mean_square(const float *y, const float *target, float *dy, int64_t n) {
    double loss = 0;
    for (int64_t i = 0; i < n; i++) {
        double d = (double)y[i] - target[i];
        loss += d * d / (double)n;
        dy[i] = (float)(2 * d / (double)n);
    }
    return loss;
}

/* Every "grad.NAME" of the file, and every norm of the JSON list, against the parameters' gradients. */
static void compare_gradients(runner *r, const ss_params *p, ss_part part, const ss_weights *w, const json_t *norms,
                              const char *file, double limit) {
    char name[SS_NAME], line[400];
    for (int64_t i = 0; i < w->count; i++) {
        const ss_stored *t = &w->at[i];
        if (strncmp(t->name, "grad.", 5) || !strcmp(t->name, "grad.token_embedding.rows")) continue;
        ss_rename_component(name, part, t->name + 5);
        const ss_param *q = ss_params_find(p, name);
        snprintf(line, sizeof line, "%s:%s", file, t->name);
        int64_t n;
        float *want = numbers(r, w, t->name, &n);
        if (!q || !q->grad)
            broken(r, line, "no gradient came out");
        else
            check(r, line, "rel_l2", relative(q->grad, want, n), limit);
        free(want);
    }
    const char *key;
    json_t *value;
    double worst = 0;
    char worst_name[SS_NAME] = "-";
    json_object_foreach((json_t *)norms, key, value) {
        if (!json_is_number(value)) continue;
        ss_rename_component(name, part, key);
        const ss_param *q = ss_params_find(p, name);
        if (!q || !q->grad) continue;
        int64_t n = 1;
        double sum = 0, want = json_number_value(value);
        for (int d = 0; d < q->rank; d++) n *= q->shape[d];
        for (int64_t j = 0; j < n; j++) sum += (double)q->grad[j] * q->grad[j];
        /* Key biases have no gradient but rounding. */
        bool rounding = strstr(name, "to_k.bias") || strstr(name, "k_proj.bias");
        double off = rounding || want == 0 ? 0 : fabs(sqrt(sum) - want) / want;
        if (!(off <= worst)) worst = off, snprintf(worst_name, sizeof worst_name, "%s", name);
    }
    snprintf(line, sizeof line, "%s:norms (worst: %s)", file, worst_name);
    check(r, line, "rel", worst, limit);
}

static void clear_gradients(ss_params *p, bool train) {
    for (int64_t i = 0; i < p->count; i++) {
        free(p->at[i].grad);
        p->at[i].grad = NULL;
        p->at[i].trained = train;
    }
}

/* One backward pass from y against a planar target; *loss gets the loss. */
static bool back(runner *r, ss_tensor *y, const float *planar, double *loss, const char *file) {
    if (!y) {
        broken(r, file, NULL);
        return false;
    }
    int64_t n = ss_count(y);
    float *dy = malloc((size_t)n * sizeof *dy);
    const float *target = planar;
    if (y->rank == 4) target = ss_tensor_from_planar(r->cx, planar, y->shape)->data;
    *loss = mean_square(y->data, target, dy, n);
    bool ok = ss_backward(r->cx, y, dy) == SS_OK;
    if (!ok) broken(r, file, NULL);
    free(dy);
    return ok;
}

static void check_input_gradient(runner *r, const ss_tensor *x, const ss_weights *w, const char *name, const char *file,
                                 double limit) {
    char line[300];
    int64_t n;
    float *want = numbers(r, w, name, &n), *got = malloc((size_t)ss_count(x) * sizeof *got);
    ss_tensor g = *x;
    g.data = x->grad;
    snprintf(line, sizeof line, "%s:%s", file, name);
    if (!x->grad)
        broken(r, line, "no gradient came out");
    else if (want) {
        ss_tensor_to_planar(got, &g);
        check(r, line, "rel_l2", relative(got, want, n), limit);
    }
    free(want);
    free(got);
}

static void check_loss(runner *r, const ss_weights *w, const char *name, double loss, const char *file) {
    char line[300];
    float *want = numbers(r, w, name, NULL);
    snprintf(line, sizeof line, "%s:%s", file, name);
    if (want) check(r, line, "rel", fabs(loss - *want) / fabs(*want), 1e-5);
    free(want);
}

static void grad_unet(runner *r, ss_model *m, const ss_weights *w, const json_t *info, const char *file) {
    const ss_stored *shape = stored(r, w, "x");
    float *x = numbers(r, w, "x", NULL), *t = numbers(r, w, "t", NULL), *text = numbers(r, w, "context", NULL);
    float *target = numbers(r, w, "target", NULL);
    if (shape && x && t && text && target) {
        double loss = 0;
        ss_tensor *in = ss_tensor_from_planar(r->cx, x, shape->shape);
        ss_tensor *c = ss_tensor_wrap(r->cx, text, 3, (int64_t[]){shape->shape[0], 77, m->unet_text_width});
        in->wants_grad = c->wants_grad = true;
        clear_gradients(&m->unet.params, true);
        if (back(r, ss_unet_run(r->cx, &m->unet, in, t, c, 0), target, &loss, file)) {
            check_loss(r, w, "loss", loss, file);
            check_input_gradient(r, in, w, "dx", file, 1e-4);
            check_input_gradient(r, c, w, "dcontext", file, 1e-4);
            compare_gradients(r, &m->unet.params, SS_PART_UNET, w, json_object_get(info, "l2"), file, 1e-4);
        }
        clear_gradients(&m->unet.params, false);
    }
    free(x);
    free(t);
    free(text);
    free(target);
}

static void grad_text(runner *r, ss_model *m, const ss_weights *w, const json_t *info, const char *file) {
    const ss_stored *ids = stored(r, w, "ids"), *rows = stored(r, w, "token_rows");
    float *target = numbers(r, w, "target", NULL), *want = numbers(r, w, "grad.token_embedding.rows", NULL);
    if (ids && rows && target && want) {
        int32_t *id = malloc(ids->bytes), *row = malloc(rows->bytes);
        memcpy(id, ids->data, ids->bytes);
        memcpy(row, rows->data, rows->bytes);
        double loss = 0;
        clear_gradients(&m->text.params, true);
        if (back(r, ss_clip_text_run(r->cx, &m->text, id, ids->shape[0], 0), target, &loss, file)) {
            check_loss(r, w, "loss", loss, file);
            compare_gradients(r, &m->text.params, SS_PART_TEXT, w, json_object_get(info, "l2"), file, 5e-5);
            const ss_param *table = ss_params_find(&m->text.params, "text_model.embeddings.token_embedding.weight");
            int64_t d = table->shape[1], n = rows->shape[0];
            float *got = malloc((size_t)(n * d) * sizeof *got);
            for (int64_t i = 0; i < n && table->grad; i++)
                memcpy(got + i * d, table->grad + row[i] * d, (size_t)d * sizeof *got);
            char line[300];
            snprintf(line, sizeof line, "%s:token_embedding.rows", file);
            if (table->grad)
                check(r, line, "rel_l2", relative(got, want, n * d), 5e-5);
            else
                broken(r, line, "no gradient came out");
            free(got);
        }
        clear_gradients(&m->text.params, false);
        free(id);
        free(row);
    }
    free(target);
    free(want);
}

static void grad_vae(runner *r, ss_model *m, const ss_weights *w, const json_t *info, const char *file) {
    const ss_stored *shape = stored(r, w, "x"), *zs = stored(r, w, "decode.z");
    float *x = numbers(r, w, "x", NULL), *z = numbers(r, w, "decode.z", NULL);
    float *mean_target = numbers(r, w, "encode.target", NULL), *picture = numbers(r, w, "decode.target", NULL);
    if (shape && zs && x && z && mean_target && picture) {
        double loss = 0;
        clear_gradients(&m->vae.params, true);
        ss_tensor *in = ss_tensor_from_planar(r->cx, x, shape->shape);
        in->wants_grad = true;
        ss_tensor *moments = ss_vae_encode(r->cx, &m->vae, in);
        if (!moments)
            broken(r, file, NULL);
        else { /* mean square of mean - target, plus the mean square of logvar */
            int64_t places = moments->shape[2] * moments->shape[3], n = moments->shape[0] * 4 * places;
            float *dy = calloc((size_t)(2 * n), sizeof *dy);
            ss_tensor *target = ss_tensor_from_planar(
                r->cx, mean_target, (int64_t[]){moments->shape[0], 4, moments->shape[2], moments->shape[3]});
            for (int64_t p = 0; p < moments->shape[0] * places; p++)
                for (int c = 0; c < 8; c++) {
                    double d = (double)moments->data[p * 8 + c] - (c < 4 ? target->data[p * 4 + c] : 0);
                    loss += d * d / (double)n;
                    dy[p * 8 + c] = (float)(2 * d / (double)n);
                }
            check_loss(r, w, "encode.loss", loss, file);
            if (ss_backward(r->cx, moments, dy))
                broken(r, file, NULL);
            else
                check_input_gradient(r, in, w, "encode.dx", file, 1e-4);
            free(dy);
            ss_tape_clear(r->cx->tape);
        }
        ss_tensor *from = ss_tensor_from_planar(r->cx, z, zs->shape);
        from->wants_grad = true;
        if (back(r, ss_vae_decode(r->cx, &m->vae, from), picture, &loss, file)) {
            check_loss(r, w, "decode.loss", loss, file);
            check_input_gradient(r, from, w, "decode.dz", file, 1e-4);
        }
        json_t *norms = json_object_get(info, "l2");
        compare_gradients(r, &m->vae.params, SS_PART_VAE, w, norms, file, 1e-4);
        clear_gradients(&m->vae.params, false);
    }
    free(x);
    free(z);
    free(mean_target);
    free(picture);
}

static void run_gradients(runner *r, ss_model *m, const ss_weights *w, const char *folder, const char *file) {
    char stem[64];
    snprintf(stem, sizeof stem, "%.*s", (int)(strrchr(file, '.') - file), file);
    json_t *info = open_json(r, under(r, "%s/act/%s-norms.json", folder, stem));
    ss_mark start = ss_arena_mark(r->cx->arena);
    r->cx->tape = ss_tape_new(r->cx);
    if (!strncmp(file, "unet", 4))
        grad_unet(r, m, w, info, file);
    else if (!strncmp(file, "text", 4))
        grad_text(r, m, w, info, file);
    else
        grad_vae(r, m, w, info, file);
    ss_tape_free(r->cx->tape);
    r->cx->tape = NULL;
    ss_arena_rewind(r->cx->arena, start);
    json_decref(info);
}

/* ---- single files: the same parameters as the folder's */

static int64_t compare_params(const ss_params *a, const ss_params *b) {
    int64_t different = llabs((long long)(a->count - b->count));
    for (int64_t i = 0; i < b->count; i++) {
        const ss_param *q = ss_params_find(a, b->at[i].name), *p = &b->at[i];
        int64_t n = 1, m = 1;
        for (int d = 0; d < p->rank; d++) n *= p->shape[d];
        for (int d = 0; q && d < q->rank; d++) m *= q->shape[d];
        if (!q || n != m || q->dtype != p->dtype || memcmp(q->stored, p->stored, (size_t)n * ss_dtype_size(p->dtype)))
            different++;
    }
    return different;
}

/* A lone OpenCLIP text encoder, with the last layer that is not used. */
static void run_open_clip(runner *r, ss_model *m, const char *path, const char *file) {
    ss_weights *w = open_tensors(r, path);
    ss_params p = {.part = "text_encoder"};
    char name[SS_NAME];
    int64_t different = 0, found = 0;
    for (int64_t i = 0; w && i < w->count; i++) {
        const ss_stored *t = &w->at[i];
        ss_part part = ss_rename_single(name, t->name);
        if (part == SS_PART_IGNORED) continue;
        if (part != SS_PART_TEXT) {
            different++;
            continue;
        }
        static const char *const thirds[] = {"q_proj", "k_proj", "v_proj"};
        char *fused = strstr(name, "in_proj");
        for (int k = 0; k < (fused ? 3 : 1); k++) {
            char one[SS_NAME + 16];
            snprintf(one, sizeof one, "%s", name);
            if (fused) snprintf(one, sizeof one, "%.*s%s%s", (int)(fused - name), name, thirds[k], fused + 7);
            const ss_param *q = ss_params_find(&m->text.params, one);
            size_t bytes = t->bytes / (fused ? 3 : 1);
            if (!q) continue; /* the last layer */
            found++;
            if (memcmp(q->stored, (const char *)t->data + (size_t)k * bytes, bytes)) different++;
        }
    }
    check(r, file, "different tensors", (double)(different + llabs((long long)(m->text.params.count - found))), 0);
    ss_params_clear(&p);
    ss_weights_close(w);
}

static void run_single(runner *r, ss_model *m, const char *folder, const char *file) {
    const char *path = under(r, "%s/single/%s", folder, file), *config = under(r, "%s", folder);
    char name[300];
    snprintf(name, sizeof name, "single/%s", file);
    if (!strncmp(file, "text-", 5)) {
        run_open_clip(r, m, path, name);
        return;
    }
    ss_model *other = NULL;
    if (ss_model_open(&other, r->cx, path, &(ss_model_options){.config = config})) {
        broken(r, name, NULL);
        return;
    }
    int64_t different = compare_params(&other->unet.params, &m->unet.params) +
                        compare_params(&other->vae.params, &m->vae.params) +
                        compare_params(&other->text.params, &m->text.params);
    check(r, name, "different tensors", (double)different, 0);
    ss_model_free(other);
}

/* ---- */

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static int list(const char *path, char **name, int most) {
    int count = 0;
    DIR *d = opendir(path);
    for (struct dirent *e; d && count < most && (e = readdir(d));)
        if (e->d_name[0] != '.') name[count++] = strdup(e->d_name);
    if (d) closedir(d);
    qsort(name, (size_t)count, sizeof *name, by_name);
    return count;
}

static bool ends(const char *s, const char *end) {
    size_t n = strlen(s), m = strlen(end);
    return n >= m && !strcmp(s + n - m, end);
}

static void run_act(runner *r, ss_model *m, const char *folder, const char *file, const json_t *unet_info) {
    if (!ends(file, ".safetensors")) return; /* descriptions and pictures of the others */
    ss_weights *w = open_tensors(r, under(r, "%s/act/%s", folder, file));
    if (!w) return;
    if (ends(file, "-grad.safetensors")) {
        run_gradients(r, m, w, folder, file);
    } else if (!strcmp(file, "text.safetensors")) {
        run_text(r, m, w, file);
        run_text_stages(r, m, w, file);
    } else if (!strcmp(file, "sampling.safetensors")) {
        json_t *runs = open_json(r, under(r, "%s/act/sampling.json", folder));
        run_sampling_file(r, m, w, runs, file);
        json_decref(runs);
    } else if (!strncmp(file, "unet-", 5)) {
        const json_t *pass = json_object_get(json_object_get(unet_info, "passes"), file);
        run_unet(r, m, w, file, json_object_get(pass, "order"));
    } else if (!strncmp(file, "vae-", 4)) {
        run_vae(r, m, w, file);
    } else {
        broken(r, file, "a kind of activations that this runner does not know");
    }
    ss_weights_close(w);
}

void run_model(runner *r, const char *folder) {
    char *name[512];
    ss_model *m = NULL;
    if (ss_model_open(&m, r->cx, under(r, "%s", folder), NULL)) {
        broken(r, "open", NULL);
        return;
    }
    json_t *unet_info = NULL;
    if (is_there(under(r, "%s/act/unet.json", folder))) unet_info = open_json(r, under(r, "%s/act/unet.json", folder));
    int count = list(under(r, "%s/act", folder), name, 512);
    for (int i = 0; i < count; i++) {
        run_act(r, m, folder, name[i], unet_info);
        free(name[i]);
    }
    count = list(under(r, "%s/single", folder), name, 512);
    for (int i = 0; i < count; i++) {
        if (ends(name[i], ".safetensors") || ends(name[i], ".ckpt")) run_single(r, m, folder, name[i]);
        free(name[i]);
    }
    json_decref(unet_info);
    ss_model_free(m);
}
