/* What a picture carries about how it was made: our JSON, from which repeat makes it again, and the text that other
 * tools read.
 */
#ifndef CLI_RECIPE_H
#define CLI_RECIPE_H

#include "job.h"

/* One picture among those of a run. */
typedef struct portrait {
    const char *prompt; /* its own */
    int64_t seed;
    int index; /* among those drawn together, from 0 */
    int width, height;
    bool plain; /* drawn as generate draws, whatever the verb */
} portrait;

/* Whether a picture that says `meta` of itself is the one that p describes. Where the files lay that it was made from
 * does not count, what they held does. */
bool recipe_same(const ss_image_meta *meta, job *j, const portrait *p);

/* The seed that it was drawn from, negative if it does not say. */
int64_t recipe_seed(const ss_image_meta *meta);

/* Of a command line, the whole recipe is made; of repeat, the picture's own is handed on as it stands. *meta is freed
 * with ss_image_meta_free. */
int recipe_write(ss_image_meta *meta, job *j, const portrait *p);

/* What recipes say of the photo and the masks: called once they have been read. For repeat, whether they are still
 * those that the picture was made from. */
int recipe_hash_files(job *j);

/* The model as JSON. */
json_t *recipe_model(const job *j);

/* repeat: the picture's recipe into `t`, whose paths become ones that exist here, or a sentence. */
int recipe_read(settings *t, const json_t *recipe, const char *picture);

/* A path as a recipe has it, with ~ for the home folder. */
const char *recipe_path(settings *s, const char *path);

/* repeat: whether the model that has been opened is the one that the picture was made with. */
int recipe_check_model(const job *j);

#endif
