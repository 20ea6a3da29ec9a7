/* Any bytes as a caption of the clay world: parts in their ranges, or a sentence. */
#include "clay/clay.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n) {
    ss_ctx cx = {.fail_allocation = -1};
    int part[SS_CLAY_PARTS];
    char *text = malloc(n + 1);
    if (!text) return 0;
    memcpy(text, bytes, n);
    text[n] = 0;
    if (ss_clay_caption_read(part, &cx, text)) {
        if (cx.status != SS_ERR_ARG || !cx.error[0]) abort();
    } else {
        for (int k = 0; k < SS_CLAY_PARTS; k++) {
            int words = 0;
            while (ss_clay_words((ss_clay_part)k)[words]) words++;
            if (part[k] < -1 || part[k] >= words) abort();
        }
        if (part[SS_CLAY_SPECIES] < 0) abort();
    }
    free(text);
    return 0;
}
