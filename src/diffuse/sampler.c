/* The table of samplers, and what a run of any of them has in common. */
#include "diffuse/sampler_parts.h"

#include <assert.h>
#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

extern const ss_sampler ss_sampler_ddim, ss_sampler_ddim_inversion, ss_sampler_ddpm, ss_sampler_deis, ss_sampler_dpm2,
    ss_sampler_dpm2_ancestral, ss_sampler_dpmpp_2m, ss_sampler_dpmpp_2m_heun, ss_sampler_dpmpp_2m_sde,
    ss_sampler_dpmpp_2s, ss_sampler_dpmpp_3m, ss_sampler_euler, ss_sampler_euler_ancestral, ss_sampler_heun,
    ss_sampler_lcm, ss_sampler_lms, ss_sampler_pndm, ss_sampler_unipc;

static const ss_sampler *const samplers[] = {
    &ss_sampler_ddim,     &ss_sampler_pndm,         &ss_sampler_euler,         &ss_sampler_euler_ancestral,
    &ss_sampler_heun,     &ss_sampler_lms,          &ss_sampler_dpm2,          &ss_sampler_dpm2_ancestral,
    &ss_sampler_dpmpp_2m, &ss_sampler_dpmpp_2m_sde, &ss_sampler_dpmpp_2m_heun, &ss_sampler_dpmpp_3m,
    &ss_sampler_dpmpp_2s, &ss_sampler_unipc,        &ss_sampler_deis,          &ss_sampler_lcm,
    &ss_sampler_ddpm,
};

/* The names of the rows above, which a constant array cannot take from them. */
const char *const *ss_sampler_names(void) {
    static const char *const names[] = {"ddim",     "pndm",   "euler",    "euler a",      "heun",          "lms",
                                        "dpm2",     "dpm2 a", "dpm++ 2m", "dpm++ 2m sde", "dpm++ 2m heun", "dpm++ 3m",
                                        "dpm++ 2s", "unipc",  "deis",     "lcm",          "ddpm",          NULL};
    return names;
}

/* ------------------------------------------------------------------------------------------------ choosing one */

enum { NAME = 64 };

/* Small letters and digits, "++" as "pp", without a "karras" at the end: so "DPM++ 2M Karras" becomes "dpmpp2m". */
static void plain_name(char plain[NAME], const char *name) {
    static const char suffix[] = "karras";
    size_t n = 0, m = sizeof suffix - 1;
    for (; *name && n < NAME - 1; name++) {
        if (isalnum((unsigned char)*name)) plain[n++] = (char)tolower((unsigned char)*name);
        if (*name == '+') plain[n++] = 'p';
    }
    if (n > m && !memcmp(plain + n - m, suffix, m)) n -= m;
    plain[n] = 0;
}

bool ss_sampler_wants_karras(const char *name) {
    static const char suffix[] = "karras";
    size_t n = strlen(name), m = sizeof suffix - 1;
    if (n <= m) return false;
    for (size_t i = 0; i < m; i++)
        if (tolower((unsigned char)name[n - m + i]) != suffix[i]) return false;
    return true;
}

static bool is_called(const ss_sampler *s, const char *plain) {
    char other[NAME];
    plain_name(other, s->name);
    if (!strcmp(other, plain)) return true;
    plain_name(other, s->webui);
    if (!strcmp(other, plain)) return true;
    for (int i = 0; s->aliases && s->aliases[i]; i++) {
        plain_name(other, s->aliases[i]);
        if (!strcmp(other, plain)) return true;
    }
    plain_name(other, s->class_name);
    return !strcmp(other, plain);
}

const ss_sampler *ss_sampler_find(ss_ctx *cx, const char *name) {
    const char *names[SS_COUNT_OF(samplers)];
    char plain[NAME];
    int count = 0;
    plain_name(plain, name);
    for (int i = 0; i < SS_COUNT_OF(samplers); i++) {
        const ss_sampler *s = samplers[i];
        if (is_called(s, plain)) return s;
        names[count++] = s->name;
    }
    const char *near = ss_nearest(name, names, count);
    ss_fail(cx, SS_ERR_ARG, "there is no sampler \"%.60s\"%s%s%s", name, near ? "; did you mean \"" : "",
            near ? near : "", near ? "\"?" : "");
    return NULL;
}

