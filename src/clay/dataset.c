/* A data set of the clay world on disk: shards that are whole or not there, so that whoever was stopped goes on. */
#include "clay/render.h"
#include "clay/scene.h"
#include "clay/truth.h"
#include "clay/words.h"
#include "io/json.h"
#include "io/replace.h"

#include <errno.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { RENDERER = 1 }; /* raised when equal settings give other pictures */
enum { BATCH = 32 };   /* pictures drawn side by side */
enum { RGB, MASK, LINES, FILES };
static const char *const endings[FILES] = {"rgb", "mask", "jsonl"};

/* One picture of a batch, from its number to its line. */
typedef struct frame_of {
    uint64_t index;
    ss_clay_scene scene;
    ss_clay_keypoint keypoints[SS_CLAY_KEYPOINTS];
} frame_of;

typedef struct writer {
    ss_ctx *cx;
    const char *folder;
    ss_clay_dataset set; /* its zeros are filled */
    choices choices;
    uint64_t next; /* the index to look at next */
    int done;
    int threads, wide; /* wide: pictures a batch */
    stage *stages;     /* one a thread */
    frame_of batch[BATCH];
    uint8_t *rgb, *mask; /* of a batch */
} writer;

static size_t area(const writer *w) { return (size_t)w->set.size * (size_t)w->set.size; }

/* ------------------------------------------------------------------------------------------------ settings */

static json_t *settings_of(const ss_clay_dataset *d) {
    json_t *fixed = json_object();
    for (int k = 0; k < SS_CLAY_PARTS; k++)
        if (d->scenes.word[k])
            json_object_set_new(fixed, ss_clay_part_name((ss_clay_part)k), json_string(d->scenes.word[k]));
    return json_pack("{s:i, s:s, s:I, s:I, s:i, s:i, s:i, s:i, s:i, s:i, s:i, s:o}", "renderer", RENDERER, "world",
                     d->scenes.small ? "small" : "full", "seed", (json_int_t)d->scenes.seed, "first",
                     (json_int_t)d->first, "count", d->count, "each", d->each, "shard", d->shard, "size", d->size,
                     "samples", d->samples, "captions", d->captions, "held", (int)d->held, "fixed", fixed);
}

/* The folder's dataset.json has to say what we are about to do; where there is none, it is written. */
static ss_status settle(writer *w) {
    ss_ctx *cx = w->cx;
    json_t *ours = settings_of(&w->set), *theirs = NULL;
    char *path = ss_format(cx, "%s/dataset.json", w->folder), *text = NULL;
    ss_status st = ours && path ? SS_OK : ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for a data set's settings");
    struct stat there;
    if (!st && !stat(path, &there)) {
        st = ss_json_read(&theirs, cx, path);
        const char *key;
        json_t *value;
        json_object_foreach(ours, key, value) {
            const json_t *other = json_object_get(theirs, key);
            if (st || json_equal(value, other)) continue;
            char *a = other ? json_dumps(other, JSON_ENCODE_ANY) : NULL, *b = json_dumps(value, JSON_ENCODE_ANY);
            st = ss_fail(cx, SS_ERR_FORMAT,
                         "%s: the data set there has \"%s\" %s, and this one has %s: name another folder", path, key,
                         a ? a : "missing", b ? b : "another");
            free(a), free(b);
        }
    } else if (!st) {
        text = json_dumps(ours, JSON_INDENT(1));
        st = text ? ss_write_file(cx, path, text, strlen(text))
                  : ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room for a data set's settings");
    }
    free(text), free(path);
    json_decref(ours), json_decref(theirs);
    return st;
}

/* ------------------------------------------------------------------------------------------------ shards */

static char *path_of(const writer *w, int shard, int file) {
    return ss_format(w->cx, "%s/%05d.%s", w->folder, shard, endings[file]);
}

/* A shard's lines come last, so where they are the rest has to be. */
static ss_status find_shard(const writer *w, int shard, int count, bool *finished) {
    char *path[FILES] = {0};
    struct stat at[FILES] = {0};
    bool there[FILES] = {0};
    ss_status st = SS_OK;
    for (int i = 0; i < FILES && !st; i++) {
        path[i] = path_of(w, shard, i);
        if (!path[i])
            st = SS_ERR_NOMEM;
        else
            there[i] = !stat(path[i], &at[i]);
    }
    *finished = !st && there[LINES];
    for (int i = RGB; i <= MASK && *finished && !st; i++) {
        long long want = (long long)area(w) * count * (i == RGB ? 3 : 1);
        if (!there[i])
            st = ss_fail(w->cx, SS_ERR_FILE,
                         "%s is missing, and %s is there: remove that one, too, and the shard is drawn again", path[i],
                         path[LINES]);
        else if (at[i].st_size != want)
            st = ss_fail(w->cx, SS_ERR_FORMAT,
                         "%s has %lld bytes, and %d pictures of %dx%d take %lld: remove it with %s, and the shard is "
                         "drawn again",
                         path[i], (long long)at[i].st_size, count, w->set.size, w->set.size, want, path[LINES]);
    }
    for (int i = 0; i < FILES; i++) free(path[i]);
    return st;
}

