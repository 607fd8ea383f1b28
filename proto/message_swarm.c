/* What the members of a swarm send each other, and what their blocks say besides. */
#include "proto/codec.h"
#include "proto/frame.h"
#include "proto/swarm.h"

#include <stdlib.h>
#include <string.h>

/* ---- vote ---- */

bool
wire_vote_is_valid(const struct wire_vote *vote)
{
    bool unlocked = wire_is_zero(vote->lock, sizeof vote->lock);
    if (vote->view < 1 || vote->step < WIRE_PREVOTE || vote->step > WIRE_PRECOMMIT ||
        vote->lock_view >= vote->view || (vote->lock_view == 0) != unlocked)
        return false;
    return vote->step == WIRE_PREVOTE || unlocked;
}

void
wire_vote_put(Panal__Vote *pb, const struct wire_vote *vote)
{
    panal__vote__init(pb);
    pb->height    = vote->height;
    pb->member    = vote->member;
    pb->view      = vote->view;
    pb->step      = (uint32_t)vote->step;
    pb->hash      = WIRE_PUT_BYTES(vote->hash);
    pb->lock_view = vote->lock_view;
    pb->lock      = WIRE_PUT_BYTES(vote->lock);
    pb->signature = WIRE_PUT_BYTES(vote->signature);
}

bool
wire_vote_get(struct wire_vote *vote, const Panal__Vote *pb)
{
    vote->height    = pb->height;
    vote->member    = pb->member;
    vote->view      = pb->view;
    vote->step      = (enum wire_step)pb->step;
    vote->lock_view = pb->lock_view;
    return WIRE_GET_BYTES(vote->hash, &pb->hash) && WIRE_GET_BYTES(vote->lock, &pb->lock) &&
           WIRE_GET_BYTES(vote->signature, &pb->signature);
}

static void
vote_put(Panal__Vote *pb, const struct wire_vote *message, struct wire_parts *parts)
{
    (void)parts;
    wire_vote_put(pb, message);
}

#define vote_get wire_vote_get
#define vote_is_valid wire_vote_is_valid
WIRE_FLAT_MESSAGE(vote, Vote)

/* ---- contribution ---- */

static void
contribution_put(Panal__Contribution *pb, const struct wire_contribution *message,
                 struct wire_parts *parts)
{
    pb->report    = wire_put_part(&parts->a, &message->report);
    pb->signature = WIRE_PUT_BYTES(message->signature);
}

static bool
contribution_get(struct wire_contribution *message, const Panal__Contribution *pb)
{
    return wire_get_blob(&message->report, pb->report) &&
           WIRE_GET_BYTES(message->signature, &pb->signature);
}

static bool
contribution_is_valid(const struct wire_contribution *message)
{
    return wire_blob_is_valid(&message->report);
}

WIRE_FLAT_MESSAGE(contribution, Contribution)

/* ---- ask ---- */

static void
ask_put(Panal__Ask *pb, const struct wire_ask *message, struct wire_parts *parts)
{
    (void)parts;
    pb->height = message->height;
    pb->hash   = WIRE_PUT_BYTES(message->hash);
}

static bool
ask_get(struct wire_ask *message, const Panal__Ask *pb)
{
    message->height = pb->height;
    return WIRE_GET_BYTES(message->hash, &pb->hash);
}

static bool
ask_is_valid(const struct wire_ask *message)
{
    (void)message;
    return true;
}

WIRE_FLAT_MESSAGE(ask, Ask)

/* ---- status ---- */

static void
status_put(Panal__Status *pb, const struct wire_status *message, struct wire_parts *parts)
{
    (void)parts;
    pb->height   = message->height;
    pb->head     = WIRE_PUT_BYTES(message->head);
    pb->activity = (Panal__Activity)message->activity;
    pb->reach    = wire_put_bytes(message->reach.bytes, message->reach.size);
}

static bool
status_get(struct wire_status *message, const Panal__Status *pb)
{
    message->height   = pb->height;
    message->activity = (enum wire_activity)pb->activity;
    message->reach    = wire_get_span(&pb->reach);
    return WIRE_GET_BYTES(message->head, &pb->head);
}

static bool
status_is_valid(const struct wire_status *message)
{
    return (message->height == 0) == wire_is_zero(message->head, sizeof message->head) &&
           message->activity >= WIRE_IDLE && message->activity <= WIRE_SENDING &&
           message->reach.size >= 1 && message->reach.size <= WIRE_REACH_MAX;
}

WIRE_FLAT_MESSAGE(status, Status)

/* ---- propose ---- */

