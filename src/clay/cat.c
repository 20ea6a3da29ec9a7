/* A cat on four legs, with whiskers and a long tail. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_cat(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.94f, 1.08f), r = gene(l, GENE_ROUND, 0.90f, 1.1f);
    four q = {.leg = gene(l, GENE_LEGS, 0.34f, 0.46f),
              .leg_r = 0.098f,
              .len = gene(l, GENE_LENGTH, 0.50f, 0.64f),
              .chest = 0.225f * r,
              .hip = 0.235f * r,
              .gap = 0.13f,
              .up = 0.41f,
              .fwd = 0.22f,
              .head = {0.40f * h, 0.325f * h, 0.33f * h}};
    ss_clay_bones_four(b, &q, p);
    ss_clay_trunk_four(m, l, &q, b, p);
    pose tp = *p;
    tp.tail += p->sit || p->lie ? 10 : 30;
    frame t = ss_clay_tail_frame(b, &tp, (vec){0, 0.10f, -0.18f});
    if (p->sit || p->lie) t = turn_z(t, 35 * (p->wag < 0 ? -1 : 1));
    b->tail = true, b->tail_base = t.o;
    material tip = has(l, GENE_EAR_TIPS, 0.5f) ? l->third : l->main;
    b->tail_tip = ss_clay_chain(m, t, zero, 5, gene(l, GENE_TAIL, 0.13f, 0.19f), 0.07f, 0.062f,
                                p->sit || p->lie ? 16 : 22, 0, l->main, tip)
                      .o;
    /* two small cheeks instead of a muzzle */
    float s = gene(l, GENE_MUZZLE, 0.9f, 1.15f);
    m->k = 0.03f;
    for (int i = 0; i < 2; i++)
        blob(m, b->head, (vec){side(i) * 0.065f, -0.40f * q.head.y, 0.84f * q.head.z},
             (vec){0.10f * s, 0.075f * s, 0.08f * s}, l->second);
    b->nose = (vec){0, -0.22f * q.head.y, 0.84f * q.head.z + 0.075f * s};
    m->k = 0;
    blob(m, b->head, b->nose, (vec){0.045f, 0.032f, 0.03f}, tinted(l->dark, oklch(0.60f, 0.14f, 10)));
    for (int i = 0; i < 2; i++)
        ss_clay_paint_arc(m, b->head, (vec){side(i) * 0.045f, -0.38f * q.head.y, q.head.z}, 0.045f, 0.011f, 85, ON_FACE,
                          (vec){0.03f, 0.012f, 0.012f});
    /* pointed ears with a soft inside */
    float ear = gene(l, GENE_EARS, 0.24f, 0.36f), tilt = gene(l, GENE_EAR_TILT, 8, 24);
    for (int i = 0; i < 2; i++) {
        frame e = turn_z(moved(b->head, (vec){side(i) * 0.54f * q.head.x, 0.66f * q.head.y, 0}), -side(i) * tilt);
        e = turn_x(e, -24 * p->flap);
        m->k = 0.03f;
        leaf(m, e, zero, (vec){0, ear, 0}, 0.155f, 0.022f, 0.55f, with(l->main, 0.5f, 0));
        m->k = 0;
        leaf(m, e, (vec){0, 0.02f, 0.05f}, (vec){0, 0.75f * ear, 0.045f}, 0.095f, 0.014f, 0.5f,
             tinted(l->second, mix(l->second.rgb, l->blush.rgb, 0.5f)));
        b->ear[i] = at(&e, zero);
    }
    for (int i = 0; i < 2; i++) /* whiskers */
        for (int j = 0; j < 2; j++)
            cone(m, b->head, (vec){side(i) * 0.16f, -0.30f * q.head.y - 0.05f * (float)j, 0.86f * q.head.z},
                 (vec){side(i) * 0.40f, -0.24f * q.head.y - 0.12f * (float)j, 0.84f * q.head.z}, 0.012f, 0.009f,
                 l->id->color == WHITE || l->id->color == YELLOW ? tinted(l->white, (vec){0.25f, 0.22f, 0.2f})
                                                                 : l->white);
    ss_clay_blaze(m, l, b);
    ss_clay_eyes(m, l, b, 0.46f, 0.08f, 0.068f);
    ss_clay_blush(m, l, b, 0.72f, -0.25f, 0.08f);
    b->hat = (vec){0, 0.92f * q.head.y, -0.02f}, b->hat_r = 0.17f;
}
