/* story: one subject, many prompts. One picture is drawn first, or a photo taken, and all others read it. */
#include "options.h"
#include "say.h"
#include "verbs.h"

#include <stdlib.h>
#include <string.h>

int story_check(const settings *s) {
    if (s->photo || s->prompts.count >= 2) return DONE;
    if (s->prompts.count) return usage("a story takes two prompts or more, and there is one: \"%s\"", s->prompts.at[0]);
    return usage("a story takes two prompts or more, and there are none");
}

/* The anchor's prompt becomes the source, the others stay. */
static int take_anchor(settings *s) {
    if (s->anchor > s->prompts.count) return usage("--anchor %d: there are %d prompts", s->anchor, s->prompts.count);
    if (given(s, "source")) return usage("--source says what --photo shows, which is not there");
    int i = s->anchor - 1;
    s->source = s->prompts.at[i];
    s->prompts.count--;
    memmove(&s->prompts.at[i], &s->prompts.at[i + 1], (size_t)(s->prompts.count - i) * sizeof *s->prompts.at);
    s->draw_source = true;
    return DONE;
}

int story(settings *s) {
    if (s->photo && given(s, "anchor"))
        return usage("--anchor and --photo contradict each other: the photo is what the pictures read");
    if (!s->photo && given(s, "inversion"))
        return usage("--inversion makes sense only with --photo, which is not there");
    int rc = story_check(s);
    if (!rc && !s->photo) rc = take_anchor(s);
    if (rc) return rc;
    s->operand = s->photo;
    s->story = true;
    s->verb = verb_of(EDIT); /* what each picture's recipe says */
    return edit(s);
}
