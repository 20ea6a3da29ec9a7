/* Lumps and paint as they are made, and what the rays need of them. */
#include "clay/knead.h"

lump *ss_clay_lump(maker *m, lump_kind kind, frame f, vec size, material mat) {
    lump *p = m->n < MAX_LUMPS ? &m->lumps[m->n++] : &m->spare;
    *p = (lump){.kind = kind,
                .object = m->object,
                .subject = m->subject,
                .f = f,
                .size = size,
                .squash = {1, 1, 1},
                .k = m->k,
                .mat = mat};
    return p;
}

void ss_clay_paint_blob(maker *m, frame f, vec o, vec r, float soft, float strength, int on, vec rgb) {
    if (m->paint_count == MAX_PAINTS) return;
    f = moved(f, o);
    m->paints[m->paint_count++] = (paint){.c = f.o,
                                          .m = {mul(f.x, 1 / r.x), mul(f.y, 1 / r.y), mul(f.z, 1 / r.z)},
                                          .soft = soft,
                                          .strength = strength,
                                          .on = on,
                                          .rgb = rgb,
                                          .reach = most(r.x, most(r.y, r.z)) * (1 + soft)};
}

void ss_clay_paint_arc(maker *m, frame f, vec o, float radius, float width, float angle, int on, vec rgb) {
    if (m->paint_count == MAX_PAINTS) return;
    f = moved(f, o);
    m->paints[m->paint_count++] = (paint){.arc = true,
                                          .c = f.o,
                                          .m = {f.x, f.y, f.z},
                                          .radius = radius,
                                          .width = width,
                                          .sine = ss_clay_sin(rad(angle)),
                                          .cosine = ss_clay_cos(rad(angle)),
                                          .strength = 1,
                                          .on = on,
                                          .rgb = rgb,
                                          .reach = radius * 1.5f + 0.1f};
}

void ss_clay_extent(const lump *p, vec u, float *lo, float *hi) {
    vec l = {dot(p->f.x, u), dot(p->f.y, u), dot(p->f.z, u)}, s = p->squash;
    float e = 0;
    switch (p->kind) {
    case BALL:
        e = p->size.x;
        break;
    case BLOB:
        e = norm(tint(l, p->size));
        break;
    case CONE: {
        float end = sqrtf(l.x * l.x * s.x * s.x + l.y * l.y * s.y * s.y + l.z * l.z * s.z * s.z);
        float tip = l.y * p->size.z;
        *lo = least(-p->size.x * end, tip - p->size.y * end);
        *hi = most(p->size.x * end, tip + p->size.y * end);
        return;
    }
    case BOX:
        e = fabsf(l.x) * p->size.x + fabsf(l.y) * p->size.y + fabsf(l.z) * p->size.z;
        break;
    case DISC:
        e = p->size.x * sqrtf(l.x * l.x + l.z * l.z) + p->size.y * fabsf(l.y);
        break;
    case RING:
        e = p->size.x * sqrtf(l.x * l.x + l.z * l.z) + p->size.y;
        break;
    }
    *lo = -e, *hi = e;
}

void ss_clay_finish(lump *p) {
    p->c = p->mid = p->f.o;
    p->m[0] = mul(p->f.x, 1 / p->squash.x);
    p->m[1] = mul(p->f.y, 1 / p->squash.y);
    p->m[2] = mul(p->f.z, 1 / p->squash.z);
    p->scale = least(p->squash.x, least(p->squash.y, p->squash.z));
    float a = p->size.x, b = p->size.y;
    switch (p->kind) {
    case BALL:
        p->reach = a;
        break;
    case BLOB:
        p->reach = most(a, most(b, p->size.z));
        break;
    case CONE: {
        float h = p->size.z = most(p->size.z, 1e-3f);
        p->sine = clamp((a - b) / h, -0.98f, 0.98f);
        p->cosine = sqrtf(1 - p->sine * p->sine);
        float top = most(a, h + b), bottom = least(-a, h - b);
        p->mid = add(p->c, mul(p->f.y, (top + bottom) / 2));
        p->reach = most((top - bottom) / 2, most(a, b));
        break;
    }
    case BOX:
        p->reach = norm(p->size);
        break;
    case DISC:
        p->reach = sqrtf(a * a + b * b);
        break;
    case RING:
        p->reach = a + b;
        break;
    }
}
