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

#endif
