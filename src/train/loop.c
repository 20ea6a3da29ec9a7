/* The loop, and the latents it keeps. */
#include "train/loop.h"

#include "base/rng.h"
#include "tensor/call.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- latents: mean and standard deviation of a picture in its place, kept while there is room */

typedef struct latent {
    ss_row row;
    int64_t used; /* micro-step that asked last */
    float *mean;  /* [4 h w], its standard deviation behind it; then the mask [h w] */
} latent;

typedef struct latents {
    latent *at;
    int count, room;
} latents;

static const size_t most_bytes = (size_t)128 << 20;

static void close_latents(latents *l) {
    for (int i = 0; i < l->count; i++) free(l->at[i].mean);
    free(l->at);
}

static ss_status open_latents(latents *l, ss_ctx *cx, int size, int rows) {
    size_t one = (size_t)9 * (size_t)(size / 8) * (size_t)(size / 8) * sizeof(float);
    l->room = (int)(most_bytes / one) + rows;
    l->at = ss_alloc(cx, (size_t)l->room, sizeof *l->at);
    return cx->status;
}

/* In the numbers that the device computes with: what bfloat16 rounds away is far less than what the posterior's own
 * noise adds. */
static ss_status encode(ss_ctx *cx, ss_model *m, float *x, int size, float *mean, float *std) {
    ss_mark start = ss_arena_mark(cx->arena);
    int64_t count = (int64_t)4 * (size / 8) * (size / 8);
    ss_tensor *picture = ss_tensor_wrap(cx, x, 4, (int64_t[]){1, 3, size, size});
    ss_tensor *moments = ss_vae_encode(cx, &m->vae, ss_cast(cx, picture, cx->device->numbers));
    ss_tensor *mu = moments ? ss_slice(cx, moments, 0, 4) : NULL, *logvar = mu ? ss_slice(cx, moments, 4, 4) : NULL;
    if (logvar) {
        ss_tensor_to_planar(mean, mu);
        ss_tensor_to_planar(std, logvar);
        for (int64_t i = 0; i < count; i++) std[i] = expf(0.5f * fminf(fmaxf(std[i], -30.0f), 20.0f));
    }
    ss_arena_rewind(cx->arena, start);
    return cx->status;
}

/* The place for a new latent: a free one, or that of the one that was not asked for for longest. */
static latent *place_for(latents *l) {
    if (l->count < l->room) return &l->at[l->count++];
    latent *oldest = &l->at[0];
    for (int i = 1; i < l->count; i++)
        if (l->at[i].used < oldest->used) oldest = &l->at[i];
    return oldest;
}

static const latent *latent_of(latents *l, const ss_loop *o, ss_ctx *cx, const ss_row *row, int64_t micro) {
    for (int i = 0; i < l->count; i++)
        if (ss_row_same(&l->at[i].row, row)) {
            l->at[i].used = micro;
            return &l->at[i];
        }
    int64_t places = (int64_t)(o->size / 8) * (o->size / 8);
    float *numbers = ss_alloc(cx, (size_t)(9 * places), sizeof *numbers);
    float *x = ss_alloc(cx, (size_t)o->size * (size_t)o->size * 3, sizeof *x);
    ss_status st = cx->status;
    if (!st) st = ss_dataset_render(x, numbers + 8 * places, o->data, cx, row);
    if (!st) st = encode(cx, o->trainer->model, x, o->size, numbers, numbers + 4 * places);
    free(x);
    if (st) {
        free(numbers);
        return NULL;
    }
    latent *y = place_for(l);
    free(y->mean);
    *y = (latent){.row = *row, .used = micro, .mean = numbers};
    return y;
}

/* ---- a micro-step */

typedef struct run {
    const ss_loop *o;
    latents latents;
    int rows;
    int64_t places;
    ss_row *row;       /* [rows] */
    ss_loss_row *loss; /* [rows] */
    ss_weighed_row *what;
    int32_t (*ids)[77];      /* [rows] */
    int32_t (*captions)[77]; /* of the data set */
    float *x, *noise;
    double smoothed, seconds;
    double done; /* steps in `seconds` */
} run;

/* 32 bits that neighbouring seeds and steps share nothing of (splitmix64's finish). */
static uint32_t mix(uint64_t seed, uint64_t step) {
    uint64_t z = seed + 0x9e3779b97f4a7c15u * (step + 1);
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)((z ^ z >> 31) >> 32);
}

