#include "fed/block.h"

#include "crypto/seen.h"
#include "fed/update.h"
#include "fed/vote.h"

#include <inttypes.h>
#include <string.h>

/* ---- signatures ---- */

enum {
    COMMITMENT_SIZE = 116
};

static uint8_t *
put_blob(uint8_t *at, const struct sec_blob *blob)
{
    pn_put_u64(at, blob->size);
    memcpy(at + 8, blob->root.bytes, sizeof blob->root.bytes);
    return at + 8 + sizeof blob->root.bytes;
}

static void
commitment_encode(uint8_t out[static COMMITMENT_SIZE], const struct fed_commitment *commitment)
{
    uint8_t *at = out;
    memcpy(at, commitment->run, sizeof commitment->run);
    at += sizeof commitment->run;
    pn_put_u64(at, commitment->round);
    pn_put_u32(at + 8, commitment->member);
    at = put_blob(at + 12, &commitment->model_in);
    at = put_blob(at, &commitment->update);
    pn_put_u64(at, commitment->weight);
    PN_ASSERT(at + 8 == out + COMMITMENT_SIZE);
}

void
fed_commitment_sign(struct sec_signature *out, const struct fed_commitment *commitment,
                    const struct sec_sign_secret *secret)
{
    uint8_t bytes[COMMITMENT_SIZE];
    commitment_encode(bytes, commitment);
    sec_sign(out, "update", bytes, sizeof bytes, secret);
}

bool
fed_commitment_check(const struct sec_signature *signature, const struct fed_commitment *commitment,
                     const struct sec_sign_public *key)
{
    uint8_t bytes[COMMITMENT_SIZE];
    commitment_encode(bytes, commitment);
    return sec_verify_again(signature, "update", bytes, sizeof bytes, key);
}

void
fed_block_hash(struct sec_hash *out, const uint8_t *block, size_t size)
{
    sec_hash_of(out, "block", block, size);
}

void
fed_block_sign(struct sec_signature *out, const struct sec_hash *hash,
               const struct sec_sign_secret *secret)
{
    sec_sign(out, "block", hash->bytes, sizeof hash->bytes, secret);
}

bool
fed_block_check(const struct sec_signature *signature, const struct sec_hash *hash,
                const struct sec_sign_public *key)
{
    return sec_verify(signature, "block", hash->bytes, sizeof hash->bytes, key);
}

void
fed_witness_sign(struct sec_signature *out, const struct sec_hash *hash,
                 const struct sec_sign_secret *secret)
{
    sec_sign(out, "witness", hash->bytes, sizeof hash->bytes, secret);
}

bool
fed_witness_check(const struct sec_signature *signature, const struct sec_hash *hash,
                  const struct sec_sign_public *key)
{
    return sec_verify(signature, "witness", hash->bytes, sizeof hash->bytes, key);
}

struct sec_blob
fed_blob_from_wire(const struct wire_blob *blob)
{
    struct sec_blob out = {.size = blob->size};
    memcpy(out.root.bytes, blob->root, sizeof out.root.bytes);
    return out;
}

struct wire_blob
fed_blob_to_wire(const struct sec_blob *blob)
{
    struct wire_blob out = {.size = blob->size};
    memcpy(out.root, blob->root.bytes, sizeof out.root);
    return out;
}

/* ---- the chain ---- */

void
fed_chain_init(struct fed_chain *chain, const struct fed_roster *roster, struct fed_epochs *epochs)
{
    PN_ASSERT((roster->mode == FED_MODE_SWARM) == (epochs != NULL));
    *chain = (struct fed_chain){.roster = roster, .head_roster = roster, .epochs = epochs};
    if (epochs != NULL)
        sec_log_init(&epochs->log);
}

void
fed_chain_note(const struct fed_chain *chain, const uint8_t *bytes, size_t size)
{
    if (chain->epochs != NULL)
        sec_log_append(&chain->epochs->log, bytes, size);
}

static struct sec_signature
signature_of(const uint8_t bytes[static 64])
{
    struct sec_signature out;
    memcpy(out.bytes, bytes, sizeof out.bytes);
    return out;
}

static struct sec_hash
hash_of(const uint8_t bytes[static 32])
{
    struct sec_hash out;
    memcpy(out.bytes, bytes, sizeof out.bytes);
    return out;
}

