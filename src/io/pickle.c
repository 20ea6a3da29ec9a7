/* The stack machine. Its state is sticky: after the first failure every helper is quiet, and the loop looks once for
 * each opcode.
 */
#include "io/pickle.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_VALUES = 1 << 24 };

/* The opcodes of protocols 2 to 5 in Python's names. Those that call, import or read text forms in older ways are left
 * out: torch has never written them. */
enum opcode {
    MARK = '(',
    STOP = '.',
    POP = '0',
    POP_MARK = '1',
    DUP = '2',
    BINBYTES = 'B',
    SHORT_BINBYTES = 'C',
    BINFLOAT = 'G',
    BININT = 'J',
    BININT1 = 'K',
    BININT2 = 'M',
    NONE = 'N',
    BINPERSID = 'Q',
    REDUCE = 'R',
    BINSTRING = 'T',
    SHORT_BINSTRING = 'U',
    BINUNICODE = 'X',
    EMPTY_LIST = ']',
    APPEND = 'a',
    BUILD = 'b',
    GLOBAL = 'c',
    DICT = 'd',
    APPENDS = 'e',
    BINGET = 'h',
    LONG_BINGET = 'j',
    LIST = 'l',
    BINPUT = 'q',
    LONG_BINPUT = 'r',
    SETITEM = 's',
    TUPLE = 't',
    SETITEMS = 'u',
    EMPTY_DICT = '}',
    EMPTY_TUPLE = ')',
    PROTO = 0x80,
    NEWOBJ,
    TUPLE1 = 0x85,
    TUPLE2,
    TUPLE3,
    NEWTRUE,
    NEWFALSE,
    LONG1,
    LONG4,
    SHORT_BINUNICODE,
    BINUNICODE8,
    BINBYTES8,
    EMPTY_SET,
    ADDITEMS,
    NEWOBJ_EX = 0x92,
    STACK_GLOBAL,
    MEMOIZE,
    FRAME,
};

typedef struct machine {
    ss_ctx *cx;
    ss_pool *pool;
    const char *file;
    const unsigned char *begin, *p, *end;
    ss_status status;
    ss_pickle **stack;
    size_t depth, stack_room;
    size_t *marks; /* depths of the stack */
    size_t mark_count, mark_room;
    ss_pickle **memo; /* NULL: never stored */
    size_t memo_room, memo_count;
    size_t values;
    ss_pickle *last;
} machine;

static void fail(machine *m, const char *what) {
    if (m->status) return;
    m->status = ss_fail(m->cx, SS_ERR_FORMAT, "%s: the pickle %s (at byte %td of %td); the file is damaged", m->file,
                        what, m->p - m->begin, m->end - m->begin);
}

/* ------------------------------------------------------------------------------------------------ operands */

static const unsigned char *take(machine *m, uint64_t n) {
    if (m->status) return NULL;
    if (n > (uint64_t)(m->end - m->p)) {
        fail(m, "ends in the middle of an operation");
        return NULL;
    }
    const unsigned char *p = m->p;
    m->p += n;
    return p;
}

/* An unsigned little-endian number of n bytes; 0 after a failure. */
static uint64_t take_number(machine *m, int n) {
    const unsigned char *p = take(m, (uint64_t)n);
    uint64_t v = 0;
    while (p && n--) v = v << 8 | p[n];
    return v;
}

/* ------------------------------------------------------------------------------------------------ stack */

static ss_pickle *new_value(machine *m, ss_pickle_kind kind) {
    if (m->status) return NULL;
    if (m->values++ >= MOST_VALUES) {
        fail(m, "holds more values than any file of weights has");
        return NULL;
    }
    ss_pickle *v = ss_pool_take(m->pool, m->cx, 1, sizeof *v);
    if (!v) {
        m->status = SS_ERR_NOMEM;
        return NULL;
    }
    v->kind = kind;
    return v;
}

static void push(machine *m, ss_pickle *v) {
    if (m->status) return;
    if (m->depth == m->stack_room) {
        size_t room = m->stack_room ? 2 * m->stack_room : 64;
        m->status = ss_grow(m->cx, &m->stack, m->stack_room, room, sizeof *m->stack);
        if (m->status) return;
        m->stack_room = room;
    }
    m->stack[m->depth++] = v;
}

