/* Concepts, their captions and the order of their pictures. Files and pixels are pictures.c's, scale and place
 * augment.c's.
 *
 * Nothing in the order is remembered from one step to the next: the lots of micro-step k come from a generator seeded
 * by the data set's seed and k, the order of round e through a list from one seeded by the seed, the list and e.
 */
#include "train/dataset.h"

#include "io/buffer.h"
#include "io/image.h"
#include "train/pictures.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A list in random order, round after round. */
typedef struct order {
    int64_t n;
    int64_t round; /* that `index` belongs to; -1: none yet */
    int64_t *index;
    uint64_t stream; /* tells the lists of a data set apart */
} order;

typedef struct concept {
    int first, photos;             /* its photos among all pictures */
    int class_first, class_photos; /* pictures of its class */
    ss_lines templates;            /* what a caption is chosen from; none: nothing is drawn */
    bool photo_lines, class_lines; /* captions are lines of a file: templates do not touch them */
    order photo_order, class_order, item_order;
    double copy_threshold;
}
concept;

/* What belongs to a picture besides its pixels. */
typedef struct belongs {
    int concept;
    bool prior;
    int caption; /* the first of its captions: templates times prefixes */
} belongs;

struct ss_dataset {
    ss_augment augment;
    int batch;
    uint64_t seed;
    int class_most;
    concept *concept;
    int concepts;
    ss_pictures pictures;
    belongs *belongs;
    ss_lines captions;
    int photo_list, class_list; /* all concepts together, as diffusers counts */
    int *photo, *class_picture; /* [photo_list], [class_list] */
};

static int photo_prefixes(const ss_dataset *d) { return d->augment.still ? 1 : SS_PREFIXES; }

/* ------------------------------------------------------------------------------------------------ opening */

static bool names_lines(const char *text) {
    size_t n = strlen(text);
    return n > 4 && !strcmp(text + n - 4, ".txt");
}

/* Appends a prompt's captions and says where they begin. */
static ss_status add_captions(int *first, ss_dataset *d, ss_ctx *cx, const char *prompt, const ss_lines *templates,
                              int prefixes) {
    int count = templates && templates->count ? templates->count : 1;
    size_t more = (size_t)count * (size_t)prefixes;
    ss_status st = ss_grow(cx, &d->captions.at, (size_t)d->captions.count, (size_t)d->captions.count + more,
                           sizeof *d->captions.at);
    *first = d->captions.count;
    for (int i = 0; i < count && !st; i++)
        for (int p = 0; p < prefixes && !st; p++) {
            const char *template = templates && templates->count ? templates->at[i] : "{}";
            char *text = ss_caption_fill(cx, (ss_prefix)p, template, prompt);
            if (text)
                d->captions.at[d->captions.count++] = text;
            else
                st = SS_ERR_NOMEM;
        }
    return st;
}

/* The captions of the pictures from `first` on, which came from `paths`. */
static ss_status caption_pictures(ss_dataset *d, ss_ctx *cx, int number, bool prior, int first, const ss_lines *paths,
                                  const char *where, const char *prompt) {
    concept *c = &d->concept[number];
    ss_lines lines = {0};
    bool *by_lines = prior ? &c->class_lines : &c->photo_lines;
    int prefixes = prior ? 1 : photo_prefixes(d), shared = 0;
    *by_lines = names_lines(prompt);
    ss_status st = *by_lines ? ss_lines_read(&lines, cx, prompt) : SS_OK;
    if (!st && *by_lines && lines.count != paths->count)
        st = ss_fail(cx, SS_ERR_SHAPE, "%s has %d captions, %s has %d pictures: each picture needs one, in order",
                     prompt, lines.count, where, paths->count);
    if (!st && !*by_lines) st = add_captions(&shared, d, cx, prompt, &c->templates, prefixes);
    if (!st) st = ss_grow(cx, &d->belongs, (size_t)first, (size_t)d->pictures.count, sizeof *d->belongs);
    for (int i = first; i < d->pictures.count && !st; i++) {
        int caption = shared;
        if (*by_lines) st = add_captions(&caption, d, cx, lines.at[d->pictures.at[i].line], NULL, prefixes);
        d->belongs[i] = (belongs){number, prior, caption};
    }
    ss_lines_free(&lines);
    return st;
}

