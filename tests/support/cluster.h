/*
 * tests/support/cluster -- one coordinator and its nodes in one thread: real engines, virtual
 * clock, disks in memory, frames in the order they were sent.
 *
 *     cluster_new(&c, 3, job_text);        roster, keys, records, disks; nothing runs yet
 *     c.drop = 0.1;                        faults, from c.rng
 *     cluster_start(&c);
 *     cluster_run(&c, 1, 0);               until the coordinator committed block 1 (0: to the end)
 *     cluster_restart_node(&c, 2);         its process dies; a new one reads its disk
 *     cluster_free(&c);
 *
 * Time moves one millisecond for each thing that happens, and to the next deadline when nothing
 * does. Work runs when its turn comes, never inside submit.
 */
#ifndef TESTS_SUPPORT_CLUSTER_H
#define TESTS_SUPPORT_CLUSTER_H

#include "coordinator/engine.h"
#include "node/engine.h"
#include "sim/disk.h"
#include "tests/support/expect.h"
#include "tests/support/federation.h"
#include "tests/support/folder.h"

enum {
    CLUSTER_MAX       = 16,
    CLUSTER_STEPS_MAX = 200000
};

struct cluster;

struct cluster_party {
    struct cluster     *cluster;
    uint32_t            number, boot;
    struct sim_disk    *sim_disk;
    struct store_disk   disk;
    struct data_source  source;
    char               *path;
    struct node_engine *node; /* NULL for the coordinator, and while down */
    bool                deaf; /* frames to it vanish: the test speaks in its place */
    uint64_t            trained, joined, blocks, complaints;
    char                refusal[512];
    char                failure[512]; /* the last one it told of */
};

struct cluster_thing { /* that will happen: a frame arrives, or work is done */
    struct cluster_thing *next;
    uint32_t              to, from;
    struct pn_work       *work;
    size_t                size;
    uint8_t               bytes[];
};

struct cluster {
    char                   folder[FOLDER_PATH];
    struct test_federation federation;
    struct engine_job      job;
    struct engine_scratch  scratch;
    struct coord_engine   *coordinator;
    struct cluster_party   parties[CLUSTER_MAX]; /* by member number - 1 */
    uint32_t               count;
    struct cluster_thing  *first, **last;
    struct pn_rng          rng;
    double                 drop, twice;
    pn_ms                  now;
    struct fed_policy      policy;
    uint32_t               keep_updates;
    uint64_t               blocks, invalid, foreign, broken, complaints;
    bool                   ended, quiet;
    enum wire_outcome      outcome;
};

static inline struct cluster_party *
cluster_party(struct cluster *cluster, uint32_t number)
{
    return &cluster->parties[number - 1];
}

/* ---- ports ---- */

static inline void
cluster_put(struct cluster *cluster, uint32_t from, uint32_t to, struct pn_work *work,
            const uint8_t *bytes, size_t size)
{
    struct cluster_thing *thing = malloc(sizeof *thing + size);
    assert_non_null(thing);
    *thing = (struct cluster_thing){.to = to, .from = from, .work = work, .size = size};
    if (size > 0)
        memcpy(thing->bytes, bytes, size);
    *cluster->last = thing;
    cluster->last  = &thing->next;
}

static inline enum pn_status
cluster_send(void *host, uint32_t to, struct pn_buffer *frame)
{
    struct cluster_party *from    = host;
    struct cluster       *cluster = from->cluster;
    if (cluster_party(cluster, to)->deaf)
        return PN_OK;
    if (to != TEST_HUB && cluster_party(cluster, to)->node == NULL)
        return PN_ENETWORK;
    if (pn_rng_uniform(&cluster->rng) < cluster->drop)
        return PN_OK; /* lost on the way */
    cluster_put(cluster, from->number, to, NULL, frame->bytes, frame->size);
    if (pn_rng_uniform(&cluster->rng) < cluster->twice)
        cluster_put(cluster, from->number, to, NULL, frame->bytes, frame->size);
    memset(frame->bytes, 0xa5, frame->size); /* as if its memory had been taken (base/ports) */
    return PN_OK;
}

