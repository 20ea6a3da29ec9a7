/* MasaCtrl (Cao et al., ICCV 2023): mutual self-attention control, and its relatives.
 *
 * Guidance doubles the batch, and each half holds the source first and then its targets. From chosen steps and layers
 * on a target's self-attention reads the source's keys and values instead of its own (section 3.2), both (union), or,
 * with masks, the source's object for its own object and the source's background for the rest (section 3.3). Ours is
 * the choice that the rest reads itself: the subject is carried over, and its surroundings are the prompt's.
 */
#ifndef SS_MASACTRL_H
#define SS_MASACTRL_H

#include "control/keep.h"
#include "control/range.h"
#include "op/attention.h"

enum { SS_MASK_TOKENS = 77 };

/* Positions of a subject's words among a prompt's 77 tokens. */
typedef struct ss_token_set {
    int count;
    int at[SS_MASK_TOKENS];
} ss_token_set;

typedef struct ss_masactrl {
    ss_control control; /* first: the chain points here */
    ss_method method;
    int halves;         /* 2: [unconditional; conditional], 1: without guidance */
    bool source_shared; /* the source is the same in both halves and comes once: [source, targets; targets] */
    bool source_absent; /* the batch holds targets only; the source is read from `keep` */
    const bool *steps;  /* [step_count] */
    int step_count;
    bool layers[SS_LAYERS];

    /* SS_METHOD_MASK: given masks, values as they are: a source key counts as object unless its mask is 0 and as
     * background unless it is 1; a target query takes mask parts object and 1 - mask parts background. */
    ss_mask source_mask, target_mask;

    /* SS_METHOD_AUTO: the words' maps in cross-attention, summed, meaned over the layers of the third resolution level
     * that came before in this pass, brought to 0 .. 1, cut at the threshold. */
    float threshold;
    ss_token_set source_words;
    const ss_token_set *target_words; /* one for each target */
    int map_tokens; /* 0: the third level; else the layers with so many queries (256 in the original program) */

    bool own_background; /* with masks: the background reads itself, not the source's */

    ss_keep *keep; /* NULL, or where the source's keys, values and maps are stored or come from */

    /* Shows the masks that a controlled layer goes by, before they are cut; row 0 is the source. */
    void (*saw)(void *user, int step, int layer, int row, const float *map, int h, int w);
    void *user;

    /* The pass's state. */
    float *sum; /* [rows of a half][map_h * map_w] */
    int maps, map_h, map_w, map_rows;
} ss_masactrl;

/* Sets the functions of `control`; everything else is the caller's to fill in, before or after. */
void ss_masactrl_init(ss_masactrl *m);
void ss_masactrl_clear(ss_masactrl *m); /* frees the pass's state */

#endif
