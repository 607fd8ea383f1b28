/*
 * What `panal ledger verify` finds on the disk of a coordinator after a run: everything, or a
 * sentence that names block and fault.
 */
#include "engine/proof.h"

#include "engine/blob.h"
#include "engine/ledger.h"
#include "tests/support/cluster.h"

#include <math.h>

static const char job_text[] =
    "version: 1\n"
    "name: proof\n"
    "seed: 3\n"
    "profile: open\n"
    "model: |\n"
    "  x    = input 4\n"
    "  out  = dense x 1 init=xavier\n"
    "  loss = bce_logits out\n"
    "data:\n"
    "  format: csv\n"
    "  columns:\n"
    "    - { name: a, type: numeric, scale: standard }\n"
    "    - { name: b, type: numeric, scale: standard }\n"
    "    - { name: c, type: categorical, values: [u, v] }\n"
    "    - { name: y, type: target, positive: [\"1\"] }\n"
    "  split: { validation: 0.2, test: 0.2 }\n"
    "training: { optimiser: sgd, rate: 0.1, batch: 16, epochs: 1 }\n"
    "rounds: { count: 3, cohort: 2, quorum: 2, gather: 10m, invite: 5m, train: 10m, collect: 10m, "
    "evaluate: 10m, attempts: 10 }\n";

enum {
    NODES     = 2,
    ROUNDS    = 3,
    BLOCKS    = ROUNDS + 2, /* genesis and finish */
    NAMES_MAX = 32
};

struct fixture {
    struct cluster           cluster;
    const struct store_disk *disk; /* of the coordinator */
    struct engine_proof      proof;
    struct pn_error          why;
};

static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    cluster_new(&f->cluster, NODES, job_text);
    cluster_start(&f->cluster);
    assert_true(cluster_run(&f->cluster, 0, 0));
    assert_int_equal(f->cluster.outcome, WIRE_DONE);
    f->disk = &f->cluster.parties[0].disk;
    *state  = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;
    cluster_free(&f->cluster);
    free(f);
    return 0;
}

static enum pn_status
prove(struct fixture *f, const struct store_disk *disk)
{
    f->why.text[0] = '\0';
    return engine_proof_make(&f->proof, disk, f->cluster.federation.roster, NULL, NULL, &f->why);
}

struct names {
    char   items[NAMES_MAX][STORE_NAME_MAX + 1];
    size_t count;
};

static bool
take_name(void *context, const char *name)
{
    struct names *names = context;
    assert_true(names->count < NAMES_MAX);
    (void)snprintf(names->items[names->count++], sizeof names->items[0], "%s", name);
    return true;
}

static struct names
list(const struct fixture *f, const char *folder)
{
    struct names names = {.count = 0};
    EXPECT_OK(f->disk->list(f->disk->host, folder, take_name, &names));
    return names;
}

static void
flip_byte(const struct fixture *f, const char *name)
{
    uint8_t  bytes[256];
    uint64_t size;
    EXPECT_OK(f->disk->size(f->disk->host, name, &size));
    assert_true(size > 0 && size <= sizeof bytes);
    EXPECT_OK(f->disk->read(f->disk->host, name, bytes, 0, (size_t)size));
    bytes[size - 1] ^= 1;
    EXPECT_OK(f->disk->save(f->disk->host, name, bytes, size));
}

/* ---- good ledgers ---- */

struct seen {
    uint64_t        blocks;
    struct sec_hash last;
};

static void
note_block(void *context, const struct wire_block *block, const struct sec_hash *hash,
           const struct fed_roster *roster)
{
    struct seen *seen = context;
    (void)roster;
    assert_int_equal(block->height, seen->blocks);
    seen->blocks++;
    seen->last = *hash;
}

static void
a_good_ledger_is_proved_to_the_last_aggregate(void **state)
{
    struct fixture *f    = *state;
    struct seen     seen = {.blocks = 0};
    expect_status(PN_OK,
                  engine_proof_make(&f->proof, f->disk, f->cluster.federation.roster, note_block,
                                    &seen, &f->why),
                  f->why.text, __FILE__, __LINE__);
    assert_int_equal(f->proof.blocks, BLOCKS);
    assert_int_equal(f->proof.rounds, ROUNDS);
    assert_int_equal(f->proof.model_round, ROUNDS);
    assert_int_equal(f->proof.commitments, ROUNDS * NODES);
    assert_int_equal(f->proof.sums_checked, ROUNDS);
    assert_int_equal(f->proof.sums_absent, 0);
    assert_int_equal(f->proof.models_checked, ROUNDS + 1); /* and the first one */
    assert_int_equal(f->proof.models_absent, 0);
    assert_true(f->proof.finished);
    assert_true(sec_hash_equal(&f->proof.job, &f->cluster.job.job->hash));
    assert_int_equal(seen.blocks, BLOCKS);
    assert_true(sec_hash_equal(&seen.last, &f->proof.head));
}

