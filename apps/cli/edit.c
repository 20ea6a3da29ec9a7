/* edit: the subject of a photo in other scenes. */
#include "gallery.h"
#include "options.h"
#include "say.h"
#include "verbs.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    texts asked;   /* the prompts that are drawn */
    int *place;    /* of each among all pictures */
    bool *there;   /* by place: drawn by an earlier run of the same story */
} editing;

/* A story's first picture is its source, if that is drawn. */
static int before_prompts(const settings *s) { return s->story && s->draw_source; }

static portrait portrait_of(const settings *s, int place) {
    int i = place - before_prompts(s);
    portrait p = {.seed = s->seed, .width = s->width, .height = s->height, .plain = i < 0};
    p.prompt = i < 0 ? s->source : s->prompts.at[i];
    return p;
}

static void write_picture(editing *e, const ss_image *picture, int place) {
    portrait p = portrait_of(e->j.s, place);
    e->g.place = place;
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
        if (j->s->story && !e->there[0]) write_picture(e, picture, 0);
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
    write_picture(e, picture, e->place[target]);
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
        .prompts = e->asked.at,
        .prompt_count = e->asked.count,
        .negative = s->negative,
        .sampling = {.steps = s->steps, .guidance = s->guidance, .reuse = s->reuse, .clip_skip = s->clip_skip},
        .seed = (uint64_t)s->seed,
        .fresh = s->fresh,
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
        .own_background = s->background == PROMPT_BACKGROUND,
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
    r.keep_keys = r.own_background = false;
    r.reconstructed = NULL;
    r.drawn = NULL;
    return job_verdict(&e->j, ss_edit(out, e->j.cx, e->j.m, &r));
}

/* The seed that an earlier run of the same story chose, or a new one. */
static int64_t chosen_seed(editing *e, int count) {
    settings *s = e->j.s;
    for (int i = 0; i < count && s->story && !s->again; i++) {
        s->seed = gallery_seed(&e->g, i);
        portrait p = portrait_of(s, i);
        if (s->seed >= 0 && gallery_look(&e->g, i, &p) == THERE) return s->seed;
    }
    return any_seed();
}

/* Chooses the seed and which prompts to draw: in a story, those whose pictures are not there already. */
static int choose(editing *e) {
    settings *s = e->j.s;
    gallery *g = &e->g;
    int first = before_prompts(s), count = first + s->prompts.count;
    e->asked.at = must(malloc((size_t)count * sizeof *e->asked.at));
    e->place = must(malloc((size_t)count * sizeof *e->place));
    e->there = must(calloc((size_t)count, sizeof *e->there));
    if (s->seed < 0) s->seed = chosen_seed(e, count);
    for (int i = 0; i < count && s->story && !s->again; i++) {
        portrait p = portrait_of(s, i);
        standing is = gallery_look(g, i, &p);
        if (is == ANOTHER && (!s->output || g->out.folder))
            return failure("%s is there, and is not picture %d of this story: give the story an --output of its own, "
                           "or draw over it with --again",
                           output_name(&g->out, s, i, s->seed), i + 1);
        e->there[i] = is == THERE;
    }
    /* A source is drawn with a picture that reads it. */
    bool whole = memchr(e->there + first, false, (size_t)s->prompts.count) == NULL;
    if (whole && first && !e->there[0]) e->there[count - 1] = false;
    for (int i = 0; i < count; i++) {
        portrait p = portrait_of(s, i);
        if (e->there[i])
            gallery_keep(g, i, &p);
        else if (i >= first)
            e->place[e->asked.count] = i, e->asked.at[e->asked.count++] = p.prompt;
    }
    return DONE;
}

/* A picture of an earlier run, for the sheet. */
static int show_kept(gallery *g, int place, const char *caption) {
    ss_image im = {0};
    if (!g->j->s->sheet) return DONE;
    int rc = job_verdict(g->j, ss_image_read(&im, g->j->cx, output_name(&g->out, g->j->s, place, g->j->s->seed)));
    if (!rc) gallery_show(g, &im, caption);
    return rc;
}

/* What an edit would have shown, of a story whose pictures need none. */
static int show_photo(gallery *g, const ss_image *photo) {
    const settings *s = g->j->s;
    ss_image im = {0};
    int rc = job_verdict(g->j, ss_image_fit(&im, g->j->cx, photo, s->width, s->height, (ss_fit)s->fit));
    if (!rc) gallery_show(g, &im, "source");
    ss_image_free(&im);
    return rc;
}