/* The mask among `masks` that has the photo's name, whatever the suffixes. NULL: none. */
static const char *mask_of(const ss_lines *masks, const char *photo) {
    const char *name = ss_base_name(photo), *point = strrchr(name, '.');
    size_t n = point ? (size_t)(point - name) : strlen(name);
    for (int i = 0; i < masks->count; i++) {
        const char *mask = ss_base_name(masks->at[i]), *end = strrchr(mask, '.');
        if (end && (size_t)(end - mask) == n && !memcmp(mask, name, n)) return masks->at[i];
    }
    return NULL;
}

static ss_status masks_from_files(ss_dataset *d, ss_ctx *cx, const concept *c, const char *folder) {
    ss_lines masks = {0};
    ss_status st = ss_paths_find(&masks, cx, folder);
    for (int i = c->first; i < c->first + c->photos && !st; i++) {
        ss_picture *p = &d->pictures.at[i];
        const char *path = mask_of(&masks, p->path);
        float *mask = NULL;
        int w, h;
        if (!path)
            st = ss_fail(cx, SS_ERR_FILE, "%s has no mask for %s: it would be called as the photo is, with any suffix",
                         folder, p->path);
        if (!st) st = ss_mask_read(&mask, &w, &h, cx, path);
        if (!st) st = ss_picture_mask(p, cx, mask, w, h, path);
        free(mask);
    }
    ss_lines_free(&masks);
    return st;
}

static bool is_white(const float *mask, size_t n) {
    size_t i = 0;
    while (i < n && mask[i] >= 1) i++;
    return i == n;
}

static ss_status masks_by_themselves(ss_dataset *d, ss_ctx *cx, int number, const ss_dataset_options *o) {
    const concept *c = &d->concept[number];
    ss_status st = SS_OK;
    for (int i = c->first; i < c->first + c->photos && !st; i++) {
        ss_picture *p = &d->pictures.at[i];
        ss_image photo = {0};
        float *mask = NULL;
        ss_report(cx, "looking for the subject", i - c->first, c->photos);
        st = ss_picture_read(&photo, cx, p);
        if (!st && !(mask = ss_alloc(cx, (size_t)photo.w * photo.h, sizeof *mask))) st = SS_ERR_NOMEM;
        if (!st) st = o->mask(o->mask_user, cx, number, &photo, mask);
        if (!st && is_white(mask, (size_t)photo.w * photo.h))
            ss_warn(cx, "%s: nothing in it stands out as the subject, so the loss counts everywhere", p->path);
        if (!st) st = ss_picture_mask(p, cx, mask, photo.w, photo.h, "the automatic mask");
        free(mask);
        ss_image_free(&photo);
    }
    return st;
}

/* What can be known about photos before training with them. */
static ss_status judge_photos(ss_dataset *d, ss_ctx *cx, concept *c, const char *where) {
    if (!c->photos) return ss_fail(cx, SS_ERR_FILE, "%s: none of its pictures can be used", where);
    if (c->photos == 1)
        ss_warn(cx,
                "%s is one photo: its pose, light and background will be learnt with the subject; 4 to 20 are better",
                where);
    ss_thumb *thumb = ss_alloc(cx, (size_t)c->photos, sizeof *thumb);
    if (!thumb) return SS_ERR_NOMEM;
    for (int i = 0; i < c->photos; i++) {
        const ss_picture *p = &d->pictures.at[c->first + i];
        thumb[i] = p->thumb;
        for (int j = 0; j < i; j++)
            if (ss_thumb_likeness(&thumb[i], &thumb[j]) >= SS_SAME_PHOTO)
                ss_warn(cx, "%s and %s show nearly the same: what they share counts twice",
                        d->pictures.at[c->first + j].path, p->path);
        if ((p->w < p->h ? p->w : p->h) * 2 < d->augment.size)
            ss_warn(cx, "%s is %d x %d pixels, less than half of what is drawn (%d): it will teach blur", p->path, p->w,
                    p->h, d->augment.size);
    }
    c->copy_threshold = ss_copy_threshold(thumb, c->photos);
    free(thumb);
    return SS_OK;
}

