/* The schedule's tables, from settings or a scheduler_config.json. */
#include "diffuse/schedule.h"

#include <math.h>
#include <string.h>

ss_schedule ss_schedule_default(void) {
    return (ss_schedule){.beta_start = 0.00085, .beta_end = 0.012, .steps_offset = 1};
}

/* As torch does it: linspace in float32 with fused multiplication, from the start in the first half and from the end in
 * the second; the product in float64; the rest in float32. */
void ss_schedule_fill(ss_schedule *s) {
    bool scaled = s->betas == SS_BETAS_SCALED_LINEAR;
    float from = (float)(scaled ? sqrt(s->beta_start) : s->beta_start);
    float to = (float)(scaled ? sqrt(s->beta_end) : s->beta_end);
    float step = (to - from) / (SS_TRAIN_STEPS - 1);
    double product = 1;
    for (int i = 0; i < SS_TRAIN_STEPS; i++) {
        bool first_half = i < SS_TRAIN_STEPS / 2;
        float b = (float)(first_half ? from + (double)step * i : to - (double)step * (SS_TRAIN_STEPS - 1 - i));
        float beta = scaled ? b * b : b;
        product *= 1.0f - beta;
        s->alpha[i] = (float)product;
        s->sigma[i] = sqrtf((1.0f - s->alpha[i]) / s->alpha[i]);
    }
}

float ss_schedule_alpha(const ss_schedule *s, int t) {
    if (t < 0) return s->set_alpha_to_one ? 1 : s->alpha[0];
    return s->alpha[t < SS_TRAIN_STEPS ? t : SS_TRAIN_STEPS - 1];
}

double ss_schedule_sigma_at(const ss_schedule *s, double t) {
    int low = t < 0 ? 0 : t >= SS_TRAIN_STEPS - 1 ? SS_TRAIN_STEPS - 2 : (int)t;
    double rise = (double)s->sigma[low + 1] - s->sigma[low];
    return s->sigma[low] + (t - low) * rise;
}

double ss_schedule_time_of(const ss_schedule *s, double sigma) {
    double wanted = log(fmax(sigma, 1e-10));
    int low = 0;
    while (low < SS_TRAIN_STEPS - 2 && logf(s->sigma[low + 1]) <= wanted) low++;
    double a = logf(s->sigma[low]), b = logf(s->sigma[low + 1]);
    double share = fmin(fmax((a - wanted) / (a - b), 0), 1);
    return (1 - share) * low + share * (low + 1);
}

/* The place of a word among the names that a key may have, -1 with a failure if it is none of them. */
static int read_choice(ss_ctx *cx, ss_object o, const char *key, const char *const *names, int count) {
    char list[128] = "";
    const char *word = ss_json_text(cx, o, key, names[0]);
    for (int i = 0; i < count; i++) {
        if (!strcmp(word, names[i])) return i;
        if (*list) strcat(list, i + 1 < count ? ", " : " or ");
        strcat(list, names[i]);
    }
    ss_fail(cx, SS_ERR_MODEL, "%s: %s is \"%.60s\"; this program knows %s", o.name, key, word, list);
    return -1;
}

ss_status ss_schedule_read(ss_schedule *out, ss_ctx *cx, ss_object o) {
    static const char *const betas[] = {"scaled_linear", "linear"};
    static const char *const predictions[] = {"epsilon", "v_prediction", "sample"};
    static const char *const spacings[] = {"", "leading", "linspace", "trailing"}; /* "": the sampler's own */
    bool ddim = !strcmp(ss_json_text(cx, o, "_class_name", ""), "DDIMScheduler");
    ss_schedule s = ss_schedule_default();
    s.beta_start = ss_json_number(cx, o, "beta_start", s.beta_start);
    s.beta_end = ss_json_number(cx, o, "beta_end", s.beta_end);
    s.set_alpha_to_one = ss_json_bool(cx, o, "set_alpha_to_one", ddim);
    s.betas = (ss_betas)read_choice(cx, o, "beta_schedule", betas, SS_COUNT_OF(betas));
    s.prediction = (ss_prediction)read_choice(cx, o, "prediction_type", predictions, SS_COUNT_OF(predictions));
    s.spacing = (ss_spacing)read_choice(cx, o, "timestep_spacing", spacings, SS_COUNT_OF(spacings));
    int64_t train = ss_json_int(cx, o, "num_train_timesteps", SS_TRAIN_STEPS);
    if (cx->status) return cx->status;
    if (train != SS_TRAIN_STEPS) {
        return ss_fail(cx, SS_ERR_MODEL, "%s: num_train_timesteps is %lld; Stable Diffusion was trained on %d", o.name,
                       (long long)train, SS_TRAIN_STEPS);
    }
    if (!(s.beta_start > 0 && s.beta_end >= s.beta_start && s.beta_end < 1)) {
        return ss_fail(cx, SS_ERR_MODEL, "%s: beta goes from %g to %g; it has to grow, between 0 and 1", o.name,
                       s.beta_start, s.beta_end);
    }
    ss_schedule_fill(&s);
    *out = s;
    return SS_OK;
}