static inline void
cluster_submit(void *host, struct pn_work *work)
{
    struct cluster_party *party = host;
    cluster_put(party->cluster, party->number, party->number, work, NULL, 0);
}

static inline uint64_t
cluster_wall_ms(void *host)
{
    struct cluster *cluster = host;
    return (uint64_t)TEST_NOW * 1000 + cluster->now;
}

static inline void
cluster_hear_coordinator(void *host, const struct coord_notice *notice)
{
    struct cluster *cluster = host;
    switch (notice->kind) {
    case COORD_COMMITTED:
        cluster->blocks = notice->block->height + 1;
        break;
    case COORD_INVALID:
        cluster->invalid++;
        break;
    case COORD_FOREIGN:
        cluster->foreign++;
        break;
    case COORD_REJECTED:
        cluster->complaints++;
        break;
    case COORD_BROKEN:
        if (!cluster->quiet)
            print_error("broken: %s\n", notice->text);
        cluster->broken++;
        break;
    case COORD_ENDED:
        cluster->ended   = true;
        cluster->outcome = notice->outcome;
        break;
    default:
        break;
    }
}

static inline void
cluster_hear_node(void *host, const struct node_notice *notice)
{
    struct cluster_party *party = host;
    if (notice->kind == NODE_TRAINED)
        party->trained++;
    if (notice->kind == NODE_JOINED)
        party->joined++;
    if (notice->kind == NODE_COMMITTED)
        party->blocks = notice->height + 1;
    if (notice->kind == NODE_REFUSED)
        snprintf(party->refusal, sizeof party->refusal, "%s", notice->text);
    if (notice->kind == NODE_REJECTED)
        party->complaints++;
    if (notice->kind == NODE_FAILED) {
        snprintf(party->failure, sizeof party->failure, "%s", notice->text);
        if (!party->cluster->quiet)
            print_message("node %u: %s\n", party->number, notice->text);
    }
}

/* ---- parties ---- */

static inline void
cluster_boot_coordinator(struct cluster *cluster)
{
    struct cluster_party *hub    = cluster_party(cluster, TEST_HUB);
    struct pn_error       why    = {.text = ""};
    struct coord_config   config = {
          .roster       = cluster->federation.roster,
          .job          = &cluster->job,
          .secret       = &test_member_of(&cluster->federation, TEST_HUB)->node,
          .boot         = ++hub->boot,
          .disk         = &hub->disk,
          .ports        = {.host = hub, .send = cluster_send, .submit = cluster_submit},
          .scratch      = &cluster->scratch,
          .keep_updates = cluster->keep_updates,
          .wall_ms      = cluster_wall_ms,
          .notice       = cluster_hear_coordinator,
          .host         = cluster};
    fed_job_run(config.run, cluster->federation.roster->federation, cluster->job.job, "1");
    expect_status(PN_OK, coord_engine_new(&cluster->coordinator, &config, &why), why.text, __FILE__,
                  __LINE__);
    coord_engine_start(cluster->coordinator, cluster->now);
}

static inline void
cluster_boot_node(struct cluster *cluster, uint32_t number)
{
    struct cluster_party *party = cluster_party(cluster, number);
    struct pn_error       why   = {.text = ""};
    struct node_config    config;
    node_config_defaults(&config);
    config.roster = cluster->federation.roster;
    config.self   = number;
    config.secret = &test_member_of(&cluster->federation, number)->node;
    config.boot   = ++party->boot;
    config.policy = &cluster->policy;
    config.source = &party->source;
    config.disk   = &party->disk;
    config.ports = (struct pn_ports){.host = party, .send = cluster_send, .submit = cluster_submit};
    config.scratch = &cluster->scratch;
    config.notice  = cluster_hear_node;
    config.host    = party;
    expect_status(PN_OK, node_engine_new(&party->node, &config, &why), why.text, __FILE__,
                  __LINE__);
    node_engine_up(party->node, cluster->now);
}