const ss_sampler *ss_sampler_inversion(void) { return &ss_sampler_ddim_inversion; }

const char *ss_sampler_name(const ss_sampler *s) { return s->name; }
const char *ss_sampler_webui_name(const ss_sampler *s) { return s->webui; }
bool ss_sampler_knows_karras(const ss_sampler *s) { return s->karras; }

static const ss_sampler *of_class(const char *class_name) {
    for (int i = 0; i < SS_COUNT_OF(samplers); i++)
        if (!strcmp(samplers[i]->class_name, class_name)) return samplers[i];
    return NULL;
}

const char *ss_sampler_of_class(const char *class_name) {
    const ss_sampler *s = of_class(class_name);
    return s ? s->name : ss_sampler_ddim.name;
}

/* DPMSolverMultistepScheduler is a family: one of its rows by order, solver and algorithm. */
static const ss_sampler *solver_of(ss_ctx *cx, ss_object o) {
    int64_t order = ss_json_int(cx, o, "solver_order", 2);
    const char *solver = ss_json_text(cx, o, "solver_type", "midpoint");
    const char *algorithm = ss_json_text(cx, o, "algorithm_type", "dpmsolver++");
    bool plain = !strcmp(algorithm, "dpmsolver++"), midpoint = !strcmp(solver, "midpoint");
    if (order == 2 && plain && midpoint) return &ss_sampler_dpmpp_2m;
    if (order == 2 && plain && !strcmp(solver, "heun")) return &ss_sampler_dpmpp_2m_heun;
    if (order == 2 && !strcmp(algorithm, "sde-dpmsolver++") && midpoint) return &ss_sampler_dpmpp_2m_sde;
    if (order == 3 && plain) return &ss_sampler_dpmpp_3m;
    ss_fail(cx, SS_ERR_MODEL, "%s: a solver of order %lld, type \"%.30s\", algorithm \"%.30s\" is not known", o.name,
            (long long)order, solver, algorithm);
    return NULL;
}

const ss_sampler *ss_sampler_for(ss_sampler_options *options, ss_ctx *cx, const char *class_name,
                                 const json_t *settings) {
    ss_object o = {settings, class_name};
    const ss_sampler *s = of_class(class_name);
    if (!s) ss_fail(cx, SS_ERR_MODEL, "the scheduler class \"%.60s\" is not known", class_name);
    if (s == &ss_sampler_dpmpp_2m) s = solver_of(cx, o);
    options->karras = ss_json_bool(cx, o, "use_karras_sigmas", false);
    options->euler_at_final = ss_json_bool(cx, o, "euler_at_final", false);
    const char *last = ss_json_text(cx, o, "final_sigmas_type", "");
    options->final_sigma = !strcmp(last, "zero")        ? SS_FINAL_ZERO
                           : !strcmp(last, "sigma_min") ? SS_FINAL_LEAST
                                                        : SS_FINAL_OWN;
    if (*last && !options->final_sigma)
        ss_fail(cx, SS_ERR_MODEL, "%s: final_sigmas_type is \"%.60s\"; it is zero or sigma_min", o.name, last);
    return cx->status ? NULL : s;
}

static int calls_of(const ss_sampler *s, int steps) {
    if (s->twice) return 2 * steps - 1;
    return s->repeats && steps > 1 ? steps + 1 : steps;
}

int ss_sampler_steps(const ss_sampler *s, int calls) {
    int steps = 1;
    while (calls_of(s, steps) < calls) steps++;
    return steps;
}

/* ------------------------------------------------------------------------------------------------ one run */