static void push_mark(machine *m) {
    if (m->mark_count == m->mark_room) {
        size_t room = m->mark_room ? 2 * m->mark_room : 16;
        m->status = ss_grow(m->cx, &m->marks, m->mark_room, room, sizeof *m->marks);
        if (m->status) return;
        m->mark_room = room;
    }
    m->marks[m->mark_count++] = m->depth;
}

/* Below the last mark nothing can be reached. */
static bool has(machine *m, size_t n) {
    size_t floor = m->mark_count ? m->marks[m->mark_count - 1] : 0;
    if (!m->status && m->depth - floor < n) fail(m, "takes from an empty stack");
    assert(m->status || n == 0 || m->stack);
    return !m->status;
}

static ss_pickle *pop(machine *m) { return has(m, 1) ? m->stack[--m->depth] : NULL; }
static ss_pickle *top(machine *m) { return has(m, 1) ? m->stack[m->depth - 1] : NULL; }

/* Takes the last mark away and gives how many values lie above it; they stay at m->stack + m->depth - n. */
static size_t pop_mark(machine *m) {
    if (!m->status && !m->mark_count) fail(m, "misses a mark");
    if (m->status) return 0;
    assert(m->marks);
    return m->depth - m->marks[--m->mark_count];
}

/* ------------------------------------------------------------------------------------------------ values */

static void push_integer(machine *m, ss_pickle_kind kind, int64_t integer) {
    ss_pickle *v = new_value(m, kind);
    if (!v) return;
    v->integer = integer;
    push(m, v);
}

/* Two's complement of n bytes. */
static void push_long(machine *m, uint64_t n) {
    const unsigned char *p = take(m, n);
    if (!p) return;
    if (n > 8) {
        push(m, new_value(m, SS_PICKLE_HUGE));
        return;
    }
    uint64_t v = n && p[n - 1] & 0x80 ? UINT64_MAX : 0;
    while (n--) v = v << 8 | p[n];
    push_integer(m, SS_PICKLE_INTEGER, (int64_t)v);
}

static void push_real(machine *m) {
    const unsigned char *p = take(m, 8);
    ss_pickle *v = new_value(m, SS_PICKLE_REAL);
    if (!v) return;
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) bits = bits << 8 | p[i];
    memcpy(&v->real, &bits, sizeof bits);
    push(m, v);
}

static void push_text(machine *m, uint64_t n) {
    const unsigned char *p = take(m, n);
    ss_pickle *v = new_value(m, SS_PICKLE_TEXT);
    if (!v) return;
    v->text = (const char *)p;
    v->count = (size_t)n;
    push(m, v);
}

/* Names go into sentences and to terminals: bytes that are no printable ASCII become '?'. */
static void push_global(machine *m, const char *module, size_t n, const char *name, size_t k) {
    ss_pickle *v = new_value(m, SS_PICKLE_GLOBAL);
    char *joined = v ? ss_pool_take(m->pool, m->cx, n + k + 2, 1) : NULL;
    if (!joined) {
        if (!m->status) m->status = SS_ERR_NOMEM;
        return;
    }
    memcpy(joined, module, n);
    joined[n] = '.';
    memcpy(joined + n + 1, name, k);
    for (size_t i = 0; i < n + 1 + k; i++) {
        if (joined[i] < 0x20 || joined[i] > 0x7e) joined[i] = '?';
    }
    v->text = joined;
    v->count = n + 1 + k;
    push(m, v);
}

static const char *take_line(machine *m, size_t *n) {
    const unsigned char *line = m->p;
    const unsigned char *newline = m->status || line == m->end ? NULL : memchr(line, '\n', (size_t)(m->end - line));
    if (!newline) {
        fail(m, "ends in the middle of a name");
        return NULL;
    }
    *n = (size_t)(newline - line);
    m->p = newline + 1;
    return (const char *)line;
}

static void do_global(machine *m) {
    size_t n = 0, k = 0;
    const char *module = take_line(m, &n);
    const char *name = take_line(m, &k);
    if (name) push_global(m, module, n, name, k);
}

static void do_stack_global(machine *m) {
    const ss_pickle *name = pop(m), *module = pop(m);
    if (!module) return;
    if (name->kind != SS_PICKLE_TEXT || module->kind != SS_PICKLE_TEXT) {
        fail(m, "names a global by something that is no text");
        return;
    }
    push_global(m, module->text, module->count, name->text, name->count);
}

