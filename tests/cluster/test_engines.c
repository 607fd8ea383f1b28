/*
 * The engines of the daemons, whole: a coordinator and its nodes train a small network over frames
 * that may be lost, with processes that die, and with one member that lies. Whatever happens, the
 * run ends with the same model, and every ledger proves it.
 */
#include "tests/support/cluster.h"

#include "engine/blob.h"
#include "engine/flow.h"
#include "engine/ledger.h"
#include "fed/fetch.h"
#include "fed/update.h"

#define MODEL                                                                                      \
    "  h    = dense x 6 init=xavier\n"                                                             \
    "  a    = tanh h\n"                                                                            \
    "  out  = dense a 1 init=xavier\n"
#define MODEL_WITH_NORM                                                                            \
    "  h    = dense x 6 init=xavier\n"                                                             \
    "  n    = batch_norm h affine=local\n"                                                         \
    "  a    = tanh n\n"                                                                            \
    "  out  = dense a 1 init=xavier\n"
#define JOB(model)                                                                                 \
    "version: 1\n"                                                                                 \
    "name: engines\n"                                                                              \
    "seed: 3\n"                                                                                    \
    "profile: open\n"                                                                              \
    "model: |\n"                                                                                   \
    "  x    = input 4\n" model "  loss = bce_logits out\n"                                         \
    "data:\n"                                                                                      \
    "  format: csv\n"                                                                              \
    "  columns:\n"                                                                                 \
    "    - { name: a, type: numeric, scale: standard }\n"                                          \
    "    - { name: b, type: numeric, scale: standard }\n"                                          \
    "    - { name: c, type: categorical, values: [u, v] }\n"                                       \
    "    - { name: y, type: target, positive: [\"1\"] }\n"                                         \
    "  split: { validation: 0.2, test: 0.2 }\n"                                                    \
    "training: { optimiser: sgd, rate: 0.1, momentum: 0.5, batch: 16, epochs: 2, clip: 10 }\n"     \
    "limits: { update_norm: 50, weight: 100000 }\n"

/* Everybody counts in every round, however long it takes: so faults cannot change the model. */
#define STRICT(count) STRICT_WITH(MODEL, count)
#define STRICT_WITH(model, count)                                                                  \
    JOB(model)                                                                                     \
    "rounds: { count: 4, cohort: " count ", quorum: " count ", gather: 10m, "                      \
    "invite: 5m, train: 10m, collect: 10m, evaluate: 10m, attempts: 10 }\n"

enum {
    NODES  = 3,
    ROUNDS = 4,
    BLOCKS = ROUNDS + 2
};

/* ---- what must hold at the end of any run ---- */

static enum pn_status
take_any(void *context, const struct wire_block *block, const struct sec_hash *hash)
{
    (void)block;
    (void)hash;
    ++*(uint64_t *)context;
    return PN_OK;
}

/* From the disk alone. */
static struct fed_chain
chain_on_disk(struct cluster *cluster, uint32_t number)
{
    struct fed_chain chain;
    struct pn_error  why    = {.text = ""};
    uint64_t         blocks = 0;
    expect_status(PN_OK,
                  engine_ledger_walk(&chain, cluster->federation.roster, NULL,
                                     &cluster_party(cluster, number)->disk, &cluster->scratch,
                                     take_any, &blocks, &why),
                  why.text, __FILE__, __LINE__);
    assert_int_equal(blocks, chain.height);
    return chain;
}

static void
expect_one_history(struct cluster *cluster)
{
    struct fed_chain hub = chain_on_disk(cluster, TEST_HUB);
    assert_true(hub.finished);
    assert_true(engine_blob_is_there(&cluster->parties[0].disk, "models", &hub.model));
    for (uint32_t number = 2; number <= cluster->count; number++) {
        struct cluster_party *party = cluster_party(cluster, number);
        struct fed_chain      chain;
        if (party->node == NULL || party->refusal[0] != '\0')
            continue;
        chain = chain_on_disk(cluster, number);
        assert_int_equal(chain.height, hub.height);
        assert_true(sec_hash_equal(&chain.head, &hub.head));
        EXPECT_OK(engine_blob_read(NULL, NULL, &party->disk, "models", &hub.model));
    }
}

