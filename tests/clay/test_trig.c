/* Angles and the curve of brightness against the C library's functions. */
#include "clay/develop.h"
#include "clay/trig.h"

#include <math.h>
#include <stdio.h>

#include "clay/scenes.h"

static int off;

/* Both round a result in double precision: they differ only where that falls on the edge between two floats. */
static void agree(float got, double want, double x) {
    float near = (float)want;
    if (got == near) return;
    off++;
    if (fabs((double)got - want) > 1.01 * fabs(nextafter((double)near, 10) - (double)near) + 1e-7 * fabs(want))
        fail_msg("at %.9g: %.9g instead of %.17g", x, (double)got, want);
}

static void angles_are_the_nearest_floats(void **state) {
    (void)state;
    off = 0;
    for (int i = -20000; i <= 20000; i++) {
        float x = (float)i * 0.00037f;
        agree(ss_clay_sin(x), sin((double)x), (double)x);
        agree(ss_clay_cos(x), cos((double)x), (double)x);
        agree(ss_clay_tan(x * 0.15f), tan((double)(x * 0.15f)), (double)x);
        agree(ss_clay_atan(x), atan((double)x), (double)x);
        agree(ss_clay_asin(x / 8), asin((double)(x / 8)), (double)x);
    }
    assert_true(ss_clay_asin(1) == (float)asin(1) && ss_clay_asin(-1) == (float)asin(-1));
    assert_in_range(off, 0, 2);
}

/* The formula in develop.c, with the C library's power. Its last bit may move a step by one entry. */
static int byte_of(double x) {
    double u = (x - 0.62) / 0.38;
    if (x > 0.62) x = 0.62 + 0.38 * (1 - 1 / (1 + u + u * u / 2));
    x = x <= 0.0031308 ? 12.92 * x : 1.055 * pow(x, 1 / 2.4) - 0.055;
    return (int)(fmin(fmax(x, 0), 1) * 255 + 0.5);
}

static void the_curve_is_its_formula(void **state) {
    (void)state;
    uint8_t curve[CURVE + 1];
    int moved = 0;
    ss_clay_curve(curve);
    for (int i = 0; i <= CURVE; i++) {
        int want = byte_of((double)i * i * (double)SS_CLAY_BRIGHTEST / ((double)CURVE * CURVE));
        assert_in_range(curve[i] - want + 1, 0, 2);
        moved += curve[i] != want;
    }
    assert_in_range(moved, 0, 2);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(angles_are_the_nearest_floats),
        cmocka_unit_test(the_curve_is_its_formula),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
