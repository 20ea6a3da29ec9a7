/* Angles and roots that give the same bits with every C library: pictures are compared by hash. */
#ifndef SS_CLAY_TRIG_H
#define SS_CLAY_TRIG_H

/* Computed in double precision and rounded once, so that nearly every result is the nearest float. Radians, of any size
 * that a scene has. */
float ss_clay_sin(float x);
float ss_clay_cos(float x);
float ss_clay_tan(float x);
float ss_clay_asin(float x); /* x in -1 .. 1 */
float ss_clay_atan(float x);

#endif
