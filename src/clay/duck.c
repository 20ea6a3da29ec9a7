/* A duck, whose arms are wings and whose trunk lies level. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_duck(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.94f, 1.08f), r = gene(l, GENE_ROUND, 0.94f, 1.1f);
    two q = {.leg = gene(l, GENE_LEGS, 0.20f, 0.30f),
             .leg_r = 0.055f,
             .torso = 0.20f,
             .hip = 0.34f * r,
             .chest = 0.28f * r,
             .stance = 0.15f,
             .shoulder = 0.30f * r,
             .arm = 0.34f,
             .arm_r = 0.07f,
             .neck = 0.16f,
             .head = {0.29f * h, 0.275f * h, 0.28f * h}};
    pose dp = *p;
    dp.look[0] += 2;
    if (p->lie) { /* nesting, feet tucked under */
        dp.pitch = 0;
        for (int i = 0; i < 2; i++) dp.leg[i] = (bend){-90, 0, 0};
    }
    ss_clay_bones_two(b, &q, &dp);
    frame trunk = moved(b->hip, (vec){0, 0.18f, 0});
    if (p->lie)
        b->head.o = at(&trunk, (vec){0, 0.30f, 0.42f});
    else
        b->head.o = at(&trunk, (vec){0, 0.50f + 0.05f * h, 0.24f});
    float len = gene(l, GENE_LENGTH, 0.26f, 0.38f);
    material orange = {.rgb = oklch(0.76f, 0.165f, gene(l, GENE_SECOND_HUE, 50, 72)), .gloss = 0.4f};
    new_object(m, 0.10f);
    cone(m, trunk, (vec){0, -0.02f, 0.10f}, (vec){0, 0.03f, -len}, 0.32f * r, 0.25f * r, l->main);
    cone(m, world, at(&trunk, (vec){0, 0.08f, 0.16f}), b->head.o, 0.21f, 0.16f, l->main);
    frame t = turn_x(moved(trunk, (vec){0, 0.10f, -len - 0.12f}), -52);
    leaf(m, t, zero, (vec){0, gene(l, GENE_TAIL, 0.24f, 0.36f), 0}, 0.16f, 0.03f, 0.55f, l->main);
    b->tail = true, b->tail_base = t.o, b->tail_tip = at(&t, (vec){0, 0.3f, 0});
    m->k = 0.05f;
    blob(m, b->head, zero, q.head, l->main);
    m->k = 0.03f;
    bool out = (p->arm[0].out > 60 || p->arm[1].out > 60 || p->flap > 0) && !p->lie;
    material wing = has(l, GENE_SOCKS, 0.5f) ? with(l->third, 0, 0) : with(l->main, 0.6f, 0);
    for (int i = 0; i < 2; i++) {
        frame f = turn_z(moved(trunk, (vec){side(i) * 0.27f * r, 0.12f, 0.08f}), side(i) * (out ? 105 : 12));
        f = turn_x(f, out ? 10 : 62);
        lump *a = cone(m, f, zero, (vec){0, -0.36f, 0}, 0.15f, 0.06f, wing);
        a->squash.x = 0.45f;
        b->arm[i].up = f, b->arm[i].low = moved(f, (vec){0, -0.18f, 0}), b->arm[i].end = moved(f, (vec){0, -0.36f, 0});
    }
    m->k = 0.02f;
    for (int i = 0; i < 2; i++) {
        limb *g = &b->leg[i];
        cone(m, g->up, (vec){0, 0, 0}, (vec){0, -g->l1 - 0.06f, 0}, 0.062f, 0.05f, orange);
        g->low.o = at(&g->up, (vec){0, -g->l1 - 0.06f, 0});
        cone(m, g->low, zero, (vec){0, -g->l2 - 0.06f, 0}, 0.05f, 0.045f, orange);
        frame e = g->end;
        e.o = at(&g->low, (vec){0, -g->l2 - 0.06f, 0});
        g->end = e;
        blob(m, e, (vec){0, 0, 0.09f}, (vec){0.135f, 0.05f, 0.17f}, orange);
    }
    /* a wide flat bill */
    float bill = gene(l, GENE_MUZZLE, 0.9f, 1.15f);
    b->nose = (vec){0, -0.20f * q.head.y, 0.95f * q.head.z};
    blob(m, b->head, add(b->nose, (vec){0, 0.012f, 0.10f * bill}), (vec){0.155f * bill, 0.052f, 0.17f * bill}, orange);
    blob(m, b->head, add(b->nose, (vec){0, -0.05f, 0.06f * bill}), (vec){0.12f * bill, 0.04f, 0.14f * bill},
         tinted(orange, mul(orange.rgb, 0.75f)));
    ss_clay_eyes(m, l, b, 0.52f, 0.22f, 0.052f);
    ss_clay_blush(m, l, b, 0.70f, -0.12f, 0.075f);
    frame chest = moved(trunk, (vec){0, -0.12f, 0.34f * r});
    ss_clay_paint_blob(m, chest, zero, (vec){0.25f, 0.25f, 0.24f}, 0.06f, 1, ON_SKIN, l->second.rgb);
    if (has(l, GENE_STYLE, 0.4f)) { /* a curl on the crown */
        m->k = 0.02f;
        ss_clay_chain(m, turn_x(moved(b->head, (vec){0, 0.95f * q.head.y, 0.02f}), -20), zero, 3, 0.07f, 0.045f, 0.022f,
                      -34, 0, l->main, l->main);
    }
    for (int i = 0; i < 2; i++) b->ear[i] = at(&b->head, (vec){side(i) * 0.95f * q.head.x, 0, -0.05f});
    vec to_head = sub(b->head.o, b->chest.o);
    b->neck = aimed(add(at(&trunk, (vec){0, 0.25f, 0.19f}), mul(to_head, 0.0f)), b->head.o, world.x),
    b->neck_r = 0.205f;
    b->hat = (vec){0, 0.93f * q.head.y, 0}, b->hat_r = 0.19f;
    b->back = turn_x(moved(trunk, (vec){0, 0.27f * r, -0.12f}), 84);
    b->four = true;
}
