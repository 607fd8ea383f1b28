#define _DEFAULT_SOURCE /* madvise */
#include "base/bytes.h"

#include <stdlib.h>
#include <sys/mman.h>

enum {
    LINE  = 64,
    HUGE  = 2 << 20,
    LARGE = 2 * HUGE /* below it, rounding up would cost too much */
};

void *
pn_bulk(uint64_t size)
{
    size_t unit = size < LARGE ? LINE : HUGE;
    if (size > SIZE_MAX - unit)
        return NULL;
    size_t whole  = ((size_t)size / unit + 1) * unit;
    void  *memory = aligned_alloc(unit, whole);
#ifdef MADV_HUGEPAGE
    if (memory != NULL && unit == HUGE)
        (void)madvise(memory, whole, MADV_HUGEPAGE); /* SAFE: refused, it is only slower */
#endif
    return memory;
}
