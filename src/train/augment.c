/* Scale, place and prefix of a training picture. S is the training size, r the side that the photo is brought to. */
#include "train/augment.h"

#include "io/image.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { CELL = 8 }; /* pixels a side of a latent pixel */

static const char *const recipes[] = {"selfsame", "compvis", "diffusers"};

ss_status ss_recipe_find(ss_recipe *out, ss_ctx *cx, const char *name) {
    for (int i = 0; i < SS_COUNT_OF(recipes); i++) {
        if (name && strcmp(name, recipes[i])) continue;
        *out = (ss_recipe)i;
        return SS_OK;
    }
    const char *near = ss_nearest(name, recipes, SS_COUNT_OF(recipes));
    if (near) return ss_fail(cx, SS_ERR_ARG, "no recipe is called \"%s\"; did you mean \"%s\"?", name, near);
    return ss_fail(cx, SS_ERR_ARG, "no recipe is called \"%s\"; there are selfsame, compvis and diffusers", name);
}

const char *ss_recipe_name(ss_recipe r) { return recipes[r]; }

/* ------------------------------------------------------------------------------------------------ lots */

static double rng_uniform(void *user) {
    float u;
    ss_rng_uniform(user, &u, 1);
    return u;
}

static int64_t rng_integer(void *user, int64_t from, int64_t to) { return ss_rng_int(user, from, to); }

static int rng_choice(void *user, const char *const *of, int count) {
    (void)of;
    return (int)ss_rng_int(user, 0, count);
}

ss_dice ss_dice_rng(ss_rng *r) { return (ss_dice){rng_uniform, rng_integer, rng_choice, r}; }

static const char *const prefixes[SS_PREFIXES] = {
    [SS_PREFIX_NONE] = "",         [SS_FAR_AWAY] = "a far away ", [SS_VERY_SMALL] = "very small ",
    [SS_ZOOMED_IN] = "zoomed in ", [SS_CLOSE_UP] = "close up ",
};

const char *ss_prefix_text(ss_prefix p) { return prefixes[p]; }

char *ss_caption_fill(ss_ctx *cx, ss_prefix prefix, const char *template, const char *subject) {
    const char *gap = strstr(template, "{}");
    return ss_format(cx, "%s%.*s%s%s", prefixes[prefix], (int)(gap - template), template, subject, gap + 2);
}

static int integer(const ss_dice *d, int from, int to) { return (int)d->integer(d->user, from, to); }

static ss_prefix one_of_two(const ss_dice *d, ss_prefix first) {
    return first + (ss_prefix)d->choice(d->user, &prefixes[first], 2);
}

static bool is_small(int r, int size) { return r < 0.6 * size; }

ss_placement ss_place_photo(const ss_augment *a, const ss_dice *dice) {
    int s = a->size;
    ss_placement p = {.scale = s};
    p.flip = dice->uniform(dice->user) < a->flip;
    if (a->still) return p;

    bool within = integer(dice, 0, 3) < 2;
    p.scale = within ? integer(dice, s / 3, s + 1) : integer(dice, (int)(1.2 * s), (int)(1.4 * s));
    p.scale += p.scale % 2;
    int half = p.scale / 2;
    if (is_small(p.scale, s)) {
        p.prefix = one_of_two(dice, SS_FAR_AWAY);
        p.row = integer(dice, half, s - half + 1);
        p.column = integer(dice, half, s - half + 1);
    } else if (p.scale > s) {
        p.prefix = one_of_two(dice, SS_ZOOMED_IN);
        p.row = integer(dice, s / 2, p.scale - s / 2 + 1);
        p.column = integer(dice, s / 2, p.scale - s / 2 + 1);
    } else {
        p.scale = s; /* nearly full size is drawn as full size */
    }
    return p;
}

/* What the shorter side of S makes of a picture of w x h. */
static void resized(int *to_w, int *to_h, int w, int h, int s) {
    int longer = (int)((int64_t)s * (w > h ? w : h) / (w > h ? h : w));
    *to_w = w > h ? longer : s;
    *to_h = w > h ? s : longer;
}

ss_placement ss_place_class(const ss_augment *a, const ss_dice *dice, int w, int h) {
    ss_placement p = {.scale = a->size};
    p.flip = dice->uniform(dice->user) < a->flip;
    if (a->recipe != SS_RECIPE_DIFFUSERS) return p;
    resized(&w, &h, w, h, a->size);
    int down = h - a->size, right = w - a->size;
    if (a->centre_class) {
        p.row = (int)lrint(down / 2.0); /* halves go to the even number */
        p.column = (int)lrint(right / 2.0);
    } else if (down || right) {
        p.row = integer(dice, 0, down + 1);
        p.column = integer(dice, 0, right + 1);
    }
    return p;
}

/* ------------------------------------------------------------------------------------------------ pictures */

static void mirror(ss_image *im) {
    for (int y = 0; y < im->h; y++)
        for (int l = 0, r = im->w - 1; l < r; l++, r--)
            for (int c = 0; c < 3; c++) {
                uint8_t *row = im->rgb + (size_t)3 * im->w * y, left = row[3 * l + c];
                row[3 * l + c] = row[3 * r + c];
                row[3 * r + c] = left;
            }
}

static ss_resample filter_of(const ss_augment *a) {
    return a->recipe == SS_RECIPE_DIFFUSERS ? SS_BILINEAR : SS_BICUBIC;
}

/* The picture as a whole, before it finds its place: CompVis and we cut out the square in the middle, diffusers
 * squashes what is not square. */
