/* The log and the samples. A line of the log is an object that holds "loss", "sample" or "note", and "step". */
#include "train/run_folder.h"

#include "io/buffer.h"
#include "io/image.h"
#include "io/json.h"
#include "io/map.h"
#include "io/replace.h"
#include "train/page.h"
#include "train/prior.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ------------------------------------------------------------------------------------------------ in memory */

/* Room for one more behind `count`, in powers of two. */
static ss_status one_more(ss_ctx *cx, void *list, int count, size_t size) {
    if (count & (count - 1)) return SS_OK;
    return ss_grow(cx, list, (size_t)count, count ? 2 * (size_t)count : 1, size);
}

static ss_status keep_step(ss_run_folder *f, ss_ctx *cx, const ss_run_step *s) {
    ss_status st = one_more(cx, &f->step, f->steps, sizeof *f->step);
    if (!st) f->step[f->steps++] = *s;
    return st;
}

static ss_status keep_note(ss_run_folder *f, ss_ctx *cx, int64_t step, const char *text) {
    char *copy = ss_strdup(cx, text);
    ss_status st = copy ? one_more(cx, &f->note, f->notes, sizeof *f->note) : SS_ERR_NOMEM;
    if (st)
        free(copy);
    else
        f->note[f->notes++] = (ss_run_note){step, copy};
    return st;
}

static void free_sample(ss_kept_sample *s) {
    free(s->caption);
    free(s->copy_of);
    free(s->file);
    free(s->small);
}

static char *base64(ss_ctx *cx, const uint8_t *bytes, size_t n) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *text = ss_alloc(cx, (n + 2) / 3 * 4 + 1, 1), *to = text;
    for (size_t i = 0; i < n && text; i += 3, to += 4) {
        uint32_t three =
            (uint32_t)bytes[i] << 16 | (i + 1 < n ? (uint32_t)bytes[i + 1] << 8 : 0) | (i + 2 < n ? bytes[i + 2] : 0);
        for (int k = 0; k < 4; k++) to[k] = i + (size_t)k > n ? '=' : digits[three >> (18 - 6 * k) & 63];
    }
    return text;
}

static ss_status shrink(char **small, ss_ctx *cx, const ss_image *im) {
    ss_image y = {0};
    void *jpeg = NULL;
    size_t n = 0;
    int longer = im->w > im->h ? im->w : im->h, side = longer < SS_SMALL_SIDE ? longer : SS_SMALL_SIDE;
    int w = (int)((int64_t)im->w * side / longer), h = (int)((int64_t)im->h * side / longer);
    ss_status st = ss_image_resize(&y, cx, im, w ? w : 1, h ? h : 1, SS_BICUBIC);
    if (!st) st = ss_image_encode(&jpeg, &n, cx, &y, NULL, "jpg");
    if (!st && !(*small = base64(cx, jpeg, n))) st = SS_ERR_NOMEM;
    ss_image_free(&y);
    free(jpeg);
    return st;
}

/* `picture` may be NULL: then there is nothing to show but the words. */
static ss_status keep_sample(ss_run_folder *f, ss_ctx *cx, const ss_run_sample *s, const char *file,
                             const ss_image *picture) {
    ss_kept_sample k = {.about = *s};
    ss_status st = one_more(cx, &f->sample, f->samples, sizeof *f->sample);
    k.caption = ss_strdup(cx, s->caption);
    k.copy_of = s->copy_of ? ss_strdup(cx, s->copy_of) : NULL;
    k.file = ss_strdup(cx, file);
    if (!st) st = cx->status;
    if (!st && picture) st = shrink(&k.small, cx, picture);
    k.about.caption = k.caption;
    k.about.copy_of = k.copy_of;
    if (st)
        free_sample(&k);
    else
        f->sample[f->samples++] = k;
    return st;
}

/* ------------------------------------------------------------------------------------------------ the log */

static ss_status append(ss_run_folder *f, ss_ctx *cx, json_t *line) {
    char *text = line ? json_dumps(line, JSON_COMPACT) : NULL, *ended = text ? ss_format(cx, "%s\n", text) : NULL;
    ss_status st = ended ? SS_OK : cx->status;
    json_decref(line);
    free(text);
    if (!ended && !st) st = ss_fail(cx, SS_ERR_FORMAT, "a caption or a warning is no UTF-8 text, or memory is out");
    size_t n = ended ? strlen(ended) : 0;
    ssize_t written = ended ? write(f->log, ended, n) : 0;
    if (!st && written != (ssize_t)n)
        st = ss_fail(cx, SS_ERR_FILE, "%s/log.jsonl cannot be written: %s", f->path,
                     written < 0 ? strerror(errno) : "the disk is full");
    free(ended);
    return st;
}

