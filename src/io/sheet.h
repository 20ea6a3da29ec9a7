/* Several pictures on one: the study's grid. The contact sheet with captions is public, see selfsame.h. */
#ifndef SS_SHEET_H
#define SS_SHEET_H

#include "base/base.h"

/* As torchvision's make_grid: up to 8 pictures of one size a row, 2 black pixels around every one; one alone stays as
 * it is. SS_ERR_SHAPE for sizes that differ. */
ss_status ss_image_grid(ss_image *out, ss_ctx *cx, const ss_image *images, int count);

#endif