/* The next model of a round, out of the files that the block names. */
static void
recompute(const struct store_disk *disk, const struct wire_block *block)
{
    struct sec_blob  in = fed_blob_from_wire(&block->model_in), out;
    struct sec_hash *leaves;
    size_t           count = (size_t)in.size / 4;
    uint8_t         *bytes = malloc((size_t)in.size);
    float           *start = calloc(count, 4), *next = calloc(count, 4);
    int32_t         *q     = calloc(count, 4);
    int64_t         *sum   = calloc(count, 8);
    uint64_t         total = 0;
    EXPECT_OK(engine_blob_read(bytes, NULL, disk, "models", &in));
    engine_floats_decode(start, bytes, count);
    for (size_t i = block->entry_count; i-- > 0;) { /* backwards: the order must not matter */
        struct sec_blob update = fed_blob_from_wire(&block->entries[i].update);
        EXPECT_OK(engine_blob_read(bytes, NULL, disk, "updates", &update));
        fed_update_decode(q, bytes, count);
        fed_update_fold(sum, q, count, (uint32_t)block->entries[i].weight);
        total += block->entries[i].weight;
    }
    fed_update_apply(next, start, sum, count, total);
    engine_floats_encode(bytes, next, count);
    EXPECT_OK(engine_blob_of(&out, &leaves, bytes, in.size));
    assert_memory_equal(out.root.bytes, block->model_out.root, 32);
    free(leaves);
    free(bytes);
    free(start);
    free(next);
    free(q);
    free(sum);
}

struct audit {
    struct cluster *cluster;
    uint64_t        rounds, witnesses, metrics;
    double          first_loss, last_loss;
};

static enum pn_status
audit_block(void *context, const struct wire_block *block, const struct sec_hash *hash)
{
    struct audit *audit = context;
    (void)hash;
    audit->witnesses += block->witness_count;
    if (block->kind != WIRE_BLOCK_ROUND)
        return PN_OK;
    audit->rounds++;
    audit->metrics += block->metric_count;
    for (size_t i = 0; i < block->metric_count; i++)
        if (strcmp(block->metrics[i].name, "log_loss") == 0) {
            audit->last_loss = block->metrics[i].value;
            if (audit->rounds == 1)
                audit->first_loss = block->metrics[i].value;
        }
    recompute(&audit->cluster->parties[0].disk, block);
    return PN_OK;
}

/* The model of a run in which nothing goes wrong. */
static struct sec_hash
calm_model(void)
{
    struct cluster  cluster;
    struct sec_hash root;
    cluster_new(&cluster, NODES, STRICT("3"));
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.outcome, WIRE_DONE);
    expect_one_history(&cluster);
    root = chain_on_disk(&cluster, TEST_HUB).model.root;
    cluster_free(&cluster);
    return root;
}

static void
expect_calm_model(struct cluster *cluster)
{
    struct sec_hash calm = calm_model();
    assert_true(cluster->ended);
    assert_int_equal(cluster->outcome, WIRE_DONE);
    expect_one_history(cluster);
    assert_memory_equal(chain_on_disk(cluster, TEST_HUB).model.root.bytes, calm.bytes, 32);
}

/* ---- tests ---- */

static void
a_run_ends_with_one_model_and_a_ledger_that_proves_it(void **state)
{
    (void)state;
    struct cluster   cluster;
    struct pn_error  why = {.text = ""};
    struct fed_chain chain;
    cluster_new(&cluster, NODES, STRICT("3"));
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.outcome, WIRE_DONE);
    expect_one_history(&cluster);

    struct audit audit = {.cluster = &cluster};
    expect_status(PN_OK,
                  engine_ledger_walk(&chain, cluster.federation.roster, NULL,
                                     &cluster.parties[0].disk, &cluster.scratch, audit_block,
                                     &audit, &why),
                  why.text, __FILE__, __LINE__);
    assert_int_equal(chain.height, BLOCKS);
    assert_int_equal(audit.rounds, ROUNDS);
    assert_int_equal(audit.metrics, ROUNDS * 4);
    assert_int_equal(audit.witnesses, (BLOCKS - 1) * NODES);
    assert_true(audit.last_loss < audit.first_loss); /* it learns */
    for (uint32_t number = 2; number <= NODES + 1; number++) {
        const struct engine_counters *counters = coord_engine_counters(cluster.coordinator, number);
        assert_int_equal(counters->rejected, 0);
        assert_int_equal(cluster_party(&cluster, number)->trained, ROUNDS);
    }
    cluster_free(&cluster);
}

static void
lost_and_repeated_frames_change_nothing(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct cluster cluster;
        cluster_new(&cluster, NODES, STRICT("3"));
        pn_rng_init(&cluster.rng, seed);
        cluster.drop  = 0.1;
        cluster.twice = 0.1;
        cluster_start(&cluster);
        assert_true(cluster_run(&cluster, 0, 0));
        expect_calm_model(&cluster);
        cluster_free(&cluster);
    }
}

static void
a_node_that_died_goes_on_with_the_same_bits(void **state)
{
    (void)state;
    for (uint32_t more = 1; more < 120; more += 7) {
        struct cluster cluster;
        cluster_new(&cluster, NODES, STRICT("3"));
        cluster_start(&cluster);
        assert_true(cluster_run(&cluster, 2, more));
        cluster_restart_node(&cluster, 3);
        assert_true(cluster_run(&cluster, 0, 0));
        expect_calm_model(&cluster);
        cluster_free(&cluster);
    }
}

