/* Trees, flowers, furniture and other things that stand around. */
#include "clay/props.h"

static material bark(void) { return plain_lch(0.45f, 0.06f, 55); }

void ss_clay_round_tree(maker *m, vec o, float s, vec leaves) {
    new_object(m, 0.12f * s);
    cone(m, world, o, add(o, (vec){0, 1.0f * s, 0}), 0.13f * s, 0.10f * s, bark());
    new_object(m, 0.15f * s);
    ball(m, world, add(o, (vec){0, 1.42f * s, 0}), 0.58f * s, plain(leaves));
    ball(m, world, add(o, (vec){0.42f * s, 1.18f * s, 0.12f * s}), 0.36f * s, plain(leaves));
    ball(m, world, add(o, (vec){-0.42f * s, 1.22f * s, 0.08f * s}), 0.38f * s, plain(mul(leaves, 0.88f)));
}

void ss_clay_pine(maker *m, vec o, float s, vec leaves, bool snow) {
    new_object(m, 0.02f);
    cone(m, world, o, add(o, (vec){0, 0.5f * s, 0}), 0.12f * s, 0.11f * s, bark());
    for (int i = 0; i < 3; i++) {
        float u = (float)i, r = 0.52f - 0.12f * u;
        vec a = add(o, (vec){0, (0.62f + 0.46f * u) * s, 0}), b = add(a, (vec){0, 0.58f * s, 0});
        cone(m, world, a, b, r * s, 0.06f * s, plain(mul(leaves, 0.9f + 0.1f * u)));
        if (snow)
            cone(m, world, add(a, (vec){0, 0.17f * s, 0.02f}), add(b, (vec){0, 0.04f * s, 0}), 0.80f * r * s, 0.06f * s,
                 plain_lch(0.95f, 0.012f, 240));
    }
}

void ss_clay_cactus(maker *m, vec o, float s) {
    material g = plain_lch(0.60f, 0.12f, 150);
    new_object(m, 0.05f * s);
    cone(m, world, o, add(o, (vec){0, 1.45f * s, 0}), 0.20f * s, 0.19f * s, g);
    for (int i = 0; i < 2; i++) {
        vec elbow = add(o, (vec){side(i) * 0.48f * s, (0.62f + 0.2f * (float)i) * s, 0});
        cone(m, world, add(o, (vec){0, elbow.y - o.y, 0}), elbow, 0.12f * s, 0.12f * s, g);
        cone(m, world, elbow, add(elbow, (vec){0, 0.42f * s, 0}), 0.12f * s, 0.115f * s, g);
    }
    ball(m, world, add(o, (vec){0, 1.66f * s, 0}), 0.09f * s, plain_lch(0.72f, 0.15f, 0));
}

void ss_clay_palm(maker *m, vec o, float s, float lean) {
    material bark = plain_lch(0.58f, 0.07f, 65), leaves = plain_lch(0.62f, 0.15f, 145);
    new_object(m, 0.05f);
    vec a = o, tip = o;
    for (int i = 0; i < 4; i++) {
        tip = add(a, (vec){lean * 0.10f * (float)(i + 1) * s, 0.62f * s, 0});
        cone(m, world, a, tip, (0.15f - 0.015f * (float)i) * s, (0.13f - 0.015f * (float)i) * s, bark);
        a = tip;
    }
    new_object(m, 0.03f);
    for (int i = 0; i < 7; i++) {
        frame f = turn_y(world, 51.4f * (float)i + 20);
        f.o = tip;
        f = turn_x(f, 62);
        leaf(m, f, zero, (vec){0, 0.55f * s, 0}, 0.10f * s, 0.17f * s, 0.4f, leaves);
        f = turn_x(moved(f, (vec){0, 0.55f * s, 0}), 50);
        leaf(m, f, zero, (vec){0, 0.45f * s, 0}, 0.17f * s, 0.03f * s, 0.4f, leaves);
    }
    ball(m, world, add(tip, (vec){0.1f * s, -0.12f * s, 0.12f * s}), 0.10f * s, plain_lch(0.42f, 0.06f, 50));
    ball(m, world, add(tip, (vec){-0.1f * s, -0.13f * s, 0.10f * s}), 0.10f * s, plain_lch(0.42f, 0.06f, 50));
}

void ss_clay_mushroom(maker *m, vec o, float s, vec cap) {
    new_object(m, 0.01f);
    cone(m, world, o, add(o, (vec){0, 0.24f * s, 0}), 0.09f * s, 0.075f * s, plain_lch(0.92f, 0.03f, 85));
    frame f = world;
    f.o = add(o, (vec){0, 0.26f * s, 0});
    cone(m, f, zero, (vec){0, 0.1f * s, 0}, 0.20f * s, 0.13f * s, plain(cap))->squash.y = 0.8f;
    ball(m, f, (vec){0.09f * s, 0.10f * s, 0.13f * s}, 0.05f * s, plain_lch(0.95f, 0.01f, 90));
    ball(m, f, (vec){-0.08f * s, 0.14f * s, 0.11f * s}, 0.04f * s, plain_lch(0.95f, 0.01f, 90));
}

