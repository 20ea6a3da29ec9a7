/* Samplers: from the network's predictions to the next latent. One file and one step function each; a table of them.
 *
 * Everything here is arithmetic on plain arrays of `count` floats, whatever their shape. A run is made of network calls
 * (Heun makes two a step, PNDM one more than steps); control counts steps, not calls.
 */
#ifndef SS_SAMPLER_H
#define SS_SAMPLER_H

#include "base/rng.h"
#include "diffuse/schedule.h"

typedef struct ss_sampling ss_sampling;

typedef struct ss_sampler_options {
    double eta;  /* DDIM's share of noise */
    bool karras; /* Karras et al. 2022, eq. 5 */
} ss_sampler_options;

/* One row of the table. */
typedef struct ss_sampler {
    const char *name;       /* "ddim", "euler a" */
    const char *webui;      /* what A1111's interface calls it */
    const char *class_name; /* what diffusers calls it */
    const char *const *aliases; /* NULL-ended, or NULL */
    bool hidden;            /* not offered to people: inversion */
    bool karras;            /* knows Karras' noise levels */
    /* Fills timesteps, sigmas and what the steps need. */
    ss_status (*prepare)(ss_sampling *s, ss_ctx *cx);
    /* x becomes the next latent; out is the guided prediction of call `call`. Draws from `noise` if it draws at all. */
    ss_status (*step)(ss_sampling *s, ss_ctx *cx, int call, float *x, const float *out, ss_rng *noise);
} ss_sampler;

enum { SS_SAMPLER_HISTORY = 4 };

/* One run. Samplers work on it; others use the functions below. */
struct ss_sampling {
    const ss_sampler *sampler;
    const ss_schedule *schedule; /* owned copy */
    ss_sampler_options options;
    int steps, calls;
    int64_t count;
    float *t;      /* [calls]: timesteps, as the network gets them */
    float *sigma;  /* [calls + 1] for samplers that count in sigmas, or NULL; the last one ends the run */
    int *step_of;  /* [calls] */
    float init_sigma; /* start noise is multiplied by this */
    float *history[SS_SAMPLER_HISTORY]; /* [count] each, newest first; allocated on demand */
    float *saved;  /* [count], for samplers that go back to a state */
    int seen;      /* predictions in history */
};

/* Fails for step counts that the schedule has not. */
ss_status ss_sampling_new(ss_sampling **out, ss_ctx *cx, const ss_sampler *sampler, const ss_schedule *schedule, int steps,
                          const ss_sampler_options *options, int64_t count);
void ss_sampling_free(ss_sampling *s);

int ss_sampling_calls(const ss_sampling *s);
int ss_sampling_step_of(const ss_sampling *s, int call); /* the denoising step that a call belongs to, from 0 */
float ss_sampling_time(const ss_sampling *s, int call);
float ss_sampling_init_sigma(const ss_sampling *s);

/* y = what the network sees of x. */
void ss_sampling_scale_input(const ss_sampling *s, int call, float *y, const float *x);
ss_status ss_sampling_step(ss_sampling *s, ss_ctx *cx, int call, float *x, const float *out, ss_rng *noise);

/* x = x0 with the noise of a call's level: where img2img starts. */
void ss_sampling_add_noise(const ss_sampling *s, int call, float *x, const float *x0, const float *noise);
/* The call that img2img starts from: strength 1 starts from the first. */
int ss_sampling_first_call(const ss_sampling *s, double strength);

/* By name, alias or diffusers class; an unknown name fails with the nearest one. */
const ss_sampler *ss_sampler_find(ss_ctx *cx, const char *name);
const char *ss_sampler_of_class(const char *class_name); /* its name; "ddim" for classes that are not known */

/* The sampler that a scheduler_config.json describes: its class and what in `settings` (which may be NULL) chooses a
 * variant, Karras' levels among them, which go into *options. An unknown class fails. */
const ss_sampler *ss_sampler_for(ss_sampler_options *options, ss_ctx *cx, const char *class_name, const json_t *settings);
/* The steps that a list of so many network calls belongs to. */
int ss_sampler_steps(const ss_sampler *s, int calls);

/* ---- for samplers */

/* Timesteps in descending order, integers, by spacing: spec of diffusers' DDIM and PNDM. */
ss_status ss_spaced(int *t, ss_ctx *cx, const ss_schedule *s, ss_spacing spacing, int n);
ss_status ss_sampling_calls_new(ss_sampling *s, ss_ctx *cx, int calls, bool sigmas);
/* A_t, or what stands in for it before the first timestep. */
float ss_alpha_at(const ss_schedule *s, int t);
/* Prediction to x_0 and noise at cumulative alpha a. */
void ss_split_prediction(const ss_sampling *s, float a, const float *x, const float *out, float *x0, float *eps);

#endif