static void
an_update_that_is_done_is_announced_again_and_not_made_again(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_new(&cluster, NODES, STRICT("3"));
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 2, 0));
    while (cluster.parties[2].trained <
           2) /* its second round is trained: durable, not yet folded */
        cluster_step(&cluster);
    assert_int_equal(cluster.blocks, 2);
    cluster_restart_node(&cluster, 3);
    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.parties[2].trained, ROUNDS);
    assert_int_equal(cluster.parties[2].joined, 2);
    expect_calm_model(&cluster);
    cluster_free(&cluster);
}

static void
a_coordinator_that_died_goes_on_with_the_same_bits(void **state)
{
    (void)state;
    for (uint32_t more = 0; more < 140; more += 11) {
        struct cluster cluster;
        cluster_new(&cluster, NODES, STRICT("3"));
        cluster_start(&cluster);
        assert_true(cluster_run(&cluster, 2, more));
        uint64_t round   = coord_engine_round(cluster.coordinator)->round;
        uint32_t attempt = coord_engine_round(cluster.coordinator)->attempt;
        bool     invited = round == coord_engine_chain(cluster.coordinator)->round + 1;
        cluster_restart_coordinator(&cluster);
        if (invited) /* answers to the attempt that died must not be taken for answers to this one
                      */
            assert_int_equal(coord_engine_round(cluster.coordinator)->attempt, attempt + 1);
        assert_true(cluster_run(&cluster, 0, 0));
        expect_calm_model(&cluster);
        cluster_free(&cluster);
    }
}

static void
a_coordinator_that_is_started_again_after_the_end_says_so(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_new(&cluster, NODES, STRICT("3"));
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    cluster.ended = false;
    cluster_restart_coordinator(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    expect_calm_model(&cluster);
    assert_int_equal(coord_engine_chain(cluster.coordinator)->height, BLOCKS);
    cluster_free(&cluster);
}

static void
everything_dies_in_turn_while_frames_are_lost(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        struct cluster cluster;
        cluster_new(&cluster, NODES, STRICT("3"));
        pn_rng_init(&cluster.rng, seed);
        cluster.drop = 0.05;
        cluster_start(&cluster);
        for (uint64_t blocks = 1; blocks < BLOCKS - 1; blocks++) {
            assert_true(cluster_run(&cluster, blocks, 20));
            if (blocks % 2 == 0)
                cluster_restart_coordinator(&cluster);
            else
                cluster_restart_node(&cluster, 2 + (uint32_t)(blocks % NODES));
        }
        assert_true(cluster_run(&cluster, 0, 0));
        expect_calm_model(&cluster);
        cluster_free(&cluster);
    }
}

static void
only_the_newest_updates_stay_when_a_limit_is_set(void **state)
{
    (void)state;
    struct cluster     cluster;
    struct sec_hash    nobody = {.bytes = {0}};
    struct store_disk *disk;
    cluster_new(&cluster, NODES, STRICT("3"));
    cluster.keep_updates = 1;
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    expect_calm_model(&cluster);
    disk            = &cluster.parties[0].disk;
    uint64_t before = sim_disk_bytes(cluster.parties[0].sim_disk);
    engine_blob_tidy(disk, "updates", &nobody, 1); /* what is left: one update a node */
    assert_int_equal(before - sim_disk_bytes(cluster.parties[0].sim_disk),
                     NODES * cluster.job.model_size);
    cluster_free(&cluster);
}

static void
a_policy_is_not_overruled_and_its_sentence_reaches_the_coordinator(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_new(&cluster, NODES, STRICT("3"));
    cluster.policy.rounds_max = 2;
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.outcome, WIRE_FAILED);
    assert_int_equal(cluster.blocks, 0);
    for (uint32_t number = 2; number <= NODES + 1; number++)
        assert_non_null(strstr(cluster_party(&cluster, number)->refusal, "rounds"));
    cluster_free(&cluster);
}

/* Else a job could take a CSV file for a text, and read what the policy keeps from it. */
static void
a_policy_on_columns_refuses_formats_that_read_whole_files(void **state)
{
    (void)state;
    static const char job[] =
        "version: 1\nname: sly\nseed: 5\nprofile: open\nmodel: |\n"
        "  x    = input 4\n  out  = dense x 1 init=xavier\n  loss = bce_logits out\n"
        "data: { format: npy, shape: [4], classes: 2 }\n"
        "training: { optimiser: sgd, rate: 0.1, batch: 16, epochs: 1, clip: 10 }\n"
        "rounds: { count: 1, cohort: 2, quorum: 2, attempts: 1 }\n";
    static const char *const columns[] = {"a", "b", "c", "y"};
    struct cluster           cluster;
    cluster_new(&cluster, 2, job);
    cluster.policy.columns      = columns;
    cluster.policy.column_count = 4;
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.outcome, WIRE_FAILED);
    for (uint32_t number = 2; number <= 3; number++)
        assert_non_null(strstr(cluster_party(&cluster, number)->refusal, "read the column *"));
    cluster_free(&cluster);
}

