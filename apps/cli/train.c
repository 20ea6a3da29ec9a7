/* train: photos to a subject. */
#define _GNU_SOURCE /* strcasestr */
#include "job.h"
#include "options.h"
#include "say.h"
#include "subjects.h"
#include "verbs.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SEED = 42, SAMPLE_STEPS = 30, SAMPLE_GUIDANCE = 6 }; /* the published programs' seed and guidance */

static void on_news(void *user, const ss_train_news *n) {
    job *j = user;
    char text[20] = "", image[20] = ""; /* cosines, where they were measured */
    if (isfinite(n->text)) snprintf(text, sizeof text, "text %.3f, ", n->text);
    if (isfinite(n->image)) snprintf(image, sizeof image, "image %.3f, ", n->image);
    snprintf(j->meter.more, sizeof j->meter.more, "loss %.4f, %s%s%.2f GB", n->smoothed, text, image,
             (double)n->memory / 1e9);
    json_object_set_new(j->s->report, "steps", json_integer(n->step));
    json_object_set_new(j->s->report, "loss", json_real(n->smoothed));
    json_object_set_new(j->s->report, "seconds_a_step", json_real(n->seconds));
    json_object_set_new(j->s->report, "memory", json_integer((json_int_t)n->memory));
    if (isfinite(n->text)) json_object_set_new(j->s->report, "text_alignment", json_real(n->text));
    if (isfinite(n->image)) json_object_set_new(j->s->report, "image_alignment", json_real(n->image));
    if (n->best) json_object_set_new(j->s->report, "best_step", json_integer(n->best));
}

static bool finds_subject(const settings *s) { return s->loss_masks && !strcmp(s->loss_masks, "auto"); }

static ss_train_concept concept_of(const settings *s) {
    return (ss_train_concept){.photos = s->operand,
                              .masks = finds_subject(s) ? NULL : s->loss_masks,
                              .class_word = s->class_word,
                              .token = s->token,
                              .initializer = s->initializer,
                              .prompt = s->caption,
                              .class_photos = s->class_photos,
                              .class_prompt = s->class_caption};
}

static ss_train_request request_of(job *j, const ss_train_concept *concept) {
    settings *s = j->s;
    return (ss_train_request){
        .concepts = concept,
        .concept_count = s->concepts ? 0 : 1,
        .concepts_file = s->concepts,
        .kind = kind_words[s->kind],
        .recipe = recipe_words[s->train_recipe],
        .parameters = s->parameters,
        .steps = s->train_steps,
        .rate = s->rate,
        .schedule = schedule_words[s->schedule],
        .warmup = s->warmup,
        .batch = s->train_batch,
        .accumulation = s->accumulation,
        .size = s->width,
        .longest_gradient = given(s, "longest-gradient") && s->longest_gradient == 0 ? -1 : s->longest_gradient,
        .prior = s->prior,
        .flip = given(s, "flip") && s->flip == 0 ? -1 : s->flip,
        .still = s->still,
        .class_most = s->class_images,
        .find_subject = finds_subject(s),
        .class_cache = s->draw_class,
        .seed = (uint64_t)(s->seed < 0 ? SEED : s->seed),
        .recompute = s->recompute,
        .folder = s->run,
        .save_every = s->save_every,
        .resume = s->resume,
        .sample_every = s->sample_every,
        .sample_prompts = s->prompts.at,
        .sample_count = s->sample_every ? s->prompts.count : 0,
        .sampling = {.sampler = "ddim", .steps = SAMPLE_STEPS, .guidance = SAMPLE_GUIDANCE},
        .clip = s->clip && !strcmp(s->clip, "none") ? "" : s->clip,
        .news = on_news,
        .user = j,
    };
}

static int check(settings *s) {
    if (s->concepts && s->operand)
        return usage("--concepts names the photos, and so does \"%s\": one of them is enough", s->operand);
    if (s->class_word && !*s->class_word) return usage("--class is empty: what kind of thing is it? dog, chair, woman");
    if (!s->concepts && !s->class_word && !s->caption)
        return usage("what is it? Say it with --class: dog, chair, woman");
    if (s->concepts && s->loss_masks && !finds_subject(s))
        return usage("--loss-masks %s: with --concepts each concept in that file names its own masks, and only auto "
                     "goes with all of them",
                     s->loss_masks);
    if (s->story_photo && !s->class_word)
        return usage("--story-photo finds the subject by its class's word, which is not there: say it with --class");
    if (s->sample_every && !s->run)
        return usage("--sample-every makes sense only with --run, which is not there: samples lie in that folder");
    if (s->sample_every && !s->prompts.count) {
        if (!s->class_word) return usage("what shall samples show? Say it with -p");
        s->prompts.at = must(malloc(sizeof *s->prompts.at));
        s->prompts.at[s->prompts.count++] = format_text(s, "photo of a %s %s", s->token, s->class_word);
    }
    return subject_check_output(s, s->class_word ? format_text(s, "my-%s.safetensors", s->class_word)
                                                 : "my-subject.safetensors");
}