static void
the_copy_of_a_node_is_the_same_chain(void **state)
{
    struct fixture *f = *state;
    EXPECT_OK(prove(f, f->disk));
    struct sec_hash head = f->proof.head;
    EXPECT_OK(prove(f, &f->cluster.parties[1].disk));
    assert_true(sec_hash_equal(&f->proof.head, &head));
    assert_int_equal(f->proof.blocks, BLOCKS);
    /* A node keeps its own updates only, and the newest models. */
    assert_int_equal(f->proof.sums_checked, 0);
    assert_int_equal(f->proof.sums_absent, ROUNDS);
}

static void
what_is_no_longer_kept_is_counted_and_is_no_fault(void **state)
{
    struct fixture *f       = *state;
    struct names    updates = list(f, "updates");
    assert_int_equal(updates.count, ROUNDS * NODES);
    EXPECT_OK(f->disk->remove(f->disk->host, updates.items[0]));
    EXPECT_OK(prove(f, f->disk));
    assert_int_equal(f->proof.sums_checked, ROUNDS - 1);
    assert_int_equal(f->proof.sums_bounded, 1);
    assert_int_equal(f->proof.sums_absent, 0);
    for (size_t i = 1; i < updates.count; i++)
        EXPECT_OK(f->disk->remove(f->disk->host, updates.items[i]));
    EXPECT_OK(prove(f, f->disk));
    assert_int_equal(f->proof.sums_checked, 0);
    assert_int_equal(f->proof.sums_bounded, ROUNDS);

    char            name[ENGINE_NAME_SIZE];
    struct sec_blob newest = f->proof.model;
    engine_blob_name(name, "models", &newest.root);
    EXPECT_OK(f->disk->remove(f->disk->host, name));
    EXPECT_OK(prove(f, f->disk));
    assert_int_equal(f->proof.models_absent, 1);
    assert_int_equal(f->proof.models_checked, ROUNDS);
    assert_int_equal(f->proof.sums_bounded, ROUNDS - 1);
    assert_int_equal(f->proof.sums_absent, 1);

    uint8_t *bytes = NULL;
    EXPECT_STATUS(PN_ENOENT, engine_blob_load(&bytes, f->disk, "models", &newest, &f->why));
    assert_null(bytes);
}

/* ---- bad ones ---- */

static void
expect_every_changed_file_found(struct fixture *f, const char *folder, size_t count)
{
    struct names names = list(f, folder);
    assert_int_equal(names.count, count);
    for (size_t i = 0; i < names.count; i++) {
        flip_byte(f, names.items[i]);
        EXPECT_STATUS(PN_ECORRUPT, prove(f, f->disk));
        EXPECT_SAYS(&f->why, "block ");
        EXPECT_SAYS(&f->why, names.items[i]);
        EXPECT_SAYS(&f->why, "do not hash to its name");
        flip_byte(f, names.items[i]);
        EXPECT_OK(prove(f, f->disk));
    }
}

static void
a_changed_byte_of_any_model_is_found(void **state)
{
    expect_every_changed_file_found(*state, "models", ROUNDS + 1);
}

static void
a_changed_byte_of_any_update_is_found(void **state)
{
    expect_every_changed_file_found(*state, "updates", ROUNDS * NODES);
}

/* The coordinator's ledger on another disk, without record `skip`, record `change` with a bit
 * flipped. */
static void
copy_ledger(struct fixture *f, struct sim_disk **sim, struct store_disk *disk, uint64_t skip,
            uint64_t change, uint64_t at)
{
    struct pn_buffer record;
    uint64_t         count;
    pn_buffer_init(&record, ENGINE_RECORD_MAX);
    EXPECT_OK(sim_disk_new(sim));
    sim_disk_port(disk, *sim);
    EXPECT_OK(f->disk->record_count(f->disk->host, &count));
    for (uint64_t i = 0; i < count; i++) {
        if (i == skip)
            continue;
        EXPECT_OK(f->disk->record(f->disk->host, i, &record));
        if (i == change)
            record.bytes[at % record.size] ^= 1;
        EXPECT_OK(disk->append(disk->host, record.bytes, record.size));
    }
    pn_buffer_fini(&record);
}

