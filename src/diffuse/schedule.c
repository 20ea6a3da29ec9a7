/* The schedule's table. */
#include "diffuse/schedule.h"

#include <math.h>
#include <string.h>

ss_schedule ss_schedule_default(void) {
    return (ss_schedule){.beta_start = 0.00085, .beta_end = 0.012, .steps_offset = 1};
}

void ss_schedule_fill(ss_schedule *s) {
    bool scaled = s->betas == SS_BETAS_SCALED_LINEAR;
    /* torch.linspace in float32: the first half is counted from the start, the second from the end. */
    float from = (float)(scaled ? sqrt(s->beta_start) : s->beta_start), to = (float)(scaled ? sqrt(s->beta_end) : s->beta_end);
    float step = (to - from) / (SS_TRAIN_STEPS - 1), product = 1;
    for (int i = 0; i < SS_TRAIN_STEPS; i++) {
        float b = i < SS_TRAIN_STEPS / 2 ? from + step * (float)i : to - step * (float)(SS_TRAIN_STEPS - 1 - i);
        product *= 1.0f - (scaled ? b * b : b);
        s->alpha[i] = product;
    }
}

/* The place of `word` among the names, or -1. */
static int place(const char *word, const char *const *names, int count) {
    for (int i = 0; i < count; i++)
        if (!strcmp(word, names[i])) return i;
    return -1;
}

ss_status ss_schedule_read(ss_schedule *out, ss_ctx *cx, ss_object o) {
    static const char *const betas[] = {"scaled_linear", "linear"}, *const predictions[] = {"epsilon", "v_prediction", "sample"};
    static const char *const spacings[] = {"", "leading", "linspace", "trailing"};
    ss_schedule s = ss_schedule_default();
    const char *class_name = ss_json_text(cx, o, "_class_name", "");
    const char *beta = ss_json_text(cx, o, "beta_schedule", betas[0]), *spacing = ss_json_text(cx, o, "timestep_spacing", spacings[0]);
    const char *prediction = ss_json_text(cx, o, "prediction_type", predictions[0]);
    s.beta_start = ss_json_number(cx, o, "beta_start", s.beta_start);
    s.beta_end = ss_json_number(cx, o, "beta_end", s.beta_end);
    s.set_alpha_to_one = ss_json_bool(cx, o, "set_alpha_to_one", !strcmp(class_name, "DDIMScheduler"));
    int64_t train = ss_json_int(cx, o, "num_train_timesteps", SS_TRAIN_STEPS);
    if (cx->status) return cx->status;
    int b = place(beta, betas, 2), p = place(prediction, predictions, 3), g = place(spacing, spacings, 4);
    if (b < 0) return ss_fail(cx, SS_ERR_MODEL, "%s: beta_schedule \"%s\" is not known; it is scaled_linear or linear", o.name, beta);
    if (p < 0) return ss_fail(cx, SS_ERR_MODEL, "%s: prediction_type \"%s\" is not known; it is epsilon, v_prediction or sample", o.name, prediction);
    if (g < 0) return ss_fail(cx, SS_ERR_MODEL, "%s: timestep_spacing \"%s\" is not known; it is leading, linspace or trailing", o.name, spacing);
    if (train != SS_TRAIN_STEPS || !(s.beta_start > 0 && s.beta_end >= s.beta_start && s.beta_end < 1))
        return ss_fail(cx, SS_ERR_MODEL, "%s: %lld training steps with beta from %g to %g; Stable Diffusion has %d, and beta grows within "
                       "0 to 1", o.name, (long long)train, s.beta_start, s.beta_end, SS_TRAIN_STEPS);
    s.betas = (ss_betas)b, s.prediction = (ss_prediction)p, s.spacing = (ss_spacing)g;
    ss_schedule_fill(&s);
    *out = s;
    return SS_OK;
}
