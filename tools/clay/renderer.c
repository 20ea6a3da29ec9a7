/* What `selfsame clay dataset` does, as a program that needs no library where it runs: for rented machines.
 *
 *     renderer FOLDER small|full SIZE SEED FIRST COUNT CAPTIONS HELD SHARD EACH
 *
 * HELD: 0 draws nothing that is held out, 1 only that, 2 both. renderer.sh builds it. */
#include "base/base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    if (argc != 11)
        return fputs("renderer FOLDER small|full SIZE SEED FIRST COUNT CAPTIONS HELD SHARD EACH\n", stderr), 2;
    ss_clay_dataset d = {.scenes = {.seed = strtoull(argv[4], NULL, 10), .small = !strcmp(argv[2], "small")},
                         .first = strtoull(argv[5], NULL, 10),
                         .count = atoi(argv[6]),
                         .each = atoi(argv[10]),
                         .shard = atoi(argv[9]),
                         .size = atoi(argv[3]),
                         .captions = atoi(argv[7]),
                         .held = (ss_clay_held)atoi(argv[8])};
    ss_ctx cx = {.threads = 1, .fail_allocation = -1};
    ss_status st = ss_clay_dataset_write(&cx, argv[1], &d);
    if (st) fprintf(stderr, "%s\n", cx.error);
    return st ? 1 : 0;
}