static void
a_full_disk_ends_the_run_cleanly_and_the_next_start_goes_on(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_new(&cluster, NODES, STRICT("3"));
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 3, 5));
    sim_disk_fail(cluster.parties[0].sim_disk, PN_ENOSPC);
    while (!cluster.ended)
        cluster_step(&cluster);
    assert_int_equal(cluster.outcome, WIRE_FAILED);
    assert_int_equal(cluster.broken, 1);
    sim_disk_fail(cluster.parties[0].sim_disk, PN_OK);
    cluster.ended = false;
    cluster_restart_coordinator(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    expect_calm_model(&cluster);
    cluster_free(&cluster);
}

/* 3.2 million bytes: four chunks, the last one short. */
#define WIDE(count)                                                                                \
    "version: 1\nname: wide\nseed: 5\nprofile: open\nmodel: |\n"                                   \
    "  x    = input 4\n  h    = dense x 400 init=xavier\n  a    = tanh h\n"                        \
    "  g    = dense a 2000 init=xavier\n  b    = tanh g\n  out  = dense b 1 init=xavier\n"         \
    "  loss = bce_logits out\n"                                                                    \
    "data:\n  format: csv\n  columns:\n"                                                           \
    "    - { name: a, type: numeric, scale: standard }\n"                                          \
    "    - { name: b, type: numeric, scale: standard }\n"                                          \
    "    - { name: c, type: categorical, values: [u, v] }\n"                                       \
    "    - { name: y, type: target, positive: [\"1\"] }\n"                                         \
    "training: { optimiser: sgd, rate: 0.001, batch: 64, epochs: 1, clip: 10 }\n"                  \
    "limits: { update_norm: 50, weight: 100000 }\n"                                                \
    "rounds: { count: 2, cohort: " count ", quorum: " count                                        \
    ", gather: 10m, invite: 5m, train: 10m, "                                                      \
    "collect: 10m, evaluate: 10m, attempts: 10 }\n"

static void
a_model_of_several_chunks_travels_whole(void **state)
{
    (void)state;
    struct cluster   cluster;
    struct pn_error  why = {.text = ""};
    struct fed_chain chain;
    cluster_new(&cluster, 2, WIDE("2"));
    cluster.drop = 0.1;
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.outcome, WIRE_DONE);
    expect_one_history(&cluster);
    struct audit audit = {.cluster = &cluster};
    expect_status(PN_OK,
                  engine_ledger_walk(&chain, cluster.federation.roster, NULL,
                                     &cluster.parties[0].disk, &cluster.scratch, audit_block,
                                     &audit, &why),
                  why.text, __FILE__, __LINE__);
    assert_int_equal(sec_blob_chunks(chain.model.size), 4);
    assert_int_equal(audit.rounds, 2);
    cluster_free(&cluster);
}

/* Bytes of chunks that are on their way from the coordinator, or to it. */
static void
add_chunks(uint64_t *from_hub, uint64_t *to_hub, const struct cluster *cluster)
{
    *from_hub = *to_hub = 0;
    for (const struct cluster_thing *thing = cluster->first; thing != NULL; thing = thing->next)
        if (thing->size >= SEC_CHUNK_SIZE)
            *(thing->from == TEST_HUB ? from_hub : to_hub) += SEC_CHUNK_SIZE;
}

/* Each wants two chunks at a time: 26 MiB, in each direction. Two die while they wait. (The end of
 * a model stops counting a while after it left: early here, where a chunk takes a millisecond.) */
static void
many_nodes_get_and_give_large_models_a_few_at_a_time(void **state)
{
    (void)state;
    struct cluster cluster;
    uint64_t       from_hub, to_hub, most_from = 0, most_to = 0;
    uint32_t       to_die = 13;
    cluster_new(&cluster, 13, WIDE("13"));
    cluster_start(&cluster);
    for (int i = 0; !(cluster.ended && cluster_is_over(&cluster)); i++) {
        assert_true(i < CLUSTER_STEPS_MAX);
        cluster_step(&cluster);
        add_chunks(&from_hub, &to_hub, &cluster);
        most_from = from_hub > most_from ? from_hub : most_from;
        most_to   = to_hub > most_to ? to_hub : most_to;
        if (to_die == 13 ? from_hub >= ENGINE_FLOW_LEAST
                         : to_die == 12 && to_hub >= ENGINE_FLOW_LEAST)
            cluster_restart_node(&cluster, to_die--);
    }
    assert_int_equal(to_die, 11);
    assert_int_equal(cluster.outcome, WIRE_DONE);
    assert_int_equal(cluster.complaints, 0);
    assert_true(cluster.now < 1000 + FED_PULL_MS); /* nobody had to ask again */
    expect_one_history(&cluster);
    assert_in_range(most_from, ENGINE_FLOW_LEAST, 20 * SEC_CHUNK_SIZE);
    assert_in_range(most_to, ENGINE_FLOW_LEAST, 17 * SEC_CHUNK_SIZE);
    cluster_free(&cluster);
}

/* ---- a member that lies ---- */

