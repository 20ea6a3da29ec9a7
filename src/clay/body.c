/* Where the joints go, from the measures of a body plan and the angles of a pose. */
#include "clay/body.h"

static limb make_limb(frame root, float s, bend b, float knee, float l1, float l2, bool flat) {
    limb l = {.l1 = l1, .l2 = l2};
    l.up = turn_x(turn_z(root, s * b.out), -b.swing);
    l.low = turn_x(moved(l.up, (vec){0, -l1, 0}), knee * b.bend);
    l.end = moved(l.low, (vec){0, -l2, 0});
    if (flat) l.end = (frame){l.end.o, world.x, world.y, world.z};
    return l;
}

static frame head_frame(vec o, const pose *p) {
    frame f = world;
    f.o = o;
    return turn_z(turn_x(turn_y(f, p->look[1]), -p->look[0]), -p->look[2]);
}

void ss_clay_bones_four(body *b, const four *q, const pose *p) {
    float pitch = p->pitch, drop = 0.40f * q->chest;
    if (p->sit) {
        float rise = (q->leg + 0.9f * q->leg_r - 0.9f * q->hip + 0.6f * drop) / q->len;
        pitch = ss_clay_asin(clamp(rise, 0.60f, 0.93f)) * (180 / PI);
    }
    b->four = true;
    b->hip = turn_x(world, -pitch);
    b->chest = moved(b->hip, (vec){0, 0, q->len});
    for (int i = 0; i < 2; i++) {
        bend fore = p->arm[i], hind = p->leg[i];
        if (p->sit) fore.swing -= pitch - 6, hind.swing -= pitch;
        float l1 = 0.52f * q->leg, l2 = 0.48f * q->leg;
        b->arm[i] = make_limb(moved(b->chest, (vec){side(i) * q->gap, -drop, 0}), side(i), fore, 1, l1, l2, p->flat);
        b->leg[i] =
            make_limb(moved(b->hip, (vec){side(i) * q->gap, -0.40f * q->hip, 0}), side(i), hind, 1, l1, l2, p->flat);
    }
    frame nape = turn_x(moved(b->chest, (vec){0, 0.25f * q->chest, 0}), 0.75f * pitch - p->neck);
    b->head = head_frame(at(&nape, (vec){0, q->up, q->fwd}), p);
    b->head_r = q->head;
    vec to_head = sub(b->head.o, b->chest.o);
    b->neck = aimed(add(b->chest.o, mul(to_head, 0.50f)), b->head.o, world.x);
    b->neck_r = 0.86f * q->chest;
    b->back = turn_x(moved(b->hip, (vec){0, 0.85f * q->chest, 0.55f * q->len}), 90);
}

void ss_clay_bones_two(body *b, const two *q, const pose *p) {
    b->hip = turn_z(turn_x(world, p->pitch), p->roll);
    b->chest = moved(b->hip, (vec){0, q->torso, 0});
    for (int i = 0; i < 2; i++) {
        bend leg = p->leg[i];
        if (!p->sit && !p->lie) leg.swing += p->pitch; /* legs keep their angle to the ground when the trunk leans */
        b->arm[i] = make_limb(moved(b->chest, (vec){side(i) * q->shoulder, -0.02f, 0}), side(i), p->arm[i], -1,
                              0.5f * q->arm, 0.5f * q->arm, false);
        b->leg[i] = make_limb(moved(b->hip, (vec){side(i) * q->stance, 0, 0}), side(i), leg, 1, 0.5f * q->leg,
                              0.5f * q->leg, p->flat);
    }
    frame nape = turn_x(b->chest, -p->neck);
    b->head = head_frame(at(&nape, (vec){0, q->neck + 0.92f * q->head.y, 0.02f}), p);
    b->head_r = q->head;
    b->neck = moved(b->chest, (vec){0, 0.4f * q->neck, 0});
    b->neck_r = 0.9f * q->chest;
    b->back = moved(b->hip, (vec){0, 0.62f * q->torso, -0.95f * q->chest});
}