static const struct wire_roster *
roster_carried(const struct wire_block *block)
{
    return block->agreement == NULL ? NULL : block->agreement->roster;
}

struct fed_block_facts
fed_block_facts_of(const struct wire_block *block, const struct sec_hash *hash)
{
    struct fed_block_facts facts = {
        .kind           = block->kind,
        .height         = block->height,
        .round          = block->round,
        .witness_count  = block->witness_count,
        .epoch          = block->epoch,
        .carries_roster = roster_carried(block) != NULL,
        .hash           = *hash,
        .previous       = hash_of(block->previous),
        .roster         = hash_of(block->roster),
        .job            = hash_of(block->job),
        .model_in       = fed_blob_from_wire(&block->model_in),
        .model_out      = fed_blob_from_wire(&block->model_out),
        .scaling        = fed_blob_from_wire(&block->scaling),
    };
    memcpy(facts.run, block->run, sizeof facts.run);
    return facts;
}

static enum pn_status
check_hash(const char *what, const struct sec_hash *expected, const struct sec_hash *seen,
           struct pn_error *why)
{
    char expected_text[SEC_HEX_SIZE], seen_text[SEC_HEX_SIZE];
    if (sec_hash_equal(expected, seen))
        return PN_OK;
    sec_hash_text(expected_text, expected);
    sec_hash_text(seen_text, seen);
    return pn_error_set(why, PN_ECORRUPT, "%s: expected %s, seen %s", what, expected_text,
                        seen_text);
}

static enum pn_status
check_blob(const char *what, const struct sec_blob *expected, const struct sec_blob *seen,
           struct pn_error *why)
{
    if (seen->size != expected->size)
        return pn_error_set(why, PN_ECORRUPT, "%s: expected %" PRIu64 " bytes, seen %" PRIu64, what,
                            expected->size, seen->size);
    return check_hash(what, &expected->root, &seen->root, why);
}

/* Blocks between the last one and this are not in this copy. */
static bool
is_after_gap(const struct fed_chain *chain, const struct fed_block_facts *facts)
{
    return chain->sparse && chain->height > 0 && facts->height > chain->height;
}

/* Where it stands in the chain. A decoded block is a genesis exactly at height 0. */
static enum pn_status
check_place(const struct fed_chain *chain, const struct fed_block_facts *facts,
            struct pn_error *why)
{
    if (chain->finished)
        return pn_error_set(why, PN_ECORRUPT, "it comes after the block that finished the run");
    if (is_after_gap(chain, facts))
        return PN_OK;
    if (facts->height != chain->height)
        return pn_error_set(why, PN_ECORRUPT, "expected height %" PRIu64 ", seen %" PRIu64,
                            chain->height, facts->height);
    return check_hash("the block before it", &chain->head, &facts->previous, why);
}

/* That it speaks of this federation and, after genesis, of this run and job. */
static enum pn_status
check_subject(const struct fed_chain *chain, const struct fed_block_facts *facts,
              struct pn_error *why)
{
    enum pn_status st = check_hash("its roster", &chain->roster->hash, &facts->roster, why);
    if (st != PN_OK)
        return st;
    if (facts->epoch != chain->roster->epoch)
        return pn_error_set(why, PN_ECORRUPT, "expected roster epoch %u, seen %u",
                            chain->roster->epoch, facts->epoch);
    if (chain->height == 0)
        return PN_OK;
    if (!sec_equal(chain->run, facts->run, sizeof chain->run)) {
        char expected[33], seen[33];
        pn_hex_encode(expected, chain->run, sizeof chain->run);
        pn_hex_encode(seen, facts->run, sizeof facts->run);
        return pn_error_set(why, PN_ECORRUPT, "its run: expected %s, seen %s", expected, seen);
    }
    return check_hash("its job", &chain->job, &facts->job, why);
}

/* The coordinator; in a swarm the leader of the view in which the block was made. */
static const struct fed_roster_member *
expected_proposer(const struct fed_roster *roster, const struct wire_block *block)
{
    if (roster->mode == FED_MODE_COORDINATOR)
        return fed_roster_find(roster, roster->coordinator);
    return &roster->members[(block->height + block->agreement->view - 1) % roster->member_count];
}

