/* What drawing verbs share around the library's calls: a context that reports progress, a model, signals, and the end.
 */
#ifndef CLI_JOB_H
#define CLI_JOB_H

#include "hashes.h"
#include "meter.h"
#include "settings.h"

typedef struct job {
    settings *s;
    ss_ctx *cx;
    ss_model *m;
    ss_model_info info;
    char fingerprint[65]; /* of the model's weights */
    json_t *files;        /* the photo and masks: their paths and hashes, for the recipe */
    hashes *hashes;       /* of the checkpoint's files, for other tools */
    json_t *subjects;     /* the same of what was added to the model: a list */
    meter meter;
    double seconds_open;
    bool preview_failed;
} job;

/* A context made as the settings say, which from here on hears Ctrl-C: once to stop cleanly, twice to die. */
int job_open(job *j, settings *s);

/* The model that the settings name; then s->sampler and the sizes are what will be used. */
int job_open_model(job *j);

/* The verdict of a library call: DONE, or the context's sentence said and FAILED, BAD_USAGE or STOPPED. */
int job_verdict(job *j, ss_status st);

/* No, with numbers, if the machine lacks the memory and nobody said to go on anyway. */
int job_check_memory(job *j, const ss_memory *need);

/* For the requests' preview callbacks; user is the job. */
void job_preview(void *user, const ss_image *picture, int step, int steps);

void job_close(job *j);

/* The signal that asked us to stop, 0 if none did. */
int job_signal(void);

double now(void); /* seconds, from anywhere */
int64_t any_seed(void);

#endif
