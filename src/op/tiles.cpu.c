/* Cuts a product into blocks for the kernel of op/tiles.h, and lays out pictures for it. */
#include "op/tiles.h"

#include <omp.h>
#include <string.h>

/* Rows of the matrix that are worked on at a time, and steps of 32 channels: what they read stays in the second cache
 * (2 MB on the processors with tiles) together with FEW numbers of weights, while weights that come from further away
 * meet enough rows to pay for their way. CHUNK steps of 32 rows stay in the first cache. */
enum { ROWS = 1024, STEPS = 40, STEPS_OF_TAPS = 10, CHUNK = 10, FEW = 1 << 18, WIDEST = 96, STRIP = 64, SLACK = 32 };

/* A product and how it is cut. A unit is a rectangle of one image's outputs. */
typedef struct cut {
    ss_product p; /* linear layers as convolutions of a picture one pixel wide */
    int64_t steps, most_steps;
    int64_t rows, columns; /* of a unit: outputs; the last ones may have fewer */
    int64_t down, across;  /* units of an image */
    int64_t units;
    int64_t pitch;    /* pixels from a row of a canvas to the next */
    int64_t lines;    /* rows of a canvas; with a stride there is one for each of its phases, down and across */
    int64_t plane;    /* pixels of such a phase */
    int64_t flat;     /* rows of the matrix that a unit takes at most */
    bool share_units; /* threads share out units; else the panels, and each goes through all units */
    bool in_place;    /* x is its own canvas */
    int threads;
} cut;

static int64_t up(int64_t n, int64_t d) { return (n + d - 1) / d; }
static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static cut cut_of(const ss_ctx *cx, const ss_product *given) {
    cut c = {.p = *given};
    ss_product *p = &c.p;
    if (p->kind == SS_MATMUL) {
        p->h = p->p = p->n;
        p->n = p->w = p->q = p->kh = p->kw = p->stride = 1;
    }
    const int64_t taps = p->kh * p->kw, s = p->stride;
    c.steps = up(p->c, SS_STEP);
    c.most_steps = up(c.steps, up(c.steps, taps > 1 ? STEPS_OF_TAPS : STEPS));

    /* One border between two rows is the right one of the first and the left one of the second. */
    c.across = p->q > WIDEST ? up(p->q, STRIP) : 1;
    c.columns = up(p->q, c.across);
    c.pitch = c.columns + (p->kw - 1) / s;
    const int64_t shared = p->w + (p->left > p->right ? p->left : p->right);
    if (c.across == 1 && s == 1 && shared >= p->q) c.pitch = shared;

    c.threads = 2.0 * p->n * p->p * p->q * p->o * p->c * taps < 4e6 ? 1 : cx->device->threads;
    c.share_units = p->n * p->p * c.across * c.pitch > ROWS + ROWS / 8;
    c.down = up(p->p * c.pitch, ROWS);
    for (int i = 0; i < c.threads && c.share_units && p->n * c.across * c.down % c.threads; i++) c.down++;
    if (c.down > p->p) c.down = p->p;
    c.rows = up(p->p, c.down);
    c.down = up(p->p, c.rows);
    c.units = p->n * c.across * c.down;
    c.lines = c.rows + (p->kh - 1) / s;
    c.plane = c.lines * c.pitch + p->kw - 1;
    c.flat = c.rows * c.pitch;
    c.in_place = given->kind == SS_MATMUL && p->c % SS_STEP == 0 && p->p % 16 == 0 && c.rows % 16 == 0;
    return c;
}

/* ---- one unit */

typedef struct unit {
    int64_t image, top, left; /* of its outputs */
    int64_t rows, columns;
    int64_t flat; /* rows of the matrix */
} unit;

static unit unit_of(const cut *c, int64_t i) {
    unit u = {.image = i / (c->down * c->across), .top = i / c->across % c->down * c->rows};
    u.left = i % c->across * c->columns;
    u.rows = least(c->p.p - u.top, c->rows);
    u.columns = least(c->p.q - u.left, c->columns);
    u.flat = (u.rows - 1) * c->pitch + u.columns;
    return u;
}