/* For each row in turn: the posterior's noise, the noise to be predicted, the timestep. */
static ss_status draw(run *r, ss_ctx *cx, int64_t micro) {
    const ss_loop *o = r->o;
    int64_t one = 4 * r->places;
    ss_rng rng;
    ss_rng_seed(&rng, mix(o->seed, (uint64_t)micro));
    ss_dataset_draw(r->row, o->data, micro);
    for (int i = 0; i < r->rows; i++) {
        const latent *l = latent_of(&r->latents, o, cx, &r->row[i], micro);
        if (!l) return cx->status;
        float *x = r->x + i * one;
        ss_rng_normal(&rng, x, one);
        for (int64_t k = 0; k < one; k++)
            /* The analyzer takes what was put out for what is there. NOLINTNEXTLINE(clang-analyzer-unix.Malloc) */
            x[k] = o->trainer->model->vae.scaling * (l->mean[k] + l->mean[one + k] * x[k]);
        ss_rng_normal(&rng, r->noise + i * one, one);
        r->loss[i] = (ss_loss_row){.t = (int)ss_rng_int(&rng, 0, SS_TRAIN_STEPS), .mask = l->mean + 2 * one};
        r->what[i] = (ss_weighed_row){r->row[i].prior, r->row[i].group};
        memcpy(r->ids[i], r->captions[r->row[i].caption], sizeof r->ids[i]);
    }
    ss_loss_weigh(r->loss, r->what, r->rows, o->recipe, o->prior, 4);
    return SS_OK;
}

static int micro_steps(const ss_loop *o) { return o->accumulation > 0 ? o->accumulation : 1; }

static ss_status one_step(run *r, ss_ctx *cx, ss_loop_news *news) {
    const ss_loop *o = r->o;
    ss_trainer *t = o->trainer;
    int n = micro_steps(o);
    double began = ss_now();
    ss_status st = SS_OK;
    news->loss = 0;
    for (int i = 0; i < n && !st; i++) {
        double loss = 0;
        st = draw(r, cx, t->step * n + i);
        ss_batch b = {.n = r->rows,
                      .h = o->size / 8,
                      .w = o->size / 8,
                      .x = r->x,
                      .noise = r->noise,
                      .rows = r->loss,
                      .ids = (const int32_t(*)[77])r->ids};
        if (!st) st = ss_trainer_micro_step(t, cx, &b, 1.0 / n, &loss);
        news->loss += loss / n;
        if (!st && i + 1 < n && atomic_load(&cx->stop)) return SS_ERR_STOPPED; /* the step so far is forgotten */
    }
    if (st) return st;
    news->norm = ss_trainer_norm(t);
    news->rate = ss_rate_at(&o->rate, t->step);
    st = ss_trainer_update(t, cx, news->rate);
    /* Losses jump with their timesteps: what is shown forgets slowly, and has no bias from its start. */
    r->smoothed = t->step > 1 ? 0.98 * r->smoothed + 0.02 * news->loss : 0.02 * news->loss;
    news->smoothed = r->smoothed / (1 - pow(0.98, (double)t->step));
    r->seconds = 0.9 * r->seconds + (ss_now() - began);
    r->done = 0.9 * r->done + 1;
    news->seconds = r->seconds / r->done;
    news->step = t->step;
    news->left = news->seconds * (double)(news->steps - t->step);
    return st;
}

/* ---- the run */

static void close_run(run *r) {
    close_latents(&r->latents);
    free(r->row);
    free(r->loss);
    free(r->what);
    free(r->ids);
    free(r->captions);
    free(r->x);
}

/* Every caption as tokens, before hours of work. */
static ss_status read_captions(run *r, ss_ctx *cx) {
    const ss_loop *o = r->o;
    int count = ss_dataset_captions(o->data);
    r->captions = ss_alloc(cx, (size_t)count, sizeof *r->captions);
    ss_status st = cx->status;
    for (int i = 0; i < count && !st; i++) {
        ss_tokens info;
        const char *text = ss_dataset_caption(o->data, i);
        st = ss_tokenize(o->trainer->model->tokenizer, cx, text, r->captions[i], &info);
        if (!st && info.cut_at)
            ss_warn(cx, "the caption \"%.60s...\" has %lld tokens and the model reads 75: \"%.100s\" is left out", text,
                    (long long)info.used, info.cut_at);
    }
    return st;
}