void ss_clay_flower(maker *m, vec o, float s, vec petals) {
    new_object(m, 0.01f);
    cone(m, world, o, add(o, (vec){0, 0.26f * s, 0}), 0.022f * s, 0.02f * s, plain_lch(0.58f, 0.14f, 142));
    for (int i = 0; i < 5; i++) {
        float a = rad(72 * (float)i);
        ball(m, world, add(o, (vec){0.075f * s * ss_clay_sin(a), 0.30f * s + 0.075f * s * ss_clay_cos(a), 0.01f}),
             0.052f * s, plain(petals));
    }
    ball(m, world, add(o, (vec){0, 0.30f * s, 0.04f * s}), 0.045f * s, plain_lch(0.86f, 0.15f, 90));
}

void ss_clay_hill(maker *m, float x, float z, float w, float h, vec rgb) {
    new_object(m, 0);
    blob(m, world, (vec){x, -0.3f, z}, (vec){w, h + 0.3f, 0.6f * w}, plain(rgb));
}

void ss_clay_mound(maker *m, vec o, vec radii, vec rgb) {
    new_object(m, 0);
    blob(m, world, o, radii, plain(rgb));
}

void ss_clay_starfish(maker *m, vec o) {
    new_object(m, 0.02f);
    for (int i = 0; i < 5; i++) {
        float a = rad(72 * (float)i);
        vec tip = add(o, (vec){0.17f * ss_clay_sin(a), 0, 0.17f * ss_clay_cos(a)});
        cone(m, world, o, tip, 0.06f, 0.025f, plain_lch(0.70f, 0.16f, 40));
    }
}

void ss_clay_beach_ball(maker *m, vec o, float r) {
    new_object(m, 0);
    material stripes = {.rgb = oklch(0.94f, 0.02f, 90), .gloss = 0.5f, .texture = TEXTURE_STRIPES};
    ball(m, put(turn_z(turn_x(world, 35), 25), o), zero, r, stripes);
}

void ss_clay_hydrant(maker *m, vec o) {
    material red = plain_lch(0.58f, 0.19f, 28);
    new_object(m, 0.02f);
    disc(m, world, add(o, (vec){0, 0.24f, 0}), 0.12f, 0.24f, 0.03f, red);
    ball(m, world, add(o, (vec){0, 0.50f, 0}), 0.125f, red);
    cone(m, world, add(o, (vec){-0.19f, 0.34f, 0}), add(o, (vec){0.19f, 0.34f, 0}), 0.06f, 0.06f,
         plain_lch(0.80f, 0.12f, 85));
}

void ss_clay_lamp_post(maker *m, const env *e, vec o, float s) {
    material iron = plain_lch(0.34f, 0.02f, 250),
             glass = {.rgb = mix((vec){0.9f, 0.88f, 0.8f}, e->window, e->lit), .gloss = 0.5f, .glow = e->lit};
    new_object(m, 0.02f);
    cone(m, world, o, add(o, (vec){0, 2.3f * s, 0}), 0.055f * s, 0.045f * s, iron);
    disc(m, world, add(o, (vec){0, 0.08f * s, 0}), 0.12f * s, 0.08f * s, 0.03f, iron);
    ball(m, world, add(o, (vec){0, 2.48f * s, 0}), 0.19f * s, glass);
    disc(m, world, add(o, (vec){0, 2.68f * s, 0}), 0.12f * s, 0.04f, 0.03f, iron);
}

void ss_clay_car(maker *m, vec o, float s, vec rgb) {
    material body = glazed(rgb, 0.6f), dark = plain_lch(0.26f, 0.01f, 260),
             glass = glazed(oklch(0.80f, 0.05f, 230), 0.9f);
    new_object(m, 0.04f);
    box(m, world, add(o, (vec){0, 0.36f * s, 0}), (vec){0.85f * s, 0.21f * s, 0.36f * s}, 0.14f * s, body);
    box(m, world, add(o, (vec){-0.05f * s, 0.68f * s, 0}), (vec){0.48f * s, 0.24f * s, 0.32f * s}, 0.15f * s, body);
    m->k = 0;
    box(m, world, add(o, (vec){-0.05f * s, 0.68f * s, 0}), (vec){0.40f * s, 0.15f * s, 0.335f * s}, 0.07f * s, glass);
    for (int i = 0; i < 2; i++) {
        vec wheel = add(o, (vec){side(i) * 0.48f * s, 0.19f * s, 0.32f * s});
        disc(m, put(turn_x(world, 90), wheel), zero, 0.19f * s, 0.08f * s, 0.03f, dark);
        ball(m, world, add(o, (vec){side(i) * 0.48f * s, 0.19f * s, 0.38f * s}), 0.07f * s, glass);
    }
}