static ss_status check_options(ss_ctx *cx, const ss_sampler *s, int steps, const ss_sampler_options *o) {
    int most = s->most_steps ? s->most_steps : SS_TRAIN_STEPS;
    if (steps < 1 || steps > most) {
        return ss_fail(cx, SS_ERR_ARG, "%d steps: sampler \"%s\" takes 1 to %d", steps, s->name, most);
    }
    if (o->karras && !s->karras) {
        return ss_fail(cx, SS_ERR_ARG, "sampler \"%s\" does not take Karras' noise levels", s->name);
    }
    if (o->eta != 0 && !s->eta) {
        return ss_fail(cx, SS_ERR_ARG, "eta %g: sampler \"%s\" has no such setting; \"ddim\" has", o->eta, s->name);
    }
    if (!(o->eta >= 0 && o->eta <= 1)) return ss_fail(cx, SS_ERR_ARG, "eta %g: it goes from 0 to 1", o->eta);
    return SS_OK;
}

ss_status ss_sampling_new(ss_sampling **out, ss_ctx *cx, const ss_sampler *sampler, const ss_schedule *schedule,
                          int steps, const ss_sampler_options *options, int64_t count) {
    ss_status st = check_options(cx, sampler, steps, options);
    if (st) return st;
    ss_sampling *s = ss_alloc(cx, 1, sizeof *s);
    if (!s) return cx->status;
    *s = (ss_sampling){.sampler = sampler, .schedule = *schedule, .options = *options, .steps = steps, .count = count};
    s->calls = calls_of(sampler, steps);
    s->init_sigma = 1;
    s->t = ss_alloc(cx, (size_t)s->calls, sizeof *s->t);
    s->sigma = ss_alloc(cx, (size_t)s->calls + 1, sizeof *s->sigma);
    for (int i = 0; i < sampler->history && !cx->status; i++)
        s->history[i] = ss_alloc(cx, (size_t)count, sizeof **s->history);
    if (sampler->saves && !cx->status) s->saved = ss_alloc(cx, (size_t)count, sizeof *s->saved);
    if (ss_sampling_draws(s) && !cx->status) s->noise = ss_alloc(cx, (size_t)count, sizeof *s->noise);
    st = cx->status;
    if (!st) st = sampler->levels(s, cx);
    if (st)
        ss_sampling_free(s);
    else
        *out = s;
    return st;
}

void ss_sampling_free(ss_sampling *s) {
    if (!s) return;
    for (int i = 0; i < SS_SAMPLER_HISTORY; i++) free(s->history[i]);
    free(s->saved);
    free(s->noise);
    free(s->t);
    free(s->sigma);
    free(s);
}

int ss_sampling_calls(const ss_sampling *s) { return s->calls; }
float ss_sampling_time(const ss_sampling *s, int call) { return s->t[call]; }
float ss_sampling_sigma(const ss_sampling *s, int call) { return s->sigma[call]; }
float ss_sampling_init_sigma(const ss_sampling *s) { return s->init_sigma; }
bool ss_sampling_draws(const ss_sampling *s) { return s->sampler->draws || s->options.eta > 0; }

int ss_sampling_step_of(const ss_sampling *s, int call) {
    if (s->sampler->twice) return call / 2;
    return s->sampler->repeats && call ? call - 1 : call;
}

void ss_sampling_scale_input(const ss_sampling *s, int call, float *y, const float *x) {
    float by = s->sampler->exploding ? sqrtf(s->sigma[call] * s->sigma[call] + 1) : 1;
    for (int64_t i = 0; i < s->count; i++) y[i] = x[i] / by;
}

ss_status ss_sampling_step(ss_sampling *s, ss_ctx *cx, int call, float *x, const float *out, ss_rng *noise) {
    assert(call >= 0 && call < s->calls);
    if (ss_sampling_draws(s) && !noise)
        return ss_fail(cx, SS_ERR_ARG, "sampler \"%s\" draws noise and was given no generator", s->sampler->name);
    s->sampler->step(s, call, x, out, noise);
    s->done++;
    return SS_OK;
}

void ss_sampling_add_noise(const ss_sampling *s, int call, float *x, const float *x0, const float *noise) {
    double sigma = s->sigma[call], alpha = s->sampler->exploding ? 1 : 1 / sqrt(sigma * sigma + 1);
    SS_SUM(s, x, {alpha, x0}, {alpha * sigma, noise});
}

/* diffusers 0.15 counts entries of its list of timesteps, which are steps for all but the methods that look twice;
 * newer releases start those at the same level as others, and so does this. */
