/* From light to bytes. */
#ifndef SS_CLAY_DEVELOP_H
#define SS_CLAY_DEVELOP_H

#include <stdint.h>

/* Light from 0 to SS_CLAY_BRIGHTEST, indexed by its square root, where the curve is nearly straight. */
enum { CURVE = 4096 };
#define SS_CLAY_BRIGHTEST 2.25f

/* A soft shoulder for what is bright, then sRGB. */
void ss_clay_curve(uint8_t curve[CURVE + 1]);

#endif
