/* The files that pictures go to: their names, and whether they can be written, asked before hours of work. */
#ifndef CLI_FILES_H
#define CLI_FILES_H

#include "settings.h"

/* Where picture i of n goes. `stem` names it where --output does not. */
typedef struct output {
    const char *pattern; /* --output; NULL: beside the caller, named after the stem, never over a file that is there */
    const char *stem;
    bool folder;   /* the pattern is one */
    bool numbered; /* a story's, whose pictures have the same names in every run: stem-1.png, stem-2.png ... */
    int count;
} output;

/* Checks --output, --sheet and --preview: a pattern that says something, a suffix that can be written, folders that are
 * there and let us write, no two names for one file, and not the photo itself. */
int output_open(output *out, settings *s, ss_ctx *cx, int count);

/* The name of picture i, counted from 0. */
const char *output_name(const output *out, settings *s, int i, int64_t seed);

/* "dog" of "pictures/dog.jpg" */
const char *stem_of(settings *s, const char *path);

#endif
