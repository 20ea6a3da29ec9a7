/* Step ranges and layer sets. */
#include "control/range.h"

#include <stdlib.h>
#include <string.h>

int ss_layer_level(int layer) {
    static const int level[SS_LAYERS] = {0, 0, 1, 1, 2, 2, 3, 2, 2, 2, 1, 1, 1, 0, 0, 0};
    return level[layer];
}

ss_status ss_steps_select(bool *active, ss_ctx *cx, const ss_control_range *r, int total) {
    memset(active, 0, (size_t)total * sizeof *active);
    for (int i = 0; i < r->step_count; i++) {
        if (r->steps[i] < 0) return ss_fail(cx, SS_ERR_ARG, "step %d: steps count from 0", r->steps[i]);
        if (r->steps[i] < total) active[r->steps[i]] = true; /* the study's lists name a step 50 of 50 */
    }
    if (r->step_count) return SS_OK;
    int first = r->from_given ? r->from : 4, last = r->to ? r->to : total - 1, every = r->every ? r->every : 1;
    if (first < 0 || every < 0 || r->last_digit < 0 || r->last_digit > 9)
        return ss_fail(cx, SS_ERR_ARG,
                       "steps from %d, every %d, last digit %d: the first two have to be positive and the last "
                       "one 0 to 9",
                       first, every, r->last_digit);
    if (last < first && r->to)
        return ss_fail(cx, SS_ERR_ARG, "steps %d to %d: the last one comes before the first", first, last);
    for (int i = first; i <= last && i < total; i++) active[i] = (i - first) % every == 0 && i % 10 >= r->last_digit;
    return SS_OK;
}

/* One part of a layer list; n bytes at s. */
static ss_status select_part(bool active[SS_LAYERS], ss_ctx *cx, const char *s, size_t n, int64_t h, int64_t w) {
    static const struct {
        const char *name;
        int first, last;
    } sets[] = {{"encoder", 0, 5}, {"mid", 6, 6},       {"decoder", 7, 15},
                {"Encoder", 0, 7}, {"Decoder", 10, 15}, {"all", 0, 15}};
    static const char *const names[] = {"encoder", "mid", "decoder", "Encoder", "Decoder", "all"};
    char word[32], *end;
    if (!n || n >= sizeof word)
        return ss_fail(cx, SS_ERR_ARG, "layers \"%.*s\" are neither numbers nor a name", (int)(n < 60 ? n : 60), s);
    memcpy(word, s, n);
    word[n] = 0;
    for (int i = 0; i < SS_COUNT_OF(sets); i++)
        if (!strcmp(word, sets[i].name)) {
            for (int l = sets[i].first; l <= sets[i].last; l++) active[l] = true;
            return SS_OK;
        }
    if (word[0] < '0' || word[0] > '9') {
        const char *near = ss_nearest(word, names, SS_COUNT_OF(names));
        return ss_fail(cx, SS_ERR_ARG,
                       "layers \"%s\" are not known%s%s%s: give numbers 0-15, ranges, encoder, mid, decoder, all, "
                       "the study's Encoder and Decoder, or a resolution such as 32x32",
                       word, near ? "; did you mean \"" : "", near ? near : "", near ? "\"" : "");
    }
    long first = strtol(word, &end, 10), last = first;
    if (*end == 'x') {
        long wide = strtol(end + 1, &end, 10);
        bool any = false;
        for (int l = 0; l < SS_LAYERS && !*end; l++) {
            int64_t lh = h, lw = w;
            for (int i = 0; i < ss_layer_level(l); i++) lh = (lh + 1) / 2, lw = (lw + 1) / 2;
            if (lh == first && lw == wide) active[l] = any = true;
        }
        return any ? SS_OK
                   : ss_fail(cx, SS_ERR_ARG, "no layer works at %s: the latent is %lldx%lld, halved up to three times",
                             word, (long long)h, (long long)w);
    }
    if (!strcmp(end, "-"))
        last = SS_LAYERS - 1, end++;
    else if (*end == '-')
        last = strtol(end + 1, &end, 10);
    if (*end || first > last || last >= SS_LAYERS)
        return ss_fail(cx, SS_ERR_ARG, "layers \"%s\": they are numbered 0 to %d, written as 7, 7-12 or 10-", word,
                       SS_LAYERS - 1);
    for (long l = first; l <= last; l++) active[l] = true;
    return SS_OK;
}

ss_status ss_layers_select(bool active[SS_LAYERS], ss_ctx *cx, const char *layers, int64_t h, int64_t w) {
    memset(active, 0, SS_LAYERS * sizeof *active);
    const char *s = layers ? layers : "10-";
    for (;;) {
        size_t n = strcspn(s, ",");
        ss_status st = select_part(active, cx, s, n, h, w);
        if (st || !s[n]) return st;
        s += n + 1;
    }
}