/* JSON has no NaN: what was not measured is left out. */
static void put_number(json_t *line, const char *key, double v) {
    if (line && isfinite(v)) json_object_set_new(line, key, json_real(v));
}

static double number(const json_t *line, const char *key) {
    const json_t *v = json_object_get(line, key);
    return json_is_number(v) ? json_number_value(v) : NAN;
}

ss_status ss_run_folder_step(ss_run_folder *f, ss_ctx *cx, const ss_run_step *s) {
    json_t *line = json_pack("{s:I, s:I}", "step", (json_int_t)s->step, "memory", (json_int_t)s->memory);
    put_number(line, "loss", s->loss);
    put_number(line, "smoothed", s->smoothed);
    put_number(line, "rate", s->rate);
    put_number(line, "norm", s->norm);
    put_number(line, "seconds", s->seconds);
    ss_status st = append(f, cx, line);
    return st ? st : keep_step(f, cx, s);
}

ss_status ss_run_folder_note(ss_run_folder *f, ss_ctx *cx, int64_t step, const char *text) {
    ss_status st = append(f, cx, json_pack("{s:I, s:s}", "step", (json_int_t)step, "note", text));
    return st ? st : keep_note(f, cx, step, text);
}

ss_status ss_run_folder_sample(ss_run_folder *f, ss_ctx *cx, const ss_run_sample *s, const ss_image *picture) {
    char *file = ss_format(cx, "samples/step-%06lld-%d.png", (long long)s->step, s->number + 1);
    char *path = file ? ss_format(cx, "%s/%s", f->path, file) : NULL;
    ss_status st = path ? ss_image_write(cx, path, picture, NULL) : SS_ERR_NOMEM;
    if (!st) {
        json_t *line =
            json_pack("{s:I, s:s, s:i, s:I, s:s, s:s*}", "step", (json_int_t)s->step, "sample", file, "number",
                      s->number, "seed", (json_int_t)s->seed, "caption", s->caption, "copy_of", s->copy_of);
        put_number(line, "text", s->text);
        put_number(line, "image", s->image);
        put_number(line, "likeness", s->likeness);
        st = append(f, cx, line);
    }
    if (!st) st = keep_sample(f, cx, s, file, picture);
    free(file);
    free(path);
    return st;
}

/* ------------------------------------------------------------------------------------------------ going on */

static ss_status take_sample(ss_run_folder *f, ss_ctx *cx, const json_t *line, const char *file) {
    const char *caption = json_string_value(json_object_get(line, "caption"));
    ss_run_sample s = {.step = json_integer_value(json_object_get(line, "step")),
                       .number = (int)json_integer_value(json_object_get(line, "number")),
                       .seed = (uint64_t)json_integer_value(json_object_get(line, "seed")),
                       .caption = caption ? caption : "",
                       .text = number(line, "text"),
                       .image = number(line, "image"),
                       .likeness = number(line, "likeness"),
                       .copy_of = json_string_value(json_object_get(line, "copy_of"))};
    ss_image im = {0};
    char *path = ss_format(cx, "%s/%s", f->path, file);
    struct stat there;
    ss_status st = path ? SS_OK : SS_ERR_NOMEM;
    /* Somebody may have tidied up: then the page shows its words. */
    bool shown = !st && !strstr(file, "..") && stat(path, &there) == 0;
    if (shown) st = ss_image_read(&im, cx, path);
    if (!st) st = keep_sample(f, cx, &s, file, im.rgb ? &im : NULL);
    ss_image_free(&im);
    free(path);
    return st;
}

static ss_status take_line(ss_run_folder *f, ss_ctx *cx, const json_t *line) {
    int64_t step = json_integer_value(json_object_get(line, "step"));
    const char *note = json_string_value(json_object_get(line, "note")),
               *sample = json_string_value(json_object_get(line, "sample"));
    if (note) return keep_note(f, cx, step, note);
    if (sample) return take_sample(f, cx, line, sample);
    ss_run_step s = {.step = step,
                     .loss = number(line, "loss"),
                     .smoothed = number(line, "smoothed"),
                     .rate = number(line, "rate"),
                     .norm = number(line, "norm"),
                     .seconds = number(line, "seconds"),
                     .memory = (size_t)json_integer_value(json_object_get(line, "memory"))};
    return keep_step(f, cx, &s);
}

