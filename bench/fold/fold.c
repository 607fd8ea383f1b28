/*
 * fold -- the averaging kernel beside memcpy.
 *
 *     fold PARAMETERS PASSES
 *
 * For every parameter a fold reads 12 bytes and writes 8, so memcpy is given 10 to copy: the same
 * traffic. A line for each pass: nanoseconds a parameter of fed_update_fold and of memcpy, by this
 * thread's CPU time; first over all PARAMETERS, then over pieces of one chunk whose sums stay in
 * the cache, as the coordinator does it.
 */
#include "crypto/merkle.h"
#include "fed/update.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct room {
    size_t   count;
    int64_t *sum;
    int32_t *q;
    uint8_t *from, *to; /* 10 bytes a parameter */
};

static double
now(void)
{
    struct timespec clock;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &clock);
    return 1e9 * (double)clock.tv_sec + (double)clock.tv_nsec;
}

/* One pass over everything in `pieces` steps; small pieces use the same sums again and again. */
static double
fold(const struct room *room, size_t piece)
{
    double began = now();
    for (size_t at = 0; at + piece <= room->count; at += piece)
        fed_update_fold(room->sum, room->q + at, piece, 600);
    return (now() - began) / (double)(room->count / piece * piece);
}

static double
copy(const struct room *room, size_t piece)
{
    double began = now();
    for (size_t at = 0; at + piece <= room->count; at += piece) {
        memcpy(room->to, room->from + (piece < room->count ? 4 * at : 0), 10 * piece);
        __asm__ volatile("" ::"r"(room->to) : "memory"); /* it is not left out */
    }
    return (now() - began) / (double)(room->count / piece * piece);
}

static void *
take(size_t bytes)
{
    void *memory = malloc(bytes);
    if (memory == NULL)
        exit(1);
    memset(memory, 1, bytes);
    return memory;
}

int
main(int argc, char **argv)
{
    const size_t chunk = SEC_CHUNK_SIZE / 4;
    struct room  room  = {.count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0};
    size_t       left  = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
    if (room.count < chunk || left == 0)
        return 2;
    room.sum  = take(room.count * sizeof *room.sum);
    room.q    = take(room.count * sizeof *room.q);
    room.from = take(10 * room.count);
    room.to   = take(10 * room.count);
    for (; left > 0; left--) {
        double all = fold(&room, room.count), all_bound = copy(&room, room.count);
        double piece = fold(&room, chunk), piece_bound = copy(&room, chunk);
        (void)printf("%.4f %.4f %.4f %.4f\n", all, all_bound, piece, piece_bound);
    }
    free(room.sum);
    free(room.q);
    free(room.from);
    free(room.to);
    return 0;
}
