/* Python's pickles, read as data. A pickle is a program for a small stack machine; this machine builds the values that
 * the program describes and does nothing else. A call of a function or class becomes an SS_PICKLE_OBJECT that says what
 * was to be called with what; no name is looked up anywhere, nothing is executed. What the names mean is torch.c's
 * business.
 */
#ifndef SS_PICKLE_H
#define SS_PICKLE_H

#include "io/pool.h"

typedef enum ss_pickle_kind {
    SS_PICKLE_NONE,
    SS_PICKLE_BOOL,
    SS_PICKLE_INTEGER,
    SS_PICKLE_REAL,
    SS_PICKLE_HUGE, /* an integer of more than 64 bits; its value is not kept */
    SS_PICKLE_TEXT, /* bytes, too: Python 2 made no difference */
    SS_PICKLE_TUPLE,
    SS_PICKLE_LIST, /* and sets */
    SS_PICKLE_DICT,
    SS_PICKLE_GLOBAL,     /* text is "module.name", printable */
    SS_PICKLE_OBJECT,     /* callee(args), with what was set in it afterwards */
    SS_PICKLE_PERSISTENT, /* args is a tuple that names something stored outside of the pickle */
} ss_pickle_kind;

/* Values are shared by reference as Python's are, and may contain themselves. */
typedef struct ss_pickle ss_pickle;
struct ss_pickle {
    ss_pickle_kind kind;
    int mark; /* 0; free for whoever walks */
    union {
        int64_t integer; /* BOOL, INTEGER */
        double real;
        const char *text; /* TEXT, GLOBAL: `count` bytes; a 0 follows only a GLOBAL */
        struct {          /* TUPLE, LIST; DICT, OBJECT: key and value in turn, so there are count / 2 pairs */
            ss_pickle **items;
            size_t room;
        };
    };
    size_t count;
    ss_pickle *callee, *args, *state; /* state: NULL, or what BUILD gave */
    ss_pickle *previous;              /* the OBJECT or PERSISTENT made before this one */
};

typedef struct ss_pickled {
    ss_pickle *root;
    ss_pickle *last; /* of all OBJECTs and PERSISTENTs; follow `previous` */
    size_t used;     /* bytes up to and with STOP */
} ss_pickled;

/* Protocols 2 to 5, the opcodes that torch's files use and the rest of their kind; SS_ERR_FORMAT for others. Values lie
 * in the pool, texts in `bytes`. Memory is at most about 200 bytes for each byte of the pickle. */
ss_status ss_pickle_read(ss_pickled *out, ss_ctx *cx, ss_pool *pool, const char *file, const void *bytes, size_t size);

#endif
