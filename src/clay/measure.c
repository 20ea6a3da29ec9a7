/* Scores that only look at pixels. */
#include "clay/measure.h"

#include "clay/vec.h"

#include <math.h>

static bool is_subject(uint8_t m) { return m >= 128; }

double ss_clay_background_psnr(const ss_image *a, const uint8_t *mask_a, const ss_image *b, const uint8_t *mask_b) {
    double sum = 0, count = 0;
    for (size_t i = 0, n = (size_t)a->w * (size_t)a->h; i < n; i++) {
        if (is_subject(mask_a[i]) || is_subject(mask_b[i])) continue;
        for (size_t c = 3 * i; c < 3 * i + 3; c++) {
            double d = (double)a->rgb[c] - b->rgb[c];
            sum += d * d;
        }
        count += 3;
    }
    return count > 0 ? 10 * log10(255.0 * 255.0 * count / sum) : NAN;
}

double ss_clay_mask_iou(const uint8_t *a, const uint8_t *b, size_t n) {
    size_t both = 0, any = 0;
    for (size_t i = 0; i < n; i++) {
        both += is_subject(a[i]) && is_subject(b[i]);
        any += is_subject(a[i]) || is_subject(b[i]);
    }
    return any ? (double)both / (double)any : 1;
}

static double linear(uint8_t byte) {
    double x = byte / 255.0;
    return x <= 0.04045 ? x / 12.92 : pow((x + 0.055) / 1.055, 2.4);
}

/* Oklab (Ottosson): lightness, and two axes of colour whose angle is the hue. */
static vec oklab(const uint8_t *rgb) {
    double r = linear(rgb[0]), g = linear(rgb[1]), b = linear(rgb[2]);
    double l = cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
    double m = cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
    double s = cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
    return (vec){(float)(0.2104542553 * l + 0.7936177850 * m - 0.0040720468 * s),
                 (float)(1.9779984951 * l - 2.4285922050 * m + 0.4505937099 * s),
                 (float)(0.0259040371 * l + 0.7827717662 * m - 0.8086757660 * s)};
}

/* ------------------------------------------------------------------------------------------------ hues */

void ss_clay_hues_of(ss_clay_hues *h, const ss_image *im, const uint8_t *mask) {
    const float pale = 0.02f, full = 0.06f; /* chroma below which a colour has no hue, and from which it is all hue */
    double count = 0;
    *h = (ss_clay_hues){0};
    for (size_t i = 0, n = (size_t)im->w * (size_t)im->h; i < n; i++) {
        if (!is_subject(mask[i])) continue;
        vec c = oklab(im->rgb + 3 * i);
        double share = (double)clamp((hypotf(c.y, c.z) - pale) / (full - pale), 0, 1);
        double at = (atan2((double)c.z, (double)c.y) / (2 * (double)PI) + 1) * SS_CLAY_HUES;
        int bin = (int)at;
        h->of[bin % SS_CLAY_HUES] += share * (1 - (at - bin)); /* between two bins, a share to each */
        h->of[(bin + 1) % SS_CLAY_HUES] += share * (at - bin);
        h->none += 1 - share;
        count++;
    }
    for (int i = 0; i < SS_CLAY_HUES && count > 0; i++) h->of[i] /= count;
    if (count > 0) h->none /= count;
}

/* Moving earth around a circle costs the least when the flow across each border is counted from the flows' median.
 * Colour that only one of them has too much of goes to the other's "none". */
double ss_clay_hue_distance(const ss_clay_hues *a, const ss_clay_hues *b) {
    double mass_a = 1 - a->none, mass_b = 1 - b->none, moved = mass_a < mass_b ? mass_a : mass_b;
    double flow[SS_CLAY_HUES], sorted[SS_CLAY_HUES], sum = 0, turns = 0;
    for (int i = 0; i < SS_CLAY_HUES; i++) {
        sum += (mass_a > 0 ? a->of[i] / mass_a : 0) - (mass_b > 0 ? b->of[i] / mass_b : 0);
        flow[i] = sum;
        int j = i;
        for (; j > 0 && sorted[j - 1] > sum; j--) sorted[j] = sorted[j - 1];
        sorted[j] = sum;
    }
    for (int i = 0; i < SS_CLAY_HUES; i++) turns += fabs(flow[i] - sorted[SS_CLAY_HUES / 2]) / (SS_CLAY_HUES / 2);
    return moved > 0 ? moved * turns + 0.5 * fabs(mass_a - mass_b) : 0.5 * fabs(mass_a - mass_b);
}

/* ------------------------------------------------------------------------------------------------ pattern */

/* Shading counts less than colour: a white lump in the shade is still white. */
static vec seen_color(const ss_image *im, size_t i) {
    vec c = oklab(im->rgb + 3 * i);
    return (vec){0.6f * c.x, c.y, c.z};
}

static bool second_is_nearer(vec c, const vec centre[2]) {
    vec a = sub(c, centre[0]), b = sub(c, centre[1]);
    return dot(b, b) < dot(a, a);
}

/* Two means, begun at the subject's mean colour and the colour farthest from it. */
static void split(vec centre[2], size_t count[2], const ss_image *im, const uint8_t *mask) {
    enum { ROUNDS = 12 };
    size_t n = (size_t)im->w * (size_t)im->h;
    float farthest = -1;
    count[0] = count[1] = 0, centre[0] = centre[1] = zero;
    for (size_t i = 0; i < n; i++)
        if (is_subject(mask[i])) centre[0] = add(centre[0], seen_color(im, i)), count[0]++;
    if (!count[0]) return;
    centre[0] = mul(centre[0], 1 / (float)count[0]);
    for (size_t i = 0; i < n; i++) {
        vec d = sub(is_subject(mask[i]) ? seen_color(im, i) : centre[0], centre[0]);
        if (dot(d, d) > farthest) farthest = dot(d, d), centre[1] = add(centre[0], d);
    }
    for (int round = 0; round < ROUNDS; round++) {
        vec sum[2] = {zero, zero};
        count[0] = count[1] = 0;
        for (size_t i = 0; i < n; i++) {
            if (!is_subject(mask[i])) continue;
            vec c = seen_color(im, i);
            int k = second_is_nearer(c, centre);
            sum[k] = add(sum[k], c), count[k]++;
        }
        for (int k = 0; k < 2; k++)
            if (count[k]) centre[k] = mul(sum[k], 1 / (float)count[k]);
    }
}

void ss_clay_pattern_of(ss_clay_pattern *p, const ss_image *im, const uint8_t *mask) {
    vec centre[2];
    size_t count[2], borders = 0, w = (size_t)im->w, n = w * (size_t)im->h;
    *p = (ss_clay_pattern){0};
    split(centre, count, im, mask);
    size_t all = count[0] + count[1];
    if (!all) return;
    for (size_t i = 0; i < n; i++) {
        if (!is_subject(mask[i])) continue;
        bool own = second_is_nearer(seen_color(im, i), centre);
        size_t right = i + 1, below = i + w;
        if (right % w && is_subject(mask[right])) borders += own != second_is_nearer(seen_color(im, right), centre);
        if (below < n && is_subject(mask[below])) borders += own != second_is_nearer(seen_color(im, below), centre);
    }
    p->share = (double)(count[0] < count[1] ? count[0] : count[1]) / (double)all;
    p->contrast = (double)norm(sub(centre[0], centre[1]));
    p->border = (double)borders / (double)all;
}
