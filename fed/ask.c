#include "fed/phase.h"

void
fed_turn_add(struct fed_turn *turn, const struct fed_effect *effect)
{
    PN_ASSERT(turn->effects->count < turn->effects->capacity);
    turn->effects->items[turn->effects->count++] = *effect;
}

void
fed_phase_send(struct fed_turn *turn, const struct fed_round_member *member, enum wire_type type)
{
    fed_turn_add(turn,
                 &(struct fed_effect){.kind = FED_SEND, .type = type, .member = member->number});
}

void
fed_phase_ask(struct fed_turn *turn, const struct fed_round_member *member)
{
    const struct fed_round *round = turn->round;
    if (!member->connected || !member->joined)
        return;
    if (round->phase == FED_SURVEY && !member->surveyed && !member->excused)
        fed_phase_send(turn, member, WIRE_SURVEY);
    if (round->phase == FED_INVITE && member->part == FED_INVITED)
        fed_phase_send(turn, member, WIRE_INVITE);
    if (round->phase == FED_TRAIN && member->part == FED_ACCEPTED)
        fed_phase_send(turn, member, WIRE_TRAIN);
    if (round->phase == FED_EVALUATE && !round->scoring && member->part == FED_VALID &&
        !member->evaluated && !member->excused)
        fed_phase_send(turn, member, WIRE_EVALUATE);
}

bool
fed_phase_owes(const struct fed_round *round, const struct fed_round_member *member)
{
    if (!member->joined || member->height >= round->height)
        return false;
    return !round->limits.follow_cohort || member->height == 0 || member->part != FED_OUT ||
           round->finished;
}

/* The block that `member` is sent next. */
static uint64_t
next_block(const struct fed_round *round, const struct fed_round_member *member)
{
    return round->limits.follow_cohort && member->height > 0 ? round->height - 1 : member->height;
}

bool
fed_phase_may_finish(const struct fed_round *round, const struct fed_round_member *member)
{
    return member->refused || (member->joined && (member->height >= round->height ||
                                                  next_block(round, member) + 1 == round->height));
}

void
fed_phase_follow(struct fed_turn *turn, const struct fed_round_member *member)
{
    const struct fed_round *round = turn->round;
    if (!member->connected)
        return;
    if (fed_phase_owes(round, member))
        fed_turn_add(turn, &(struct fed_effect){.kind   = FED_SEND,
                                                .type   = WIRE_COMMIT,
                                                .member = member->number,
                                                .height = next_block(round, member)});
    if (round->finished && fed_phase_may_finish(round, member))
        fed_phase_send(turn, member, WIRE_FINISH);
}

void
fed_phase_ask_all(struct fed_turn *turn)
{
    for (uint32_t i = 0; i < turn->round->member_count; i++)
        fed_phase_ask(turn, &turn->round->members[i]);
}

void
fed_phase_follow_all(struct fed_turn *turn)
{
    turn->round->follow_at = pn_ms_add(turn->now, turn->round->limits.retry_ms);
    for (uint32_t i = 0; i < turn->round->member_count; i++)
        fed_phase_follow(turn, &turn->round->members[i]);
}

void
fed_phase_lose(struct fed_turn *turn, struct fed_round_member *member, enum wire_absence absence)
{
    if (member->part == FED_ANNOUNCED)
        fed_turn_add(turn, &(struct fed_effect){
                               .kind = FED_DROP, .member = member->number, .blob = member->update});
    member->part    = FED_LOST;
    member->absence = absence;
}

void
fed_phase_lose_all(struct fed_turn *turn, enum fed_part part, enum wire_absence absence)
{
    for (uint32_t i = 0; i < turn->round->member_count; i++)
        if (turn->round->members[i].part == part)
            fed_phase_lose(turn, &turn->round->members[i], absence);
}
