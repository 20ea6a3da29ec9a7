/* Photos to a subject: the request becomes a data set, new tokens, a trainer and a loop. */
#include "api/request.h"
#include "subject/subject.h"
#include "train/loop.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* A request with its zeros filled in. */
typedef struct plan {
    const ss_train_request *r;
    ss_recipe recipe;
    ss_trained trained;
    ss_rate rate;
    int batch, accumulation, size;
    double clip, prior, flip;
    char **owned; /* texts made here */
    int owned_count;
    ss_concept *concept;
    const char **token; /* of each concept, NULL for one without */
    char base[65];      /* the model's fingerprint */
    json_t *settings;
    ss_dataset *data;
    ss_trainer trainer;
} plan;

enum { MOST_STEPS = 1000000, MOST_BATCH = 64, MOST_CONCEPTS = 16 };

/* ---- texts */

static const char *keep(plan *p, char *text) {
    if (text) p->owned[p->owned_count++] = text;
    return text;
}

/* Tokens, prompts and class prompts that nobody gave. */
static ss_status fill_concept(plan *p, ss_ctx *cx, int i) {
    const ss_train_concept *c = &p->r->concepts[i];
    const char *token = c->token;
    if (!token) token = keep(p, ss_format(cx, "<new%d>", i + 1));
    if (cx->status) return cx->status;
    if (!c->photos) return ss_fail(cx, SS_ERR_ARG, "concept %d has no photos: name a folder of them", i + 1);
    if (!c->prompt && !c->class_word)
        return ss_fail(cx, SS_ERR_ARG, "concept %d needs a class (\"dog\") or a prompt for its photos", i + 1);
    if (c->class_photos && !c->class_prompt && !c->class_word)
        return ss_fail(cx, SS_ERR_ARG, "concept %d has pictures of its class, but nothing says what they show", i + 1);
    p->token[i] = *token ? token : NULL;
    const char *prompt = c->prompt;
    if (!prompt) prompt = keep(p, ss_format(cx, "photo of a %s%s%s", token, *token ? " " : "", c->class_word));
    p->concept[i] = (ss_concept){.photos = c->photos,
                                 .masks = c->masks,
                                 .prompt = prompt,
                                 .class_photos = c->class_photos,
                                 .class_prompt = c->class_prompt ? c->class_prompt : c->class_word};
    return cx->status;
}

/* ---- numbers */

static bool with_prior(const plan *p) {
    for (int i = 0; i < p->r->concept_count; i++)
        if (p->concept[i].class_photos) return true;
    return false;
}

/* The published programs multiply 1e-5 with what a step sees. */
static double scaled_rate(const plan *p) {
    double pictures = (double)p->batch * p->accumulation;
    bool pairs = p->recipe != SS_RECIPE_COMPVIS && with_prior(p);
    return 1e-5 * pictures * (pairs ? 2 : 1);
}

static ss_status in_range(ss_ctx *cx, const char *what, double value, double least, double most) {
    if (value >= least && value <= most) return SS_OK;
    return ss_fail(cx, SS_ERR_ARG, "%s is %g; it goes from %g to %g", what, value, least, most);
}

static ss_status fill_numbers(plan *p, ss_ctx *cx, const ss_model *m) {
    const ss_train_request *r = p->r;
    p->batch = r->batch ? r->batch : 1;
    p->accumulation = r->accumulation ? r->accumulation : 1;
    p->size = r->size ? r->size : m->size;
    p->clip = r->clip != 0 ? fmax(r->clip, 0) : p->recipe == SS_RECIPE_COMPVIS ? 0 : 1;
    p->prior = r->prior != 0 ? r->prior : 1;
    p->flip = r->flip != 0 ? fmax(r->flip, 0) : p->recipe == SS_RECIPE_DIFFUSERS ? 0 : 0.5;
    p->rate.steps = r->steps ? r->steps : 250;
    p->rate.warmup = r->warmup;
    p->rate.rate = r->rate != 0 ? r->rate : scaled_rate(p);
    ss_status st = ss_rate_find(&p->rate.kind, cx, r->schedule);
    if (!st) st = in_range(cx, "the number of steps", (double)p->rate.steps, 1, MOST_STEPS);
    if (!st) st = in_range(cx, "the warm-up", r->warmup, 0, (double)p->rate.steps);
    if (!st) st = in_range(cx, "the learning rate", p->rate.rate, 1e-12, 1);
    if (!st) st = in_range(cx, "the batch", p->batch, 1, MOST_BATCH);
    if (!st) st = in_range(cx, "the accumulation", p->accumulation, 1, 1024);
    if (!st) st = in_range(cx, "the weight of class pictures", p->prior, 0, 1000);
    if (!st) st = in_range(cx, "the share of mirrored pictures", p->flip, 0, 1);
    if (!st) st = in_range(cx, "the number of class pictures", r->class_most, 0, MOST_STEPS);
    if (!st) st = in_range(cx, "steps between states", r->save_every, 0, MOST_STEPS);
    if (!st) st = in_range(cx, "steps between samples", r->sample_every, 0, MOST_STEPS);
    if (!st) st = in_range(cx, "the size", p->size, 64, 2048);
    if (!st && p->size % 8)
        st = ss_fail(cx, SS_ERR_ARG, "a size of %d pixels: training pictures have sides of a multiple of 8", p->size);
    if (!st && r->resume && !r->state)
        st = ss_fail(cx, SS_ERR_ARG, "to go on, a training needs the state that it was left in");
    return st;
}

