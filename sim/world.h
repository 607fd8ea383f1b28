/*
 * sim/world -- one coordinator and its nodes on a virtual clock, network and disk: the same engines
 * as the daemons, hosted by a seeded scheduler.
 *
 * A world is a function of its configuration: the same seed gives the same events, to the bit. What
 * it checks after every event (security.md, section 6):
 *
 *     agreement     no two parties hold different blocks at a height (I1)
 *     durability    no node holds a block, and no coordinator counts an update, that its author's
 *                   disk lost in a crash (I9)
 *     authenticity  every frame is counted once; one that nobody sent on its line is refused for
 *                   that; an honest one is accepted once at most, and never after a newer one
 *     progress      after the faults heal, the run ends within `grace_ms` (I7)
 *     bounds        bytes in flight stay below a limit (I8)
 *
 * and at the end: every ledger verifies from the disks alone, every aggregate recomputed (I2).
 *
 * In a calm world - no loss, delay, crash, liar - nothing can be lost from a disk, and the checks
 * that look for it after every event are left out; at the end the coordinator's ledger is verified
 * for all, since agreement says that the nodes hold the same blocks. Its network takes no time, and
 * equal bytes on its disks are kept and proved once (sim/content).
 *
 * The cryptography is the process's (crypto/suite); the models do not depend on it.
 *
 * Memory     engines are real, so their data and models are too.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "data/schema.h"
#include "engine/job.h"
#include "fed/block.h"
#include "sim/breaks.h"

enum {
    SIM_WORKERS_MAX = 256
};

struct sim_site {
    const char               *name, *organisation;
    const struct data_source *source;
    uint32_t                  slow; /* times as long for its work as others; 0: as they */
};
uint64_t sim_slowness(const struct sim_site *site); /* 1: as others */

enum sim_phase {      /* of a height, as a member comes to it: what it last did there */
    SIM_AT_START,     /* it holds all blocks before                                        */
    SIM_ANNOUNCED,    /* its own contribution is made and said                             */
    SIM_READY,        /* it waits for no contribution any more: a block may be proposed    */
    SIM_PREVOTED,     /* for a block                                                       */
    SIM_PRECOMMITTED, /* for a block: it is locked                                       */
    SIM_DECIDED,      /* the block stands in its ledger                                    */
    SIM_VIEW_TWO,     /* the first leader was cut off since SIM_READY, and its time is up  */
    SIM_PHASES
};

struct sim_faults {         /* all zero: a perfect network, no crashes */
    double loss, duplicate; /* chance per frame */
    /* Chance per frame that a network that nobody should trust flips a bit, cuts, extends, signs
     * again with another member's key, sends to or from somebody else, or repeats an older one. */
    double   tamper;
    uint32_t liar;    /* member number of the one node that lies; 0: none */
    double   lies;    /* chance per frame of the liar that something in it is another, and signed */
    uint32_t liars;   /* in a swarm: so many members, drawn from the seed                        */
    uint32_t habits;  /* of them: bits of sim/liar's, 0: drawn                                   */
    uint32_t dead;    /* in a swarm: so many honest members stop for good, drawn from the seed,  */
    pn_ms    dead_ms; /* each after about so long                                              */
    /* In a swarm: chance that two members never have a connection; but every two without one share
     * more members with a connection to both, in all epochs, than lie or stop. */
    double blocked;
    pn_ms  delay_min_ms, delay_max_ms; /* uniform per frame, so frames overtake each other */
    /* Means. A partition cuts a random set of nodes off; half of the crashes come in the middle of
     * a write. */
    pn_ms partition_every_ms, partition_ms, crash_every_ms, down_ms;
    pn_ms heal_ms; /* no fault is begun or planned after this */
    /* In a swarm of 4 sites or more: members join, leave and have new keys while it runs, by epochs
     * of the roster (sim/epochs). Mean time until each is offered; 0: they stay as they are. */
    pn_ms epoch_ms;
    /* In a swarm: a member's clock has an origin of its own, an hour from the others' at most, and
     * runs faster or slower by up to so many thousandths. */
    uint32_t drift;
    /* In a swarm: the partition of these sites (bits) and the others that begins when the first
     * honest member comes to a phase of a height, and lasts so long; 0: none. */
    struct sim_cut {
        uint32_t       side;
        enum sim_phase phase;
        uint64_t       height;
        pn_ms          lasts;
    } cut;
    /* With a coordinator: member number of a disk as sim_disk_lie makes it, 0: none. For tests of
     * the checks. */
    uint32_t lying_disk;
    /* In a swarm: what is wrong with the host. Likewise. */
    enum sim_break broken;
    /* In a swarm, bits by place: whose time for contributions is always up. Likewise. */
    uint32_t hasty;
};

struct sim_config {
    uint64_t                 seed;
    const struct engine_job *job;
    const struct sim_site   *sites;
    size_t                   site_count;
    struct sim_faults        faults;
    pn_ms                    grace_ms;     /* for the run to end after heal_ms */
    bool                     trace;        /* every event on stderr */
    uint32_t                 keep_updates; /* rounds; 0 = all */
    uint32_t                 workers; /* threads; more than one only without faults; same bits */
    const char              *save_to; /* a folder for the state of the coordinator, or of a swarm's
                                         first member; may be NULL */
    /* Called when the coordinator, or a swarm's first member, committed a block; may be NULL. */
    void (*committed)(void *context, const struct wire_block *block, pn_ms now);
    void *context;
};

struct sim_result {
    bool            ok;
    char            failure[512]; /* what went wrong, with seed and virtual time */
    struct sec_blob model;        /* the final one, by its BLAKE2b root whatever the suite */
    uint64_t        sums_checked; /* rounds whose aggregate was recomputed at the end */
    struct sec_hash trace;        /* over every event: equal for equal seeds      */
    uint64_t        rounds, events, crashes, partitions;
    uint64_t        bytes;                                    /* of all frames sent */
    uint64_t        frames, lost, duplicated, tampered, lies; /* sent, and what became of them */
    uint64_t        accepted, rejected, discarded;            /* frames, as both ends counted  */
    uint64_t        steps_min, steps_max; /* of the trainings of honest members */
    uint64_t        relayed;              /* of the frames sent: those that forward another */
    uint64_t        convicted, forked; /* in a swarm: convictions in blocks; liars seen to fork */
    /* In a swarm with too many liars: pairs of honest members with two ledgers, by votes of one
     * view, whose signers of both are liars, and at least 2 quorum - members; and of two views. */
    uint64_t forks_named, forks_apart;
    uint64_t epochs;  /* of a swarm's roster, that were in force */
    uint64_t redrawn; /* in a swarm: blocks, at each honest member, of a further draw    */
    /* In a swarm: of the heights after the faults healed the slowest, and the largest share, in
     * thousandths, of the time that one may take. */
    uint64_t slowest_ms, slowest_share;
    pn_ms    ended_ms;
    bool     stopped_early;
};

/* One training had so many. */
void sim_result_add_steps(struct sim_result *result, uint64_t steps);

/* Runs to the end. The status is PN_OK unless the world could not be made (`why`); what the run
 * did, and whether an invariant broke, is in `out`. */
PN_MUST_CHECK enum pn_status sim_world_run(struct sim_result *out, const struct sim_config *config,
                                           struct pn_error *why);

#endif
