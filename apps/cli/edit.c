/* edit: the subject of a photo in other scenes. */
#include "gallery.h"
#include "options.h"
#include "say.h"
#include "verbs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* A photo as the model will see it is squashed unless one asks for something else; who has another shape should know.
 */
static void tell_shape(const settings *s, const ss_image *photo) {
    bool same_shape = (int64_t)photo->w * s->height == (int64_t)photo->h * s->width;
    if (!same_shape && s->fit == SS_FIT_SQUASH && !given(s, "fit") && !s->recipe)
        note("%s is %dx%d and is squashed to %dx%d (--fit crop and --fit pad keep its shape)", s->photo, photo->w,
             photo->h, s->width, s->height);
}

/* A mask from a picture, white where the subject is. The photo's mask lies over the photo and goes the same way. */
static int read_mask(float **out, job *j, const char *path, ss_fit fit, bool sharp) {
    const settings *s = j->s;
    ss_image whole = {0}, im = {0};
    ss_status st = ss_image_read(&whole, j->cx, path);
    if (!st) st = ss_image_fit(&im, j->cx, &whole, s->width, s->height, fit);
    if (!st) {
        size_t n = (size_t)im.w * (size_t)im.h;
        *out = must(malloc(n * sizeof **out));
        for (size_t i = 0; i < n; i++) {
            const uint8_t *p = im.rgb + 3 * i;
            float light = (float)(p[0] * 299 + p[1] * 587 + p[2] * 114) / 255000.0f;
            (*out)[i] = sharp ? light >= 0.5f : light;
        }
    }
    ss_image_free(&whole);
    ss_image_free(&im);
    return job_verdict(j, st);
}

/* An edit on its way: pictures are written as they are finished. */
typedef struct editing {
    job j;
    gallery g;
    double since;  /* when the last picture was finished, or the first begun */
    int unwritten; /* what kept one from being written */
} editing;

static void write_picture(editing *e, const ss_image *picture, portrait p) {
    p.seed = e->j.s->seed, p.width = picture->w, p.height = picture->h;
    e->g.seconds = now() - e->since;
    e->unwritten = gallery_add(&e->g, picture, &p);
    if (e->unwritten) ss_ctx_stop(e->j.cx);
    e->since = now();
}

static void on_reconstruction(void *user, const ss_image *picture, double psnr) {
    editing *e = user;
    job *j = &e->j;
    meter_wipe(&j->meter);
    if (j->s->draw_source) {
        if (j->s->story) write_picture(e, picture, (portrait){.prompt = j->s->source, .plain = true});
        return;
    }
    FILE *to = j->s->json ? stderr : stdout;
    if (j->s->json && j->s->quiet) return;
    fprintf(to, isinf(psnr) ? "reconstruction: exact\n" : "reconstruction: %.2f dB PSNR\n", psnr);
    fflush(to);
    e->since = now();
}

static void on_drawn(void *user, int target, const ss_image *picture) {
    editing *e = user;
    write_picture(e, picture, (portrait){.prompt = e->j.s->prompts.at[target]});
}

static ss_edit_request request_of(editing *e, const ss_image *photo, const float *source_mask,
                                  const float *target_mask) {
    const settings *s = e->j.s;
    bool automatic = s->method == SS_METHOD_AUTO;
    return (ss_edit_request){
        .photo = s->photo ? photo : NULL,
        .width = s->width,
        .height = s->height,
        .fit = (ss_fit)s->fit,
        .source = s->source,
        .prompts = s->prompts.at,
        .prompt_count = s->prompts.count,
        .negative = s->negative,
        .sampling = {.steps = s->steps, .guidance = s->guidance, .reuse = s->reuse, .clip_skip = s->clip_skip},
        .seed = (uint64_t)s->seed,
        .method = (ss_method)s->method,
        .inversion = (ss_inversion)s->inversion,
        .inversion_guidance = s->inversion_guidance,
        .control = {.from_given = true,
                    .from = s->start_step,
                    .to = s->end_step,
                    .every = s->every,
                    .last_digit = s->last_digit,
                    .steps = s->step_list.at,
                    .step_count = s->step_list.count,
                    .layers = s->layers},
        .threshold = automatic ? s->threshold : 0,
        .subject = s->subject_words,
        .target_subject = s->target_words,
        .source_mask = {s->width, s->height, source_mask},
        .target_mask = {s->width, s->height, target_mask},
        .keep_source = s->keep_source,
        .keep_keys = s->keep_keys,
        .save_masks = s->save_masks,
        .save_attention = s->save_attention,
        .preview = s->preview ? job_preview : NULL,
        .preview_user = &e->j,
        .reconstructed = on_reconstruction,
        .reconstructed_user = e,
        .drawn = on_drawn,
        .drawn_user = e,
    };
}

