/* What a training leaves behind to look at: log.jsonl, a line for each step, sample and warning; samples/, pictures as
 * they came; index.html, a page that shows it all (page.h). Kept in memory, too, for the page. The state that a run
 * goes on from is not here: see state.h.
 */
#ifndef SS_RUN_FOLDER_H
#define SS_RUN_FOLDER_H

#include "base/base.h"

#include <jansson.h>

typedef struct ss_run_step {
    int64_t step; /* counts from 1 */
    double loss, smoothed, rate, norm;
    double seconds; /* a step */
    size_t memory;  /* peak bytes */
} ss_run_step;

typedef struct ss_run_sample {
    int64_t step;
    int number; /* which of the prompts */
    uint64_t seed;
    const char *caption;
    double text, image;  /* alignment, NaN when it was not measured */
    double likeness;     /* to the nearest photo, 1 equal; NaN when it was not measured */
    const char *copy_of; /* the photo that it has become a copy of, or NULL */
} ss_run_sample;

typedef struct ss_run_note {
    int64_t step;
    char *text;
} ss_run_note;

typedef struct ss_kept_sample {
    ss_run_sample about; /* its texts are owned by what follows */
    char *caption, *copy_of;
    char *file;  /* "samples/step-000100-1.png" */
    char *small; /* a JPEG of it in base64, at most SS_SMALL_SIDE pixels a side; NULL if the file is gone */
} ss_kept_sample;

enum { SS_SMALL_SIDE = 192 };

typedef struct ss_run_folder {
    char *path;
    int log; /* file descriptor */
    int64_t steps_in_all;
    json_t *settings;
    ss_run_step *step;
    ss_kept_sample *sample;
    ss_run_note *note;
    int steps, samples, notes;
} ss_run_folder;

/* Makes the folder. Going on (`resume`), lines of steps after `done` are taken out of the log, as the state knows
 * nothing of them, and so is a last line that was cut off; otherwise a folder that holds a log is SS_ERR_ARG.
 * `settings` is kept by a reference of its own; the page shows it. */
ss_status ss_run_folder_open(ss_run_folder **out, ss_ctx *cx, const char *path, const json_t *settings,
                             int64_t steps_in_all, bool resume, int64_t done);
void ss_run_folder_close(ss_run_folder *f);

ss_status ss_run_folder_step(ss_run_folder *f, ss_ctx *cx, const ss_run_step *s);
ss_status ss_run_folder_sample(ss_run_folder *f, ss_ctx *cx, const ss_run_sample *s, const ss_image *picture);
ss_status ss_run_folder_note(ss_run_folder *f, ss_ctx *cx, int64_t step, const char *text);

/* How the samples of a step do together: the means of what was measured, NaN where nothing was. */
typedef struct ss_run_scores {
    double text, image;
} ss_run_scores;
ss_run_scores ss_run_folder_scores(const ss_run_folder *f, int64_t step);

/* The step whose samples are most like the photos, among those whose text-alignment is at least SS_TEXT_KEPT of the
 * untrained model's (step 0's); where none is, the one with the highest text-alignment. Steps after 0; 0: nothing was
 * measured. The earlier of equal ones. */
#define SS_TEXT_KEPT 0.95
int64_t ss_run_folder_best(const ss_run_folder *f);

/* Writes index.html anew. Until the run has ended the page looks for a newer one of itself. */
ss_status ss_run_folder_page(const ss_run_folder *f, ss_ctx *cx, bool ended);

#endif
