/* What is told from pictures and masks, on made ones where the answer is known, and on renders. */
#include "clay/measure.h"

#include <math.h>
#include <stdio.h>

#include "clay/scenes.h"

enum { SIZE = 64, AREA = SIZE * SIZE };

typedef struct shot {
    uint8_t rgb[AREA * 3], mask[AREA];
    ss_image im;
} shot;

static void render(shot *d, const ss_clay_scene *s) {
    ss_ctx cx = context();
    d->im = (ss_image){SIZE, SIZE, d->rgb};
    ss_clay_picture p = {.size = SIZE, .samples = 1, .rgb = d->rgb, .mask = d->mask};
    if (ss_clay_render(&cx, s, &p)) fail_msg("%s", cx.error);
}

/* Grey all over, and a square subject of one colour. */
static void make(shot *d, uint8_t r, uint8_t g, uint8_t b, int from) {
    d->im = (ss_image){SIZE, SIZE, d->rgb};
    for (int i = 0; i < AREA; i++) {
        bool in = i % SIZE >= from && i % SIZE < from + 32 && i / SIZE >= 16 && i / SIZE < 48;
        d->mask[i] = in ? 255 : 0;
        d->rgb[3 * i] = in ? r : 90, d->rgb[3 * i + 1] = in ? g : 90, d->rgb[3 * i + 2] = in ? b : 90;
    }
}

static bool is_near(double x, double want, double by) { return x > want - by && x < want + by; }

static void backgrounds(void **state) {
    (void)state;
    static shot a, b;
    make(&a, 200, 0, 0, 8);
    make(&b, 0, 0, 200, 24); /* elsewhere: neither place counts */
    assert_true(isinf(ss_clay_background_psnr(&a.im, a.mask, &b.im, b.mask)));
    int outside = AREA - 32 * 48;
    b.rgb[0] += 51; /* 51 of 255 in one number */
    assert_true(is_near(ss_clay_background_psnr(&a.im, a.mask, &b.im, b.mask), 10 * log10(25.0 * 3 * outside), 1e-9));
    memset(a.mask, 255, AREA);
    assert_true(isnan(ss_clay_background_psnr(&a.im, a.mask, &b.im, b.mask)));
}

static void intersections(void **state) {
    (void)state;
    static shot a, b;
    make(&a, 1, 2, 3, 8), make(&b, 1, 2, 3, 24);
    assert_true(is_near(ss_clay_mask_iou(a.mask, b.mask, AREA), 16.0 / 48, 1e-12));
    assert_true(ss_clay_mask_iou(a.mask, a.mask, AREA) == 1);
    memset(a.mask, 127, AREA), memset(b.mask, 0, AREA);
    assert_true(ss_clay_mask_iou(a.mask, b.mask, AREA) == 1);
    b.mask[7] = 128;
    assert_true(ss_clay_mask_iou(a.mask, b.mask, AREA) == 0);
}

static double between(const uint8_t a[3], const uint8_t b[3]) {
    static shot x, y;
    ss_clay_hues h, k;
    make(&x, a[0], a[1], a[2], 8), make(&y, b[0], b[1], b[2], 24);
    ss_clay_hues_of(&h, &x.im, x.mask), ss_clay_hues_of(&k, &y.im, y.mask);
    double sum = h.none;
    for (int i = 0; i < SS_CLAY_HUES; i++) sum += h.of[i];
    assert_true(is_near(sum, 1, 1e-9));
    assert_true(is_near(ss_clay_hue_distance(&h, &k), ss_clay_hue_distance(&k, &h), 1e-12));
    return ss_clay_hue_distance(&h, &k);
}

