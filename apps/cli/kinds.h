/* The kinds of values that options take. */
#ifndef CLI_KINDS_H
#define CLI_KINDS_H

#include "options.h"

extern const option_kind switch_kind;  /* bool */
extern const option_kind integer_kind; /* int, least..most */
extern const option_kind number_kind;  /* double, least..most */
extern const option_kind seed_kind;    /* int64_t, 0 or more */
extern const option_kind size_kind;    /* int[2]: "512" or "512x768", each least..most */
extern const option_kind list_kind;    /* numbers: "4,6,10-20", each least..most */
extern const option_kind choice_kind;  /* int: the index of one of the row's words */
extern const option_kind sampler_kind; /* a text; the library knows the names, and others for them */
extern const option_kind text_kind;    /* a text as it stands */
extern const option_kind file_kind;    /* a path */
extern const option_kind files_kind;   /* the same, any number of times: texts */
extern const option_kind prompt_kind;  /* a text, @FILE or - : prompts_read looks */
extern const option_kind prompts_kind; /* the same, any number of times: texts */

#endif
