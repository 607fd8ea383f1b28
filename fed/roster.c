#include "fed/roster.h"
#include "fed/consensus.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fed_roster_free(struct fed_roster *roster)
{
    free(roster);
}

/* ---- who signed ---- */

static const struct fed_roster_signature *
find_signature(const struct fed_roster_signature *signatures, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (strncmp(signatures[i].name, name, sizeof signatures[i].name) == 0)
            return &signatures[i];
    return NULL;
}

/* A list in a sentence that ends in "..." when it grows too long. */
struct list {
    char   text[320];
    size_t len;
};

static void
list_add(struct list *list, const char *name, const char *reason)
{
    size_t room = sizeof list->text - list->len;
    int len = snprintf(list->text + list->len, room, "%s%s (%s)", list->len == 0 ? "" : ", ", name,
                       reason);
    if (len > 0 && (size_t)len < room - sizeof ", ...")
        list->len += (size_t)len;
    else
        snprintf(list->text + list->len, room, ", ...");
}

enum pn_status
fed_roster_check_signatures(const struct fed_roster *by, const char *text, size_t size,
                            const struct fed_roster_signature *signatures, size_t count,
                            struct pn_error *why)
{
    struct list missing = {.len = 0};
    uint32_t    valid   = 0;
    for (uint32_t i = 0; i < by->member_count; i++) {
        const struct fed_roster_member *member = &by->members[i];
        if (!member->signer)
            continue;
        const struct fed_roster_signature *signature =
            find_signature(signatures, count, member->name);
        struct pn_error reason;
        if (signature == NULL)
            list_add(&missing, member->name, "has not signed");
        else if (sec_minisign_verify(text, size, signature->text, signature->size, &member->root,
                                     &reason) != PN_OK)
            list_add(&missing, member->name, reason.text);
        else
            valid++;
    }
    if (valid >= by->threshold)
        return PN_OK;
    return pn_error_set(
        why, PN_EAUTH,
        "expected signatures of at least %u signers of epoch %u, seen %u; missing: %s",
        by->threshold, by->epoch, valid, missing.text);
}

/* ---- when it holds ---- */

static enum pn_status
check_span(uint64_t from, uint64_t to, uint64_t now, const char *what, struct pn_error *why)
{
    char limit[FED_TIME_SIZE], seen[FED_TIME_SIZE];
    fed_time_text(seen, now);
    if (now < from) {
        fed_time_text(limit, from);
        return pn_error_set(why, PN_EAUTH, "%s is valid from %s on, and this clock shows %s", what,
                            limit, seen);
    }
    if (now >= to) {
        fed_time_text(limit, to);
        return pn_error_set(why, PN_EAUTH, "%s expired at %s, and this clock shows %s", what, limit,
                            seen);
    }
    return PN_OK;
}

enum pn_status
fed_roster_check_time(const struct fed_roster *roster, uint64_t now, struct pn_error *why)
{
    char what[64];
    snprintf(what, sizeof what, "epoch %u of the roster", roster->epoch);
    return check_span(roster->issued, roster->expires, now, what, why);
}

enum pn_status
fed_roster_check_member(const struct fed_roster_member *member, uint64_t now, struct pn_error *why)
{
    char what[32 + FED_NAME_SIZE];
    snprintf(what, sizeof what, "the certificate of %s", member->name);
    return check_span(member->certificate.not_before, member->certificate.not_after, now, what,
                      why);
}

enum pn_status
fed_roster_check_anchor(const struct fed_roster_anchor *anchor, const struct fed_roster *next,
                        struct pn_error *why)
{
    if (anchor->epoch == 0)
        return PN_OK;
    if (next->epoch < anchor->epoch)
        return pn_error_set(why, PN_EAUTH,
                            "expected epoch %u or later, which was accepted before, seen epoch %u",
                            anchor->epoch, next->epoch);
    if (next->epoch == anchor->epoch && !sec_hash_equal(&next->hash, &anchor->hash))
        return pn_error_set(why, PN_EAUTH,
                            "this is another roster of epoch %u than the one accepted before",
                            next->epoch);
    if (next->epoch - anchor->epoch == 1 && !sec_hash_equal(&next->previous, &anchor->hash))
        return pn_error_set(why, PN_EAUTH,
                            "epoch %u does not name the roster of epoch %u accepted before as its "
                            "previous one",
                            next->epoch, anchor->epoch);
    return PN_OK;
}

/* ---- the epochs before ---- */

bool
fed_roster_names(const struct fed_roster *roster, const struct sec_hash *hash)
{
    if (sec_hash_is_zero(hash))
        return false;
    for (uint32_t i = 0; i < roster->history_count; i++)
        if (sec_hash_equal(&roster->history[i], hash))
            return true;
    return sec_hash_equal(&roster->previous, hash) || sec_hash_equal(&roster->hash, hash);
}

