/* A scene ready to be looked at: the figure at its size and place in the frame, the place around it, and what the rays
 * need of both. */
#ifndef SS_CLAY_STAGE_H
#define SS_CLAY_STAGE_H

#include "clay/env.h"
#include "clay/figure.h"

typedef struct stage {
    maker m;          /* everything */
    maker made, rest; /* the figure alone: posed and at rest, as made */
    env e;
    body b;
    int figure; /* lumps [0, figure) are the subject */
    /* Balls around the lumps; behind the last one, up to MAX_LUMPS, balls that nothing meets. */
    float x[MAX_LUMPS], y[MAX_LUMPS], z[MAX_LUMPS], r[MAX_LUMPS];
    float scale;
    const ss_clay_identity *id;
    vec marking_rgb;
    frame face; /* markings leave the middle of the face clear: an ellipsoid here */
    vec face_r;
} stage;

/* The scene has to outlive the stage. */
void ss_clay_compose(stage *s, const ss_clay_scene *scene);

/* Where a point of the figure as it was made shows in a picture of size x size pixels, and how far from the camera. */
void ss_clay_project(const stage *s, vec p, float yaw, int size, float *x, float *y, float *depth);

#endif
