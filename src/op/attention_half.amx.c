/* Attention in bfloat16 with AMX: 16 x 16 sums in tile registers, four of them at a time where there are enough
 * queries.
 *
 * Products and exponentials take turns block by block. Putting them side by side gains nothing: next to tile
 * instructions the vector units were seen to run at half their speed.
 */
#include "op/attention_half.h"

/* Tiles 0 .. 3 are sums (rows 0 .. 15 by two columns of tiles, then rows 16 .. 31), 4 and 5 left sides, 6 and 7 right
 * sides. */
static const struct {
    uint8_t palette, start, reserved[14];
    uint16_t bytes_per_row[16];
    uint8_t rows[16];
} shapes = {.palette = 1, .bytes_per_row = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

/* Tile instructions read and write memory behind the compiler's back. */
static inline void settle(void) { __asm__ volatile("" ::: "memory"); }

/* Sixteen or thirty-two queries against 32 keys at a time. */
static void scores(const half_block *b, int64_t key, int64_t n) {
    const int64_t kd = b->kd, row = kd * (int64_t)sizeof *b->q;
    const bool two = b->rows > 16;
    settle();
    for (int64_t j = 0; j < n; j += 32) {
        const uint16_t *k = (const uint16_t *)b->t->k + (key + j) * kd, *next = k + 16 * kd;
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int64_t c = 0; c < kd; c += 32) {
            _tile_loadd(4, b->q + c, row);
            _tile_loadd(6, k + c * 16, 64);
            _tile_dpbf16ps(0, 4, 6);
            if (two) _tile_loadd(5, b->q + 16 * kd + c, row);
            if (two) _tile_dpbf16ps(2, 5, 6);
            _tile_loadd(7, next + c * 16, 64);
            _tile_dpbf16ps(1, 4, 7);
            if (two) _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(0, b->s + j, LDS * 4);
        if (two) _tile_stored(2, b->s + 16 * LDS + j, LDS * 4);
        _tile_stored(1, b->s + j + 16, LDS * 4);
        if (two) _tile_stored(3, b->s + 16 * LDS + j + 16, LDS * 4);
    }
    settle();
}

/* The same queries by 32 columns at a time, or by the last 16. */
static void values(const half_block *b, int64_t key, int64_t n) {
    const int64_t columns = b->columns, row = columns * (int64_t)sizeof *b->y;
    const bool two = b->rows > 16;
    settle();
    for (int64_t c = 0; c < columns; c += 32) {
        const bool wide = c + 16 < columns;
        float *y = b->y + c;
        _tile_loadd(0, y, row);
        if (wide) _tile_loadd(1, y + 16, row);
        if (two) _tile_loadd(2, y + 16 * columns, row);
        if (two && wide) _tile_loadd(3, y + 16 * columns + 16, row);
        for (int64_t j = 0; j < n; j += 32) {
            const uint16_t *v = (const uint16_t *)b->t->v + (key + j) * columns + c * 32;
            const uint16_t *p = (const uint16_t *)b->s + j;
            _tile_loadd(4, p, LDS * 4);
            _tile_loadd(6, v, 64);
            _tile_dpbf16ps(0, 4, 6);
            if (two) _tile_loadd(5, p + 16 * LDS * 2, LDS * 4);
            if (two) _tile_dpbf16ps(2, 5, 6);
            if (!wide) continue;
            _tile_loadd(7, v + 16 * 32, 64);
            _tile_dpbf16ps(1, 4, 7);
            if (two) _tile_dpbf16ps(3, 5, 7);
        }
        _tile_stored(0, y, row);
        if (wide) _tile_stored(1, y + 16, row);
        if (two) _tile_stored(2, y + 16 * columns, row);
        if (two && wide) _tile_stored(3, y + 16 * columns + 16, row);
    }
    settle();
}

static void attend(const ss_attn_task *t) {
    _tile_loadconfig(&shapes);
    half_attend(t, scores, values);
    _tile_release();
}

const ss_attn_kernel ss_attn_amx_bf16 = {QUERIES, half_work_size, half_k_size, half_v_size, half_pack, attend};
