/* The clay bench: individuals are rendered, drawn and edited, one piece of work after the other, and what comes out is
 * measured. A piece of work is one individual in one part of the bench (of a study, in one cell of its grid); its
 * measurements become a file, and what has its file is not done again. */
#include "clay/measure.h"
#include "diffuse/latent.h"
#include "io/image.h"
#include "io/json.h"
#include "io/replace.h"
#include "model/model.h"
#include "score/player.h"
#include "score/readers.h"
#include "score/tables.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BENCH = 2 }; /* raised when equal settings measure something else */

/* A picture and all that is read off it. */
typedef struct figure {
    ss_image im;
    ss_read read;
    ss_clay_hues hues;
    ss_clay_pattern pattern;
    bool found; /* the reader sees a figure in it */
} figure;

/* What is done with an individual; of a study, in which cell of its grid. */
typedef struct cell {
    ss_arm arm;
    int step, layer; /* the first that are controlled; -1 without control */
} cell;

typedef struct bench {
    ss_ctx *cx;
    ss_model *m;
    ss_clay_score_request o; /* its zeros are filled */
    ss_readers *readers;
    bool part[SS_EXPERIMENTS];
    int size, done, total; /* pixels a side; pieces of work */
    ss_row_list rows;

    /* The individual at work. */
    ss_player player;
    figure photo;
    uint8_t *truth; /* the photo's mask */
} bench;

/* ------------------------------------------------------------------------------------------------ figures */

static void figure_free(figure *f) {
    ss_image_free(&f->im);
    free(f->read.mask);
    *f = (figure){0};
}

/* Takes the picture over, also if it fails. */
static ss_status look(figure *f, const bench *b, ss_image *im) {
    *f = (figure){.im = *im};
    *im = (ss_image){0};
    ss_status st = ss_readers_look(&f->read, b->cx, b->readers, &f->im);
    if (st) return st;
    for (int i = 0; i < f->im.w * f->im.h && !f->found; i++) f->found = f->read.mask[i] >= 128;
    ss_clay_hues_of(&f->hues, &f->im, f->read.mask);
    ss_clay_pattern_of(&f->pattern, &f->im, f->read.mask);
    return SS_OK;
}

/* A render with its true mask, which the caller has room for. */
static ss_status render(figure *f, const bench *b, const ss_clay_scene *s, uint8_t *truth) {
    ss_image im = {0};
    ss_status st = ss_image_new(&im, b->cx, b->size, b->size);
    ss_clay_picture to = {.size = b->size, .rgb = im.rgb, .mask = truth};
    if (!st) st = ss_clay_render(b->cx, s, &to);
    if (!st) return look(f, b, &im);
    ss_image_free(&im);
    return st;
}

static double pattern_distance(const ss_clay_pattern *a, const ss_clay_pattern *b) {
    return (fabs(a->share - b->share) + fabs(a->contrast - b->contrast) + fabs(a->border - b->border)) / 3;
}

/* What was asked for, against what is read. */
static void score_prompt(ss_row *row, const figure *f, const ss_clay_scene *asked) {
    static const ss_clay_part parts[] = {SS_CLAY_SPECIES, SS_CLAY_COLOR, SS_CLAY_ACTION, SS_CLAY_PLACE};
    row->held = ss_clay_held_out(asked) != 0;
    row->value[SS_MEASURE_PROMPT] = 1, row->value[SS_MEASURE_ATTRIBUTES] = 0;
    for (int i = 0; i < SS_COUNT_OF(parts); i++) {
        int read = f->read.part[parts[i]];
        double right = read < 0 ? NAN : read == ss_clay_scene_part(asked, parts[i]);
        row->value[SS_MEASURE_SPECIES + i] = right;
        row->value[SS_MEASURE_PROMPT] *= right;
        row->value[SS_MEASURE_ATTRIBUTES] += right / SS_COUNT_OF(parts);
    }
}

