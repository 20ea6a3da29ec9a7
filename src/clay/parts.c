/* Trunks, limbs, tails and faces that species share. */
#include "clay/parts.h"

void ss_clay_fleshy_limb(maker *m, const limb *l, float r1, float r2, float r3, material up, material low) {
    cone(m, l->up, zero, (vec){0, -l->l1, 0}, r1, r2, up);
    cone(m, l->low, zero, (vec){0, -l->l2, 0}, r2, r3, low);
}

frame ss_clay_on_head(const body *b, float x, float y) {
    vec r = b->head_r, o = {x * r.x, y * r.y, r.z * sqrtf(most(0.02f, 1 - x * x - y * y))};
    vec n = unit((vec){o.x / (r.x * r.x), o.y / (r.y * r.y), o.z / (r.z * r.z)});
    frame f;
    f.o = at(&b->head, o), f.z = turn(&b->head, n);
    f.x = unit(cross(b->head.y, f.z)), f.y = cross(f.z, f.x);
    return f;
}

void ss_clay_eyes(maker *m, const look *l, body *b, float x, float y, float r) {
    x *= gene(l, GENE_EYE_GAP, 0.88f, 1.12f), r *= gene(l, GENE_EYES, 0.85f, 1.2f);
    m->k = 0;
    for (int i = 0; i < 2; i++) {
        frame f = ss_clay_on_head(b, side(i) * x, y);
        bool black = l->id->color == BLACK;
        if (black) blob(m, f, (vec){0, 0, -0.3f * r}, (vec){1.3f * r, 1.45f * r, 0.7f * r}, l->white);
        blob(m, f, (vec){0, 0, black ? 0.1f * r : 0}, (vec){r, 1.18f * r, 0.62f * r}, l->dark);
        b->eye[i] = at(&f, (vec){0, 0, 0.3f * r});
    }
    b->eye_r = r, b->eye_x = x, b->eye_y = y;
}

void ss_clay_blush(maker *m, const look *l, const body *b, float x, float y, float r) {
    float strength = gene(l, GENE_BLUSH, 0, 0.85f);
    for (int i = 0; i < 2; i++) {
        frame f = ss_clay_on_head(b, side(i) * x, y);
        ss_clay_paint_blob(m, f, zero, (vec){r, 0.75f * r, r}, 0.5f, strength, ON_SKIN | ON_FACE, l->blush.rgb);
    }
}

void ss_clay_smile(maker *m, const body *b, vec o, float radius, float angle) {
    ss_clay_paint_arc(m, b->head, o, radius, 0.014f, angle, ON_SKIN | ON_FACE, (vec){0.03f, 0.012f, 0.012f});
}

void ss_clay_mammal_face(maker *m, const look *l, body *b, float mw, float mh, float md, float drop, float nose) {
    float s = gene(l, GENE_MUZZLE, 0.88f, 1.12f);
    vec o = {0, drop * b->head_r.y, 0.80f * b->head_r.z};
    m->k = 0.04f;
    blob(m, b->head, o, (vec){mw * s, mh * s, md * s}, l->second);
    m->k = 0;
    b->nose = add(o, (vec){0, 0.55f * mh * s, 0.86f * md * s});
    blob(m, b->head, b->nose, (vec){1.25f * nose, 0.9f * nose, 0.8f * nose}, l->dark);
    ss_clay_smile(m, b, add(o, (vec){0, 0.15f * mh, md}), 0.055f, 80);
}

void ss_clay_blaze(maker *m, const look *l, const body *b) {
    if (l->id->gene[GENE_BLAZE] < 0.66f) return;
    float w = gene(l, GENE_BLAZE, -0.06f, 0.13f);
    ss_clay_paint_blob(m, b->head, (vec){0, 0.45f * b->head_r.y, 0.8f * b->head_r.z},
                       (vec){w, 0.7f * b->head_r.y, 0.4f}, 0.08f, 1, ON_SKIN, l->second.rgb);
}