struct liar { /* member 5: a key, and no engine */
    struct cluster  *cluster;
    struct fed_link  link;
    struct pn_buffer body, frame;
    uint32_t         number;
};

static void
liar_init(struct liar *liar, struct cluster *cluster, uint32_t number, uint32_t boot)
{
    uint8_t run[16];
    fed_job_run(run, cluster->federation.roster->federation, cluster->job.job, "1");
    *liar = (struct liar){.cluster = cluster, .number = number};
    const struct fed_link_ends ends =
        test_federation_ends(&cluster->federation, run, number, TEST_HUB);
    fed_link_init(&liar->link, &ends, boot);
    pn_buffer_init(&liar->body, WIRE_BODY_MAX);
    pn_buffer_init(&liar->frame, WIRE_FRAME_MAX);
}

static void
liar_fini(struct liar *liar)
{
    pn_buffer_fini(&liar->body);
    pn_buffer_fini(&liar->frame);
}

/* Hands liar->frame in and expects it to be counted once, under `status`. */
static void
liar_throws(struct liar *liar, enum pn_status status, const char *file, int line)
{
    struct coord_engine          *engine   = liar->cluster->coordinator;
    const struct engine_counters *counters = coord_engine_counters(engine, liar->number);
    const struct engine_counters  before   = *counters;
    coord_engine_frame(engine, liar->cluster->now, liar->number, liar->frame.bytes,
                       liar->frame.size);
    uint64_t accepted = counters->accepted - before.accepted;
    uint64_t refused  = counters->reasons[status] - before.reasons[status];
    if (accepted == (status == PN_OK) && refused == (status != PN_OK))
        return;
    for (size_t i = 0; i < PN_STATUS_COUNT; i++)
        if (counters->reasons[i] != before.reasons[i])
            print_error("expected: %s\nseen:     %s\n", pn_status_text(status),
                        pn_status_text((enum pn_status)i));
    if (accepted > 0)
        print_error("expected: %s\nseen:     accepted\n", pn_status_text(status));
    _fail(file, line);
}

static void
liar_says(struct liar *liar, enum wire_type type, enum pn_status status, const char *file, int line)
{
    const struct fed_round *round = coord_engine_round(liar->cluster->coordinator);
    EXPECT_OK(fed_link_seal(&liar->frame, &liar->link, type, round->round, round->attempt,
                            liar->body.bytes, liar->body.size));
    liar_throws(liar, status, file, line);
    pn_buffer_clear(&liar->body);
}
#define THROWS(liar, status) liar_throws((liar), (status), __FILE__, __LINE__)
#define SAYS(liar, type, status) liar_says((liar), (type), (status), __FILE__, __LINE__)

static void
liar_greets(struct liar *liar, uint64_t height, enum pn_status status)
{
    struct wire_hello hello = {.restart = true, .software = "liar 1", .height = height};
    memset(hello.head, height > 0 ? 7 : 0, sizeof hello.head);
    pn_buffer_clear(&liar->body);
    EXPECT_OK(wire_hello_encode(&liar->body, &hello));
    SAYS(liar, WIRE_HELLO, status);
}

static void
throw_bad_frames(struct liar *liar)
{
    static const uint8_t noise[300] = {'P', 'N', 'L', '1', 1, 0, 9};
    pn_buffer_clear(&liar->frame);
    EXPECT_OK(pn_buffer_append(&liar->frame, noise, sizeof noise));
    THROWS(liar, PN_EPEER_FORMAT);

    liar_greets(liar, 0, PN_OK);
    THROWS(liar, PN_EPEER_REPLAY); /* the very same HELLO */
    liar->frame.bytes[8] ^= 1;     /* another run */
    THROWS(liar, PN_EPEER_RUN);
    liar->frame.bytes[8] ^= 1;
    liar->frame.bytes[28] = 2; /* in the name of member 2 */
    THROWS(liar, PN_EPEER_AUTH);
    liar->frame.bytes[28] = (uint8_t)liar->number;
    liar->frame.bytes[48] ^= 0xff; /* another sequence: not what was signed */
    THROWS(liar, PN_EPEER_AUTH);
    liar->frame.bytes[140] ^= 1; /* the body */
    THROWS(liar, PN_EPEER_FORMAT);
    liar->frame.size--;
    THROWS(liar, PN_EPEER_FORMAT);

    pn_buffer_clear(&liar->body); /* a frame of the chain is left out */
    EXPECT_OK(wire_accept_encode(&liar->body, &(struct wire_accept){.records = 1}));
    EXPECT_OK(fed_link_seal(&liar->frame, &liar->link, WIRE_ACCEPT, 1, 1, liar->body.bytes,
                            liar->body.size));
    SAYS(liar, WIRE_ACCEPT, PN_EPEER_GAP);

    liar->link.ends.self_is_coordinator = true; /* speaks as the coordinator */
    liar_greets(liar, 0, PN_OK);
    SAYS(liar, WIRE_SURVEY, PN_EPEER_FORMAT);
    liar->link.ends.self_is_coordinator = false;
}

