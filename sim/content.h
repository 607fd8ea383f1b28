/*
 * sim/content -- bytes on virtual disks: what many disks hold is kept once.
 *
 * A thousand nodes keep the same model and the same blocks. A press remembers what was made last,
 * and gives out the same content again when equal bytes come; without a press each is a copy.
 *
 * Memory     counted references; a content never changes once another disk may hold it.
 * Threads    any.
 */
#ifndef SIM_CONTENT_H
#define SIM_CONTENT_H

#include "base/bytes.h"

#include <stdatomic.h>

struct sim_content {
    _Atomic uint32_t references;
    size_t           size;
    uint8_t          bytes[];
};

struct sim_press;

PN_MUST_CHECK enum pn_status sim_press_new(struct sim_press **out);
void                         sim_press_free(struct sim_press *press);

/* Holds `bytes`; `press` may be NULL. NULL: no memory. */
PN_MUST_CHECK struct sim_content *sim_content_of(struct sim_press *press, const void *bytes,
                                                 size_t size);
/* Zeros, for one holder to fill; then sim_content_press. */
PN_MUST_CHECK struct sim_content *sim_content_zeros(size_t size);
/* Takes `content`: it, or the equal one that is there already. */
struct sim_content *sim_content_press(struct sim_press *press, struct sim_content *content);
void                sim_content_drop(struct sim_content *content);

#endif