static bool
propose_is_valid(const struct wire_propose *message)
{
    if (message->view < 1 || message->valid_view >= message->view || message->block.size < 1 ||
        message->block.size > WIRE_BLOCK_MAX || message->vote_count > WIRE_SWARM_MAX ||
        (message->valid_view == 0) != (message->vote_count == 0))
        return false;
    for (size_t i = 0; i < message->vote_count; i++)
        if (!wire_vote_is_valid(&message->votes[i]) ||
            (i > 0 && message->votes[i].member <= message->votes[i - 1].member))
            return false;
    return true;
}

enum pn_status
wire_propose_encode(struct pn_buffer *out, const struct wire_propose *message)
{
    if (!propose_is_valid(message))
        return PN_ERANGE;
    Panal__Vote   *parts = calloc(message->vote_count + 1, sizeof *parts);
    Panal__Vote  **list  = calloc(message->vote_count + 1, sizeof *list);
    enum pn_status st    = PN_ENOMEM;
    if (parts != NULL && list != NULL) {
        Panal__Propose pb = PANAL__PROPOSE__INIT;
        for (size_t i = 0; i < message->vote_count; i++) {
            wire_vote_put(&parts[i], &message->votes[i]);
            list[i] = &parts[i];
        }
        pb.view       = message->view;
        pb.valid_view = message->valid_view;
        pb.block      = wire_put_bytes(message->block.bytes, message->block.size);
        pb.signature  = WIRE_PUT_BYTES(message->signature);
        pb.votes      = list;
        pb.n_votes    = message->vote_count;
        st            = wire_pack(out, &pb.base);
    }
    free(list);
    free(parts);
    return st;
}

static enum pn_status
propose_get(struct wire_propose *message, struct wire_arena *arena, const Panal__Propose *pb)
{
    message->view       = pb->view;
    message->valid_view = pb->valid_view;
    message->block      = wire_get_span(&pb->block);
    message->vote_count = pb->n_votes;
    message->votes      = wire_arena_take(arena, pb->n_votes * sizeof *message->votes);
    if (message->votes == NULL)
        return PN_ENOMEM;
    if (!WIRE_GET_BYTES(message->signature, &pb->signature))
        return PN_EPEER_FORMAT;
    for (size_t i = 0; i < pb->n_votes; i++)
        if (!wire_vote_get(&message->votes[i], pb->votes[i]))
            return PN_EPEER_FORMAT;
    return propose_is_valid(message) ? PN_OK : PN_EPEER_VALUE;
}

enum pn_status
wire_propose_decode(struct wire_propose *out, struct wire_arena *arena, const uint8_t *bytes,
                    size_t size)
{
    static const struct wire_cap caps[] = {{5, WIRE_SWARM_MAX, NULL}, {0, 0, NULL}};
    struct wire_propose          message;
    enum pn_status               st;
    size_t                       before = arena->used;
    const Panal__Propose        *pb =
        wire_unpack(&st, arena, &panal__propose__descriptor, caps, bytes, size);
    if (pb != NULL)
        st = propose_get(&message, arena, pb);
    if (st == PN_OK)
        *out = message;
    else
        arena->used = before;
    return st;
}

/* ---- decision ---- */

static bool
decision_is_valid(const struct wire_decision *message)
{
    if (message->block.size < 1 || message->block.size > WIRE_BLOCK_MAX ||
        message->witness_count > WIRE_SWARM_MAX ||
        (message->view == 0) != (message->witness_count == 0))
        return false;
    for (size_t i = 1; i < message->witness_count; i++)
        if (message->witnesses[i].member <= message->witnesses[i - 1].member)
            return false;
    return true;
}

enum pn_status
wire_decision_encode(struct pn_buffer *out, const struct wire_decision *message)
{
    if (!decision_is_valid(message))
        return PN_ERANGE;
    Panal__Witness  parts[WIRE_SWARM_MAX];
    Panal__Witness *list[WIRE_SWARM_MAX];
    Panal__Decision pb = PANAL__DECISION__INIT;
    for (size_t i = 0; i < message->witness_count; i++) {
        wire_witness_put(&parts[i], &message->witnesses[i]);
        list[i] = &parts[i];
    }
    pb.block       = wire_put_bytes(message->block.bytes, message->block.size);
    pb.signature   = WIRE_PUT_BYTES(message->signature);
    pb.view        = message->view;
    pb.witnesses   = list;
    pb.n_witnesses = message->witness_count;
    return wire_pack(out, &pb.base);
}