/* For the sheet: two rows, if there is something to compare with. */
static int show(editing *e, const ss_image *photo, ss_edited *drawn, ss_edited *without) {
    gallery *g = &e->g;
    settings *s = g->j->s;
    int rc = DONE, target = 0, first = before_prompts(s);
    if (drawn->source.rgb)
        gallery_show(g, &drawn->source, first ? s->source : "source");
    else if (photo->rgb && g->kept && s->sheet)
        rc = show_photo(g, photo);
    if (drawn->reconstruction.rgb && !without->count)
        gallery_show(g, &drawn->reconstruction, format_text(s, "reconstruction, %.1f dB", drawn->psnr));
    if (first && !g->count && e->there[0]) rc = show_kept(g, 0, s->source);
    for (int i = 0; i < s->prompts.count && !rc; i++) {
        if (e->there[first + i])
            rc = show_kept(g, first + i, s->prompts.at[i]);
        else if (target < drawn->count && drawn->targets[target++].rgb)
            gallery_show(g, &drawn->targets[target - 1], s->prompts.at[i]);
    }
    if (!without->count) return rc;
    if (drawn->reconstruction.rgb)
        gallery_show(g, &drawn->reconstruction,
                     format_text(s, "drawn back, %.1f dB; to the right: nothing carried over", drawn->psnr));
    for (int i = 0; i < without->count; i++) gallery_show(g, &without->targets[i], s->prompts.at[i]);
    return rc;
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
    bool chance = s->draw_source || s->fresh > 0;
    if (!chance && given(s, "seed") && !s->recipe)
        note("--seed changes nothing: an edit of a photo starts from the photo's own noise (--fresh brings other)");
    if (!chance && s->seed < 0) s->seed = 0;
    const char *stem = s->recipe        ? s->stem
                       : s->story       ? "story"
                       : s->draw_source ? "selfsame-edit"
                                        : format_text(s, "%s-edit", stem_of(s, s->photo));
    int rc = job_open(j, s);
    if (!rc) rc = gallery_open(g, j, s->prompts.count + before_prompts(s), stem);
    if (!rc && s->photo) rc = job_verdict(j, ss_image_read(&photo, j->cx, s->photo));
    if (!rc) rc = job_open_model(j);
    if (!rc && s->photo) tell_shape(s, &photo);
    if (!rc && s->source_mask) rc = read_mask(&source_mask, j, s->source_mask, (ss_fit)s->fit, true);
    if (!rc && s->target_mask) rc = read_mask(&target_mask, j, s->target_mask, SS_FIT_SQUASH, false);
    if (!rc) rc = recipe_hash_files(j);
    if (!rc) rc = choose(&e);
    bool wanted = !rc && e.asked.count; /* nothing of a finished story is */
    ss_edit_request r = request_of(&e, &photo, source_mask, target_mask);
    if (wanted) rc = job_verdict(j, ss_edit_memory(&need, j->cx, j->m, &r));
    if (!rc && wanted) rc = job_check_memory(j, &need);
    if (!rc && job_signal()) rc = STOPPED;
    if (!rc && wanted) {
        e.since = now();
        ss_status st = ss_edit(&drawn, j->cx, j->m, &r);
        rc = e.unwritten ? e.unwritten : job_verdict(j, st);
        if (!rc && s->compare) rc = draw_without(&without, &e, r);
    }
    if (rc == STOPPED) note("stopped; %d of %d pictures are finished", g->written + g->kept, g->out.count);
    int finished = e.there && (!rc || g->written) ? show(&e, &photo, &drawn, &without) : DONE;
    if (!finished && g->written + g->kept) finished = gallery_finish(g);
    if (s->report && drawn.count && s->photo)
        json_object_set_new(s->report, "reconstruction_psnr", json_real(drawn.psnr));
    gallery_close(g);
    ss_edited_free(&drawn);
    ss_edited_free(&without);
    ss_image_free(&photo);
    free(source_mask);
    free(target_mask);
    free(e.asked.at);
    free(e.place);
    free(e.there);
    job_close(j);
    return rc ? rc : finished;
}