static ss_status describe(plan *p, ss_ctx *cx) {
    const ss_train_request *r = p->r;
    json_t *o =
        json_pack("{s:s, s:s, s:s, s:I, s:f, s:s, s:I, s:i, s:i, s:i, s:f, s:f, s:f, s:b, s:I, s:s, s:s, s:i}", "base",
                  p->base, "recipe", ss_recipe_name(p->recipe), "parameters", ss_trained_name(p->trained), "steps",
                  (json_int_t)p->rate.steps, "rate", p->rate.rate, "schedule", ss_rate_name(p->rate.kind), "warmup",
                  (json_int_t)p->rate.warmup, "batch", p->batch, "accumulation", p->accumulation, "size", p->size,
                  "clip", p->clip, "prior", p->prior, "flip", p->flip, "still", r->still, "seed", (json_int_t)r->seed,
                  "numbers", ss_ctx_numbers(cx), "version", SS_VERSION, "threads", cx->threads);
    json_t *list = json_array();
    for (int i = 0; i < r->concept_count && list; i++) {
        const ss_train_concept *c = &r->concepts[i];
        json_array_append_new(list, json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*}", "token", p->token[i], "class",
                                              c->class_word, "initializer", c->initializer, "prompt",
                                              p->concept[i].prompt, "class_prompt", p->concept[i].class_prompt));
    }
    p->settings = o;
    if (!o || !list || json_object_set_new(o, "concepts", list))
        return ss_fail(cx, SS_ERR_NOMEM, "out of memory for the settings of a training");
    return SS_OK;
}

static ss_status open_plan(plan *p, ss_ctx *cx, const ss_model *m) {
    const ss_train_request *r = p->r;
    if (r->concept_count < 1 || r->concept_count > MOST_CONCEPTS)
        return ss_fail(cx, SS_ERR_ARG, "%d concepts: a training takes 1 to %d", r->concept_count, MOST_CONCEPTS);
    size_t n = (size_t)r->concept_count;
    p->owned = ss_alloc(cx, 2 * n, sizeof *p->owned);
    p->concept = ss_alloc(cx, n, sizeof *p->concept);
    p->token = ss_alloc(cx, n, sizeof *p->token);
    ss_status st = cx->status;
    if (!st) st = ss_recipe_find(&p->recipe, cx, r->recipe);
    if (!st) st = ss_trained_find(&p->trained, cx, r->parameters);
    for (int i = 0; i < r->concept_count && !st; i++) st = fill_concept(p, cx, i);
    if (!st) st = fill_numbers(p, cx, m);
    if (!st) st = ss_model_fingerprint(p->base, cx, m);
    return st ? st : describe(p, cx);
}

static void close_plan(plan *p) {
    ss_trainer_close(&p->trainer);
    ss_dataset_close(p->data);
    json_decref(p->settings);
    for (int i = 0; i < p->owned_count; i++) free(p->owned[i]);
    free(p->owned);
    free(p->concept);
    free(p->token);
}

/* ---- tokens */

/* What token i starts from. The published programs take rare pieces of the vocabulary, in orders of their own; ours
 * starts from the class, which is a better guess, where that is one token. */
