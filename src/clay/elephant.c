/* An elephant on four legs, with trunk, tusks and large ears. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_elephant(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.95f, 1.06f), r = gene(l, GENE_ROUND, 0.95f, 1.1f);
    four q = {.leg = gene(l, GENE_LEGS, 0.30f, 0.42f),
              .leg_r = 0.155f,
              .len = gene(l, GENE_LENGTH, 0.46f, 0.58f),
              .chest = 0.33f * r,
              .hip = 0.33f * r,
              .gap = 0.19f,
              .up = 0.34f,
              .fwd = 0.36f,
              .head = {0.345f * h, 0.345f * h, 0.33f * h}};
    ss_clay_bones_four(b, &q, p);
    ss_clay_trunk_four(m, l, &q, b, p);
    m->k = 0.02f;
    frame t = ss_clay_tail_frame(b, p, (vec){0, 0.12f, -0.30f});
    t = turn_x(t, -50);
    b->tail = true, b->tail_base = t.o;
    b->tail_tip = ss_clay_chain(m, t, zero, 3, 0.10f, 0.035f, 0.03f, -12, 0, l->main, l->third).o;
    /* trunk: down from the face, then curling forward and up */
    float len = gene(l, GENE_MUZZLE, 0.105f, 0.145f), curl = gene(l, GENE_STYLE, 20, 42);
    frame f = turn_x(moved(b->head, (vec){0, -0.16f * q.head.y, 0.84f * q.head.z}), 128);
    material tm = with(l->main, 0.4f, 0);
    m->k = 0.05f;
    for (int i = 0; i < 6; i++) {
        float u = (float)i / 6;
        cone(m, f, zero, (vec){0, len, 0}, lerp(0.145f, 0.068f, u), lerp(0.145f, 0.068f, u + 0.167f), tm);
        f = turn_x(moved(f, (vec){0, len, 0}), i < 1 ? 18 : -curl);
    }
    b->nose = (vec){0, -0.25f * q.head.y, 1.1f * q.head.z};
    m->k = 0;
    if (has(l, GENE_STYLE2, 0.35f))
        for (int i = 0; i < 2; i++)
            cone(m, b->head, (vec){side(i) * 0.17f, -0.52f * q.head.y, 0.72f * q.head.z},
                 (vec){side(i) * 0.22f, -0.80f * q.head.y, 1.15f * q.head.z}, 0.045f, 0.018f, l->white);
    float ear = gene(l, GENE_EARS, 0.86f, 1.15f), tilt = gene(l, GENE_EAR_TILT, 20, 38) + 25 * p->flap;
    for (int i = 0; i < 2; i++) {
        frame e = turn_y(moved(b->head, (vec){side(i) * 0.74f * q.head.x, 0.16f, -0.08f}), side(i) * tilt);
        m->k = 0.05f;
        blob(m, e, (vec){side(i) * 0.24f * ear, -0.05f, 0}, (vec){0.285f * ear, 0.33f * ear, 0.06f},
             with(l->main, 0.5f, 0));
        m->k = 0;
        blob(m, e, (vec){side(i) * 0.25f * ear, -0.06f, 0.028f}, (vec){0.215f * ear, 0.255f * ear, 0.05f},
             tinted(l->second, mix(l->second.rgb, l->blush.rgb, 0.35f)));
        b->ear[i] = at(&e, zero);
    }
    ss_clay_eyes(m, l, b, 0.50f, 0.16f, 0.058f);
    ss_clay_blush(m, l, b, 0.66f, -0.18f, 0.08f);
    b->hat = (vec){0, 0.90f * q.head.y, 0.02f}, b->hat_r = 0.22f;
}