/* Who was asked for. */
static void score_identity(ss_row *row, const figure *f, const figure *photo) {
    row->value[SS_MEASURE_IDENTITY] = ss_read_alike(&f->read, &photo->read);
    if (!f->found || !photo->found) return;
    row->value[SS_MEASURE_HUE] = ss_clay_hue_distance(&f->hues, &photo->hues);
    row->value[SS_MEASURE_PATTERN] = pattern_distance(&f->pattern, &photo->pattern);
}

/* The library's own calls report and note much; here a piece of work is the unit. */
static ss_callbacks hush(ss_ctx *cx) {
    ss_callbacks was = cx->callbacks;
    cx->callbacks = (ss_callbacks){0};
    return was;
}

static char *path_of(const bench *b, const char *folder, const char *name, const char *end) {
    return ss_format(b->cx, "%s/%s/%s%s", b->o.folder, folder, name, end);
}

static ss_status keep_picture(const bench *b, const char *name, const ss_image *im) {
    char *path = path_of(b, "pictures", name, ".png");
    ss_status st = path ? ss_image_write(b->cx, path, im, NULL) : SS_ERR_NOMEM;
    free(path);
    return st;
}

/* ------------------------------------------------------------------------------------------------ renders */

/* A target's scene with somebody in it. */
static ss_status measure_render(bench *b, ss_arm arm, int target, const ss_clay_identity *who) {
    ss_clay_scene s = b->player.target[target];
    ss_row row = ss_row_new(SS_RENDERS, arm, b->player.seed, target);
    figure f = {0};
    size_t n = (size_t)b->size * (size_t)b->size;
    uint8_t *truth = ss_alloc(b->cx, n, 1);
    s.id = *who;
    ss_status st = truth ? render(&f, b, &s, truth) : SS_ERR_NOMEM;
    if (!st) {
        score_prompt(&row, &f, &s);
        score_identity(&row, &f, &b->photo);
        row.value[SS_MEASURE_MASK] = ss_clay_mask_iou(f.read.mask, truth, n);
        st = ss_rows_add(&b->rows, b->cx, &row);
    }
    figure_free(&f), free(truth);
    return st;
}

static ss_status measure_autoencoder(bench *b) {
    int64_t side = b->size / 8, one = 4 * side * side;
    float *z = ss_alloc(b->cx, (size_t)one, sizeof *z);
    ss_row row = ss_row_new(SS_RENDERS, SS_ARM_AUTOENCODER, b->player.seed, -1);
    ss_image im = {0};
    figure f = {0};
    ss_status st = z ? ss_encode_image(b->cx, b->m, &b->photo.im, z, NULL) : SS_ERR_NOMEM;
    for (int64_t i = 0; i < one && !st; i++) z[i] *= b->m->vae.scaling;
    if (!st) st = ss_decode_image(&im, b->cx, b->m, z, side, side);
    if (!st) st = look(&f, b, &im);
    if (!st) {
        score_prompt(&row, &f, &b->player.photo);
        score_identity(&row, &f, &b->photo);
        row.value[SS_MEASURE_PSNR] = ss_psnr(&f.im, &b->photo.im);
        row.value[SS_MEASURE_MASK] = ss_clay_mask_iou(f.read.mask, b->truth, (size_t)b->size * (size_t)b->size);
        st = ss_rows_add(&b->rows, b->cx, &row);
    }
    figure_free(&f), free(z);
    return st;
}

static ss_status work_renders(bench *b) {
    const ss_player *c = &b->player;
    ss_status st = SS_OK;
    for (int t = 0; t < SS_PLAYER_TARGETS && !st; t++) {
        st = measure_render(b, SS_ARM_SAME, t, &c->photo.id);
        if (!st) st = measure_render(b, SS_ARM_KIN, t, &c->kin);
        if (!st) st = measure_render(b, SS_ARM_STRANGER, t, &c->stranger);
    }
    return st ? st : measure_autoencoder(b);
}

