/* Every float16, converted by each kernel at odd addresses, against its definition. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/dtype.h"
#include "base/half.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { ALL = 1 << 16 };

static float defined(uint16_t h) {
    int exponent = h >> 10 & 31, mantissa = h & 1023;
    float sign = h & 0x8000 ? -1.0f : 1.0f;
    if (exponent == 31) return mantissa ? NAN : sign * INFINITY;
    return sign * (exponent ? ldexpf((float)(mantissa + 1024), exponent - 25) : ldexpf((float)mantissa, -24));
}

static void check(const float *y, int first) {
    for (int i = 0; i < ALL - first; i++) {
        float want = defined((uint16_t)(first + i));
        if (isnan(want) ? !isnan(y[i]) : memcmp(&y[i], &want, sizeof want) != 0)
            fail_msg("float16 %04x becomes %g, and is %g", first + i, (double)y[i], (double)want);
    }
}

static void every_float16_is_what_it_is(void **state) {
    (void)state;
    char *bytes = malloc(2 * ALL + 1);
    float *y = malloc(ALL * sizeof *y);
    assert_true(bytes && y);
    for (int i = 0; i < ALL; i++) memcpy(bytes + 1 + 2 * i, &(uint16_t){(uint16_t)i}, 2);
    for (int first = 0; first < 12; first++) {
        size_t n = (size_t)(ALL - first);
        ss_to_f32(y, bytes + 1 + 2 * first, SS_F16, n);
        check(y, first);
        ss_f16_to_f32(y, bytes + 1 + 2 * first, n);
        check(y, first);
    }
    free(bytes);
    free(y);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_float16_is_what_it_is)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
