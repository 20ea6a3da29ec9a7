/* The words of the clay world: what captions are made of and read by. */
#ifndef SS_CLAY_WORDS_H
#define SS_CLAY_WORDS_H

#include "clay/clay.h"

enum { MOST_PHRASES = 5 };

/* Ways to say it, NULL behind the last; the first is the plainest. */
typedef const char *const phrases[MOST_PHRASES];

extern phrases ss_clay_action_phrases[ACTIONS], ss_clay_place_phrases[PLACES], ss_clay_time_phrases[TIMES];
extern phrases ss_clay_view_phrases[VIEWS];
extern const char *const ss_clay_openings[8]; /* "a photo of " and the like, NULL behind the last */

static inline int phrases_in(const char *const *of) {
    int n = 0;
    while (of[n]) n++;
    return n;
}

/* "a" or "an" */
static inline const char *article(const char *word) {
    for (const char *vowel = "aeiou"; *vowel; vowel++)
        if (*word == *vowel) return "an";
    return "a";
}

enum { CAPTION_BYTES = 512 }; /* more than any caption has */

/* Goes on in r, so that the next caption is another one. */
void ss_clay_caption_draw(char text[CAPTION_BYTES], const ss_clay_scene *s, rng *r);

/* All that the small world's captions can say about a scene, in its most frequent words: colour, species, action and
 * place. */
void ss_clay_caption_plain(char text[CAPTION_BYTES], const ss_clay_scene *s);

#endif