/* ---- what the coordinator invents, and signs ---- */

enum {
    MODEL_SIZE = 20 /* bytes */
};

/* A ledger of genesis and one round on another disk, with all models and updates. */
struct invention {
    struct sim_disk  *sim;
    struct store_disk disk;
    struct wire_block block; /* of the round, in the scratch's arena */
};

static void
copy_folder(struct fixture *f, const struct store_disk *to, const char *folder)
{
    uint8_t      bytes[MODEL_SIZE];
    struct names names = list(f, folder);
    for (size_t n = 0; n < names.count; n++) {
        uint64_t size;
        EXPECT_OK(f->disk->size(f->disk->host, names.items[n], &size));
        assert_int_equal(size, sizeof bytes);
        EXPECT_OK(f->disk->read(f->disk->host, names.items[n], bytes, 0, sizeof bytes));
        EXPECT_OK(to->save(to->host, names.items[n], bytes, sizeof bytes));
    }
}

static void
begin_invention(struct invention *out, struct fixture *f)
{
    struct engine_record   record;
    struct pn_buffer       room;
    struct engine_scratch *scratch = &f->cluster.scratch;
    pn_buffer_init(&room, ENGINE_RECORD_MAX);
    assert_int_equal(f->cluster.job.model_size, MODEL_SIZE);
    EXPECT_OK(sim_disk_new(&out->sim));
    sim_disk_port(&out->disk, out->sim);
    copy_folder(f, &out->disk, "models");
    copy_folder(f, &out->disk, "updates");
    EXPECT_OK(f->disk->record(f->disk->host, 0, &room));
    EXPECT_OK(out->disk.append(out->disk.host, room.bytes, room.size));
    EXPECT_OK(engine_record_read(&record, &room, f->disk, 1));
    wire_arena_reset(&scratch->arena);
    EXPECT_OK(
        wire_block_decode(&out->block, &scratch->arena, record.block.bytes, record.block.size));
    pn_buffer_fini(&room);
}

/* The block as it is now, signed by the coordinator itself: nobody but the sums can tell. */
static void
sign_invention(struct invention *invention, struct fixture *f)
{
    static const uint8_t          no_signature[64];
    struct pn_buffer              forged;
    struct sec_hash               hash;
    struct sec_signature          signature;
    const struct sec_sign_secret *hub = &test_member_of(&f->cluster.federation, TEST_HUB)->node;
    pn_buffer_init(&forged, ENGINE_RECORD_MAX);
    EXPECT_OK(pn_buffer_append(&forged, no_signature, sizeof no_signature));
    EXPECT_OK(wire_block_encode(&forged, &invention->block));
    fed_block_hash(&hash, forged.bytes + 64, forged.size - 64);
    fed_block_sign(&signature, &hash, hub);
    memcpy(forged.bytes, signature.bytes, sizeof signature.bytes);
    EXPECT_OK(invention->disk.append(invention->disk.host, forged.bytes, forged.size));
    pn_buffer_fini(&forged);
}

/* The round's model, with `by` added to a parameter. */
static void
invent_model(struct invention *invention, float by)
{
    uint8_t         bytes[MODEL_SIZE];
    float           values[MODEL_SIZE / 4];
    char            name[ENGINE_NAME_SIZE];
    struct sec_blob model = fed_blob_from_wire(&invention->block.model_out);
    engine_blob_name(name, "models", &model.root);
    EXPECT_OK(invention->disk.read(invention->disk.host, name, bytes, 0, sizeof bytes));
    engine_floats_decode(values, bytes, MODEL_SIZE / 4);
    values[2] += by;
    engine_floats_encode(bytes, values, MODEL_SIZE / 4);
    sec_merkle_of(&model, NULL, bytes, sizeof bytes);
    engine_blob_name(name, "models", &model.root);
    EXPECT_OK(invention->disk.save(invention->disk.host, name, bytes, sizeof bytes));
    invention->block.model_out = fed_blob_to_wire(&model);
}

static void
forget(const struct invention *invention, const char *folder, const struct wire_blob *wire)
{
    char            name[ENGINE_NAME_SIZE];
    struct sec_blob blob = fed_blob_from_wire(wire);
    engine_blob_name(name, folder, &blob.root);
    EXPECT_OK(invention->disk.remove(invention->disk.host, name));
}

