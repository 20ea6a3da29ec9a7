/* Photos to a subject: the request becomes a data set, new tokens, a trainer and a loop. */
#include "api/request.h"
#include "subject/subject.h"
#include "train/alignment.h"
#include "train/concepts.h"
#include "train/find_subject.h"
#include "train/loop.h"
#include "train/preset.h"
#include "train/prior.h"
#include "train/run_folder.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

/* A request with its zeros filled in. */
typedef struct plan {
    const ss_train_request *r;
    const ss_preset *kind;
    ss_concepts listed;            /* of the concepts file */
    ss_train_concept *from_file;   /* the same as a request has them */
    const ss_train_concept *given; /* [count] */
    int count;
    ss_recipe recipe;
    ss_trained trained;
    ss_rate rate;
    int batch, accumulation, size;
    double longest_gradient, prior, flip;
    bool still;
    int class_most;
    char **owned; /* texts made here */
    int owned_count;
    ss_concept *concept;
    const char **token; /* of each concept, NULL for one without */
    char base[65];      /* the model's fingerprint */
    json_t *settings;
    ss_dataset *data;
    ss_trainer trainer;
    char *state;             /* a path in the run's folder, or NULL */
    ss_run_folder *run;      /* from the first step on, or NULL */
    double page;             /* when it was last written, seconds */
    bool warned;             /* of samples that have become copies */
    ss_alignment *alignment; /* where a CLIP is at hand, or NULL */
    ss_named_subject *named; /* [count] */
} plan;

enum { MOST_STEPS = 1000000, MOST_BATCH = 64, MOST_CONCEPTS = SS_MOST_CONCEPTS, PAGE_EVERY = 10 /* seconds */ };

/* ---- texts */

static const char *keep(plan *p, char *text) {
    if (text) p->owned[p->owned_count++] = text;
    return text;
}

static ss_status read_concepts(plan *p, ss_ctx *cx) {
    if (!p->r->concepts_file) {
        p->given = p->r->concepts, p->count = p->r->concept_count;
        return SS_OK;
    }
    ss_status st = ss_concepts_read(&p->listed, cx, p->r->concepts_file);
    if (!st) p->from_file = ss_alloc(cx, (size_t)p->listed.count, sizeof *p->from_file);
    for (int i = 0; i < p->listed.count && p->from_file; i++)
        p->from_file[i] = (ss_train_concept){.photos = p->listed.at[i].photos,
                                             .masks = p->listed.at[i].masks,
                                             .token = p->listed.token[i] ? p->listed.token[i] : "",
                                             .initializer = p->listed.initializer[i],
                                             .prompt = p->listed.at[i].prompt,
                                             .class_word = p->listed.at[i].class_prompt,
                                             .class_photos = p->listed.at[i].class_photos};
    p->given = p->from_file, p->count = p->listed.count;
    return cx->status;
}

/* "photo of a {}" with the words in its place. */
static char *filled(ss_ctx *cx, const char *template, const char *words) {
    const char *hole = strstr(template, "{}");
    return ss_format(cx, "%.*s%s%s", (int)(hole - template), template, words, hole + 2);
}

/* Tokens, prompts and class prompts that nobody gave. */
static ss_status fill_concept(plan *p, ss_ctx *cx, int i) {
    const ss_train_concept *c = &p->given[i];
    const char *token = c->token;
    if (!token) token = keep(p, ss_format(cx, "<new%d>", i + 1));
    if (cx->status) return cx->status;
    if (!c->photos) return ss_fail(cx, SS_ERR_ARG, "concept %d has no photos: name a folder of them", i + 1);
    if (!c->prompt && !c->class_word)
        return ss_fail(cx, SS_ERR_ARG, "concept %d needs a class (\"dog\") or a prompt for its photos", i + 1);
    if ((c->class_photos || p->r->class_cache) && !c->class_prompt && !c->class_word)
        return ss_fail(cx, SS_ERR_ARG, "concept %d has pictures of its class, but nothing says what they show", i + 1);
    p->token[i] = *token ? token : NULL;
    const char *prompt = c->prompt;
    if (!prompt) {
        const char *both = keep(p, ss_format(cx, "%s%s%s", token, *token ? " " : "", c->class_word));
        prompt = both ? keep(p, filled(cx, p->kind->template, both)) : NULL;
    }
    p->concept[i] = (ss_concept){.photos = c->photos,
                                 .masks = c->masks,
                                 .prompt = prompt,
                                 .class_photos = c->class_photos,
                                 .class_prompt = c->class_prompt ? c->class_prompt : c->class_word};
    return cx->status;
}

