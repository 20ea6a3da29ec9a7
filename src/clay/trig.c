/* Sine, tangent and their inverses from the four operations and the square root, which IEEE 754 fixes to the last bit.
 */
#include "clay/trig.h"

#include <math.h>

static const double half_pi = 1.5707963267948966;

/* Taylor's series on -pi/4 .. pi/4, where the first term left out is below 1e-16. */
static double sine_near_zero(double x) {
    double q = x * x, term = x, sum = x;
    for (int n = 2; n < 16; n += 2) term *= -q / (n * (n + 1)), sum += term;
    return sum;
}

static double cosine_near_zero(double x) {
    double q = x * x, term = 1, sum = 1;
    for (int n = 1; n < 17; n += 2) term *= -q / (n * (n + 1)), sum += term;
    return sum;
}

/* sin(x + quarters * pi/2) */
static double sine(double x, int quarters) {
    int n = (int)(x / half_pi + (x < 0 ? -0.5 : 0.5));
    double rest = x - n * half_pi;
    quarters = (quarters + n) & 3;
    double y = quarters & 1 ? cosine_near_zero(rest) : sine_near_zero(rest);
    return quarters & 2 ? -y : y;
}

/* Halving the angle three times brings it below pi/16, where the series of the tangent's inverse is short. */
static double arctangent(double x) {
    for (int i = 0; i < 3; i++) x /= 1 + sqrt(1 + x * x);
    double q = x * x, power = x, sum = x;
    for (int n = 3; n < 25; n += 2) power *= -q, sum += power / n;
    return 8 * sum;
}

float ss_clay_sin(float x) { return (float)sine(x, 0); }
float ss_clay_cos(float x) { return (float)sine(x, 1); }
float ss_clay_tan(float x) { return (float)(sine(x, 0) / sine(x, 1)); }
float ss_clay_asin(float x) {
    double y = x;
    return (float)(2 * arctangent(y / (1 + sqrt((1 - y) * (1 + y)))));
}
float ss_clay_atan(float x) { return (float)arctangent(x); }
