/* A figure from its species and pose, set on the ground; its way into the world. */
#include "clay/figure.h"

#include "clay/species.h"

static make_fn *const make[SPECIES] = {
    [DOG] = ss_clay_make_dog,         [CAT] = ss_clay_make_cat,           [RABBIT] = ss_clay_make_rabbit,
    [BEAR] = ss_clay_make_bear,       [ELEPHANT] = ss_clay_make_elephant, [PIG] = ss_clay_make_pig,
    [PENGUIN] = ss_clay_make_penguin, [DINOSAUR] = ss_clay_make_dinosaur, [ROBOT] = ss_clay_make_robot,
    [DOLL] = ss_clay_make_doll,       [DUCK] = ss_clay_make_duck,         [FROG] = ss_clay_make_frog,
};

/* Everything that is anywhere, up by as much. What was worn does not count for where the ground is. */
static void set_on_ground(maker *m, body *b, int naked, float air) {
    float low = 1e9f, lo, hi;
    for (int i = 0; i < naked; i++) {
        ss_clay_extent(&m->lumps[i], world.y, &lo, &hi);
        low = least(low, m->lumps[i].f.o.y + lo);
    }
    vec lift = {0, air - low, 0};
    for (int i = 0; i < m->n; i++) m->lumps[i].f.o = add(m->lumps[i].f.o, lift);
    for (int i = 0; i < m->paint_count; i++) m->paints[i].c = add(m->paints[i].c, lift);
    vec *places[32] = {&b->hip.o, &b->chest.o, &b->head.o, &b->neck.o, &b->back.o, &b->tail_base, &b->tail_tip};
    int n = 7;
    for (int i = 0; i < 2; i++) {
        limb *pair[2] = {&b->arm[i], &b->leg[i]};
        for (int j = 0; j < 2; j++)
            places[n++] = &pair[j]->up.o, places[n++] = &pair[j]->low.o, places[n++] = &pair[j]->end.o;
        places[n++] = &b->eye[i], places[n++] = &b->ear[i];
    }
    for (int i = 0; i < n; i++) *places[i] = add(*places[i], lift);
}

void ss_clay_figure(maker *m, body *b, const ss_clay_identity *id, int action, const float *sway, float glance) {
    look l;
    ss_clay_look(&l, id);
    pose p =
        goes_on_four(id->species) ? ss_clay_pose_four(action, sway, glance) : ss_clay_pose_two(action, sway, glance);
    *b = (body){0};
    m->subject = true;
    make[id->species](m, &l, &p, b);
    b->lying = p.lie;
    int naked = m->n;
    m->k = 0;
    ss_clay_wear(m, &l, b);
    m->subject = false;
    set_on_ground(m, b, naked, p.air);
}

void ss_clay_figure_keypoints(const body *b, vec *k) {
    k[0] = at(&b->head, b->nose);
    k[1] = b->four ? b->neck.o : add(mul(b->arm[0].up.o, 0.5f), mul(b->arm[1].up.o, 0.5f));
    for (int i = 0; i < 2; i++) {
        k[2 + 3 * i] = b->arm[i].up.o, k[3 + 3 * i] = b->arm[i].low.o, k[4 + 3 * i] = b->arm[i].end.o;
        k[8 + 3 * i] = b->leg[i].up.o, k[9 + 3 * i] = b->leg[i].low.o, k[10 + 3 * i] = b->leg[i].end.o;
        k[14 + i] = b->eye[i], k[16 + i] = b->ear[i];
    }
    k[SS_CLAY_TAIL_BASE] = b->tail_base, k[SS_CLAY_TAIL_TIP] = b->tail_tip;
}

/* The resting point of p is g.o + G (F^T (p - f.o)) / s, where F and G have the axes of the lump's frames as columns.
 */
static void remember_rest(lump *p, const frame *g, float inverse) {
    const vec rows[3] = {{g->x.x, g->y.x, g->z.x}, {g->x.y, g->y.y, g->z.y}, {g->x.z, g->y.z, g->z.z}};
    for (int i = 0; i < 3; i++)
        p->rest[i] = mul(add(add(mul(p->f.x, rows[i].x), mul(p->f.y, rows[i].y)), mul(p->f.z, rows[i].z)), inverse);
    p->rest0 = sub(g->o, (vec){dot(p->rest[0], p->f.o), dot(p->rest[1], p->f.o), dot(p->rest[2], p->f.o)});
}

void ss_clay_figure_place(maker *m, const maker *rest, float s, float yaw) {
    for (int i = 0; i < m->n; i++) {
        lump *p = &m->lumps[i];
        p->f = carry_frame(p->f, s, yaw, zero);
        p->size = mul(p->size, s), p->round *= s, p->k *= s;
        remember_rest(p, &rest->lumps[i].f, 1 / s);
    }
    for (int i = 0; i < m->paint_count; i++) {
        paint *q = &m->paints[i];
        q->c = carry(q->c, s, yaw, zero);
        for (int j = 0; j < 3; j++) q->m[j] = carry(q->m[j], q->arc ? 1 : 1 / s, yaw, zero);
        q->radius *= s, q->width *= s, q->reach *= s;
    }
}
