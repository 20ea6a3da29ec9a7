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
    int place;      /* of the next picture among all, from 0 */
    int written, kept;

    /* Kept for the sheet only. */
    ss_image *image;
    const char **caption;
    int count;
} gallery;

int gallery_open(gallery *g, job *j, int count, const char *stem);

/* Whether the picture's file is there and is what p describes, or is another. */
typedef enum standing { MISSING, THERE, ANOTHER } standing;
standing gallery_look(gallery *g, int place, const portrait *p);

/* The seed of the picture that is there, negative if there is none or it does not say. */
int64_t gallery_seed(gallery *g, int place);

/* Lists a picture that is there. */
void gallery_keep(gallery *g, int place, const portrait *p);

/* Writes the picture and says so. */
int gallery_add(gallery *g, const ss_image *im, const portrait *p);

/* A picture for the sheet, if there is to be one, which then takes its pixels: *im is {0}. */
void gallery_show(gallery *g, ss_image *im, const char *caption);

/* The sheet, and what --json will print. */
int gallery_finish(gallery *g);
void gallery_close(gallery *g);

#endif
