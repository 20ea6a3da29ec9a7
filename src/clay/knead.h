/* Clay: lumps of a signed distance field, and the maker that figures and props are kneaded with.
 *
 * Lumps of one object melt into those made before them; objects only touch. Places, sizes and squash are given when a
 * lump is made; ss_clay_finish works out what the rays need once it is where it belongs.
 */
#ifndef SS_CLAY_KNEAD_H
#define SS_CLAY_KNEAD_H

#include "clay/clay.h"
#include "clay/color.h"

typedef enum lump_kind { BALL, BLOB, CONE, BOX, DISC, RING } lump_kind;

enum { ON_SKIN = 1, ON_FACE = 2, ON_CLOTH = 4, ON_MOON = 8 }; /* what paint may land on */
enum { TEXTURE_NONE, TEXTURE_WINDOWS, TEXTURE_STRIPES, TEXTURE_EYE };

typedef struct material {
    vec rgb;
    float gloss;   /* 0 clay, 1 glazed */
    float glow;    /* share of rgb that shines by itself */
    float marking; /* how much of the individual's marking shows here */
    int texture, part;
} material;

typedef struct lump {
    lump_kind kind;
    int object;
    bool subject;
    frame f; /* as made: orthonormal */
    vec size, squash;
    float round; /* of a box's edges */
    float k;     /* how far it melts into the lumps of its object made before it */
    material mat;
    vec rest[3], rest0; /* p -> rest . p + rest0 is the resting body's point; of props, their own frame's */

    /* ss_clay_finish: local coordinates are m . (p - c), with the squash in m; scale restores distances shrunk by it.
     */
    vec c, m[3];
    float cosine, sine; /* a cone: slope of its flank */
    float scale;
    vec mid;
    float reach; /* radius of the ball around mid that holds it */
} lump;

/* Colour laid on the surface inside an ellipsoid or along an arc. */
typedef struct paint {
    bool arc;
    vec c, m[3];         /* local, as in lump; for an ellipsoid divided by its radii */
    float radius, width; /* arc: of the circle around c; half width of the line */
    float sine, cosine;  /* arc: of half its angle, from straight down */
    float soft, strength, reach;
    int on;
    vec rgb;
} paint;

enum { MAX_LUMPS = 224, MAX_PAINTS = 40 }; /* lumps: a multiple of every width of vectors, and numbered by bytes */

typedef struct maker {
    lump lumps[MAX_LUMPS], spare; /* a scene too rich loses its last lumps */
    paint paints[MAX_PAINTS];
    int n, paint_count, object;
    bool subject;
    float k;
} maker;

static inline void new_object(maker *m, float k) { m->object++, m->k = k; }

lump *ss_clay_lump(maker *m, lump_kind kind, frame f, vec size, material mat);

static inline lump *ball(maker *m, frame f, vec o, float r, material mat) {
    return ss_clay_lump(m, BALL, moved(f, o), (vec){r, r, r}, mat);
}
static inline lump *blob(maker *m, frame f, vec o, vec radii, material mat) {
    return ss_clay_lump(m, BLOB, moved(f, o), radii, mat);
}
/* A ball rolled from a to b, changing its radius from ra to rb on the way. */
static inline lump *cone(maker *m, frame f, vec a, vec b, float ra, float rb, material mat) {
    vec pa = at(&f, a), pb = at(&f, b);
    return ss_clay_lump(m, CONE, aimed(pa, pb, f.x), (vec){ra, rb, norm(sub(pb, pa))}, mat);
}
/* A cone flattened along the frame's z. */
static inline lump *leaf(maker *m, frame f, vec a, vec b, float ra, float rb, float flat, material mat) {
    lump *p = cone(m, f, a, b, ra, rb, mat);
    p->squash.z = flat;
    return p;
}
static inline lump *box(maker *m, frame f, vec o, vec half, float round, material mat) {
    lump *p = ss_clay_lump(m, BOX, moved(f, o), half, mat);
    p->round = round;
    return p;
}
/* Lies in the x-z plane, h its half height. */
static inline lump *disc(maker *m, frame f, vec o, float r, float h, float round, material mat) {
    return ss_clay_lump(m, DISC, moved(f, o), (vec){r, h, round}, mat);
}
static inline lump *ring(maker *m, frame f, vec o, float r, float thick, material mat) {
    return ss_clay_lump(m, RING, moved(f, o), (vec){r, thick, 0}, mat);
}

void ss_clay_paint_blob(maker *m, frame f, vec o, vec radii, float soft, float strength, int on, vec rgb);
/* Part of a circle in the x-y plane, up to `angle` degrees to either side from straight down. */
void ss_clay_paint_arc(maker *m, frame f, vec o, float radius, float width, float angle, int on, vec rgb);

/* How far a lump sticks out from its frame's origin along the unit direction u: least and most. */
void ss_clay_extent(const lump *p, vec u, float *lo, float *hi);

void ss_clay_finish(lump *p);

#endif
