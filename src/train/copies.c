/* Thumbnails as unit vectors. */
#include "train/copies.h"

#include "io/image.h"

#include <math.h>

static const double least_copy = 0.9;

ss_status ss_thumb_make(ss_thumb *out, ss_ctx *cx, const ss_image *im) {
    ss_image square = {0}, small = {0};
    ss_status st = ss_image_crop(&square, cx, im, ss_crop_box(im->w, im->h, SS_THUMB, SS_THUMB));
    if (!st) st = ss_image_resize(&small, cx, &square, SS_THUMB, SS_THUMB, SS_BOX);
    if (!st) {
        enum { N = SS_THUMB * SS_THUMB };
        double mean[3] = {0}, length = 0;
        for (int i = 0; i < 3 * N; i++) mean[i % 3] += small.rgb[i] / (double)N;
        for (int i = 0; i < 3 * N; i++) length += (small.rgb[i] - mean[i % 3]) * (small.rgb[i] - mean[i % 3]);
        length = sqrt(length);
        for (int i = 0; i < 3 * N; i++) out->x[i] = length > 0 ? (float)((small.rgb[i] - mean[i % 3]) / length) : 0;
    }
    ss_image_free(&square);
    ss_image_free(&small);
    return st;
}

double ss_thumb_likeness(const ss_thumb *a, const ss_thumb *b) {
    double upright = 0, mirrored = 0;
    for (int y = 0; y < SS_THUMB; y++)
        for (int x = 0; x < SS_THUMB; x++)
            for (int c = 0; c < 3; c++) {
                float p = a->x[3 * (y * SS_THUMB + x) + c];
                upright += p * b->x[3 * (y * SS_THUMB + x) + c];
                mirrored += p * b->x[3 * (y * SS_THUMB + SS_THUMB - 1 - x) + c];
            }
    return fmax(upright, mirrored);
}

double ss_copy_threshold(const ss_thumb *photos, int count) {
    double most = least_copy;
    for (int i = 0; i < count; i++)
        for (int j = 0; j < i; j++) {
            double alike = ss_thumb_likeness(&photos[i], &photos[j]);
            if (alike < SS_SAME_PHOTO) most = fmax(most, alike);
        }
    return most;
}
