/* How samples do, by CLIP: does a picture show what its prompt says, and is it like the photos?
 *
 * Text-alignment is the cosine of the picture and its prompt without the new word, which CLIP does not know:
 * "a <new1> dog" is read as "a dog", and so is "a <new1>" alone. Image-alignment is the mean cosine of the picture and
 * the photos of the subjects that the prompt names. Plain cosines: Custom Diffusion's paper tells 2.5 times as much for
 * texts.
 */
#ifndef SS_ALIGNMENT_H
#define SS_ALIGNMENT_H

#include "train/dataset.h"

typedef struct ss_alignment ss_alignment;

/* The new word of a concept and what stands for it, either may be NULL. A subject without a word is in every prompt. */
typedef struct ss_named_subject {
    const char *token, *class_word;
} ss_named_subject;

/* subject[i] is concept i of the data set; the caller keeps its texts. Looks at every photo. */
ss_status ss_alignment_open(ss_alignment **out, ss_ctx *cx, const char *clip, ss_dataset *data,
                            const ss_named_subject *subject, int count);
void ss_alignment_close(ss_alignment *a);

/* *image is NaN if the prompt names no subject. */
ss_status ss_alignment_measure(double *text, double *image, ss_alignment *a, ss_ctx *cx, const char *prompt,
                               const ss_image *picture);

/* The prompt as somebody would write it who does not know the word; freed with free(). */
char *ss_prompt_without(ss_ctx *cx, const char *prompt, const ss_named_subject *s);

#endif
