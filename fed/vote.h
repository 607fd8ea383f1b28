/*
 * fed/vote -- what members of a swarm sign: votes, and commitments to what they measured.
 *
 *     vote    domain "vote":   run 16 | height u64 | view u32 | step u32 | hash 32 |
 *                              lock_view u32 | lock 32                            (100 bytes)
 *     report  domain "report": run 16 | height u64 | member u32 | size u64 | root 32  (68 bytes)
 *
 * A *certificate* is a quorum of precommits of one view for one block: whoever has it knows that
 * the block is decided. The certificate of block h stands in block h + 1, as its witnesses; that of
 * the newest block lies beside the ledger, as
 *     height u64 | view u32 | count u32 | count times: member number u32, signature 64
 *
 * Threads    any.
 */
#ifndef FED_VOTE_H
#define FED_VOTE_H

#include "crypto/merkle.h"
#include "fed/consensus.h"
#include "fed/roster.h"
#include "proto/message.h"

void fed_vote_sign(struct sec_signature *out, const uint8_t run[static 16],
                   const struct fed_vote *vote, const struct sec_sign_secret *secret);

/* Members are numbers on the wire and places here. */
void fed_vote_to_wire(struct wire_vote *out, const struct fed_signed_vote *vote,
                      const struct fed_roster *roster);
/* With its signature checked: PN_EPEER_AUTH when it is not signed by the member it names. */
PN_MUST_CHECK enum pn_status fed_vote_from_wire(struct fed_signed_vote  *out,
                                                const uint8_t            run[static 16],
                                                const struct wire_vote  *vote,
                                                const struct fed_roster *roster);

struct fed_report { /* which blob a member commits to as its report for a height */
    uint8_t         run[16];
    uint64_t        height;
    uint32_t        member;
    struct sec_blob blob;
};
void               fed_report_sign(struct sec_signature *out, const struct fed_report *report,
                                   const struct sec_sign_secret *secret);
PN_MUST_CHECK bool fed_report_check(const struct sec_signature   *signature,
                                    const struct fed_report      *report,
                                    const struct sec_sign_public *key);

struct fed_decided { /* what a certificate is about */
    uint8_t         run[16];
    uint64_t        height;
    uint32_t        view;
    struct sec_hash hash;
};
/* PN_OK when `witnesses` are precommits of a quorum of the roster's members, each once; members
 * increase already (proto/message). Else PN_EAUTH and whose signature is wrong, or how many are
 * missing. */
PN_MUST_CHECK enum pn_status fed_certificate_check(const struct fed_roster   *roster,
                                                   const struct fed_decided  *decided,
                                                   const struct wire_witness *witnesses,
                                                   size_t count, struct pn_error *why);

struct fed_certificate {
    uint64_t            height; /* of the block; meaningless while `count` is 0 */
    uint32_t            view, count;
    struct wire_witness witnesses[FED_SWARM_MAX];
};
/* The votes for a block, as the one after it holds them. False: it holds none. */
PN_MUST_CHECK bool fed_certificate_of(struct fed_certificate *out, const struct wire_block *after);
enum {
    FED_CERTIFICATE_MAX = 16 + FED_SWARM_MAX * 68
};
/* Its size. */
size_t fed_certificate_encode(uint8_t                       out[static FED_CERTIFICATE_MAX],
                              const struct fed_certificate *certificate);
/* False when it has another size than it says, or its members do not increase. Signatures are not
 * checked. */
PN_MUST_CHECK bool fed_certificate_decode(struct fed_certificate *out, const uint8_t *bytes,
                                          size_t size);

#endif
