/* All words, in the order of the numbers in clay.h. */
#include "clay/words.h"

static const char *const parts[SS_CLAY_PARTS] = {
    "species", "color", "marking", "accessory", "accessory color", "action", "view", "place", "time",
};

static const char *const species[] = {"dog",      "cat",   "rabbit", "bear", "elephant", "pig", "penguin",
                                      "dinosaur", "robot", "doll",   "duck", "frog",     NULL};
static const char *const colors[] = {"red",  "orange", "yellow", "green", "teal",  "blue", "purple",
                                     "pink", "brown",  "black",  "gray",  "white", NULL};
static const char *const markings[] = {"plain", "striped", "spotted", "patched", NULL};
static const char *const accessories[] = {"none", "hat", "scarf", "glasses", "bow tie", "backpack", NULL};
static const char *const actions[] = {"standing", "sitting", "walking", "running",  "jumping",
                                      "lying",    "waving",  "arms up", "pointing", NULL};
static const char *const views[] = {"front",     "three-quarter left", "three-quarter right",
                                    "side left", "side right",         NULL};
static const char *const places[] = {"meadow",        "beach",       "snow",    "desert",      "forest",
                                     "city",          "night sky",   "kitchen", "blue studio", "pink studio",
                                     "yellow studio", "autumn park", NULL};
static const char *const times[] = {"day", "sunset", "night", NULL};

static const char *const *const words[SS_CLAY_PARTS] = {
    species, colors, markings, accessories, colors, actions, views, places, times,
};

const char *ss_clay_part_name(ss_clay_part part) { return parts[part]; }
const char *const *ss_clay_words(ss_clay_part part) { return words[part]; }

/* Captions draw among these, so what stands twice is said twice as often. */
phrases ss_clay_action_phrases[ACTIONS] = {
    [STANDING] = {"standing", "standing", "standing still"},
    [SITTING] = {"sitting", "sitting", "sitting down"},
    [WALKING] = {"walking", "walking", "taking a walk"},
    [RUNNING] = {"running", "running", "running fast"},
    [JUMPING] = {"jumping", "jumping", "jumping in the air"},
    [LYING] = {"lying", "lying down", "lying down"},
    [WAVING] = {"waving", "waving", "waving hello"},
    [ARMS_UP] = {"with arms up", "raising both arms", "with both arms up"},
    [POINTING] = {"pointing", "pointing to the side"},
};

phrases ss_clay_place_phrases[PLACES] = {
    [MEADOW] = {"in a meadow", "in a meadow", "on the grass", "on a green meadow"},
    [BEACH] = {"on a beach", "on the beach", "by the sea"},
    [SNOW] = {"in the snow", "in the snow", "on a snowy field"},
    [DESERT] = {"in a desert", "in the desert", "on the sand of a desert"},
    [FOREST] = {"in a forest", "in the forest", "in the woods"},
    [CITY] = {"on a city street", "in the city", "on a street"},
    [NIGHT_SKY] = {"under a starry sky", "under the night sky", "under the moon and stars"},
    [KITCHEN] = {"on a kitchen table", "in a kitchen", "in the kitchen"},
    [BLUE_STUDIO] = {"in a blue studio", "on a blue background"},
    [PINK_STUDIO] = {"in a pink studio", "on a pink background"},
    [YELLOW_STUDIO] = {"in a yellow studio", "on a yellow background"},
    [AUTUMN] = {"in an autumn park", "in a park in autumn"},
};

phrases ss_clay_time_phrases[TIMES] = {
    [DAY] = {"by day", "during the day"},
    [SUNSET] = {"at sunset", "at sunset", "in the evening light"},
    [NIGHT] = {"at night", "at night", "by night"},
};

/* Captions do not tell left from right. */
phrases ss_clay_view_phrases[VIEWS] = {
    [FRONT] = {"front view", "seen from the front"},    [THREE_QUARTER_LEFT] = {"three-quarter view"},
    [THREE_QUARTER_RIGHT] = {"three-quarter view"},     [SIDE_LEFT] = {"side view", "seen from the side"},
    [SIDE_RIGHT] = {"side view", "seen from the side"},
};

const char *const ss_clay_openings[8] = {
    "", "", "", "a photo of ", "a photo of ", "a picture of ", "a clay figure of ",
};
