/* clay: pictures of the clay world, with their truth. */
#include "files.h"
#include "job.h"
#include "options.h"
#include "say.h"
#include "verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* What the operand asks for. */
enum { SHEET = 1, IDENTITY = 2, PHOTO = 4, DATASET = 8 };

typedef struct product {
    const char *name;
    int bit, count, size; /* pictures and pixels a side where nobody says how many; 0: somebody has to */
    int (*make)(job *j, const struct product *p, const ss_clay_request *q);
} product;

/* ------------------------------------------------------------------------------------------------ pictures */

/* A scene as a picture, and its mask in grey. */
typedef struct drawn {
    ss_clay_scene scene;
    ss_clay_keypoint keypoints[SS_CLAY_KEYPOINTS];
    ss_image picture, mask;
    char *caption;
} drawn;

static void drawn_free(drawn *d) {
    ss_image_free(&d->picture);
    ss_image_free(&d->mask);
    free(d->caption);
    *d = (drawn){0};
}

/* Seen joints are yellow (head, arms) and pink (hips, legs, tail), hidden ones red and blue. */
static void mark_keypoints(drawn *d) {
    int side = d->picture.w;
    for (int i = 0; i < SS_CLAY_KEYPOINTS; i++) {
        const ss_clay_keypoint *k = &d->keypoints[i];
        bool low = (i >= 8 && i < 14) || i >= SS_CLAY_TAIL_BASE, seen = k->seen == SS_CLAY_VISIBLE;
        const uint8_t color[3] = {(uint8_t)(low && !seen ? 0 : 255), (uint8_t)(seen && !low ? 255 : 0),
                                  (uint8_t)(low ? 255 : 0)};
        for (int t = 0; t < 9 && k->seen != SS_CLAY_ABSENT; t++) {
            int x = (int)k->x + t % 3 - 1, y = (int)k->y + t / 3 - 1;
            if (x >= 0 && y >= 0 && x < side && y < side)
                memcpy(d->picture.rgb + 3 * ((size_t)y * (size_t)side + (size_t)x), color, 3);
        }
    }
}

static int draw(drawn *d, job *j, const ss_clay_request *q, int i) {
    const settings *s = j->s;
    size_t n = (size_t)s->width * (size_t)s->width;
    *d = (drawn){.picture = {s->width, s->width, must(malloc(3 * n))},
                 .mask = {s->width, s->width, must(malloc(3 * n))}};
    ss_clay_picture to = {.size = s->width,
                          .samples = s->samples,
                          .rgb = d->picture.rgb,
                          .mask = d->mask.rgb + 2 * n,
                          .keypoints = d->keypoints};
    ss_status st = ss_clay_scene_draw(&d->scene, j->cx, q, (uint64_t)i);
    if (!st) st = ss_clay_render(j->cx, &d->scene, &to);
    if (!st) st = ss_clay_caption(&d->caption, j->cx, &d->scene, q->seed + 77 * (uint64_t)i);
    for (size_t at = 0; at < n && !st; at++) memset(d->mask.rgb + 3 * at, d->mask.rgb[2 * n + at], 3); /* grey as RGB */
    if (!st && s->keypoints) mark_keypoints(d);
    return job_verdict(j, st);
}

/* Who is meant where there is one: the first scene's figure. */
static int find_individual(ss_clay_identity *who, job *j, const ss_clay_request *q) {
    ss_clay_scene s;
    ss_clay_request first = *q;
    int rc = job_verdict(j, ss_clay_scene_draw(&s, j->cx, &first, 0));
    *who = s.id;
    return rc;
}

static void progress(job *j, int done, int total) { meter_show(&j->meter, &(ss_progress){"drawing", done, total}); }

static void report_picture(job *j, const char *path, const drawn *d) {
    settings *s = j->s;
    if (!s->report) s->report = must(json_pack("{s:I, s:[]}", "seed", (json_int_t)s->seed, "pictures"));
    json_t *one = must(json_pack("{s:s?, s:s}", "file", path, "caption", d->caption));
    char *truth = NULL;
    if (!ss_clay_truth(&truth, j->cx, &d->scene, d->keypoints))
        json_object_set_new(one, "truth", json_loads(truth, 0, NULL));
    free(truth);
    json_array_append_new(json_object_get(s->report, "pictures"), one);
}

/* ------------------------------------------------------------------------------------------------ sheet, identity */

static int make_sheet(job *j, const product *p, const ss_clay_request *q) {
    settings *s = j->s;
    output out = {.stem = format_text(s, "clay-%s-%lld", p->name, (long long)s->seed)};
    ss_clay_identity who;
    ss_clay_request one = *q;
    int rc = output_open(&out, s, j->cx, 1), n = 0;
    if (!rc && p->bit == IDENTITY) rc = find_individual(&who, j, q);
    if (p->bit == IDENTITY) one.who = &who;
    drawn *all = must(calloc((size_t)s->count, sizeof *all));
    ss_image *pictures = must(calloc((size_t)s->count, sizeof *pictures));
    const char **captions = must(calloc((size_t)s->count, sizeof *captions));
    for (; n < s->count && !rc; n++) {
        rc = job_signal() ? STOPPED : draw(&all[n], j, &one, n);
        pictures[n] = all[n].picture, captions[n] = all[n].caption;
        progress(j, n + 1, s->count);
    }
    const char *path = rc ? NULL : output_name(&out, s, 0, s->seed);
    if (!rc) rc = job_verdict(j, ss_sheet_write(j->cx, path, pictures, captions, s->count));
    for (int i = 0; i < n && !rc && s->json; i++) report_picture(j, NULL, &all[i]);
    if (!rc && s->json) json_object_set_new(s->report, "sheet", json_string(path));
    if (!rc && !s->json) puts(path);
    for (int i = 0; i < n; i++) drawn_free(&all[i]);
    free(all), free(pictures), free(captions);
    return rc;
}

