/* A tokenizer's files and a prompt, zeros between: vocab.json, merges.txt, tokenizer_config.json,
 * special_tokens_map.json, added_tokens.json, the prompt. */
#include "io/tokenizer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ss_bytes part[6] = {{0}};
    for (int i = 0; i < SS_COUNT_OF(part); i++) {
        const uint8_t *zero = size ? memchr(data, 0, size) : NULL;
        size_t n = zero && i + 1 < SS_COUNT_OF(part) ? (size_t)(zero - data) : size;
        part[i] = (ss_bytes){data, n};
        data += n + (n < size);
        size -= n + (n < size);
    }
    ss_ctx cx = {.fail_allocation = -1};
    ss_tokenizer *t = NULL;
    ss_tokenizer_files files = {"tokenizer", part[0], part[1], part[2], part[3], part[4]};
    if (ss_tokenizer_parse(&t, &cx, &files)) return 0;
    int32_t ids[SS_TOKENS];
    ss_tokens info;
    if (!ss_tokenize_bytes(t, &cx, part[5].at, part[5].size, ids, &info)) {
        for (int i = 0; i < SS_TOKENS; i++)
            if (ids[i] < 0 || ids[i] >= ss_tokenizer_count(t) || info.to[i] > part[5].size) abort();
    }
    ss_tokenizer_free(t);
    return 0;
}
