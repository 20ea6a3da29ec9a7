/* Picture files of a data set: where they are, which of them can be used, their pixels while memory lasts and from the
 * file after that. What they stand for is the data set's business.
 */
#ifndef SS_PICTURES_H
#define SS_PICTURES_H

#include "io/hash.h"
#include "train/copies.h"

/* ------------------------------------------------------------------------------------------------ lists */

typedef struct ss_lines {
    char **at; /* each freed with the list */
    int count;
} ss_lines;

enum { SS_MOST_LINES = 100000 };

void ss_lines_free(ss_lines *l); /* leaves {0} */

/* Takes `line` over, also when it fails; NULL is memory that there was not. `name` is for the sentence about too many.
 */
ss_status ss_lines_append(ss_lines *l, ss_ctx *cx, char *line, const char *name);

/* A text file's lines without their ends; empty ones at the end do not count. */
ss_status ss_lines_read(ss_lines *out, ss_ctx *cx, const char *path);

/* The pictures that `where` means: those of a folder in the order of their names (what lies in folders inside it and
 * what is hidden is left alone, other files are noted), a picture itself, or a text file with a path on each line. Such
 * a path is tried from the list's folder, from the working folder, and then from the list's folder without its first
 * parts, for lists that were written elsewhere. SS_ERR_FILE for a path that leads nowhere or a folder without pictures.
 */
ss_status ss_paths_find(ss_lines *out, ss_ctx *cx, const char *where);

bool ss_is_folder(const char *path);
bool ss_is_file(const char *path);
char *ss_join(ss_ctx *cx, const char *folder, const char *name);
const char *ss_base_name(const char *path); /* what is behind the last slash */

/* ------------------------------------------------------------------------------------------------ pictures */

typedef struct ss_picture {
    char *path;
    char hash[SS_HASH_TEXT]; /* of size and pixels: the same picture in another file has the same */
    int w, h;
    int line; /* place in the list it came from */
    ss_thumb thumb;
    ss_image kept; /* rgb NULL: read again when it is wanted */
    ss_image mask; /* grey, white the subject, at most SS_MASK_SIDE a side; rgb NULL: none */
    char mask_hash[SS_HASH_TEXT];
} ss_picture;

typedef struct ss_pictures {
    ss_picture *at;
    int count;
    int broken, twice; /* left out so far */
    size_t kept;       /* bytes of pixels in memory */
} ss_pictures;

enum {
    SS_KEPT_PIXELS = 256 * 1024 * 1024, /* bytes; what goes beyond is decoded anew whenever it is drawn */
    SS_MASK_SIDE = 512,
    SS_LONGEST_SHAPE = 32 /* one side of a picture against the other */
};

void ss_pictures_free(ss_pictures *p);

/* Reads and adds them. One that is broken, that is longer than SS_LONGEST_SHAPE times its width, or that has the pixels
 * of one from `since` on is left out, with a warning that says so. `since` counts pictures. */
ss_status ss_pictures_add(ss_pictures *p, ss_ctx *cx, const ss_lines *paths, int since);

/* Freed with ss_image_free. Fails when the file is no longer what it was. */
ss_status ss_picture_read(ss_image *out, ss_ctx *cx, const ss_picture *p);

/* Keeps a mask of w x h floats 0..1, which has to have the picture's proportions and show something. `name` is for
 * sentences. */
ss_status ss_picture_mask(ss_picture *p, ss_ctx *cx, const float *mask, int w, int h, const char *name);

#endif
