/* What the verbs do, one file each: DONE, FAILED, BAD_USAGE or STOPPED. */
#ifndef CLI_VERBS_H
#define CLI_VERBS_H

#include "settings.h"

int generate(settings *s);
int edit(settings *s);
int inspect(settings *s);
int repeat(settings *s);
int bench(settings *s);
int clay(settings *s);
int train(settings *s);
int merge(settings *s);
int compress(settings *s);
int convert(settings *s);
int story(settings *s);
int story_check(const settings *s); /* whether it has prompts enough: DONE or BAD_USAGE */
int score(settings *s);

#endif
