/* A dinosaur on two legs, with plates down its spine. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_dinosaur(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.95f, 1.08f), r = gene(l, GENE_ROUND, 0.92f, 1.08f);
    two q = {.leg = gene(l, GENE_LEGS, 0.32f, 0.44f),
             .leg_r = 0.145f,
             .torso = gene(l, GENE_LENGTH, 0.36f, 0.48f),
             .hip = 0.295f * r,
             .chest = 0.19f * r,
             .stance = 0.18f * r,
             .shoulder = 0.155f * r,
             .arm = 0.26f,
             .arm_r = 0.062f,
             .neck = 0.0f,
             .head = {0.32f * h, 0.30f * h, 0.32f * h}};
    pose dp = *p;
    if (!p->sit && !p->lie) dp.pitch += 10;
    for (int i = 0; i < 2; i++) { /* short arms reach forward */
        if (dp.arm[i].out < 60 && !p->lie) dp.arm[i].swing += 48, dp.arm[i].bend += 30;
    }
    ss_clay_bones_two(b, &q, &dp);
    ss_clay_trunk_two(m, l, &q, b, with(l->main, 0.5f, 0), (vec){0.145f, 0.09f, 0.20f});
    ss_clay_belly_two(m, l, &q, b, l->second.rgb);
    m->k = 0.08f;
    /* thick tail down to the ground, tip up */
    float tail = gene(l, GENE_TAIL, 0.17f, 0.24f);
    pose tp = dp;
    tp.wag = (p->wag < 0 ? -34 : 34) + 0.6f * p->wag; /* to one side, where the front view sees it */
    tp.tail = p->lie ? -84 : p->sit ? 4 : dp.pitch + (p->air > 0 ? 18 : -46);
    frame t = ss_clay_tail_frame(b, &tp, (vec){0, -0.04f, -0.10f});
    b->tail = true, b->tail_base = at(&t, (vec){0, 0.15f, 0});
    frame f = t, seg[5];
    static const float radii[6] = {0.25f, 0.21f, 0.16f, 0.115f, 0.075f, 0.03f};
    for (int i = 0; i < 5; i++) {
        seg[i] = f;
        cone(m, f, zero, (vec){0, tail, 0}, radii[i], radii[i + 1], with(l->main, 1, ON_SKIN));
        f = turn_z(turn_x(moved(f, (vec){0, tail, 0}), i < 1 ? 6 : 14), 0.22f * tp.wag);
    }
    b->tail_tip = f.o;
    /* snout */
    float s = gene(l, GENE_MUZZLE, 0.9f, 1.12f);
    m->k = 0.08f;
    cone(m, world, b->chest.o, b->head.o, 0.19f, 0.20f, l->main);
    box(m, b->head, (vec){0, -0.10f, 0.34f * s}, (vec){0.205f, 0.135f, 0.20f * s}, 0.125f,
        with(l->main, 0.4f, ON_SKIN));
    b->nose = (vec){0, -0.03f, 0.34f * s + 0.19f};
    ss_clay_paint_blob(m, b->head, (vec){0, -0.26f, 0.36f}, (vec){0.30f, 0.13f, 0.40f}, 0.08f, 1, ON_SKIN,
                       l->second.rgb);
    for (int i = 0; i < 2; i++)
        ss_clay_paint_blob(m, b->head, (vec){side(i) * 0.075f, -0.015f, 0.34f * s + 0.19f},
                           (vec){0.026f, 0.024f, 0.08f}, 0.2f, 1, ON_SKIN, mul(l->main.rgb, 0.15f));
    /* the mouth runs around the snout */
    for (int i = 0; i < 2; i++) {
        frame g = turn_y(moved(b->head, (vec){side(i) * 0.19f, -0.11f, 0.36f * s}), side(i) * 74);
        ss_clay_paint_arc(m, g, (vec){0.0f, 0.21f, 0}, 0.235f, 0.012f, 38, ON_SKIN, (vec){0.03f, 0.012f, 0.012f});
    }
    ss_clay_smile(m, b, (vec){0, 0.14f, 0.34f * s + 0.2f}, 0.26f, 34);
    m->k = 0;
    for (int i = 0; i < 2; i++) /* two small teeth */
        cone(m, b->head, (vec){side(i) * 0.115f, -0.115f, 0.34f * s + 0.150f},
             (vec){side(i) * 0.115f, -0.185f, 0.34f * s + 0.155f}, 0.032f, 0.010f, l->white);
    /* plates down the spine: crown, nape, back, tail */
    material plate = with(l->third, 0, 0);
    float ph = gene(l, GENE_EARS, 0.8f, 1.3f);
    m->k = 0.015f;
    for (int i = 0; i < 3; i++) {
        frame g = turn_x(b->head, -6 - 38 * (float)i);
        lump *c = cone(m, g, (vec){0, 0.22f, 0}, (vec){0, 0.30f + 0.16f * ph, -0.03f}, 0.13f, 0.024f, plate);
        c->squash.x = 0.7f;
    }
    for (int i = 0; i < 3; i++) {
        frame g = moved(b->hip, (vec){0, q.torso * (0.95f - 0.42f * (float)i), 0});
        lump *c = cone(m, g, (vec){0, 0, -0.16f - 0.045f * (float)i},
                       (vec){0, 0.05f, -0.29f - 0.16f * ph - 0.03f * (float)i}, 0.13f, 0.022f, plate);
        c->squash.x = 0.6f;
    }
    for (int i = 1; i < 5; i++) {
        float u = radii[i], height = (0.17f - 0.027f * (float)i) * ph;
        lump *c = cone(m, seg[i], (vec){0, 0.3f * tail, 0.7f * u}, (vec){0, 0.6f * tail, u + height},
                       0.1f - 0.013f * (float)i, 0.016f, plate);
        c->squash.x = 0.5f;
    }
    b->head_r = (vec){0.34f * h, 0.30f * h, 0.32f * h};
    ss_clay_eyes(m, l, b, 0.60f, 0.34f, 0.060f);
    ss_clay_blush(m, l, b, 0.80f, -0.1f, 0.07f);
    for (int i = 0; i < 2; i++) b->ear[i] = at(&b->head, (vec){side(i) * 0.95f * q.head.x, 0, -0.05f});
    b->hat = (vec){0, 0.92f * q.head.y, 0.06f}, b->hat_r = 0.19f;
    b->neck_r = 0.225f;
}
