/*
 * fed/phase -- the inside of fed/round: how a phase is entered and when it is over.
 *
 * fed/round.c turns events into changes of members; this file alone moves the phase. Only
 * fed/round.c, phase.c, ask.c and cohort.c include it.
 */
#ifndef FED_PHASE_H
#define FED_PHASE_H

#include "fed/round.h"

struct fed_turn { /* one call of fed_round_step */
    struct fed_round   *round;
    pn_ms               now;
    struct fed_effects *effects;
};

void fed_turn_add(struct fed_turn *turn, const struct fed_effect *effect);

/* Enters the first phase, by what the ledger says. */
void fed_phase_start(struct fed_turn *turn, const struct fed_event *event);
/* Moves on when the phase is over; `expired`: its deadline has passed. */
void fed_phase_check(struct fed_turn *turn, bool expired);
/* An effect is done: its phase goes on. PN_EPEER_STATE when it was not waited for. */
PN_MUST_CHECK enum pn_status fed_phase_done(struct fed_turn *turn, const struct fed_event *event);
/* Ends the run as failed. */
void fed_phase_broken(struct fed_turn *turn);

/* fed/ask.c: what members are sent */
void fed_phase_send(struct fed_turn *turn, const struct fed_round_member *member,
                    enum wire_type type);
/* Sends `member` what this phase still awaits from it. */
void fed_phase_ask(struct fed_turn *turn, const struct fed_round_member *member);
void fed_phase_ask_all(struct fed_turn *turn); /* of those who joined */
/* True when `member` is to be sent a block that it does not hold. */
bool fed_phase_owes(const struct fed_round *round, const struct fed_round_member *member);
/* Sends `member` the block it is owed, and FINISH with the last one. */
void fed_phase_follow(struct fed_turn *turn, const struct fed_round_member *member);
void fed_phase_follow_all(struct fed_turn *turn);
/* It needs no more than the last block; others would stop too early. */
bool fed_phase_may_finish(const struct fed_round *round, const struct fed_round_member *member);
/* The member will not count in this attempt. */
void fed_phase_lose(struct fed_turn *turn, struct fed_round_member *member,
                    enum wire_absence absence);
/* Everybody who stopped at `part` when the phase ended. */
void fed_phase_lose_all(struct fed_turn *turn, enum fed_part part, enum wire_absence absence);

/* fed/cohort.c */
/* Draws the cohort of this round and attempt: FED_INVITED or FED_OUT for every member. */
void fed_cohort_draw(struct fed_round *round);

#endif
