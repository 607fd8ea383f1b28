/*
 * What somebody with a valid key can do to the other side: a member to the coordinator, a lying
 * coordinator to a node. Refused, counted, bounded - and the others go on.
 */
#include "tests/support/impostor.h"

#include "engine/blob.h"

#define JOB_HEAD                                                                                   \
    "version: 1\n"                                                                                 \
    "name: hostile\n"                                                                              \
    "seed: 3\n"                                                                                    \
    "profile: open\n"                                                                              \
    "model: |\n"                                                                                   \
    "  x    = input 4\n"                                                                           \
    "  out  = dense x 1 init=xavier\n"                                                             \
    "  loss = bce_logits out\n"                                                                    \
    "data:\n"                                                                                      \
    "  format: csv\n"                                                                              \
    "  columns:\n"                                                                                 \
    "    - { name: a, type: numeric, scale: standard }\n"                                          \
    "    - { name: b, type: numeric, scale: standard }\n"                                          \
    "    - { name: c, type: categorical, values: [u, v] }\n"                                       \
    "    - { name: y, type: target, positive: [\"1\"] }\n"                                         \
    "  split: { validation: 0.2, test: 0.2 }\n"                                                    \
    "training: { optimiser: sgd, rate: 0.1, batch: 16, epochs: 1, clip: 10 }\n"                    \
    "limits: { update_norm: 50, weight: 100000 }\n"

#define JOB(rounds, cohort, quorum)                                                                \
    JOB_HEAD "rounds: { count: " #rounds ", cohort: " #cohort ", quorum: " #quorum                 \
             ", gather: 20s, invite: 5s, train: 1h, collect: 10s, evaluate: 10s, attempts: 5 }\n"

enum {
    LIAR = 4
};

/* A federation of three nodes, of which member 4 is the test. */
static void
begin_with_liar(struct cluster *cluster, struct impostor *liar, const char *job)
{
    static const struct sec_hash none;
    cluster_new(cluster, 3, job);
    cluster_start(cluster);
    cluster_stop_node(cluster, LIAR);
    cluster_party(cluster, LIAR)->deaf = true;
    impostor_init(liar, cluster, LIAR, TEST_HUB, 1000);
    assert_true(impostor_greets(liar, 0, &none));
}

static void
join(struct impostor *liar)
{
    EXPECT_OK(wire_answer_encode(
        &liar->body, &(struct wire_answer){.accepted = true, .reason = "", .records = 100}));
    assert_true(impostor_says(liar, WIRE_ANSWER, 1, 1));
}

static bool
tells_sums(struct impostor *liar, uint64_t count, pn_i128 sum, pn_i128 squares)
{
    struct wire_column_sums columns[2] = {{count, sum, squares}, {count, sum, squares}};
    struct wire_statistics  statistics = {.records = count, .columns = columns, .column_count = 2};
    if (wire_statistics_encode(&liar->body, &statistics) != PN_OK)
        return false;
    return impostor_says(liar, WIRE_STATISTICS, 1, 1);
}

static void
sums_of_no_records_are_refused_exactly_and_do_not_end_the_run(void **state)
{
    (void)state;
    struct cluster  cluster;
    struct impostor liar;
    const uint64_t  many  = (uint64_t)1 << 40;
    const pn_i128   value = (pn_i128)1 << 30, most = (pn_i128)1 << 62;
    begin_with_liar(&cluster, &liar, JOB(2, 3, 2));
    join(&liar);
    while (coord_engine_round(cluster.coordinator)->phase != FED_SURVEY)
        cluster_step(&cluster);
    /* One unit in 2^100 less than what so many equal values give: the pooled sums would contradict
     * each other, for all. */
    assert_false(tells_sums(&liar, many, many * value, many * value * value - 1));
    assert_false(tells_sums(&liar, 3, 4, 5)); /* 16 > 15 */
    /* Values that no table may hold. */
    assert_false(tells_sums(&liar, 1, most + 1, (most + 1) * (most + 1)));
    assert_int_equal(impostor_counted(&liar, PN_EPEER_VALUE), 3);
    assert_true(tells_sums(&liar, 3, -4, 6)); /* -2, -1, -1 */
    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.broken, 0);
    assert_int_equal(cluster.outcome, WIRE_DONE);
    impostor_fini(&liar);
    cluster_free(&cluster);
}

static bool
beats(struct impostor *liar)
{
    EXPECT_OK(wire_heartbeat_encode(&liar->body, &(struct wire_heartbeat){.activity = WIRE_IDLE}));
    return impostor_says(liar, WIRE_HEARTBEAT, 1, 1);
}