/* Reads the log up to step `done` and writes that much of it anew. */
static ss_status go_on(ss_run_folder *f, ss_ctx *cx, const char *path, int64_t done) {
    ss_map file = {0};
    ss_buffer kept = {0};
    struct stat about;
    if (stat(path, &about) || about.st_size == 0) return SS_OK; /* stopped before its first line */
    ss_status st = ss_map_file(&file, cx, path);
    const char *s = (const char *)file.bytes, *end = s + file.size;
    for (int number_of = 1; s < end && !st; number_of++) {
        const char *stop = memchr(s, '\n', (size_t)(end - s));
        if (!stop) break; /* cut off while it was written */
        char name[64];
        json_t *line = NULL;
        snprintf(name, sizeof name, "line %d of the run's log.jsonl", number_of);
        st = ss_json_parse(&line, cx, name, s, (size_t)(stop - s));
        if (!st && json_integer_value(json_object_get(line, "step")) <= done) {
            st = take_line(f, cx, line);
            ss_put(&kept, cx, s, (size_t)(stop - s) + 1);
        }
        json_decref(line);
        s = stop + 1;
    }
    ss_unmap(&file);
    if (!st) st = kept.status;
    if (!st) st = ss_write_file(cx, path, kept.bytes ? (const void *)kept.bytes : "", kept.n);
    ss_buffer_free(&kept);
    return st;
}

ss_status ss_run_folder_open(ss_run_folder **out, ss_ctx *cx, const char *path, const json_t *settings,
                             int64_t steps_in_all, bool resume, int64_t done) {
    ss_run_folder *f = ss_alloc(cx, 1, sizeof *f);
    if (!f) return SS_ERR_NOMEM;
    f->log = -1;
    f->steps_in_all = steps_in_all;
    f->settings = json_incref((json_t *)settings);
    f->path = ss_strdup(cx, path);
    char *samples = ss_format(cx, "%s/samples", path), *log = ss_format(cx, "%s/log.jsonl", path);
    ss_status st = f->path && samples && log ? SS_OK : SS_ERR_NOMEM;
    if (!st) st = ss_make_folders(cx, samples);
    if (!st && resume) st = go_on(f, cx, log, done);
    if (!st) {
        f->log = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | (resume ? 0 : O_TRUNC), 0666);
        if (f->log < 0) st = ss_fail(cx, SS_ERR_FILE, "%s cannot be written: %s", log, strerror(errno));
    }
    free(samples);
    free(log);
    if (st)
        ss_run_folder_close(f);
    else
        *out = f;
    return st;
}

void ss_run_folder_close(ss_run_folder *f) {
    if (!f) return;
    if (f->log >= 0) close(f->log);
    for (int i = 0; i < f->samples; i++) free_sample(&f->sample[i]);
    for (int i = 0; i < f->notes; i++) free(f->note[i].text);
    free(f->step);
    free(f->sample);
    free(f->note);
    json_decref(f->settings);
    free(f->path);
    free(f);
}

/* ------------------------------------------------------------------------------------------------ the best step */

static double mean(double sum, int n) { return n ? sum / n : NAN; }

ss_run_scores ss_run_folder_scores(const ss_run_folder *f, int64_t step) {
    double text = 0, image = 0;
    int texts = 0, images = 0;
    for (int i = 0; i < f->samples; i++) {
        const ss_run_sample *s = &f->sample[i].about;
        if (s->step != step) continue;
        if (isfinite(s->text)) text += s->text, texts++;
        if (isfinite(s->image)) image += s->image, images++;
    }
    return (ss_run_scores){mean(text, texts), mean(image, images)};
}

/* Comparisons with what was not measured are false. */
static bool better(ss_run_scores a, ss_run_scores b, double least) {
    bool keeps = !(a.text < least), kept = !(b.text < least);
    if (keeps != kept) return keeps;
    return keeps ? a.image > b.image : a.text > b.text;
}

int64_t ss_run_folder_best(const ss_run_folder *f) {
    int64_t best = 0;
    double before = ss_run_folder_scores(f, 0).text, least = before - (1 - SS_TEXT_KEPT) * fabs(before);
    ss_run_scores most = {NAN, NAN};
    for (int i = 0; i < f->samples; i++) {
        int64_t step = f->sample[i].about.step;
        if (step == 0 || (i && f->sample[i - 1].about.step == step)) continue;
        ss_run_scores s = ss_run_folder_scores(f, step);
        if (!isfinite(s.image) || (best && !better(s, most, least))) continue;
        best = step;
        most = s;
    }
    return best;
}

ss_status ss_run_folder_page(const ss_run_folder *f, ss_ctx *cx, bool ended) {
    char *html = NULL, *path = ss_format(cx, "%s/index.html", f->path);
    ss_status st = path ? ss_page_build(&html, cx, f, ended) : SS_ERR_NOMEM;
    if (!st) st = ss_write_file(cx, path, html, strlen(html));
    free(html);
    free(path);
    return st;
}
