/* A frog on two legs, its eyes on top. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_frog(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.95f, 1.08f), r = gene(l, GENE_ROUND, 0.94f, 1.12f);
    two q = {.leg = gene(l, GENE_LEGS, 0.30f, 0.42f),
             .leg_r = 0.092f,
             .torso = gene(l, GENE_LENGTH, 0.24f, 0.32f),
             .hip = 0.275f * r,
             .chest = 0.22f * r,
             .stance = 0.17f * r,
             .shoulder = 0.225f * r,
             .arm = 0.50f,
             .arm_r = 0.072f,
             .neck = -0.06f,
             .head = {0.43f * h, 0.285f * h, 0.335f * h}};
    pose leap = *p;
    if (p->air > 0.4f) { /* frogs jump stretched out, arms first */
        leap.pitch = 48, leap.look[0] = 22;
        for (int i = 0; i < 2; i++)
            leap.arm[i] = (bend){128 - 14 * (float)i, 26, 0}, leap.leg[i] = (bend){-78 + 12 * (float)i, 16, 24};
        p = &leap;
    }
    ss_clay_bones_two(b, &q, p);
    ss_clay_trunk_two(m, l, &q, b, has(l, GENE_SOCKS, 0.5f) ? with(l->second, 0, 0) : with(l->main, 0.5f, 0),
                      (vec){0.165f, 0.06f, 0.20f});
    ss_clay_belly_two(m, l, &q, b, l->second.rgb);
    b->nose = (vec){0, 0.10f * q.head.y, q.head.z};
    /* eyes on top of the head */
    float er = gene(l, GENE_EYES, 0.115f, 0.15f), gap = gene(l, GENE_EYE_GAP, 0.54f, 0.64f);
    for (int i = 0; i < 2; i++) {
        vec o = {side(i) * gap * q.head.x, 0.86f * q.head.y, 0.10f};
        m->k = 0.04f;
        ball(m, b->head, o, 1.22f * er, with(l->main, 0.3f, 0));
        m->k = 0;
        ball(m, b->head, add(o, (vec){0, 0.01f, 0.40f * er}), er, l->white);
        blob(m, b->head, add(o, (vec){0, 0.01f, 1.10f * er}), (vec){0.62f * er, 0.66f * er, 0.42f * er}, l->dark);
        b->eye[i] = at(&b->head, add(o, (vec){0, 0, er}));
        b->ear[i] = at(&b->head, (vec){side(i) * 0.95f * q.head.x, 0.05f, 0});
    }
    b->eye_r = er, b->eye_x = gap, b->eye_y = 0.86f;
    ss_clay_paint_blob(m, b->head, (vec){0, -0.85f * q.head.y, 0.7f * q.head.z}, (vec){0.40f * h, 0.19f * h, 0.4f},
                       0.06f, 1, ON_SKIN, l->second.rgb);
    ss_clay_smile(m, b, (vec){0, 0.42f * q.head.y, 0.9f * q.head.z}, 0.225f * h, 66);
    for (int i = 0; i < 2; i++)
        ss_clay_paint_blob(m, b->head, (vec){side(i) * 0.04f, 0.12f * q.head.y, q.head.z}, (vec){0.018f, 0.016f, 0.05f},
                           0.2f, 1, ON_SKIN, mul(l->main.rgb, 0.2f));
    ss_clay_blush(m, l, b, 0.74f, -0.16f, 0.09f);
    b->hat = (vec){0, 0.93f * q.head.y, -0.06f}, b->hat_r = 0.17f;
}