/* What was on its way to or from this party is gone, and its work with it. */
static inline void
cluster_forget(struct cluster *cluster, uint32_t number)
{
    struct cluster_thing **at = &cluster->first;
    while (*at != NULL) {
        struct cluster_thing *thing = *at;
        if (thing->to != number && thing->from != number) {
            at = &thing->next;
            continue;
        }
        *at = thing->next;
        free(thing);
    }
    cluster->last = at;
}

static inline void
cluster_stop_node(struct cluster *cluster, uint32_t number)
{
    struct cluster_party *party = cluster_party(cluster, number);
    cluster_forget(cluster, number);
    sim_disk_kill(party->sim_disk);
    node_engine_free(party->node);
    party->node = NULL;
    sim_disk_restart(party->sim_disk);
    coord_engine_down(cluster->coordinator, cluster->now, number);
}

static inline void
cluster_restart_node(struct cluster *cluster, uint32_t number)
{
    cluster_stop_node(cluster, number);
    cluster_boot_node(cluster, number);
}

static inline void
cluster_restart_coordinator(struct cluster *cluster)
{
    struct cluster_party *hub = cluster_party(cluster, TEST_HUB);
    cluster_forget(cluster, TEST_HUB);
    sim_disk_kill(hub->sim_disk);
    coord_engine_free(cluster->coordinator);
    sim_disk_restart(hub->sim_disk);
    for (uint32_t i = 1; i < cluster->count; i++)
        if (cluster->parties[i].node != NULL)
            node_engine_down(cluster->parties[i].node, cluster->now);
    cluster_forget(cluster, TEST_HUB);
    cluster_boot_coordinator(cluster);
    for (uint32_t i = 1; i < cluster->count; i++)
        if (cluster->parties[i].node != NULL)
            node_engine_up(cluster->parties[i].node, cluster->now);
}

/* ---- records ---- */

/* Two shifted clouds, a column that is sometimes missing, a category; sites differ. */
static inline void
cluster_write_records(const char *path, uint32_t site, uint32_t rows)
{
    struct pn_rng root, rng;
    FILE         *file = fopen(path, "w");
    assert_non_null(file);
    pn_rng_init(&root, 99);
    pn_rng_derive(&rng, &root, PN_RNG_GENERATE, site);
    fputs("a,b,c,y\n", file);
    for (uint32_t i = 0; i < rows; i++) {
        bool   y = pn_rng_below(&rng, 3) == 0;
        double a = pn_rng_normal(&rng) * 3 + (y ? 2 : 0) + site,
               b = pn_rng_normal(&rng) - (y ? 1 : 0);
        if (pn_rng_below(&rng, 10) == 0)
            fprintf(file, "%.3f,,%s,%d\n", a, y ? "u" : "v", y);
        else
            fprintf(file, "%.3f,%.3f,%s,%d\n", a, b, pn_rng_below(&rng, 2) ? "u" : "v", y);
    }
    assert_int_equal(fclose(file), 0);
}

/* ---- the whole ---- */

static inline void
cluster_new(struct cluster *cluster, uint32_t nodes, const char *job)
{
    struct pn_error why = {.text = ""};
    *cluster            = (struct cluster){.count = nodes + 1, .now = 1000};
    assert_true(cluster->count <= CLUSTER_MAX);
    cluster->last = &cluster->first;
    pn_rng_init(&cluster->rng, 1);
    folder_new(cluster->folder);
    test_federation_new(&cluster->federation, nodes);
    EXPECT_OK(engine_scratch_init(&cluster->scratch));
    expect_status(PN_OK, engine_job_init(&cluster->job, "job.yaml", job, strlen(job), &why),
                  why.text, __FILE__, __LINE__);
    for (uint32_t i = 0; i < cluster->count; i++) {
        struct cluster_party *party = &cluster->parties[i];
        char                  path[FOLDER_PATH], name[32];
        *party = (struct cluster_party){.cluster = cluster, .number = i + 1};
        EXPECT_OK(sim_disk_new(&party->sim_disk));
        sim_disk_port(&party->disk, party->sim_disk);
        (void)snprintf(name, sizeof name, "site-%u.csv", i);
        party->path   = strdup(folder_path(path, cluster->folder, name));
        party->source = (struct data_source){.files = &party->path, .file_count = 1};
        if (i > 0)
            cluster_write_records(party->path, i, 90 + 10 * i);
    }
}

