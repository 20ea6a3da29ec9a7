/* A dog on four legs, with floppy ears. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_dog(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.94f, 1.08f), r = gene(l, GENE_ROUND, 0.92f, 1.1f);
    four q = {.leg = gene(l, GENE_LEGS, 0.36f, 0.52f),
              .leg_r = 0.115f,
              .len = gene(l, GENE_LENGTH, 0.50f, 0.66f),
              .chest = 0.265f * r,
              .hip = 0.245f * r,
              .gap = 0.15f,
              .up = 0.42f,
              .fwd = 0.26f,
              .head = {0.37f * h, 0.345f * h, 0.35f * h}};
    ss_clay_bones_four(b, &q, p);
    ss_clay_trunk_four(m, l, &q, b, p);
    frame t = ss_clay_tail_frame(b, p, (vec){0, 0.14f, -0.18f});
    float tail = gene(l, GENE_TAIL, 0.11f, 0.19f);
    b->tail = true, b->tail_base = t.o;
    material tip = has(l, GENE_EAR_TIPS, 0.5f) ? l->second : l->main;
    b->tail_tip = ss_clay_chain(m, t, zero, 3, tail, 0.085f, 0.06f, 18, 0, l->main, tip).o;
    ss_clay_mammal_face(m, l, b, 0.19f, 0.145f, 0.20f, -0.32f, 0.058f);
    /* floppy ears, hung from the sides of the skull */
    float ear = gene(l, GENE_EARS, 0.31f, 0.46f), tilt = gene(l, GENE_EAR_TILT, 10, 30) + 30 * p->flap;
    material em = has(l, GENE_EAR_TIPS, 0.2f) ? with(l->third, 0, 0) : with(l->main, 0.6f, 0);
    m->k = 0.03f;
    for (int i = 0; i < 2; i++) {
        frame e = turn_z(moved(b->head, (vec){side(i) * 0.30f * h, 0.22f * h, -0.02f}), side(i) * tilt);
        e = turn_y(turn_x(e, 14 * p->flap), side(i) * 62);
        leaf(m, e, (vec){0, 0.03f, 0}, (vec){0, -ear, 0}, 0.10f, 0.145f, 0.5f, em);
        b->ear[i] = at(&e, zero);
    }
    ss_clay_blaze(m, l, b);
    ss_clay_eyes(m, l, b, 0.44f, 0.16f, 0.062f);
    ss_clay_blush(m, l, b, 0.68f, -0.22f, 0.085f);
    b->hat = (vec){0, 0.90f * q.head.y, -0.02f}, b->hat_r = 0.22f;
}
