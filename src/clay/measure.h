/* What can be told from pictures and masks alone, by no network: for scores of methods that change one and should keep
 * the other. Masks are bytes a pixel, 128 and more the subject. Pictures and masks that go together have one size.
 */
#ifndef SS_CLAY_MEASURE_H
#define SS_CLAY_MEASURE_H

#include "clay/clay.h"

/* Peak signal to noise ratio in dB where neither mask has the subject, 255 the peak; infinite for equal backgrounds,
 * NaN where there is none. */
double ss_clay_background_psnr(const ss_image *a, const uint8_t *mask_a, const ss_image *b, const uint8_t *mask_b);

/* Intersection over union of n pixels; 1 if both are empty. */
double ss_clay_mask_iou(const uint8_t *a, const uint8_t *b, size_t n);

/* A subject's colours: how much of it has each hue of Oklab's circle, and how much has none. Sums to 1. */
enum { SS_CLAY_HUES = 36 };
typedef struct ss_clay_hues {
    double of[SS_CLAY_HUES], none;
} ss_clay_hues;

/* All zero if the mask is empty. */
void ss_clay_hues_of(ss_clay_hues *h, const ss_image *im, const uint8_t *mask);

/* 0 for equal colours to 1 for opposite ones: the work of turning one histogram into the other around the circle, per
 * half turn; what has no hue counts as a quarter turn from everything. */
double ss_clay_hue_distance(const ss_clay_hues *a, const ss_clay_hues *b);

/* A subject's pattern, as two colours that fit its pixels best: what share the rarer of them has (0 to 1/2), how far
 * apart they are (in Oklab, 0 to 1), and how much border lies between them, in pixels of border a pixel of subject. */
typedef struct ss_clay_pattern {
    double share, contrast, border;
} ss_clay_pattern;

void ss_clay_pattern_of(ss_clay_pattern *p, const ss_image *im, const uint8_t *mask);

#endif
