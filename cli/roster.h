/*
 * cli/roster -- writing and signing federation.yaml; shared with the lab.
 */
#ifndef CLI_ROSTER_H
#define CLI_ROSTER_H

#include "fed/roster.h"

/* A zeroed roster with room for members; release with free(). */
struct fed_roster *cli_roster_new(uint32_t member_max);
/* Writes it after reading it back: PN_ECONFIG when it breaks a rule. */
PN_MUST_CHECK enum pn_status cli_roster_write(const char *path, const struct fed_roster *roster,
                                              struct pn_error *why);
/* Writes PATH.SIGNER.minisig. */
PN_MUST_CHECK enum pn_status cli_roster_sign_with(const char *path, const char *signer,
                                                  const struct sec_sign_secret *root,
                                                  struct pn_error              *why);

#endif
