/* Samplers: from the network's predictions to the next latent. One file and one step function each; a table of them.
 *
 * Everything here is arithmetic on plain arrays of `count` floats, whatever their shape. A run is made of network calls
 * (Heun makes two a step, PNDM one more than steps); control counts steps, not calls. sampler_parts.h is for the
 * samplers themselves.
 */
#ifndef SS_SAMPLER_H
#define SS_SAMPLER_H

#include "base/rng.h"
#include "diffuse/schedule.h"

typedef struct ss_sampler ss_sampler;   /* a method */
typedef struct ss_sampling ss_sampling; /* one run of it */

/* The last noise level of DPM-Solver's relatives: releases of diffusers differ. */
typedef enum ss_final_sigma {
    SS_FINAL_OWN,  /* DPM++: zero; DEIS and UniPC: the least */
    SS_FINAL_ZERO, /* none: the last step lands on the picture */
    SS_FINAL_LEAST /* that of the training's first timestep */
} ss_final_sigma;

typedef struct ss_sampler_options {
    double eta;  /* DDIM's share of noise, 0 to 1 */
    bool karras; /* noise levels of Karras et al. 2022, eq. 5 */
    ss_final_sigma final_sigma;
    bool euler_at_final; /* DPM++: the last step of first order, however many steps there are */
} ss_sampler_options;

/* ------------------------------------------------------------------------------------------------ choosing one */

/* By name, by what A1111's interface calls it, by another of its names or by diffusers' class; case, spaces and hyphens
 * do not count, "++" may be "pp", and "Karras" may follow (see ss_sampler_wants_karras). An unknown name is SS_ERR_ARG
 * with the nearest one, and NULL. */
const ss_sampler *ss_sampler_find(ss_ctx *cx, const char *name);
const ss_sampler *ss_sampler_inversion(void);   /* DDIM the other way, from a picture to its noise; has no name */
bool ss_sampler_wants_karras(const char *name); /* "DPM++ 2M Karras" */

const char *ss_sampler_name(const ss_sampler *s);       /* "dpm++ 2m" */
const char *ss_sampler_webui_name(const ss_sampler *s); /* "DPM++ 2M" */
bool ss_sampler_knows_karras(const ss_sampler *s);
const char *ss_sampler_of_class(const char *class_name); /* its name; "ddim" for classes that are not known */

/* The sampler that a scheduler_config.json describes: its class and what in `settings` (which may be NULL) chooses a
 * variant or an option, which go into *options. SS_ERR_MODEL for what this program does not have. */
const ss_sampler *ss_sampler_for(ss_sampler_options *options, ss_ctx *cx, const char *class_name,
                                 const json_t *settings);

/* The steps that a list of so many network calls belongs to. */
int ss_sampler_steps(const ss_sampler *s, int calls);

/* ------------------------------------------------------------------------------------------------ one run */

/* `count` floats of latents in all. SS_ERR_ARG for options that the sampler does not know and for more steps than it
 * can take. The schedule is copied. */
ss_status ss_sampling_new(ss_sampling **out, ss_ctx *cx, const ss_sampler *sampler, const ss_schedule *schedule,
                          int steps, const ss_sampler_options *options, int64_t count);
void ss_sampling_free(ss_sampling *s);

int ss_sampling_calls(const ss_sampling *s);
int ss_sampling_step_of(const ss_sampling *s, int call); /* the denoising step that a call belongs to, from 0 */
float ss_sampling_time(const ss_sampling *s, int call);  /* the timestep that the network is told */
float ss_sampling_sigma(const ss_sampling *s,
                        int call);                  /* the noise level of a call; at ss_sampling_calls, of the end */
float ss_sampling_init_sigma(const ss_sampling *s); /* standard normals times this are a start */
bool ss_sampling_draws(const ss_sampling *s);       /* its steps draw noise */

/* y = what the network sees of x. */
void ss_sampling_scale_input(const ss_sampling *s, int call, float *y, const float *x);

/* x becomes the next latent; out is the (guided) prediction of the call. Calls come in order, each once, from any
 * step's first call on. `noise` may be NULL for a run that draws none. */
ss_status ss_sampling_step(ss_sampling *s, ss_ctx *cx, int call, float *x, const float *out, ss_rng *noise);

/* x = x0 with the noise of a call's level: where img2img starts. */
void ss_sampling_add_noise(const ss_sampling *s, int call, float *x, const float *x0, const float *noise);

/* The call that img2img starts from: strength 1 starts from the first. */
int ss_sampling_first_call(const ss_sampling *s, double strength);

#endif