/* ------------------------------------------------------------------------------------------------ drawn targets */

/* Of the source's automatic masks, how well each agrees with the truth. */
typedef struct overlap {
    const bench *b;
    double sum;
    int count;
} overlap;

/* Is most of cell (i, j) of an h x w grid the figure? */
static bool mostly_figure(const bench *b, int i, int j, int h, int w) {
    int64_t sum = 0, top = i * b->size / h, bottom = (i + 1) * b->size / h, left = j * b->size / w,
            right = (j + 1) * b->size / w;
    for (int64_t v = top; v < bottom; v++)
        for (int64_t u = left; u < right; u++) sum += b->truth[v * b->size + u];
    return 2 * sum >= 255 * (bottom - top) * (right - left);
}

/* On the grid that attention works on, which is coarser than the picture. */
static void see_mask(void *user, int step, int layer, bool source, const ss_mask *mask) {
    overlap *o = user;
    int both = 0, any = 0;
    (void)step, (void)layer;
    if (!source) return;
    for (int i = 0; i < mask->h * mask->w; i++) {
        bool own = mask->data[i] >= 0.1f, is = mostly_figure(o->b, i / mask->w, i % mask->w, mask->h, mask->w);
        both += own && is, any += own || is;
    }
    o->sum += any ? (double)both / any : 1, o->count++;
}

static ss_edit_request request_of(const bench *b, ss_experiment e, ss_arm arm, overlap *masks) {
    static const ss_method methods[SS_ARMS] = {[SS_ARM_OFF] = SS_METHOD_NONE,
                                               [SS_ARM_PLAIN] = SS_METHOD_MASACTRL,
                                               [SS_ARM_MASKED] = SS_METHOD_AUTO,
                                               [SS_ARM_SUBJECT] = SS_METHOD_AUTO};
    bool drawn = e == SS_TEXT, masked = methods[arm] == SS_METHOD_AUTO;
    ss_edit_request q = {.photo = drawn ? NULL : &b->photo.im,
                         .width = b->size,
                         .height = b->size,
                         .source = b->player.source,
                         .sampling = b->o.sampling,
                         .seed = b->player.seed,
                         .fresh = e == SS_FRESH,
                         .method = methods[arm],
                         .own_background = arm == SS_ARM_SUBJECT};
    if (masked) q.subject = ss_clay_words(SS_CLAY_SPECIES)[b->player.photo.id.species];
    if (masked && !drawn) q.masked = see_mask, q.masked_user = masks;
    return q;
}

/* Measures a target that was drawn, against the source. */
static ss_status measure_target(bench *b, ss_row *row, ss_image *im, const figure *source, const uint8_t *source_mask,
                                const char *name) {
    figure f = {0};
    ss_status st = look(&f, b, im);
    if (!st && name) st = keep_picture(b, name, &f.im);
    if (!st) {
        score_prompt(row, &f, &b->player.target[row->target]);
        score_identity(row, &f, source);
        if (row->target == SS_PLAYER_STAYS)
            row->value[SS_MEASURE_BACKGROUND] = ss_clay_background_psnr(&f.im, f.read.mask, &source->im, source_mask);
        st = ss_rows_add(&b->rows, b->cx, row);
    }
    figure_free(&f);
    return st;
}

/* The source that was drawn, once. */
static ss_status measure_source(bench *b, figure *source, ss_image *im) {
    ss_row row = ss_row_new(SS_TEXT, SS_ARM_SOURCE, b->player.seed, -1);
    char name[64];
    snprintf(name, sizeof name, "text-%llu-source", (unsigned long long)b->player.seed);
    ss_status st = look(source, b, im);
    if (!st) st = keep_picture(b, name, &source->im);
    if (!st) score_prompt(&row, source, &b->player.photo);
    return st ? st : ss_rows_add(&b->rows, b->cx, &row);
}