/* The path of what is learned without its ending; in a pattern of names, a % is written twice. */
static const char *stem_of(settings *s, bool pattern) {
    static const char ending[] = ".safetensors";
    size_t n = strlen(s->output), ends = sizeof ending - 1, at = 0;
    if (n > ends && !strcmp(s->output + n - ends, ending)) n -= ends;
    char *stem = must(malloc(2 * n + 1));
    for (size_t i = 0; i < n; i++) {
        if (pattern && s->output[i] == '%') stem[at++] = '%';
        stem[at++] = s->output[i];
    }
    stem[at] = 0;
    return own(s, stem);
}

/* Masks follow the class's word, so every prompt has to have it. */
static int check_story_photo(const settings *t, const settings *s) {
    if (access(s->story_photo, R_OK)) return failure("%s: %s", s->story_photo, strerror(errno));
    for (int i = 0; i < t->prompts.count; i++)
        if (!strcasestr(t->prompts.at[i], s->class_word))
            return usage("--story-photo: masks follow the word \"%s\", and prompt %d of %s has none: \"%s\"",
                         s->class_word, i + 1, s->story_prompts, t->prompts.at[i]);
    return DONE;
}

/* What --story draws once the subject is learned: from a photo the subject alone, into poses and places that are the
 * prompts'. Read before, so that a mistake in it is told in time. */
static int plan_story(settings *t, settings *s) {
    const char *argv[] = {"story",
                          "--model",
                          s->model,
                          "--subject",
                          s->output,
                          "--prompts",
                          s->story_prompts,
                          "--sheet",
                          format_text(s, "%s-story.png", stem_of(s, false)),
                          "--output",
                          format_text(s, "%s-story-%%d.png", stem_of(s, true)),
                          "--seed",
                          format_text(s, "%lld", (long long)(s->seed < 0 ? SEED : s->seed)),
                          "--photo",
                          s->story_photo,
                          "--source",
                          format_text(s, "a %s %s", s->token, s->class_word),
                          "--method",
                          "auto-mask",
                          "--subject-words",
                          s->class_word,
                          "--background",
                          "prompt",
                          "--fresh",
                          "1"};
    const int all = (int)(sizeof argv / sizeof *argv);
    int rc = options_parse(t, verb_of(STORY), s->story_photo ? all : all - 12, (char **)argv);
    if (rc) return rc;
    t->vae = s->vae, t->config = s->config, t->ema = s->ema, t->prediction = s->prediction;
    t->threads = s->threads, t->numbers = s->numbers, t->device = s->device, t->isa = s->isa;
    t->quiet = s->quiet, t->json = s->json;
    t->width = t->height = s->width;
    if (!(rc = options_check(t))) rc = prompts_read(t);
    if (!rc) rc = story_check(t);
    return rc || !s->story_photo ? rc : check_story_photo(t, s);
}

static int tell_story(settings *t, settings *s) {
    int rc = story(t);
    if (t->report) json_object_set(s->report, "story", t->report);
    return rc;
}

/* Where the state is, or that there is none. */
static void say_stopped(const settings *s) {
    if (s->run)
        note("stopped; --resume goes on from %s", s->run);
    else
        note("stopped; without --run nothing is kept");
}

int train(settings *s) {
    job j = {.s = s};
    ss_subject *learned = NULL;
    settings tale = {0};
    if (!s->report) s->report = must(json_object());
    int rc = check(s);
    if (!rc && s->story_prompts) rc = plan_story(&tale, s);
    if (!rc) rc = job_open(&j, s);
    if (!rc) rc = job_open_model(&j);
    ss_train_concept concept = concept_of(s);
    ss_train_request r = request_of(&j, &concept);
    if (!rc) rc = job_verdict(&j, ss_train(&learned, j.cx, j.m, &r));
    if (rc == STOPPED) say_stopped(s);
    if (!rc) rc = job_verdict(&j, ss_subject_write(j.cx, learned, s->output, NULL));
    if (!rc) subject_tell(s, learned);
    const json_t *best = json_object_get(s->report, "best_step");
    if (!rc && best)
        note("the best samples were those of step %d: %s/best.safetensors", (int)json_integer_value(best), s->run);
    ss_subject_free(learned);
    job_close(&j);
    if (!rc && s->story_prompts) rc = tell_story(&tale, s);
    settings_free(&tale);
    return rc;
}
