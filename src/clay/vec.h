/* Vectors, frames and degrees. What stands in this folder's headers without a prefix stays in this folder: formulas are
 * read more often than they are linked.
 *
 * Directions: y is up, a figure at yaw 0 looks along +z at the camera, and its own left hand is at +x.
 */
#ifndef SS_CLAY_VEC_H
#define SS_CLAY_VEC_H

#include "clay/trig.h"

#include <math.h>

#define PI 3.14159265f

static inline float least(float a, float b) { return a < b ? a : b; }
static inline float most(float a, float b) { return a > b ? a : b; }
static inline float clamp(float x, float lo, float hi) { return x < lo ? lo : x > hi ? hi : x; }
static inline float lerp(float a, float b, float t) { return a + (b - a) * t; }
static inline float rad(float degrees) { return degrees * (PI / 180); }

typedef struct vec {
    float x, y, z;
} vec;

static const vec zero = {0, 0, 0};
static inline vec add(vec a, vec b) { return (vec){a.x + b.x, a.y + b.y, a.z + b.z}; }
static inline vec sub(vec a, vec b) { return (vec){a.x - b.x, a.y - b.y, a.z - b.z}; }
static inline vec mul(vec a, float s) { return (vec){a.x * s, a.y * s, a.z * s}; }
static inline vec tint(vec a, vec b) { return (vec){a.x * b.x, a.y * b.y, a.z * b.z}; }
static inline vec mix(vec a, vec b, float t) { return add(mul(a, 1 - t), mul(b, t)); }
static inline float dot(vec a, vec b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static inline float norm(vec a) { return sqrtf(dot(a, a)); }
static inline vec unit(vec a) { return mul(a, 1 / most(norm(a), 1e-9f)); }
static inline vec cross(vec a, vec b) {
    return (vec){a.y * b.z - a.z * b.y, a.z * b.x - a.x * b.z, a.x * b.y - a.y * b.x};
}

/* A place and an orientation; x, y, z are the local axes seen from outside. */
typedef struct frame {
    vec o, x, y, z;
} frame;

static const frame world = {{0, 0, 0}, {1, 0, 0}, {0, 1, 0}, {0, 0, 1}};
static inline vec turn(const frame *f, vec v) { return add(add(mul(f->x, v.x), mul(f->y, v.y)), mul(f->z, v.z)); }
static inline vec at(const frame *f, vec v) { return add(f->o, turn(f, v)); }
static inline frame moved(frame f, vec v) { return (f.o = at(&f, v), f); }
static inline frame put(frame f, vec o) { return (f.o = o, f); }

/* Turns about the frame's own axis by degrees. About x it brings y to z, about y z to x, about z x to y. */
static inline frame turn_x(frame f, float a) {
    float c = ss_clay_cos(rad(a)), s = ss_clay_sin(rad(a));
    return (frame){f.o, f.x, add(mul(f.y, c), mul(f.z, s)), sub(mul(f.z, c), mul(f.y, s))};
}
static inline frame turn_y(frame f, float a) {
    float c = ss_clay_cos(rad(a)), s = ss_clay_sin(rad(a));
    return (frame){f.o, sub(mul(f.x, c), mul(f.z, s)), f.y, add(mul(f.z, c), mul(f.x, s))};
}
static inline frame turn_z(frame f, float a) {
    float c = ss_clay_cos(rad(a)), s = ss_clay_sin(rad(a));
    return (frame){f.o, add(mul(f.x, c), mul(f.y, s)), sub(mul(f.y, c), mul(f.x, s)), f.z};
}

/* A frame at a whose y axis points to b, rolled so that its x stays near the given one. */
static inline frame aimed(vec a, vec b, vec x) {
    vec y = unit(sub(b, a));
    if (fabsf(dot(y, x)) > 0.95f) x = fabsf(y.z) < 0.9f ? (vec){0, 0, 1} : (vec){0, 1, 0};
    vec z = unit(cross(x, y));
    return (frame){a, cross(y, z), y, z};
}

/* Scaled by s, turned about the world's y by yaw degrees, then moved. */
static inline vec carry(vec p, float s, float yaw, vec by) {
    float c = ss_clay_cos(rad(yaw)), n = ss_clay_sin(rad(yaw));
    return add((vec){s * (c * p.x + n * p.z), s * p.y, s * (c * p.z - n * p.x)}, by);
}
static inline frame carry_frame(frame f, float s, float yaw, vec by) {
    return (frame){carry(f.o, s, yaw, by), carry(f.x, 1, yaw, zero), carry(f.y, 1, yaw, zero),
                   carry(f.z, 1, yaw, zero)};
}

#endif