static enum pn_status
check_proposer(const struct fed_chain *chain, const struct wire_block *block,
               const struct sec_hash *hash, const struct sec_signature *signature,
               struct pn_error *why)
{
    bool swarm = chain->roster->mode == FED_MODE_SWARM;
    if (swarm != (block->agreement != NULL))
        return pn_error_set(why, PN_ECORRUPT, "expected a block of a %s, seen one of a %s",
                            swarm ? "swarm" : "coordinator", swarm ? "coordinator" : "swarm");
    const struct fed_roster_member *member = expected_proposer(chain->roster, block);
    PN_ASSERT(member != NULL);
    if (block->proposer != member->number)
        return pn_error_set(why, PN_EAUTH, "expected %s, member %u, as proposer, seen %u",
                            swarm ? "the leader of its view" : "the coordinator", member->number,
                            block->proposer);
    if (!fed_block_check(signature, hash, &member->certificate.node))
        return pn_error_set(why, PN_EAUTH, "it is not signed by %s", member->name);
    return PN_OK;
}

/* That it goes on where the block before it ended. */
static enum pn_status
check_progress(const struct fed_chain *chain, const struct fed_block_facts *facts,
               struct pn_error *why)
{
    if (chain->height == 0)
        return PN_OK;
    uint64_t round = chain->round + (facts->kind == WIRE_BLOCK_ROUND);
    if (is_after_gap(chain, facts)) {
        if (facts->round < round || facts->round - chain->round > facts->height - chain->height + 1)
            return pn_error_set(why, PN_ECORRUPT,
                                "round %" PRIu64 " does not follow round %" PRIu64
                                " that many blocks before",
                                facts->round, chain->round);
        return check_blob("its scaling", &chain->scaling, &facts->scaling, why);
    }
    if (facts->round != round)
        return pn_error_set(why, PN_ECORRUPT, "expected round %" PRIu64 ", seen %" PRIu64, round,
                            facts->round);
    enum pn_status st =
        check_blob("the model it starts from", &chain->model, &facts->model_in, why);
    return st == PN_OK ? check_blob("its scaling", &chain->scaling, &facts->scaling, why) : st;
}

/* Only nodes contribute, are missed, and witness. */
static const struct fed_roster_member *
find_node(const struct fed_chain *chain, uint32_t number, const char *what, struct pn_error *why)
{
    const struct fed_roster_member *member = fed_roster_find(chain->roster, number);
    if (member == NULL || member->role != FED_ROLE_NODE) {
        pn_error_set(why, PN_EAUTH, "%s: the roster has no node with number %u", what, number);
        return NULL;
    }
    return member;
}

static enum pn_status
check_entry(const struct fed_chain *chain, const struct wire_block *block,
            const struct wire_entry *entry, struct pn_error *why)
{
    const struct fed_roster_member *member = find_node(chain, entry->member, "update", why);
    if (member == NULL)
        return PN_EAUTH;
    struct fed_commitment commitment = {
        .round    = block->round,
        .weight   = entry->weight,
        .member   = entry->member,
        .model_in = fed_blob_from_wire(&block->model_in),
        .update   = fed_blob_from_wire(&entry->update),
    };
    struct sec_signature signature = signature_of(entry->signature);
    memcpy(commitment.run, block->run, sizeof commitment.run);
    if (!fed_commitment_check(&signature, &commitment, &member->certificate.node))
        return pn_error_set(why, PN_EAUTH, "update: %s has not committed to it", member->name);
    return PN_OK;
}

static enum pn_status
check_entries(const struct fed_chain *chain, const struct wire_block *block, struct pn_error *why)
{
    uint64_t       total = 0;
    enum pn_status st    = PN_OK;
    for (size_t i = 0; i < block->entry_count; i++) {
        if (block->entries[i].weight > FED_WEIGHTS_MAX - total)
            return pn_error_set(why, PN_ECORRUPT,
                                "expected weights of %u at most together, seen more",
                                FED_WEIGHTS_MAX);
        total += block->entries[i].weight;
    }
    for (size_t i = 0; st == PN_OK && i < block->entry_count; i++)
        st = check_entry(chain, block, &block->entries[i], why);
    for (size_t i = 0; st == PN_OK && i < block->absent_count; i++)
        if (find_node(chain, block->absent[i].member, "absent", why) == NULL)
            st = PN_EAUTH;
    return st;
}

