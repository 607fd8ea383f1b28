/*
 * Bytes as events, into both machines: whatever a peer or a host says, they stay within their
 * bounds. Eight bytes an event: kind, member, round, attempt, height, value, flags, time.
 */
#include "fed/member.h"
#include "fed/round.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
    MEMBERS    = 4,
    EVENT_SIZE = 8,
    EFFECTS    = 7 * MEMBERS + 8
};

static void
feed_round(const uint8_t *bytes, size_t size)
{
    struct fed_round_limits limits = {.evaluate_every = 1,
                                      .rounds         = 2,
                                      .cohort         = 3,
                                      .quorum         = 2,
                                      .attempts       = 2,
                                      .gather_ms      = 100,
                                      .invite_ms      = 100,
                                      .train_ms       = 100,
                                      .collect_ms     = 100,
                                      .evaluate_ms    = 100,
                                      .retry_ms       = 50,
                                      .backoff_ms     = 10,
                                      .linger_ms      = 100,
                                      .survey         = size % 2,
                                      .stopping       = true,
                                      .patience       = 1,
                                      .weight_max     = 200,
                                      .update_size    = 16};
    struct fed_round        round;
    struct fed_round_member members[MEMBERS] = {
        {.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    struct fed_effect  items[EFFECTS];
    struct fed_effects effects = {.items = items, .capacity = fed_round_effects_max(MEMBERS)};
    pn_ms              now     = 0;
    PN_ASSERT(effects.capacity <= EFFECTS);
    fed_round_init(&round, &limits, members, MEMBERS);
    for (; size >= EVENT_SIZE; bytes += EVENT_SIZE, size -= EVENT_SIZE) {
        struct fed_event event = {.kind     = (enum fed_event_kind)(bytes[0] % (FED_BROKEN + 1)),
                                  .member   = bytes[1] % 6u,
                                  .round    = bytes[2] % 4u,
                                  .attempt  = bytes[3] % 4u,
                                  .height   = bytes[4] % 8u,
                                  .records  = bytes[5],
                                  .weight   = bytes[5],
                                  .value    = bytes[5],
                                  .accepted = bytes[6] & 1,
                                  .blob     = {.size = 16 + (bytes[6] >> 6)}};
        if (event.kind == FED_START && bytes[6] & 2) {
            event.start.height   = bytes[4] % 4u;
            event.start.round    = event.start.height > 0 ? event.start.height - 1 : 0;
            event.start.finished = bytes[6] & 4;
        }
        now += bytes[7];
        enum pn_status status = fed_round_step(&round, now, &event, &effects);
        PN_ASSERT(status == PN_OK || pn_status_is_peer(status));
        PN_ASSERT(round.round <= limits.rounds + 1);
    }
}

static void
feed_member(const uint8_t *bytes, size_t size)
{
    static const struct fed_member_limits limits = {.heartbeat_ms = 100, .retry_ms = 50};
    struct fed_member                     member;
    struct fed_member_effects             effects;
    pn_ms                                 now = 0;
    fed_member_init(&member, &limits, 0);
    for (; size >= EVENT_SIZE; bytes += EVENT_SIZE, size -= EVENT_SIZE) {
        struct fed_member_event event = {
            .kind    = (enum fed_member_event_kind)(bytes[0] % (FED_M_DONE + 1)),
            .round   = bytes[2],
            .attempt = bytes[3],
            .height  = bytes[4],
            .model   = {.size = bytes[5] % 4u},
            .scaling = {.size = bytes[1] % 3u},
            .restart = bytes[6] & 1,
            .work    = (enum fed_member_work)((bytes[6] >> 1) % (FED_WORK_KEEP + 1)),
            .status  = bytes[6] & 128 ? PN_EDATA : PN_OK,
            .outcome = WIRE_DONE};
        now += bytes[7];
        enum pn_status status = fed_member_step(&member, now, &event, &effects);
        PN_ASSERT(status == PN_OK || pn_status_is_peer(status));
        PN_ASSERT(effects.count <= FED_MEMBER_EFFECTS_MAX);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    feed_round(bytes, size);
    feed_member(bytes, size);
    return 0;
}
