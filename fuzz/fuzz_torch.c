/* The bytes of a torch file: a zip archive, or the older stream of pickles, which has no lengths in it and lets the
 * fuzzer reach the pickles more easily. */
#include "weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return read_weights("fuzz.pt", data, size); }