/* A file for the photo's inverted path, which all that an individual's photo is source of shares. */
static char *inverted(const bench *b) {
    return ss_format(b->cx, "%s/measured/inverted-%llu.safetensors", b->o.folder, (unsigned long long)b->player.seed);
}

/* Both targets by one method, from the photo or, of SS_TEXT, from a source that the prompt and the seed make. */
static ss_status draw_targets(bench *b, ss_experiment e, ss_arm arm, figure *source) {
    const char *prompts[SS_PLAYER_TARGETS] = {b->player.prompt[0], b->player.prompt[1]};
    bool drawn = e == SS_TEXT;
    overlap masks = {.b = b};
    ss_edit_request q = request_of(b, e, arm, &masks);
    ss_edited done = {0};
    char *path = drawn ? NULL : inverted(b);
    q.prompts = prompts, q.prompt_count = SS_PLAYER_TARGETS, q.keep_source = path;
    ss_status st = drawn || path ? ss_edit(&done, b->cx, b->m, &q) : SS_ERR_NOMEM;
    if (!st && drawn && !source->im.rgb) st = measure_source(b, source, &done.source);
    for (int t = 0; t < SS_PLAYER_TARGETS && !st; t++) {
        char name[64];
        ss_row row = ss_row_new(e, arm, b->player.seed, t);
        snprintf(name, sizeof name, "%s-%llu-%d-%s", ss_experiment_names[e], (unsigned long long)b->player.seed, t + 1,
                 ss_arm_names[arm]);
        if (masks.count) row.value[SS_MEASURE_MASK] = masks.sum / masks.count;
        st = measure_target(b, &row, &done.targets[t], drawn ? source : &b->photo, drawn ? source->read.mask : b->truth,
                            name);
    }
    ss_edited_free(&done);
    free(path);
    return st;
}

/* Both targets by every method. */
static ss_status draw_arms(bench *b, ss_experiment e) {
    figure source = {0};
    ss_status st = SS_OK;
    for (ss_arm arm = SS_ARM_OFF; arm <= SS_ARM_SUBJECT && !st; arm++) {
        st = ss_stopped(b->cx);
        if (!st) st = draw_targets(b, e, arm, &source);
    }
    figure_free(&source);
    return st;
}

/* The photo, inverted and drawn back by nothing but DDIM, without guidance: what the model itself loses. */
static ss_status measure_inversion(bench *b) {
    const char *prompt = b->player.source;
    ss_row row = ss_row_new(SS_EDIT, SS_ARM_SOURCE, b->player.seed, -1);
    ss_edit_request q = request_of(b, SS_EDIT, SS_ARM_OFF, NULL);
    ss_edited done = {0};
    figure f = {0};
    q.prompts = &prompt, q.prompt_count = 1;
    q.inversion = SS_INVERT_DDIM, q.sampling.guidance = 1;
    ss_status st = ss_edit(&done, b->cx, b->m, &q);
    row.value[SS_MEASURE_PSNR] = done.psnr;
    if (!st) st = look(&f, b, &done.reconstruction);
    if (!st) {
        score_prompt(&row, &f, &b->player.photo);
        score_identity(&row, &f, &b->photo);
        st = ss_rows_add(&b->rows, b->cx, &row);
    }
    figure_free(&f);
    ss_edited_free(&done);
    return st;
}

static ss_status work_edit(bench *b) {
    char name[64];
    snprintf(name, sizeof name, "edit-%llu-photo", (unsigned long long)b->player.seed);
    ss_status st = keep_picture(b, name, &b->photo.im);
    if (!st) st = measure_inversion(b);
    return st ? st : draw_arms(b, SS_EDIT);
}

/* ------------------------------------------------------------------------------------------------ the study */

