/* A pig on four legs, with snout and curly tail. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_pig(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.95f, 1.06f), r = gene(l, GENE_ROUND, 0.95f, 1.14f);
    four q = {.leg = gene(l, GENE_LEGS, 0.22f, 0.32f),
              .leg_r = 0.112f,
              .len = gene(l, GENE_LENGTH, 0.46f, 0.58f),
              .chest = 0.325f * r,
              .hip = 0.325f * r,
              .gap = 0.185f,
              .up = 0.28f,
              .fwd = 0.34f,
              .head = {0.365f * h, 0.335f * h, 0.33f * h}};
    ss_clay_bones_four(b, &q, p);
    ss_clay_trunk_four(m, l, &q, b, p);
    /* curly tail */
    frame t = turn_x(ss_clay_tail_frame(b, p, (vec){0, 0.14f, -0.31f * r}), 10);
    m->k = 0.02f;
    b->tail = true, b->tail_base = t.o;
    frame c = t;
    for (int i = 0; i < 6; i++) {
        cone(m, c, zero, (vec){0, 0.075f, 0}, 0.036f, 0.034f, with(l->main, 0, 0));
        c = turn_z(turn_x(moved(c, (vec){0, 0.075f, 0}), 62), 16);
    }
    b->tail_tip = c.o;
    /* snout: a disc with two nostrils */
    float s = gene(l, GENE_MUZZLE, 0.9f, 1.15f);
    frame f = turn_x(moved(b->head, (vec){0, -0.18f * q.head.y, 0.98f * q.head.z}), 84);
    material sm = tinted(l->second, mix(l->second.rgb, l->blush.rgb, 0.25f));
    m->k = 0.04f;
    lump *snout = disc(m, f, (vec){0, 0.02f, 0}, 0.155f * s, 0.085f, 0.045f, sm);
    snout->squash = (vec){1.12f, 1, 0.88f};
    b->nose = (vec){0, -0.18f * q.head.y, 0.98f * q.head.z + 0.09f};
    for (int i = 0; i < 2; i++)
        ss_clay_paint_blob(m, f, (vec){side(i) * 0.062f * s, 0.11f, 0}, (vec){0.030f, 0.10f, 0.046f}, 0.15f, 1, ON_FACE,
                           mul(sm.rgb, 0.16f));
    ss_clay_smile(m, b, (vec){0, -0.50f * q.head.y, q.head.z}, 0.085f, 62);
    float ear = gene(l, GENE_EARS, 0.18f, 0.27f), tilt = gene(l, GENE_EAR_TILT, 16, 40);
    for (int i = 0; i < 2; i++) {
        frame e = turn_z(moved(b->head, (vec){side(i) * 0.56f * q.head.x, 0.66f * q.head.y, 0.02f}), -side(i) * tilt);
        e = turn_x(turn_y(e, side(i) * 48), 16 - 40 * p->flap);
        m->k = 0.03f;
        leaf(m, e, zero, (vec){0, 0.6f * ear, 0}, 0.135f, 0.105f, 0.5f, with(l->main, 0.4f, 0));
        frame g = turn_x(moved(e, (vec){0, 0.6f * ear, 0}), 68);
        leaf(m, g, zero, (vec){0, 0.52f * ear, 0}, 0.105f, 0.055f, 0.5f,
             has(l, GENE_EAR_TIPS, 0.5f) ? l->second : with(l->main, 0.4f, 0));
        b->ear[i] = at(&e, zero);
    }
    ss_clay_eyes(m, l, b, 0.46f, 0.20f, 0.055f);
    ss_clay_blush(m, l, b, 0.68f, -0.16f, 0.095f);
    b->hat = (vec){0, 0.92f * q.head.y, -0.02f}, b->hat_r = 0.20f;
}
