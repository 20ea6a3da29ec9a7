/* A bear on two legs. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_bear(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.95f, 1.07f), r = gene(l, GENE_ROUND, 0.92f, 1.12f);
    two q = {.leg = gene(l, GENE_LEGS, 0.26f, 0.36f),
             .leg_r = 0.13f,
             .torso = gene(l, GENE_LENGTH, 0.32f, 0.42f),
             .hip = 0.30f * r,
             .chest = 0.235f * r,
             .stance = 0.165f * r,
             .shoulder = 0.22f * r,
             .arm = 0.48f,
             .arm_r = 0.105f,
             .neck = -0.02f,
             .head = {0.39f * h, 0.35f * h, 0.345f * h}};
    ss_clay_bones_two(b, &q, p);
    bool socks = has(l, GENE_SOCKS, 0.5f);
    ss_clay_trunk_two(m, l, &q, b, socks ? with(l->second, 0, 0) : with(l->main, 1, 0), (vec){0.135f, 0.105f, 0.165f});
    ss_clay_belly_two(m, l, &q, b, l->second.rgb);
    m->k = 0.03f;
    frame t = ss_clay_tail_frame(b, p, (vec){0, 0.02f, -0.28f * r});
    ball(m, t, zero, 0.085f, l->main);
    ss_clay_mammal_face(m, l, b, 0.17f, 0.13f, 0.14f, -0.30f, 0.062f);
    float ear = gene(l, GENE_EARS, 0.115f, 0.16f), tilt = gene(l, GENE_EAR_TILT, 0.56f, 0.68f);
    for (int i = 0; i < 2; i++) {
        vec o = {side(i) * tilt * 1.05f * q.head.x, 0.80f * q.head.y, -0.02f};
        m->k = 0.03f;
        blob(m, b->head, o, (vec){ear, ear, 0.075f}, with(l->main, 0.3f, 0));
        m->k = 0;
        blob(m, b->head, add(o, (vec){0, 0, 0.045f}), (vec){0.62f * ear, 0.62f * ear, 0.05f}, l->second);
        b->ear[i] = at(&b->head, o);
    }
    ss_clay_eyes(m, l, b, 0.42f, 0.10f, 0.055f);
    ss_clay_blush(m, l, b, 0.66f, -0.22f, 0.085f);
    b->hat = (vec){0, 0.92f * q.head.y, 0}, b->hat_r = 0.20f;
}