/* Where control starts: shares of the steps, and layers of 16 (7 is the decoder's first, 10 MasaCtrl's own). */
static const double study_steps[] = {0, 0.08, 0.2, 0.4};
static const int study_layers[] = {0, 7, 10, 13};
enum {
    STEPS = SS_COUNT_OF(study_steps),
    LAYERS = SS_COUNT_OF(study_layers),
    GRID = STEPS * LAYERS,
    CELLS = 2 + 3 * GRID
};

/* Two cells without control, from the photo's noise and from new noise, then those with MasaCtrl, those with its masks,
 * and those that carry the subject into new noise. */
static cell cell_of(const bench *b, int i) {
    static const ss_arm arms[] = {SS_ARM_PLAIN, SS_ARM_MASKED, SS_ARM_SUBJECT};
    if (i < 2) return (cell){i ? SS_ARM_SUBJECT : SS_ARM_OFF, -1, -1};
    i -= 2;
    return (cell){arms[i / GRID], (int)(study_steps[i / LAYERS % STEPS] * b->o.sampling.steps + 0.5),
                  study_layers[i % LAYERS]};
}

static ss_status work_study(bench *b, const cell *c) {
    const char *prompt = b->player.prompt[SS_PLAYER_MOVES];
    char layers[16], *path = inverted(b);
    ss_row row = ss_row_new(SS_STUDY, c->arm, b->player.seed, SS_PLAYER_MOVES);
    overlap masks = {.b = b};
    ss_edit_request q = request_of(b, SS_STUDY, c->step < 0 ? SS_ARM_OFF : c->arm, &masks);
    ss_edited done = {0};
    row.step = c->step, row.layer = c->layer;
    q.prompts = &prompt, q.prompt_count = 1, q.keep_source = path;
    q.fresh = c->arm == SS_ARM_SUBJECT;
    if (c->step >= 0) {
        snprintf(layers, sizeof layers, "%d-", c->layer);
        q.control = (ss_control_range){.from_given = true, .from = c->step, .layers = layers};
    }
    ss_status st = path ? ss_edit(&done, b->cx, b->m, &q) : SS_ERR_NOMEM;
    if (masks.count) row.value[SS_MEASURE_MASK] = masks.sum / masks.count;
    if (!st) st = measure_target(b, &row, &done.targets[0], &b->photo, b->truth, NULL);
    ss_edited_free(&done);
    free(path);
    return st;
}

/* ------------------------------------------------------------------------------------------------ pieces of work */

static ss_status work(bench *b, ss_experiment part, const cell *c) {
    switch (part) {
    case SS_RENDERS:
        return work_renders(b);
    case SS_EDIT:
        return work_edit(b);
    case SS_TEXT:
    case SS_FRESH:
        return draw_arms(b, part);
    default:
        return work_study(b, c);
    }
}

static char *piece_name(const bench *b, ss_experiment part, const cell *c) {
    unsigned long long seed = b->player.seed;
    if (part != SS_STUDY) return ss_format(b->cx, "%s-%llu", ss_experiment_names[part], seed);
    if (c->step < 0) return ss_format(b->cx, "%s-%llu-%s", ss_experiment_names[part], seed, ss_arm_names[c->arm]);
    return ss_format(b->cx, "%s-%llu-%s-step%d-layer%d", ss_experiment_names[part], seed, ss_arm_names[c->arm], c->step,
                     c->layer);
}

/* Does a piece of work, or takes what was measured of it before. */
static ss_status do_piece(bench *b, ss_experiment part, const cell *c) {
    char what[96];
    ss_ctx *cx = b->cx;
    struct stat there;
    char *name = piece_name(b, part, c), *path = name ? path_of(b, "measured", name, ".json") : NULL;
    ss_status st = path ? ss_stopped(cx) : SS_ERR_NOMEM;
    snprintf(what, sizeof what, "%s of individual %llu", ss_experiment_names[part], (unsigned long long)b->player.seed);
    ss_report(cx, what, b->done++, b->total);
    if (!st && !stat(path, &there)) {
        st = ss_rows_read(&b->rows, cx, path);
    } else if (!st) {
        int first = b->rows.count;
        ss_callbacks callbacks = hush(cx);
        st = work(b, part, c);
        cx->callbacks = callbacks;
        if (!st) st = ss_rows_write(&b->rows, cx, path, first);
    }
    free(name), free(path);
    return st;
}

