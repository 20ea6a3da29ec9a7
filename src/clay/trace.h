/* What rays see: a tile of pixels at once, once for every instruction set that pays. All give the same bits. */
#ifndef SS_CLAY_TRACE_H
#define SS_CLAY_TRACE_H

#include "clay/stage.h"

enum { TILE = 4, RAYS = TILE * TILE };

/* Row by row. rgb is the sum over the samples of linear light, subject of coverage; depth is that of the first sample.
 */
typedef struct seen {
    _Alignas(64) float r[RAYS], g[RAYS], b[RAYS], subject[RAYS], depth[RAYS];
} seen;

/* x, y: the tile's corner in a picture of size x size pixels, each seen by grid x grid samples. */
typedef void trace_fn(seen *out, const stage *s, int x, int y, int size, int grid);

trace_fn ss_clay_trace_portable, ss_clay_trace_avx2, ss_clay_trace_avx512;

/* The fastest that this machine has. */
trace_fn *ss_clay_tracer(void);

#endif