static void
a_model_that_the_coordinator_invented_is_found(void **state)
{
    struct fixture  *f = *state;
    struct invention invention;
    begin_invention(&invention, f);
    invent_model(&invention, 1e-4f);
    sign_invention(&invention, f);
    EXPECT_STATUS(PN_ECORRUPT, prove(f, &invention.disk));
    EXPECT_SAYS(&f->why, "block 1");
    EXPECT_SAYS(&f->why, "not the weighted mean of the committed updates");

    /* Its length is known: what is left for one that is gone must have it. */
    forget(&invention, "updates", &invention.block.entries[0].update);
    EXPECT_STATUS(PN_ECORRUPT, prove(f, &invention.disk));
    EXPECT_SAYS(&f->why, "block 1");
    EXPECT_SAYS(&f->why, "the 1 that are no longer kept would have moved it by ");

    /* Of all, a small change may be theirs; and without a model nobody can see anything. */
    forget(&invention, "updates", &invention.block.entries[1].update);
    EXPECT_OK(prove(f, &invention.disk));
    assert_int_equal(f->proof.sums_bounded, 1);
    forget(&invention, "models", &invention.block.model_in);
    EXPECT_OK(prove(f, &invention.disk));
    assert_int_equal(f->proof.sums_absent, 1);
    sim_disk_free(invention.sim);
}

static void
a_model_that_moved_too_far_is_found_without_the_updates(void **state)
{
    struct fixture  *f = *state;
    struct invention invention;
    begin_invention(&invention, f);
    invent_model(&invention, 10);
    for (size_t i = 0; i < NODES; i++)
        forget(&invention, "updates", &invention.block.entries[i].update);
    sign_invention(&invention, f);
    EXPECT_STATUS(PN_ECORRUPT, prove(f, &invention.disk));
    EXPECT_SAYS(&f->why, "block 1");
    EXPECT_SAYS(&f->why, "the 2 that are no longer kept would have moved it by ");
    sim_disk_free(invention.sim);
}

/* Or anything could be said to have moved a model once the updates are gone. */
static void
a_norm_that_is_not_that_of_its_update_is_found(void **state)
{
    struct fixture  *f = *state;
    struct invention invention;
    begin_invention(&invention, f);
    invention.block.entries[1].norm *= 1 + 1e-15;
    sign_invention(&invention, f);
    EXPECT_STATUS(PN_ECORRUPT, prove(f, &invention.disk));
    EXPECT_SAYS(&f->why, "block 1: the update of member ");
    EXPECT_SAYS(&f->why, "has norm ");

    forget(&invention, "models", &invention.block.model_out); /* whatever else is gone */
    EXPECT_STATUS(PN_ECORRUPT, prove(f, &invention.disk));
    forget(&invention, "updates", &invention.block.entries[1].update);
    EXPECT_OK(prove(f, &invention.disk));
    sim_disk_free(invention.sim);
}

static void
expect_above_the_jobs(struct fixture *f, struct invention *invention, bool without_job)
{
    for (size_t i = 0; i < NODES; i++)
        forget(invention, "updates", &invention->block.entries[i].update);
    forget(invention, "models", &invention->block.model_out);
    sign_invention(invention, f);
    assert_int_equal(prove(f, &invention->disk), without_job ? PN_ECORRUPT : PN_OK);
    EXPECT_OK(
        invention->disk.save(invention->disk.host, "job.yaml", job_text, sizeof job_text - 1));
    EXPECT_STATUS(PN_ECORRUPT, prove(f, &invention->disk));
    EXPECT_SAYS(&f->why, "block 1: the update of member ");
    sim_disk_free(invention->sim);
}

/* The job is in the directory, and its hash in genesis: an update above its bounds counts for
 * nobody; above what its numbers can hold, wherever the job is. */
static void
a_norm_above_the_jobs_is_found(void **state)
{
    struct fixture       *f       = *state;
    const struct fed_job *job     = f->cluster.job.job;
    const double          norms[] = {job->update_norm_max * 1.001, 128 * sqrt(5) * 1.001};
    for (int i = 0; i < 2; i++) {
        struct invention invention;
        begin_invention(&invention, f);
        invention.block.entries[0].norm = norms[i];
        expect_above_the_jobs(f, &invention, i == 1);
        EXPECT_SAYS(&f->why, "expected 100 at most");
    }
}