static inline void
cluster_start(struct cluster *cluster)
{
    cluster_boot_coordinator(cluster);
    for (uint32_t i = 1; i < cluster->count; i++)
        cluster_boot_node(cluster, i + 1);
}

static inline void
cluster_free(struct cluster *cluster)
{
    while (cluster->first != NULL) {
        struct cluster_thing *thing = cluster->first;
        cluster->first              = thing->next;
        free(thing);
    }
    coord_engine_free(cluster->coordinator);
    for (uint32_t i = 0; i < cluster->count; i++) {
        node_engine_free(cluster->parties[i].node);
        sim_disk_free(cluster->parties[i].sim_disk);
        free(cluster->parties[i].path);
    }
    engine_job_fini(&cluster->job);
    engine_scratch_fini(&cluster->scratch);
    test_federation_free(&cluster->federation);
    folder_remove(cluster->folder);
}

/* ---- time ---- */

static inline void
cluster_happen(struct cluster *cluster, struct cluster_thing *thing)
{
    struct cluster_party *to = cluster_party(cluster, thing->to);
    if (thing->work != NULL) {
        thing->work->run(thing->work);
        thing->work->done(thing->work, cluster->now);
    } else if (thing->to == TEST_HUB) {
        coord_engine_frame(cluster->coordinator, cluster->now, thing->from, thing->bytes,
                           thing->size);
    } else if (to->node != NULL) {
        node_engine_frame(to->node, cluster->now, thing->bytes, thing->size);
    }
}

static inline void
cluster_tick(struct cluster *cluster)
{
    pn_ms next = coord_engine_deadline(cluster->coordinator);
    for (uint32_t i = 1; i < cluster->count; i++)
        if (cluster->parties[i].node != NULL) {
            pn_ms at = node_engine_deadline(cluster->parties[i].node);
            next     = at < next ? at : next;
        }
    assert_true(next != UINT64_MAX); /* everybody waits for ever */
    cluster->now = next > cluster->now ? next : cluster->now;
    coord_engine_tick(cluster->coordinator, cluster->now);
    for (uint32_t i = 1; i < cluster->count; i++)
        if (cluster->parties[i].node != NULL)
            node_engine_tick(cluster->parties[i].node, cluster->now);
}

static inline void
cluster_step(struct cluster *cluster)
{
    struct cluster_thing *thing = cluster->first;
    if (thing == NULL) {
        cluster_tick(cluster);
        return;
    }
    cluster->first = thing->next;
    if (cluster->first == NULL)
        cluster->last = &cluster->first;
    cluster->now++;
    cluster_happen(cluster, thing);
    free(thing);
}

static inline bool
cluster_is_over(const struct cluster *cluster)
{
    bool over = coord_engine_is_over(cluster->coordinator);
    for (uint32_t i = 1; i < cluster->count; i++)
        over =
            over && (cluster->parties[i].node == NULL || cluster->parties[i].refusal[0] != '\0' ||
                     node_engine_is_over(cluster->parties[i].node));
    return over;
}

/* Until `blocks` blocks are durable and then `more` things happened; blocks 0: until everybody is
 * done. False when that took too many steps. */
static inline bool
cluster_run(struct cluster *cluster, uint64_t blocks, uint32_t more)
{
    uint32_t steps = 0;
    while (steps++ < CLUSTER_STEPS_MAX) {
        if (blocks > 0 ? cluster->blocks >= blocks : cluster_is_over(cluster))
            break;
        cluster_step(cluster);
    }
    while (blocks > 0 && more-- > 0)
        cluster_step(cluster);
    return steps < CLUSTER_STEPS_MAX;
}

#endif
