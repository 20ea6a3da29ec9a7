/* What is asked of the program, whether by its command line or by the recipe in a picture: options.c fills it, the
 * verbs read it.
 */
#ifndef CLI_SETTINGS_H
#define CLI_SETTINGS_H

#include <jansson.h>
#include <selfsame/selfsame.h>

typedef struct verb verb;

typedef struct texts {
    const char **at;
    int count;
} texts;

typedef struct numbers {
    int *at;
    int count;
} numbers;

enum { MOST_OPTIONS = 256 };

typedef struct settings {
    const verb *verb;
    const char *operand;      /* what stands there without an option: the photo, the path, the picture */
    texts operands;           /* all of them, for verbs that take several */
    bool given[MOST_OPTIONS]; /* row i of the option table was on the command line */

    texts prompts;
    const char *prompts_file, *source, *negative;
    const char *photo; /* edit: the operand; generate: what --init names */
    double strength;
    int fit, width, height, size[2];

    const char *model, *vae, *config, *sampler;
    texts subjects; /* FILE or FILE:STRENGTH */
    int prediction, clip_skip;
    bool ema, karras;

    int steps, reuse, images, batch;
    double guidance, eta;
    int64_t seed; /* negative: not chosen yet */

    int method, inversion, background;
    const char *layers, *source_mask, *target_mask, *subject_words, *target_words, *keep_source, *save_masks,
        *save_attention;
    double threshold, inversion_guidance, fresh;
    int start_step, end_step, every, last_digit;
    numbers step_list;
    bool keep_keys, compare;

    /* Of clay: the words that hold parts of a scene, NULL for those that are drawn. */
    const char *parts[SS_CLAY_PARTS];
    int world, held, count, each, samples, captions, shard;
    int64_t first;
    bool truth, masks, keypoints;

    /* Of train. */
    const char *class_word, *token, *concepts, *caption, *initializer, *loss_masks, *class_photos, *class_caption,
        *draw_class, *parameters, *run, *clip, *story_prompts, *story_photo;
    int kind, train_recipe, schedule, train_steps, train_batch, accumulation, warmup, class_images, save_every,
        sample_every;
    double rate, longest_gradient, prior, flip;
    bool still, recompute, resume;

    /* Of merge, compress, convert and story. */
    const char *to, *general;
    int rank, anchor;
    double share;
    bool everything, half, force, draw_source, story, again;

    /* Of score. */
    const char *readers, *parts_of_bench;
    int profile, individuals;

    const char *output, *sheet, *preview;
    bool json, quiet, all, help, help_all;

    int threads, numbers, device, isa, memory;

    const char *work; /* of bench */
    int repeats, scale;

    /* Of repeat: what the picture said, which one it was of those drawn together. NULL when a command line asks. */
    const json_t *recipe;
    const ss_image_meta *meta;
    int index;
    const char *stem, *suffix; /* of the name that the new one gets by default */

    json_t *report; /* what --json prints at the end; the verb fills it */

    char **owned; /* texts that did not come with argv */
    int owned_count;
} settings;

void settings_free(settings *s);

/* s owns the text from here on and frees it at the end. Out of memory ends the program: see must(). */
const char *own(settings *s, char *text);

/* p, or the end of the program with a sentence if there is no memory even for a few bytes. */
void *must(void *p);

/* Printed into memory that s owns. */
const char *format_text(settings *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
