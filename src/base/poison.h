/* Marks memory that nobody may touch for now, so that the address sanitizer stops whoever does. */
#ifndef SS_POISON_H
#define SS_POISON_H

#if defined(__SANITIZE_ADDRESS__)
#define SS_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define SS_ASAN 1
#endif
#endif
#ifdef SS_ASAN
#include <sanitizer/asan_interface.h>
#define SS_POISON_MEMORY(p, n) ASAN_POISON_MEMORY_REGION(p, n)
#define SS_UNPOISON_MEMORY(p, n) ASAN_UNPOISON_MEMORY_REGION(p, n)
#else
#define SS_POISON_MEMORY(p, n) ((void)(p), (void)(n))
#define SS_UNPOISON_MEMORY(p, n) ((void)(p), (void)(n))
#endif

#endif