/* The same prompts from the same noise, with nothing carried over. */
static int draw_without(ss_edited *out, editing *e, ss_edit_request r) {
    r.method = SS_METHOD_NONE;
    r.control = (ss_control_range){0};
    r.threshold = 0;
    r.subject = r.target_subject = r.save_masks = r.save_attention = NULL;
    r.source_mask = r.target_mask = (ss_mask){0};
    r.keep_keys = false;
    r.reconstructed = NULL;
    r.drawn = NULL;
    return job_verdict(&e->j, ss_edit(out, e->j.cx, e->j.m, &r));
}

/* For the sheet: two rows, if there is something to compare with. */
static void show(gallery *g, ss_edited *drawn, ss_edited *without) {
    settings *s = g->j->s;
    if (drawn->source.rgb) gallery_show(g, &drawn->source, s->story && s->draw_source ? s->source : "source");
    if (drawn->reconstruction.rgb && !without->count)
        if (drawn->reconstruction.rgb)
            gallery_show(g, &drawn->reconstruction, format_text(s, "reconstruction, %.1f dB", drawn->psnr));
    for (int i = 0; i < drawn->count; i++)
        if (drawn->targets[i].rgb) gallery_show(g, &drawn->targets[i], s->prompts.at[i]);
    if (!without->count) return;
    if (drawn->reconstruction.rgb)
        gallery_show(g, &drawn->reconstruction,
                     format_text(s, "drawn back, %.1f dB; to the right: nothing carried over", drawn->psnr));
    for (int i = 0; i < without->count; i++) gallery_show(g, &without->targets[i], s->prompts.at[i]);
}

int edit(settings *s) {
    editing e = {0};
    job *j = &e.j;
    gallery *g = &e.g;
    ss_image photo = {0};
    ss_edited drawn = {0}, without = {0};
    ss_memory need = {0};
    float *source_mask = NULL, *target_mask = NULL;

    if (!s->recipe && !s->draw_source) s->photo = s->operand;
    if (s->seed < 0) s->seed = s->draw_source ? any_seed() : 0;
    const char *stem = s->recipe        ? s->stem
                       : s->story       ? "story"
                       : s->draw_source ? "selfsame-edit"
                                        : format_text(s, "%s-edit", stem_of(s, s->photo));
    int rc = job_open(j, s);
    if (!rc) rc = gallery_open(g, j, s->prompts.count + (s->story && s->draw_source), stem);
    if (!rc && s->photo) rc = job_verdict(j, ss_image_read(&photo, j->cx, s->photo));
    if (!rc) rc = job_open_model(j);
    if (!rc && s->photo) tell_shape(s, &photo);
    if (!rc && s->source_mask) rc = read_mask(&source_mask, j, s->source_mask, (ss_fit)s->fit, true);
    if (!rc && s->target_mask) rc = read_mask(&target_mask, j, s->target_mask, SS_FIT_SQUASH, false);
    if (!rc) rc = recipe_hash_files(j);
    ss_edit_request r = request_of(&e, &photo, source_mask, target_mask);
    if (!rc) rc = job_verdict(j, ss_edit_memory(&need, j->cx, j->m, &r));
    if (!rc) rc = job_check_memory(j, &need);
    if (!rc && job_signal()) rc = STOPPED;
    if (!rc) {
        e.since = now();
        ss_status st = ss_edit(&drawn, j->cx, j->m, &r);
        rc = e.unwritten ? e.unwritten : job_verdict(j, st);
        if (!rc && s->compare) rc = draw_without(&without, &e, r);
        show(g, &drawn, &without);
    }
    if (rc == STOPPED) note("stopped; %d of %d pictures are finished", g->written, g->out.count);
    int finished = g->written ? gallery_finish(g) : DONE;
    if (s->report && drawn.count && s->photo)
        json_object_set_new(s->report, "reconstruction_psnr", json_real(drawn.psnr));
    gallery_close(g);
    ss_edited_free(&drawn);
    ss_edited_free(&without);
    ss_image_free(&photo);
    free(source_mask);
    free(target_mask);
    job_close(j);
    return rc ? rc : finished;
}
