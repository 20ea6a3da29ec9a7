/* Products with weights in bfloat16 by AMX tiles, our own: oneDNN's (2.6 and 3.7) reach half of what tiles can do.
 *
 * A convolution is a sum of matrix products, one for each tap of its kernel. Its picture is copied piece by piece onto
 * a canvas with the border around it, small enough for the second cache. There the pixels that a tap meets lie one
 * behind the other: output (y, x) is row f = y * pitch + x of a matrix, and tap (i, j) reads the canvas's pixel f plus
 * a distance that depends on i and j alone. Rows f that fall into the border are computed and dropped. A linear layer
 * is a picture one pixel wide under a kernel of one tap, and needs no canvas.
 *
 * Weights are packed in panels of 32 outputs: for every 32 channels and every tap the two right sides of a tile
 * instruction, [16 pairs of channels, 16 outputs, 2]. Sums run over the channels and taps in that order, whatever the
 * size of the picture, of the batch and of the pieces, so that these do not change a bit.
 */
#ifndef SS_OP_TILES_H
#define SS_OP_TILES_H

#include "device/dnnl.h"
#include "op/ops.h"

enum { SS_PANEL = 32, SS_STEP = 32, SS_STEP_SIZE = SS_PANEL * SS_STEP };

/* Whether a product goes this way. `p` has all but its batch and picture decide, so a parameter is packed once. */
bool ss_tiles_serve(const ss_ctx *cx, const ss_product *p);

/* Numbers of packed weights, and where they lie: element (o, c, tap) at output[o] + channel[c] + tap[t]. `gated`: a
 * panel has 16 outputs of the first half and their partners of the second. */
size_t ss_tiles_count(const ss_product *p);
void ss_tiles_offsets(const ss_product *p, bool gated, int64_t *output, int64_t *channel, int64_t *tap);

/* Bytes of scratch that the product takes. */
size_t ss_tiles_scratch(const ss_ctx *cx, const ss_product *p);

/* y = x w + b + add, b and add where they are there. `gated`: y has half of p's channels, and is the GEGLU of it. */
typedef struct ss_tiles_operands {
    const uint16_t *x, *w, *add;
    const float *b;
    uint16_t *y;
    void *scratch;
    bool gated;
} ss_tiles_operands;
void ss_tiles_run(const ss_ctx *cx, const ss_product *p, const ss_tiles_operands *with);

/* ---- the kernel: up to 32 rows by one panel */

typedef struct ss_tile_block {
    const char *x;      /* row 0 as the first tap meets it */
    int64_t x_row;      /* bytes from a row to the next */
    const int64_t *tap; /* bytes from x to where each tap begins */
    int64_t taps, steps;
    const uint16_t *w;
    int rows;
    float *sum; /* [32, 32] */
    bool first; /* sum holds nothing yet; else what other channels gave */
    bool last;  /* what follows is done to it */

    const char *soon; /* bytes that will be wanted: `soon_step` cache lines of them are fetched at every step */
    int soon_step;

    const int32_t *place;    /* [rows] which row of y each is; -1: none */
    const float *b, *gate_b; /* of the panel's first output, or NULL; gate_b of its partner where the panel is gated */
    const uint16_t *add;     /* from the panel's first output on, like y; or NULL */
    uint16_t *y;
    int64_t width; /* numbers of a row of y */
    int columns;   /* that y has of this panel */
    bool gated;
} ss_tile_block;

void ss_tiles_open(void), ss_tiles_close(void); /* around the blocks that a thread computes */
void ss_tiles_block(const ss_tile_block *b);

#endif
