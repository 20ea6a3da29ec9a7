/* Cross-attention maps, averaged over the layers of one resolution and over all steps. */
#include "control/maps.h"

#include <stdlib.h>

static bool wants_map(const ss_control *self, const ss_attn_site *site) {
    return site->kind == SS_CROSS && site->level == ((const ss_maps *)self)->level;
}

static ss_status observe(ss_control *self, ss_ctx *cx, const ss_attn_site *site, const float *map) {
    ss_maps *m = (ss_maps *)self;
    size_t one = (size_t)(site->h * site->w * site->len_k), count = (size_t)m->rows * one;
    if (site->n < m->rows) return SS_OK; /* a step in which some rows are not run */
    if (!m->sum) {
        m->sum = ss_alloc(cx, count, sizeof *m->sum);
        if (!m->sum) return SS_ERR_NOMEM;
        m->h = (int)site->h, m->w = (int)site->w, m->len = site->len_k;
    }
    if (m->h != site->h || m->w != site->w || m->len != site->len_k) return SS_OK;
    const float *last = map + (size_t)(site->n - m->rows) * one;
    for (size_t i = 0; i < count; i++) m->sum[i] += last[i];
    m->count++;
    return SS_OK;
}

void ss_maps_init(ss_maps *m, int rows) {
    *m = (ss_maps){.control = {.wants_map = wants_map, .observe = observe}, .rows = rows, .level = 2};
}

void ss_maps_clear(ss_maps *m) {
    free(m->sum);
    m->sum = NULL;
    m->count = 0;
}

void ss_maps_token(const ss_maps *m, int row, int token, float *map) {
    int64_t cells = (int64_t)m->h * m->w;
    for (int64_t p = 0; p < cells; p++)
        map[p] = m->sum[(row * cells + p) * m->len + token] / (float)(m->count ? m->count : 1);
}