/* In a swarm: the votes that decided the block before. */
static enum pn_status
check_certificate(const struct fed_chain *chain, const struct wire_block *block,
                  struct pn_error *why)
{
    struct fed_decided before = {.view = block->agreement->witness_view,
                                 .hash = hash_of(block->previous)};
    if (block->height == 0)
        return PN_OK;
    before.height = block->height - 1;
    memcpy(before.run, block->run, sizeof before.run);
    enum pn_status st = fed_certificate_check(chain->head_roster, &before, block->witnesses,
                                              block->witness_count, why);
    return st == PN_OK ? st : pn_error_wrap(why, st, "the block before it");
}

static enum pn_status
check_reports(const struct fed_chain *chain, const struct wire_block *block, struct pn_error *why)
{
    for (size_t i = 0; i < block->agreement->report_count; i++) {
        const struct wire_report       *given  = &block->agreement->reports[i];
        const struct fed_roster_member *member = find_node(chain, given->member, "report", why);
        struct fed_report               report = {.height = block->height,
                                                  .member = given->member,
                                                  .blob   = fed_blob_from_wire(&given->report)};
        if (member == NULL)
            return PN_EAUTH;
        struct sec_signature signature = signature_of(given->signature);
        memcpy(report.run, block->run, sizeof report.run);
        if (!fed_report_check(&signature, &report, &member->certificate.node))
            return pn_error_set(why, PN_EAUTH, "report: %s has not committed to it", member->name);
    }
    return PN_OK;
}

static bool
has_voted(const struct fed_chain *chain, const uint8_t run[static 16], const struct wire_vote *vote)
{
    struct fed_signed_vote   seen;
    const struct fed_roster *then =
        vote->height < chain->since ? chain->last_roster : chain->roster;
    return then != NULL && fed_vote_from_wire(&seen, run, vote, then) == PN_OK;
}

bool
fed_chain_convicts(const struct fed_chain *chain, const uint8_t run[static 16],
                   const struct wire_conviction *conviction)
{
    const struct wire_vote *first = &conviction->first, *other = &conviction->other;
    return first->height <= chain->height && first->height == other->height &&
           first->member == other->member && first->view == other->view &&
           first->step == other->step &&
           memcmp(first->hash, other->hash, sizeof first->hash) != 0 &&
           has_voted(chain, run, first) && has_voted(chain, run, other);
}

static enum pn_status
check_convictions(const struct fed_chain *chain, const struct wire_block *block,
                  struct pn_error *why)
{
    for (size_t i = 0; i < block->agreement->conviction_count; i++) {
        const struct wire_conviction *conviction = &block->agreement->convictions[i];
        if (!fed_chain_convicts(chain, block->run, conviction))
            return pn_error_set(why, PN_EAUTH,
                                "conviction: member %u has not signed both of the votes",
                                conviction->first.member);
    }
    return PN_OK;
}

static enum pn_status
check_log(const struct fed_chain *chain, const struct wire_block *block, struct pn_error *why)
{
    const struct sec_hash seen = hash_of(block->agreement->log);
    struct sec_hash       root;
    sec_log_root(&root, &chain->epochs->log);
    return check_hash("the root of the log before it", &root, &seen, why);
}

static enum pn_status
check_agreement(const struct fed_chain *chain, const struct wire_block *block, struct pn_error *why)
{
    enum pn_status st = check_log(chain, block, why);
    if (st == PN_OK)
        st = check_reports(chain, block, why);
    if (st != PN_OK || chain->head_roster == NULL)
        return st; /* what may be of the epoch before cannot be checked */
    st = check_certificate(chain, block, why);
    return st == PN_OK ? check_convictions(chain, block, why) : st;
}

static enum pn_status
check_witnesses(const struct fed_chain *chain, const struct wire_block *block, struct pn_error *why)
{
    const struct sec_hash previous = hash_of(block->previous);
    if (block->agreement != NULL)
        return check_agreement(chain, block, why);
    for (size_t i = 0; i < block->witness_count; i++) {
        const struct wire_witness      *witness = &block->witnesses[i];
        const struct fed_roster_member *member  = find_node(chain, witness->member, "witness", why);
        if (member == NULL)
            return PN_EAUTH;
        struct sec_signature signature = signature_of(witness->signature);
        if (!fed_witness_check(&signature, &previous, &member->certificate.node))
            return pn_error_set(why, PN_EAUTH, "witness: %s has not signed the block before it",
                                member->name);
    }
    return PN_OK;
}

