/* The pictures of one run on their way out: written with their recipes, told, listed for --json, put on a sheet. */
#ifndef CLI_GALLERY_H
#define CLI_GALLERY_H

#include "files.h"
#include "recipe.h"

typedef struct gallery {
    job *j;
    output out;
    json_t *pictures;
    double seconds; /* that a picture took, of those drawn together its share */
    int written;

    /* Kept for the sheet only. */
    ss_image *image;
    const char **caption;
    int count;
} gallery;

int gallery_open(gallery *g, job *j, int count, const char *stem);

/* Writes the picture and says so. */
int gallery_add(gallery *g, const ss_image *im, const portrait *p);

/* A picture for the sheet, if there is to be one, which then takes its pixels: *im is {0}. */
void gallery_show(gallery *g, ss_image *im, const char *caption);

/* The sheet, and what --json will print. */
int gallery_finish(gallery *g);
void gallery_close(gallery *g);

#endif
