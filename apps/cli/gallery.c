/* Pictures on their way out. */
#include "gallery.h"

#include "options.h"
#include "say.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

int gallery_open(gallery *g, job *j, int count, const char *stem) {
    *g = (gallery){.j = j, .out = {.stem = stem}, .pictures = must(json_array())};
    return output_open(&g->out, j->s, j->cx, count);
}

void gallery_show(gallery *g, ss_image *im, const char *caption) {
    if (!g->j->s->sheet) return;
    g->image = must(realloc(g->image, (size_t)(g->count + 1) * sizeof *g->image));
    g->caption = must(realloc(g->caption, (size_t)(g->count + 1) * sizeof *g->caption));
    g->image[g->count] = *im;
    g->caption[g->count++] = caption;
    *im = (ss_image){0};
}

/* What the file says of itself: whether there is one at all. */
static bool read_meta(ss_image_meta *meta, gallery *g, const char *path) {
    if (access(path, F_OK)) return false;
    if (ss_image_meta_read(meta, g->j->cx, path)) ss_ctx_clear(g->j->cx); /* no picture: it says nothing */
    return true;
}

standing gallery_look(gallery *g, int place, const portrait *p) {
    ss_image_meta meta = {0};
    if (!read_meta(&meta, g, output_name(&g->out, g->j->s, place, p->seed))) return MISSING;
    bool same = recipe_same(&meta, g->j, p);
    ss_image_meta_free(&meta);
    return same ? THERE : ANOTHER;
}

int64_t gallery_seed(gallery *g, int place) {
    ss_image_meta meta = {0};
    if (!read_meta(&meta, g, output_name(&g->out, g->j->s, place, g->j->s->seed))) return -1;
    int64_t seed = recipe_seed(&meta);
    ss_image_meta_free(&meta);
    return seed;
}

void gallery_keep(gallery *g, int place, const portrait *p) {
    settings *s = g->j->s;
    const char *path = output_name(&g->out, s, place, p->seed);
    json_t *entry =
        json_pack("{s:o?, s:o?, s:I, s:i, s:i, s:b}", "path", json_string(path), "prompt", json_string(p->prompt),
                  "seed", (json_int_t)p->seed, "width", p->width, "height", p->height, "kept", true);
    json_array_append_new(g->pictures, must(entry));
    g->kept++;
    if (!s->json) printf("%s  (is there already)\n", path);
}

int gallery_add(gallery *g, const ss_image *im, const portrait *p) {
    settings *s = g->j->s;
    const char *path = output_name(&g->out, s, g->place++, p->seed);
    ss_image_meta meta = {0};
    int rc = recipe_write(&meta, g->j, p);
    if (!rc) rc = job_verdict(g->j, ss_image_write(g->j->cx, path, im, &meta));
    ss_image_meta_free(&meta);
    if (rc) return rc;

    g->written++;
    json_t *entry =
        json_pack("{s:o?, s:o?, s:I, s:i, s:i, s:f}", "path", json_string(path), "prompt", json_string(p->prompt),
                  "seed", (json_int_t)p->seed, "width", im->w, "height", im->h, "seconds", g->seconds);
    json_array_append_new(g->pictures, must(entry));
    if (!s->json) {
        printf("%s  (", path);
        if (s->verb->bit == GENERATE) printf("seed %lld, ", (long long)p->seed);
        printf("%dx%d, %d steps, %s, %.1f s)\n", im->w, im->h, s->steps, ss_ctx_numbers(g->j->cx), g->seconds);
        fflush(stdout);
    }
    return DONE;
}

int gallery_finish(gallery *g) {
    settings *s = g->j->s;
    int rc = DONE;
    if (s->sheet && g->count) {
        rc = job_verdict(g->j, ss_sheet_write(g->j->cx, s->sheet, g->image, g->caption, g->count));
        if (!rc && !s->json) printf("%s  (sheet of %d)\n", s->sheet, g->count);
    }
    if (!s->report) s->report = must(json_object());
    json_object_set_new(s->report, "selfsame", json_string(SS_VERSION));
    json_object_set_new(s->report, "verb", json_string(s->verb->name));
    json_object_set(s->report, "pictures", g->pictures);
    if (s->sheet && g->count && !rc) json_object_set_new(s->report, "sheet", json_string(s->sheet));
    if (g->j->m) json_object_set_new(s->report, "model", recipe_model(g->j));
    if (g->j->m) json_object_set_new(s->report, "options", options_to_json(s));
    json_object_set_new(s->report, "seconds_open", json_real(g->j->seconds_open));
    return rc;
}

void gallery_close(gallery *g) {
    for (int i = 0; i < g->count; i++) ss_image_free(&g->image[i]);
    free(g->image);
    free(g->caption);
    json_decref(g->pictures);
    *g = (gallery){0};
}