int ss_sampling_first_call(const ss_sampling *s, double strength) {
    int drawn = (int)(s->steps * strength);
    int first = drawn < s->steps ? s->steps - drawn : 0;
    if (s->sampler->twice) first *= 2;
    return first < s->calls ? first : s->calls - 1;
}

/* ------------------------------------------------------------------------------------------------ levels */

ss_status ss_levels_integers(int *t, ss_ctx *cx, ss_spacing spacing, int steps_offset, int n) {
    int ratio = SS_TRAIN_STEPS / n;
    double stride = n > 1 ? (SS_TRAIN_STEPS - 1) / (double)(n - 1) : 0;
    for (int k = 0; k < n; k++) {
        if (spacing == SS_SPACING_LINSPACE)
            t[k] = n > 1 ? (int)rint((n - 1 - k) * stride) : SS_TRAIN_STEPS - 1;
        else if (spacing == SS_SPACING_TRAILING)
            t[k] = (int)rint(SS_TRAIN_STEPS - k * (SS_TRAIN_STEPS / (double)n)) - 1;
        else
            t[k] = (n - 1 - k) * ratio + steps_offset;
    }
    if (t[0] < SS_TRAIN_STEPS) return SS_OK;
    return ss_fail(cx, SS_ERR_ARG, "%d steps with an offset of %d start at timestep %d; the training had %d", n,
                   steps_offset, t[0], SS_TRAIN_STEPS);
}

/* Karras et al. 2022, eq. 5 with rho = 7: level k of n, from `most` to `least`. */
static double karras_level(double most, double least, int k, int n) {
    const double rho = 7;
    double a = pow(most, 1 / rho), b = pow(least, 1 / rho);
    return pow(a + (n > 1 ? k / (double)(n - 1) : 0) * (b - a), rho);
}

/* Level k of n and its timestep. A list of one level starts where the training ends, though numpy's would not. */
static void sigma_level(const ss_sampling *s, ss_spacing spacing, int k, double *t, double *sigma) {
    int n = s->steps;
    if (spacing == SS_SPACING_LEADING)
        *t = (n - 1 - k) * (SS_TRAIN_STEPS / n) + s->schedule.steps_offset;
    else if (spacing == SS_SPACING_TRAILING)
        *t = rint(SS_TRAIN_STEPS - k * (SS_TRAIN_STEPS / (double)n)) - 1;
    else
        *t = n > 1 ? (n - 1 - k) * ((SS_TRAIN_STEPS - 1) / (double)(n - 1)) : SS_TRAIN_STEPS - 1;
    *sigma = ss_schedule_sigma_at(&s->schedule, *t);
}

ss_status ss_levels_sigmas(ss_sampling *s, ss_ctx *cx) {
    ss_spacing spacing = s->schedule.spacing ? s->schedule.spacing : SS_SPACING_LINSPACE;
    double most, least, t, sigma;
    sigma_level(s, spacing, 0, &t, &most);
    if (t >= SS_TRAIN_STEPS) {
        return ss_fail(cx, SS_ERR_ARG, "%d steps with an offset of %d start at timestep %g; the training had %d",
                       s->steps, s->schedule.steps_offset, t, SS_TRAIN_STEPS);
    }
    sigma_level(s, spacing, s->steps - 1, &t, &least);
    for (int k = 0; k < s->steps; k++) {
        sigma_level(s, spacing, k, &t, &sigma);
        if (s->options.karras) {
            sigma = karras_level(most, least, k, s->steps);
            t = ss_schedule_time_of(&s->schedule, sigma);
            if (s->sampler->rounds) t = rint(t);
        }
        int call = s->sampler->twice ? 2 * k : k;
        s->t[call] = (float)t;
        s->sigma[call] = (float)sigma;
        if (call > k) { /* the second look of the step before is at this level */
            s->t[call - 1] = s->t[call];
            s->sigma[call - 1] = s->sigma[call];
        }
    }
    s->sigma[s->calls] = 0;
    double start = s->sigma[0];
    s->init_sigma = (float)(spacing == SS_SPACING_LEADING ? sqrt(start * start + 1) : start);
    return SS_OK;
}

