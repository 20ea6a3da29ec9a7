/* The published runs: one concept 250 steps on two devices with two photos each (500 on one), faces 750 steps at half
 * the rate without augmentation and with all of cross-attention, styles 300 steps of 4 rows on two devices with
 * captions of their own. Here for one device, photos and class pictures in pairs.
 */
#include "train/preset.h"

#include "io/buffer.h"

#include <stdlib.h>
#include <string.h>

const ss_preset ss_presets[] = {
    {"object", "a thing: a chair, a toy, a bag", "photo of a {}", "crossattn_kv", 500, 2, 1e-5, 0.5, false, 200,
     "Custom Diffusion, single concept: 500 steps on one device, batch 2, 1e-5 scaled"},
    {"pet", "a dog, a cat, any animal", "photo of a {}", "crossattn_kv", 500, 2, 1e-5, 0.5, false, 200,
     "Custom Diffusion, single concept: 500 steps on one device, batch 2, 1e-5 scaled"},
    {"face", "a person", "photo of a {}", "crossattn", 750, 2, 5e-6, 0, true, 200,
     "Custom Diffusion, faces: 750 steps, 5e-6 scaled, no augmentation, all of cross-attention"},
    {"style", "a way of painting or drawing", "painting in the style of {}", "crossattn_kv", 600, 2, 1e-5, 0.5, false,
     200, "Custom Diffusion (CompVis), style: 300 steps on two devices, captions in the style of it"},
    {"place", "a room, a house, a landscape", "photo of a {}", "crossattn_kv", 500, 2, 1e-5, 0, false, 200,
     "Custom Diffusion, single concept; not mirrored, as a place is not"},
    {0},
};

enum { COUNT = SS_COUNT_OF(ss_presets) - 1 };

const ss_preset *ss_preset_find(ss_ctx *cx, const char *name) {
    const char *names[COUNT];
    for (int i = 0; i < COUNT; i++) {
        names[i] = ss_presets[i].name;
        if (!name || !strcmp(name, names[i])) return &ss_presets[i];
    }
    const char *near = ss_nearest(name, names, COUNT);
    if (near)
        ss_fail(cx, SS_ERR_ARG, "no preset is called \"%s\"; did you mean \"%s\"?", name, near);
    else
        ss_fail(cx, SS_ERR_ARG, "no preset is called \"%s\"; there are object, pet, face, style and place", name);
    return NULL;
}

double ss_preset_rate(double base, int batch, int accumulation, bool regularised) {
    return base * batch * accumulation * (regularised ? 2 : 1);
}

/* Takes the line. */
static void put_line(ss_buffer *b, ss_ctx *cx, char *line) {
    if (line)
        ss_put_text(b, cx, line);
    else
        b->status = SS_ERR_NOMEM;
    free(line);
}

ss_status ss_preset_table(char **text, ss_ctx *cx) {
    ss_buffer b = {0};
    ss_put_text(&b, cx, "kind    trains        steps  batch  base rate  flip  scale and place  captions\n");
    for (const ss_preset *p = ss_presets; p->name && !b.status; p++)
        put_line(&b, cx,
                 ss_format(cx, "%-7s %-13s %5d  %5d  %9g  %4g  %-15s  %s\n", p->name, p->trained, p->steps, p->batch,
                           p->rate, p->flip, p->still ? "as it is" : "random", p->template));
    for (const ss_preset *p = ss_presets; p->name && !b.status; p++)
        put_line(&b, cx, ss_format(cx, "%-7s %s\n", p->name, p->source));
    ss_status st = ss_buffer_take((void **)text, NULL, &b, cx);
    ss_buffer_free(&b);
    return st;
}
