/*
 * sim/tamper -- what a hostile network does to a frame, and what a member that lies says.
 *
 * Threads    any.
 */
#ifndef SIM_TAMPER_H
#define SIM_TAMPER_H

#include "base/rng.h"
#include "crypto/keys.h"

enum sim_tampering {
    SIM_FLIP,    /* one bit                                         */
    SIM_CUT_OFF, /* the end is missing                              */
    SIM_EXTEND,  /* bytes after the end                             */
    SIM_FORGE,   /* the header signed again, by another member      */
    SIM_STRAY,   /* whole, but comes from or goes to another member */
    SIM_REPLAY,  /* one that was sent before on this connection     */
    SIM_TAMPERING_COUNT
};
/* Changes a copy of a frame, as the first four say; `*bytes` (heap) may move. */
PN_MUST_CHECK enum pn_status sim_tamper(uint8_t **bytes, size_t *size, enum sim_tampering how,
                                        struct pn_rng *rng, const struct sec_sign_secret *other);
/* A lie of a member: something in the frame is another, and properly signed by that member. */
void sim_lie(uint8_t *bytes, size_t size, struct pn_rng *rng, const struct sec_sign_secret *own);

#endif