static ss_status initializer(int32_t *id, const plan *p, ss_ctx *cx, const ss_model *m, int i) {
    static const char *const pieces[] = {"ktn", "pll", "ucd"};
    const ss_train_concept *c = &p->r->concepts[i];
    int last = p->r->concept_count - 1;
    if (c->initializer) return ss_initializer(id, cx, m, c->initializer, false);
    if (p->recipe == SS_RECIPE_OWN && c->class_word) {
        int32_t ids[SS_TOKENS];
        ss_tokens info;
        ss_status st = ss_tokenize(m->tokenizer, cx, c->class_word, ids, &info);
        if (st) return st;
        if (info.used == 1) return ss_initializer(id, cx, m, c->class_word, false);
        ss_note(cx, "\"%.60s\" is %lld tokens of the vocabulary, so %s starts from a rare one", c->class_word,
                (long long)info.used, p->token[i]);
    }
    int which = p->recipe == SS_RECIPE_COMPVIS ? last - i : i;
    if (which >= SS_COUNT_OF(pieces))
        return ss_fail(cx, SS_ERR_ARG, "only three tokens start by themselves; name an initializer for %s",
                       p->token[i]);
    return ss_initializer(id, cx, m, pieces[which], true);
}

static ss_status add_tokens(const plan *p, ss_ctx *cx, ss_model *m) {
    int64_t width = ss_model_token_width(m), first;
    float *row = ss_alloc(cx, (size_t)width, sizeof *row);
    ss_status st = cx->status;
    for (int i = 0; i < p->r->concept_count && !st; i++) {
        int32_t id = 0;
        if (!p->token[i]) continue;
        st = initializer(&id, p, cx, m, i);
        if (st) break;
        ss_model_token_row(row, m, id);
        st = ss_model_add_token(&first, cx, m, p->token[i], 1, width, row);
    }
    free(row);
    return st;
}

/* ---- samples */

static ss_status draw(ss_image *out, plan *p, ss_ctx *cx, const char *prompt, uint64_t seed) {
    ss_model *m = p->trainer.model;
    ss_run run = {0};
    ss_texts texts = {0};
    ss_rng rng;
    ss_size size = {p->size, p->size};
    int64_t count = (int64_t)4 * (p->size / 8) * (p->size / 8);
    float *x = ss_alloc(cx, (size_t)count, sizeof *x);
    ss_status st = x ? ss_run_open(&run, cx, m, &p->r->sampling, NULL, 1, size) : SS_ERR_NOMEM;
    if (!st) st = ss_embed_texts(&texts, cx, m, (const char *[]){"", prompt}, 2, p->r->sampling.clip_skip);
    if (!st) st = ss_run_texts(&run, cx, &texts, 0, (int[]){1}, 1);
    if (!st) {
        ss_rng_seed(&rng, seed);
        ss_rng_normal(&rng, x, count);
        for (int64_t i = 0; i < count; i++) x[i] *= ss_sampling_init_sigma(run.sample.sampling);
        run.sample.noise = &rng;
        run.sample.what = "sample";
        st = ss_sample_run(cx, &run.sample, 0, x);
    }
    if (!st) st = ss_decode_image(out, cx, m, x, run.sample.h, run.sample.w);
    free(x);
    free(texts.data);
    ss_run_close(&run);
    return st;
}

static ss_status sample(plan *p, ss_ctx *cx, int64_t step) {
    ss_status st = SS_OK;
    for (int i = 0; i < p->r->sample_count && !st; i++) {
        ss_image im = {0};
        st = draw(&im, p, cx, p->r->sample_prompts[i], p->r->seed + (uint64_t)i);
        if (!st) st = p->r->sampled(p->r->user, (int)step, i, &im);
        ss_image_free(&im);
    }
    return st;
}

static ss_status after(void *user, ss_ctx *cx, const ss_loop_news *n) {
    plan *p = user;
    const ss_train_request *r = p->r;
    struct rusage use;
    getrusage(RUSAGE_SELF, &use);
    ss_train_news news = {.step = (int)n->step,
                          .steps = (int)n->steps,
                          .loss = n->loss,
                          .smoothed = n->smoothed,
                          .rate = n->rate,
                          .norm = n->norm,
                          .seconds = n->seconds,
                          .left = n->left,
                          .memory = (size_t)use.ru_maxrss << 10};
    if (r->news && n->seconds > 0) r->news(r->user, &news);
    bool due = r->sample_every > 0 && (n->step % r->sample_every == 0 || n->step == n->steps);
    return due && r->sampled ? sample(p, cx, n->step) : SS_OK;
}

/* ---- what was learned */

