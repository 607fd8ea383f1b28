/*
 * sim/breaks -- a virtual host that does what no host may do, so that tests see each check of
 * sim/swarm fire. The engines are as ever; what they stand on is broken: where it is one site's,
 * the first's.
 */
#ifndef SIM_BREAKS_H
#define SIM_BREAKS_H

enum sim_break {
    SIM_SOUND,
    SIM_FORGETS_ALL,   /* its disk is as sim_disk_lie makes it                           */
    SIM_FORGETS_VOTES, /* its disk says that a vote is durable, and drops it             */
    SIM_FULL,          /* its disk refuses all writes                                    */
    SIM_HOARDS,        /* its disk fills with what nobody asked for                      */
    SIM_ROTS,          /* at the end a bit of its ledger is another                      */
    SIM_CUTS,          /* at the end its newest block is gone, and what says that it was */
    SIM_LOSES_MODEL,   /* at the end its models are gone                                 */
    SIM_LOSES_UPDATES, /* at the end its updates are gone                                */
    SIM_FLOODS,        /* the network repeats its frames without end                     */
    SIM_MUTES,         /* the network loses all frames, and never heals                  */
    SIM_STOPS_CLOCKS,  /* nobody is called when it asked to be                           */
    SIM_SLANDERS,      /* the first says that the second, which is honest, forked the ledger */
    SIM_DENIES_LIARS,  /* more lie than it withstands, and the world says that none does */
    SIM_HUSHES,        /* nobody is told that the ledger forked                          */
    SIM_TRUSTS_LIARS   /* at the end the world takes liars for honest                    */
};

struct sim_swarm;
/* Once all have started. */
void sim_break_begin(struct sim_swarm *world);
/* Before the disks are looked at. */
void sim_break_end(struct sim_swarm *world);

#endif
