/* merge: several subjects in one file. */
#include "job.h"
#include "options.h"
#include "say.h"
#include "subjects.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A subject whose own prompts came out so much differently is no longer that subject. */
static const double most_lost = 0.05;

/* "dog,cat": one for each subject; an empty one is the subject's own. */
static int split_classes(const char **class_word, settings *s) {
    if (!s->class_word) return DONE;
    int n = 0;
    for (const char *at = s->class_word;; at++) {
        size_t length = strcspn(at, ",");
        if (n < s->operands.count && length) class_word[n] = format_text(s, "%.*s", (int)length, at);
        n++;
        at += length;
        if (!*at) break;
    }
    if (n == s->operands.count) return DONE;
    return usage("--class \"%s\" names %d classes, and there are %d subjects", s->class_word, n, s->operands.count);
}

static int tell(const settings *s, const ss_merged_concept *found, double general) {
    json_t *concepts = must(json_array());
    int rc = DONE;
    for (int i = 0; i < s->operands.count; i++) {
        bool gone = !(found[i].lost <= most_lost);
        json_array_append_new(concepts, must(json_pack("{s:s, s:s, s:f}", "subject", s->operands.at[i], "class",
                                                       found[i].class_word, "lost", found[i].lost)));
        if (!s->json) printf("%s, %s: %.2g %% lost\n", s->operands.at[i], found[i].class_word, 100 * found[i].lost);
        if (gone && !s->force)
            rc = failure("%s would lose %.0f %% of what it learned, so nothing was written: are two of them about the "
                         "same word? (--force writes it all the same)",
                         s->operands.at[i], 100 * found[i].lost);
    }
    if (!s->json) printf("everything else moved by %.2g %%\n", 100 * general);
    json_object_set_new(s->report, "concepts", concepts);
    json_object_set_new(s->report, "general", json_real(general));
    return rc;
}

int merge(settings *s) {
    job j = {.s = s};
    int count = s->operands.count;
    ss_subject **subject = must(calloc((size_t)count, sizeof *subject)), *merged = NULL;
    const char **class_word = must(calloc((size_t)count, sizeof *class_word));
    ss_merged_concept *found = must(calloc((size_t)count, sizeof *found));
    double general = 0;
    texts captions = {0};

    s->report = must(json_object());
    int rc = count < 2 ? usage("merge takes two subjects or more, and there is one: \"%s\"", s->operand) : DONE;
    if (!rc) rc = subject_check_output(s, "merged.safetensors");
    if (!rc) rc = split_classes(class_word, s);
    if (!rc && s->general) rc = lines_read(&captions, s, s->general);
    s->numbers = NUMBERS_FLOAT32; /* texts' features, from which everything follows */
    if (!rc) rc = job_open(&j, s);
    if (!rc) rc = job_open_model(&j);
    for (int i = 0; i < count && !rc; i++) rc = job_verdict(&j, ss_subject_open(&subject[i], j.cx, s->operands.at[i]));
    ss_merging o = {.subject = (const ss_subject *const *)subject,
                    .class_word = class_word,
                    .count = count,
                    .caption = captions.at,
                    .caption_count = captions.count,
                    .compvis = s->train_recipe == RECIPE_COMPVIS};
    if (!rc) rc = job_verdict(&j, ss_subject_merge(&merged, found, &general, j.cx, j.m, &o));
    if (!rc) rc = tell(s, found, general);
    if (!rc) rc = job_verdict(&j, ss_subject_write(j.cx, merged, s->output, NULL));
    if (!rc) subject_tell(s, merged);

    for (int i = 0; i < count; i++) ss_subject_free(subject[i]);
    ss_subject_free(merged);
    free(subject);
    free(class_word);
    free(found);
    free(captions.at);
    job_close(&j);
    return rc;
}