/* With the member's own signature. */
static void
a_weight_above_the_jobs_is_found(void **state)
{
    struct fixture  *f = *state;
    struct invention invention;
    begin_invention(&invention, f);
    struct wire_entry *entry = &invention.block.entries[0];
    entry->weight            = f->cluster.job.job->weight_max + 1;
    struct sec_signature  signature;
    struct fed_commitment commitment = {.round    = invention.block.round,
                                        .weight   = entry->weight,
                                        .member   = entry->member,
                                        .model_in = fed_blob_from_wire(&invention.block.model_in),
                                        .update   = fed_blob_from_wire(&entry->update)};
    memcpy(commitment.run, invention.block.run, sizeof commitment.run);
    fed_commitment_sign(&signature, &commitment,
                        &test_member_of(&f->cluster.federation, entry->member)->node);
    memcpy(entry->signature, signature.bytes, sizeof entry->signature);
    expect_above_the_jobs(f, &invention, false);
    EXPECT_SAYS(&f->why, "weighs 1000001, the job allows 1000000");
}

static void
a_missing_block_is_found_wherever_it_is(void **state)
{
    struct fixture *f = *state;
    for (uint64_t skip = 0; skip + 1 < BLOCKS; skip++) {
        struct sim_disk  *sim;
        struct store_disk disk;
        copy_ledger(f, &sim, &disk, skip, UINT64_MAX, 0);
        enum pn_status st = prove(f, &disk);
        assert_true(st != PN_OK && st != PN_ENOENT);
        EXPECT_SAYS(&f->why, "block ");
        sim_disk_free(sim);
    }
    struct sim_disk  *sim;
    struct store_disk disk;
    copy_ledger(f, &sim, &disk, BLOCKS - 1, UINT64_MAX, 0); /* the last: the run is not over yet */
    EXPECT_OK(prove(f, &disk));
    assert_false(f->proof.finished);
    sim_disk_free(sim);
}

static void
a_changed_bit_of_any_block_is_found(void **state)
{
    struct fixture *f = *state;
    for (uint64_t block = 0; block < BLOCKS; block++)
        for (uint64_t at = 0; at < 64 * 7; at += 7) { /* signature, fields, entries */
            struct sim_disk  *sim;
            struct store_disk disk;
            copy_ledger(f, &sim, &disk, UINT64_MAX, block, at);
            assert_true(prove(f, &disk) != PN_OK);
            EXPECT_SAYS(&f->why, "block ");
            sim_disk_free(sim);
        }
}

static void
an_empty_ledger_and_a_short_record_say_what_they_are(void **state)
{
    struct fixture   *f = *state;
    struct sim_disk  *sim;
    struct store_disk disk;
    EXPECT_OK(sim_disk_new(&sim));
    sim_disk_port(&disk, sim);
    EXPECT_STATUS(PN_ENOENT, prove(f, &disk));
    EXPECT_SAYS(&f->why, "no block yet");
    EXPECT_OK(disk.append(disk.host, "short", 5));
    EXPECT_STATUS(PN_ECORRUPT, prove(f, &disk));
    EXPECT_SAYS(&f->why, "block 0");
    sim_disk_free(sim);
}

static void
the_ledger_of_another_federation_is_refused(void **state)
{
    struct fixture        *f = *state;
    struct test_federation other;
    test_federation_new(&other, NODES + 1);
    enum pn_status st = engine_proof_make(&f->proof, f->disk, other.roster, NULL, NULL, &f->why);
    assert_true(st != PN_OK);
    EXPECT_SAYS(&f->why, "block 0");
    test_federation_free(&other);
}

#define PROOF_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PROOF_TEST(a_good_ledger_is_proved_to_the_last_aggregate),
        PROOF_TEST(the_copy_of_a_node_is_the_same_chain),
        PROOF_TEST(what_is_no_longer_kept_is_counted_and_is_no_fault),
        PROOF_TEST(a_changed_byte_of_any_model_is_found),
        PROOF_TEST(a_changed_byte_of_any_update_is_found),
        PROOF_TEST(a_model_that_the_coordinator_invented_is_found),
        PROOF_TEST(a_model_that_moved_too_far_is_found_without_the_updates),
        PROOF_TEST(a_norm_that_is_not_that_of_its_update_is_found),
        PROOF_TEST(a_norm_above_the_jobs_is_found),
        PROOF_TEST(a_weight_above_the_jobs_is_found),
        PROOF_TEST(a_missing_block_is_found_wherever_it_is),
        PROOF_TEST(a_changed_bit_of_any_block_is_found),
        PROOF_TEST(an_empty_ledger_and_a_short_record_say_what_they_are),
        PROOF_TEST(the_ledger_of_another_federation_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