static void
a_member_that_floods_is_not_read_any_more_and_heard_again_later(void **state)
{
    (void)state;
    static const struct sec_hash none;
    struct cluster               cluster;
    struct impostor              liar;
    uint32_t                     heard = 0;
    begin_with_liar(&cluster, &liar, JOB(2, 3, 2));
    for (uint32_t i = 0; i < 5000; i++)
        heard += beats(&liar);
    assert_true(heard >= 20 && heard < 200);
    assert_true(impostor_counted(&liar, PN_EPEER_LIMIT) > 4800);
    assert_true(cluster.complaints <= 16);
    cluster.now += 5000;
    coord_engine_tick(cluster.coordinator, cluster.now);
    assert_true(impostor_greets(&liar, 0, &none));
    assert_true(beats(&liar));
    impostor_fini(&liar);
    cluster_free(&cluster);
}

static void
a_member_that_asks_for_chunks_over_and_over_gets_a_bounded_number(void **state)
{
    (void)state;
    struct cluster  cluster;
    struct impostor liar;
    uint32_t        given = 0;
    begin_with_liar(&cluster, &liar, JOB(2, 3, 2));
    assert_true(cluster_run(&cluster, 1, 0));
    struct wire_pull pull = {
        .blob = fed_blob_to_wire(&coord_engine_round(cluster.coordinator)->model), .count = 1};
    for (uint32_t i = 0; i < 1000; i++) {
        EXPECT_OK(wire_pull_encode(&liar.body, &pull));
        given += impostor_says(&liar, WIRE_PULL, 0, 0);
    }
    assert_true(given >= 3 && given < 200);
    impostor_fini(&liar);
    cluster_free(&cluster);
}

/* ---- a coordinator that lies ---- */

/* Node 2 after two rounds; the test speaks as the coordinator from now on. */
static void
begin_with_lying_hub(struct cluster *cluster, struct impostor *hub)
{
    cluster_new(cluster, 2, JOB(4, 2, 2));
    cluster_start(cluster);
    assert_true(cluster_run(cluster, 3, 0));
    while (node_engine_chain(cluster->parties[1].node)->height < 3)
        cluster_step(cluster);
    impostor_init(hub, cluster, TEST_HUB, 2, 1000);
    const struct fed_chain *chain = node_engine_chain(cluster->parties[1].node);
    assert_true(impostor_greets(hub, chain->height, &chain->head));
}

static void
another_history_is_refused_at_the_greeting(void **state)
{
    (void)state;
    struct cluster  cluster;
    struct impostor hub;
    begin_with_lying_hub(&cluster, &hub);
    const struct fed_chain *chain = node_engine_chain(cluster.parties[1].node);
    struct sec_hash         other = {.bytes = {7}};
    assert_false(impostor_greets(&hub, chain->height, &other));
    assert_int_equal(impostor_counted(&hub, PN_EPEER_VALUE), 1);
    EXPECT_OK(wire_invite_encode(&hub.body, &(struct wire_invite){.answer_ms = 1}));
    assert_false(impostor_says(&hub, WIRE_INVITE, 3, 1));
    assert_int_equal(impostor_counted(&hub, PN_EPEER_RUN), 1);
    impostor_fini(&hub);
    cluster_free(&cluster);
}

static bool
orders(struct impostor *hub, enum wire_type type, uint64_t round, const struct sec_blob *model,
       const struct sec_blob *scaling)
{
    const struct wire_train    train    = {.model       = fed_blob_to_wire(model),
                                           .scaling     = fed_blob_to_wire(scaling),
                                           .deadline_ms = 1000};
    const struct wire_evaluate evaluate = {train.model, train.scaling, 1000};
    if (type == WIRE_TRAIN)
        EXPECT_OK(wire_train_encode(&hub->body, &train));
    else
        EXPECT_OK(wire_evaluate_encode(&hub->body, &evaluate));
    return impostor_says(hub, type, round, 1);
}