void
fed_roster_follow(struct fed_roster *next, const struct fed_roster *before)
{
    uint32_t count = before->history_count;
    memmove(next->history, before->history, sizeof next->history);
    if (!sec_hash_is_zero(&before->previous)) {
        if (count == FED_HISTORY_MAX)
            memmove(next->history, next->history + 1, --count * sizeof next->history[0]);
        next->history[count++] = before->previous;
    }
    next->history_count = count;
    next->previous      = before->hash;
    next->epoch         = before->epoch + 1;
    next->last_number   = before->last_number;
}

static bool
has_history_of(const struct fed_roster *next, const struct fed_roster *before)
{
    struct fed_roster expected = {.epoch = 0};
    fed_roster_follow(&expected, before);
    return next->history_count == expected.history_count &&
           memcmp(next->history, expected.history,
                  expected.history_count * sizeof expected.history[0]) == 0;
}

/* A number says for ever who it was. Members that have no block yet could found a run of their own
 * if they were a quorum. */
static enum pn_status
check_newcomers(const struct fed_roster *next, const struct fed_roster *before,
                struct pn_error *why)
{
    uint32_t come = 0, quorum = fed_roster_quorum(next, NULL);
    for (uint32_t i = 0; i < next->member_count; i++) {
        const struct fed_roster_member *member = &next->members[i];
        if (fed_roster_find(before, member->number) != NULL)
            continue;
        come++;
        if (member->number <= before->last_number)
            return pn_error_set(
                why, PN_EAUTH,
                "%s has number %u, which another member had before: expected one above "
                "%u",
                member->name, member->number, before->last_number);
    }
    if (next->last_number < before->last_number)
        return pn_error_set(why, PN_EAUTH, "last_number: expected %u at least, seen %u",
                            before->last_number, next->last_number);
    return next->mode == FED_MODE_COORDINATOR || come < quorum
               ? PN_OK
               : pn_error_set(
                     why, PN_EAUTH,
                     "%u of its %u members are new, and %u decide: expected fewer new ones "
                     "than that; let them join in several epochs",
                     come, next->member_count, quorum);
}

enum pn_status
fed_roster_check_next(const struct fed_roster *next, const struct fed_roster *before,
                      struct pn_error *why)
{
    if (strcmp(next->federation, before->federation) != 0 || next->mode != before->mode)
        return pn_error_set(
            why, PN_EAUTH, "it is of federation %s, mode %s, expected %s, mode %s",
            next->federation, next->mode == FED_MODE_SWARM ? "swarm" : "coordinator",
            before->federation, before->mode == FED_MODE_SWARM ? "swarm" : "coordinator");
    if (next->epoch - 1 != before->epoch || !sec_hash_equal(&next->previous, &before->hash))
        return pn_error_set(
            why, PN_EAUTH,
            "expected epoch %u with the roster of epoch %u as its previous one, seen "
            "epoch %u",
            before->epoch + 1, before->epoch, next->epoch);
    if (!has_history_of(next, before))
        return pn_error_set(
            why, PN_EAUTH,
            "its history is not that of epoch %u with its previous one: make it with "
            "`panal roster next`",
            before->epoch);
    return check_newcomers(next, before, why);
}

void
fed_roster_fingerprint(char out[static SEC_FINGERPRINT_SIZE], const struct fed_roster *roster)
{
    struct sec_hasher hasher;
    struct sec_hash   hash;
    uint8_t           head[FED_NAME_SIZE + 4] = {0};
    memcpy(head, roster->federation, strnlen(roster->federation, FED_NAME_SIZE));
    pn_put_u32(head + FED_NAME_SIZE, roster->threshold);
    sec_hash_begin(&hasher, "signers");
    sec_hash_add(&hasher, head, sizeof head);
    for (uint32_t i = 0; i < roster->member_count; i++)
        if (roster->members[i].signer)
            sec_hash_add(&hasher, roster->members[i].root.bytes,
                         sizeof roster->members[i].root.bytes);
    sec_hash_end(&hash, &hasher);
    sec_fingerprint(out, hash.bytes, sizeof hash.bytes);
}

/* ---- who is who ---- */

const struct fed_roster_member *
fed_roster_find(const struct fed_roster *roster, uint32_t number)
{
    uint32_t low = 0, high = roster->member_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (roster->members[middle].number == number)
            return &roster->members[middle];
        if (roster->members[middle].number < number)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct fed_roster_member *
fed_roster_find_transport(const struct fed_roster *roster, const struct sec_transport_public *key)
{
    for (uint32_t i = 0; i < roster->member_count; i++)
        if (sec_equal(roster->members[i].certificate.transport.bytes, key->bytes,
                      sizeof key->bytes))
            return &roster->members[i];
    return NULL;
}

uint32_t
fed_roster_place(const struct fed_roster *roster, uint32_t number)
{
    uint32_t place = 0;
    while (place < roster->member_count && roster->members[place].number != number)
        place++;
    return place;
}

uint32_t
fed_roster_quorum(const struct fed_roster *roster, uint32_t *liars)
{
    return roster->quorum == FED_QUORUM_MAJORITY ? fed_quorum_majority(roster->member_count, liars)
                                                 : fed_quorum_bft(roster->member_count, liars);
}
