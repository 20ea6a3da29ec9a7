/* custom-diffusion/train: every case's micro-steps with the rows that the original drew, against its losses, gradients
 * and weights. */
#include "runner/runner.h"

#include "diffuse/latent.h"
#include "model/alter.h"
#include "train/custom_diffusion.h"

#include <dirent.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct pool {
    const ss_weights *file;
    float *latents, *noises, *masks; /* one behind the other */
    int64_t latent_count, noise_count, mask_count, h, w;
} pool;

typedef struct training {
    runner *r;
    const char *name; /* the case's */
    const pool *pool;
    const json_t *info;
    const ss_weights *expected;
    const ss_weights *last; /* the program's own file with the weights after the last step, or NULL */
    ss_model *m;
    ss_trainer trainer;
    double worst_loss, worst_norm; /* of losses: those before the first step of the optimizer */
    double worst_later;
    int64_t undecided; /* numbers whose first step is a matter of rounding */
    char line[300];
} training;

static const char *line(training *t, const char *what) {
    snprintf(t->line, sizeof t->line, "train/%s:%s", t->name, what);
    return t->line;
}

static const char *text_of(const json_t *info, const char *key) {
    const char *s = json_string_value(json_object_get(info, key));
    return s ? s : "";
}

static double number_of(const json_t *info, const char *key) { return json_number_value(json_object_get(info, key)); }

/* ---- tokens: the case says their ids and whose rows they begin with */

static bool add_tokens(training *t) {
    const json_t *tokens = json_object_get(t->info, "modifier_tokens");
    int64_t d = ss_model_token_width(t->m), first;
    float *row = malloc((size_t)d * sizeof *row);
    bool good = true;
    for (size_t i = 0; i < json_array_size(tokens) && good; i++) {
        const json_t *from = json_array_get(json_object_get(t->info, "initialiser_ids"), i);
        ss_model_token_row(row, t->m, (int32_t)json_integer_value(from));
        good = !ss_model_add_token(&first, t->r->cx, t->m, json_string_value(json_array_get(tokens, i)), 1, d, row);
    }
    free(row);
    return good;
}

/* ---- one batch: rows of [latent, mask, caption, noise, timestep] */

enum { MOST_ROWS = 64 };

static bool fill_row(training *t, const json_t *row, int64_t i, float *x, float *noise, ss_loss_row *loss,
                     ss_weighed_row *what, int32_t ids[77]) {
    const pool *p = t->pool;
    int64_t of[5], one = 4 * p->h * p->w;
    for (int k = 0; k < 5; k++) of[k] = json_integer_value(json_array_get(row, (size_t)k));
    const json_t *caption = json_array_get(json_object_get(t->info, "captions"), (size_t)of[2]);
    const json_t *tokens = json_object_get(caption, "ids");
    if (of[0] < 0 || of[0] >= p->latent_count || of[1] < 0 || of[1] >= p->mask_count || of[3] < 0 ||
        of[3] >= p->noise_count || of[4] < 0 || of[4] >= SS_TRAIN_STEPS || !json_array_size(tokens) ||
        json_array_size(tokens) > 77)
        return false;
    memcpy(x + i * one, p->latents + of[0] * one, (size_t)one * sizeof *x);
    memcpy(noise + i * one, p->noises + of[3] * one, (size_t)one * sizeof *x);
    loss[i] = (ss_loss_row){.t = (int)of[4], .mask = p->masks + of[1] * p->h * p->w};
    for (size_t k = 0; k < 77; k++)
        ids[k] = (int32_t)(k < json_array_size(tokens) ? json_integer_value(json_array_get(tokens, k))
                                                       : json_integer_value(json_object_get(t->info, "pad_id")));
    /* Recipe B's second half are pictures of the class. Recipe A does not tell them apart. */
    what[i] = (ss_weighed_row){0};
    return true;
}

