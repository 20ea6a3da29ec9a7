/* Compiled twice by tests/CMakeLists.txt: as a file of src/api, which may include operations, it must compile; as a
 * file of src/base, which may not, it must fail for want of this header. */
#include "op/ops.h"
