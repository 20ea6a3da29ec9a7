/* The training loop: rows of the data set become latents, noise and timesteps are drawn, the trainer steps, and whoever
 * wants hears of it.
 *
 * Everything by lot in micro-step i comes from one generator that is seeded by the run's seed and i, so that a run goes
 * on from its state alone. Pictures are encoded once for every placement that comes again.
 */
#ifndef SS_LOOP_H
#define SS_LOOP_H

#include "train/dataset.h"
#include "train/rate.h"
#include "train/state.h"

typedef struct ss_loop_news {
    int64_t step, steps; /* done, of */
    double loss, smoothed, rate, norm;
    double seconds; /* a step, on the mean of the last ones */
    double left;    /* seconds, as it looks */
} ss_loop_news;

typedef struct ss_loop {
    ss_trainer *trainer;
    ss_dataset *data;
    ss_recipe recipe;
    ss_rate rate;     /* its .steps are the run's */
    int accumulation; /* micro-steps a step; 0: 1 */
    double prior;     /* weight of the pictures of the class */
    int size;         /* pixels a side */
    uint64_t seed;
    const char *state;      /* a file, or NULL */
    int64_t save_every;     /* steps between states; 0: only when stopped and at the end */
    const json_t *settings; /* what has to be the same when going on; steps may grow */

    /* After each step, and once before the first. A failure ends the run, its state being kept. May be NULL. */
    ss_status (*after)(void *user, ss_ctx *cx, const ss_loop_news *news);
    void *user;
} ss_loop;

/* Goes on from the state if `resume` says so, and runs to the last step. Asked to stop it keeps its state and returns
 * SS_ERR_STOPPED. SS_ERR_ARG when settings or pictures are no longer what the state was made with. */
ss_status ss_loop_run(const ss_loop *l, ss_ctx *cx, bool resume);

#endif
