/* More of the `parameters` text that A1111's web interface writes into pictures and that most tools read; the rest is
 * public, see selfsame.h. Where in a file it lies is image.h's business.
 */
#ifndef SS_INFOTEXT_H
#define SS_INFOTEXT_H

#include "base/base.h"

enum { SS_INFOTEXT_FIELDS = 1024 }; /* a text with more is read up to here */

ss_status ss_infotext_setf(ss_infotext *t, ss_ctx *cx, const char *key, const char *format, ...) SS_PRINTF(4, 5);

/* A value like 512x768. False, with *w and *h as they were, if it is none. */
bool ss_infotext_size(const ss_infotext *t, const char *key, int *w, int *h);

#endif