static ss_status read_photos(ss_dataset *d, ss_ctx *cx, int number, const ss_dataset_options *o) {
    const ss_concept *asked = &o->concepts[number];
    concept *c = &d->concept[number];
    ss_lines paths = {0};
    int broken = d->pictures.broken, twice = d->pictures.twice;
    c->first = d->pictures.count;
    ss_status st = ss_paths_find(&paths, cx, asked->photos);
    if (!st) st = ss_pictures_add(&d->pictures, cx, &paths, c->first);
    broken = d->pictures.broken - broken, twice = d->pictures.twice - twice;
    if (!st && broken + twice)
        ss_warn(cx, "%s: %d of %d pictures are used; %d cannot be read, %d are there twice", asked->photos,
                d->pictures.count - c->first, paths.count, broken, twice);
    if (!st) st = caption_pictures(d, cx, number, false, c->first, &paths, asked->photos, asked->prompt);
    c->photos = d->pictures.count - c->first;
    if (!st) st = judge_photos(d, cx, c, asked->photos);
    if (!st && asked->masks) st = masks_from_files(d, cx, c, asked->masks);
    if (!st && !asked->masks && o->mask) st = masks_by_themselves(d, cx, number, o);
    ss_lines_free(&paths);
    return st;
}

static ss_status read_class(ss_dataset *d, ss_ctx *cx, int number, const ss_dataset_options *o) {
    const ss_concept *asked = &o->concepts[number];
    concept *c = &d->concept[number];
    ss_lines paths = {0};
    char *list = ss_join(cx, asked->class_photos, "images.txt"),
         *texts = ss_join(cx, asked->class_photos, "caption.txt");
    const char *where = asked->class_photos, *prompt = asked->class_prompt;
    ss_status st = list && texts ? SS_OK : SS_ERR_NOMEM;
    if (!st && ss_is_file(list) && ss_is_file(texts)) where = list, prompt = texts;
    if (!st && !prompt)
        st = ss_fail(cx, SS_ERR_ARG, "the pictures of the class in %s need a class prompt: what do they show?", where);
    c->class_first = d->pictures.count;
    if (!st) st = ss_paths_find(&paths, cx, where);
    int all = paths.count;
    if (!st && o->class_most && paths.count > o->class_most) paths.count = o->class_most;
    if (!st) st = ss_pictures_add(&d->pictures, cx, &paths, c->first);
    paths.count = all; /* which captions count by */
    if (!st) st = caption_pictures(d, cx, number, true, c->class_first, &paths, where, prompt);
    c->class_photos = d->pictures.count - c->class_first;
    if (!st && !c->class_photos) st = ss_fail(cx, SS_ERR_FILE, "%s: none of its pictures can be used", where);
    ss_lines_free(&paths);
    free(list);
    free(texts);
    return st;
}

static ss_status check_options(ss_ctx *cx, const ss_dataset_options *o) {
    int s = o->augment.size;
    if (o->concept_count < 1) return ss_fail(cx, SS_ERR_ARG, "there is nothing to learn: no concept was named");
    if (s < 64 || s > 4096 || s % 8)
        return ss_fail(cx, SS_ERR_ARG, "training pictures of %d pixels a side: give a multiple of 8 from 64 to 4096",
                       s);
    if (o->batch < 0 || o->batch > 1024) return ss_fail(cx, SS_ERR_ARG, "a batch of %d: give 1 to 1024", o->batch);
    for (int i = 0; i < o->concept_count; i++) {
        const ss_concept *c = &o->concepts[i];
        if (!c->photos) return ss_fail(cx, SS_ERR_ARG, "concept %d names no photos", i + 1);
        if (!c->prompt)
            return ss_fail(cx, SS_ERR_ARG, "concept %d has no prompt: what does a photo of it show?", i + 1);
        if (!c->class_photos != !o->concepts[0].class_photos)
            return ss_fail(cx, SS_ERR_ARG,
                           "concept %d has %s pictures of its class, concept 1 has %s: give them to all or to none",
                           i + 1, c->class_photos ? "" : "no", c->class_photos ? "none" : "some");
        for (int t = 0; t < c->template_count; t++)
            if (!strstr(c->templates[t], "{}"))
                return ss_fail(cx, SS_ERR_ARG, "the caption template \"%s\" has no {} for the subject",
                               c->templates[t]);
    }
    return SS_OK;
}