/* Which row of y each row of the matrix is. */
static void find_places(int32_t *place, const cut *c, const unit *u) {
    for (int64_t y = 0, f = 0; y < u->rows; y++)
        for (int64_t x = 0; x < c->pitch && f < u->flat; x++, f++)
            place[f] = x < u->columns ? (int32_t)((u->image * c->p.p + u->top + y) * c->p.q + u->left + x) : -1;
}

/* Bytes from a pixel of a canvas to the next: an odd number of cache lines, so that pixels fall into different sets. */
static int64_t pixel_size(const cut *c) { return (c->most_steps | 1) * SS_STEP * (int64_t)sizeof(uint16_t); }

static size_t canvas_size(const cut *c) {
    return (size_t)((c->p.stride * c->p.stride * c->plane + SLACK) * pixel_size(c));
}

/* Channels first .. first + n - 1 of one pixel, or of the border, zeros up to a whole step behind them. */
static void put_pixel(char *canvas, const uint16_t *x, int64_t n, int64_t size) {
    size_t bytes = x ? (size_t)n * sizeof *x : 0;
    if (bytes) memcpy(canvas, x, bytes);
    if (bytes < (size_t)size) memset(canvas + bytes, 0, (size_t)size - bytes);
}

/* The part of the picture that a unit reads, `n` channels from `first` on. */
static void fill(char *canvas, const cut *c, const unit *u, const uint16_t *x, int64_t first, int64_t n) {
    const ss_product *p = &c->p;
    const int64_t s = p->stride, size = pixel_size(c);
    for (int64_t phase = 0; phase < s * s; phase++, canvas += c->plane * size) {
        for (int64_t line = 0; line < c->lines; line++)
            for (int64_t column = 0; column < c->pitch; column++) {
                int64_t y = (u->top + line) * s + phase / s - p->top;
                int64_t across = (u->left + column) * s + phase % s - p->left;
                bool inside = y >= 0 && y < p->h && across >= 0 && across < p->w;
                const uint16_t *from = inside ? x + ((u->image * p->h + y) * p->w + across) * p->c + first : NULL;
                put_pixel(canvas + (line * c->pitch + column) * size, from, n, size);
            }
        memset(canvas + c->lines * c->pitch * size, 0, (size_t)((p->kw - 1) * size));
    }
}

/* Bytes from a canvas's beginning to the pixel that each tap meets first. */
static void find_taps(int64_t *tap, const cut *c) {
    const int64_t s = c->p.stride;
    for (int64_t i = 0, t = 0; i < c->p.kh; i++)
        for (int64_t j = 0; j < c->p.kw; j++, t++)
            tap[t] = ((i % s * s + j % s) * c->plane + i / s * c->pitch + j / s) * pixel_size(c);
}

/* ---- a thread's part */

typedef struct part {
    const cut *c;
    const ss_tiles_operands *with;
    int64_t unit, units, panel, panels;
    char *canvas;   /* of every unit, canvas_size bytes each */
    int32_t *place; /* of every unit, `places` each */
    int64_t *tap;
    float *sum; /* of every block, where sums go on over several pieces of the channels; else of a few panels */
    size_t canvas_size;
    int64_t places;
} part;

enum { SUMS = 32 * SS_PANEL }; /* of a block */

static size_t rounded(size_t bytes) { return (bytes + 63) & ~(size_t)63; }

static int64_t all_panels(const ss_product *p) { return up(p->o, SS_PANEL); }
static int64_t blocks_of(const cut *c) { return up(c->flat, 32); }

/* Panels that the second cache holds beside a canvas. */
static int64_t few_panels(const cut *c, int64_t steps) {
    int64_t n = FEW / (steps * c->p.kh * c->p.kw * SS_STEP_SIZE);
    return n > 1 ? n : 1;
}