static enum pn_status
decision_get(struct wire_decision *message, struct wire_arena *arena, const Panal__Decision *pb)
{
    message->block         = wire_get_span(&pb->block);
    message->view          = pb->view;
    message->witness_count = pb->n_witnesses;
    message->witnesses     = wire_arena_take(arena, pb->n_witnesses * sizeof *message->witnesses);
    if (message->witnesses == NULL)
        return PN_ENOMEM;
    if (!WIRE_GET_BYTES(message->signature, &pb->signature))
        return PN_EPEER_FORMAT;
    for (size_t i = 0; i < pb->n_witnesses; i++)
        if (!wire_witness_get(&message->witnesses[i], pb->witnesses[i]))
            return PN_EPEER_FORMAT;
    return decision_is_valid(message) ? PN_OK : PN_EPEER_VALUE;
}

enum pn_status
wire_decision_decode(struct wire_decision *out, struct wire_arena *arena, const uint8_t *bytes,
                     size_t size)
{
    static const struct wire_cap caps[] = {{4, WIRE_SWARM_MAX, NULL}, {0, 0, NULL}};
    struct wire_decision         message;
    enum pn_status               st;
    size_t                       before = arena->used;
    const Panal__Decision       *pb =
        wire_unpack(&st, arena, &panal__decision__descriptor, caps, bytes, size);
    if (pb != NULL)
        st = decision_get(&message, arena, pb);
    if (st == PN_OK)
        *out = message;
    else
        arena->used = before;
    return st;
}

/* ---- the agreement of a block ---- */

static const struct wire_cap roster_caps[] = {{2, WIRE_SIGNERS_MAX, NULL}, {0, 0, NULL}};

const struct wire_cap wire_agreement_caps[] = {{4, WIRE_SWARM_MAX, NULL},
                                               {5, WIRE_CONVICTIONS_MAX, NULL},
                                               {6, 1, roster_caps},
                                               {0, 0, NULL}};

static bool
contradict(const struct wire_conviction *conviction)
{
    const struct wire_vote *first = &conviction->first, *other = &conviction->other;
    return wire_vote_is_valid(first) && wire_vote_is_valid(other) &&
           first->height == other->height && first->member == other->member &&
           first->view == other->view && first->step == other->step &&
           memcmp(first->hash, other->hash, sizeof first->hash) != 0;
}

static bool
signers_are_valid(const struct wire_roster *roster)
{
    for (size_t i = 0; i < roster->signature_count; i++) {
        const struct wire_roster_signature *signature = &roster->signatures[i];
        if (!wire_name_is_valid(signature->signer) || signature->text.size == 0 ||
            signature->text.size > WIRE_MINISIGN_MAX)
            return false;
        for (size_t k = 0; k < i; k++)
            if (strcmp(signature->signer, roster->signatures[k].signer) == 0)
                return false;
    }
    return true;
}

static bool
roster_is_valid(const struct wire_roster *roster, enum wire_block_kind kind)
{
    const bool genesis = kind == WIRE_BLOCK_GENESIS;
    if (roster == NULL)
        return !genesis;
    return kind != WIRE_BLOCK_FINISH && roster->text.size > 0 &&
           roster->text.size <= WIRE_ROSTER_MAX && roster->signature_count <= WIRE_SIGNERS_MAX &&
           (roster->signature_count == 0) == genesis && signers_are_valid(roster);
}

bool
wire_agreement_is_valid(const struct wire_agreement *agreement, enum wire_block_kind kind)
{
    const bool genesis = kind == WIRE_BLOCK_GENESIS;
    if (!roster_is_valid(agreement->roster, kind) || agreement->view < 1 ||
        (agreement->witness_view == 0) != genesis || agreement->report_count > WIRE_SWARM_MAX ||
        agreement->conviction_count > WIRE_CONVICTIONS_MAX)
        return false;
    for (size_t i = 0; i < agreement->report_count; i++)
        if (!wire_blob_is_valid(&agreement->reports[i].report) ||
            (i > 0 && agreement->reports[i].member <= agreement->reports[i - 1].member))
            return false;
    for (size_t i = 0; i < agreement->conviction_count; i++)
        if (!contradict(&agreement->convictions[i]))
            return false;
    return true;
}

static void
put_report(struct wire_agreement_parts *parts, size_t i, const struct wire_report *report)
{
    Panal__Report *to = &parts->reports[i];
    panal__report__init(to);
    to->member            = report->member;
    to->report            = wire_put_part(&parts->blobs[i], &report->report);
    to->signature         = WIRE_PUT_BYTES(report->signature);
    parts->report_list[i] = to;
}