/* Scene `index`, whose individual is that of the first of its `each`. */
static void draw_scene(ss_clay_scene *s, const writer *w, uint64_t index) {
    choices c = w->choices;
    ss_clay_scene first;
    if (w->set.each > 1) {
        ss_clay_draw(&first, &c, index - index % (uint64_t)w->set.each);
        c.who = &first.id;
    }
    ss_clay_draw(s, &c, index);
}

/* The next scene that the data set wants. */
static void next_scene(writer *w, frame_of *f) {
    for (;;) {
        f->index = w->next++;
        draw_scene(&f->scene, w, f->index);
        bool held = ss_clay_held_out(&f->scene) != 0;
        if (w->set.held == SS_CLAY_HELD_OUT_TOO || held == (w->set.held == SS_CLAY_HELD_OUT_ONLY)) return;
    }
}

/* Pictures side by side, each by one thread. */
static void draw_batch(writer *w, int n) {
#pragma omp parallel num_threads(w->threads)
    {
        stage *s = &w->stages[omp_get_thread_num()];
#pragma omp for schedule(dynamic)
        for (int i = 0; i < n; i++) {
            frame_of *f = &w->batch[i];
            ss_clay_picture to = {.size = w->set.size,
                                  .samples = w->set.samples,
                                  .rgb = w->rgb + (size_t)i * 3 * area(w),
                                  .mask = w->mask + (size_t)i * area(w),
                                  .keypoints = f->keypoints};
            ss_clay_render_on(s, &f->scene, &to, 1);
        }
    }
}

/* {"index": 7, "held_out": 0, "captions": ["a dog", ...], "truth": {...}} */
static ss_status write_line(ss_replacement *out, const writer *w, const frame_of *f) {
    rng r = {w->set.scenes.seed + 77 * f->index};
    json_t *captions = json_array();
    for (int i = 0; i < w->set.captions; i++) {
        char text[CAPTION_BYTES];
        ss_clay_caption_draw(text, &f->scene, &r);
        json_array_append_new(captions, json_string(text));
    }
    json_t *line =
        json_pack("{s:I, s:i, s:o, s:o}", "index", (json_int_t)f->index, "held_out", ss_clay_held_out(&f->scene),
                  "captions", captions, "truth", ss_clay_truth_of(&f->scene, f->keypoints));
    char *text = line ? ss_clay_json_line(line) : NULL;
    ss_status st = text ? ss_replace_write(out, w->cx, text, strlen(text))
                        : ss_fail(w->cx, SS_ERR_NOMEM, "out of memory: no room for what is known about a picture");
    if (!st) st = ss_replace_write(out, w->cx, "\n", 1);
    free(text);
    json_decref(line);
    return st;
}

static ss_status write_pictures(ss_replacement out[FILES], writer *w, int count) {
    ss_status st = SS_OK;
    for (int at = 0, n; at < count && !st; at += n) {
        n = count - at < w->wide ? count - at : w->wide;
        for (int i = 0; i < n; i++) next_scene(w, &w->batch[i]);
        draw_batch(w, n);
        st = ss_replace_write(&out[RGB], w->cx, w->rgb, (size_t)n * 3 * area(w));
        if (!st) st = ss_replace_write(&out[MASK], w->cx, w->mask, (size_t)n * area(w));
        for (int i = 0; i < n && !st; i++) st = write_line(&out[LINES], w, &w->batch[i]);
        w->done += n;
        ss_report(w->cx, "drawing", w->done, w->set.count);
        if (!st) st = ss_stopped(w->cx);
    }
    return st;
}

static ss_status write_shard(writer *w, int shard, int count) {
    ss_replacement out[FILES] = {{.fd = -1}, {.fd = -1}, {.fd = -1}};
    ss_status st = SS_OK;
    for (int i = 0; i < FILES && !st; i++) {
        char *path = path_of(w, shard, i);
        st = path ? ss_replace_open(&out[i], w->cx, path) : SS_ERR_NOMEM;
        free(path);
    }
    if (!st) st = write_pictures(out, w, count);
    for (int i = 0; i < FILES && !st; i++) st = ss_replace_commit(&out[i], w->cx);
    for (int i = 0; i < FILES; i++) ss_replace_close(&out[i]);
    return st;
}

