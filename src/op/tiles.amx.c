/* The kernel of op/tiles.h: 32 rows by 32 outputs in four tiles of sums. */
#include "op/tiles.h"

#include "op/lanes.h"

#include <immintrin.h>

/* Tiles 0 .. 3 are sums (rows 0 .. 15 by two tiles of outputs, then rows 16 .. 31), 4 and 5 left sides, 6 and 7 right
 * sides. */
static const struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes_per_row[16];
    uint8_t rows[16];
} shapes = {.palette = 1, .bytes_per_row = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

void ss_tiles_open(void) { _tile_loadconfig(&shapes); }
void ss_tiles_close(void) { _tile_release(); }

/* Tile instructions read and write memory behind the compiler's back. */
static inline void settle(void) { __asm__ volatile("" ::: "memory"); }

enum { SUM_ROW = SS_PANEL * sizeof(float), HALF = 16 * SS_PANEL };

static inline void fetch_soon(const char **at, int lines) {
    for (; lines > 0; lines--, *at += 64) _mm_prefetch(*at, _MM_HINT_T1);
}

static inline void sum_tall(const ss_tile_block *b) {
    const uint16_t *w = b->w;
    const char *soon = b->soon;
    for (int64_t s = 0; s < b->steps; s++)
        for (int64_t t = 0; t < b->taps; t++, w += SS_STEP_SIZE) {
            const char *x = b->x + b->tap[t] + s * SS_STEP * 2;
            _tile_loadd(6, w, 64);
            _tile_loadd(4, x, b->x_row);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, w + SS_STEP_SIZE / 2, 64);
            _tile_dpbf16ps(1, 4, 7);
            _tile_loadd(5, x + 16 * b->x_row, b->x_row);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
            fetch_soon(&soon, b->soon_step);
        }
}

static inline void sum_flat(const ss_tile_block *b) {
    const uint16_t *w = b->w;
    const char *soon = b->soon;
    for (int64_t s = 0; s < b->steps; s++)
        for (int64_t t = 0; t < b->taps; t++, w += SS_STEP_SIZE) {
            _tile_loadd(4, b->x + b->tap[t] + s * SS_STEP * 2, b->x_row);
            _tile_loadd(6, w, 64);
            _tile_dpbf16ps(0, 4, 6);
            _tile_loadd(7, w + SS_STEP_SIZE / 2, 64);
            _tile_dpbf16ps(1, 4, 7);
            fetch_soon(&soon, b->soon_step);
        }
}

static void sum(const ss_tile_block *b) {
    const bool tall = b->rows > 16;
    settle();
    if (b->first) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
    } else {
        _tile_loadd(0, b->sum, SUM_ROW);
        _tile_loadd(1, b->sum + 16, SUM_ROW);
        if (tall) _tile_loadd(2, b->sum + HALF, SUM_ROW);
        if (tall) _tile_loadd(3, b->sum + HALF + 16, SUM_ROW);
    }
    if (tall)
        sum_tall(b);
    else
        sum_flat(b);
    _tile_stored(0, b->sum, SUM_ROW);
    _tile_stored(1, b->sum + 16, SUM_ROW);
    if (tall) _tile_stored(2, b->sum + HALF, SUM_ROW);
    if (tall) _tile_stored(3, b->sum + HALF + 16, SUM_ROW);
    settle();
}

/* ---- what becomes of the sums */

static inline __mmask16 first_lanes(int n) { return (__mmask16)(n >= 16 ? 0xffff : n > 0 ? (1u << n) - 1 : 0); }

static inline __m512 some(const float *x, __mmask16 m) { return x ? _mm512_maskz_loadu_ps(m, x) : _mm512_setzero_ps(); }

static inline __m512 some_half(const uint16_t *x, __mmask16 m) {
    return (__m512)_mm512_slli_epi32(_mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(m, x)), 16);
}

static inline void end_plain(const ss_tile_block *e) {
    const __mmask16 m1 = first_lanes(e->columns), m2 = first_lanes(e->columns - 16);
    const __m512 b1 = some(e->b, m1), b2 = some(e->b ? e->b + 16 : NULL, m2);
    for (int r = 0; r < e->rows; r++) {
        if (e->place[r] < 0) continue;
        const int64_t at = e->place[r] * e->width;
        __m512 one = _mm512_add_ps(_mm512_load_ps(e->sum + r * SS_PANEL), b1);
        __m512 two = _mm512_add_ps(_mm512_load_ps(e->sum + r * SS_PANEL + 16), b2);
        if (e->add) one = _mm512_add_ps(one, some_half(e->add + at, m1));
        if (e->add) two = _mm512_add_ps(two, some_half(e->add + at + 16, m2));
        _mm512_mask_storeu_epi16(e->y + at, (__mmask32)m1 | (__mmask32)m2 << 16,
                                 (__m512i)_mm512_cvtne2ps_pbh(two, one));
    }
}

/* As gelu_of, with a reciprocal that is good to 2^-14: results are rounded to 2^-9. */
static inline __m512 gelu_half(__m512 g) {
    lanes x = (lanes)g, p, q;
    gelu_quotient(x * x, &p, &q);
    lanes inner = x * (0.5f + x * (p * (lanes)_mm512_rcp14_ps((__m512)q)));
    return (__m512)choose(x * x > GELU_FAR, greater(x, all(0)), inner);
}

static inline void end_gated(const ss_tile_block *e) {
    const __mmask16 m = first_lanes(e->columns);
    const __m512 value_b = some(e->b, m), gate_b = some(e->gate_b, m);
    for (int r = 0; r < e->rows; r++) {
        __m512 value = _mm512_add_ps(_mm512_load_ps(e->sum + r * SS_PANEL), value_b);
        __m512 gate = _mm512_add_ps(_mm512_load_ps(e->sum + r * SS_PANEL + 16), gate_b);
        __m512 y = _mm512_mul_ps(value, gelu_half(gate));
        if (e->place[r] >= 0)
            _mm256_mask_storeu_epi16(e->y + e->place[r] * e->width, m, (__m256i)_mm512_cvtneps_pbh(y));
    }
}

/* y's lines come from far away: they are on their way while the sums are made. */
static void fetch_ends(const ss_tile_block *e) {
    for (int r = 0; r < e->rows; r++) {
        if (e->place[r] < 0) continue;
        __builtin_prefetch(e->y + e->place[r] * e->width, 1);
        if (e->add) __builtin_prefetch(e->add + e->place[r] * e->width);
    }
}

void ss_tiles_block(const ss_tile_block *b) {
    if (b->last) fetch_ends(b);
    sum(b);
    if (b->last && b->gated) end_gated(b);
    if (b->last && !b->gated) end_plain(b);
}