/* The batches of a micro-step become one: A's losses are averaged batch by batch and added, B has one batch. */
static bool micro_step(training *t, const json_t *batches, double share, double *loss) {
    const pool *p = t->pool;
    bool b = !strcmp(text_of(t->info, "recipe"), "B");
    bool reg = json_is_true(json_object_get(t->info, "with_regularisation"));
    float *x = malloc((size_t)(2 * MOST_ROWS * 4 * p->h * p->w) * sizeof *x), *noise = x + MOST_ROWS * 4 * p->h * p->w;
    ss_loss_row rows[MOST_ROWS];
    ss_weighed_row what[MOST_ROWS];
    int32_t ids[MOST_ROWS][77];
    int64_t n = 0;
    bool good = true;
    for (size_t k = 0; k < json_array_size(batches); k++) {
        const json_t *batch = json_array_get(batches, k);
        for (size_t i = 0; i < json_array_size(batch) && n < MOST_ROWS && good; i++, n++) {
            good = fill_row(t, json_array_get(batch, i), n, x, noise, rows, what, ids[n]);
            what[n].group = (int)k;
            what[n].prior = b && reg && i >= json_array_size(batch) / 2;
        }
    }
    if (!good || !n) broken(t->r, line(t, "micro_steps"), "a row points to nothing");
    good = good && n;
    if (good) {
        ss_loss_weigh(rows, what, n, b ? SS_RECIPE_DIFFUSERS : SS_RECIPE_COMPVIS,
                      number_of(t->info, "prior_loss_weight"), 4);
        ss_batch batch = {
            .n = n, .h = p->h, .w = p->w, .x = x, .noise = noise, .rows = rows, .ids = (const int32_t(*)[77])ids};
        good = !ss_trainer_micro_step(&t->trainer, t->r->cx, &batch, share, loss);
        if (!good) broken(t->r, line(t, "step"), NULL);
    }
    free(x);
    return good;
}

/* ---- comparing */

/* The parameter that an expected name means; *row is the token's, -1 for a whole tensor. */
static const ss_training_tensor *find(const training *t, const char *name, int64_t *row) {
    char full[SS_NAME], renamed[SS_NAME];
    *row = -1;
    if (!strncmp(name, "modifier_token.", 15)) {
        const json_t *tokens = json_object_get(t->info, "modifier_tokens");
        for (size_t i = 0; i < json_array_size(tokens); i++)
            if (!strcmp(json_string_value(json_array_get(tokens, i)), name + 15)) *row = (int64_t)i;
        if (*row < 0) return NULL;
        snprintf(renamed, sizeof renamed, "%s", SS_ADDED_TOKENS);
    } else {
        snprintf(full, sizeof full, "model.diffusion_model.%s", name);
        if (ss_rename_single(renamed, full) != SS_PART_UNET) snprintf(renamed, sizeof renamed, "%s", name);
    }
    for (int i = 0; i < t->trainer.count; i++)
        if (!strcmp(t->trainer.at[i].param->name, renamed)) return &t->trainer.at[i];
    return NULL;
}

typedef struct sums {
    double worst, difference, size;
    char worst_name[200];
    int tensors;
    int64_t left_out; /* numbers */
} sums;

/* AdamW's first step is the gradient's sign. Numbers whose stored gradient g lies within the gradients' own limit of
 * zero, as the tensor goes, may step either way and are left out; g is NULL for those who compare gradients. */
static void compare(sums *s, const char *name, const float *a, const float *b, const float *g, int64_t n) {
    double difference = 0, size = 0, square = 0;
    for (int64_t i = 0; i < n && g; i++) square += (double)g[i] * g[i] / (double)n;
    double least = 2e-4 * sqrt(square);
    for (int64_t i = 0; i < n; i++) {
        double d = (double)a[i] - b[i];
        if (g && fabs(g[i]) < least) {
            s->left_out++;
            continue;
        }
        difference += d * d;
        size += (double)b[i] * b[i];
    }
    double off = size > 0 ? sqrt(difference / size) : sqrt(difference);
    if (!(off <= s->worst)) s->worst = off, snprintf(s->worst_name, sizeof s->worst_name, "%s", name);
    s->difference += difference;
    s->size += size;
    s->tensors++;
}

/* How far apart stored values lie: "every 61th value" in the case's words. */
static int64_t stride_of(const training *t) {
    const char *every = strstr(text_of(t->info, "stored"), "every ");
    return every ? strtoll(every + 6, NULL, 10) : 1;
}

/* Every `every`-th number, or all of them, as many as are stored; NULL if neither is that many. */
static float *thinned(const float *x, int64_t count, int64_t stored, int64_t every) {
    if (stored != count && stored != (count + every - 1) / every) return NULL;
    float *y = malloc((size_t)stored * sizeof *y);
    for (int64_t i = 0; i < stored; i++) y[i] = x[stored == count ? i : i * every];
    return y;
}

