/* The readers of a model folder, opened, and what they say about a picture in the words of the clay world. */
#ifndef SS_READERS_H
#define SS_READERS_H

#include "clay/clay.h"
#include "io/weights.h"
#include "model/reader.h"

enum { SS_READER_WORDS = 16, SS_READER_WHO = 64 }; /* most words of a part, most numbers of an embedding */

typedef struct ss_readers {
    ss_params attributes, identity;
    ss_weights *file[2];
    int words[SS_CLAY_PARTS];                 /* that it tells apart of each part; 0: it does not look there */
    int word[SS_CLAY_PARTS][SS_READER_WORDS]; /* the world's number of each */
    int who;                                  /* numbers of an embedding */
} ss_readers;

/* `folder` has config.json, attributes.safetensors and identity.safetensors. SS_ERR_FILE, SS_ERR_FORMAT, SS_ERR_MODEL
 * or SS_ERR_SHAPE: a file that is not there or damaged, a tensor that is missing, left over or misshapen, a word that
 * the clay world has not. */
ss_status ss_readers_open(ss_readers **out, ss_ctx *cx, const char *folder);
void ss_readers_free(ss_readers *r);

/* What is read from one picture. */
typedef struct ss_read {
    int part[SS_CLAY_PARTS];  /* the world's number; -1 where no reader looks */
    float who[SS_READER_WHO]; /* of length 1 */
    uint8_t *mask; /* [h, w], 0 to 255 as sure as the reader is that the figure is there; freed by the caller */
} ss_read;

ss_status ss_readers_look(ss_read *out, ss_ctx *cx, const ss_readers *r, const ss_image *im);

/* How alike two individuals are: the cosine of their embeddings. */
double ss_read_alike(const ss_read *a, const ss_read *b);

#endif
