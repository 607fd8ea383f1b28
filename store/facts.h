/*
 * store/facts -- small facts by key in DIR/state.sqlite (WAL, synchronous=FULL).
 *
 * Threads    one at a time; store/files holds its mutex around every call.
 * Reading    needs no writable folder and creates no file: without a pending WAL the file is opened
 * as immutable, with one through the shared memory file that a crashed or live writer left.
 */
#ifndef STORE_FACTS_H
#define STORE_FACTS_H

#include "store/disk.h"

struct store_facts;
/* PN_ENOENT for reading when the file is absent. PN_ECORRUPT: the sentence says what to do. */
PN_MUST_CHECK enum pn_status store_facts_open(struct store_facts **out, const char *directory,
                                              bool write, struct pn_error *why);
void                         store_facts_close(struct store_facts *facts);
/* As in store/disk. */
PN_MUST_CHECK enum pn_status store_facts_put(struct store_facts *facts, const char *key,
                                             const void *bytes, size_t size);
PN_MUST_CHECK enum pn_status store_facts_get(struct store_facts *facts, const char *key, void *out,
                                             size_t *size);

#endif
