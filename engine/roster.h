/*
 * engine/roster -- rosters as they lie: a file with its signatures beside it, in a state directory,
 * or in a ledger.
 *
 * Memory     what a load gives is the caller's; release with the fini beside it.
 */
#ifndef ENGINE_ROSTER_H
#define ENGINE_ROSTER_H

#include "fed/roster.h"
#include "proto/message.h"
#include "store/disk.h"

struct engine_roster_file { /* a roster, and the text that is signed */
    struct fed_roster *roster;
    struct pn_buffer   text;
};

/* Reads federation.yaml and federation.yaml.<signer>.minisig beside it; checks form and that the
 * roster's own signers signed it. Not its time: `panal ledger verify` reads old rosters. */
PN_MUST_CHECK enum pn_status engine_roster_load(struct engine_roster_file *out, const char *path,
                                                struct pn_error *why);
void                         engine_roster_fini(struct engine_roster_file *file);

/* PN_OK when a threshold of `by`'s signers left good signatures of `text` beside `path`. */
PN_MUST_CHECK enum pn_status engine_roster_check(const struct fed_roster *by, const char *path,
                                                 const struct pn_buffer *text,
                                                 struct pn_error        *why);

/* roster.yaml on `disk`: one that was accepted before (engine/party). */
PN_MUST_CHECK enum pn_status engine_roster_remembered(struct engine_roster_file *out,
                                                      const struct store_disk   *disk,
                                                      struct pn_error           *why);

/* The newest roster that the ledger on `disk` carries, as it lies: whoever goes by it has the
 * ledger checked. PN_ENOENT: none; one of a coordinator has none. */
PN_MUST_CHECK enum pn_status engine_roster_of_ledger(struct engine_roster_file *out,
                                                     const struct store_disk   *disk,
                                                     struct pn_error           *why);

struct engine_roster_signed { /* as a block carries it; do not move it, it points into itself */
    struct engine_roster_file    file;
    struct pn_buffer             texts[FED_SIGNATURES_MAX];
    struct wire_roster_signature signatures[FED_SIGNATURES_MAX];
    struct wire_roster           wire;
};
/* engine_roster_load, and the signatures of its own signers and of those of `before`. */
PN_MUST_CHECK enum pn_status engine_roster_load_signed(struct engine_roster_signed *out,
                                                       const char                  *path,
                                                       const struct fed_roster     *before,
                                                       struct pn_error             *why);
void                         engine_roster_signed_fini(struct engine_roster_signed *signed_roster);

#endif