/* ------------------------------------------------------------------------------------------------ the whole */

static ss_status check(ss_ctx *cx, const ss_clay_dataset *d) {
    if (d->count < 1 || d->shard < 1)
        return ss_fail(cx, SS_ERR_ARG, "a data set of %d pictures in shards of %d makes no sense: at least 1 of each",
                       d->count, d->shard);
    if ((d->count - 1) / d->shard > 99999)
        return ss_fail(cx, SS_ERR_ARG, "%d pictures in shards of %d are more than 100000 shards: make them larger",
                       d->count, d->shard);
    if (d->each < 1 || d->each > 10000)
        return ss_fail(cx, SS_ERR_ARG, "an individual takes 1 to 10000 pictures, not %d", d->each);
    if (d->captions < 1 || d->captions > 100)
        return ss_fail(cx, SS_ERR_ARG, "a picture takes 1 to 100 captions, not %d", d->captions);
    if (d->scenes.who)
        return ss_fail(cx, SS_ERR_ARG, "a data set draws its individuals from its seed: none can be given");
    return ss_clay_picture_check(cx, &(ss_clay_picture){.size = d->size, .samples = d->samples});
}

/* Choices may leave nothing to draw: 10,000 scenes without a fit are taken as an answer. */
static ss_status find_any(const writer *w) {
    for (uint64_t i = 0; i < 10000; i++) {
        ss_clay_scene s;
        draw_scene(&s, w, w->set.first + i);
        bool held = ss_clay_held_out(&s) != 0;
        if (w->set.held == SS_CLAY_HELD_OUT_TOO || held == (w->set.held == SS_CLAY_HELD_OUT_ONLY)) return SS_OK;
    }
    return ss_fail(w->cx, SS_ERR_ARG, "with what is fixed, every scene is %s, and those are not wanted",
                   w->set.held == SS_CLAY_HELD_OUT_ONLY ? "one that training may see" : "held out of training");
}

static ss_status open_writer(writer *w) {
    ss_ctx *cx = w->cx;
    size_t wide = ((size_t)1 << 24) / area(w);
    w->wide = wide < 1 ? 1 : wide > BATCH ? BATCH : (int)wide;
    w->threads = cx->threads > 1 ? cx->threads : 1;
    if (w->threads > w->wide) w->threads = w->wide;
    w->next = w->set.first;
    w->stages = ss_alloc(cx, (size_t)w->threads, sizeof *w->stages);
    if (w->stages) w->rgb = ss_alloc(cx, (size_t)w->wide, 3 * area(w));
    if (w->rgb) w->mask = ss_alloc(cx, (size_t)w->wide, area(w));
    if (!w->mask) return SS_ERR_NOMEM;
    if (mkdir(w->folder, 0777) && errno != EEXIST)
        return ss_fail(cx, SS_ERR_FILE, "%s cannot be made: %s", w->folder, strerror(errno));
    return settle(w);
}

ss_status ss_clay_dataset_write(ss_ctx *cx, const char *folder, const ss_clay_dataset *dataset) {
    writer *w = ss_alloc(cx, 1, sizeof *w);
    if (!w) return SS_ERR_NOMEM;
    w->cx = cx, w->folder = folder, w->set = *dataset;
    if (!w->set.each) w->set.each = 1;
    if (!w->set.shard) w->set.shard = 1000;
    if (!w->set.captions) w->set.captions = 1;
    if (!w->set.samples) w->set.samples = 2;
    ss_status st = check(cx, &w->set);
    if (!st) st = ss_clay_choose(&w->choices, cx, &w->set.scenes);
    if (!st) st = find_any(w);
    if (!st) st = open_writer(w);
    for (int shard = 0, at = 0, n; at < w->set.count && !st; shard++, at += n) {
        bool finished = false;
        n = w->set.count - at < w->set.shard ? w->set.count - at : w->set.shard;
        st = find_shard(w, shard, n, &finished);
        if (!st && !finished) st = write_shard(w, shard, n);
        frame_of skipped;
        for (int i = 0; i < n && finished && !st; i++) next_scene(w, &skipped);
        if (finished) w->done += n;
    }
    free(w->stages), free(w->rgb), free(w->mask), free(w);
    return st;
}