/* Makes a container of the n values on top. */
static void gather(machine *m, ss_pickle_kind kind, size_t n) {
    ss_pickle *v = has(m, n) ? new_value(m, kind) : NULL;
    if (!v) return;
    if (kind == SS_PICKLE_DICT && n % 2) {
        fail(m, "has a key without a value");
        return;
    }
    if (n) {
        v->items = ss_pool_take(m->pool, m->cx, n, sizeof(ss_pickle *));
        if (!v->items) {
            m->status = SS_ERR_NOMEM;
            return;
        }
        m->depth -= n;
        memcpy(v->items, m->stack + m->depth, n * sizeof(ss_pickle *));
    }
    v->count = v->room = n;
    push(m, v);
}

static void append(machine *m, ss_pickle *v, ss_pickle *item) {
    if (m->status) return;
    if (v->count == v->room) {
        size_t room = v->room ? 2 * v->room : 4;
        ss_pickle **items = ss_pool_take(m->pool, m->cx, room, sizeof *items);
        if (!items) {
            m->status = SS_ERR_NOMEM;
            return;
        }
        if (v->count) memcpy(items, v->items, v->count * sizeof *items);
        v->items = items;
        v->room = room;
    }
    v->items[v->count++] = item;
}

/* Puts the n values on top into the container below them. */
static void add_items(machine *m, size_t n, bool pairs) {
    if (!has(m, n + 1)) return;
    ss_pickle *v = m->stack[m->depth - n - 1];
    m->depth -= n;
    if (pairs && n % 2) {
        fail(m, "has a key without a value");
    } else if (v->kind == SS_PICKLE_OBJECT && !pairs) {
        return; /* a queue, say; no class that holds weights is filled like a list */
    } else if (v->kind != SS_PICKLE_OBJECT && v->kind != (pairs ? SS_PICKLE_DICT : SS_PICKLE_LIST)) {
        fail(m, pairs ? "sets a key in something that is no dictionary" : "appends to something that is no list");
    }
    for (size_t i = 0; i < n; i++) append(m, v, m->stack[m->depth + i]);
}

/* What lies on the stack as callee and args becomes an object; nothing is called. */
static void push_object(machine *m, ss_pickle *callee, ss_pickle *args, ss_pickle_kind kind) {
    ss_pickle *v = new_value(m, kind);
    if (!v) return;
    if (args->kind != SS_PICKLE_TUPLE) {
        fail(m, "has arguments that are no tuple");
        return;
    }
    v->callee = callee;
    v->args = args;
    v->previous = m->last;
    m->last = v;
    push(m, v);
}

static void do_call(machine *m) {
    ss_pickle *args = pop(m), *callee = pop(m);
    if (callee) push_object(m, callee, args, SS_PICKLE_OBJECT);
}

static void do_build(machine *m) {
    ss_pickle *state = pop(m), *v = top(m);
    if (v && v->kind == SS_PICKLE_OBJECT) v->state = state;
}

static void do_persistent(machine *m) {
    ss_pickle *id = pop(m);
    if (id) push_object(m, NULL, id, SS_PICKLE_PERSISTENT);
}

/* ------------------------------------------------------------------------------------------------ memo */

/* Every entry is stored by at least one byte of the pickle, so a sensible index is below its size. */
static void put(machine *m, uint64_t index) {
    ss_pickle *v = top(m);
    if (!v) return;
    if (index >= (uint64_t)(m->end - m->begin)) {
        fail(m, "numbers its memo beyond its own size");
        return;
    }
    if (index >= m->memo_room) {
        size_t room = 2 * ((size_t)index + 32);
        m->status = ss_grow(m->cx, &m->memo, m->memo_room, room, sizeof *m->memo);
        if (m->status) return;
        m->memo_room = room;
    }
    if (!m->memo[index]) m->memo_count++;
    m->memo[index] = v;
}

static void get(machine *m, uint64_t index) {
    if (m->status) return;
    if (index >= m->memo_room || !m->memo[index]) {
        fail(m, "fetches from its memo what it never stored");
        return;
    }
    push(m, m->memo[index]);
}

/* ------------------------------------------------------------------------------------------------ the loop */

static void do_protocol(machine *m) {
    uint64_t version = take_number(m, 1);
    if (!m->status && (version < 2 || version > 5)) fail(m, "has a protocol other than 2, 3, 4 and 5");
}