static void
throw_bad_bodies(struct liar *liar)
{
    static const enum wire_type types[] = {
        WIRE_ANSWER,      WIRE_STATISTICS, WIRE_ACCEPT,    WIRE_UPDATE, WIRE_METRICS,
        WIRE_COUNTERSIGN, WIRE_FAULT,      WIRE_HEARTBEAT, WIRE_PULL,   WIRE_CHUNK};
    liar_greets(liar, 0, PN_OK);
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        EXPECT_OK(pn_buffer_append(&liar->body, "\xff\xff\xff\xff", 4));
        SAYS(liar, types[i], PN_EPEER_FORMAT);
    }
}

static void
throw_bad_numbers(struct liar *liar)
{
    const struct fed_round *round      = coord_engine_round(liar->cluster->coordinator);
    struct wire_column_sums columns[3] = {{.count = 5, .sum = 50, .sum_of_squares = 100}};
    struct wire_statistics  statistics = {.records = 5, .columns = columns, .column_count = 2};
    EXPECT_OK(wire_statistics_encode(&liar->body, &statistics)); /* 50 * 50 > 5 * 100 */
    SAYS(liar, WIRE_STATISTICS, PN_EPEER_VALUE);
    columns[0].sum_of_squares = (pn_i128)(~(pn_u128)0 >> 1); /* the sum of all would overflow */
    EXPECT_OK(wire_statistics_encode(&liar->body, &statistics));
    SAYS(liar, WIRE_STATISTICS, PN_EPEER_VALUE);
    columns[0].sum_of_squares = 500;
    statistics.column_count   = 3;
    EXPECT_OK(wire_statistics_encode(&liar->body, &statistics));
    SAYS(liar, WIRE_STATISTICS, PN_EPEER_VALUE);

    struct wire_update update = {
        .update = {.size = liar->cluster->job.model_size, .root = {1}}, .weight = 10, .loss = 1};
    EXPECT_OK(wire_update_encode(&liar->body, &update)); /* no commitment of its key */
    SAYS(liar, WIRE_UPDATE, PN_EPEER_AUTH);

    struct wire_metric_state state   = {.name = "accuracy", .state = {(const uint8_t *)"x", 1}};
    struct wire_metrics      metrics = {.records = 3, .metrics = &state, .metric_count = 1};
    EXPECT_OK(wire_metrics_encode(&liar->body, &metrics)); /* not all of them */
    SAYS(liar, WIRE_METRICS, PN_EPEER_VALUE);

    struct wire_countersign sign = {.height = round->height + 5}; /* a block of the future */
    EXPECT_OK(wire_countersign_encode(&liar->body, &sign));
    SAYS(liar, WIRE_COUNTERSIGN, PN_EPEER_VALUE);

    struct wire_pull pull = {.blob = {.size = 100, .root = {9}}, .count = 1};
    EXPECT_OK(wire_pull_encode(&liar->body, &pull)); /* a blob that nobody has */
    SAYS(liar, WIRE_PULL, PN_EPEER_STALE);

    uint8_t           data[100] = {0};
    struct wire_chunk chunk     = {.blob = pull.blob, .data = {data, sizeof data}};
    EXPECT_OK(wire_chunk_encode(&liar->body, &chunk)); /* that nobody asked for */
    SAYS(liar, WIRE_CHUNK, PN_EPEER_STATE);
}

/* Its commitment is right, its update is far too large: it is pulled, measured, and does not count.
 */
static void
commit_to_a_huge_update(struct liar *liar, struct sec_blob *blob, struct sec_hash **leaves,
                        uint8_t **bytes)
{
    const struct cluster   *cluster = liar->cluster;
    const struct fed_round *round   = coord_engine_round(cluster->coordinator);
    size_t                  count   = (size_t)cluster->job.model_size / 4;
    int32_t                *q       = calloc(count, 4);
    for (size_t i = 0; i < count; i++)
        q[i] = INT32_MAX;
    fed_update_encode(*bytes = (uint8_t *)q, q, count);
    EXPECT_OK(engine_blob_of(blob, leaves, *bytes, cluster->job.model_size));

    struct fed_commitment commitment = {.round    = round->round,
                                        .weight   = 100,
                                        .member   = liar->number,
                                        .model_in = round->model,
                                        .update   = *blob};
    struct sec_signature  signature;
    struct wire_update    update = {.update = fed_blob_to_wire(blob), .weight = 100, .loss = 1};
    memcpy(commitment.run, liar->link.ends.run, sizeof commitment.run);
    fed_commitment_sign(&signature, &commitment, liar->link.ends.secret);
    memcpy(update.signature, signature.bytes, sizeof update.signature);

    EXPECT_OK(wire_accept_encode(&liar->body, &(struct wire_accept){.records = 100}));
    SAYS(liar, WIRE_ACCEPT, PN_OK);
    while (round->phase != FED_TRAIN)
        cluster_step(liar->cluster);
    update.weight = 200; /* not what it signed */
    EXPECT_OK(wire_update_encode(&liar->body, &update));
    SAYS(liar, WIRE_UPDATE, PN_EPEER_AUTH);
    update.weight = 100;
    EXPECT_OK(wire_update_encode(&liar->body, &update));
    SAYS(liar, WIRE_UPDATE, PN_OK);
}

