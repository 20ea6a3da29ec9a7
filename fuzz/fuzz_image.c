/* What a picture says about itself: the bytes of a PNG, JPEG or WebP, or a `parameters` text by itself. What was read
 * is built, embedded and read again.
 */
#include "io/image_codec.h"
#include "io/image_meta.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void take_apart(ss_ctx *cx, const char *text) {
    ss_infotext t = {0}, again = {0};
    char *built = NULL;
    if (ss_infotext_parse(&t, cx, text) || ss_infotext_build(&built, cx, &t) || ss_infotext_parse(&again, cx, built))
        abort(); /* there is no text that is none, and no lack of memory */
    ss_infotext_free(&t);
    ss_infotext_free(&again);
    free(built);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    ss_ctx cx = {.fail_allocation = -1};
    if (ss_picture_kind(data, size) == SS_NO_PICTURE) {
        char *text = malloc(size + 1);
        if (!text) return 0;
        memcpy(text, data, size);
        text[size] = 0;
        take_apart(&cx, text);
        free(text);
        return 0;
    }
    ss_image_meta meta = {0}, again = {0};
    void *embedded = NULL;
    size_t n;
    if (ss_image_meta_read_bytes(&meta, &cx, data, size, "fuzz")) abort();
    if (meta.parameters) take_apart(&cx, meta.parameters);
    if (!ss_meta_embed(&embedded, &n, &cx, data, size, &meta))
        ss_image_meta_read_bytes(&again, &cx, embedded, n, "again");
    free(embedded);
    ss_image_meta_free(&meta);
    ss_image_meta_free(&again);
    return 0;
}
