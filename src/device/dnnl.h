/* oneDNN's life on the processor device: engine, stream and the primitives made so far. Its types stay behind this line
 * in *.dnnl.c. */
#ifndef SS_DEVICE_DNNL_H
#define SS_DEVICE_DNNL_H

#include "base/base.h"

typedef struct ss_dnnl ss_dnnl;

ss_status ss_dnnl_new(ss_dnnl **out, ss_ctx *cx);
void ss_dnnl_free(ss_dnnl *d);

#endif