static ss_status whole(ss_image *out, ss_ctx *cx, const ss_augment *a, bool flip, const ss_image *in, int w, int h) {
    ss_image part = {0};
    ss_box b = {0, 0, in->w, in->h};
    if (a->recipe != SS_RECIPE_DIFFUSERS) {
        b.w = b.h = in->w < in->h ? in->w : in->h;
        b.x = (in->w - b.w) / 2;
        b.y = (in->h - b.h) / 2;
    }
    ss_status st = ss_image_crop(&part, cx, in, b);
    if (!st && flip) mirror(&part);
    if (!st) st = ss_image_resize(out, cx, &part, w, h, filter_of(a));
    ss_image_free(&part);
    return st;
}

/* Photo and mask alike: `in` at its scale and place on a black S x S. */
static ss_status place(ss_image *out, ss_ctx *cx, const ss_augment *a, const ss_placement *p, const ss_image *in) {
    int s = a->size, r = p->scale;
    ss_image scaled = {0}, made = {0};
    ss_status st = whole(&scaled, cx, a, p->flip, in, r, r);
    if (!st && r >= s) {
        ss_box b = {r > s ? p->column - s / 2 : 0, r > s ? p->row - s / 2 : 0, s, s};
        st = ss_image_crop(&made, cx, &scaled, b);
    } else if (!st) {
        st = ss_image_new(&made, cx, s, s);
        for (int y = 0; y < r && !st; y++)
            memcpy(made.rgb + 3 * ((size_t)(p->row - r / 2 + y) * s + (size_t)(p->column - r / 2)),
                   scaled.rgb + (size_t)3 * r * y, (size_t)3 * r);
    }
    ss_image_free(&scaled);
    if (!st) *out = made;
    return st;
}

/* Where the loss counts: everywhere, or within a small photo by a margin of one latent pixel. The published rule leaves
 * nothing of the smallest photos at small sizes, and divides by that; here one latent pixel stays. */
static void placement_mask(float *mask, const ss_augment *a, const ss_placement *p) {
    int n = a->size / CELL, half = p->scale / 2;
    bool small = p->scale < a->size;
    int top = small ? (p->row - half) / CELL + 1 : 0, bottom = small ? (p->row + half) / CELL - 1 : n;
    int left = small ? (p->column - half) / CELL + 1 : 0, right = small ? (p->column + half) / CELL - 1 : n;
    if (bottom <= top) top = p->row / CELL < n ? p->row / CELL : n - 1, bottom = top + 1;
    if (right <= left) left = p->column / CELL < n ? p->column / CELL : n - 1, right = left + 1;
    for (int y = 0; y < n; y++)
        for (int x = 0; x < n; x++) mask[y * n + x] = y >= top && y < bottom && x >= left && x < right;
}

/* How much of a latent pixel is subject. */
static float share(const ss_image *subject, int row, int column) {
    int sum = 0;
    for (int i = 0; i < CELL * CELL; i++)
        sum += subject->rgb[3 * ((size_t)(row * CELL + i / CELL) * subject->w + column * CELL + i % CELL)];
    return (float)sum / (255.0f * CELL * CELL);
}

/* Within the mask only the subject counts, unless a crop shows less of it than one latent pixel. */
static void narrow(float *mask, const ss_image *subject) {
    int n = subject->w / CELL;
    float left = 0;
    for (int i = 0; i < n * n; i++) left += mask[i] * share(subject, i / n, i % n);
    for (int i = 0; i < n * n && left >= 1; i++) mask[i] *= share(subject, i / n, i % n);
}

static void to_floats(float *x, const ss_image *im) {
    for (int64_t i = 0, n = (int64_t)3 * im->w * im->h; i < n; i++) x[i] = (float)(im->rgb[i] / 127.5 - 1);
}

/* Around a small photo there is grey, not the black that it was put on. */
static void clear_around(float *x, int size, const ss_placement *p) {
    int half = p->scale / 2;
    for (int row = 0; row < size; row++)
        for (int column = 0; column < size; column++)
            if (row < p->row - half || row >= p->row + half || column < p->column - half || column >= p->column + half)
                memset(x + 3 * ((size_t)row * size + (size_t)column), 0, 3 * sizeof *x);
}

ss_status ss_render_photo(float *x, float *mask, ss_ctx *cx, const ss_augment *a, const ss_placement *p,
                          const ss_image *photo, const ss_image *subject) {
    assert(a->size % CELL == 0);
    ss_image picture = {0}, part = {0};
    ss_status st = place(&picture, cx, a, p, photo);
    if (!st && subject) st = place(&part, cx, a, p, subject);
    if (!st) {
        to_floats(x, &picture);
        if (p->scale < a->size) clear_around(x, a->size, p);
        placement_mask(mask, a, p);
        if (subject) narrow(mask, &part);
    }
    ss_image_free(&part);
    ss_image_free(&picture);
    return st;
}

ss_status ss_render_class(float *x, float *mask, ss_ctx *cx, const ss_augment *a, const ss_placement *p,
                          const ss_image *picture) {
    ss_image scaled = {0}, part = {0};
    int s = a->size, w = s, h = s;
    if (a->recipe == SS_RECIPE_DIFFUSERS) resized(&w, &h, picture->w, picture->h, s);
    ss_status st = whole(&scaled, cx, a, p->flip, picture, w, h);
    if (!st) st = ss_image_crop(&part, cx, &scaled, (ss_box){p->column, p->row, s, s});
    if (!st) {
        if (a->recipe == SS_RECIPE_DIFFUSERS)
            for (int64_t i = 0; i < (int64_t)3 * s * s; i++) x[i] = ((float)part.rgb[i] / 255.0f - 0.5f) / 0.5f;
        else
            to_floats(x, &part);
        for (int i = 0; i < (s / CELL) * (s / CELL); i++) mask[i] = 1;
    }
    ss_image_free(&scaled);
    ss_image_free(&part);
    return st;
}