static void compare_stored(training *t, sums *s, const char *name, const ss_stored *b, bool gradients) {
    int64_t row, n = 1, full = 0;
    char first[256];
    const ss_training_tensor *a = find(t, name, &row);
    if (!a) {
        broken(t->r, line(t, name), "this parameter does not train here");
        return;
    }
    for (int d = 0; d < b->rank; d++) n *= b->shape[d];
    int64_t d = a->param->rank > 1 ? a->param->shape[1] : a->count, count = row < 0 ? a->count : d;
    const float *ours = (gradients ? a->param->grad : a->param->data) + (row < 0 ? 0 : row * d);
    float *theirs = malloc((size_t)n * sizeof *theirs), *same = thinned(ours, count, n, stride_of(t)), *g = NULL;
    ss_to_f32(theirs, b->data, b->dtype, (size_t)n);
    snprintf(first, sizeof first, "grad1/%s", name);
    const ss_stored *gradient = gradients ? NULL : ss_weights_find(t->expected, first);
    if (gradient) {
        float *whole = numbers(t->r, t->expected, first, &full);
        g = full == n ? whole : thinned(whole, full, n, stride_of(t));
        if (g != whole) free(whole);
    }
    if (same)
        compare(s, name, same, theirs, g, n);
    else
        broken(t->r, line(t, name), "the stored tensor has another size than ours");
    free(g);
    free(same);
    free(theirs);
}

static void tell(training *t, const sums *s, const char *what, double one, double all) {
    char text[260];
    if (!s->tensors) {
        broken(t->r, line(t, what), "nothing to compare with");
        return;
    }
    snprintf(text, sizeof text, "%s (worst: %s)", what, s->worst_name);
    check(t->r, line(t, text), "rel_l2", s->worst, one);
    snprintf(text, sizeof text, "%s, all %d together (%lld left out)", what, s->tensors, (long long)s->left_out);
    check(t->r, line(t, text), "rel_l2", sqrt(s->difference / s->size), all);
}

static void compare_all(training *t, const char *what, bool gradients) {
    char prefix[32];
    size_t length = (size_t)snprintf(prefix, sizeof prefix, "%s/", what);
    sums s = {0};
    for (int64_t i = 0; i < t->expected->count; i++) {
        const char *name = t->expected->at[i].name;
        /* A row of the vocabulary that only decays in the originals; ours are frozen. */
        if (strncmp(name, prefix, length) || strstr(name, "quirk.")) continue;
        compare_stored(t, &s, name + length, &t->expected->at[i], gradients);
    }
    tell(t, &s, what, 2e-4, gradients ? 1e-4 : 5e-5);
}

/* The program's own file: its names, whole tensors. */
static void compare_delta(training *t) {
    sums s = {0};
    for (int64_t i = 0; t->last && i < t->last->count; i++) {
        const char *name = t->last->at[i].name;
        if (!strncmp(name, "state_dict.", 11)) name += 11;
        if (!strncmp(name, "unet.", 5)) name += 5;
        if (!strncmp(name, "model.diffusion_model.", 22)) name += 22;
        if (strstr(name, "embed")) continue; /* rows of all tokens in one: they are compared by name elsewhere */
        compare_stored(t, &s, name, &t->last->at[i], false);
    }
    if (t->last) tell(t, &s, "delta after the last step", 2e-4, 5e-5);
}

/* ---- a case */

/* The originals hand the whole token embedding to AdamW, so that rows without a gradient still decay. Ours stand still;
 * here they have to follow, or captions drift apart step by step. */
static void decay_vocabulary(training *t, double rate) {
    if (!json_array_size(json_object_get(t->info, "modifier_tokens"))) return;
    ss_param *table = ss_params_find(&t->m->text.params, "text_model.embeddings.token_embedding.weight");
    float kept = (float)(1 - rate * t->trainer.adamw.decay);
    if (!ss_param_f32(t->r->cx, table)) return;
    for (int64_t i = 0; i < table->shape[0] * table->shape[1]; i++) table->data[i] *= kept;
    ss_trainer_forget_texts(&t->trainer);
}

static int64_t count_undecided(const ss_trainer *t) {
    int64_t n = 0;
    for (int i = 0; i < t->count; i++) {
        const float *g = t->at[i].param->grad;
        double least = 2e-5 * sqrt(ss_square_sum(g, t->at[i].count) / (double)t->at[i].count);
        for (int64_t k = 0; k < t->at[i].count; k++) n += fabs(g[k]) < least;
    }
    return n;
}

