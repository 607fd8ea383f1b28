/*
 * sim/liar -- a member of a swarm that lies to the others.
 *
 * Behind it an honest engine runs, so the liar has a part in everything. What that engine says
 * passes through here on its way out: it is sealed anew with the liar's own key, as it is or as a
 * lie, so that every lie is a proper frame of a member. A liar has a few *habits*, drawn from its
 * seed, and goes on with them after the faults healed.
 *
 * Memory     one heap object.   Threads  one at a time.
 */
#ifndef SIM_LIAR_H
#define SIM_LIAR_H

#include "base/rng.h"
#include "fed/block.h"
#include "store/disk.h"

enum sim_habit {
    SIM_TWO_VOTES,     /* one vote for some, another for the rest, or both for one       */
    SIM_FALSE_LOCK,    /* says it is locked on what nobody proposed                      */
    SIM_WITHHOLD,      /* chunks do not come                                             */
    SIM_WRONG_CHUNK,   /* others' bytes in them                                          */
    SIM_WRONG_MODEL,   /* proposes a model that does not follow                          */
    SIM_LEAVE_OUT,     /* proposes a block without members that contributed              */
    SIM_FALSE_WITNESS, /* convicts the innocent                                          */
    SIM_FALSE_PROOF,   /* shows prevotes that nobody gave                                */
    SIM_MUTE,          /* says nothing for a while                                       */
    SIM_FAR,           /* says it is far ahead; asks for everything, over and over       */
    SIM_TWO_UPDATES,   /* commits to one contribution here, to another one there         */
    SIM_HALF_FAULT,    /* tells some that it cannot contribute                           */
    SIM_HUGE,          /* blobs and bodies as large as can be                            */
    SIM_NOISE,         /* flips bits                                                     */
    SIM_REPEAT,        /* says what it said before                                       */
    SIM_BAD_RELAY,     /* forwards nothing, or other bytes, twice, in others' names      */
    SIM_HABITS_DRAWN,  /* what one liar can do alone                                     */
    /* With others: proposes two good blocks, and votes for the one that each was shown. */
    SIM_FORK = SIM_HABITS_DRAWN
};

struct sim_plot { /* what the liars of a world share: the block for even places, and for odd ones */
    struct sec_hash blocks[2];
};

struct sim_liar_config {
    uint32_t                 self;    /* member number */
    size_t                   members; /* of any roster, at most */
    const struct store_disk *disk;    /* of its engine, which gives what it finds there */
    uint64_t                 seed;
    uint32_t                 habits; /* bits 1 << enum sim_habit; 0: drawn from the seed */
    double                   chance; /* of each habit, per frame that it is about */
    struct sim_plot         *plot;
    void (*send)(void *host, uint32_t member, const uint8_t *frame, size_t size);
    void *host;
};

struct sim_liar;
PN_MUST_CHECK enum pn_status sim_liar_new(struct sim_liar             **out,
                                          const struct sim_liar_config *config);
void                         sim_liar_free(struct sim_liar *liar);
struct sim_liar_life { /* of its engine; the roster and the secret stay until the next one */
    const struct fed_roster      *roster;
    const struct sec_sign_secret *secret;
    const uint8_t                *run; /* 16 */
    uint32_t                      boot;
};
/* Before it says anything. */
void sim_liar_boot(struct sim_liar *liar, const struct sim_liar_life *life);
/* Its engine sends a frame to `member`; `chain` is the engine's. True when a lie came of it. */
bool sim_liar_say(struct sim_liar *liar, const struct fed_chain *chain, uint32_t member,
                  const uint8_t *frame, size_t size);

#endif
