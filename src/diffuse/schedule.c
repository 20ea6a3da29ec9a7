/* The schedule's table. */
#include "diffuse/schedule.h"

#include <math.h>

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