static void one_step(training *t, int64_t step, int64_t accumulation) {
    const json_t *micro = json_object_get(t->info, "micro_steps"), *losses = json_object_get(t->info, "loss");
    for (int64_t i = step * accumulation; i < (step + 1) * accumulation; i++) {
        double loss = 0, want = json_number_value(json_array_get(losses, (size_t)i));
        if (!micro_step(t, json_array_get(micro, (size_t)i), 1.0 / (double)accumulation, &loss)) return;
        double off = fabs(loss - want) / fabs(want);
        double *worst = step ? &t->worst_later : &t->worst_loss;
        if (!(off <= *worst)) *worst = off;
    }
    /* As the original has it, the last of several tokens never gets a gradient. */
    const ss_training_tensor *last = &t->trainer.at[t->trainer.count - 1];
    if (json_is_false(json_object_get(t->info, "all_tokens_train")))
        memset(last->param->grad + last->count - last->param->shape[1], 0,
               (size_t)last->param->shape[1] * sizeof(float));
    const json_t *norms = json_object_get(t->info, "grad_norm_before_clipping");
    if (json_is_array(norms)) {
        double want = json_number_value(json_array_get(norms, (size_t)step));
        double off = fabs(ss_trainer_norm(&t->trainer) - want) / want;
        if (!(off <= t->worst_norm)) t->worst_norm = off;
    }
    if (step == 0) t->undecided = count_undecided(&t->trainer);
    if (step == 0) compare_all(t, "grad1", true);
    double rate = number_of(t->info, "learning_rate");
    if (ss_trainer_update(&t->trainer, t->r->cx, rate)) broken(t->r, line(t, "update"), NULL);
    decay_vocabulary(t, rate);
    if (step == 0) compare_all(t, "after1", false);
}

static void configure(training *t) {
    const json_t *adamw = json_object_get(t->info, "adamw"), *betas = json_object_get(adamw, "betas");
    t->trainer.adamw = (ss_adamw){.beta1 = json_number_value(json_array_get(betas, 0)),
                                  .beta2 = json_number_value(json_array_get(betas, 1)),
                                  .eps = number_of(adamw, "eps"),
                                  .decay = number_of(adamw, "weight_decay")};
    t->trainer.longest_gradient = number_of(t->info, "max_grad_norm"); /* null: 0, none */
}

static void train(training *t, bool recompute) {
    int64_t steps = (int64_t)number_of(t->info, "steps"),
            accumulation = (int64_t)number_of(t->info, "gradient_accumulation");
    ss_trained what = SS_TRAIN_KV;
    char after[32], later[80];
    if (ss_trained_find(&what, t->r->cx, text_of(t->info, "freeze_model")) ||
        ss_trainer_open(&t->trainer, t->r->cx, t->m, what, recompute)) {
        broken(t->r, line(t, "open"), NULL);
        return;
    }
    configure(t);
    for (int64_t i = 0; i < steps && !t->r->cx->status; i++) one_step(t, i, accumulation);
    snprintf(after, sizeof after, "after%lld", (long long)steps);
    check(t->r, line(t, "loss of the first step"), "rel", t->worst_loss, 1e-5);
    /* Where a weight may have stepped the other way, a loss is known no better than the weights are. */
    snprintf(later, sizeof later, "loss of later steps, the worst (%lld weights undecided)", (long long)t->undecided);
    check(t->r, line(t, later), "rel", t->worst_later, t->undecided ? 5e-5 : 1e-5);
    if (json_is_array(json_object_get(t->info, "grad_norm_before_clipping")))
        check(t->r, line(t, "norm before clipping, the worst step"), "rel", t->worst_norm, 2e-4);
    bool thinned = false;
    for (int64_t i = 0; i < t->expected->count; i++)
        thinned = thinned || !strncmp(t->expected->at[i].name, after, strlen(after));
    if (thinned) compare_all(t, after, false);
    compare_delta(t);
}

