/* Captions back to the parts that they name. */
#include "clay/words.h"

#include <ctype.h>
#include <string.h>

/* True if the text goes on with the phrase and a word ends there. */
static bool begins(const char *at, const char *phrase) {
    size_t n = strlen(phrase);
    return !strncmp(at, phrase, n) && !isalpha((unsigned char)at[n]) && at[n] != '-';
}

/* Takes one of the part's words; longer ones win over their own beginnings. */
static bool take_word(int part[SS_CLAY_PARTS], ss_clay_part which, const char **at) {
    const char *const *words = ss_clay_words(which);
    size_t longest = 0;
    for (int i = 0; words[i]; i++)
        if (begins(*at, words[i]) && strlen(words[i]) > longest) part[which] = i, longest = strlen(words[i]);
    *at += longest;
    return longest > 0;
}

static void skip_spaces(const char **at) {
    while (**at == ' ' || **at == ',') ++*at;
}

static bool take_article(const char **at) {
    if (!begins(*at, "a") && !begins(*at, "an")) return false;
    *at += begins(*at, "an") ? 2 : 1;
    skip_spaces(at);
    return true;
}

/* "a photo of a striped red dog" */
static bool take_who(int part[SS_CLAY_PARTS], const char **at) {
    for (int i = 0; ss_clay_openings[i]; i++) {
        size_t n = strlen(ss_clay_openings[i]);
        if (n && !strncmp(*at, ss_clay_openings[i], n)) {
            *at += n;
            break;
        }
    }
    take_article(at);
    while (take_word(part, SS_CLAY_COLOR, at) || take_word(part, SS_CLAY_MARKING, at)) skip_spaces(at);
    return take_word(part, SS_CLAY_SPECIES, at);
}

/* "wearing a blue hat", or nothing: "with arms up" is an action. */
static void take_gear(int part[SS_CLAY_PARTS], const char **at) {
    const char *in = *at;
    int gear[SS_CLAY_PARTS] = {[SS_CLAY_ACCESSORY] = -1, [SS_CLAY_ACCESSORY_COLOR] = -1};
    if (!begins(in, "with") && !begins(in, "wearing")) return;
    in += strcspn(in, " ");
    skip_spaces(&in);
    take_article(&in);
    if (take_word(gear, SS_CLAY_ACCESSORY_COLOR, &in)) skip_spaces(&in);
    if (!take_word(gear, SS_CLAY_ACCESSORY, &in)) return;
    part[SS_CLAY_ACCESSORY] = gear[SS_CLAY_ACCESSORY], part[SS_CLAY_ACCESSORY_COLOR] = gear[SS_CLAY_ACCESSORY_COLOR];
    *at = in;
}

/* The longest of all phrases that goes on here. */
static bool take_phrase(int part[SS_CLAY_PARTS], const char **at) {
    static const struct {
        ss_clay_part part;
        const phrases *of;
        int n;
    } tables[] = {
        {SS_CLAY_ACTION, ss_clay_action_phrases, ACTIONS},
        {SS_CLAY_PLACE, ss_clay_place_phrases, PLACES},
        {SS_CLAY_TIME, ss_clay_time_phrases, TIMES},
        {SS_CLAY_VIEW, ss_clay_view_phrases, VIEWS},
    };
    size_t longest = 0;
    int found = 0;
    ss_clay_part which = SS_CLAY_PARTS;
    for (int t = 0; t < SS_COUNT_OF(tables); t++)
        for (int i = 0; i < tables[t].n; i++)
            for (int j = 0; tables[t].of[i][j]; j++) {
                const char *phrase = tables[t].of[i][j];
                if (!begins(*at, phrase) || strlen(phrase) <= longest) continue;
                longest = strlen(phrase), found = i, which = tables[t].part;
            }
    if (!longest || part[which] >= 0) return false; /* nothing, or a second one of its kind */
    part[which] = found;
    *at += longest;
    return true;
}

ss_status ss_clay_caption_read(int out[SS_CLAY_PARTS], ss_ctx *cx, const char *caption) {
    int part[SS_CLAY_PARTS];
    for (int k = 0; k < SS_CLAY_PARTS; k++) part[k] = -1;
    const char *at = caption;
    bool well = take_who(part, &at);
    skip_spaces(&at);
    if (well) take_gear(part, &at);
    skip_spaces(&at);
    while (well && *at) {
        well = take_phrase(part, &at);
        skip_spaces(&at);
    }
    if (!well) return ss_fail(cx, SS_ERR_ARG, "\"%s\" is no caption of the clay world from \"%s\" on", caption, at);
    memcpy(out, part, sizeof part);
    return SS_OK;
}
