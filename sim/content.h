/*
 * sim/content -- bytes on virtual disks: what many disks hold is kept once.
 *
 * A thousand nodes keep the same model and the same blocks, and the coordinator every node's
 * update. A press knows all contents that were made with it, each under a key of its maker (of a
 * file's name, of a few of its bytes), and gives out the same one again when equal bytes come under
 * that key.
 *
 * Memory     counted references; a content never changes once its press knows it. The press
 *            outlives its contents.
 * Threads    any.
 */
#ifndef SIM_CONTENT_H
#define SIM_CONTENT_H

#include "base/bytes.h"

struct sim_press;

struct sim_content {
    struct sim_press   *press; /* that knows it; NULL: one holder, who may change it */
    struct sim_content *next;  /* in its press: of the same bucket                   */
    uint64_t            key;
    size_t              size;
    uint32_t            references;
    uint8_t             bytes[];
};

PN_MUST_CHECK enum pn_status sim_press_new(struct sim_press **out);
void                         sim_press_free(struct sim_press *press);

/* Holds `bytes`; `press` may be NULL. NULL: no memory. */
PN_MUST_CHECK struct sim_content *sim_content_of(struct sim_press *press, uint64_t key,
                                                 const void *bytes, size_t size);
/* A content that the press knows under this key, or NULL. */
PN_MUST_CHECK struct sim_content *sim_content_find(struct sim_press *press, uint64_t key,
                                                   size_t size);
/* Zeros, for one holder to fill; then sim_content_press. */
PN_MUST_CHECK struct sim_content *sim_content_zeros(size_t size);
/* Takes `content`: it, or the equal one that is there already. */
struct sim_content *sim_content_press(struct sim_press *press, uint64_t key,
                                      struct sim_content *content);
void                sim_content_drop(struct sim_content *content);

#endif
