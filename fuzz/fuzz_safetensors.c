/* The bytes of a safetensors file. */
#include "weights.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) { return read_weights("fuzz.safetensors", data, size); }
