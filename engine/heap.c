#include "engine/heap.h"

#include <stdlib.h> /* tells whether it is glibc */

#if defined(__GLIBC__)
#include <malloc.h>
#endif

void
engine_heap_keep(void)
{
#if defined(__GLIBC__)
    /* SAFE: refused, it is only slower. */
    (void)mallopt(M_MMAP_THRESHOLD, ENGINE_HEAP_MAPPED);
    (void)mallopt(M_TRIM_THRESHOLD, ENGINE_HEAP_KEPT);
#endif
}
