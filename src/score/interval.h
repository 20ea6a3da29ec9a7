/* Means with their confidence intervals. */
#ifndef SS_INTERVAL_H
#define SS_INTERVAL_H

#include <stddef.h>

/* The mean of n numbers and its 95 % interval by Student's t, over what differs independently (individuals, not
 * pictures of one). NaNs are left out; of one number the interval is unbounded, of none everything is NaN. */
typedef struct ss_interval {
    double mean, low, high;
    int n;
} ss_interval;

ss_interval ss_interval_of(const double *x, int n);

/* Half the width of Student's 95 % interval in standard errors, for so many degrees of freedom, 1 or more. */
double ss_student(int freedom);

#endif
