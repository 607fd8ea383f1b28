/*
 * base/status -- the one error type of this project.
 *
 * Three kinds of failure, three mechanisms:
 *   our own bug        PN_ASSERT, which stays on in release builds;
 *   the world failed   a plain PN_E... status, returned up until someone can act;
 *   a peer misbehaved  a PN_EPEER_... status: count it, log it, drop the
 *                      message. A peer can never make us assert.
 *
 * Where a person must act, the function also fills a struct pn_error with the
 * sentence to show: what was expected, what was seen, where.
 */
#ifndef BASE_STATUS_H
#define BASE_STATUS_H

#include <stdbool.h>
#include <stddef.h>

#define PN_STATUS_LIST(X)                                                        \
    X(PN_OK, "ok")                                                               \
    X(PN_ENOMEM, "out of memory")                                                \
    X(PN_ECONFIG, "configuration is not usable")                                 \
    X(PN_EDATA, "data is not usable")                                            \
    X(PN_EIO, "input or output failed")                                          \
    X(PN_ENOSPC, "no space left on the disk")                                    \
    X(PN_ENOENT, "not found")                                                    \
    X(PN_EEXIST, "exists already")                                               \
    X(PN_ECORRUPT, "stored state is damaged")                                    \
    X(PN_ESTATE, "not possible in this state")                                   \
    X(PN_ERANGE, "outside the allowed range")                                    \
    X(PN_EAUTH, "signature or key is not accepted")                              \
    X(PN_EPOLICY, "refused by the policy of this site")                          \
    X(PN_ENETWORK, "network failed")                                             \
    X(PN_EDIVERGED, "training left the finite numbers")                          \
    X(PN_EPEER_FORMAT, "peer sent malformed bytes")                              \
    X(PN_EPEER_AUTH, "peer is not who the message says")                         \
    X(PN_EPEER_RUN, "peer speaks of another run, roster or job")                 \
    X(PN_EPEER_REPLAY, "peer repeated an old message")                           \
    X(PN_EPEER_GAP, "a message of the peer is missing before this one")          \
    X(PN_EPEER_STALE, "peer answered another round")                             \
    X(PN_EPEER_STATE, "peer sent this at the wrong moment")                      \
    X(PN_EPEER_VALUE, "peer sent unacceptable numbers")                          \
    X(PN_EPEER_LIMIT, "peer sent more than it may")

enum pn_status {
#define PN_STATUS_ENUM(name, text) name,
    PN_STATUS_LIST(PN_STATUS_ENUM)
#undef PN_STATUS_ENUM
        PN_STATUS_COUNT
};

#define PN_MUST_CHECK __attribute__((warn_unused_result))
#define PN_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* The text of the list above; never NULL. */
const char *pn_status_text(enum pn_status status);

/* True for the PN_EPEER_... family: to be counted and dropped, never fatal. */
bool pn_status_is_peer(enum pn_status status);

/* The process exit code that stands for `status` (README, exit codes):
 * 0 ok, 1 failed, 3 config, 4 not found, 5 auth, 6 network, 7 policy, 8 data. */
int pn_status_exit_code(enum pn_status status);
enum { PN_EXIT_USAGE = 2 };

/* The sentence for a person. Always terminated; empty means nothing to say. */
struct pn_error {
    char text[512];
};

/* Writes the sentence; `error` may be NULL, and arguments may point into it. Control characters
 * become '?'; what does not fit is cut between two characters. Returns `status`, so that a failing
 * function can end in `return pn_error_set(why, PN_ECONFIG, "...", ...)`. */
enum pn_status pn_error_set(struct pn_error *error, enum pn_status status, const char *format, ...)
    PN_PRINTF(3, 4);

/* Puts "prefix: " before the sentence that is already there, or before the text of `status` where
 * there is none. Returns `status`. */
enum pn_status pn_error_wrap(struct pn_error *error, enum pn_status status, const char *format, ...)
    PN_PRINTF(3, 4);

/* Stops the program with file, line and condition: only for our own bugs. */
_Noreturn void pn_assert_failed(const char *file, int line, const char *condition);
#define PN_ASSERT(condition) \
    ((condition) ? (void)0 : pn_assert_failed(__FILE__, __LINE__, #condition))
#define PN_UNREACHABLE(why) pn_assert_failed(__FILE__, __LINE__, why)

#endif
