/* Figure and place put together: size, camera, horizon. */
#include "clay/stage.h"

#include "clay/look.h"
#include "clay/place.h"

#include <string.h>

static const float camera_distance = 7.6f, half_angle = 13; /* of view, degrees */

/* Least and most of what a run of lumps covers along u, from the origin. */
static void cover(const lump *p, int n, vec u, float *lo, float *hi) {
    for (int i = 0; i < n; i++) {
        float a, b, o = dot(p[i].f.o, u);
        ss_clay_extent(&p[i], u, &a, &b);
        *lo = least(*lo, o + a), *hi = most(*hi, o + b);
    }
}

/* The figure's bounding box in the picture, in half frames from the middle. */
static void span(const stage *s, vec *lo, vec *hi) {
    const env *e = &s->e;
    *lo = (vec){1e9f, 1e9f, 0}, *hi = (vec){-1e9f, -1e9f, 0};
    for (int i = 0; i < s->figure; i++) {
        const lump *p = &s->m.lumps[i];
        vec c = sub(p->f.o, e->eye);
        float a, b, z = dot(c, e->ahead) * e->half;
        ss_clay_extent(p, e->right, &a, &b);
        lo->x = least(lo->x, (dot(c, e->right) + a) / z), hi->x = most(hi->x, (dot(c, e->right) + b) / z);
        ss_clay_extent(p, e->up, &a, &b);
        lo->y = least(lo->y, (dot(c, e->up) + a) / z), hi->y = most(hi->y, (dot(c, e->up) + b) / z);
    }
}

/* Props that the figure would run into slide out to its side. */
static void make_room(stage *s) {
    maker *m = &s->m;
    float left = 0, right = 0, back = 0, front = 0;
    cover(m->lumps, s->figure, world.x, &left, &right);
    cover(m->lumps, s->figure, world.z, &back, &front);
    for (int i = s->figure, next; i < m->n; i = next) {
        float l = 1e9f, r = -1e9f, b = 1e9f, f = -1e9f;
        for (next = i; next < m->n && m->lumps[next].object == m->lumps[i].object;) next++;
        cover(&m->lumps[i], next - i, world.x, &l, &r);
        cover(&m->lumps[i], next - i, world.z, &b, &f);
        if (b > front || f < back || l > right || r < left || r - l > 3) continue;
        float by = l + r > 0 ? right + 0.06f - l : left - 0.06f - r;
        for (int j = i; j < next; j++) m->lumps[j].f.o.x += by;
    }
}

/* The figure at the size that fills the frame as the scene wants it; lo and hi become its box in the picture. Size and
 * box depend on each other, by perspective; three corrections are enough. */
static void size_figure(stage *s, const ss_clay_scene *scene, vec *lo, vec *hi) {
    static const float still[SS_CLAY_SWAYS] = {0};
    const env *e = &s->e;
    body at_rest;
    float glance = -0.30f * scene->yaw; /* heads turn a little to us */
    ss_clay_figure(&s->made, &s->b, &scene->id, scene->action, scene->sway, glance);
    ss_clay_figure(&s->rest, &at_rest, &scene->id, STANDING, still, 0);
    s->figure = s->made.n;
    s->scale = 1.2f;
    for (int i = 0;; i++) {
        s->m = s->made;
        ss_clay_figure_place(&s->m, &s->rest, s->scale, scene->yaw);
        span(s, lo, hi);
        vec foot = sub(zero, e->eye);
        lo->y = least(lo->y, dot(foot, e->up) / (dot(foot, e->ahead) * e->half)); /* a jump includes its shadow */
        if (i == 3) return;
        float fill = scene->fill * (scene->action == JUMPING ? 1.18f : 1);
        if (hi->x - lo->x < 0.62f * (hi->y - lo->y)) fill *= 1.07f; /* slender figures may be taller */
        fill = least(fill, 0.86f);
        s->scale *= least(fill * 2 / (hi->y - lo->y), 0.84f * 2 / (hi->x - lo->x));
    }
}

static void mark_figure(stage *s, const ss_clay_scene *scene) {
    look l;
    ss_clay_look(&l, &scene->id);
    s->marking_rgb = l.third.rgb;
    vec r = s->b.head_r;
    s->face = carry_frame(moved(s->b.head, (vec){0, -0.10f * r.y, 0.80f * r.z}), s->scale, scene->yaw, zero);
    s->face_r = mul((vec){0.70f * r.x, 0.56f * r.y, 0.62f * r.z}, s->scale);
}

/* What the rays need of a lump. Props stand on the curve of the ground, and have no resting pose: their texture
 * coordinates are their own frame's. */
static void finish(stage *s, bool flat) {
    for (int i = 0; i < s->m.n; i++) {
        lump *p = &s->m.lumps[i];
        bool prop = i >= s->figure;
        if (prop && !flat && p->mat.glow < 0.4f)
            p->f.o.y -= (p->f.o.x * p->f.o.x + p->f.o.z * p->f.o.z) / (2 * s->e.radius);
        ss_clay_finish(p);
        if (prop) {
            p->rest[0] = p->f.x, p->rest[1] = p->f.y, p->rest[2] = p->f.z;
            p->rest0 = (vec){-dot(p->f.x, p->c), -dot(p->f.y, p->c), -dot(p->f.z, p->c)};
        }
    }
    for (int i = 0; i < MAX_LUMPS; i++) {
        const lump *p = &s->m.lumps[i];
        s->x[i] = p->mid.x, s->y[i] = p->mid.y, s->z[i] = p->mid.z;
        s->r[i] = i < s->m.n ? p->reach + 0.25f * p->k : -1e9f;
    }
}

void ss_clay_compose(stage *s, const ss_clay_scene *scene) {
    memset(s, 0, sizeof *s);
    s->id = &scene->id;
    env *e = &s->e;
    float el = rad(scene->elevation);
    e->half = ss_clay_tan(rad(half_angle));
    e->right = world.x;
    e->up = (vec){0, ss_clay_cos(el), -ss_clay_sin(el)};
    e->ahead = (vec){0, -ss_clay_sin(el), -ss_clay_cos(el)};
    e->eye = add((vec){0, 1.0f, 0}, mul(e->ahead, -camera_distance));

    vec lo, hi;
    size_figure(s, scene, &lo, &hi);
    mark_figure(s, scene);
    float dx = (lo.x + hi.x) / 2 - 2 * scene->at[0], dy = (lo.y + hi.y) / 2 - 2 * scene->at[1];
    e->eye =
        add(e->eye, add(mul(e->right, dx * e->half * camera_distance), mul(e->up, dy * e->half * camera_distance)));

    e->dip = el - ss_clay_atan((2 * scene->horizon - 1) * e->half);
    ss_clay_place(&s->m, e, scene);
    make_room(s);
    bool flat = e->wall != 0 || e->ground == PAPER;
    e->radius = flat || e->dip < 0.008f ? 1e5f : e->eye.y * ss_clay_cos(e->dip) / (1 - ss_clay_cos(e->dip));
    if (e->ground == PAPER) e->dip = -0.02f;
    finish(s, flat);
}

void ss_clay_project(const stage *s, vec p, float yaw, int size, float *x, float *y, float *depth) {
    const env *e = &s->e;
    vec c = sub(carry(p, s->scale, yaw, zero), e->eye);
    float z = dot(c, e->ahead);
    *x = (1 + dot(c, e->right) / (z * e->half)) * 0.5f * (float)size;
    *y = (1 - dot(c, e->up) / (z * e->half)) * 0.5f * (float)size;
    *depth = norm(c);
}
