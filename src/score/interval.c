/* Means with their confidence intervals. */
#include "score/interval.h"

#include <math.h>

/* The table's own numbers as far as it goes, and beyond it an expansion in 1 / freedom (Cornish and Fisher), which is
 * right to four digits there. */
double ss_student(int freedom) {
    static const double table[] = {12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228};
    const double z = 1.959964;
    if (freedom <= (int)(sizeof table / sizeof *table)) return table[freedom - 1];
    double f = freedom, z3 = z * z * z, z5 = z3 * z * z, z7 = z5 * z * z;
    return z + (z3 + z) / (4 * f) + (5 * z5 + 16 * z3 + 3 * z) / (96 * f * f) +
           (3 * z7 + 19 * z5 + 17 * z3 - 15 * z) / (384 * f * f * f);
}

ss_interval ss_interval_of(const double *x, int n) {
    ss_interval r = {NAN, NAN, NAN, 0};
    double sum = 0, squares = 0;
    for (int i = 0; i < n; i++)
        if (!isnan(x[i])) sum += x[i], r.n++;
    if (!r.n) return r;
    r.mean = sum / r.n;
    for (int i = 0; i < n; i++)
        if (!isnan(x[i])) squares += (x[i] - r.mean) * (x[i] - r.mean);
    double half = r.n > 1 ? ss_student(r.n - 1) * sqrt(squares / (r.n - 1) / r.n) : INFINITY;
    r.low = r.mean - half, r.high = r.mean + half;
    return r;
}
