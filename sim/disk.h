/*
 * sim/disk -- a struct store_disk in memory, with the faults of real ones.
 *
 * Survives a crash exactly as store/files does: what was saved, published, appended or put is
 * there; what was staged is gone; the write during which the machine died is there whole, or not at
 * all. After a crash point every call fails until sim_disk_restart.
 *
 * Memory     one heap object.   Threads  one at a time.
 */
#ifndef SIM_DISK_H
#define SIM_DISK_H

#include "base/rng.h"
#include "sim/content.h"
#include "store/disk.h"

struct sim_disk;

PN_MUST_CHECK enum pn_status sim_disk_new(struct sim_disk **out);
void                         sim_disk_free(struct sim_disk *disk);
/* What it holds from now on is kept once for all disks of this press, which outlives them; and they
 * know each other's files (stage_known). */
void sim_disk_share(struct sim_disk *disk, struct sim_press *press);
void sim_disk_port(struct store_disk *out, struct sim_disk *disk);

/* The machine dies in the `writes`-th write from now (1 = the next); whether that write is kept
 * comes from `rng`. 0 cancels. */
void sim_disk_crash_at(struct sim_disk *disk, uint64_t writes, const struct pn_rng *rng);
/* In one of the next twelve; which one comes from `rng`, too. */
void sim_disk_crash_soon(struct sim_disk *disk, struct pn_rng *rng);
/* Every write fails with `status` from now on, until PN_OK is given: a full or broken disk. */
void sim_disk_fail(struct sim_disk *disk, enum pn_status status);
/* From now on what is written only seems durable: any crash loses it whole, with what it replaced.
 * No disk may do so; it lets tests see a world notice it. */
void sim_disk_lie(struct sim_disk *disk);

/* From now on a file of this name (kept by the caller) is only said to be saved. Likewise. */
void sim_disk_forget(struct sim_disk *disk, const char *name);
/* A bit of this record is another from now on. Likewise. */
void sim_disk_rot(struct sim_disk *disk, uint64_t record);
/* The newest record is gone. Likewise. */
void sim_disk_cut(struct sim_disk *disk);

bool sim_disk_is_dead(const struct sim_disk *disk); /* a crash point was reached, or kill */
/* The power goes now. */
void sim_disk_kill(struct sim_disk *disk);
/* The machine is back: staging is empty, everything durable is there. */
void sim_disk_restart(struct sim_disk *disk);

uint64_t sim_disk_writes(const struct sim_disk *disk); /* since it was made */
uint64_t sim_disk_bytes(const struct sim_disk *disk);  /* durable now       */

#endif
