/* generate: text, or text and a picture, to pictures. */
#include "gallery.h"
#include "options.h"
#include "say.h"
#include "verbs.h"

#include <stdlib.h>

/* The picture to start from, brought to the size that was asked for, or trimmed to multiples of 8. */
static int read_init(ss_image *init, job *j) {
    settings *s = j->s;
    if (!s->photo) return DONE;
    ss_image photo = {0};
    ss_status st = ss_image_read(&photo, j->cx, s->photo);
    if (!st) {
        int w = s->width ? s->width : photo.w / 8 * 8, h = s->height ? s->height : photo.h / 8 * 8;
        bool chosen = s->width || s->height;
        s->width = w, s->height = h;
        if (!w || !h) {
            ss_image_free(&photo);
            return failure("%s is smaller than 8 pixels a side: give a --size to draw at", s->photo);
        }
        if (!chosen && (w != photo.w || h != photo.h))
            note("%s is %dx%d and is trimmed to %dx%d, multiples of 8", s->photo, photo.w, photo.h, w, h);
        st = ss_image_fit(init, j->cx, &photo, w, h, chosen ? (ss_fit)s->fit : SS_FIT_CROP);
    }
    ss_image_free(&photo);
    int rc = job_verdict(j, st);
    return rc ? rc : recipe_hash_files(j);
}

static ss_generate_request request_of(job *j, const ss_image *init, int64_t seed) {
    const settings *s = j->s;
    return (ss_generate_request){
        .prompt = s->prompts.at[0],
        .negative = s->negative,
        .sampling = {.sampler = s->sampler,
                     .steps = s->steps,
                     .guidance = s->guidance,
                     .eta = s->eta,
                     .karras = s->karras,
                     .reuse = s->reuse,
                     .clip_skip = s->clip_skip},
        .width = s->width,
        .height = s->height,
        .seed = (uint64_t)seed,
        .batch = s->batch,
        .init = init->rgb ? init : NULL,
        .strength = init->rgb ? s->strength : 0,
        .preview = s->preview ? job_preview : NULL,
        .preview_user = j,
    };
}

/* One call of the library: a picture, or a batch of them; repeat wants only its own of those. */
static int draw(gallery *g, const ss_image *init, int64_t seed) {
    job *j = g->j;
    settings *s = j->s;
    ss_image *drawn = must(calloc((size_t)s->batch, sizeof *drawn));
    ss_generate_request r = request_of(j, init, seed);
    double began = now();
    int rc = job_verdict(j, ss_generate(drawn, j->cx, j->m, &r));
    g->seconds = (now() - began) / s->batch;
    for (int i = 0; i < s->batch && !rc; i++) {
        if (s->recipe && i != s->index) continue;
        portrait p = {.prompt = r.prompt, .seed = seed, .index = i, .width = drawn[i].w, .height = drawn[i].h};
        rc = gallery_add(g, &drawn[i], &p);
        if (!rc)
            gallery_show(g, &drawn[i],
                         format_text(s, s->batch > 1 ? "seed %lld, %d" : "seed %lld", (long long)seed, i + 1));
    }
    for (int i = 0; i < s->batch; i++) ss_image_free(&drawn[i]);
    free(drawn);
    return rc;
}

int generate(settings *s) {
    job j = {0};
    gallery g = {0};
    ss_image init = {0};
    ss_memory need = {0};

    if (s->seed < 0) s->seed = any_seed();
    int rc = job_open(&j, s);
    if (!rc) rc = gallery_open(&g, &j, s->recipe ? 1 : s->images * s->batch, s->recipe ? s->stem : NULL);
    if (!rc) rc = read_init(&init, &j);
    if (!rc) rc = job_open_model(&j);
    ss_generate_request r = request_of(&j, &init, s->seed);
    if (!rc) rc = job_verdict(&j, ss_generate_memory(&need, j.cx, j.m, &r));
    if (!rc) rc = job_check_memory(&j, &need);
    j.meter.parts = s->images;
    for (int i = 0; i < s->images && !rc; i++) {
        j.meter.part = i;
        rc = job_signal() ? STOPPED : draw(&g, &init, s->seed + i);
    }
    if (rc == STOPPED) note("stopped; %d of %d pictures are finished", g.written, g.out.count);
    int finished = g.j && g.written ? gallery_finish(&g) : DONE;
    gallery_close(&g);
    ss_image_free(&init);
    job_close(&j);
    return rc ? rc : finished;
}