static void
a_node_trains_on_the_model_of_its_ledger_and_on_no_other(void **state)
{
    (void)state;
    struct cluster  cluster;
    struct impostor hub;
    begin_with_lying_hub(&cluster, &hub);
    const struct fed_chain  *chain   = node_engine_chain(cluster.parties[1].node);
    const struct fed_member *machine = node_engine_member(cluster.parties[1].node);
    struct sec_blob          other = chain->model, scaling = chain->scaling;
    other.root.bytes[0] ^= 1;
    scaling.root.bytes[0] ^= 1;
    assert_int_equal(chain->round, 2);
    assert_false(orders(&hub, WIRE_TRAIN, 3, &other, &chain->scaling));
    assert_false(orders(&hub, WIRE_TRAIN, 3, &chain->model, &scaling));
    assert_false(orders(&hub, WIRE_TRAIN, 5, &chain->model, &chain->scaling)); /* of 4 rounds */
    other.size += 4;
    assert_false(orders(&hub, WIRE_TRAIN, 3, &other, &chain->scaling));
    assert_int_equal(impostor_counted(&hub, PN_EPEER_VALUE), 4);
    assert_false(orders(&hub, WIRE_TRAIN, 2, &chain->model, &chain->scaling));
    assert_int_equal(impostor_counted(&hub, PN_EPEER_STALE), 1);
    assert_false(orders(&hub, WIRE_TRAIN, 4, &chain->model, &chain->scaling)); /* no block yet */
    assert_int_equal(impostor_counted(&hub, PN_EPEER_STATE), 1);
    EXPECT_OK(wire_invite_encode(&hub.body, &(struct wire_invite){.answer_ms = 1}));
    assert_false(impostor_says(&hub, WIRE_INVITE, UINT64_MAX, 1));
    assert_true(machine->round <= 3);
    assert_true(orders(&hub, WIRE_TRAIN, 3, &chain->model, &chain->scaling));
    impostor_fini(&hub);
    cluster_free(&cluster);
}

static void
questions_about_ever_other_models_are_not_answered(void **state)
{
    (void)state;
    struct cluster  cluster;
    struct impostor hub;
    uint32_t        answered = 0;
    begin_with_lying_hub(&cluster, &hub);
    const struct fed_chain *chain = node_engine_chain(cluster.parties[1].node);
    struct sec_blob         model = chain->model;
    for (uint8_t i = 0; i < 100; i++) {
        model.root.bytes[0] = i;
        answered += orders(&hub, WIRE_EVALUATE, 3, &model, &chain->scaling);
        assert_true(cluster.parties[1].complaints <= 20);
    }
    assert_int_equal(answered, 32);
    assert_int_equal(impostor_counted(&hub, PN_EPEER_LIMIT), 68);
    assert_true(orders(&hub, WIRE_TRAIN, 3, &chain->model, &chain->scaling));
    impostor_fini(&hub);
    cluster_free(&cluster);
}

static void
another_job_is_refused_for_the_life_of_a_state_directory(void **state)
{
    (void)state;
    static const char other[] = JOB(5, 2, 2);
    struct cluster    cluster;
    struct impostor   hub;
    begin_with_lying_hub(&cluster, &hub);
    EXPECT_OK(wire_offer_encode(
        &hub.body, &(struct wire_offer){.job = {(const uint8_t *)other, sizeof other - 1}}));
    assert_false(impostor_says(&hub, WIRE_OFFER, 0, 0));
    assert_int_equal(impostor_counted(&hub, PN_EPEER_RUN), 1);
    cluster_restart_node(&cluster, 2); /* it forgot nothing */
    impostor_fini(&hub);
    impostor_init(&hub, &cluster, TEST_HUB, 2, 2000);
    const struct fed_chain *chain = node_engine_chain(cluster.parties[1].node);
    assert_true(impostor_greets(&hub, chain->height, &chain->head));
    EXPECT_OK(wire_offer_encode(
        &hub.body, &(struct wire_offer){.job = {(const uint8_t *)other, sizeof other - 1}}));
    assert_false(impostor_says(&hub, WIRE_OFFER, 0, 0));
    assert_int_equal(impostor_counted(&hub, PN_EPEER_RUN), 1);
    impostor_fini(&hub);
    cluster_free(&cluster);
}

