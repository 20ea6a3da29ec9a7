/* A penguin, whose arms are flippers. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_penguin(maker *m, const look *l, const pose *p, body *b) {
    float r = gene(l, GENE_ROUND, 0.92f, 1.1f), h = gene(l, GENE_HEAD, 0.96f, 1.06f);
    two q = {.leg = gene(l, GENE_LEGS, 0.10f, 0.16f),
             .leg_r = 0.085f,
             .torso = gene(l, GENE_LENGTH, 0.40f, 0.52f),
             .hip = 0.37f * r,
             .chest = 0.27f * r,
             .stance = 0.17f,
             .shoulder = 0.27f * r,
             .arm = 0.44f,
             .arm_r = 0.07f,
             .neck = -0.16f,
             .head = {0.335f * h, 0.315f * h, 0.315f * h}};
    pose pp = *p;
    for (int i = 0; i < 2 && !p->lie; i++) /* flippers go up at the side, where they hide no beak */
        if (pp.arm[i].swing > 60) pp.arm[i] = (bend){-20, 130, 0};
    p = &pp;
    ss_clay_bones_two(b, &q, p);
    vec cream = mix(l->white.rgb, l->second.rgb, 0.25f);
    material orange = {.rgb = oklch(0.76f, 0.16f, gene(l, GENE_SECOND_HUE, 50, 75)), .gloss = 0.4f};
    material skin = l->main;
    new_object(m, 0.10f);
    cone(m, b->hip, (vec){0, 0.04f, 0}, (vec){0, q.torso, 0}, q.hip, q.chest, skin);
    m->k = 0.07f;
    blob(m, b->head, zero, q.head, skin);
    cone(m, world, b->chest.o, b->head.o, 0.27f, 0.26f, skin);
    m->k = 0.04f;
    frame t = turn_x(ss_clay_tail_frame(b, p, (vec){0, -0.10f, -0.26f * r}), -10);
    leaf(m, t, zero, (vec){0, 0.24f, 0}, 0.13f, 0.03f, 0.5f, l->main);
    b->tail = true, b->tail_base = t.o, b->tail_tip = at(&t, (vec){0, 0.24f, 0});
    float flip = gene(l, GENE_EARS, 0.9f, 1.15f);
    for (int i = 0; i < 2; i++) { /* flippers keep flat against the side */
        frame f = b->arm[i].up, g = b->arm[i].low;
        f.o = at(&b->chest, (vec){side(i) * q.shoulder * 0.95f, 0, 0});
        lump *a = cone(m, f, zero, (vec){0, -0.24f * flip, 0}, 0.115f, 0.115f, with(l->main, 1, 0));
        a->squash.x = 0.5f;
        g.o = at(&f, (vec){0, -0.24f * flip, 0});
        a = cone(m, g, zero, (vec){0, -0.20f * flip, 0}, 0.115f, 0.055f, with(l->main, 1, 0));
        a->squash.x = 0.5f;
        b->arm[i].up = f, b->arm[i].low = g, b->arm[i].end.o = at(&g, (vec){0, -0.22f * flip, 0});
    }
    m->k = 0.02f;
    for (int i = 0; i < 2; i++) {
        const limb *g = &b->leg[i];
        cone(m, g->up, (vec){0, -0.16f, 0}, (vec){0, -0.28f - g->l1, 0}, 0.075f, 0.06f, orange);
        frame e = g->end;
        e.o = at(&g->low, (vec){0, -0.22f - g->l2, 0});
        blob(m, e, (vec){0, 0, 0.10f}, (vec){0.14f, 0.06f, 0.19f}, orange);
        b->leg[i].end = e, b->leg[i].low.o = at(&g->up, (vec){0, -0.16f - g->l1, 0});
    }
    /* shirt front, and a face in the shape of a heart */
    float s = gene(l, GENE_BELLY, 0.9f, 1.08f);
    ss_clay_paint_blob(m, b->hip, (vec){0, 0.06f, 0.9f * q.hip},
                       (vec){0.74f * q.hip * s, 0.98f * q.torso * s, 0.7f * q.hip}, 0.05f, 1, ON_SKIN, cream);
    for (int i = 0; i < 2; i++)
        ss_clay_paint_blob(m, b->head, (vec){side(i) * 0.13f, -0.02f, 0.8f * q.head.z},
                           (vec){0.165f * s, 0.20f * s, 0.28f}, 0.05f, 1, ON_SKIN, cream);
    float beak = gene(l, GENE_MUZZLE, 0.13f, 0.20f);
    b->nose = (vec){0, -0.16f * q.head.y, 0.98f * q.head.z};
    lump *k = cone(m, b->head, b->nose, add(b->nose, (vec){0, -0.02f, beak}), 0.085f, 0.028f, orange);
    k->squash.z = 0.75f;
    ss_clay_eyes(m, l, b, 0.40f, 0.16f, 0.056f);
    ss_clay_blush(m, l, b, 0.60f, -0.24f, 0.075f);
    for (int i = 0; i < 2; i++) b->ear[i] = at(&b->head, (vec){side(i) * 0.95f * q.head.x, 0.02f, 0});
    if (has(l, GENE_STYLE, 0.55f)) { /* a tuft, or yellow brows */
        m->k = 0.02f;
        for (int i = -1; i < 2; i++)
            cone(m, b->head, (vec){0.04f * (float)i, 0.92f * q.head.y, 0},
                 (vec){0.11f * (float)i, 1.28f * q.head.y, -0.05f}, 0.04f, 0.018f,
                 has(l, GENE_STYLE, 0.8f) ? orange : l->main);
    }
    b->neck.o = at(&b->chest, (vec){0, 0.03f, 0}), b->neck_r = 0.29f;
    b->hat = (vec){0, 0.93f * q.head.y, 0}, b->hat_r = 0.21f;
    b->back.o = at(&b->hip, (vec){0, 0.6f * q.torso, -0.30f});
}