/* ------------------------------------------------------------------------------------------------ photo */

/* "bear-1.json" beside "bear-1.png" */
static const char *beside(settings *s, const char *path, const char *end) {
    return format_text(s, "%.*s%s", (int)(strrchr(path, '.') - path), path, end);
}

static int write_truth(job *j, const char *path, const drawn *d) {
    char *truth = NULL;
    int rc = job_verdict(j, ss_clay_truth(&truth, j->cx, &d->scene, d->keypoints));
    FILE *f = rc ? NULL : fopen(path, "w");
    bool well = f && fprintf(f, "%s\n", truth) > 0;
    if (f) well = !fclose(f) && well;
    free(truth);
    return rc || well ? rc : failure("%s cannot be written", path);
}

static int write_photo(job *j, const output *out, const drawn *d, int i) {
    settings *s = j->s;
    const char *path = output_name(out, s, i, s->seed);
    ss_image_meta meta = {.parameters = d->caption};
    int rc = job_verdict(j, ss_image_write(j->cx, path, &d->picture, &meta));
    if (!rc && s->masks) rc = job_verdict(j, ss_image_write(j->cx, beside(s, path, "-mask.png"), &d->mask, NULL));
    if (!rc && s->truth) rc = write_truth(j, beside(s, path, ".json"), d);
    if (!rc && s->json) report_picture(j, path, d);
    if (!rc && !s->json) printf("%s  %s\n", path, d->caption);
    return rc;
}

static int make_photos(job *j, const product *p, const ss_clay_request *q) {
    settings *s = j->s;
    output out = {.stem = format_text(s, "clay-%lld", (long long)s->seed)};
    ss_clay_identity who;
    ss_clay_request one = *q;
    int rc = output_open(&out, s, j->cx, s->count);
    if (!rc) rc = find_individual(&who, j, q);
    one.who = &who;
    for (int i = 0; i < s->count && !rc; i++) {
        drawn d = {0};
        rc = job_signal() ? STOPPED : draw(&d, j, &one, i);
        if (!rc) rc = write_photo(j, &out, &d, i);
        drawn_free(&d);
        progress(j, i + 1, s->count);
    }
    (void)p;
    return rc;
}

/* ------------------------------------------------------------------------------------------------ dataset */

static int make_dataset(job *j, const product *p, const ss_clay_request *q) {
    settings *s = j->s;
    if (!s->output) return usage("clay %s writes into a folder, which -o has to name", p->name);
    if (!given(s, "seed")) return usage("clay %s takes a --seed: the same one goes on with the same data set", p->name);
    if (!s->count) return usage("how many pictures? --count says it");
    ss_clay_dataset d = {.scenes = *q,
                         .first = (uint64_t)s->first,
                         .count = s->count,
                         .each = s->each,
                         .shard = s->shard,
                         .size = s->width,
                         .samples = s->samples,
                         .captions = s->captions,
                         .held = (ss_clay_held)s->held};
    int rc = job_verdict(j, ss_clay_dataset_write(j->cx, s->output, &d));
    if (rc == STOPPED) note("stopped; the same command goes on with the shards that are missing");
    if (!rc && s->json) s->report = must(json_pack("{s:s, s:i}", "folder", s->output, "pictures", s->count));
    return rc;
}

/* ------------------------------------------------------------------------------------------------ which of them */

static const product products[] = {
    {"sheet", SHEET, 24, 192, make_sheet},
    {"identity", IDENTITY, 24, 192, make_sheet},
    {"photo", PHOTO, 4, 256, make_photos},
    {"dataset", DATASET, 0, 128, make_dataset},
};
enum { PRODUCTS = sizeof products / sizeof *products };

/* Options that only some of them look at. */
static const struct {
    const char *option;
    int products;
} of_product[] = {
    {"first", DATASET}, {"each", DATASET}, {"captions", DATASET}, {"held", DATASET},
    {"shard", DATASET}, {"truth", PHOTO},  {"masks", PHOTO},      {"keypoints", SHEET | IDENTITY | PHOTO},
};

static int check_options(const settings *s, const product *p) {
    for (size_t i = 0; i < sizeof of_product / sizeof *of_product; i++)
        if (given(s, of_product[i].option) && !(of_product[i].products & p->bit))
            return usage("--%s does not go with clay %s", of_product[i].option, p->name);
    if (s->width != s->height) return usage("clay pictures are square, and --size is %dx%d", s->width, s->height);
    return DONE;
}

static const product *find_product(const char *word) {
    for (int i = 0; i < PRODUCTS; i++)
        if (!strcmp(word, products[i].name)) return &products[i];
    return NULL;
}

int clay(settings *s) {
    job j = {0};
    const product *p = find_product(s->operand);
    if (!p) {
        const char *names[PRODUCTS];
        for (int i = 0; i < PRODUCTS; i++) names[i] = products[i].name;
        return usage("clay makes a sheet, an identity, a photo or a dataset, not \"%s\"%s", s->operand,
                     did_you_mean(s, s->operand, names, PRODUCTS));
    }
    if (!s->width) s->width = s->height = p->size;
    if (!s->count) s->count = p->count;
    int rc = check_options(s, p);
    uint32_t any = 0;
    if (s->seed < 0 && p->bit != DATASET) s->seed = getrandom(&any, sizeof any, 0) == sizeof any ? any : 0;
    ss_clay_request q = {.seed = (uint64_t)s->seed, .small = s->world == 0};
    memcpy(q.word, s->parts, sizeof q.word);
    if (!rc) rc = job_open(&j, s);
    if (!rc) rc = p->make(&j, p, &q);
    job_close(&j);
    return rc;
}
