/* A picture from its stage, tile by tile; masks and keypoints come with it. */
#include "clay/render.h"

#include "clay/develop.h"
#include "clay/scene.h"
#include "clay/trace.h"

#include <stdlib.h>

/* Just below the end of the curve, so that its index never reaches beyond. */
static const float brightest = 2.2499f;

static int grid_of(const ss_clay_picture *p) { return p->samples ? p->samples : 2; }

/* Where the joints show. Those in the frame count as hidden until a ray finds otherwise. */
static void place_keypoints(ss_clay_keypoint *k, const stage *s, const ss_clay_scene *scene, int size) {
    vec joint[SS_CLAY_KEYPOINTS];
    ss_clay_figure_keypoints(&s->b, joint);
    for (int i = 0; i < SS_CLAY_KEYPOINTS; i++) {
        ss_clay_project(s, joint[i], scene->yaw, size, &k[i].x, &k[i].y, &k[i].depth);
        bool in = k[i].x >= 0 && k[i].y >= 0 && k[i].x < (float)size && k[i].y < (float)size;
        if (i >= SS_CLAY_TAIL_BASE && !s->b.tail) in = false;
        k[i].seen = in ? SS_CLAY_HIDDEN : SS_CLAY_ABSENT;
    }
}

/* A joint is seen when little lies before it. */
static void see_keypoints(ss_clay_keypoint *k, const seen *v, float scale, int x, int y) {
    for (int i = 0; i < SS_CLAY_KEYPOINTS; i++) {
        int column = (int)k[i].x - x, row = (int)k[i].y - y;
        if (column < 0 || row < 0 || column >= TILE || row >= TILE || k[i].seen != SS_CLAY_HIDDEN) continue;
        if (v->depth[row * TILE + column] > k[i].depth - 0.26f * scale) k[i].seen = SS_CLAY_VISIBLE;
    }
}

/* The tile's light into the picture, a little darker towards the corners. */
static void develop(const ss_clay_picture *p, const seen *v, const uint8_t *curve, int x, int y) {
    float samples = (float)(grid_of(p) * grid_of(p)), share = 1 / samples, full = 255 / samples,
          step = 2 / (float)p->size;
    for (int i = 0; i < RAYS; i++) {
        int column = x + i % TILE, row = y + i / TILE;
        size_t at = (size_t)row * (size_t)p->size + (size_t)column;
        float u = ((float)column + 0.5f) * step - 1, w = ((float)row + 0.5f) * step - 1;
        float rim = u * u + w * w, weight = (1.0f - 0.075f * rim * rim) * share;
        const float light[3] = {v->r[i], v->g[i], v->b[i]};
        for (int c = 0; c < 3 && p->rgb; c++) {
            float x_root = sqrtf(least(most(light[c] * weight, 0), brightest));
            p->rgb[3 * at + (size_t)c] = curve[(int)(x_root * (CURVE / 1.5f))];
        }
        if (p->mask) p->mask[at] = (uint8_t)(v->subject[i] * full + 0.5f);
    }
}

void ss_clay_render_on(stage *s, const ss_clay_scene *scene, const ss_clay_picture *p, int threads) {
    ss_clay_keypoint k[SS_CLAY_KEYPOINTS];
    uint8_t curve[CURVE + 1];
    trace_fn *trace = ss_clay_tracer();
    ss_clay_compose(s, scene);
    ss_clay_curve(curve);
    place_keypoints(k, s, scene, p->size);
#pragma omp parallel for schedule(dynamic) num_threads(threads) if (threads > 1)
    for (int y = 0; y < p->size; y += TILE)
        for (int x = 0; x < p->size; x += TILE) {
            seen v;
            trace(&v, s, x, y, p->size, grid_of(p));
            see_keypoints(k, &v, s->scale, x, y); /* a joint lies in one tile: no two threads look at it */
            develop(p, &v, curve, x, y);
        }
    for (int i = 0; i < SS_CLAY_KEYPOINTS && p->keypoints; i++) p->keypoints[i] = k[i];
}

ss_status ss_clay_picture_check(ss_ctx *cx, const ss_clay_picture *p) {
    if (p->size < 16 || p->size > 4096 || p->size % TILE)
        return ss_fail(cx, SS_ERR_ARG, "a clay picture has 16 to 4096 pixels a side, in multiples of %d, not %d", TILE,
                       p->size);
    if (p->samples < 0 || p->samples > 8)
        return ss_fail(cx, SS_ERR_ARG, "a clay picture takes 1 to 8 samples a side of a pixel, not %d", p->samples);
    return SS_OK;
}

ss_status ss_clay_render(ss_ctx *cx, const ss_clay_scene *scene, const ss_clay_picture *picture) {
    ss_status st = ss_clay_picture_check(cx, picture);
    if (!st) st = ss_clay_scene_check(cx, scene);
    if (st) return st;
    stage *s = ss_alloc(cx, 1, sizeof *s);
    if (!s) return SS_ERR_NOMEM;
    ss_clay_render_on(s, scene, picture, cx->threads);
    free(s);
    return SS_OK;
}
