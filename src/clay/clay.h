/* The clay world in numbers: what there is of each part, and what goes with what. Their words, in the same order, are
 * in words.c; scenes are public, see selfsame.h.
 */
#ifndef SS_CLAY_H
#define SS_CLAY_H

#include "base/base.h"
#include "clay/random.h"

enum { DOG, CAT, RABBIT, BEAR, ELEPHANT, PIG, PENGUIN, DINOSAUR, ROBOT, DOLL, DUCK, FROG, SPECIES };
enum { RED, ORANGE, YELLOW, GREEN, TEAL, BLUE, PURPLE, PINK, BROWN, BLACK, GRAY, WHITE, COLORS };
enum { PLAIN, STRIPED, SPOTTED, PATCHED, MARKINGS };
enum { BARE, HAT, SCARF, GLASSES, BOW_TIE, BACKPACK, ACCESSORIES };
enum { STANDING, SITTING, WALKING, RUNNING, JUMPING, LYING, WAVING, ARMS_UP, POINTING, ACTIONS };
enum { FRONT, THREE_QUARTER_LEFT, THREE_QUARTER_RIGHT, SIDE_LEFT, SIDE_RIGHT, VIEWS };
enum {
    MEADOW,
    BEACH,
    SNOW,
    DESERT,
    FOREST,
    CITY,
    NIGHT_SKY,
    KITCHEN,
    BLUE_STUDIO,
    PINK_STUDIO,
    YELLOW_STUDIO,
    AUTUMN,
    PLACES
};
enum { DAY, SUNSET, NIGHT, TIMES };

/* What no caption says: every gene is in [0, 1] and shifts one trait of the individual. */
enum {
    GENE_HUE,
    GENE_CHROMA,
    GENE_LIGHT, /* the main colour within its name */
    GENE_SECOND,
    GENE_SECOND_HUE,
    GENE_SECOND_LIGHT, /* belly, muzzle, inner ears */
    GENE_THIRD,
    GENE_THIRD_LIGHT, /* markings, socks, ear tips, hair */
    GENE_PHASE_X,
    GENE_PHASE_Y,
    GENE_PHASE_Z, /* where the markings fall */
    GENE_SCALE,
    GENE_WARP, /* how large and how wobbly they are */
    GENE_HEAD,
    GENE_EARS,
    GENE_LEGS,
    GENE_ROUND,
    GENE_LENGTH,
    GENE_TAIL,
    GENE_MUZZLE,
    GENE_EYES,
    GENE_EYE_GAP,
    GENE_EAR_TILT,
    GENE_BELLY,
    GENE_SOCKS,
    GENE_EAR_TIPS,
    GENE_BLAZE,
    GENE_BLUSH,
    GENE_STYLE,
    GENE_STYLE2,
    GENE_SKIN,
    GENE_GEAR,
};
_Static_assert(GENE_GEAR + 1 == SS_CLAY_GENES, "every gene is in the identity");

static inline bool goes_on_four(int species) {
    return species == DOG || species == CAT || species == RABBIT || species == ELEPHANT || species == PIG;
}

/* Gestures take hands, and pointing takes fingers. */
static inline bool can(int species, int action) {
    if (action < WAVING || species == DOLL || species == ROBOT || species == BEAR) return true;
    return (species == PENGUIN || species == FROG) && action != POINTING;
}

/* Studios know no hour, and the night sky only one. */
static inline bool has_hours(int place) { return place != NIGHT_SKY && (place < BLUE_STUDIO || place > YELLOW_STUDIO); }

#endif