/* ---- numbers */

static bool with_prior(const plan *p) {
    for (int i = 0; i < p->count; i++)
        if (p->concept[i].class_photos) return true;
    return p->r->class_cache != NULL;
}

/* The published programs multiply their base with what a step sees. */
static double scaled_rate(const plan *p) {
    bool pairs = p->recipe != SS_RECIPE_COMPVIS && with_prior(p);
    return ss_preset_rate(p->kind->rate, p->batch, p->accumulation, pairs);
}

static ss_status in_range(ss_ctx *cx, const char *what, double value, double least, double most) {
    if (value >= least && value <= most) return SS_OK;
    return ss_fail(cx, SS_ERR_ARG, "%s is %g; it goes from %g to %g", what, value, least, most);
}

static ss_status fill_numbers(plan *p, ss_ctx *cx, const ss_model *m) {
    const ss_train_request *r = p->r;
    p->batch = r->batch ? r->batch : p->kind->batch;
    p->accumulation = r->accumulation ? r->accumulation : 1;
    p->size = r->size ? r->size : m->size;
    p->longest_gradient = r->longest_gradient != 0         ? fmax(r->longest_gradient, 0)
                          : p->recipe == SS_RECIPE_COMPVIS ? 0
                                                           : 1;
    p->prior = r->prior != 0 ? r->prior : 1;
    p->flip = r->flip != 0 ? fmax(r->flip, 0) : p->kind->flip;
    p->still = r->still || p->kind->still;
    p->class_most = r->class_most ? r->class_most : p->kind->class_pictures;
    p->rate.steps = r->steps ? r->steps : p->kind->steps;
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
    if (!st) st = in_range(cx, "the number of class pictures", p->class_most, 0, MOST_STEPS);
    if (!st) st = in_range(cx, "steps between states", r->save_every, 0, MOST_STEPS);
    if (!st) st = in_range(cx, "steps between samples", r->sample_every, 0, MOST_STEPS);
    if (!st) st = in_range(cx, "the size", p->size, 64, 2048);
    if (!st && p->size % 8)
        st = ss_fail(cx, SS_ERR_ARG, "a size of %d pixels: training pictures have sides of a multiple of 8", p->size);
    if (!st && r->resume && !r->folder)
        st = ss_fail(cx, SS_ERR_ARG, "to go on, a training needs the folder that it was left in");
    return st;
}

static ss_status describe(plan *p, ss_ctx *cx) {
    const ss_train_request *r = p->r;
    json_t *o = json_pack(
        "{s:s, s:s, s:s, s:I, s:f, s:s, s:I, s:i, s:i, s:i, s:f, s:f, s:f, s:b, s:I, s:s, s:s, s:i}", "base", p->base,
        "recipe", ss_recipe_name(p->recipe), "parameters", ss_trained_name(p->trained), "steps",
        (json_int_t)p->rate.steps, "rate", p->rate.rate, "schedule", ss_rate_name(p->rate.kind), "warmup",
        (json_int_t)p->rate.warmup, "batch", p->batch, "accumulation", p->accumulation, "size", p->size,
        "longest_gradient", p->longest_gradient, "prior", p->prior, "flip", p->flip, "still", p->still, "seed",
        (json_int_t)r->seed, "numbers", ss_ctx_numbers(cx), "version", SS_VERSION, "threads", cx->threads);
    json_t *list = json_array();
    for (int i = 0; i < p->count && list; i++) {
        const ss_train_concept *c = &p->given[i];
        json_array_append_new(list, json_pack("{s:s*, s:s*, s:s*, s:s*, s:s*}", "token", p->token[i], "class",
                                              c->class_word, "initializer", c->initializer, "prompt",
                                              p->concept[i].prompt, "class_prompt", p->concept[i].class_prompt));
    }
    p->settings = o;
    if (!o || !list || json_object_set_new(o, "concepts", list))
        return ss_fail(cx, SS_ERR_NOMEM, "out of memory for the settings of a training");
    return SS_OK;
}