/* Block h + 1 of a run, made by whoever has the coordinator's key. */
static void
write_rival(struct impostor *hub, const struct fed_chain *chain, uint64_t time_ms)
{
    struct wire_block    block = {.kind     = WIRE_BLOCK_FINISH,
                                  .height   = chain->height,
                                  .epoch    = chain->roster->epoch,
                                  .proposer = TEST_HUB,
                                  .round    = chain->round,
                                  .time_ms  = time_ms,
                                  .note     = "because"};
    struct wire_commit   commit;
    struct sec_hash      hash;
    struct sec_signature signature;
    struct pn_buffer     bytes;
    memcpy(block.run, chain->run, sizeof block.run);
    memcpy(block.previous, chain->head.bytes, sizeof block.previous);
    memcpy(block.roster, chain->roster->hash.bytes, sizeof block.roster);
    memcpy(block.job, chain->job.bytes, sizeof block.job);
    block.model_in = block.model_out = fed_blob_to_wire(&chain->model);
    block.scaling                    = fed_blob_to_wire(&chain->scaling);
    pn_buffer_init(&bytes, WIRE_BLOCK_MAX);
    EXPECT_OK(wire_block_encode(&bytes, &block));
    fed_block_hash(&hash, bytes.bytes, bytes.size);
    fed_block_sign(&signature, &hash, hub->link.ends.secret);
    memcpy(commit.signature, signature.bytes, sizeof commit.signature);
    commit.block = (struct wire_span){bytes.bytes, bytes.size};
    EXPECT_OK(wire_commit_encode(&hub->body, &commit));
    pn_buffer_fini(&bytes);
}

static void
of_two_blocks_of_one_height_one_is_kept_and_countersigned(void **state)
{
    (void)state;
    struct cluster  cluster;
    struct impostor hub;
    begin_with_lying_hub(&cluster, &hub);
    const struct fed_chain  before = *node_engine_chain(cluster.parties[1].node);
    const struct fed_chain *chain  = node_engine_chain(cluster.parties[1].node);
    write_rival(&hub, &before, 1);
    assert_true(impostor_says(&hub, WIRE_COMMIT, 0, 0));
    write_rival(&hub, &before, 2); /* while the first is being written */
    assert_false(impostor_says(&hub, WIRE_COMMIT, 0, 0));
    for (uint32_t i = 0; i < 1000 && chain->height == before.height; i++)
        cluster_step(&cluster);
    assert_int_equal(chain->height, before.height + 1);
    write_rival(&hub, &before, 3); /* and afterwards */
    assert_false(impostor_says(&hub, WIRE_COMMIT, 0, 0));
    assert_int_equal(impostor_counted(&hub, PN_EPEER_VALUE), 2);
    uint64_t records = 0;
    EXPECT_OK(cluster.parties[1].disk.record_count(cluster.parties[1].disk.host, &records));
    assert_int_equal(records, before.height + 1);
    impostor_fini(&hub);
    cluster_free(&cluster);
}

static void
a_node_that_was_away_catches_up_with_the_ledger_and_then_trains(void **state)
{
    (void)state;
    struct cluster        cluster;
    struct cluster_party *party = &cluster.parties[2];
    cluster_new(&cluster, 3, JOB(8, 3, 2));
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 2, 0));
    uint64_t before = party->trained;
    cluster_stop_node(&cluster, 3);
    assert_true(cluster_run(&cluster, 5, 0));
    cluster_boot_node(&cluster, 3);
    while (party->trained == before)
        cluster_step(&cluster);
    /* What it trained on, its ledger had shown, and the round it came back for was not over. */
    assert_true(node_engine_chain(party->node)->height >= 5);
    assert_true(cluster.blocks <= 7);
    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.outcome, WIRE_DONE);
    cluster_free(&cluster);
}

/* ---- durable before visible ---- */

static void
check_announcement(struct cluster *cluster, const struct cluster_thing *thing)
{
    struct cluster_party *from  = cluster_party(cluster, thing->from);
    struct wire_arena    *arena = &cluster->scratch.arena;
    struct wire_frame     frame;
    uint64_t              records = 0;
    if (thing->work != NULL || thing->from == TEST_HUB)
        return;
    EXPECT_OK(wire_frame_decode(&frame, thing->bytes, thing->size));
    wire_arena_reset(arena);
    if (frame.header.type == WIRE_COUNTERSIGN) {
        struct wire_countersign sign;
        EXPECT_OK(wire_countersign_decode(&sign, arena, frame.body, frame.header.body_size));
        EXPECT_OK(from->disk.record_count(from->disk.host, &records));
        assert_true(sign.height < records);
    }
    if (frame.header.type == WIRE_UPDATE) {
        struct wire_update update;
        uint8_t            fact[512];
        size_t             size = sizeof fact;
        EXPECT_OK(wire_update_decode(&update, arena, frame.body, frame.header.body_size));
        struct sec_blob blob = fed_blob_from_wire(&update.update);
        assert_true(engine_blob_is_there(&from->disk, "updates", &blob));
        EXPECT_OK(from->disk.get(from->disk.host, "update", fact, &size));
    }
}