static bool in_pieces(const cut *c) { return c->most_steps < c->steps; }

/* Blocks of sums that are kept. */
static int64_t sums_of(const cut *c) {
    int64_t units = c->share_units ? 1 : c->units, panels = up(all_panels(&c->p), c->share_units ? 1 : c->threads);
    return in_pieces(c) ? units * panels * blocks_of(c) : few_panels(c, c->most_steps);
}

/* Lays a thread's memory out from `own` on; returns its size. */
static size_t lay_out(part *a, const cut *c, char *own) {
    const int64_t units = c->share_units ? 1 : c->units;
    a->canvas_size = c->in_place ? 0 : rounded(canvas_size(c));
    a->places = (int64_t)(rounded((size_t)c->flat * sizeof *a->place) / sizeof *a->place);
    size_t used = a->canvas_size * (size_t)units;
    a->canvas = own;
    a->place = (int32_t *)(own + used);
    used += (size_t)(units * a->places) * sizeof *a->place;
    a->tap = (int64_t *)(own + used);
    used += rounded((size_t)(c->p.kh * c->p.kw) * sizeof *a->tap);
    a->sum = (float *)(own + used);
    return used + (size_t)sums_of(c) * SUMS * sizeof *a->sum;
}

/* Panels begin .. end - 1 of unit i of a part over `steps` steps from `first` on. */
static void panels_of_unit(const part *a, int64_t i, int64_t begin, int64_t end, int64_t first, int64_t steps) {
    const cut *c = a->c;
    const ss_product *p = &c->p;
    const ss_tiles_operands *with = a->with;
    const unit u = unit_of(c, a->unit + i);
    const int64_t taps = p->kh * p->kw, most = taps > 1 ? steps : CHUNK;
    const int64_t wide = with->gated ? SS_PANEL / 2 : SS_PANEL, width = with->gated ? p->o / 2 : p->o;
    const char *x = a->canvas + (size_t)i * a->canvas_size;
    ss_tile_block b = {.x_row = pixel_size(c), .tap = a->tap, .taps = taps, .width = width, .gated = with->gated};
    if (c->in_place) {
        x = (const char *)(with->x + u.top * p->c + first * SS_STEP);
        b.x_row = p->c * (int64_t)sizeof *with->x;
    }

    /* With each block a part of the weights that come after these. */
    const int64_t size = steps * taps * SS_STEP_SIZE, lines = (end - begin) * size * (int64_t)sizeof *with->w / 64;
    b.soon = (const char *)(with->w + (end * c->steps + first) * taps * SS_STEP_SIZE);
    b.soon_step = (int)up(lines, a->units * blocks_of(c) * (end - begin) * steps * taps);

    for (int64_t f = 0, n = 0; f < u.flat; f += 32, n++)
        for (int64_t step = 0; step < steps; step += most)
            for (int64_t panel = begin; panel < end; panel++) {
                const int64_t output = panel * wide, block = (panel - a->panel) * a->units * blocks_of(c);
                b.x = x + f * b.x_row + step * SS_STEP * (int64_t)sizeof *with->x;
                b.w = with->w + (panel * c->steps + first + step) * taps * SS_STEP_SIZE;
                b.steps = steps - step < most ? steps - step : most;
                b.rows = (int)(u.flat - f < 32 ? u.flat - f : 32);
                b.sum = a->sum + (in_pieces(c) ? block + i * blocks_of(c) + n : panel - begin) * SUMS;
                b.first = first + step == 0;
                b.last = first + step + b.steps == c->steps;
                b.place = a->place + i * a->places + f;
                b.b = with->b ? with->b + output : NULL;
                b.gate_b = with->b ? with->b + p->o / 2 + output : NULL;
                b.add = with->add ? with->add + output : NULL;
                b.y = with->y + output;
                b.columns = (int)(width - output < wide ? width - output : wide);
                ss_tiles_block(&b);
                b.soon += b.soon_step * b.steps * taps * 64;
            }
}

