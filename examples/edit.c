#include <selfsame/selfsame.h>
#include <stdio.h>

int main(void) {
    ss_ctx *cx = NULL;
    ss_status st = ss_ctx_new(&cx, &(ss_ctx_options){.threads = 1});
    if (st) fprintf(stderr, "%s\n", cx ? ss_ctx_error(cx) : "out of memory");
    ss_ctx_free(cx);
    return st ? 1 : 0;
}
