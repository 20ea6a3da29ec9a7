/* Mutual self-attention control as plans. */
#include "control/masactrl.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool controls(const ss_masactrl *m, const ss_attn_site *site) {
    return m->method != SS_METHOD_NONE && site->step < m->step_count && m->steps[site->step] &&
           site->layer < SS_LAYERS && m->layers[site->layer];
}

/* Rows of one half, and where a half's row lies in the batch. */
static int rows(const ss_masactrl *m, const ss_attn_site *site) { return (site->n + m->source_shared) / m->halves; }

static int row_of(const ss_masactrl *m, const ss_attn_site *site, int half, int i) {
    if (m->source_shared && half) return i ? rows(m, site) + i - 1 : 0;
    return half * rows(m, site) + i;
}

/* A grid of h x w cells, each the mask's nearest pixel. */
static float *on_grid(ss_ctx *cx, const float *mask, int mask_h, int mask_w, int64_t h, int64_t w) {
    float *y = ss_arena_take(cx, (size_t)(h * w) * sizeof *y);
    for (int64_t i = 0; y && i < h; i++)
        for (int64_t j = 0; j < w; j++) y[i * w + j] = mask[i * mask_h / h * mask_w + j * mask_w / w];
    return y;
}

static void cut(float *mask, int64_t n, float threshold) {
    for (int64_t i = 0; i < n; i++) mask[i] = mask[i] >= threshold;
}

/* To 0 .. 1; a map without contrast shows nothing and gives 0. */
static void normalise(float *map, int64_t n) {
    float least = INFINITY, most = -INFINITY;
    for (int64_t i = 0; i < n; i++) {
        if (map[i] < least) least = map[i];
        if (map[i] > most) most = map[i];
    }
    float span = most - least;
    for (int64_t i = 0; i < n; i++) map[i] = span > 0 ? (map[i] - least) / span : 0;
}

/* Points a read at the source of its half: row `source` of the batch, or what was kept of it. */
static ss_status read_source(const ss_masactrl *m, ss_ctx *cx, const ss_attn_site *site, ss_attn_read *r, int half) {
    *r = (ss_attn_read){.joined = 1, .from = {row_of(m, site, half, 0)}};
    if (!m->source_absent) return SS_OK;
    r->kept[0] = ss_keep_get(m->keep, site->step, site->layer, half);
    return r->kept[0] ? SS_OK
                      : ss_fail(cx, SS_ERR_ARG,
                                "the kept source has no keys for step %d, layer %d; keep it again with these steps "
                                "and layers",
                                site->step, site->layer);
}

/* Image `row`'s object reads the source's object, its background the source's, or itself. `source` and `target` lie on
 * the layer's grid. */
static ss_status read_masked(const ss_masactrl *m, ss_ctx *cx, const ss_attn_site *site, ss_attn_read *r, int half,
                             int row, const float *source, const float *target) {
    int64_t n = site->h * site->w;
    float *bias = ss_arena_take(cx, 4 * (size_t)n * sizeof *bias);
    if (!bias) return SS_ERR_NOMEM;
    float *behind = bias + n, *weight = bias + 2 * n, *rest = bias + 3 * n;
    for (int64_t i = 0; i < n; i++) {
        /* The original adds the mask's own value to the logits it leaves; constant parts cancel in the softmax. */
        bias[i] = source[i] != 0 ? source[i] - 1 : -INFINITY;
        behind[i] = source[i] == 1 ? -INFINITY : source[i];
        weight[i] = target[i];
        rest[i] = 1 - target[i];
    }
    ss_status st = read_source(m, cx, site, &r[0], half);
    if (m->own_background)
        r[1] = (ss_attn_read){.joined = 1, .from = {row}};
    else if (!st)
        st = read_source(m, cx, site, &r[1], half);
    r[0].bias = bias, r[0].weight = weight;
    r[1].bias = m->own_background ? NULL : behind, r[1].weight = rest;
    return st;
}

/* Masks of a half's rows from the maps seen so far in this pass: [rows][map_h * map_w], brought to 0 .. 1. */
static float *automatic(const ss_masactrl *m, ss_ctx *cx, int map_rows) {
    int64_t n = (int64_t)m->map_h * m->map_w;
    float *maps = ss_arena_take(cx, (size_t)(map_rows * n) * sizeof *maps);
    if (!maps) return NULL;
    memcpy(maps, m->sum, (size_t)(map_rows * n) * sizeof *maps);
    for (int i = 0; i < map_rows; i++) {
        for (int64_t p = 0; p < n; p++) maps[i * n + p] /= (float)m->maps;
        normalise(maps + i * n, n);
    }
    return maps;
}