static void
nothing_is_announced_before_it_is_durable(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_new(&cluster, 2, JOB(3, 2, 2));
    cluster_start(&cluster);
    for (uint32_t i = 0; i < CLUSTER_STEPS_MAX && !cluster_is_over(&cluster); i++) {
        cluster_step(&cluster);
        for (struct cluster_thing *thing = cluster.first; thing != NULL; thing = thing->next)
            check_announcement(&cluster, thing);
    }
    assert_int_equal(cluster.outcome, WIRE_DONE);
    cluster_free(&cluster);
}

/* ---- what a person must hear ---- */

static void
a_node_with_a_full_disk_says_so_and_the_others_go_on_at_once(void **state)
{
    (void)state;
    for (uint32_t more = 0; more < 60; more += 5) {
        struct cluster cluster;
        cluster_new(&cluster, 3, JOB(4, 3, 2));
        cluster_start(&cluster);
        assert_true(cluster_run(&cluster, 2, more));
        sim_disk_fail(cluster_party(&cluster, 3)->sim_disk, PN_ENOSPC);
        pn_ms begin = cluster.now;
        while (!cluster.ended)
            cluster_step(&cluster);
        assert_int_equal(cluster.outcome, WIRE_DONE);
        assert_int_equal(coord_engine_chain(cluster.coordinator)->round, 4);
        /* The job lets a node train for an hour. */
        assert_true(cluster.now - begin < 600000);
        cluster_free(&cluster);
    }
}

static void
a_node_that_nobody_answers_says_what_may_be_wrong(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_new(&cluster, 2, JOB(2, 2, 2));
    cluster_party(&cluster, TEST_HUB)->deaf = true;
    cluster_start(&cluster);
    pn_ms begin = cluster.now;
    while (cluster.now - begin < 10000)
        cluster_step(&cluster);
    assert_non_null(strstr(cluster.parties[1].failure, "another run"));
    cluster_free(&cluster);
}

static void
a_newer_roster_on_an_old_state_says_what_to_do(void **state)
{
    (void)state;
    struct cluster       cluster;
    struct pn_error      why = {.text = ""};
    struct coord_engine *engine;
    cluster_new(&cluster, 2, JOB(2, 2, 2));
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 2, 30));
    cluster.federation.roster->epoch = 2;
    cluster.federation.roster->hash.bytes[0] ^= 1;

    struct cluster_party *hub    = cluster_party(&cluster, TEST_HUB);
    struct coord_config   config = {
          .roster  = cluster.federation.roster,
          .job     = &cluster.job,
          .secret  = &test_member_of(&cluster.federation, 1)->node,
          .boot    = 9,
          .disk    = &hub->disk,
          .ports   = {.host = hub, .send = cluster_send, .submit = cluster_submit},
          .scratch = &cluster.scratch,
          .wall_ms = cluster_wall_ms};
    fed_job_run(config.run, cluster.federation.roster->federation, cluster.job.job, "1");
    EXPECT_STATUS(PN_ESTATE, coord_engine_new(&engine, &config, &why));
    assert_non_null(strstr(why.text, "epoch 1"));
    assert_non_null(strstr(why.text, "--run"));

    struct cluster_party *party = cluster_party(&cluster, 2);
    struct node_engine   *node;
    struct node_config    other;
    node_config_defaults(&other);
    other.roster  = cluster.federation.roster;
    other.self    = 2;
    other.secret  = &test_member_of(&cluster.federation, 2)->node;
    other.boot    = 9;
    other.policy  = &cluster.policy;
    other.source  = &party->source;
    other.disk    = &party->disk;
    other.scratch = &cluster.scratch;
    why.text[0]   = '\0';
    EXPECT_STATUS(PN_ESTATE, node_engine_new(&node, &other, &why));
    assert_non_null(strstr(why.text, "--state"));
    cluster_free(&cluster);
}

