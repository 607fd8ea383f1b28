/*
 * tests/support/impostor -- somebody who holds a member's key, and keeps to no rule: it speaks over
 * a valid link, to the coordinator's engine or to a node's.
 *
 *     impostor_init(&i, &cluster, 4, TEST_HUB, 1000);   as member 4, to the coordinator
 *     wire_accept_encode(&i.body, ...);                 what it says
 *     impostor_says(&i, WIRE_ACCEPT, 1, 1);             hands it in; true when it was accepted
 *     impostor_counted(&i, PN_EPEER_VALUE)              how often it was refused for that
 */
#ifndef TESTS_SUPPORT_IMPOSTOR_H
#define TESTS_SUPPORT_IMPOSTOR_H

#include "tests/support/cluster.h"

struct impostor {
    struct cluster  *cluster;
    uint32_t         to;
    struct fed_link  link;
    struct pn_buffer body, frame;
};

static inline void
impostor_init(struct impostor *impostor, struct cluster *cluster, uint32_t self, uint32_t to,
              uint32_t boot)
{
    uint8_t run[16];
    fed_job_run(run, cluster->federation.roster->federation, cluster->job.job, "1");
    *impostor                       = (struct impostor){.cluster = cluster, .to = to};
    const struct fed_link_ends ends = test_federation_ends(&cluster->federation, run, self, to);
    fed_link_init(&impostor->link, &ends, boot);
    pn_buffer_init(&impostor->body, WIRE_BODY_MAX);
    pn_buffer_init(&impostor->frame, WIRE_FRAME_MAX);
}

static inline void
impostor_fini(struct impostor *impostor)
{
    pn_buffer_fini(&impostor->body);
    pn_buffer_fini(&impostor->frame);
}

static inline const struct engine_counters *
impostor_counters(const struct impostor *impostor)
{
    return impostor->to == TEST_HUB
               ? coord_engine_counters(impostor->cluster->coordinator, impostor->link.ends.self)
               : node_engine_counters(cluster_party(impostor->cluster, impostor->to)->node);
}

static inline uint64_t
impostor_counted(const struct impostor *impostor, enum pn_status status)
{
    const struct engine_counters *counters = impostor_counters(impostor);
    return counters->reasons[status];
}

/* The frame as it is. */
static inline void
impostor_throws(struct impostor *impostor)
{
    struct cluster *cluster = impostor->cluster;
    if (impostor->to == TEST_HUB)
        coord_engine_frame(cluster->coordinator, cluster->now, impostor->link.ends.self,
                           impostor->frame.bytes, impostor->frame.size);
    else
        node_engine_frame(cluster_party(cluster, impostor->to)->node, cluster->now,
                          impostor->frame.bytes, impostor->frame.size);
}

/* Seals the body and hands it in. */
static inline bool
impostor_says(struct impostor *impostor, enum wire_type type, uint64_t round, uint32_t attempt)
{
    uint64_t before = impostor_counters(impostor)->accepted;
    bool     sealed = fed_link_seal(&impostor->frame, &impostor->link, type, round, attempt,
                                    impostor->body.bytes, impostor->body.size) == PN_OK;
    if (sealed)
        impostor_throws(impostor);
    pn_buffer_clear(&impostor->body);
    return sealed && impostor_counters(impostor)->accepted == before + 1;
}

static inline bool
impostor_greets(struct impostor *impostor, uint64_t height, const struct sec_hash *head)
{
    struct wire_hello hello = {.restart = true, .software = "impostor 1", .height = height};
    memcpy(hello.head, head->bytes, sizeof hello.head);
    pn_buffer_clear(&impostor->body);
    PN_ASSERT(wire_hello_encode(&impostor->body, &hello) == PN_OK);
    return impostor_says(impostor, WIRE_HELLO, 0, 0);
}

#endif
