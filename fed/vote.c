#include "fed/vote.h"

#include "crypto/seen.h"

#include <string.h>

enum {
    VOTE_SIZE   = 100,
    REPORT_SIZE = 68
};

static void
encode_vote(uint8_t out[static VOTE_SIZE], const uint8_t run[static 16],
            const struct fed_vote *vote)
{
    memcpy(out, run, 16);
    pn_put_u64(out + 16, vote->height);
    pn_put_u32(out + 24, vote->view);
    pn_put_u32(out + 28, (uint32_t)vote->step);
    memcpy(out + 32, vote->hash.bytes, 32);
    pn_put_u32(out + 64, vote->lock_view);
    memcpy(out + 68, vote->lock.bytes, 32);
}

void
fed_vote_sign(struct sec_signature *out, const uint8_t run[static 16], const struct fed_vote *vote,
              const struct sec_sign_secret *secret)
{
    uint8_t bytes[VOTE_SIZE];
    encode_vote(bytes, run, vote);
    sec_sign(out, "vote", bytes, sizeof bytes, secret);
}

static bool
check_vote(const struct sec_signature *signature, const uint8_t run[static 16],
           const struct fed_vote *vote, const struct sec_sign_public *key)
{
    uint8_t bytes[VOTE_SIZE];
    encode_vote(bytes, run, vote);
    return sec_verify_again(signature, "vote", bytes, sizeof bytes, key);
}

void
fed_vote_to_wire(struct wire_vote *out, const struct fed_signed_vote *vote,
                 const struct fed_roster *roster)
{
    *out = (struct wire_vote){.height    = vote->vote.height,
                              .member    = roster->members[vote->member].number,
                              .view      = vote->vote.view,
                              .step      = (enum wire_step)vote->vote.step,
                              .lock_view = vote->vote.lock_view};
    memcpy(out->hash, vote->vote.hash.bytes, sizeof out->hash);
    memcpy(out->lock, vote->vote.lock.bytes, sizeof out->lock);
    memcpy(out->signature, vote->signature.bytes, sizeof out->signature);
}

enum pn_status
fed_vote_from_wire(struct fed_signed_vote *out, const uint8_t run[static 16],
                   const struct wire_vote *vote, const struct fed_roster *roster)
{
    uint32_t               place = fed_roster_place(roster, vote->member);
    struct fed_signed_vote given = {.member = place,
                                    .vote   = {.height    = vote->height,
                                               .view      = vote->view,
                                               .step      = (enum fed_step)vote->step,
                                               .lock_view = vote->lock_view}};
    memcpy(given.vote.hash.bytes, vote->hash, sizeof vote->hash);
    memcpy(given.vote.lock.bytes, vote->lock, sizeof vote->lock);
    memcpy(given.signature.bytes, vote->signature, sizeof vote->signature);
    if (place == roster->member_count ||
        !check_vote(&given.signature, run, &given.vote, &roster->members[place].certificate.node))
        return PN_EPEER_AUTH;
    *out = given;
    return PN_OK;
}

static void
encode_report(uint8_t out[static REPORT_SIZE], const struct fed_report *report)
{
    memcpy(out, report->run, 16);
    pn_put_u64(out + 16, report->height);
    pn_put_u32(out + 24, report->member);
    pn_put_u64(out + 28, report->blob.size);
    memcpy(out + 36, report->blob.root.bytes, 32);
}

void
fed_report_sign(struct sec_signature *out, const struct fed_report *report,
                const struct sec_sign_secret *secret)
{
    uint8_t bytes[REPORT_SIZE];
    encode_report(bytes, report);
    sec_sign(out, "report", bytes, sizeof bytes, secret);
}

bool
fed_report_check(const struct sec_signature *signature, const struct fed_report *report,
                 const struct sec_sign_public *key)
{
    uint8_t bytes[REPORT_SIZE];
    encode_report(bytes, report);
    return sec_verify_again(signature, "report", bytes, sizeof bytes, key);
}

enum pn_status
fed_certificate_check(const struct fed_roster *roster, const struct fed_decided *decided,
                      const struct wire_witness *witnesses, size_t count, struct pn_error *why)
{
    const struct fed_vote vote   = {.height = decided->height,
                                    .view   = decided->view,
                                    .step   = FED_PRECOMMIT,
                                    .hash   = decided->hash};
    uint32_t              quorum = fed_roster_quorum(roster, NULL);
    for (size_t i = 0; i < count; i++) {
        const struct fed_roster_member *member = fed_roster_find(roster, witnesses[i].member);
        struct sec_signature            signature;
        memcpy(signature.bytes, witnesses[i].signature, sizeof signature.bytes);
        if (member == NULL)
            return pn_error_set(why, PN_EAUTH, "vote: the roster has no member with number %u",
                                witnesses[i].member);
        if (!check_vote(&signature, decided->run, &vote, &member->certificate.node))
            return pn_error_set(why, PN_EAUTH, "vote: %s has not signed it", member->name);
    }
    if (count < quorum)
        return pn_error_set(why, PN_EAUTH, "expected the votes of %u members, seen %zu", quorum,
                            count);
    return PN_OK;
}

bool
fed_certificate_of(struct fed_certificate *out, const struct wire_block *after)
{
    if (after->agreement == NULL || after->witness_count > FED_SWARM_MAX)
        return false;
    out->height = after->height - 1;
    out->view   = after->agreement->witness_view;
    out->count  = (uint32_t)after->witness_count;
    memcpy(out->witnesses, after->witnesses, after->witness_count * sizeof *after->witnesses);
    return true;
}

size_t
fed_certificate_encode(uint8_t                       out[static FED_CERTIFICATE_MAX],
                       const struct fed_certificate *certificate)
{
    uint8_t *at = out + 16;
    pn_put_u64(out, certificate->height);
    pn_put_u32(out + 8, certificate->view);
    pn_put_u32(out + 12, certificate->count);
    for (uint32_t i = 0; i < certificate->count; i++, at += 68) {
        pn_put_u32(at, certificate->witnesses[i].member);
        memcpy(at + 4, certificate->witnesses[i].signature, 64);
    }
    return (size_t)(at - out);
}

bool
fed_certificate_decode(struct fed_certificate *out, const uint8_t *bytes, size_t size)
{
    if (size < 16)
        return false;
    *out = (struct fed_certificate){.height = pn_get_u64(bytes),
                                    .view   = pn_get_u32(bytes + 8),
                                    .count  = pn_get_u32(bytes + 12)};
    if (out->count > FED_SWARM_MAX || size != 16 + 68 * (size_t)out->count)
        return false;
    for (uint32_t i = 0; i < out->count; i++) {
        out->witnesses[i].member = pn_get_u32(bytes + 16 + 68 * i);
        memcpy(out->witnesses[i].signature, bytes + 20 + 68 * i, 64);
        if (i > 0 && out->witnesses[i].member <= out->witnesses[i - 1].member)
            return false;
    }
    return true;
}
