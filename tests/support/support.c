/* Helpers that several tests share. */
#include "support/golden.h"

#include <selfsame/selfsame.h>

const char *test_golden_dir(void) { return GOLDEN_DIR; }