void ss_clay_bench(maker *m, vec o, float yaw) {
    material wood = plain_lch(0.56f, 0.09f, 55), iron = plain_lch(0.35f, 0.02f, 250);
    frame f = turn_y(world, yaw);
    f.o = o;
    new_object(m, 0);
    box(m, f, (vec){0, 0.42f, 0}, (vec){0.75f, 0.05f, 0.24f}, 0.03f, wood);
    box(m, turn_x(moved(f, (vec){0, 0.82f, -0.26f}), -10), zero, (vec){0.75f, 0.18f, 0.04f}, 0.03f, wood);
    for (int i = 0; i < 2; i++) {
        box(m, f, (vec){side(i) * 0.6f, 0.2f, 0}, (vec){0.05f, 0.2f, 0.20f}, 0.03f, iron);
        box(m, turn_x(moved(f, (vec){side(i) * 0.6f, 0.65f, -0.24f}), -10), zero, (vec){0.04f, 0.28f, 0.03f}, 0.02f,
            iron);
    }
}

void ss_clay_parasol(maker *m, vec o, float s, vec a, vec b) {
    frame f = turn_z(world, 10);
    f.o = o;
    new_object(m, 0);
    cone(m, f, zero, (vec){0, 1.75f * s, 0}, 0.035f * s, 0.03f * s, plain_lch(0.92f, 0.02f, 85));
    for (int i = 0; i < 8; i++) { /* eight gores, two colours */
        frame g = turn_x(turn_y(moved(f, (vec){0, 1.78f * s, 0}), 45 * (float)i), 112);
        leaf(m, g, zero, (vec){0, 0.62f * s, 0}, 0.08f * s, 0.28f * s, 0.28f, plain(i & 1 ? a : b));
    }
}

void ss_clay_mug(maker *m, vec o, float s, vec rgb) {
    material c = glazed(rgb, 0.7f);
    new_object(m, 0.03f);
    disc(m, world, add(o, (vec){0, 0.34f * s, 0}), 0.28f * s, 0.34f * s, 0.06f * s, c);
    frame f = turn_x(world, 90);
    f.o = add(o, (vec){0.30f * s, 0.34f * s, 0.05f});
    ring(m, f, zero, 0.17f * s, 0.05f * s, c);
    m->k = 0;
    disc(m, world, add(o, (vec){0, 0.672f * s, 0}), 0.235f * s, 0.02f * s, 0.01f * s, plain_lch(0.35f, 0.05f, 50));
}

void ss_clay_fruit(maker *m, vec o, float r, vec rgb) {
    material c = glazed(rgb, 0.6f);
    new_object(m, 0.02f);
    ball(m, world, add(o, (vec){0, 0.96f * r, 0}), r, c);
    cone(m, world, add(o, (vec){0, 1.85f * r, 0}), add(o, (vec){0.05f, 2.2f * r, 0}), 0.03f, 0.025f,
         plain_lch(0.4f, 0.06f, 55));
    leaf(m, world, add(o, (vec){0.04f, 2.0f * r, 0}), add(o, (vec){0.20f, 2.2f * r, 0}), 0.05f, 0.02f, 0.5f,
         plain_lch(0.62f, 0.15f, 140));
}

void ss_clay_carton(maker *m, vec o, float s, vec rgb) {
    frame f = turn_y(world, 24);
    f.o = o;
    new_object(m, 0.0f);
    box(m, f, (vec){0, 0.45f * s, 0}, (vec){0.25f * s, 0.45f * s, 0.25f * s}, 0.03f * s, plain_lch(0.95f, 0.012f, 90));
    box(m, f, (vec){0, 0.42f * s, 0}, (vec){0.258f * s, 0.22f * s, 0.258f * s}, 0.03f * s, plain(rgb));
    for (int i = 0; i < 2; i++) {
        frame g = turn_x(moved(f, (vec){0, 1.02f * s, side(i) * 0.12f * s}), side(i) * -42 + 90);
        box(m, g, zero, (vec){0.245f * s, 0.02f * s, 0.19f * s}, 0.02f * s, plain_lch(0.95f, 0.012f, 90));
    }
    box(m, f, (vec){0, 1.20f * s, 0}, (vec){0.24f * s, 0.06f * s, 0.025f * s}, 0.02f * s, plain(rgb));
}