static void
move_on(struct fed_chain *chain, const struct fed_block_facts *facts)
{
    chain->head_roster = chain->roster;
    if (chain->height == 0) {
        memcpy(chain->run, facts->run, sizeof chain->run);
        chain->job     = facts->job;
        chain->scaling = facts->scaling;
    }
    chain->height   = facts->height + 1;
    chain->head     = facts->hash;
    chain->round    = facts->round;
    chain->model    = facts->model_out;
    chain->finished = facts->kind == WIRE_BLOCK_FINISH;
    chain->witness_count += facts->witness_count;
}

/* The roster of the run, which is in force for genesis itself; or for what comes after. */
static enum pn_status
check_roster(const struct fed_roster **next, const struct fed_chain *chain,
             const struct wire_block *block, struct pn_error *why)
{
    const struct wire_roster *carried = roster_carried(block);
    *next                             = chain->roster;
    if (chain->epochs == NULL || carried == NULL)
        return PN_OK;
    return block->height == 0 ? fed_epochs_begin(next, chain->epochs, carried, why)
                              : fed_epochs_next(next, chain->epochs, chain->roster, carried, why);
}

/* `chain` goes by the block's own roster afterwards; `*next`: the one in force after it. */
static enum pn_status
check_all(const struct fed_roster **next, struct fed_chain *chain, const struct wire_block *block,
          const struct fed_block_facts *facts, const struct sec_signature *signature,
          struct pn_error *why)
{
    enum pn_status st = check_place(chain, facts, why);
    if (st == PN_OK && block->height == 0) {
        st            = check_roster(next, chain, block, why);
        chain->roster = st == PN_OK ? *next : chain->roster;
    }
    if (st == PN_OK)
        st = check_subject(chain, facts, why);
    if (st == PN_OK)
        st = check_proposer(chain, block, &facts->hash, signature, why);
    if (st == PN_OK)
        st = check_progress(chain, facts, why);
    if (st == PN_OK)
        st = check_entries(chain, block, why);
    if (st == PN_OK)
        st = check_witnesses(chain, block, why);
    return st == PN_OK && block->height > 0 ? check_roster(next, chain, block, why) : st;
}

enum pn_status
fed_chain_take(struct wire_block *block, struct fed_chain *chain, struct wire_arena *arena,
               const uint8_t *bytes, size_t size, const struct sec_signature *signature,
               struct pn_error *why)
{
    struct wire_block        seen;
    struct sec_hash          hash;
    struct fed_block_facts   facts;
    struct fed_chain         after = *chain;
    const struct fed_roster *next;

    enum pn_status st = wire_block_decode(&seen, arena, bytes, size);
    if (st != PN_OK) {
        st = pn_error_set(why, st == PN_ENOMEM ? PN_ENOMEM : PN_ECORRUPT,
                          "its %zu bytes are no block: %s", size, pn_status_text(st));
    } else {
        fed_block_hash(&hash, bytes, size);
        facts = fed_block_facts_of(&seen, &hash);
        st    = check_all(&next, &after, &seen, &facts, signature, why);
    }
    if (st != PN_OK)
        return pn_error_wrap(why, st, "block %" PRIu64, chain->height);
    move_on(&after, &facts);
    if (next != after.roster) {
        after.last_roster = after.roster;
        after.since       = after.height;
    }
    after.roster = next;
    *chain       = after;
    *block       = seen;
    return PN_OK;
}

enum pn_status
fed_chain_take_known(struct fed_chain *chain, const struct fed_block_facts *facts,
                     struct pn_error *why)
{
    PN_ASSERT(!facts->carries_roster);
    enum pn_status st = check_place(chain, facts, why);
    if (st == PN_OK)
        st = check_subject(chain, facts, why);
    if (st == PN_OK)
        st = check_progress(chain, facts, why);
    if (st != PN_OK)
        return pn_error_wrap(why, st, "block %" PRIu64, chain->height);
    move_on(chain, facts);
    return PN_OK;
}