static ss_status new_order(order *o, ss_ctx *cx, int64_t n, uint64_t stream) {
    *o = (order){.n = n, .round = -1, .stream = stream};
    o->index = ss_alloc(cx, (size_t)n, sizeof *o->index);
    return o->index ? SS_OK : SS_ERR_NOMEM;
}

int64_t ss_dataset_items(const ss_dataset *d, int number) {
    const concept *c = &d->concept[number];
    if (d->augment.recipe == SS_RECIPE_COMPVIS) return c->class_photos ? 2 * (int64_t)c->class_photos : c->photos;
    return d->photo_list > d->class_list ? d->photo_list : d->class_list;
}

static ss_status lists_and_orders(ss_dataset *d, ss_ctx *cx) {
    d->photo = ss_alloc(cx, (size_t)d->pictures.count, sizeof *d->photo);
    d->class_picture = ss_alloc(cx, (size_t)d->pictures.count, sizeof *d->class_picture);
    if (!d->photo || !d->class_picture) return SS_ERR_NOMEM;
    for (int i = 0; i < d->pictures.count; i++) {
        if (d->belongs[i].prior)
            d->class_picture[d->class_list++] = i;
        else
            d->photo[d->photo_list++] = i;
    }
    ss_status st = SS_OK;
    for (int i = 0; i < d->concepts && !st; i++) {
        concept *c = &d->concept[i];
        st = new_order(&c->photo_order, cx, c->photos, 3 * (uint64_t)i + 1);
        if (!st) st = new_order(&c->class_order, cx, c->class_photos, 3 * (uint64_t)i + 2);
        if (!st) st = new_order(&c->item_order, cx, ss_dataset_items(d, i), 3 * (uint64_t)i + 3);
    }
    return st;
}

ss_status ss_dataset_open(ss_dataset **out, ss_ctx *cx, const ss_dataset_options *o) {
    ss_status st = check_options(cx, o);
    if (st) return st;
    ss_dataset *d = ss_alloc(cx, 1, sizeof *d);
    if (!d) return SS_ERR_NOMEM;
    d->augment = o->augment;
    d->batch = o->batch ? o->batch : 1;
    d->seed = o->seed;
    d->class_most = o->class_most;
    d->concept = ss_alloc(cx, (size_t)o->concept_count, sizeof *d->concept);
    if (d->concept)
        d->concepts = o->concept_count;
    else
        st = SS_ERR_NOMEM;
    for (int i = 0; i < d->concepts && !st; i++) {
        const ss_concept *asked = &o->concepts[i];
        for (int t = 0; t < asked->template_count && !st; t++)
            st = ss_lines_append(&d->concept[i].templates, cx, ss_strdup(cx, asked->templates[t]), "the templates");
        if (!st) st = read_photos(d, cx, i, o);
        if (!st && asked->class_photos) st = read_class(d, cx, i, o);
    }
    if (!st) st = lists_and_orders(d, cx);
    if (st)
        ss_dataset_close(d);
    else
        *out = d;
    return st;
}

void ss_dataset_close(ss_dataset *d) {
    if (!d) return;
    for (int i = 0; i < d->concepts; i++) {
        free(d->concept[i].photo_order.index);
        free(d->concept[i].class_order.index);
        free(d->concept[i].item_order.index);
        ss_lines_free(&d->concept[i].templates);
    }
    free(d->concept);
    ss_pictures_free(&d->pictures);
    ss_lines_free(&d->captions);
    free(d->belongs);
    free(d->photo);
    free(d->class_picture);
    free(d);
}

/* ------------------------------------------------------------------------------------------------ drawing rows */