static void compute(const part *a) {
    const cut *c = a->c;
    find_taps(a->tap, c);
    for (int64_t i = 0; i < a->units; i++) {
        unit u = unit_of(c, a->unit + i);
        find_places(a->place + i * a->places, c, &u);
    }
    for (int64_t first = 0; first < c->steps; first += c->most_steps) {
        const int64_t steps = least(c->steps - first, c->most_steps), channel = first * SS_STEP;
        for (int64_t i = 0; i < a->units && !c->in_place; i++) {
            unit u = unit_of(c, a->unit + i);
            fill(a->canvas + (size_t)i * a->canvas_size, c, &u, a->with->x, channel,
                 least(c->p.c - channel, steps * SS_STEP));
        }
        const int64_t few = few_panels(c, steps), end = a->panel + a->panels;
        for (int64_t panel = a->panel; panel < end; panel += few)
            for (int64_t i = 0; i < a->units; i++) panels_of_unit(a, i, panel, least(panel + few, end), first, steps);
    }
}

/* ---- what others call */

bool ss_tiles_serve(const ss_ctx *cx, const ss_product *p) {
    (void)p;
#ifdef SS_X86
    return cx->device->cpu.amx_bf16 && p->from == SS_BF16 && p->to == SS_BF16 && p->kind != SS_CONV_DW;
#else
    (void)cx;
    return false;
#endif
}

static int64_t taps_of(const ss_product *p) { return p->kind == SS_MATMUL ? 1 : p->kh * p->kw; }

size_t ss_tiles_count(const ss_product *p) {
    return (size_t)(all_panels(p) * up(p->c, SS_STEP) * taps_of(p) * SS_STEP_SIZE);
}

void ss_tiles_offsets(const ss_product *p, bool gated, int64_t *output, int64_t *channel, int64_t *tap) {
    const int64_t taps = taps_of(p), step = taps * SS_STEP_SIZE, panel = up(p->c, SS_STEP) * step, half = SS_PANEL / 2;
    for (int64_t o = 0; o < p->o; o++) {
        int64_t tile = o / half, i = o % half;
        if (gated && o < p->o / 2) tile = o / half * 2;
        if (gated && o >= p->o / 2) tile = (o - p->o / 2) / half * 2 + 1, i = (o - p->o / 2) % half;
        output[o] = tile / 2 * panel + tile % 2 * (SS_STEP_SIZE / 2) + i * 2;
    }
    for (int64_t c = 0; c < p->c; c++) channel[c] = c / SS_STEP * step + c % SS_STEP / 2 * SS_STEP + c % 2;
    for (int64_t t = 0; t < taps; t++) tap[t] = t * SS_STEP_SIZE;
}

size_t ss_tiles_scratch(const ss_ctx *cx, const ss_product *p) {
    const cut c = cut_of(cx, p);
    part a;
    return (size_t)c.threads * lay_out(&a, &c, NULL);
}

void ss_tiles_run(const ss_ctx *cx, const ss_product *p, const ss_tiles_operands *with) {
#ifdef SS_X86
    const cut c = cut_of(cx, p);
    const int64_t panels = all_panels(p), parts = c.share_units ? c.units : c.threads;
#pragma omp parallel num_threads(c.threads)
    {
        part a = {.c = &c, .with = with, .units = c.share_units ? 1 : c.units, .panels = panels};
        const size_t size = lay_out(&a, &c, NULL);
        lay_out(&a, &c, (char *)with->scratch + (size_t)omp_get_thread_num() * size);
        ss_tiles_open();
#pragma omp for schedule(static)
        for (int64_t i = 0; i < parts; i++) {
            if (c.share_units) {
                a.unit = i;
            } else {
                a.panel = i * panels / parts;
                a.panels = (i + 1) * panels / parts - a.panel;
            }
            compute(&a);
        }
        ss_tiles_close();
    }
#else
    (void)cx, (void)p, (void)with;
#endif
}