static ss_status open_run(run *r, ss_ctx *cx, const ss_loop *o) {
    *r = (run){.o = o, .rows = ss_dataset_rows(o->data), .places = (int64_t)(o->size / 8) * (o->size / 8)};
    size_t n = (size_t)r->rows;
    r->row = ss_alloc(cx, n, sizeof *r->row);
    r->loss = ss_alloc(cx, n, sizeof *r->loss);
    r->what = ss_alloc(cx, n, sizeof *r->what);
    r->ids = ss_alloc(cx, n, sizeof *r->ids);
    r->x = ss_alloc(cx, n * 8 * (size_t)r->places, sizeof *r->x);
    if (cx->status) return cx->status;
    r->noise = r->x + (int64_t)n * 4 * r->places;
    ss_status st = open_latents(&r->latents, cx, o->size, r->rows);
    return st ? st : read_captions(r, cx);
}

/* The same settings but for the number of steps, which may be another where the rate does not depend on it. */
static ss_status same_settings(const ss_loop *o, ss_ctx *cx, const json_t *before) {
    json_t *was = json_copy((json_t *)before), *is = json_copy((json_t *)o->settings);
    if (!was || !is) ss_fail(cx, SS_ERR_NOMEM, "out of memory for settings");
    if (o->rate.kind == SS_RATE_CONSTANT) {
        json_object_del(was, "steps");
        json_object_del(is, "steps");
    }
    char *changed = cx->status ? NULL : ss_settings_changed(cx, was, is);
    if (changed)
        ss_fail(cx, SS_ERR_ARG,
                "%s goes on only with the settings that it began with: %s. Give those, or begin anew elsewhere",
                o->state, changed);
    free(changed);
    json_decref(was);
    json_decref(is);
    return cx->status;
}

static ss_status go_on(run *r, ss_ctx *cx) {
    const ss_loop *o = r->o;
    ss_training_record was = {0};
    char *changed = NULL;
    ss_status st = ss_state_load(cx, o->state, o->trainer, &was);
    if (!st) st = same_settings(o, cx, was.settings);
    if (!st) st = ss_dataset_changed(&changed, o->data, cx, was.data);
    if (!st && changed)
        st = ss_fail(cx, SS_ERR_ARG, "%s was begun with other pictures: %s. Put them back, or begin anew elsewhere",
                     o->state, changed);
    if (!st && o->trainer->step > o->rate.steps)
        st = ss_fail(cx, SS_ERR_ARG, "%s has done %lld steps already, and %lld are asked for", o->state,
                     (long long)o->trainer->step, (long long)o->rate.steps);
    r->smoothed = was.smoothed;
    free(changed);
    ss_training_record_free(&was);
    return st;
}

static ss_status keep(const run *r, ss_ctx *cx, json_t *data) {
    if (!r->o->state) return SS_OK;
    ss_training_record now = {.smoothed = r->smoothed, .settings = (json_t *)r->o->settings, .data = data};
    return ss_state_save(cx, r->o->state, r->o->trainer, &now);
}

static ss_status steps(run *r, ss_ctx *cx, json_t *data) {
    const ss_loop *o = r->o;
    ss_loop_news news = {.step = o->trainer->step, .steps = o->rate.steps, .smoothed = r->smoothed};
    int64_t kept = o->trainer->step;
    ss_status st = o->after ? o->after(o->user, cx, &news) : SS_OK;
    while (!st && o->trainer->step < o->rate.steps) {
        if (!atomic_load(&cx->stop)) st = one_step(r, cx, &news);
        if (atomic_load(&cx->stop)) {
            if ((!st || st == SS_ERR_STOPPED) && o->trainer->step > kept && (st = keep(r, cx, data))) return st;
            return ss_stopped(cx);
        }
        if (!st) ss_report(cx, "training", (int)news.step, (int)news.steps);
        bool due = o->save_every > 0 && o->trainer->step % o->save_every == 0;
        if (!st && (due || o->trainer->step == o->rate.steps)) {
            st = keep(r, cx, data);
            kept = o->trainer->step;
        }
        if (!st && o->after) st = o->after(o->user, cx, &news);
    }
    return st;
}

ss_status ss_loop_run(const ss_loop *o, ss_ctx *cx, bool resume) {
    run r;
    json_t *data = NULL;
    ss_status st = open_run(&r, cx, o);
    if (!st) st = ss_dataset_describe(&data, o->data, cx);
    if (!st && resume && o->state && access(o->state, F_OK))
        ss_note(cx, "%s is not there yet: the training begins at its beginning", o->state);
    else if (!st && resume)
        st = go_on(&r, cx);
    if (!st) st = steps(&r, cx, data);
    json_decref(data);
    close_run(&r);
    return st;
}
