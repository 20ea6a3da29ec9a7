/* A posed skeleton, and the places that clothes and keypoints need. */
#ifndef SS_CLAY_BODY_H
#define SS_CLAY_BODY_H

#include "clay/pose.h"

typedef struct limb {
    frame up, low, end; /* roots of the upper and lower part, and of the hand or foot; each hangs along its -y */
    float l1, l2;
} limb;

/* A posed skeleton and the places that clothes need. */
typedef struct body {
    frame hip, chest, head;
    limb arm[2], leg[2]; /* four legs: arm is the front pair */
    vec head_r;          /* the head is an ellipsoid */
    vec nose;            /* keypoint, on the head's frame */
    vec eye[2], ear[2];  /* keypoints, in the figure's space */
    float eye_r, eye_y, eye_x;
    frame neck; /* a collar lies in its x-z plane */
    float neck_r;
    frame back; /* a backpack lies on its -z side */
    vec hat;    /* the crown, on the head's frame */
    float hat_r;
    bool tail, four, lying; /* has a tail; carries its trunk level; lies down */
    vec tail_base, tail_tip;
} body;

/* The measures of a body plan. */
typedef struct four {
    float leg, leg_r;      /* length and radius of the legs */
    float len, chest, hip; /* trunk: hip to shoulder, and the radius at either end */
    float gap;             /* half the distance of left and right legs */
    float up, fwd;         /* head from the shoulders */
    vec head;
} four;

typedef struct two {
    float leg, leg_r;        /* legs: length, radius */
    float torso, hip, chest; /* trunk: length, radius at either end */
    float stance, shoulder;  /* half the distance of the legs, of the arms */
    float arm, arm_r;
    float neck; /* head's lower end above the shoulders */
    vec head;
} two;

void ss_clay_bones_four(body *b, const four *q, const pose *p);
void ss_clay_bones_two(body *b, const two *q, const pose *p);

#endif
