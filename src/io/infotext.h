/* The `parameters` text that A1111's web interface writes into pictures and that most tools read: prompt, negative
 * prompt and a line of named values. Where in a file it lies is image.h's business.
 *
 *     a cat on a wall
 *     Negative prompt: blurry
 *     Steps: 20, Sampler: DDIM, CFG scale: 7.5, Seed: 7, Size: 512x512, Model: v1-5, MasaCtrl step: 4
 */
#ifndef SS_INFOTEXT_H
#define SS_INFOTEXT_H

#include "base/base.h"

enum { SS_INFOTEXT_FIELDS = 1024 }; /* a text with more is read up to here */

typedef struct ss_infotext_field {
    char *key, *value;
} ss_infotext_field;

/* All of it UTF-8 and owned by the struct; zero to begin with. */
typedef struct ss_infotext {
    char *prompt, *negative; /* may have several lines; NULL: none */
    ss_infotext_field *fields;
    int count;
} ss_infotext;

void ss_infotext_free(ss_infotext *t); /* what it holds, not the struct; leaves {0} */

/* A key that is there already keeps its place and gets the new value. */
ss_status ss_infotext_set(ss_infotext *t, ss_ctx *cx, const char *key, const char *value);
ss_status ss_infotext_setf(ss_infotext *t, ss_ctx *cx, const char *key, const char *format, ...) SS_PRINTF(4, 5);

/* The value; where the text does not say it, what that means to its writer ("Clip skip": "1"); NULL if it means
 * nothing. */
const char *ss_infotext_get(const ss_infotext *t, const char *key);

/* A value like 512x768. False, with *w and *h as they were, if it is none. */
bool ss_infotext_size(const ss_infotext *t, const char *key, int *w, int *h);

/* Standard keys in their standard order, then the others as they were set, then Version and User. Empty values, a clip
 * skip of 1 and a GPU's random numbers are not written, as its own writer does. *text is freed with free(). */
ss_status ss_infotext_build(char **text, ss_ctx *cx, const ss_infotext *t);

/* Every text is one: what looks like no line of values is prompt. Fails for lack of memory only. */
ss_status ss_infotext_parse(ss_infotext *out, ss_ctx *cx, const char *text);

#endif
