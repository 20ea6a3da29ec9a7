/* The bytes of a concepts file. */
#include "train/concepts.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ss_ctx cx = {.fail_allocation = -1};
    ss_concepts c = {0};
    if (ss_concepts_parse(&c, &cx, "fuzz.json", data, size, "/nonexistent")) {
        if (!cx.error[0] || c.at) abort();
        return 0;
    }
    if (c.count < 1 || c.count > SS_MOST_CONCEPTS) abort();
    for (int i = 0; i < c.count; i++)
        if (!*c.at[i].prompt || !*c.at[i].photos || (c.token[i] && !strstr(c.at[i].prompt, c.token[i]))) abort();
    ss_concepts_free(&c);
    return 0;
}
