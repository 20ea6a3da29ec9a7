/* What is known about a scene, as JSON. */
#ifndef SS_CLAY_TRUTH_H
#define SS_CLAY_TRUTH_H

#include "clay/clay.h"

#include <jansson.h>

/* NULL without memory. The caller gives it back with json_decref. */
json_t *ss_clay_truth_of(const ss_clay_scene *s, const ss_clay_keypoint *k);

/* On one line; numbers to the last bit of a float. NULL without memory, else freed with free(). */
char *ss_clay_json_line(const json_t *json);

#endif
