/* `golden DIR`: runs every case of a folder of reference numbers and prints a line for each.
 *
 * The layout is that of tests/golden: the folder's JSON files say what each case is, so that other widths, sizes,
 * prompts and seeds need no change here. Limits are those of the golden README, never wider.
 */
#ifndef SS_RUNNER_H
#define SS_RUNNER_H

#include "io/json.h"
#include "io/weights.h"
#include "model/model.h"

typedef struct runner {
    ss_ctx *cx;
    const char *dir;
    const char *kind; /* folder being run, the start of every line */
    int passed, failed, skipped;
} runner;

/* One line: name, metric, value, limit, ok or FAIL. NaN fails. */
void check(runner *r, const char *name, const char *metric, double value, double limit);
/* A case that cannot be run: counts as failed, with the context's sentence or the given one. */
void broken(runner *r, const char *name, const char *why);
void skip(runner *r, const char *name, const char *why);

/* ||a - b|| / ||b||, in double. */
double relative(const float *a, const float *b, int64_t n);
double largest(const float *a, const float *b, int64_t n); /* max |a - b| */

/* A path under the golden folder, in a buffer that the next eight calls leave alone. */
const char *under(const runner *r, const char *format, ...) SS_PRINTF(2, 3);
bool is_there(const char *path);

/* Opens DIR/path, or says so and returns NULL. */
ss_weights *open_tensors(runner *r, const char *path);
json_t *open_json(runner *r, const char *path);

/* A tensor in float32, freed by the caller; NULL, with a line, if it is not there. */
float *numbers(runner *r, const ss_weights *w, const char *name, int64_t *count);
const ss_stored *stored(runner *r, const ss_weights *w, const char *name);

/* Kinds of folders. */
void run_model(runner *r, const char *folder);
void run_samplers(runner *r, const char *folder);
void run_masactrl(runner *r, const char *folder);
void run_tokenizer(runner *r, const char *folder);
void run_noise(runner *r, const char *folder);
void run_image(runner *r, const char *folder);
void run_formats(runner *r, const char *folder);
void run_clip(runner *r, const char *folder);
void run_custom_diffusion(runner *r, const char *folder);
void run_train(runner *r, const char *folder); /* its parts */
void run_augment(runner *r, const char *folder);
void run_merge(runner *r, const char *folder);
void run_compress(runner *r, const char *folder);
void run_sampling(runner *r, const char *folder);

/* The SD 1.x model that samplers/ and masactrl/ were made with: the first model folder that predicts noise. NULL with a
 * line. Freed by the caller. */
ss_model *open_noise_model(runner *r);

/* Texts [n][77 * d] by the model's own encoder, freed by the caller. */
float *embed(runner *r, ss_model *m, const char *const *text, int n);

#endif
