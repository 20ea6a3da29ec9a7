/* A rabbit on four legs, one of whose ears may fold over. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_rabbit(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.95f, 1.06f), r = gene(l, GENE_ROUND, 0.95f, 1.12f);
    four q = {.leg = gene(l, GENE_LEGS, 0.24f, 0.34f),
              .leg_r = 0.105f,
              .len = gene(l, GENE_LENGTH, 0.40f, 0.48f),
              .chest = 0.235f * r,
              .hip = 0.295f * r,
              .gap = 0.14f,
              .up = 0.38f,
              .fwd = 0.20f,
              .head = {0.335f * h, 0.325f * h, 0.325f * h}};
    ss_clay_bones_four(b, &q, p);
    ss_clay_trunk_four(m, l, &q, b, p);
    m->k = 0.03f;
    frame t = ss_clay_tail_frame(b, p, (vec){0, 0.10f, -0.27f * r});
    float tail = gene(l, GENE_TAIL, 0.10f, 0.14f);
    ball(m, t, (vec){0, 0.04f, 0}, tail, tinted(l->white, mix(l->second.rgb, l->white.rgb, 0.6f)));
    b->tail = true, b->tail_base = t.o, b->tail_tip = at(&t, (vec){0, tail, 0});
    float s = gene(l, GENE_MUZZLE, 0.9f, 1.1f);
    for (int i = 0; i < 2; i++)
        blob(m, b->head, (vec){side(i) * 0.06f, -0.36f * q.head.y, 0.86f * q.head.z},
             (vec){0.095f * s, 0.085f * s, 0.08f * s}, l->second);
    b->nose = (vec){0, -0.12f * q.head.y, 0.92f * q.head.z + 0.05f};
    m->k = 0;
    blob(m, b->head, b->nose, (vec){0.045f, 0.034f, 0.03f}, tinted(l->dark, oklch(0.66f, 0.15f, 8)));
    box(m, b->head, (vec){0, -0.62f * q.head.y, 0.88f * q.head.z}, (vec){0.042f, 0.05f, 0.02f}, 0.015f, l->white);
    float ear = gene(l, GENE_EARS, 0.46f, 0.72f), tilt = gene(l, GENE_EAR_TILT, 3, 22),
          lop = has(l, GENE_STYLE, 0.8f) ? 1 : 0;
    material em = has(l, GENE_EAR_TIPS, 0.6f) ? l->third : with(l->main, 0.7f, 0);
    for (int i = 0; i < 2; i++) {
        frame e = turn_z(moved(b->head, (vec){side(i) * 0.40f * q.head.x, 0.72f * q.head.y, -0.03f}), -side(i) * tilt);
        e = turn_x(e, -12 - 45 * p->flap);
        m->k = 0.04f;
        /* one ear of some folds over at the middle */
        bool fold = lop > 0 && i == RIGHT;
        float len = fold ? 0.55f * ear : ear;
        leaf(m, e, zero, (vec){0, len, 0}, 0.085f, fold ? 0.10f : 0.085f, 0.55f, with(l->main, 0.7f, 0));
        if (fold) {
            frame g = turn_x(moved(e, (vec){0, len, 0}), 125);
            leaf(m, g, zero, (vec){0, 0.45f * ear, 0}, 0.10f, 0.08f, 0.55f, em);
        } else if (em.marking == 0)
            leaf(m, e, (vec){0, 0.72f * ear, 0}, (vec){0, ear + 0.005f, 0}, 0.092f, 0.092f, 0.6f, em);
        m->k = 0;
        leaf(m, e, (vec){0, 0.06f, 0.032f}, (vec){0, 0.88f * len, 0.032f}, 0.04f, 0.05f, 0.45f,
             tinted(l->second, mix(l->second.rgb, l->blush.rgb, 0.55f)));
        b->ear[i] = at(&e, zero);
    }
    ss_clay_blaze(m, l, b);
    ss_clay_eyes(m, l, b, 0.50f, 0.14f, 0.066f);
    ss_clay_blush(m, l, b, 0.70f, -0.24f, 0.085f);
    b->hat = (vec){0, 0.93f * q.head.y, 0.05f}, b->hat_r = 0.15f;
}
