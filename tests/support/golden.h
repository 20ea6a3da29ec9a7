/* Where the tests' reference data lie. */
#ifndef SS_TEST_GOLDEN_H
#define SS_TEST_GOLDEN_H

#define GOLDEN_DIR SELFSAME_SOURCE_DIR "/tests/golden"

#endif
