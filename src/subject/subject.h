/* Subjects: what has been learned of something, apart from the model that it was learned with.
 *
 * A subject is tokens with their vectors, changes of weights, and what is known about both. Custom Diffusion's deltas,
 * LoRAs and textual-inversion embeddings are all subjects; a file of any of their forms is read into this one and
 * written from it. Names are always those of the diffusers layout, without the part's prefix. Numbers stay in the type
 * that they were stored in, and in the mapped file where that is possible.
 */
#ifndef SS_SUBJECT_H
#define SS_SUBJECT_H

#include "io/pool.h"
#include "io/weights.h"
#include "model/alter.h"

typedef struct ss_numbers {
    ss_dtype type;
    int rank; /* 0: absent, but for `alpha`-like single numbers nothing of rank 0 is kept */
    int64_t shape[SS_RANK];
    const void *data;
} ss_numbers;

typedef enum ss_change_kind {
    SS_CHANGE_SET,      /* the weight becomes `to` */
    SS_CHANGE_LOW_RANK, /* scale * up x down is added to it */
} ss_change_kind;

typedef struct ss_change {
    ss_part part;     /* SS_PART_UNET, SS_PART_TEXT */
    const char *name; /* "down_blocks.0.attentions.0.transformer_blocks.0.attn2.to_k.weight" */
    ss_change_kind kind;
    ss_numbers to;
    ss_numbers up, down; /* [out, r] or [out, r, 1, 1]; [r, in ...]; r may be 0 */
    double scale;        /* LoRA: alpha / r; 1 in compressed deltas */
} ss_change;

typedef struct ss_subject_token {
    const char *name; /* "<new1>" */
    int64_t count, width;
    const float *vectors;    /* [count][width] */
    const char *class_word;  /* "dog", NULL if nobody says */
    const char *initializer; /* the token that it started from, NULL if nobody says */
} ss_subject_token;

typedef enum ss_subject_format {
    SS_SUBJECT_SELFSAME,      /* ours: one .safetensors, named like delta.bin, metadata says the rest */
    SS_SUBJECT_COMPVIS,       /* delta.ckpt of the original program */
    SS_SUBJECT_BIN,           /* delta.bin of its diffusers program */
    SS_SUBJECT_DIFFUSERS,     /* a folder: pytorch_custom_diffusion_weights.safetensors, a file for each token */
    SS_SUBJECT_DIFFUSERS_BIN, /* the same as .bin */
    SS_SUBJECT_KOHYA,         /* LoRA, sd-scripts' keys */
    SS_SUBJECT_PEFT,          /* LoRA, today's diffusers' keys */
    SS_SUBJECT_EMBEDDING,     /* one token, learned_embeds.safetensors */
    SS_SUBJECT_EMBEDDING_BIN, /* the same as .bin */
    SS_SUBJECT_WEBUI,         /* one token, the web interface's .pt */
    SS_SUBJECT_FORMATS,       /* those that are written; and */
    SS_SUBJECT_LORA_OLD = SS_SUBJECT_FORMATS, /* LoRA, earlier diffusers' keys: read only */
} ss_subject_format;

struct ss_subject {
    char *path;               /* where it was read from; NULL: made here */
    ss_subject_format format; /* it was read from */
    ss_subject_token *token;  /* in the order in which they are added */
    int token_count;
    ss_change *change;
    int64_t change_count;
    ss_pair *metadata; /* in the order in which it was set, no key twice */
    int64_t metadata_count;
    bool sdxl; /* made for SDXL: its second text encoder has vectors of its own, which are not kept */

    ss_pool pool; /* what the pointers above point into, with the files */
    ss_weights **file;
    int files;
};

int64_t ss_numbers_count(const ss_numbers *a);

/* ---- made in memory: everything given is copied */

ss_status ss_subject_new(ss_subject **out, ss_ctx *cx);
ss_status ss_subject_add_token(ss_subject *s, ss_ctx *cx, const ss_subject_token *token);
ss_status ss_subject_set(ss_subject *s, ss_ctx *cx, ss_part part, const char *name, ss_numbers to);
ss_status ss_subject_low_rank(ss_subject *s, ss_ctx *cx, ss_part part, const char *name, ss_numbers up, ss_numbers down,
                              double scale);

/* The same for what stays the caller's, or lies in s->pool or in one of its files. */
ss_status ss_subject_change(ss_subject *s, ss_ctx *cx, const ss_change *c);

/* Metadata. A key that is there gets the new value. modelspec.* keys are other programs', selfsame.* ours: of these
 * selfsame.tokens (class and initializer of each token, as JSON) is written by ss_subject_write from the tokens. */
ss_status ss_subject_say(ss_subject *s, ss_ctx *cx, const char *key, const char *value);
const char *ss_subject_said(const ss_subject *s, const char *key); /* NULL: nothing */

/* ---- initializers of new tokens */

/* The token that a new one starts from. `word` is a word of the vocabulary ("dog"), or, where `piece`, a token as the
 * vocabulary spells it, as the original programs look theirs up ("ktn", "pll", "ucd"). SS_ERR_ARG names the word and
 * the pieces that it consists of. */
ss_status ss_initializer(int32_t *id, ss_ctx *cx, const ss_model *m, const char *word, bool piece);

/* Whether the subject fits the model, and what does not: nothing is changed. */
ss_status ss_subject_check(ss_ctx *cx, const ss_model *m, const ss_subject *s);

/* Adds the subject's i-th token to the model. *called is what it is called there, another name if its own was taken;
 * freed by the caller. */
ss_status ss_subject_token_in(char **called, ss_ctx *cx, ss_model *m, const ss_subject *s, int i);

/* w += strength scale up x down, for a change of that kind; w is [out, in ...] as the checkpoint has it. */
ss_status ss_low_rank_add(float *w, ss_ctx *cx, const ss_change *c, double strength);

/* ---- files: ss_subject_open, ss_subject_write and the rest are public, in selfsame.h */

#endif