static ss_status take_tokens(ss_subject *s, const plan *p, ss_ctx *cx, const ss_model *m) {
    const ss_param *rows = ss_params_find(&m->text.params, SS_ADDED_TOKENS);
    int64_t at = rows ? rows->shape[0] : 0;
    for (int i = 0; i < p->r->concept_count; i++) at -= p->token[i] != NULL; /* ours are the last ones */
    ss_status st = SS_OK;
    for (int i = 0; i < p->r->concept_count && !st; i++) {
        if (!p->token[i]) continue;
        ss_subject_token t = {.name = p->token[i],
                              .count = 1,
                              .width = rows->shape[1],
                              .vectors = rows->data + at++ * rows->shape[1],
                              .class_word = p->r->concepts[i].class_word,
                              .initializer = p->r->concepts[i].initializer};
        st = ss_subject_add_token(s, cx, &t);
    }
    return st;
}

static ss_status take_weights(ss_subject *s, const plan *p, ss_ctx *cx) {
    ss_status st = SS_OK;
    for (int i = 0; i < p->trainer.count && !st; i++) {
        const ss_param *a = p->trainer.at[i].param;
        if (!strcmp(a->name, SS_ADDED_TOKENS)) continue;
        ss_numbers to = {.type = SS_F32, .rank = a->rank, .data = a->data};
        memcpy(to.shape, a->shape, sizeof to.shape);
        st = ss_subject_set(s, cx, SS_PART_UNET, a->name, to);
    }
    return st;
}

static ss_status learned(ss_subject **out, plan *p, ss_ctx *cx, const ss_model *m) {
    ss_subject *s = NULL;
    char *settings = json_dumps(p->settings, JSON_COMPACT), *trigger = NULL;
    ss_status st = settings ? ss_subject_new(&s, cx) : ss_fail(cx, SS_ERR_NOMEM, "out of memory for what was learned");
    if (!st) st = take_tokens(s, p, cx, m);
    if (!st) st = take_weights(s, p, cx);
    if (!st) st = ss_subject_say(s, cx, "selfsame.base", p->base);
    if (!st) st = ss_subject_say(s, cx, "selfsame.recipe", ss_recipe_name(p->recipe));
    if (!st) st = ss_subject_say(s, cx, "selfsame.settings", settings);
    for (int i = 0; i < p->r->concept_count && !st; i++) {
        const char *word = p->r->concepts[i].class_word, *token = p->token[i];
        if (!token) continue;
        char *longer = ss_format(cx, "%s%s%s%s%s", trigger ? trigger : "", trigger ? ", " : "", token, word ? " " : "",
                                 word ? word : "");
        free(trigger);
        trigger = longer;
        st = cx->status;
    }
    if (!st && trigger) st = ss_subject_say(s, cx, "modelspec.trigger_phrase", trigger);
    if (!st)
        *out = s;
    else
        ss_subject_free(s);
    free(trigger);
    free(settings);
    return st;
}

ss_status ss_train(ss_subject **out, ss_ctx *cx, ss_model *m, const ss_train_request *r) {
    ss_ctx_clear(cx);
    plan p = {.r = r};
    ss_status st = open_plan(&p, cx, m);
    if (!st) st = ss_sampling_check(cx, &r->sampling);
    ss_dataset_options data = {
        .concepts = p.concept,
        .concept_count = r->concept_count,
        .augment = {.recipe = p.recipe, .size = p.size, .flip = p.flip, .still = r->still},
        .batch = p.batch,
        .class_most = r->class_most ? r->class_most : 200,
        .seed = r->seed,
    };
    if (!st) st = ss_dataset_open(&p.data, cx, &data);
    if (!st) st = add_tokens(&p, cx, m);
    if (!st) st = ss_trainer_open(&p.trainer, cx, m, p.trained, r->recompute);
    if (!st) {
        p.trainer.clip = p.clip;
        ss_loop loop = {.trainer = &p.trainer,
                        .data = p.data,
                        .recipe = p.recipe,
                        .rate = p.rate,
                        .accumulation = p.accumulation,
                        .prior = p.prior,
                        .size = p.size,
                        .seed = r->seed,
                        .state = r->state,
                        .save_every = r->save_every,
                        .settings = p.settings,
                        .after = after,
                        .user = &p};
        st = ss_loop_run(&loop, cx, r->resume);
    }
    if (!st) st = learned(out, &p, cx, m);
    close_plan(&p);
    ss_arena_trim(cx->arena);
    return st;
}
