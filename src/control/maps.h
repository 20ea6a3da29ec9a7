/* Looks on: the mean of a run's cross-attention maps, which words each place of the picture listened to. Changes
 * nothing. */
#ifndef SS_MAPS_H
#define SS_MAPS_H

#include "op/attention.h"

typedef struct ss_maps {
    ss_control control; /* first: the chain points here */
    int rows;           /* the batch's last ones are looked at: those with their texts */
    int level;          /* layers of this resolution are averaged: 2 is the third */
    int h, w;           /* of the maps that came together */
    int64_t len;        /* tokens */
    int count;          /* maps summed */
    float *sum;         /* [rows][h * w][len] */
} ss_maps;

void ss_maps_init(ss_maps *m, int rows);
void ss_maps_clear(ss_maps *m);

/* The mean map [h * w] of one token in one row. */
void ss_maps_token(const ss_maps *m, int row, int token, float *map);

#endif
