/* Several subjects into one by constrained optimisation, in float64:
 *
 *     min over W of || W C_reg^T - W0 C_reg^T ||   subject to   W C^T = V^T
 *
 * C are the texts' features of the subjects' own prompts, V what each subject's own keys or values make of them, C_reg
 * the features of general captions: what was learned stays, and nothing else moves more than it has to.
 */
#ifndef SS_MERGE_H
#define SS_MERGE_H

#include "subject/subject.h"

typedef struct ss_merging {
    const ss_subject *const *subject;
    const char *const *class_word; /* of each; NULL, or NULL for one: the subject's own */
    int count;
    const char *const *caption; /* NULL: ours */
    int caption_count;
    bool compvis; /* "a photo of <new1> dog" instead of "photo of a <new1> dog": as the original's first program has it
                   */
} ss_merging;

typedef struct ss_merged_concept {
    char class_word[64];
    double lost; /* ||W c - W_i c|| / ||W_i c - W0 c|| over what its own prompts do not share with earlier ones: 0 all
                    of it is there. 1: its prompts say nothing that those of others do not say */
} ss_merged_concept;

/* The problem itself: features as rows, float64. */
typedef struct ss_merge_problem {
    int64_t width;              /* of a feature */
    int64_t general_rows, rows; /* of C_reg and of C */
    double *general, *own;      /* C_reg, C */
    int *concept;               /* whose row of C it is */
    double *pull;               /* [rows][width]: (D C^T)^-1 D, once solved */
    ss_subject *merged;         /* its tokens, then its weights, too */
} ss_merge_problem;

/* Steps of ss_subject_merge. The model gets the tokens. */
ss_status ss_merge_read(ss_merge_problem *p, ss_ctx *cx, ss_model *m, const ss_merging *o);
ss_status ss_merge_solve(ss_merge_problem *p, ss_ctx *cx);
ss_status ss_merge_weights(ss_merge_problem *p, ss_merged_concept *found, double *general, ss_ctx *cx,
                           const ss_model *m, const ss_merging *o);
void ss_merge_clear(ss_merge_problem *p);

/* w[out][width] comes in as W0 and goes out as W; v[rows][out] are the rows of V. */
ss_status ss_merge_weight(double *w, ss_ctx *cx, const ss_merge_problem *p, const double *v, int64_t out);

/* The merged subject; found[count] tells how much of each concept is lost. `m` is the model without any of them; the
 * tokens are added to it. SS_ERR_ARG for subjects that this is not defined for: those that change more than keys and
 * values of cross-attention. *general, if not NULL: how far keys and values of general captions moved, relatively. */
ss_status ss_subject_merge(ss_subject **out, ss_merged_concept *found, double *general, ss_ctx *cx, ss_model *m,
                           const ss_merging *o);

#endif
