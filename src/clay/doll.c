/* A human doll in a dress or in trousers, with six ways to wear its hair. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_doll(maker *m, const look *l, const pose *p, body *b) {
    const float *g = l->id->gene;
    float h = gene(l, GENE_HEAD, 0.98f, 1.12f), r = gene(l, GENE_ROUND, 0.94f, 1.12f);
    two q = {.leg = gene(l, GENE_LEGS, 0.42f, 0.56f),
             .leg_r = 0.105f,
             .torso = gene(l, GENE_LENGTH, 0.38f, 0.45f),
             .hip = 0.225f * r,
             .chest = 0.175f * r,
             .stance = 0.112f * r,
             .shoulder = 0.215f * r,
             .arm = 0.56f,
             .arm_r = 0.080f,
             .neck = 0.03f,
             .head = {0.345f * h, 0.335f * h, 0.325f * h}};
    ss_clay_bones_two(b, &q, p);
    float tone = g[GENE_SKIN];
    material skin = {
        .rgb = oklch(lerp(0.47f, 0.86f, tone), 0.075f, lerp(46, 58, g[GENE_BLUSH])), .gloss = 0.22f, .part = ON_FACE};
    /* natural and playful hair */
    static const vec hairs[8] = {{0.24f, 0.02f, 50}, {0.36f, 0.06f, 50}, {0.45f, 0.09f, 52},  {0.82f, 0.11f, 88},
                                 {0.62f, 0.15f, 48}, {0.30f, 0.04f, 30}, {0.74f, 0.13f, 350}, {0.60f, 0.11f, 230}};
    vec hc = hairs[(int)(g[GENE_THIRD] * 7.99f)];
    hc.x += 0.06f * (g[GENE_THIRD_LIGHT] - 0.5f);
    material hair = {.rgb = ss_clay_lch(hc), .gloss = 0.3f};
    material cloth = with(l->main, 1, ON_CLOTH), low = with(l->second, 0, 0),
             shoe = {.rgb = mul(l->third.rgb, 0.8f), .gloss = 0.6f};
    bool dress = g[GENE_STYLE] < 0.45f;
    bool sleeves = has(l, GENE_SOCKS, 0.5f);
    vec pants = g[GENE_SECOND] > 0.5f ? (vec){0.42f, 0.08f, 255} : (vec){0.55f, 0.05f, 70};
    low.rgb = dress ? skin.rgb : g[GENE_SECOND] < 0.25f ? l->main.rgb : ss_clay_lch(pants);
    if (!dress && g[GENE_SECOND] < 0.25f) low = with(l->main, 0, 0);

    new_object(m, 0.03f);
    cone(m, b->hip, zero, (vec){0, q.torso, 0}, q.hip, q.chest, cloth);
    for (int i = 0; i < 2; i++) {
        const limb *a = &b->arm[i], *e = &b->leg[i];
        m->k = 0.02f;
        ss_clay_fleshy_limb(m, e, 1.12f * q.leg_r, q.leg_r, 0.95f * q.leg_r, low, dress ? skin : low);
        m->k = 0.01f;
        blob(m, e->end, (vec){0, 0.01f, 0.05f}, (vec){0.105f, 0.085f, 0.155f}, shoe);
        m->k = 0.02f;
        ss_clay_fleshy_limb(m, a, 1.12f * q.arm_r, q.arm_r, 0.95f * q.arm_r, cloth, sleeves ? cloth : skin);
        m->k = 0.008f;
        ball(m, a->end, (vec){0, -0.03f, 0}, 1.2f * q.arm_r, skin);
    }
    if (dress) { /* the skirt follows the mean of the thighs */
        vec knees = mul(add(b->leg[0].low.o, b->leg[1].low.o), 0.5f);
        vec to = unit(sub(knees, b->hip.o));
        float spread = norm(sub(b->leg[0].low.o, b->leg[1].low.o));
        frame f = aimed(at(&b->hip, (vec){0, 0.16f, 0}), add(b->hip.o, mul(to, 0.3f)), b->hip.x);
        m->k = 0.03f;
        lump *s = cone(m, f, zero, (vec){0, 0.30f, 0}, 0.12f,
                       clamp(0.17f + 0.22f * spread, 0.23f, 0.34f) * gene(l, GENE_BELLY, 0.95f, 1.15f), cloth);
        s->squash.z = p->sit ? 0.6f : 0.9f;
        ss_clay_paint_blob(m, f, (vec){0, 0.62f, 0}, (vec){0.6f, 0.16f, 0.6f}, 0.03f, 1, ON_CLOTH, l->second.rgb);
    } else {
        ss_clay_paint_blob(m, b->hip, (vec){0, -0.12f, 0}, (vec){0.4f, 0.14f, 0.4f}, 0.02f, 1, ON_CLOTH, low.rgb);
    }
    m->k = 0.02f;
    cone(m, b->chest, (vec){0, -0.02f, 0}, (vec){0, 0.12f, 0}, 0.08f, 0.08f, skin);
    blob(m, b->head, zero, q.head, skin);
    for (int i = 0; i < 2; i++) {
        vec o = {side(i) * 0.98f * q.head.x, -0.04f, -0.02f};
        ball(m, b->head, o, 0.07f, skin);
        b->ear[i] = at(&b->head, o);
    }
    b->nose = (vec){0, -0.12f * q.head.y, q.head.z};
    ball(m, b->head, (vec){0, -0.12f * q.head.y, 0.99f * q.head.z}, 0.036f,
         tinted(skin, mix(skin.rgb, l->blush.rgb, 0.25f)));
    /* hair: a cap set back on the skull, then the style */
    m->k = 0.04f;
    float style = g[GENE_STYLE2] * 6;
    vec cap = {0, 0.10f * h, -0.075f * h};
    blob(m, b->head, cap, (vec){0.39f * h, 0.345f * h, 0.355f * h}, hair);
    float part = side(g[GENE_EAR_TILT] > 0.5f) * gene(l, GENE_EAR_TIPS, 0.02f, 0.14f);
    blob(m, turn_z(moved(b->head, (vec){part, 0.27f * h, 0.19f * h}), part * 120), zero,
         (vec){0.22f * h, 0.10f * h, 0.14f * h}, hair);
    float len = gene(l, GENE_EARS, 0.8f, 1.25f);
    if (style < 1) { /* bob */
        for (int i = 0; i < 2; i++)
            cone(m, b->head, (vec){side(i) * 0.34f * h, 0.08f, -0.06f},
                 (vec){side(i) * 0.345f * h, -0.26f * len, -0.03f}, 0.12f, 0.105f, hair);
        cone(m, b->head, (vec){0, 0, -0.20f}, (vec){0, -0.26f * len, -0.20f}, 0.26f, 0.2f, hair);
    } else if (style < 2) { /* ponytail */
        frame t = turn_x(moved(b->head, (vec){0, 0.22f, -0.34f * h}), -120 + 25 * p->flap);
        ball(m, t, zero, 0.085f, tinted(hair, l->main.rgb));
        cone(m, t, (vec){0, 0.06f, 0}, (vec){0, 0.24f * len, 0.04f}, 0.11f, 0.13f, hair);
        cone(m, t, (vec){0, 0.24f * len, 0.04f}, (vec){0, 0.46f * len, 0.16f}, 0.13f, 0.04f, hair);
    } else if (style < 3) { /* two buns */
        for (int i = 0; i < 2; i++) ball(m, b->head, (vec){side(i) * 0.27f * h, 0.36f * h, -0.05f}, 0.145f * len, hair);
    } else if (style < 4) { /* pigtails */
        for (int i = 0; i < 2; i++) {
            m->k = 0.01f;
            ball(m, b->head, (vec){side(i) * 0.40f * h, 0.06f, -0.08f}, 0.075f, tinted(hair, l->main.rgb));
            cone(m, b->head, (vec){side(i) * 0.46f * h, 0.04f, -0.08f},
                 (vec){side(i) * 0.54f * h, -0.26f * len, -0.06f}, 0.09f, 0.055f, hair);
        }
    } else if (style < 5) { /* curls */
        m->k = 0.02f;
        for (int i = 0; i < 9; i++) {
            float a = rad(27.5f * (float)i - 110); /* from one ear over the crown to the other */
            ball(m, b->head, (vec){0.36f * h * ss_clay_sin(a), 0.12f * h + 0.30f * h * ss_clay_cos(a), -0.04f},
                 0.13f * len, hair);
        }
    } /* else short */
    m->k = 0;
    ss_clay_eyes(m, l, b, 0.40f, -0.02f, 0.052f);
    for (int i = 0; i < 2; i++)
        ss_clay_paint_blob(m, ss_clay_on_head(b, side(i) * 0.62f, -0.30f), zero, (vec){0.075f, 0.06f, 0.08f}, 0.5f,
                           0.7f, ON_FACE, mix(skin.rgb, l->blush.rgb, 0.8f));
    ss_clay_smile(m, b, (vec){0, -0.30f * q.head.y, 0.93f * q.head.z}, 0.09f, 58);
    b->neck_r = 0.15f, b->neck.o = at(&b->chest, (vec){0, 0.045f, 0});
    b->head_r = q.head;
    b->hat = (vec){0, 0.42f * h, -0.03f}, b->hat_r = 0.27f;
    b->back.o = at(&b->hip, (vec){0, 0.24f, -0.14f});
}