static void
put_conviction(struct wire_agreement_parts *parts, size_t i,
               const struct wire_conviction *conviction)
{
    Panal__Conviction *to = &parts->convictions[i];
    panal__conviction__init(to);
    wire_vote_put(to->first = &parts->votes[2 * i], &conviction->first);
    wire_vote_put(to->other = &parts->votes[2 * i + 1], &conviction->other);
    parts->conviction_list[i] = to;
}

static void
put_roster(struct wire_agreement_parts *parts, const struct wire_roster *roster)
{
    Panal__Roster *to = &parts->roster;
    panal__roster__init(to);
    to->text         = wire_put_bytes(roster->text.bytes, roster->text.size);
    to->signatures   = parts->signature_list;
    to->n_signatures = roster->signature_count;
    for (size_t i = 0; i < roster->signature_count; i++) {
        const struct wire_roster_signature *signature = &roster->signatures[i];
        Panal__RosterSignature             *put = parts->signature_list[i] = &parts->signatures[i];
        panal__roster_signature__init(put);
        put->signer = wire_put_text(signature->signer);
        put->text   = wire_put_bytes(signature->text.bytes, signature->text.size);
    }
    parts->roster_list[0] = to;
    parts->pb.roster      = parts->roster_list;
    parts->pb.n_roster    = 1;
}

void
wire_agreement_put(struct wire_agreement_parts *parts, const struct wire_agreement *agreement)
{
    Panal__Agreement *pb = &parts->pb;
    panal__agreement__init(pb);
    pb->view          = agreement->view;
    pb->witness_view  = agreement->witness_view;
    pb->log           = WIRE_PUT_BYTES(agreement->log);
    pb->reports       = parts->report_list;
    pb->n_reports     = agreement->report_count;
    pb->convictions   = parts->conviction_list;
    pb->n_convictions = agreement->conviction_count;
    for (size_t i = 0; i < agreement->report_count; i++)
        put_report(parts, i, &agreement->reports[i]);
    for (size_t i = 0; i < agreement->conviction_count; i++)
        put_conviction(parts, i, &agreement->convictions[i]);
    if (agreement->roster != NULL)
        put_roster(parts, agreement->roster);
}

static bool
get_report(struct wire_report *report, const Panal__Report *pb)
{
    report->member = pb->member;
    return wire_get_blob(&report->report, pb->report) &&
           WIRE_GET_BYTES(report->signature, &pb->signature);
}

static enum pn_status
get_roster(struct wire_roster **out, struct wire_arena *arena, const Panal__Roster *pb)
{
    struct wire_roster *roster = wire_arena_take(arena, sizeof *roster);
    if (roster == NULL)
        return PN_ENOMEM;
    *roster = (struct wire_roster){
        .text            = wire_get_span(&pb->text),
        .signatures      = wire_arena_take(arena, pb->n_signatures * sizeof *roster->signatures),
        .signature_count = pb->n_signatures};
    if (roster->signatures == NULL)
        return PN_ENOMEM;
    for (size_t i = 0; i < pb->n_signatures; i++)
        roster->signatures[i] = (struct wire_roster_signature){
            .signer = pb->signatures[i]->signer, .text = wire_get_span(&pb->signatures[i]->text)};
    *out = roster;
    return PN_OK;
}

enum pn_status
wire_agreement_get(struct wire_agreement **out, struct wire_arena *arena,
                   const Panal__Agreement *pb)
{
    struct wire_agreement *agreement = wire_arena_take(arena, sizeof *agreement);
    if (agreement == NULL)
        return PN_ENOMEM;
    *agreement         = (struct wire_agreement){.view             = pb->view,
                                                 .witness_view     = pb->witness_view,
                                                 .report_count     = pb->n_reports,
                                                 .conviction_count = pb->n_convictions};
    agreement->reports = wire_arena_take(arena, pb->n_reports * sizeof *agreement->reports);
    agreement->convictions =
        wire_arena_take(arena, pb->n_convictions * sizeof *agreement->convictions);
    if (agreement->reports == NULL || agreement->convictions == NULL)
        return PN_ENOMEM;
    if (!WIRE_GET_BYTES(agreement->log, &pb->log))
        return PN_EPEER_FORMAT;
    for (size_t i = 0; i < pb->n_reports; i++)
        if (!get_report(&agreement->reports[i], pb->reports[i]))
            return PN_EPEER_FORMAT;
    for (size_t i = 0; i < pb->n_convictions; i++)
        if (!wire_vote_get(&agreement->convictions[i].first, pb->convictions[i]->first) ||
            !wire_vote_get(&agreement->convictions[i].other, pb->convictions[i]->other))
            return PN_EPEER_FORMAT;
    *out = agreement;
    return pb->n_roster == 0 ? PN_OK : get_roster(&agreement->roster, arena, pb->roster[0]);
}