static int pieces_of(ss_experiment part) { return part == SS_STUDY ? CELLS : 1; }

static ss_status do_individual(bench *b, uint64_t seed) {
    ss_status st = ss_player_of(&b->player, b->cx, seed);
    if (!st) st = render(&b->photo, b, &b->player.photo, b->truth);
    for (ss_experiment part = 0; part < SS_EXPERIMENTS && !st; part++)
        for (int i = 0; b->part[part] && i < pieces_of(part) && !st; i++) {
            cell c = cell_of(b, i);
            st = do_piece(b, part, &c);
        }
    char *path = inverted(b);
    if (path && !st) unlink(path);
    free(path);
    figure_free(&b->photo);
    return st;
}

/* ------------------------------------------------------------------------------------------------ the whole */

static ss_status choose_parts(bench *b) {
    const char *p = b->o.parts;
    do {
        char word[32];
        size_t n = strcspn(p, ",");
        int found = -1;
        snprintf(word, sizeof word, "%.*s", (int)(n < sizeof word ? n : sizeof word - 1), p);
        for (int i = 0; i < SS_EXPERIMENTS; i++)
            if (!strcmp(word, ss_experiment_names[i])) found = i;
        if (found < 0) {
            const char *near = ss_nearest(word, ss_experiment_names, SS_EXPERIMENTS);
            return ss_fail(b->cx, SS_ERR_ARG,
                           "the clay bench has no part \"%s\": there are renders, text, edit, fresh, study%s%s%s", word,
                           near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        }
        b->part[found] = true;
        p += n;
    } while (*p++ == ',');
    return SS_OK;
}

static ss_status check(bench *b) {
    ss_clay_score_request *o = &b->o;
    if (!o->parts) o->parts = "renders,text,edit,fresh";
    if (!o->individuals) o->individuals = 16;
    if (!o->seed) o->seed = 9001;
    if (!o->sampling.steps) o->sampling.steps = 30;
    if (!o->sampling.guidance) o->sampling.guidance = 4;
    if (!o->folder || !o->readers)
        return ss_fail(b->cx, SS_ERR_ARG, "a clay bench needs a folder to write to, and one with its readers");
    if (o->individuals < 1 || o->individuals > 10000)
        return ss_fail(b->cx, SS_ERR_ARG, "a clay bench takes 1 to 10000 individuals, not %d", o->individuals);
    if (b->size % 8 || b->size > 4096)
        return ss_fail(b->cx, SS_ERR_ARG,
                       "clay pictures have a multiple of 8 pixels a side, up to 4096, and this model draws %d",
                       b->size);
    ss_status st = choose_parts(b);
    for (ss_experiment i = 0; i < SS_EXPERIMENTS; i++) b->total += b->part[i] * pieces_of(i) * o->individuals;
    return st;
}

static ss_status make_folder(const bench *b, const char *name) {
    char *path = ss_format(b->cx, "%s%s", b->o.folder, name);
    ss_status st = path ? SS_OK : SS_ERR_NOMEM;
    if (!st && mkdir(path, 0777) && errno != EEXIST)
        st = ss_fail(b->cx, SS_ERR_FILE, "%s cannot be made: %s", path, strerror(errno));
    free(path);
    return st;
}

/* What measurements depend on, apart from the individual. */
static json_t *settings_of(const bench *b) {
    char model[65], reader[2][65] = {"", ""};
    static const char *const files[2] = {"attributes", "identity"};
    ss_status st = ss_model_fingerprint(model, b->cx, b->m);
    for (int i = 0; i < 2 && !st; i++) {
        char *path = ss_format(b->cx, "%s/%s.safetensors", b->o.readers, files[i]);
        st = path ? ss_file_hash(reader[i], b->cx, path) : SS_ERR_NOMEM;
        free(path);
    }
    if (st) return NULL;
    return json_pack("{s:i, s:s, s:s, s:s, s:i, s:i, s:f, s:s}", "bench", BENCH, "model", model, "attributes",
                     reader[0], "identity", reader[1], "size", b->size, "steps", b->o.sampling.steps, "guidance",
                     b->o.sampling.guidance, "numbers", ss_ctx_numbers(b->cx));
}

/* The folder's settings.json has to say what we are about to do; where there is none, it is written. */
static ss_status settle(const bench *b, const json_t *ours) {
    char *path = ss_format(b->cx, "%s/settings.json", b->o.folder), *text = NULL;
    json_t *theirs = NULL;
    struct stat there;
    ss_status st = path ? SS_OK : SS_ERR_NOMEM;
    if (!st && !stat(path, &there)) {
        st = ss_json_read(&theirs, b->cx, path);
        const char *key;
        json_t *value;
        json_object_foreach((json_t *)ours, key, value) {
            const json_t *other = json_object_get(theirs, key);
            if (st || json_equal(value, other)) continue;
            char *x = other ? json_dumps(other, JSON_ENCODE_ANY) : NULL, *y = json_dumps(value, JSON_ENCODE_ANY);
            st = ss_fail(b->cx, SS_ERR_FORMAT,
                         "%s: the bench there has \"%s\" %s, and this one has %s: name another folder", path, key,
                         x ? x : "missing", y ? y : "another");
            free(x), free(y);
        }
    } else if (!st) {
        text = json_dumps(ours, JSON_INDENT(1));
        st = text ? ss_write_file(b->cx, path, text, strlen(text))
                  : ss_fail(b->cx, SS_ERR_NOMEM, "out of memory: no room for a bench's settings");
    }
    free(text), free(path);
    json_decref(theirs);
    return st;
}

static ss_status open_bench(bench *b, json_t **settings) {
    static const char *const folders[] = {"", "/measured", "/pictures"};
    ss_status st = check(b);
    if (!st) st = ss_readers_open(&b->readers, b->cx, b->o.readers);
    for (int i = 0; i < SS_COUNT_OF(folders) && !st; i++) st = make_folder(b, folders[i]);
    if (!st) b->truth = ss_alloc(b->cx, (size_t)b->size, (size_t)b->size);
    if (!st && !b->truth) st = SS_ERR_NOMEM;
    if (!st && !(*settings = settings_of(b))) st = b->cx->status ? b->cx->status : SS_ERR_NOMEM;
    return st ? st : settle(b, *settings);
}

ss_status ss_clay_score(ss_clay_score_report *out, ss_ctx *cx, ss_model *m, const ss_clay_score_request *request) {
    bench b = {.cx = cx, .m = m, .o = *request, .size = m->size};
    json_t *settings = NULL;
    ss_clay_score_report report = {0};
    ss_ctx_clear(cx);
    ss_status st = open_bench(&b, &settings);
    for (int i = 0; i < b.o.individuals && !st; i++) st = do_individual(&b, b.o.seed + (uint64_t)i);
    if (!st) ss_report(cx, "tables", b.total, b.total);
    if (!st) st = ss_tables_write(&report, cx, &b.rows, settings, b.o.folder);
    json_decref(settings);
    ss_readers_free(b.readers);
    ss_rows_clear(&b.rows);
    free(b.truth);
    if (!st) *out = report;
    return st;
}

void ss_clay_score_report_free(ss_clay_score_report *r) {
    free(r->markdown), free(r->json);
    *r = (ss_clay_score_report){0};
}
