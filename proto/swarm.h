/*
 * proto/swarm -- parts that a swarm's messages and its blocks have in common. Private to proto/.
 */
#ifndef PROTO_SWARM_H
#define PROTO_SWARM_H

#include "proto/codec.h"

void               wire_vote_put(Panal__Vote *pb, const struct wire_vote *vote);
PN_MUST_CHECK bool wire_vote_get(struct wire_vote *vote, const Panal__Vote *pb);
bool               wire_vote_is_valid(const struct wire_vote *vote);

void               wire_witness_put(Panal__Witness *pb, const struct wire_witness *witness);
PN_MUST_CHECK bool wire_witness_get(struct wire_witness *witness, const Panal__Witness *pb);

extern const struct wire_cap wire_agreement_caps[]; /* of its lists */

struct wire_agreement_parts { /* protobuf-c's structs while a block is packed */
    Panal__Agreement  pb, *list[1];
    Panal__Report     reports[WIRE_SWARM_MAX], *report_list[WIRE_SWARM_MAX];
    Panal__Blob       blobs[WIRE_SWARM_MAX];
    Panal__Conviction convictions[WIRE_CONVICTIONS_MAX], *conviction_list[WIRE_CONVICTIONS_MAX];
    Panal__Vote       votes[2 * WIRE_CONVICTIONS_MAX];
    Panal__Roster     roster, *roster_list[1];
    Panal__RosterSignature signatures[WIRE_SIGNERS_MAX], *signature_list[WIRE_SIGNERS_MAX];
};
void wire_agreement_put(struct wire_agreement_parts *parts, const struct wire_agreement *agreement);
/* In the arena. PN_ENOMEM, PN_EPEER_FORMAT. */
PN_MUST_CHECK enum pn_status wire_agreement_get(struct wire_agreement **out,
                                                struct wire_arena      *arena,
                                                const Panal__Agreement *pb);
bool wire_agreement_is_valid(const struct wire_agreement *agreement, enum wire_block_kind kind);

#endif
