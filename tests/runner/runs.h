/* Sampling runs of golden files. */
#ifndef SS_RUNNER_RUNS_H
#define SS_RUNNER_RUNS_H

#include "runner/runner.h"

/* NAME.latents of a file against the runs that a JSON description lists (timesteps, scheduler, settings). */
void run_sampling_file(runner *r, ss_model *m, const ss_weights *w, const json_t *info, const char *file);

#endif