static void
give_chunk(struct liar *liar, const struct sec_blob *blob, uint8_t *bytes)
{
    struct wire_chunk chunk = {.blob = fed_blob_to_wire(blob), .data = {bytes, (size_t)blob->size}};
    bytes[0] ^= 1; /* not of that root */
    EXPECT_OK(wire_chunk_encode(&liar->body, &chunk));
    SAYS(liar, WIRE_CHUNK, PN_EPEER_VALUE);
    bytes[0] ^= 1;
    EXPECT_OK(wire_chunk_encode(&liar->body, &chunk));
    SAYS(liar, WIRE_CHUNK, PN_OK);
}

static void
a_member_that_lies_is_refused_counted_and_outlived(void **state)
{
    (void)state;
    struct cluster   cluster;
    struct liar      liar;
    struct sec_blob  blob;
    struct sec_hash *leaves;
    uint8_t         *bytes;
    const uint32_t   number = NODES + 2;
    cluster_new(&cluster, NODES + 1,
                JOB(MODEL) "rounds: { count: 4, cohort: 4, quorum: 3, gather: 30s, invite: 5s, "
                           "train: 1m, collect: 10s, evaluate: 10s, attempts: 5 }\n");
    cluster_start(&cluster);
    cluster_stop_node(&cluster, number); /* its place is taken */
    cluster_party(&cluster, number)->deaf = true;
    liar_init(&liar, &cluster, number, 1000);
    throw_bad_frames(&liar);
    throw_bad_bodies(&liar);
    liar_greets(&liar, 0, PN_OK);
    EXPECT_OK(wire_answer_encode(
        &liar.body, &(struct wire_answer){.accepted = true, .reason = "", .records = 100}));
    SAYS(&liar, WIRE_ANSWER, PN_OK);
    throw_bad_numbers(&liar);

    const struct fed_round *round = coord_engine_round(cluster.coordinator);
    while (round->phase != FED_INVITE)
        cluster_step(&cluster);
    commit_to_a_huge_update(&liar, &blob, &leaves, &bytes);
    give_chunk(&liar, &blob, bytes);
    assert_true(cluster_run(&cluster, 2, 0));
    assert_int_equal(cluster.invalid, 1);
    liar_greets(&liar, 1000, PN_EPEER_VALUE); /* it saw another history */
    assert_int_equal(cluster.foreign, 1);
    EXPECT_OK(wire_accept_encode(&liar.body, &(struct wire_accept){.records = 100}));
    SAYS(&liar, WIRE_ACCEPT, PN_EPEER_RUN);

    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.outcome, WIRE_DONE);
    expect_one_history(&cluster);
    for (uint32_t other = 2; other < number; other++)
        assert_int_equal(coord_engine_counters(cluster.coordinator, other)->rejected, 0);
    assert_int_equal(coord_engine_strangers(cluster.coordinator), 0);
    coord_engine_frame(cluster.coordinator, cluster.now, 99, bytes, 4);
    assert_int_equal(coord_engine_strangers(cluster.coordinator), 1);
    free(leaves);
    free(bytes);
    liar_fini(&liar);
    cluster_free(&cluster);
}

/* ---- what stays at its node ---- */

enum {
    OWN_FACT = 72
};

static void
own_fact(uint8_t out[static OWN_FACT], struct cluster *cluster, uint32_t number)
{
    const struct store_disk *disk = &cluster_party(cluster, number)->disk;
    size_t                   size = OWN_FACT;
    EXPECT_OK(disk->get(disk->host, "own", out, &size));
    assert_int_equal(size, OWN_FACT);
    assert_int_equal(pn_get_u64(out), ROUNDS);
}

/* Those of the hub's last model, which must be as the first had them; how many there are. */
static void
expect_first_values(struct cluster *cluster)
{
    const struct nn_plan   *plan  = cluster->job.plan;
    struct sec_blob         model = chain_on_disk(cluster, TEST_HUB).model;
    size_t                  count = (size_t)model.size / 4, tensors, local = 0;
    const struct nn_tensor *rows  = nn_plan_manifest(plan, &tensors);
    uint8_t                *bytes = malloc((size_t)model.size);
    float                  *first = calloc(count, 4), *last = calloc(count, 4);
    EXPECT_OK(engine_blob_read(bytes, NULL, &cluster->parties[0].disk, "models", &model));
    engine_floats_decode(last, bytes, count);
    engine_job_first_model(first, &cluster->job);
    assert_memory_not_equal(first, last, count * 4);
    for (size_t t = 0; t < tensors; t++) {
        if (rows[t].role != NN_LOCAL)
            continue;
        assert_memory_equal(first + rows[t].offset, last + rows[t].offset, rows[t].count * 4);
        local += (size_t)rows[t].count;
    }
    assert_int_equal(local, 4 * 6); /* weight, bias, mean, variance of six numbers */
    free(bytes);
    free(first);
    free(last);
}

