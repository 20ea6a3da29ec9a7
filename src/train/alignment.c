/* Cosines of samples, prompts and photos. */
#include "train/alignment.h"

#include "io/buffer.h"
#include "model/clip_model.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ss_alignment {
    ss_clip *clip;
    const ss_named_subject *subject;
    int count;
    double *photos; /* [count, width]: the mean of the photos' features of length 1 */
    float *feature; /* [2, width]: of a picture and of a text */
};

static bool starts_with_word(const char *text, const char *word) {
    size_t n = strlen(word);
    return !strncmp(text, word, n) && !isalnum((unsigned char)text[n]);
}

char *ss_prompt_without(ss_ctx *cx, const char *prompt, const ss_named_subject *s) {
    ss_buffer b = {0};
    void *text = NULL;
    size_t n = s->token ? strlen(s->token) : 0;
    for (const char *found; n && (found = strstr(prompt, s->token));) {
        ss_put(&b, cx, prompt, (size_t)(found - prompt));
        prompt = found + n;
        const char *next = prompt + strspn(prompt, " ");
        if (!s->class_word || starts_with_word(next, s->class_word))
            prompt = next;
        else
            ss_put_text(&b, cx, s->class_word);
    }
    ss_put_text(&b, cx, prompt);
    return ss_buffer_take(&text, NULL, &b, cx) ? NULL : text;
}

static double length(const float *x, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += (double)x[i] * x[i];
    return sum > 0 ? sqrt(sum) : 1;
}

static ss_status look_at_photos(ss_alignment *a, ss_ctx *cx, ss_dataset *data, int number) {
    int first, count = ss_dataset_photos(data, number, &first);
    int64_t width = a->clip->width;
    double *mean = a->photos + number * width;
    ss_status st = SS_OK;
    for (int i = first; i < first + count && !st; i++) {
        ss_image im = {0};
        st = ss_dataset_image(&im, data, cx, i);
        if (!st) st = ss_clip_image_feature(a->feature, cx, a->clip, &im);
        double scale = st ? 0 : 1 / (length(a->feature, width) * count);
        for (int64_t k = 0; k < width && !st; k++) mean[k] += scale * a->feature[k];
        ss_image_free(&im);
    }
    return st;
}

ss_status ss_alignment_open(ss_alignment **out, ss_ctx *cx, const char *clip, ss_dataset *data,
                            const ss_named_subject *subject, int count) {
    ss_alignment *a = ss_alloc(cx, 1, sizeof *a);
    if (!a) return SS_ERR_NOMEM;
    a->subject = subject, a->count = count;
    ss_status st = ss_clip_open(&a->clip, cx, clip);
    if (!st) {
        a->photos = ss_alloc(cx, (size_t)count * (size_t)a->clip->width, sizeof *a->photos);
        a->feature = ss_alloc(cx, 2 * (size_t)a->clip->width, sizeof *a->feature);
        st = cx->status;
    }
    for (int i = 0; i < count && !st; i++) st = look_at_photos(a, cx, data, i);
    if (st) {
        ss_alignment_close(a);
        return st;
    }
    ss_clip_rest(a->clip);
    *out = a;
    return SS_OK;
}

void ss_alignment_close(ss_alignment *a) {
    if (!a) return;
    ss_clip_free(a->clip);
    free(a->photos);
    free(a->feature);
    free(a);
}

/* The mean over pairs of cosines is the product of one and the mean of the others, all of length 1. */
static double likeness(const ss_alignment *a, const char *prompt) {
    int64_t width = a->clip->width;
    double sum = 0, size = length(a->feature, width);
    int named = 0;
    for (int i = 0; i < a->count; i++) {
        const char *token = a->subject[i].token;
        if (token && !strstr(prompt, token)) continue;
        named++;
        for (int64_t k = 0; k < width; k++) sum += a->photos[i * width + k] * a->feature[k] / size;
    }
    return named ? sum / named : NAN;
}

ss_status ss_alignment_measure(double *text, double *image, ss_alignment *a, ss_ctx *cx, const char *prompt,
                               const ss_image *picture) {
    int64_t width = a->clip->width;
    char *plain = ss_strdup(cx, prompt);
    for (int i = 0; i < a->count && plain; i++) {
        char *less = ss_prompt_without(cx, plain, &a->subject[i]);
        free(plain);
        plain = less;
    }
    ss_status st = plain ? ss_clip_text_feature(a->feature + width, cx, a->clip, plain) : SS_ERR_NOMEM;
    if (!st) st = ss_clip_image_feature(a->feature, cx, a->clip, picture);
    if (!st) {
        *text = ss_cosine(a->feature, a->feature + width, width);
        *image = likeness(a, prompt);
    }
    ss_clip_rest(a->clip); /* until the next sample the training needs the memory */
    free(plain);
    return st;
}