static ss_status open_folder(plan *p, ss_ctx *cx) {
    if (!p->r->folder) return SS_OK;
    p->state = ss_format(cx, "%s/state.safetensors", p->r->folder);
    ss_status st = p->state ? ss_make_folders(cx, p->r->folder) : SS_ERR_NOMEM;
    if (!st && !p->r->resume) {
        FILE *f = fopen(p->state, "r");
        if (f)
            st = ss_fail(cx, SS_ERR_ARG, "%s holds the state of a training: go on with it, or name another folder",
                         p->r->folder);
        if (f) fclose(f);
    }
    return st;
}

static ss_status open_plan(plan *p, ss_ctx *cx, const ss_model *m) {
    const ss_train_request *r = p->r;
    p->kind = ss_preset_find(cx, r->kind);
    ss_status st = cx->status ? cx->status : read_concepts(p, cx);
    if (!st && (p->count < 1 || p->count > MOST_CONCEPTS))
        st = ss_fail(cx, SS_ERR_ARG, "%d concepts: a training takes 1 to %d", p->count, MOST_CONCEPTS);
    if (st) return st;
    size_t n = (size_t)p->count;
    p->owned = ss_alloc(cx, 4 * n, sizeof *p->owned);
    p->concept = ss_alloc(cx, n, sizeof *p->concept);
    p->token = ss_alloc(cx, n, sizeof *p->token);
    st = cx->status;
    if (!st) st = ss_recipe_find(&p->recipe, cx, r->recipe);
    if (!st) st = ss_trained_find(&p->trained, cx, r->parameters ? r->parameters : p->kind->trained);
    for (int i = 0; i < p->count && !st; i++) st = fill_concept(p, cx, i);
    if (!st) st = fill_numbers(p, cx, m);
    if (!st) st = ss_sampling_check(cx, &r->sampling);
    if (!st) st = ss_model_fingerprint(p->base, cx, m);
    if (!st) st = describe(p, cx);
    return st ? st : open_folder(p, cx);
}

static void close_plan(plan *p) {
    ss_trainer_close(&p->trainer);
    ss_dataset_close(p->data);
    json_decref(p->settings);
    for (int i = 0; i < p->owned_count; i++) free(p->owned[i]);
    free(p->owned);
    free(p->concept);
    free(p->token);
    free(p->state);
    ss_run_folder_close(p->run);
    ss_alignment_close(p->alignment);
    free(p->named);
    free(p->from_file);
    ss_concepts_free(&p->listed);
}

/* ---- tokens */

/* What token i starts from. The published programs take rare pieces of the vocabulary, in orders of their own; ours
 * starts from the class, which is a better guess, where that is one token. */
static ss_status initializer(int32_t *id, const plan *p, ss_ctx *cx, const ss_model *m, int i) {
    static const char *const pieces[] = {"ktn", "pll", "ucd"};
    const ss_train_concept *c = &p->given[i];
    int last = p->count - 1;
    if (c->initializer) return ss_initializer(id, cx, m, c->initializer, false);
    if (p->recipe == SS_RECIPE_OWN && c->class_word) {
        int32_t ids[SS_TOKENS];
        ss_tokens info;
        ss_status st = ss_tokenize(m->tokenizer, cx, c->class_word, ids, &info);
        if (st) return st;
        if (info.used == 1) return ss_initializer(id, cx, m, c->class_word, false);
        if (info.used > 1) {
            ss_note(cx, "\"%.60s\" is %lld tokens of the vocabulary: %s starts from the last of them", c->class_word,
                    (long long)info.used, p->token[i]);
            *id = ids[info.count - 2];
            return SS_OK;
        }
    }
    int which = p->recipe == SS_RECIPE_COMPVIS ? last - i : i;
    if (which >= SS_COUNT_OF(pieces))
        return ss_fail(cx, SS_ERR_ARG, "only three tokens start by themselves; name an initializer for %s",
                       p->token[i]);
    return ss_initializer(id, cx, m, pieces[which], true);
}

/* A word that is one token already would change every text that has it. */
static ss_status check_new(ss_ctx *cx, const ss_model *m, const char *token) {
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    ss_status st = ss_tokenize(m->tokenizer, cx, token, ids, &info);
    if (!st && info.used == 1)
        st = ss_fail(cx, SS_ERR_ARG, "\"%.60s\" is a word that the model knows already: choose one like <new1>", token);
    if (!st && info.used == 0) st = ss_fail(cx, SS_ERR_ARG, "a token needs letters, and \"%.60s\" has none", token);
    return st;
}

