/*
 * engine/heap -- how a daemon's memory behaves: what one round frees the next one takes again.
 *
 * A round takes and gives back the same few arrays and frames of 1 MiB. Given back to the kernel
 * they come again page by page, cleared: a fifth of the time of a round without training. So up to
 * ENGINE_HEAP_KEPT free bytes stay with the process, and only arrays above ENGINE_HEAP_MAPPED are
 * mapped one by one.
 */
#ifndef ENGINE_HEAP_H
#define ENGINE_HEAP_H

enum {
    ENGINE_HEAP_MAPPED = 32 << 20, /* the most that glibc takes */
    ENGINE_HEAP_KEPT   = 64 << 20
};

/* In main, before the first large array. Without glibc nothing happens. */
void engine_heap_keep(void);

#endif
