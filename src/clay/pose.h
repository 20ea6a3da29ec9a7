/* What an action does to the joints, for four legs and for two. */
#ifndef SS_CLAY_POSE_H
#define SS_CLAY_POSE_H

#include "clay/clay.h"
#include "clay/vec.h"

enum { RIGHT, LEFT };
static inline float side(int i) { return i == RIGHT ? -1 : 1; }

/* Angles of one limb in degrees: forward swing and outward raise at its root, bend at its middle. */
typedef struct bend {
    float swing, out, bend;
} bend;

typedef struct pose {
    float air;         /* height of the lowest point above the ground */
    float pitch, roll; /* of the trunk: four legs nose up, two legs leaning forward */
    float neck;        /* raises the head about the shoulders */
    float look[3];     /* head: up, to its left, tilt to its right */
    bend arm[2], leg[2];
    float tail, wag;     /* tail up from hanging straight back, and to its left */
    float flap;          /* ears thrown back by speed */
    bool sit, lie, flat; /* flat: feet lie on the ground */
} pose;

/* sway: small variations, each in [-1, 1]; the sign of the first picks the leading leg. glance: degrees that the head
 * turns to the camera. */
pose ss_clay_pose_four(int action, const float *sway, float glance);
pose ss_clay_pose_two(int action, const float *sway, float glance);

#endif