ss_status ss_levels_solver(ss_sampling *s, ss_ctx *cx) {
    ss_spacing spacing = s->schedule.spacing ? s->schedule.spacing : SS_SPACING_LINSPACE;
    int n = s->steps;
    for (int k = 0; k < n; k++) {
        double t;
        if (s->options.karras) {
            double most = s->schedule.sigma[SS_TRAIN_STEPS - 1], sigma = karras_level(most, s->schedule.sigma[0], k, n);
            t = rint(ss_schedule_time_of(&s->schedule, sigma));
            s->sigma[k] = (float)sigma;
        } else {
            if (spacing == SS_SPACING_LEADING)
                t = (n - k) * (SS_TRAIN_STEPS / (n + 1)) + s->schedule.steps_offset;
            else if (spacing == SS_SPACING_TRAILING)
                t = rint(SS_TRAIN_STEPS - k * (SS_TRAIN_STEPS / (double)n)) - 1;
            else
                t = rint((n - k) * ((SS_TRAIN_STEPS - 1) / (double)n));
            s->sigma[k] = (float)ss_schedule_sigma_at(&s->schedule, t);
        }
        s->t[k] = (float)t;
        if (t < SS_TRAIN_STEPS && (!k || s->sigma[k] < s->sigma[k - 1])) continue;
        return ss_fail(cx, SS_ERR_ARG, "%d steps are more than the training's %d timesteps have room for", n,
                       SS_TRAIN_STEPS);
    }
    ss_final_sigma last = s->options.final_sigma ? s->options.final_sigma : s->sampler->final_sigma;
    s->sigma[n] = last == SS_FINAL_LEAST ? s->schedule.sigma[0] : 0;
    return SS_OK;
}

/* ------------------------------------------------------------------------------------------------ predictions */

ss_mix ss_mix_data(const ss_sampling *s, double sigma) {
    double norm = sqrt(sigma * sigma + 1);
    /* Of a latent in preserving scale there is 1 / norm of what it is in exploding scale. */
    double x = s->sampler->exploding ? 1 : norm;
    switch (s->schedule.prediction) {
    case SS_PREDICT_V:
        return (ss_mix){x / (norm * norm), -sigma / norm};
    case SS_PREDICT_SAMPLE:
        return (ss_mix){0, 1};
    default:
        return (ss_mix){x, -sigma};
    }
}

ss_mix ss_mix_noise(const ss_sampling *s, double sigma) {
    double norm = sqrt(sigma * sigma + 1);
    double x = s->sampler->exploding ? 1 : norm;
    switch (s->schedule.prediction) {
    case SS_PREDICT_V:
        return (ss_mix){x * sigma / (norm * norm), 1 / norm};
    case SS_PREDICT_SAMPLE:
        return (ss_mix){x / sigma, -1 / sigma};
    default:
        return (ss_mix){0, 1};
    }
}

/* ------------------------------------------------------------------------------------------------ arrays */

void ss_sum(const ss_sampling *s, float *y, int terms, const ss_term *term) {
    const float *x[SS_MOST_TERMS];
    float by[SS_MOST_TERMS];
    assert(terms <= SS_MOST_TERMS);
    for (int k = 0; k < terms; k++) {
        x[k] = term[k].x;
        by[k] = (float)term[k].by;
    }
    for (int64_t i = 0; i < s->count; i++) {
        float sum = by[0] * x[0][i];
        for (int k = 1; k < terms; k++) sum += by[k] * x[k][i];
        y[i] = sum;
    }
}

void ss_sampling_push(ss_sampling *s, ss_mix mix, const float *x, const float *out) {
    int last = s->sampler->history - 1;
    float *newest = s->history[last];
    memmove(s->history + 1, s->history, (size_t)last * sizeof *s->history);
    s->history[0] = newest;
    SS_SUM(s, newest, {mix.x, x}, {mix.out, out});
}

const float *ss_sampling_draw(ss_sampling *s, ss_rng *noise) {
    ss_rng_normal(noise, s->noise, s->count);
    return s->noise;
}
