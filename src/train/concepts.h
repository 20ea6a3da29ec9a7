/* Several subjects in one JSON file, as the published programs have it:
 *
 *     [{"instance_prompt": "photo of a <new1> cat", "instance_data_dir": "data/cat",
 *       "class_prompt": "cat", "class_data_dir": "real_reg/samples_cat"}, ...]
 *
 * and in addition "mask_dir" (masks of the photos), "modifier_token" and "initializer_token". A "prompt_filename"
 * beside them, as CustomConcept101 has it, is for scoring and passed over; any other key is an error.
 */
#ifndef SS_CONCEPTS_H
#define SS_CONCEPTS_H

#include "train/dataset.h"
#include "train/pictures.h"

enum { SS_MOST_CONCEPTS = 64 };

typedef struct ss_concepts {
    ss_concept *at;
    const char **token;       /* of each: the key, or the first <...> of its prompt; NULL: none */
    const char **initializer; /* NULL: the default */
    int count;
    ss_lines owned; /* the texts that the above point to */
} ss_concepts;

/* Paths that are not there from the working folder are looked for beside the file; what is in neither place stays as it
 * is written. `folder` is where the file lies, for ss_concepts_parse. */
ss_status ss_concepts_read(ss_concepts *out, ss_ctx *cx, const char *path);
ss_status ss_concepts_parse(ss_concepts *out, ss_ctx *cx, const char *name, const void *bytes, size_t size,
                            const char *folder);
void ss_concepts_free(ss_concepts *c); /* leaves {0} */

/* The first token in a prompt, with its brackets, freed with free(); NULL for none (and for lack of memory, which cx
 * keeps). */
char *ss_prompt_token(ss_ctx *cx, const char *prompt);

#endif
