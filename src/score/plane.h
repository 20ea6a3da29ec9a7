/* A study as a figure: identity against prompt accuracy, a point for each place where control may start. */
#ifndef SS_PLANE_H
#define SS_PLANE_H

#include "score/rows.h"

/* The first steps and first layers that a study's rows have, rising. */
enum { SS_GRID = 16 };
typedef struct ss_grid {
    int step[SS_GRID], layer[SS_GRID], steps, layers;
} ss_grid;

ss_grid ss_grid_of(const ss_row_list *r);

/* Writes study.svg into the folder. */
ss_status ss_plane_write(const ss_row_list *r, ss_ctx *cx, const ss_grid *g, const char *folder);

#endif