/* Oklab's hues: red 29.2 degrees, green 142.5, blue 264.1, cyan 194.8. */
static void hues(void **state) {
    (void)state;
    static const uint8_t red[] = {255, 0, 0}, green[] = {0, 255, 0}, blue[] = {0, 0, 255}, cyan[] = {0, 255, 255},
                         dark_red[] = {120, 0, 0}, grey[] = {128, 128, 128}, black[] = {0, 0, 0};
    assert_true(is_near(between(red, red), 0, 1e-12));
    assert_true(is_near(between(red, dark_red), 0, 0.01)); /* brightness is no colour */
    assert_true(is_near(between(red, green), 113.3 / 180, 0.01));
    assert_true(is_near(between(red, blue), 125.1 / 180, 0.01)); /* the short way around */
    assert_true(is_near(between(red, cyan), 165.6 / 180, 0.01));
    assert_true(is_near(between(red, grey), 0.5, 1e-9));
    assert_true(is_near(between(grey, black), 0, 1e-9));
    ss_clay_hues none;
    static shot empty;
    make(&empty, 1, 2, 3, 8);
    memset(empty.mask, 0, AREA);
    ss_clay_hues_of(&none, &empty.im, empty.mask);
    assert_true(none.none == 0 && none.of[0] == 0);
}

/* Stripes of two colours, four pixels each. */
static void patterns(void **state) {
    (void)state;
    static shot x;
    ss_clay_pattern p;
    make(&x, 200, 60, 60, 16);
    ss_clay_pattern_of(&p, &x.im, x.mask);
    assert_true(p.share < 1e-9 && p.contrast < 1e-6 && p.border < 1e-9);
    for (int i = 0; i < AREA; i++)
        if (x.mask[i] && i % 8 < 4) x.rgb[3 * i] = 60, x.rgb[3 * i + 2] = 200;
    ss_clay_pattern_of(&p, &x.im, x.mask);
    assert_true(is_near(p.share, 0.5, 1e-9));
    assert_true(is_near(p.border, 7.0 / 32, 1e-9)); /* seven borders in a row of 32 */
    assert_true(p.contrast > 0.2);
    memset(x.mask, 0, AREA);
    ss_clay_pattern_of(&p, &x.im, x.mask);
    assert_true(p.share == 0 && p.contrast == 0 && p.border == 0);
}

/* Of a red and a blue dog, each seen twice, the pairs of one colour are closer than any of two colours; stripes show.
 */
static void renders(void **state) {
    (void)state;
    static const char *const colors[] = {"red", "blue"};
    static shot x;
    ss_clay_hues h[2][3];
    double border[2] = {0};
    for (int c = 0; c < 2; c++)
        for (uint64_t i = 0; i < 3; i++) {
            ss_clay_request q = {.seed = 9001,
                                 .word = {[SS_CLAY_SPECIES] = "cat",
                                          [SS_CLAY_COLOR] = colors[c],
                                          [SS_CLAY_MARKING] = "plain",
                                          [SS_CLAY_ACCESSORY] = "none",
                                          [SS_CLAY_TIME] = "day"}};
            ss_clay_scene first = scene_of(&q, 0);
            q.who = &first.id;
            ss_clay_scene s = scene_of(&q, i + 1);
            ss_clay_pattern p;
            render(&x, &s);
            ss_clay_hues_of(&h[c][i], &x.im, x.mask);
            ss_clay_pattern_of(&p, &x.im, x.mask);
            border[0] += p.border;
            s.id.marking = STRIPED;
            render(&x, &s);
            ss_clay_pattern_of(&p, &x.im, x.mask);
            border[1] += p.border;
        }
    double same = 0, other = 1;
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) {
            for (int c = 0; c < 2; c++) same = fmax(same, ss_clay_hue_distance(&h[c][i], &h[c][j]));
            other = fmin(other, ss_clay_hue_distance(&h[0][i], &h[1][j]));
        }
    if (same >= other) fail_msg("one individual %.3f apart, two %.3f", same, other);
    if (border[1] < 1.2 * border[0]) fail_msg("stripes %.3f, none %.3f", border[1], border[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backgrounds), cmocka_unit_test(intersections), cmocka_unit_test(hues),
        cmocka_unit_test(patterns),    cmocka_unit_test(renders),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