static void
a_run_that_stopped_early_is_told_as_such_at_the_next_start(void **state)
{
    (void)state;
    struct cluster cluster;
    cluster_new(&cluster, 2,
                JOB(9, 2, 2) "stopping: { metric: accuracy, patience: 1, min_delta: 1 }\n");
    cluster_start(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    assert_int_equal(cluster.outcome, WIRE_STOPPED_EARLY);
    cluster.ended = false;
    cluster_restart_coordinator(&cluster);
    assert_true(cluster_run(&cluster, 0, 0));
    assert_true(cluster.ended);
    assert_int_equal(cluster.outcome, WIRE_STOPPED_EARLY);
    cluster_free(&cluster);
}

/* ---- the largest federation ---- */

static void
the_largest_block_can_be_written_sent_and_taken_apart(void **state)
{
    (void)state;
    static struct wire_entry   entries[WIRE_MEMBERS_MAX];
    static struct wire_witness witnesses[WIRE_MEMBERS_MAX];
    static struct wire_metric  metrics[WIRE_METRICS_MAX];
    static char                names[WIRE_METRICS_MAX][WIRE_TEXT_MAX + 1];
    struct wire_block          block = {.kind          = WIRE_BLOCK_ROUND,
                                        .height        = UINT64_MAX,
                                        .previous      = {1},
                                        .epoch         = UINT32_MAX,
                                        .proposer      = UINT32_MAX,
                                        .attempt       = UINT32_MAX,
                                        .round         = UINT64_MAX,
                                        .time_ms       = UINT64_MAX,
                                        .model_in      = {.size = WIRE_BLOB_MAX},
                                        .model_out     = {.size = WIRE_BLOB_MAX},
                                        .entries       = entries,
                                        .entry_count   = WIRE_MEMBERS_MAX,
                                        .witnesses     = witnesses,
                                        .witness_count = WIRE_MEMBERS_MAX,
                                        .metrics       = metrics,
                                        .metric_count  = WIRE_METRICS_MAX,
                                        .note          = ""};
    struct engine_scratch      scratch;
    struct pn_buffer           bytes, body;
    for (uint32_t i = 0; i < WIRE_MEMBERS_MAX; i++) {
        entries[i]          = (struct wire_entry){.member = UINT32_MAX - WIRE_MEMBERS_MAX + i,
                                                  .weight = UINT64_MAX,
                                                  .update = {.size = WIRE_BLOB_MAX},
                                                  .norm   = 1};
        witnesses[i].member = entries[i].member;
    }
    for (uint32_t i = 0; i < WIRE_METRICS_MAX; i++) {
        memset(names[i], 'a' + (int)i, WIRE_TEXT_MAX);
        metrics[i] = (struct wire_metric){names[i], 1, UINT64_MAX};
    }
    EXPECT_OK(engine_scratch_init(&scratch));
    pn_buffer_init(&bytes, WIRE_BLOCK_MAX);
    pn_buffer_init(&body, WIRE_BLOCK_MAX);
    EXPECT_OK(wire_block_encode(&bytes, &block));
    struct wire_commit commit = {.block = {bytes.bytes, bytes.size}};
    EXPECT_OK(wire_commit_encode(&body, &commit));
    /* As a node does: the message, the block to look at, and the block to check. */
    EXPECT_OK(wire_commit_decode(&commit, &scratch.arena, body.bytes, body.size));
    for (int i = 0; i < 2; i++)
        EXPECT_OK(wire_block_decode(&block, &scratch.arena, commit.block.bytes, commit.block.size));
    assert_int_equal(block.witness_count, WIRE_MEMBERS_MAX);
    pn_buffer_fini(&bytes);
    pn_buffer_fini(&body);
    engine_scratch_fini(&scratch);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_no_records_are_refused_exactly_and_do_not_end_the_run),
        cmocka_unit_test(a_member_that_floods_is_not_read_any_more_and_heard_again_later),
        cmocka_unit_test(a_member_that_asks_for_chunks_over_and_over_gets_a_bounded_number),
        cmocka_unit_test(another_history_is_refused_at_the_greeting),
        cmocka_unit_test(a_node_trains_on_the_model_of_its_ledger_and_on_no_other),
        cmocka_unit_test(questions_about_ever_other_models_are_not_answered),
        cmocka_unit_test(another_job_is_refused_for_the_life_of_a_state_directory),
        cmocka_unit_test(of_two_blocks_of_one_height_one_is_kept_and_countersigned),
        cmocka_unit_test(a_node_that_was_away_catches_up_with_the_ledger_and_then_trains),
        cmocka_unit_test(nothing_is_announced_before_it_is_durable),
        cmocka_unit_test(a_node_with_a_full_disk_says_so_and_the_others_go_on_at_once),
        cmocka_unit_test(a_node_that_nobody_answers_says_what_may_be_wrong),
        cmocka_unit_test(a_newer_roster_on_an_old_state_says_what_to_do),
        cmocka_unit_test(a_run_that_stopped_early_is_told_as_such_at_the_next_start),
        cmocka_unit_test(the_largest_block_can_be_written_sent_and_taken_apart),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