/* Masks by which each target of a half reads the source: grids [1 + targets], NULL while no map has been seen. */
static ss_status find_masks(const ss_masactrl *m, ss_ctx *cx, const ss_attn_site *site, float **grid, int targets) {
    int64_t h = site->h, w = site->w;
    if (m->method == SS_METHOD_MASK) {
        float *target = on_grid(cx, m->target_mask.data, m->target_mask.h, m->target_mask.w, h, w);
        grid[0] = on_grid(cx, m->source_mask.data, m->source_mask.h, m->source_mask.w, h, w);
        for (int i = 0; i < targets; i++) grid[1 + i] = target;
        return cx->status;
    }
    if (!m->maps) return SS_OK;
    int absent = m->source_absent, kept_h, kept_w;
    float *maps = automatic(m, cx, targets + !absent);
    const float *kept = m->keep ? ss_keep_get_map(m->keep, site->step, site->layer, &kept_h, &kept_w) : NULL;
    if (!maps) return cx->status;
    if (absent && !kept)
        return ss_fail(cx, SS_ERR_ARG,
                       "the kept source has no mask for step %d, layer %d; keep it again with automatic masks",
                       site->step, site->layer);
    int64_t n = (int64_t)m->map_h * m->map_w;
    for (int i = 0; i <= targets; i++) {
        bool from_keep = absent && i == 0;
        const float *map = from_keep ? kept : maps + (i - absent) * n;
        int map_h = from_keep ? kept_h : m->map_h, map_w = from_keep ? kept_w : m->map_w;
        if (m->saw) m->saw(m->user, site->step, site->layer, i, map, map_h, map_w);
        if (m->keep && !absent && i == 0 && ss_keep_put_map(m->keep, cx, site->step, site->layer, map, map_h, map_w))
            return cx->status;
        grid[i] = on_grid(cx, map, map_h, map_w, h, w);
        if (!grid[i]) return cx->status;
        cut(grid[i], h * w, m->threshold);
    }
    return SS_OK;
}

static ss_status plan(ss_control *self, ss_ctx *cx, const ss_attn_site *site, ss_attn_plan *p) {
    ss_masactrl *m = (ss_masactrl *)self;
    if (site->kind == SS_SELF && site->layer == 0 && !site->shallow) m->maps = 0; /* a new pass */
    if (site->kind != SS_SELF || !controls(m, site)) return SS_OK;

    int n = rows(m, site), first = m->source_absent ? 0 : 1, targets = n - first;
    bool masked = m->method == SS_METHOD_MASK || m->method == SS_METHOD_AUTO;
    float **grid = ss_arena_take(cx, (size_t)(1 + targets) * sizeof *grid);
    if (!grid) return SS_ERR_NOMEM;
    grid[0] = NULL;
    ss_status st = masked ? find_masks(m, cx, site, grid, targets) : SS_OK;
    for (int half = 0; half < m->halves; half++)
        for (int i = first; i < n && !st; i++) {
            int row = row_of(m, site, half, i);
            ss_attn_read *r = p->read[row];
            if (masked && grid[0]) {
                st = read_masked(m, cx, site, r, half, row, grid[0], grid[1 + i - first]);
            } else {
                st = read_source(m, cx, site, r, half);
                if (m->method == SS_METHOD_UNION) r->joined = 2, r->from[1] = row, r->kept[1] = NULL;
            }
        }
    return st;
}

static bool wants_map(const ss_control *self, const ss_attn_site *site) {
    const ss_masactrl *m = (const ss_masactrl *)self;
    if (m->method != SS_METHOD_AUTO || site->kind != SS_CROSS) return false;
    if (site->step >= m->step_count || !m->steps[site->step]) return false;
    return m->map_tokens ? site->h * site->w == m->map_tokens : site->level == 2;
}

/* Adds the words' maps of the conditional half. */
static ss_status observe(ss_control *self, ss_ctx *cx, const ss_attn_site *site, const float *map) {
    ss_masactrl *m = (ss_masactrl *)self;
    int n = rows(m, site), absent = m->source_absent;
    int64_t cells = site->h * site->w;
    if (!m->maps) {
        if (!m->sum || m->map_rows != n || (int64_t)m->map_h * m->map_w != cells) {
            free(m->sum);
            m->sum = ss_alloc(cx, (size_t)(n * cells), sizeof *m->sum);
            if (!m->sum) return SS_ERR_NOMEM;
        }
        memset(m->sum, 0, (size_t)(n * cells) * sizeof *m->sum);
        m->map_rows = n, m->map_h = (int)site->h, m->map_w = (int)site->w;
    }
    if (m->map_rows != n || m->map_h != site->h || m->map_w != site->w) return SS_OK;
    for (int i = 0; i < n; i++) {
        const float *conditional = map + row_of(m, site, m->halves - 1, i) * cells * site->len_k;
        const ss_token_set *words = i == 0 && !absent ? &m->source_words : &m->target_words[i - !absent];
        for (int64_t p = 0; p < cells; p++)
            for (int t = 0; t < words->count; t++) m->sum[i * cells + p] += conditional[p * site->len_k + words->at[t]];
    }
    m->maps++;
    return SS_OK;
}

/* Stores what targets will read of the source. */
static ss_status keys(ss_control *self, ss_ctx *cx, const ss_attn_site *site, const ss_tensor *k, const ss_tensor *v) {
    ss_masactrl *m = (ss_masactrl *)self;
    if (!m->keep || m->source_absent || site->kind != SS_SELF || !controls(m, site)) return SS_OK;
    ss_status st = SS_OK;
    for (int half = 0; half < m->halves && !st; half++)
        st = ss_keep_put(m->keep, cx, site->step, site->layer, half, k, v, row_of(m, site, half, 0));
    return st;
}

void ss_masactrl_init(ss_masactrl *m) {
    m->control.plan = plan;
    m->control.wants_map = wants_map;
    m->control.observe = observe;
    m->control.keys = keys;
}

void ss_masactrl_clear(ss_masactrl *m) {
    free(m->sum);
    m->sum = NULL;
    m->maps = 0;
}
