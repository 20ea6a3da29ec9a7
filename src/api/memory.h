/* How much memory there is, and how much a request will need. */
#ifndef SS_MEMORY_H
#define SS_MEMORY_H

#include "model/model.h"

size_t ss_memory_available(void); /* bytes that the system could give, as the kernel estimates it */

#endif