static void run_case(runner *r, const char *folder, const char *name, const pool *p) {
    training t = {.r = r, .name = name, .pool = p};
    json_t *info = open_json(r, under(r, "%s/train/%s/case.json", folder, name));
    ss_weights *expected = open_tensors(r, under(r, "%s/train/%s/expected.safetensors", folder, name)), *last = NULL;
    static const char *const files[] = {"delta.bin", "delta.ckpt"};
    for (int i = 0; i < SS_COUNT_OF(files); i++)
        if (is_there(under(r, "%s/train/%s/%s", folder, name, files[i])))
            last = open_tensors(r, under(r, "%s/train/%s/%s", folder, name, files[i]));
    t.info = info, t.expected = expected, t.last = last;
    if (info && expected && ss_model_open(&t.m, r->cx, under(r, "%s/base", folder), NULL))
        broken(r, line(&t, "base"), NULL);
    else if (info && expected && !add_tokens(&t))
        broken(r, line(&t, "tokens"), NULL);
    else if (t.m)
        train(&t, false);
    ss_trainer_close(&t.trainer);
    ss_model_free(t.m);
    ss_weights_close(last);
    ss_weights_close(expected);
    json_decref(info);
}

/* ---- the pool */

/* The pictures whose latents are in the pool, through the autoencoder. */
static void check_posterior(runner *r, const char *folder, const ss_weights *w) {
    const ss_stored *pictures = ss_weights_find(w, "posterior/pictures");
    if (!pictures) return;
    ss_model *m = NULL;
    if (ss_model_open(&m, r->cx, under(r, "%s/base", folder), NULL)) {
        broken(r, "train/pool", NULL);
        return;
    }
    int64_t height = pictures->shape[1], width = pictures->shape[2], n = height * width * 3,
            one = height / 8 * (width / 8) * 4;
    float *mean = numbers(r, w, "posterior/mean", NULL), *logvar = numbers(r, w, "posterior/logvar", NULL);
    float *ours = malloc((size_t)(2 * pictures->shape[0] * one) * sizeof *ours), *std = ours + pictures->shape[0] * one;
    for (int64_t i = 0; i < pictures->shape[0] && mean && logvar; i++) {
        ss_image im = {(int)width, (int)height, (uint8_t *)pictures->data + i * n};
        if (ss_encode_image(r->cx, m, &im, ours + i * one, std + i * one)) broken(r, "train/pool", NULL);
    }
    for (int64_t i = 0; i < pictures->shape[0] * one && logvar; i++) logvar[i] = expf(logvar[i] / 2);
    if (mean) check(r, "train/pool:posterior/mean", "rel_l2", relative(ours, mean, pictures->shape[0] * one), 1e-4);
    if (logvar) check(r, "train/pool:posterior/std", "rel_l2", relative(std, logvar, pictures->shape[0] * one), 1e-4);
    free(ours);
    free(mean);
    free(logvar);
    ss_model_free(m);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

void run_train(runner *r, const char *folder) {
    ss_weights *w = open_tensors(r, under(r, "%s/train/pool.safetensors", folder));
    const ss_stored *latents = w ? stored(r, w, "latents") : NULL, *noises = w ? stored(r, w, "noises") : NULL;
    const ss_stored *masks = w ? stored(r, w, "masks") : NULL;
    char *name[256];
    int count = 0;
    if (latents && noises && masks) {
        pool p = {.file = w,
                  .latents = numbers(r, w, "latents", NULL),
                  .noises = numbers(r, w, "noises", NULL),
                  .masks = malloc(masks->bytes * sizeof(float)),
                  .latent_count = latents->shape[0],
                  .noise_count = noises->shape[0],
                  .mask_count = masks->shape[0],
                  .h = latents->shape[2],
                  .w = latents->shape[3]};
        for (size_t i = 0; i < masks->bytes; i++) p.masks[i] = ((const uint8_t *)masks->data)[i];
        check_posterior(r, folder, w);
        DIR *d = opendir(under(r, "%s/train", folder));
        for (struct dirent *e; d && count < SS_COUNT_OF(name) && (e = readdir(d));)
            if (e->d_name[0] != '.' && is_there(under(r, "%s/train/%s/case.json", folder, e->d_name)))
                name[count++] = strdup(e->d_name);
        if (d) closedir(d);
        qsort(name, (size_t)count, sizeof *name, by_name);
        for (int i = 0; i < count; i++) {
            run_case(r, folder, name[i], &p);
            free(name[i]);
        }
        free(p.latents);
        free(p.noises);
        free(p.masks);
    }
    ss_weights_close(w);
}
