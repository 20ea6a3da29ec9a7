/* A robot, all of boxes, discs and lamps. */
#include "clay/parts.h"
#include "clay/species.h"

void ss_clay_make_robot(maker *m, const look *l, const pose *p, body *b) {
    float h = gene(l, GENE_HEAD, 0.92f, 1.08f), round = gene(l, GENE_ROUND, 0.05f, 0.14f);
    vec head = {gene(l, GENE_LENGTH, 0.36f, 0.44f) * h, 0.285f * h, 0.29f * h};
    two q = {.leg = gene(l, GENE_LEGS, 0.36f, 0.50f),
             .leg_r = 0.075f,
             .torso = 0.36f,
             .hip = 0.26f,
             .chest = 0.26f,
             .stance = 0.155f,
             .shoulder = 0.325f,
             .arm = 0.46f,
             .arm_r = 0.068f,
             .neck = 0.10f,
             .head = head};
    ss_clay_bones_two(b, &q, p);
    material shell = with(l->main, 1, ON_CLOTH), joint = {.rgb = {0.20f, 0.21f, 0.23f}, .gloss = 0.8f},
             part = with(l->second, 0, 0);
    if (l->id->color == BLACK) joint.rgb = (vec){0.45f, 0.46f, 0.48f};
    shell.gloss = 0.55f, part.gloss = 0.55f;
    vec light = oklch(0.86f, 0.13f, 360 * l->id->gene[GENE_SKIN]);
    material lamp = {.rgb = light, .gloss = 0.5f, .glow = 0.85f};
    new_object(m, 0);
    box(m, b->hip, (vec){0, 0.20f, 0}, (vec){0.275f, 0.235f, 0.205f}, round, shell);
    disc(m, b->chest, (vec){0, 0.10f, 0}, 0.09f, 0.10f, 0.02f, joint);
    box(m, b->head, zero, head, 1.2f * round, with(shell, 0.35f, ON_CLOTH));
    /* chest panel: a plate with a dial or three buttons */
    bool dial = has(l, GENE_STYLE, 0.5f);
    box(m, b->hip, (vec){0, 0.20f, 0.20f}, (vec){0.165f, 0.125f, 0.02f}, 0.02f, part);
    if (dial)
        disc(m, turn_x(moved(b->hip, (vec){0, 0.20f, 0.215f}), 90), zero, 0.085f, 0.02f, 0.01f, lamp);
    else
        for (int i = -1; i < 2; i++)
            ball(m, b->hip, (vec){0.095f * (float)i, 0.20f, 0.215f}, 0.036f,
                 i == 0 ? lamp : tinted(lamp, mix(light, l->third.rgb, 0.8f)));
    for (int i = 0; i < 2; i++) {
        const limb *a = &b->arm[i], *g = &b->leg[i];
        ball(m, a->up, zero, 0.095f, joint);
        cone(m, a->up, (vec){0, -0.03f, 0}, (vec){0, -a->l1 + 0.03f, 0}, 0.066f, 0.066f, part);
        ball(m, a->low, zero, 0.072f, joint);
        cone(m, a->low, (vec){0, -0.05f, 0}, (vec){0, -a->l2 + 0.04f, 0}, 0.07f, 0.10f, shell);
        ball(m, a->end, (vec){0, -0.06f, 0}, 0.088f, joint);
        cone(m, g->up, (vec){0, 0.02f, 0}, (vec){0, -g->l1, 0}, 0.07f, 0.066f, joint);
        cone(m, g->low, (vec){0, -0.01f, 0}, (vec){0, -g->l2, 0}, 0.09f, 0.11f, part);
        box(m, g->end, (vec){0, -0.01f, 0.05f}, (vec){0.125f, 0.075f, 0.17f}, 0.06f, shell);
    }
    /* face: dark screen with lit eyes, or two lamps on the shell */
    material screen = {.rgb = {0.015f, 0.018f, 0.025f}, .gloss = 1};
    bool visor = has(l, GENE_STYLE2, 0.4f);
    if (visor)
        box(m, b->head, (vec){0, 0.0f, head.z - 0.02f}, (vec){0.80f * head.x, 0.62f * head.y, 0.04f}, 0.04f, screen);
    float ex = 0.42f * head.x * gene(l, GENE_EYE_GAP, 0.9f, 1.1f), er = 0.062f * gene(l, GENE_EYES, 0.9f, 1.3f);
    for (int i = 0; i < 2; i++) {
        frame e = turn_x(moved(b->head, (vec){side(i) * ex, 0.06f, head.z + 0.01f}), 90);
        if (!visor) disc(m, e, zero, 1.45f * er, 0.03f, 0.015f, screen);
        disc(m, e, (vec){0, 0.012f, 0}, er, 0.03f, 0.015f, lamp);
        b->eye[i] = at(&e, zero);
        frame s = turn_z(moved(b->head, (vec){side(i) * head.x, 0.02f, 0}), 90);
        disc(m, s, zero, 0.10f, 0.05f, 0.02f, part);
        b->ear[i] = s.o;
    }
    if (visor) {
        box(m, b->head, (vec){0, -0.42f * head.y, head.z + 0.015f}, (vec){0.10f, 0.014f, 0.012f}, 0.01f, lamp);
    } else
        for (int i = -1; i < 2; i++)
            box(m, b->head, (vec){0.075f * (float)i, -0.52f * head.y, head.z}, (vec){0.026f, 0.035f, 0.015f}, 0.01f,
                screen);
    /* antenna */
    float ant = gene(l, GENE_EARS, 0.12f, 0.26f);
    int pair = has(l, GENE_EAR_TILT, 0.5f);
    for (int i = 0; i <= pair; i++) {
        float x = pair ? side(i) * 0.55f * head.x : 0, lean = pair ? side(i) * 0.08f : 0;
        bool hat = l->id->accessory == HAT && !pair;
        if (hat) break;
        cone(m, b->head, (vec){x, head.y - 0.02f, 0}, (vec){x + lean, head.y + ant, 0}, 0.024f, 0.02f, joint);
        ball(m, b->head, (vec){x + lean, head.y + ant + 0.04f, 0}, 0.062f, lamp);
    }
    b->nose = (vec){0, -0.05f, head.z};
    b->head_r = (vec){head.x, head.y, head.z * 1.18f};
    b->eye_r = er, b->eye_x = ex / head.x, b->eye_y = 0.06f / head.y;
    b->neck.o = at(&b->chest, (vec){0, 0.085f, 0}), b->neck_r = 0.22f;
    b->hat = (vec){0, 0.98f * head.y, 0}, b->hat_r = 0.21f;
    b->back.o = at(&b->hip, (vec){0, 0.22f, -0.20f});
}