static ss_status add_tokens(const plan *p, ss_ctx *cx, ss_model *m) {
    int64_t width = ss_model_token_width(m), first;
    float *row = ss_alloc(cx, (size_t)width, sizeof *row);
    ss_status st = cx->status;
    for (int i = 0; i < p->count && !st; i++) {
        int32_t id = 0;
        if (!p->token[i]) continue;
        st = check_new(cx, m, p->token[i]);
        if (!st) st = initializer(&id, p, cx, m, i);
        if (st) break;
        ss_model_token_row(row, m, id);
        st = ss_model_add_token(&first, cx, m, p->token[i], 1, width, row);
    }
    free(row);
    return st;
}

/* ---- samples */

static ss_status draw(ss_image *out, const plan *p, ss_ctx *cx, ss_model *m, const ss_sampling_options *o,
                      const char *prompt, uint64_t seed) {
    ss_run run = {0};
    ss_texts texts = {0};
    ss_rng rng;
    ss_size size = {p->size, p->size};
    int64_t count = (int64_t)4 * (p->size / 8) * (p->size / 8);
    float *x = ss_alloc(cx, (size_t)count, sizeof *x);
    ss_status st = x ? ss_run_open(&run, cx, m, o, NULL, 1, size) : SS_ERR_NOMEM;
    if (!st) st = ss_embed_texts(&texts, cx, m, (const char *[]){"", prompt}, 2, o->clip_skip);
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

/* Says once when a sample is liker to a photo than photos are to each other. */
static ss_status look_for_copies(ss_run_sample *s, plan *p, ss_ctx *cx, const ss_image *im) {
    ss_status st = SS_OK;
    for (int i = 0; i < p->count && !st; i++) {
        bool copy;
        double likeness;
        int picture;
        st = ss_dataset_copied(&copy, &likeness, &picture, p->data, cx, i, im);
        if (st) break;
        if (!(likeness <= s->likeness)) s->likeness = likeness;
        if (copy) s->copy_of = ss_dataset_path(p->data, picture);
    }
    if (st || !s->copy_of || p->warned) return st;
    p->warned = true;
    char *text =
        ss_format(cx,
                  "sample %d at step %lld is nearly a copy of %s (likeness %.3f): earlier steps, a lower rate or "
                  "more photos leave the subject freer",
                  s->number + 1, (long long)s->step, s->copy_of, s->likeness);
    if (!text) return SS_ERR_NOMEM;
    ss_warn(cx, "%s", text);
    st = p->run ? ss_run_folder_note(p->run, cx, s->step, text) : SS_OK;
    free(text);
    return st;
}

/* The CLIP that samples are scored by: the one that was named, or the one that came with the model. */
static ss_status open_alignment(plan *p, ss_ctx *cx, const ss_model *m) {
    const char *folder = p->r->clip;
    char *own = NULL;
    if (!p->r->folder || !p->r->sample_every || !p->r->sample_count) return SS_OK;
    if (!folder && !m->single_file) {
        char *config = ss_format(cx, "%s/clip/config.json", m->path);
        if (config && !access(config, F_OK)) folder = own = ss_format(cx, "%s/clip", m->path);
        free(config);
    }
    ss_status st = cx->status;
    if (!st && folder && *folder) {
        p->named = ss_alloc(cx, (size_t)p->count, sizeof *p->named);
        for (int i = 0; i < p->count && p->named; i++)
            p->named[i] = (ss_named_subject){p->token[i], p->given[i].class_word};
        st = p->named ? ss_alignment_open(&p->alignment, cx, folder, p->data, p->named, p->count) : SS_ERR_NOMEM;
    }
    free(own);
    return st;
}

/* Of the step that a run goes on from, samples may be there already. */
static bool drawn_before(const plan *p, int64_t step, int number) {
    for (int i = p->run ? p->run->samples : 0; i > 0 && p->run->sample[i - 1].about.step == step; i--)
        if (p->run->sample[i - 1].about.number == number) return true;
    return false;
}

static ss_status sample(plan *p, ss_ctx *cx, int64_t step) {
    ss_status st = SS_OK;
    for (int i = 0; i < p->r->sample_count && !st; i++) {
        if (drawn_before(p, step, i)) continue;
        ss_image im = {0};
        ss_run_sample s = {.step = step,
                           .number = i,
                           .seed = p->r->seed + (uint64_t)i,
                           .caption = p->r->sample_prompts[i],
                           .text = NAN,
                           .image = NAN,
                           .likeness = NAN};
        st = draw(&im, p, cx, p->trainer.model, &p->r->sampling, s.caption, s.seed);
        if (!st) st = look_for_copies(&s, p, cx, &im);
        if (!st && p->alignment) st = ss_alignment_measure(&s.text, &s.image, p->alignment, cx, s.caption, &im);
        if (!st && p->run) st = ss_run_folder_sample(p->run, cx, &s, &im);
        if (!st && p->r->sampled) st = p->r->sampled(p->r->user, (int)step, i, &im);
        ss_image_free(&im);
    }
    return st;
}

/* ---- pictures of the class, drawn by the model */

typedef struct painter {
    const plan *p;
    ss_model *m;
    ss_sampling_options way;
} painter;

static ss_status paint(void *user, ss_ctx *cx, ss_image *out, const char *prompt, uint64_t seed) {
    const painter *a = user;
    return draw(out, a->p, cx, a->m, &a->way, prompt, seed);
}

/* As the published programs draw them. */
static ss_status draw_classes(plan *p, ss_ctx *cx, ss_model *m) {
    painter a = {p, m, {.sampler = "ddim", .steps = 50, .guidance = 6, .eta = 1}};
    char way[80];
    snprintf(way, sizeof way, "ddim 50 guidance 6 eta 1 %dx%d", p->size, p->size);
    ss_status st = SS_OK;
    for (int i = 0; i < p->count && p->r->class_cache && !st; i++) {
        if (p->concept[i].class_photos) continue;
        char *folder = NULL;
        ss_prior_options o = {.cache = p->r->class_cache,
                              .model = p->base,
                              .prompt = p->concept[i].class_prompt,
                              .way = way,
                              .count = p->class_most,
                              .draw = paint,
                              .draw_user = &a};
        st = ss_prior_fill(&folder, cx, &o);
        p->concept[i].class_photos = keep(p, folder);
    }
    return st;
}

/* ---- masks */

typedef struct finder {
    const plan *p;
    ss_model *m;
} finder;

static ss_status find_subject(void *user, ss_ctx *cx, int concept, const ss_image *photo, float *mask) {
    const finder *f = user;
    const char *word = f->p->given[concept].class_word;
    if (!word)
        return ss_fail(cx, SS_ERR_ARG,
                       "concept %d has no class: without one nothing says what to look for in its photos", concept + 1);
    char *text = filled(cx, f->p->kind->template, word);
    ss_status st = text ? ss_find_subject(mask, cx, f->m, photo, text, word) : SS_ERR_NOMEM;
    free(text);
    return st;
}

/* ---- the run's folder */

static double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Before the first step the folder is opened, as far as the state has come. */
static ss_status follow(plan *p, ss_ctx *cx, const ss_train_news *n, bool stepped) {
    if (!p->r->folder) return SS_OK;
    if (!stepped) return ss_run_folder_open(&p->run, cx, p->r->folder, p->settings, n->steps, p->r->resume, n->step);
    ss_run_step s = {.step = n->step,
                     .loss = n->loss,
                     .smoothed = n->smoothed,
                     .rate = n->rate,
                     .norm = n->norm,
                     .seconds = n->seconds,
                     .memory = n->memory};
    return ss_run_folder_step(p->run, cx, &s);
}

/* ---- what was learned */

static ss_status take_tokens(ss_subject *s, const plan *p, ss_ctx *cx, const ss_model *m) {
    const ss_param *rows = ss_params_find(&m->text.params, SS_ADDED_TOKENS);
    int64_t at = rows ? rows->shape[0] : 0;
    for (int i = 0; i < p->count; i++) at -= p->token[i] != NULL; /* ours are the last ones */
    ss_status st = SS_OK;
    for (int i = 0; i < p->count && !st; i++) {
        if (!p->token[i]) continue;
        ss_subject_token t = {.name = p->token[i],
                              .count = 1,
                              .width = rows->shape[1],
                              .vectors = rows->data + at++ * rows->shape[1],
                              .class_word = p->given[i].class_word,
                              .initializer = p->given[i].initializer};
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
    for (int i = 0; i < p->count && !st; i++) {
        const char *word = p->given[i].class_word, *token = p->token[i];
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

/* ---- the best so far */

/* As the log has it, so that a run that goes on knows what the one before has kept. */
static ss_status keep_best(plan *p, ss_ctx *cx, int64_t step) {
    if (!step || ss_run_folder_best(p->run) != step) return SS_OK;
    ss_subject *s = NULL;
    char *path = ss_format(cx, "%s/best.safetensors", p->r->folder), number[24];
    snprintf(number, sizeof number, "%lld", (long long)step);
    ss_status st = path ? learned(&s, p, cx, p->trainer.model) : SS_ERR_NOMEM;
    if (!st) st = ss_subject_say(s, cx, "selfsame.step", number);
    if (!st) st = ss_subject_write(cx, s, path, NULL);
    ss_subject_free(s);
    free(path);
    return st;
}

/* Of the samples that were drawn last. */
static void tell_scores(ss_train_news *news, const plan *p) {
    news->text = news->image = NAN;
    if (!p->run->samples) return;
    ss_run_scores s = ss_run_folder_scores(p->run, p->run->sample[p->run->samples - 1].about.step);
    news->text = s.text, news->image = s.image;
    news->best = (int)ss_run_folder_best(p->run);
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
                          .memory = (size_t)use.ru_maxrss << 10,
                          .text = NAN,
                          .image = NAN};
    bool stepped = n->seconds > 0;
    ss_status st = follow(p, cx, &news, stepped);
    bool due = r->sample_every > 0 && (n->step % r->sample_every == 0 || n->step == n->steps);
    if (!st && due) st = sample(p, cx, n->step);
    if (!st && p->run && due) st = keep_best(p, cx, n->step);
    if (!st && p->run) tell_scores(&news, p);
    if (r->news && stepped) r->news(r->user, &news);
    if (!st && p->run && (due || seconds_now() - p->page > PAGE_EVERY)) {
        st = ss_run_folder_page(p->run, cx, false);
        p->page = seconds_now();
    }
    return st;
}

ss_status ss_train_kinds(char **text, ss_ctx *cx) {
    ss_ctx_clear(cx);
    return ss_preset_table(text, cx);
}

ss_status ss_train(ss_subject **out, ss_ctx *cx, ss_model *m, const ss_train_request *r) {
    ss_ctx_clear(cx);
    plan p = {.r = r};
    ss_status st = open_plan(&p, cx, m);
    if (!st) st = draw_classes(&p, cx, m);
    ss_dataset_options data = {
        .concepts = p.concept,
        .concept_count = p.count,
        .augment = {.recipe = p.recipe, .size = p.size, .flip = p.flip, .still = p.still},
        .batch = p.batch,
        .class_most = p.class_most,
        .seed = r->seed,
        .mask = r->find_subject ? find_subject : NULL,
        .mask_user = &(finder){&p, m},
    };
    if (!st) st = ss_dataset_open(&p.data, cx, &data);
    if (!st) st = open_alignment(&p, cx, m);
    if (!st) st = add_tokens(&p, cx, m);
    if (!st) st = ss_trainer_open(&p.trainer, cx, m, p.trained, r->recompute);
    if (!st) {
        p.trainer.longest_gradient = p.longest_gradient;
        ss_loop loop = {.trainer = &p.trainer,
                        .data = p.data,
                        .recipe = p.recipe,
                        .rate = p.rate,
                        .accumulation = p.accumulation,
                        .prior = p.prior,
                        .size = p.size,
                        .seed = r->seed,
                        .state = p.state,
                        .save_every = r->save_every,
                        .settings = p.settings,
                        .after = after,
                        .user = &p};
        st = ss_loop_run(&loop, cx, r->resume);
    }
    if (p.run) { /* also of a run that was stopped or failed, which keeps its own sentence */
        ss_status shown = ss_run_folder_page(p.run, cx, true);
        if (!st) st = shown;
    }
    if (!st) st = learned(out, &p, cx, m);
    close_plan(&p);
    ss_arena_trim(cx->arena);
    return st;
}