static bool
remember_name(void *context, const char *name)
{
    (void)snprintf(context, ENGINE_NAME_SIZE, "%s", name);
    return true;
}

/* As if node 3 had died when its own values of round 2 were durable and its update was not. */
static void
forget_update(struct cluster *cluster)
{
    const struct store_disk *disk                   = &cluster_party(cluster, 3)->disk;
    char                     name[ENGINE_NAME_SIZE] = "";
    while (cluster->parties[2].trained < 2)
        cluster_step(cluster);
    for (int i = 0; i < 2; i++) {
        EXPECT_OK(disk->list(disk->host, "updates", remember_name, name));
        EXPECT_OK(disk->remove(disk->host, name));
    }
}

static void
what_is_local_stays_at_its_node_and_outlives_it(void **state)
{
    (void)state;
    uint8_t         calm[NODES][OWN_FACT], seen[OWN_FACT];
    struct sec_hash model;
    for (uint32_t more = 0; more < 120; more += 29) {
        struct cluster cluster;
        cluster_new(&cluster, NODES, STRICT_WITH(MODEL_WITH_NORM, "3"));
        cluster_start(&cluster);
        if (more > 0) {
            assert_true(cluster_run(&cluster, 2, more == 29 ? 0 : more));
            if (more == 29)
                forget_update(&cluster);
            cluster_restart_node(&cluster, 3);
        }
        assert_true(cluster_run(&cluster, 0, 0));
        assert_int_equal(cluster.outcome, WIRE_DONE);
        assert_int_equal(cluster.parties[2].trained, ROUNDS + (more == 29 ? 1 : 0));
        expect_one_history(&cluster);
        expect_first_values(&cluster);
        if (more == 0)
            model = chain_on_disk(&cluster, TEST_HUB).model.root;
        for (uint32_t n = 0; n < NODES; n++) {
            own_fact(more == 0 ? calm[n] : seen, &cluster, 2 + n);
            if (more > 0)
                assert_memory_equal(seen, calm[n], OWN_FACT);
        }
        assert_memory_not_equal(calm[0], calm[1], OWN_FACT);
        assert_memory_equal(chain_on_disk(&cluster, TEST_HUB).model.root.bytes, model.bytes, 32);
        cluster_free(&cluster);
    }
}

/* Nobody else has them, and the node says so. */
static void
local_values_that_are_gone_are_told(void **state)
{
    (void)state;
    struct cluster cluster;
    char           name[ENGINE_NAME_SIZE] = "";
    cluster_new(&cluster, NODES, STRICT_WITH(MODEL_WITH_NORM, "3"));
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 2, 0));
    cluster.quiet                 = true;
    const struct store_disk *disk = &cluster_party(&cluster, 3)->disk;
    for (int i = 0; i < 2; i++) { /* before and after */
        EXPECT_OK(disk->list(disk->host, "own", remember_name, name));
        EXPECT_OK(disk->remove(disk->host, name));
    }
    (void)cluster_run(&cluster, 0, 0);
    assert_non_null(
        strstr(cluster_party(&cluster, 3)->failure, "the site's own part of the model, own/"));
    assert_int_not_equal(cluster.outcome, WIRE_DONE);
    cluster_free(&cluster);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_ends_with_one_model_and_a_ledger_that_proves_it),
        cmocka_unit_test(lost_and_repeated_frames_change_nothing),
        cmocka_unit_test(a_node_that_died_goes_on_with_the_same_bits),
        cmocka_unit_test(an_update_that_is_done_is_announced_again_and_not_made_again),
        cmocka_unit_test(a_coordinator_that_died_goes_on_with_the_same_bits),
        cmocka_unit_test(a_coordinator_that_is_started_again_after_the_end_says_so),
        cmocka_unit_test(everything_dies_in_turn_while_frames_are_lost),
        cmocka_unit_test(only_the_newest_updates_stay_when_a_limit_is_set),
        cmocka_unit_test(a_policy_is_not_overruled_and_its_sentence_reaches_the_coordinator),
        cmocka_unit_test(a_policy_on_columns_refuses_formats_that_read_whole_files),
        cmocka_unit_test(a_full_disk_ends_the_run_cleanly_and_the_next_start_goes_on),
        cmocka_unit_test(a_model_of_several_chunks_travels_whole),
        cmocka_unit_test(many_nodes_get_and_give_large_models_a_few_at_a_time),
        cmocka_unit_test(what_is_local_stays_at_its_node_and_outlives_it),
        cmocka_unit_test(local_values_that_are_gone_are_told),
        cmocka_unit_test(a_member_that_lies_is_refused_counted_and_outlived),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
