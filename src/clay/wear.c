/* Accessories: hat, scarf, glasses, bow tie, backpack. */
#include "clay/species.h"

static void hat(maker *m, const look *l, const body *b) {
    float s = b->hat_r / 0.20f;
    frame f = turn_z(turn_x(moved(b->head, b->hat), -6), gene(l, GENE_EAR_TILT, -12, 12));
    float kind = l->id->gene[GENE_STYLE2] * 3;
    if (kind < 1) { /* top hat */
        disc(m, f, (vec){0, 0.0f, 0}, 0.29f * s, 0.024f, 0.02f, l->gear);
        disc(m, f, (vec){0, 0.15f * s, 0}, 0.185f * s, 0.15f * s, 0.03f, l->gear);
        disc(m, f, (vec){0, 0.055f * s, 0}, 0.192f * s, 0.035f * s, 0.01f, l->gear2);
    } else if (kind < 2) { /* bobble hat */
        blob(m, f, (vec){0, -0.02f, 0}, (vec){0.25f * s, 0.24f * s, 0.25f * s}, l->gear);
        ring(m, f, (vec){0, -0.01f, 0}, 0.235f * s, 0.055f * s, l->gear2);
        ball(m, f, (vec){0, 0.25f * s, 0}, 0.085f * s, l->gear2);
    } else { /* party hat */
        cone(m, f, (vec){0, 0.03f * s, 0}, (vec){0, 0.44f * s, 0}, 0.20f * s, 0.02f * s, l->gear);
        ring(m, f, (vec){0, 0.0f, 0}, 0.185f * s, 0.035f * s, l->gear2);
        ball(m, f, (vec){0, 0.45f * s, 0}, 0.065f * s, l->gear2);
    }
}

static void scarf(maker *m, const look *l, const body *b) {
    frame f = turn_x(b->neck, b->four ? 4 : 0);
    float r = b->neck_r;
    ring(m, f, (vec){0, 0, 0}, 0.95f * r, 0.092f, l->gear);
    float s = side(has(l, GENE_GEAR, 0.5f));
    if (b->lying) f = turn_y(f, b->four ? s * 60 : s * 150); /* the loose end falls to the side, or over the back */
    frame g = turn_z(moved(f, (vec){s * 0.42f * r, -0.02f, 0.92f * r}), s * 8);
    g = turn_x(g, -10);
    ball(m, g, (vec){0, 0, 0.02f}, 0.085f, l->gear);
    leaf(m, g, (vec){0, -0.04f, 0.04f}, (vec){0, -0.28f, 0.06f}, 0.08f, 0.10f, 0.5f, l->gear);
    leaf(m, g, (vec){0, -0.28f, 0.06f}, (vec){0, -0.33f, 0.065f}, 0.101f, 0.101f, 0.55f, l->gear2);
}

static void glasses(maker *m, const look *l, const body *b) {
    float r = most(1.75f * b->eye_r, 0.105f), z = 0;
    if (l->id->species == FROG) r = 1.25f * b->eye_r;
    vec o[2];
    for (int i = 0; i < 2; i++) {
        vec e = sub(b->eye[i], b->head.o);
        o[i] = (vec){dot(e, b->head.x), dot(e, b->head.y), dot(e, b->head.z)};
        z = o[i].z + 0.065f;
    }
    for (int i = 0; i < 2; i++) {
        o[i].z = z;
        ring(m, turn_x(turn_y(moved(b->head, o[i]), side(i) * 8), 90), zero, r, 0.027f, l->gear);
        cone(m, b->head, add(o[i], (vec){side(i) * r, 0.01f, 0}),
             (vec){side(i) * 1.0f * b->head_r.x, o[i].y + 0.02f, 0}, 0.022f, 0.02f, l->gear);
    }
    cone(m, b->head, add(o[0], (vec){r * 0.9f, 0.02f, 0.01f}), add(o[1], (vec){-r * 0.9f, 0.02f, 0.01f}), 0.024f,
         0.024f, l->gear);
}

static void bow_tie(maker *m, const look *l, const body *b) {
    frame f = turn_x(moved(b->neck, (vec){0, -0.03f, 0}), b->four ? -20 : 0);
    f = moved(f, (vec){0, -0.01f, b->neck_r + 0.07f});
    if (b->lying && !b->four)
        f = moved(b->head, (vec){0, -0.92f * b->head_r.y, 0.62f * b->head_r.z}); /* under the chin */
    for (int i = 0; i < 2; i++) {
        lump *w = cone(m, f, (vec){side(i) * 0.04f, 0, 0}, (vec){side(i) * 0.195f, 0, 0}, 0.04f, 0.13f, l->gear);
        w->squash.z = 0.55f;
    }
    ball(m, f, (vec){0, 0, 0.03f}, 0.07f, l->gear2);
}

static void backpack(maker *m, const look *l, const body *b) {
    frame f = b->back;
    float s = b->four ? 1.05f : 1.08f;
    f = moved(f, (vec){0, b->four ? 0 : 0.04f, -0.13f * s});
    m->k = 0.02f;
    box(m, f, zero, (vec){0.235f * s, 0.255f * s, 0.135f * s}, 0.10f * s, l->gear);
    box(m, f, (vec){0, -0.09f * s, -0.12f * s}, (vec){0.16f * s, 0.11f * s, 0.07f * s}, 0.05f * s, l->gear2);
    m->k = 0;
    ring(m, turn_x(moved(f, (vec){0, 0.26f * s, 0.02f}), 90), zero, 0.065f * s, 0.025f * s, l->gear2);
    if (b->four) { /* a girth around the trunk */
        for (int i = 0; i < 2; i++)
            cone(m, f, (vec){side(i) * 0.17f * s, 0.12f, 0.06f}, (vec){side(i) * 0.25f * s, 0.13f, 0.28f}, 0.045f,
                 0.04f, l->gear2);
        return;
    }
    for (int i = 0; i < 2; i++) { /* straps over the shoulders */
        vec top = at(&b->chest, (vec){side(i) * 0.13f, b->neck_r * 0.62f, 0.0f}),
            front = at(&b->chest, (vec){side(i) * 0.15f, -0.06f, b->neck_r * 1.0f});
        vec low = at(&b->hip, (vec){side(i) * 0.19f, 0.06f, b->neck_r * 0.8f}),
            back = at(&f, (vec){side(i) * 0.14f, 0.16f, 0.05f});
        cone(m, world, back, top, 0.036f, 0.036f, l->gear2);
        cone(m, world, top, front, 0.036f, 0.036f, l->gear2);
        cone(m, world, front, low, 0.036f, 0.034f, l->gear2);
    }
}

void ss_clay_wear(maker *m, const look *l, const body *b) {
    switch (l->id->accessory) {
    case HAT:
        hat(m, l, b);
        break;
    case SCARF:
        scarf(m, l, b);
        break;
    case GLASSES:
        glasses(m, l, b);
        break;
    case BOW_TIE:
        bow_tie(m, l, b);
        break;
    case BACKPACK:
        backpack(m, l, b);
        break;
    }
}