/* splitmix64's finaliser: neighbours become strangers. */
static uint64_t scattered(uint64_t x) {
    x += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

static ss_rng generator(const ss_dataset *d, uint64_t stream, int64_t number) {
    ss_rng r;
    ss_rng_seed(&r, scattered(scattered(scattered(d->seed) + stream) + (uint64_t)number));
    return r;
}

static int64_t at(const ss_dataset *d, order *o, int64_t position) {
    if (o->round != position / o->n) {
        o->round = position / o->n;
        ss_rng r = generator(d, o->stream, o->round);
        ss_rng_permutation(&r, o->index, o->n);
    }
    return o->index[position % o->n];
}

static ss_row row_of(const ss_dataset *d, const ss_dice *dice, int picture) {
    const ss_picture *p = &d->pictures.at[picture];
    const belongs *b = &d->belongs[picture];
    const concept *c = &d->concept[b->concept];
    ss_row r = {.concept = b->concept, .prior = b->prior, .picture = picture, .caption = b->caption};
    bool chosen = c->templates.count && !(b->prior ? c->class_lines : c->photo_lines);
    int template = chosen ? dice->choice(dice->user, (const char *const *)c->templates.at, c->templates.count) : 0;
    r.at = b->prior ? ss_place_class(&d->augment, dice, p->w, p->h) : ss_place_photo(&d->augment, dice);
    r.caption += template * (b->prior ? 1 : photo_prefixes(d)) + (int)r.at.prefix;
    return r;
}

int ss_dataset_item(ss_row rows[2], const ss_dataset *d, const ss_dice *dice, int number, int64_t index) {
    if (d->augment.recipe == SS_RECIPE_COMPVIS) {
        /* Up to their number, not below it: the first class picture comes twice a round, as published. */
        const concept *c = &d->concept[number];
        bool prior = c->class_photos && index <= c->class_photos;
        rows[0] = row_of(d, dice,
                         prior ? c->class_first + (int)(index % c->class_photos) : c->first + (int)(index % c->photos));
        rows[0].group = number;
        return 1;
    }
    rows[0] = row_of(d, dice, d->photo[index % d->photo_list]);
    if (d->class_list) rows[1] = row_of(d, dice, d->class_picture[index % d->class_list]);
    return d->class_list ? 2 : 1;
}

int ss_dataset_rows(const ss_dataset *d) {
    if (d->augment.recipe == SS_RECIPE_COMPVIS) return d->batch * d->concepts;
    return d->class_list ? 2 * d->batch : d->batch;
}

/* Our own: the concepts take turns, each with a picture of its own class. */
static void draw_pair(ss_row rows[2], ss_dataset *d, const ss_dice *dice, int64_t position) {
    concept *c = &d->concept[position % d->concepts];
    int64_t turn = position / d->concepts;
    rows[0] = row_of(d, dice, c->first + (int)at(d, &c->photo_order, turn));
    if (c->class_photos) rows[1] = row_of(d, dice, c->class_first + (int)at(d, &c->class_order, turn));
}

void ss_dataset_draw(ss_row *rows, ss_dataset *d, int64_t micro_step) {
    ss_rng rng = generator(d, 0, micro_step);
    ss_dice dice = ss_dice_rng(&rng);
    for (int i = 0; i < d->batch; i++) {
        int64_t position = micro_step * d->batch + i;
        ss_row pair[2];
        switch (d->augment.recipe) {
        case SS_RECIPE_COMPVIS:
            for (int c = 0; c < d->concepts; c++)
                ss_dataset_item(&rows[c * d->batch + i], d, &dice, c, at(d, &d->concept[c].item_order, position));
            continue;
        case SS_RECIPE_DIFFUSERS:
            ss_dataset_item(pair, d, &dice, 0, at(d, &d->concept[0].item_order, position));
            break;
        case SS_RECIPE_OWN:
            draw_pair(pair, d, &dice, position);
            break;
        }
        rows[i] = pair[0];
        if (d->class_list) rows[d->batch + i] = pair[1];
    }
}

bool ss_row_same(const ss_row *a, const ss_row *b) {
    return a->picture == b->picture && a->at.flip == b->at.flip && a->at.scale == b->at.scale &&
           a->at.row == b->at.row && a->at.column == b->at.column;
}

ss_status ss_dataset_render(float *x, float *mask, ss_dataset *d, ss_ctx *cx, const ss_row *row) {
    const ss_picture *p = &d->pictures.at[row->picture];
    ss_image again = {0};
    ss_status st = p->kept.rgb ? SS_OK : ss_picture_read(&again, cx, p);
    const ss_image *im = p->kept.rgb ? &p->kept : &again;
    if (!st && row->prior) st = ss_render_class(x, mask, cx, &d->augment, &row->at, im);
    if (!st && !row->prior) st = ss_render_photo(x, mask, cx, &d->augment, &row->at, im, p->mask.rgb ? &p->mask : NULL);
    ss_image_free(&again);
    return st;
}

/* ------------------------------------------------------------------------------------------------ what there is */

int ss_dataset_captions(const ss_dataset *d) { return d->captions.count; }

const char *ss_dataset_caption(const ss_dataset *d, int caption) { return d->captions.at[caption]; }

ss_dataset_count ss_dataset_counts(const ss_dataset *d) {
    return (ss_dataset_count){d->concepts, d->photo_list, d->class_list, d->pictures.broken, d->pictures.twice};
}

const char *ss_dataset_path(const ss_dataset *d, int picture) { return d->pictures.at[picture].path; }

ss_status ss_dataset_image(ss_image *out, ss_dataset *d, ss_ctx *cx, int picture) {
    return ss_picture_read(out, cx, &d->pictures.at[picture]);
}

ss_status ss_dataset_copied(bool *copy, double *likeness, int *picture, const ss_dataset *d, ss_ctx *cx, int number,
                            const ss_image *sample) {
    const concept *c = &d->concept[number];
    ss_thumb thumb;
    ss_status st = ss_thumb_make(&thumb, cx, sample);
    if (st) return st;
    double most = -1;
    for (int i = c->first; i < c->first + c->photos; i++) {
        double alike = ss_thumb_likeness(&thumb, &d->pictures.at[i].thumb);
        if (alike > most) most = alike, *picture = i;
    }
    *likeness = most;
    *copy = most > c->copy_threshold;
    return SS_OK;
}

int ss_dataset_photos(const ss_dataset *d, int number, int *first) {
    *first = d->concept[number].first;
    return d->concept[number].photos;
}

/* ------------------------------------------------------------------------------------------------ changes */

static json_t *describe_picture(const ss_dataset *d, int i) {
    const ss_picture *p = &d->pictures.at[i];
    return json_pack("{s:s, s:s, s:s, s:s}", "file", p->path, "sha256", p->hash, "caption",
                     d->captions.at[d->belongs[i].caption], "mask", p->mask_hash);
}

static json_t *describe_list(const ss_dataset *d, int first, int count) {
    json_t *list = json_array();
    for (int i = first; list && i < first + count; i++)
        if (json_array_append_new(list, describe_picture(d, i))) {
            json_decref(list);
            return NULL;
        }
    return list;
}

ss_status ss_dataset_describe(json_t **out, const ss_dataset *d, ss_ctx *cx) {
    json_t *concepts = json_array();
    bool room = concepts != NULL, whole = room;
    for (int i = 0; i < d->concepts && whole; i++) {
        const concept *c = &d->concept[i];
        json_t *one = json_pack("{s:o, s:o}", "photos", describe_list(d, c->first, c->photos), "class",
                                describe_list(d, c->class_first, c->class_photos));
        whole = one && !json_array_append_new(concepts, one);
    }
    json_t *made = whole ? json_pack("{s:s, s:i, s:i, s:f, s:b, s:b, s:I, s:O}", "recipe",
                                     ss_recipe_name(d->augment.recipe), "size", d->augment.size, "batch", d->batch,
                                     "flip", d->augment.flip, "still", d->augment.still, "centre_class",
                                     d->augment.centre_class, "seed", (json_int_t)d->seed, "concepts", concepts)
                         : NULL;
    json_decref(concepts);
    if (room && !whole)
        return ss_fail(cx, SS_ERR_FORMAT, "the name or the caption of a picture is not UTF-8, or memory is out");
    if (!made) return ss_fail(cx, SS_ERR_NOMEM, "out of memory: no room to describe the data set");
    *out = made;
    return SS_OK;
}

enum { NAMED = 6 }; /* how many differences a sentence tells; the others are counted */

typedef struct difference {
    ss_buffer text;
    int told, untold;
} difference;

static void tell(difference *d, ss_ctx *cx, const char *name, const char *what) {
    if (d->told == NAMED) {
        d->untold++;
        return;
    }
    if (d->told++) ss_put_text(&d->text, cx, ", ");
    ss_put_text(&d->text, cx, name);
    ss_put_text(&d->text, cx, what);
}

static const char *text_of(const json_t *picture, const char *key) {
    const char *text = json_string_value(json_object_get(picture, key));
    return text ? text : "";
}

static const json_t *with(const json_t *list, const char *key, const char *value) {
    size_t i;
    const json_t *one;
    json_array_foreach(list, i, one) if (!strcmp(text_of(one, key), value)) return one;
    return NULL;
}

static void compare_lists(difference *d, ss_ctx *cx, const json_t *before, const json_t *now) {
    size_t i;
    const json_t *one;
    int before_that = d->told;
    json_array_foreach(now, i, one) {
        const json_t *same = with(before, "sha256", text_of(one, "sha256")),
                     *namesake = with(before, "file", text_of(one, "file"));
        if (!same) tell(d, cx, text_of(one, "file"), namesake ? " shows other pixels" : " is new");
        if (same && strcmp(text_of(same, "caption"), text_of(one, "caption")))
            tell(d, cx, text_of(one, "file"), " has another caption");
        if (same && strcmp(text_of(same, "mask"), text_of(one, "mask")))
            tell(d, cx, text_of(one, "file"), " has another mask");
    }
    json_array_foreach(before, i, one) {
        if (!with(now, "sha256", text_of(one, "sha256")) && !with(now, "file", text_of(one, "file")))
            tell(d, cx, text_of(one, "file"), " is gone");
    }
    if (d->told != before_that) return;
    json_array_foreach(now, i, one) {
        if (!strcmp(text_of(one, "sha256"), text_of(json_array_get(before, i), "sha256"))) continue;
        tell(d, cx, text_of(one, "file"), " stands in another place of the order");
        return;
    }
}

static void compare_settings(difference *d, ss_ctx *cx, const json_t *before, const json_t *now) {
    static const char *const keys[] = {"recipe", "size", "batch", "flip", "still", "centre_class", "seed"};
    for (int i = 0; i < SS_COUNT_OF(keys); i++)
        if (!json_equal(json_object_get(before, keys[i]), json_object_get(now, keys[i])))
            tell(d, cx, keys[i], " is another");
}

ss_status ss_dataset_changed(char **sentence, const ss_dataset *data, ss_ctx *cx, const json_t *before) {
    json_t *now = NULL;
    difference d = {0};
    ss_status st = ss_dataset_describe(&now, data, cx);
    if (st) return st;
    const json_t *old_concepts = json_object_get(before, "concepts"), *concepts = json_object_get(now, "concepts");
    compare_settings(&d, cx, before, now);
    if (json_array_size(old_concepts) != json_array_size(concepts))
        tell(&d, cx, "the number of concepts", " is another");
    for (size_t i = 0; i < json_array_size(concepts); i++) {
        const json_t *o = json_array_get(old_concepts, i), *n = json_array_get(concepts, i);
        compare_lists(&d, cx, json_object_get(o, "photos"), json_object_get(n, "photos"));
        compare_lists(&d, cx, json_object_get(o, "class"), json_object_get(n, "class"));
    }
    json_decref(now);
    char *made = NULL;
    if (d.untold) {
        char *more = ss_format(cx, " and %d more", d.untold);
        if (more) ss_put_text(&d.text, cx, more);
        free(more);
    }
    if (d.told) st = ss_buffer_take((void **)&made, NULL, &d.text, cx);
    ss_buffer_free(&d.text);
    if (!st && cx->status == SS_ERR_NOMEM) st = SS_ERR_NOMEM;
    if (st) {
        free(made);
        return st;
    }
    *sentence = made;
    return SS_OK;
}
