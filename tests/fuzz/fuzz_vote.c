/*
 * Certificates and evidence of double votes, made of votes that members really signed: so a change
 * gets past the form, and the signatures are what decides. Input: one vote in four bytes - who, in
 * which view and step and for which block, by whose key, which bit of the signature is another -
 * and of all of them one certificate, and of every two neighbours a piece of evidence. What is
 * right is known from the input alone.
 */
#include "fed/block.h"
#include "fed/vote.h"
#include "support/federation.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
    NODES     = 6,
    MEMBERS   = NODES + 1,
    STRANGERS = MEMBERS + 1, /* numbers above are nobody's */
    VOTES_MAX = 12
};

static const uint8_t          run[16] = "the run number 1";
static struct test_federation federation;

struct said {
    struct wire_vote wire;
    bool             sound; /* a member signed just this */
};

/* Who 3 bits, step 1, view 2, block 2 | key 3 bits, is it flipped 1 | bit of the signature 16. */
static void
make_vote(struct said *out, const uint8_t in[static 4])
{
    struct sec_signature signature;
    uint32_t             who = (in[0] & 7) % STRANGERS, key = (in[1] & 7) % MEMBERS;
    bool                 own  = (in[1] & 16) != 0 && who < MEMBERS;
    struct fed_vote      vote = {.height = 7,
                                 .view   = 1 + (in[0] >> 4 & 3),
                                 .step   = (in[0] & 8) == 0 ? FED_PRECOMMIT : FED_PREVOTE};
    key                       = own ? who : key;
    vote.hash.bytes[0]        = in[0] >> 6;
    fed_vote_sign(&signature, run, &vote, &test_member_of(&federation, key + 1)->node);
    if ((in[1] & 8) != 0) {
        uint32_t bit = (in[2] | (uint32_t)in[3] << 8) % (8 * sizeof signature.bytes);
        signature.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    out->wire = (struct wire_vote){.height = vote.height,
                                   .member = who + 1,
                                   .view   = vote.view,
                                   .step   = (enum wire_step)vote.step};
    memcpy(out->wire.hash, vote.hash.bytes, sizeof out->wire.hash);
    memcpy(out->wire.signature, signature.bytes, sizeof out->wire.signature);
    out->sound = who < MEMBERS && key == who && (in[1] & 8) == 0;
}

/* Of those that precommitted as the first one did. */
static void
try_certificate(const struct said *said, size_t count)
{
    const struct fed_roster *roster  = federation.roster;
    struct fed_decided       decided = {.height = 7, .view = said[0].wire.view};
    struct wire_witness      witnesses[VOTES_MAX];
    struct pn_error          why;
    bool                     sound = true;
    memcpy(decided.run, run, sizeof decided.run);
    memcpy(decided.hash.bytes, said[0].wire.hash, sizeof decided.hash);
    for (size_t i = 0; i < count; i++) {
        witnesses[i].member = said[i].wire.member;
        memcpy(witnesses[i].signature, said[i].wire.signature, sizeof witnesses[i].signature);
        sound = sound && said[i].sound && said[i].wire.step == WIRE_PRECOMMIT &&
                said[i].wire.view == decided.view &&
                memcmp(said[i].wire.hash, decided.hash.bytes, sizeof decided.hash) == 0;
    }
    enum pn_status st     = fed_certificate_check(roster, &decided, witnesses, count, &why);
    uint32_t       quorum = fed_roster_quorum(roster, NULL);
    PN_ASSERT(st == (sound && count >= quorum ? PN_OK : PN_EAUTH));
}

/* As it lies on a disk: what was written is read, and what was changed is another or refused. */
static void
try_file(const struct said *said, size_t count, uint8_t at, uint8_t change)
{
    struct fed_certificate made = {.height = 7, .view = said[0].wire.view}, read;
    uint8_t                bytes[FED_CERTIFICATE_MAX];
    for (size_t i = 0; i < count; i++)
        if (made.count == 0 || said[i].wire.member > made.witnesses[made.count - 1].member) {
            struct wire_witness *witness = &made.witnesses[made.count++];
            witness->member              = said[i].wire.member;
            memcpy(witness->signature, said[i].wire.signature, sizeof witness->signature);
        }
    size_t size = fed_certificate_encode(bytes, &made);
    PN_ASSERT(fed_certificate_decode(&read, bytes, size));
    PN_ASSERT(read.height == made.height && read.view == made.view && read.count == made.count);
    bytes[at % size] ^= change;
    if (fed_certificate_decode(&read, bytes, size)) {
        uint8_t again[FED_CERTIFICATE_MAX];
        PN_ASSERT(fed_certificate_encode(again, &read) == size);
        PN_ASSERT(memcmp(again, bytes, size) == 0);
    }
}

static void
try_evidence(const struct said *first, const struct said *other)
{
    const struct fed_chain       chain      = {.roster = federation.roster, .height = 7};
    const struct wire_conviction conviction = {.first = first->wire, .other = other->wire};
    bool                         contradict = first->wire.member == other->wire.member &&
                      first->wire.view == other->wire.view &&
                      first->wire.step == other->wire.step &&
                      memcmp(first->wire.hash, other->wire.hash, sizeof first->wire.hash) != 0;
    struct fed_signed_vote vote;
    PN_ASSERT((fed_vote_from_wire(&vote, run, &first->wire, federation.roster) == PN_OK) ==
              first->sound);
    PN_ASSERT(fed_chain_convicts(&chain, run, &conviction) ==
              (contradict && first->sound && other->sound));
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct said said[VOTES_MAX];
    size_t      count = size / 4 < VOTES_MAX ? size / 4 : VOTES_MAX;
    if (federation.roster == NULL)
        test_federation_new(&federation, NODES);
    if (count == 0)
        return 0;
    for (size_t i = 0; i < count; i++)
        make_vote(&said[i], bytes + 4 * i);
    try_certificate(said, count);
    try_file(said, count, bytes[0], bytes[size - 1]);
    for (size_t i = 1; i < count; i++)
        try_evidence(&said[i - 1], &said[i]);
    return 0;
}