static void step(machine *m, unsigned char opcode) {
    switch (opcode) {
    case PROTO:
        do_protocol(m);
        break;
    case FRAME:
        take(m, 8); /* a length, only a hint for buffering */
        break;

    case MARK:
        push_mark(m);
        break;
    case POP:
        pop(m);
        break;
    case POP_MARK:
        m->depth -= pop_mark(m);
        break;
    case DUP:
        push(m, top(m));
        break;

    case NONE:
        push(m, new_value(m, SS_PICKLE_NONE));
        break;
    case NEWTRUE:
        push_integer(m, SS_PICKLE_BOOL, 1);
        break;
    case NEWFALSE:
        push_integer(m, SS_PICKLE_BOOL, 0);
        break;
    case BININT:
        push_long(m, 4);
        break;
    case BININT1:
        push_integer(m, SS_PICKLE_INTEGER, (int64_t)take_number(m, 1));
        break;
    case BININT2:
        push_integer(m, SS_PICKLE_INTEGER, (int64_t)take_number(m, 2));
        break;
    case LONG1:
        push_long(m, take_number(m, 1));
        break;
    case LONG4:
        push_long(m, take_number(m, 4));
        break;
    case BINFLOAT:
        push_real(m);
        break;

    case SHORT_BINUNICODE:
    case SHORT_BINSTRING:
    case SHORT_BINBYTES:
        push_text(m, take_number(m, 1));
        break;
    case BINUNICODE:
    case BINSTRING:
    case BINBYTES:
        push_text(m, take_number(m, 4));
        break;
    case BINUNICODE8:
    case BINBYTES8:
        push_text(m, take_number(m, 8));
        break;

    case EMPTY_DICT:
        gather(m, SS_PICKLE_DICT, 0);
        break;
    case EMPTY_LIST:
    case EMPTY_SET:
        gather(m, SS_PICKLE_LIST, 0);
        break;
    case EMPTY_TUPLE:
        gather(m, SS_PICKLE_TUPLE, 0);
        break;
    case TUPLE1:
    case TUPLE2:
    case TUPLE3:
        gather(m, SS_PICKLE_TUPLE, (size_t)(opcode - TUPLE1 + 1));
        break;
    case TUPLE:
        gather(m, SS_PICKLE_TUPLE, pop_mark(m));
        break;
    case LIST:
        gather(m, SS_PICKLE_LIST, pop_mark(m));
        break;
    case DICT:
        gather(m, SS_PICKLE_DICT, pop_mark(m));
        break;
    case SETITEM:
        add_items(m, 2, true);
        break;
    case SETITEMS:
        add_items(m, pop_mark(m), true);
        break;
    case APPEND:
        add_items(m, 1, false);
        break;
    case APPENDS:
    case ADDITEMS:
        add_items(m, pop_mark(m), false);
        break;

    case BINPUT:
        put(m, take_number(m, 1));
        break;
    case LONG_BINPUT:
        put(m, take_number(m, 4));
        break;
    case MEMOIZE:
        put(m, m->memo_count);
        break;
    case BINGET:
        get(m, take_number(m, 1));
        break;
    case LONG_BINGET:
        get(m, take_number(m, 4));
        break;

    case GLOBAL:
        do_global(m);
        break;
    case STACK_GLOBAL:
        do_stack_global(m);
        break;
    case REDUCE:
    case NEWOBJ:
        do_call(m);
        break;
    case NEWOBJ_EX:
        pop(m); /* the keyword arguments are dropped */
        do_call(m);
        break;
    case BUILD:
        do_build(m);
        break;
    case BINPERSID:
        do_persistent(m);
        break;
    default:
        fail(m, "has an operation that weight files have no use for");
    }
}

ss_status ss_pickle_read(ss_pickled *out, ss_ctx *cx, ss_pool *pool, const char *file, const void *bytes, size_t size) {
    const unsigned char *begin = bytes;
    machine m = {.cx = cx, .pool = pool, .file = file, .begin = begin, .p = begin, .end = begin + size};
    for (;;) {
        const unsigned char *opcode = take(&m, 1);
        if (!opcode || *opcode == STOP) break;
        step(&m, *opcode);
    }
    ss_pickle *root = pop(&m);
    if (!m.status) *out = (ss_pickled){.root = root, .last = m.last, .used = (size_t)(m.p - begin)};
    free(m.stack);
    free(m.marks);
    free(m.memo);
    return m.status;
}