frame ss_clay_chain(maker *m, frame f, vec o, int n, float len, float r0, float r1, float up, float left, material a,
                    material tip) {
    f = moved(f, o);
    for (int i = 0; i < n; i++) {
        float u = (float)i / (float)n, v = (float)(i + 1) / (float)n;
        cone(m, f, zero, (vec){0, len, 0}, lerp(r0, r1, u), lerp(r0, r1, v), i == n - 1 ? tip : a);
        f = turn_z(turn_x(moved(f, (vec){0, len, 0}), up), left);
    }
    return f;
}

frame ss_clay_tail_frame(const body *b, const pose *p, vec o) {
    return turn_z(turn_x(moved(b->hip, o), -90 + p->tail), p->wag);
}

void ss_clay_trunk_four(maker *m, const look *l, const four *q, const body *b, const pose *p) {
    material skin = l->main, sock = l->main;
    if (has(l, GENE_SOCKS, 0.5f)) sock = with(l->second, 0, 0);
    skin.part = ON_SKIN;
    new_object(m, 0.14f);
    cone(m, b->hip, (vec){0, 0, -0.02f}, (vec){0, 0, q->len}, q->hip, q->chest, skin);
    cone(m, world, b->chest.o, b->head.o, 0.74f * q->chest, 0.55f * q->head.x, skin);
    m->k = 0.07f;
    skin.part = 0;
    for (int i = 0; i < 2; i++) {
        float r = q->leg_r;
        ss_clay_fleshy_limb(m, &b->arm[i], 1.2f * r, 1.02f * r, 0.94f * r, skin, sock);
        ss_clay_fleshy_limb(m, &b->leg[i], (p->sit || p->lie ? 1.75f : 1.4f) * r, 1.05f * r, 0.94f * r, skin, sock);
    }
    m->k = 0.05f;
    for (int i = 0; i < 2; i++) {
        float r = q->leg_r;
        blob(m, b->arm[i].end, (vec){0, 0, 0.35f * r}, (vec){1.12f * r, 0.8f * r, 1.35f * r}, sock);
        blob(m, b->leg[i].end, (vec){0, 0, 0.35f * r}, (vec){1.12f * r, 0.8f * r, 1.35f * r}, sock);
    }
    /* belly */
    frame belly = moved(b->hip, (vec){0, -0.95f * q->chest, 0.62f * q->len});
    float s = gene(l, GENE_BELLY, 0.75f, 1.1f);
    ss_clay_paint_blob(m, belly, zero, (vec){0.72f * q->chest * s, 0.62f * q->chest * s, 0.75f * q->len * s}, 0.06f, 1,
                       ON_SKIN, l->second.rgb);
    m->k = 0.06f;
    material skull = l->main;
    skull.part = ON_SKIN;
    blob(m, b->head, zero, q->head, skull);
}

void ss_clay_trunk_two(maker *m, const look *l, const two *q, const body *b, material limb_end, vec foot) {
    material skin = l->main, limbs = with(l->main, 1, 0);
    skin.part = ON_SKIN;
    new_object(m, 0.08f);
    cone(m, b->hip, zero, (vec){0, q->torso, 0}, q->hip, q->chest, skin);
    m->k = 0.05f;
    for (int i = 0; i < 2; i++) {
        const limb *a = &b->arm[i], *g = &b->leg[i];
        ss_clay_fleshy_limb(m, g, 1.15f * q->leg_r, q->leg_r, 0.95f * q->leg_r, limbs, limbs);
        blob(m, g->end, (vec){0, 0.1f * foot.y, 0.35f * foot.z}, foot, limb_end);
        ss_clay_fleshy_limb(m, a, 1.05f * q->arm_r, q->arm_r, q->arm_r, limbs, limbs);
        ball(m, a->end, zero, 1.12f * q->arm_r, limb_end);
    }
    blob(m, b->head, zero, q->head, skin);
}

void ss_clay_belly_two(maker *m, const look *l, const two *q, const body *b, vec rgb) {
    float s = gene(l, GENE_BELLY, 0.85f, 1.12f);
    ss_clay_paint_blob(m, b->hip, (vec){0, 0.30f * q->torso, 1.0f * q->hip},
                       (vec){0.68f * q->hip * s, 0.62f * q->torso * s, 0.55f * q->hip}, 0.06f, 1, ON_SKIN, rgb);
}
