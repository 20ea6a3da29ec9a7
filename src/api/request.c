/* Sizes, samplers and texts of a request. */
#include "api/request.h"

#include <stdlib.h>
#include <string.h>

enum { SMALLEST = 64, LARGEST = 4096 };

ss_status ss_request_size(ss_size *out, ss_ctx *cx, const ss_model *m, int width, int height) {
    int w = width ? width : m->size, h = height ? height : m->size;
    if (w < 8 || h < 8 || w > LARGEST || h > LARGEST)
        return ss_fail(cx, SS_ERR_ARG, "a picture of %dx%d: sides go from 8 to %d pixels", w, h, LARGEST);
    *out = (ss_size){w / 8 * 8, h / 8 * 8};
    if (out->w != w || out->h != h)
        ss_note(cx, "%dx%d is drawn as %dx%d: sides are multiples of 8", w, h, out->w, out->h);
    if (out->w < SMALLEST && m->size > 256)
        ss_warn(cx, "%d pixels is far below what the model was made for (%d)", out->w, m->size);
    return SS_OK;
}

/* The numbers in them, zero meaning the default. */
static double guidance_of(const ss_sampling_options *o) { return o->guidance == 0 ? 7.5 : o->guidance; }

static int steps_of(const ss_sampling_options *o) { return o->steps ? o->steps : 50; }

ss_status ss_sampling_check(ss_ctx *cx, const ss_sampling_options *o) {
    double guidance = guidance_of(o);
    int steps = steps_of(o);
    if (!(guidance >= 0 && guidance <= 100))
        return ss_fail(cx, SS_ERR_ARG, "guidance %g: it goes from 1 (none) to 100", guidance);
    if (steps < 1 || steps > 1000) return ss_fail(cx, SS_ERR_ARG, "%d steps: give 1 to 1000", steps);
    if (o->reuse < 0 || o->reuse > 100)
        return ss_fail(cx, SS_ERR_ARG, "reuse %d: deep features last 1 (never reused) to 100 steps", o->reuse);
    if (!(o->eta >= 0 && o->eta <= 1)) return ss_fail(cx, SS_ERR_ARG, "eta %g: it goes from 0 to 1", o->eta);
    return SS_OK;
}

ss_status ss_run_open(ss_run *run, ss_ctx *cx, ss_model *m, const ss_sampling_options *o, const ss_sampler *sampler,
                      int rows, ss_size size) {
    ss_status st = ss_sampling_check(cx, o);
    if (st) return st;
    *run = (ss_run){.sample = {.model = m,
                               .rows = rows,
                               .h = size.h / 8,
                               .w = size.w / 8,
                               .guidance = guidance_of(o),
                               .reuse = o->reuse,
                               .what = "drawing"}};
    const char *name = o->sampler ? o->sampler : ss_sampler_of_class(ss_model_scheduler(m));
    const ss_sampler *s = sampler ? sampler : ss_sampler_find(cx, name);
    if (!s) return cx->status;
    ss_schedule schedule;
    st = ss_schedule_read(&schedule, cx, (ss_object){m->scheduler, "scheduler/scheduler_config.json"});
    schedule.prediction = m->predicts_v ? SS_PREDICT_V : SS_PREDICT_EPSILON;
    ss_sampler_options options = {.eta = o->eta, .karras = o->karras || ss_sampler_wants_karras(name)};
    if (!st)
        st = ss_sampling_new(&run->sample.sampling, cx, s, &schedule, steps_of(o), &options,
                             rows * 4 * run->sample.h * run->sample.w);
    return st;
}

ss_status ss_run_texts(ss_run *run, ss_ctx *cx, const ss_texts *texts, int without, const int *with, int count) {
    size_t row = (size_t)(texts->len * texts->d), rows = (size_t)run->sample.rows;
    run->texts = ss_alloc(cx, 2 * rows * row, sizeof *run->texts);
    if (!run->texts) return SS_ERR_NOMEM;
    for (size_t i = 0; i < rows; i++) {
        int text = with[(int)i < count ? (int)i : count - 1];
        memcpy(run->texts + i * row, texts->data + (size_t)without * row, row * sizeof(float));
        memcpy(run->texts + (rows + i) * row, texts->data + (size_t)text * row, row * sizeof(float));
    }
    run->sample.without = run->texts;
    run->sample.with = run->texts + rows * row;
    return SS_OK;
}

void ss_run_close(ss_run *run) {
    ss_sampling_free(run->sample.sampling);
    free(run->texts);
    *run = (ss_run){0};
}

const char *ss_sampler_label(ss_ctx *cx, const char *name) {
    const ss_sampler *s = ss_sampler_find(cx, name);
    return s ? ss_sampler_webui_name(s) : NULL;
}
