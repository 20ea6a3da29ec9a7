/* custom-diffusion/: what is in the folder, each part by its own function. */
#include "runner/runner.h"

void run_custom_diffusion(runner *r, const char *folder) {
    static const struct {
        const char *part;
        void (*run)(runner *r, const char *folder);
    } parts[] = {{"train", run_train},
                 {"augment", run_augment},
                 {"merge", run_merge},
                 {"compress", run_compress},
                 {"sampling", run_sampling}};

    for (int i = 0; i < SS_COUNT_OF(parts); i++)
        if (is_there(under(r, "%s/%s", folder, parts[i].part))) parts[i].run(r, folder);
}
