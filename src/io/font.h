/* A small bitmap font of our own for ASCII, so that a caption looks the same on every machine, fonts installed or not.
 */
#ifndef SS_FONT_H
#define SS_FONT_H

#include "base/base.h"

enum {
    SS_FONT_HEIGHT = 18, /* pixels of a line, from the top of "A" to the foot of "g" */
    SS_FONT_LINE = 24    /* from one line to the next */
};

/* Pixels from the start of the first to the end of the last letter. The n bytes are UTF-8; letters with marks lose
 * them, what is not ASCII then is drawn as an empty box. */
int ss_font_width(const char *text, size_t n);

/* Draws a line with its top left corner at (x, y); what falls outside the picture is cut off. */
void ss_font_draw(ss_image *im, int x, int y, const char *text, size_t n, const uint8_t colour[3]);

#endif
