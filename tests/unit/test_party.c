#include "engine/party.h"

#include "sim/disk.h"
#include "store/files.h"
#include "support/chain.h"
#include "support/expect.h"
#include "support/federation.h"
#include "support/folder.h"

enum {
    NODES = 3
};

struct fixture {
    char                   folder[FOLDER_PATH], path[FOLDER_PATH], keys[FOLDER_PATH];
    char                   trust[SEC_FINGERPRINT_SIZE];
    struct test_federation federation; /* epoch 1 */
    struct test_member     secrets[NODES + 1];
    struct fed_roster     *next; /* what the tests change, encode and sign */
    struct sim_disk       *sim;
    struct store_disk      disk;
    struct engine_party    party;
    struct pn_error        why;
};

/* ---- files ---- */

static void
save(const char *path, const void *bytes, size_t size, unsigned mode)
{
    struct pn_error why = {.text = ""};
    expect_status(PN_OK, store_file_save(path, bytes, size, mode, &why), why.text, __FILE__,
                  __LINE__);
}

static void
save_key(const struct fixture *f, const char *kind, const void *public_key, const void *secret,
         size_t size)
{
    char             name[64], path[FOLDER_PATH];
    struct pn_buffer text;
    pn_buffer_init(&text, SEC_KEY_FILE_MAX);
    (void)snprintf(name, sizeof name, "%s.key", kind);
    EXPECT_OK(sec_key_encode(&text, kind, public_key, secret, size, NULL));
    save(folder_path(path, f->keys, name), text.bytes, text.size, 0600);
    pn_buffer_fini(&text);
}

/* The keys of a member; `transport` may be another one's. */
static void
save_keys(const struct fixture *f, uint32_t number, uint32_t transport)
{
    const struct fed_roster  *roster = f->federation.roster;
    const struct test_member *node = &f->secrets[number - 1], *other = &f->secrets[transport - 1];
    save_key(f, "node", &roster->members[number - 1].certificate.node, node->node.bytes,
             sizeof node->node.bytes);
    save_key(f, "transport", &roster->members[transport - 1].certificate.transport,
             other->transport.bytes, sizeof other->transport.bytes);
}

static void
sign(const struct fixture *f, const void *text, size_t size, uint32_t number)
{
    char             path[FOLDER_PATH + 40];
    struct pn_buffer signature;
    pn_buffer_init(&signature, 1024);
    EXPECT_OK(sec_minisign_sign(&signature, text, size, "test", &f->secrets[number - 1].root));
    (void)snprintf(path, sizeof path, "%s.node-%u.minisig", f->path, number);
    save(path, signature.bytes, signature.size, 0644);
    pn_buffer_fini(&signature);
}

/* federation.yaml as `roster` says, with the signatures of these members and no others. */
static void
publish(const struct fixture *f, const struct fed_roster *roster, const uint32_t *signers,
        size_t count)
{
    struct pn_buffer text;
    pn_buffer_init(&text, 1u << 20);
    EXPECT_OK(fed_roster_encode(&text, roster));
    save(f->path, text.bytes, text.size, 0644);
    for (uint32_t number = 2; number <= NODES + 1; number++) {
        char path[FOLDER_PATH + 40];
        (void)snprintf(path, sizeof path, "%s.node-%u.minisig", f->path, number);
        (void)unlink(path);
    }
    for (size_t i = 0; i < count; i++)
        sign(f, text.bytes, text.size, signers[i]);
    pn_buffer_fini(&text);
}

static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    assert_non_null(f);
    test_federation_new(&f->federation, NODES);
    f->next = test_roster_make(f->secrets, NODES);
    folder_new(f->folder);
    folder_path(f->path, f->folder, "federation.yaml");
    folder_path(f->keys, f->folder, "keys");
    assert_int_equal(mkdir(f->keys, 0700), 0);
    fed_roster_fingerprint(f->trust, f->federation.roster);
    EXPECT_OK(sim_disk_new(&f->sim));
    sim_disk_port(&f->disk, f->sim);
    publish(f, f->federation.roster, (const uint32_t[]){2, 3}, 2);
    save_keys(f, 2, 2);
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;
    sim_disk_free(f->sim);
    folder_remove(f->folder);
    test_federation_free(&f->federation);
    free(f->next);
    free(f);
    return 0;
}

static enum pn_status
load_as(struct fixture *f, const char *trust, enum fed_role role, uint64_t now)
{
    f->why.text[0] = '\0';
    return engine_party_load(
        &f->party,
        &(struct engine_party_files){.federation = f->path, .keys = f->keys, .trust = trust},
        &f->disk, role, now, &f->why);
}

static enum pn_status
load(struct fixture *f, const char *trust)
{
    return load_as(f, trust, FED_ROLE_NODE, TEST_NOW);
}

/* Loads, and ends that life at once; gives its boot number. */
static uint32_t
expect_loaded(struct fixture *f, const char *trust)
{
    expect_status(PN_OK, load(f, trust), f->why.text, __FILE__, __LINE__);
    uint32_t boot = f->party.boot;
    engine_party_fini(&f->party);
    return boot;
}

static void
make_next(struct fixture *f)
{
    f->next->epoch    = 2;
    f->next->previous = f->federation.roster->hash;
}

/* ---- the first start ---- */

static void
the_first_start_asks_a_person_and_shows_the_fingerprint(void **state)
{
    struct fixture *f = *state;
    EXPECT_STATUS(PN_EAUTH, load(f, NULL));
    EXPECT_SAYS(&f->why, "no `trust` is configured");
    EXPECT_SAYS(&f->why, f->trust);
    EXPECT_STATUS(PN_EAUTH, load(f, ""));
    EXPECT_STATUS(PN_EAUTH, load(f, "SHA256:nobody"));
    EXPECT_SAYS(&f->why, "expected the signers with fingerprint SHA256:nobody, seen SHA256:");
    assert_int_equal(sim_disk_writes(f->sim), 0); /* nothing was remembered */
}

static void
trust_is_needed_once_and_remembered(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(expect_loaded(f, f->trust), 1);
    assert_int_equal(expect_loaded(f, NULL), 2);
    sim_disk_kill(f->sim);
    sim_disk_restart(f->sim);
    assert_int_equal(expect_loaded(f, NULL), 3);
}

static void
what_is_loaded_is_ours(void **state)
{
    struct fixture *f = *state;
    EXPECT_OK(load(f, f->trust));
    assert_string_equal(f->party.self->name, "node-2");
    assert_memory_equal(f->party.secret.bytes, f->secrets[1].node.bytes,
                        sizeof f->party.secret.bytes);
    assert_memory_equal(f->party.transport_secret.bytes, f->secrets[1].transport.bytes, 32);
    assert_memory_equal(f->party.transport_public.bytes, f->party.self->certificate.transport.bytes,
                        32);
    engine_party_fini(&f->party);
    static const struct sec_sign_secret wiped;
    assert_memory_equal(f->party.secret.bytes, wiped.bytes, sizeof wiped.bytes);
}

static void
a_roster_without_enough_signatures_is_refused(void **state)
{
    struct fixture *f = *state;
    publish(f, f->federation.roster, (const uint32_t[]){2}, 1);
    EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
    EXPECT_SAYS(&f->why, "at least 2 signers of epoch 1, seen 1");
    EXPECT_SAYS(&f->why, "node-3 (has not signed)");
}

/* ---- later epochs ---- */

static void
the_next_epoch_needs_the_signers_of_the_one_before(void **state)
{
    struct fixture *f = *state;
    expect_loaded(f, f->trust);
    make_next(f);
    /* Only node-4 signs from now on: enough for epoch 2 itself, not for those who signed epoch 1.
     */
    f->next->members[1].signer = f->next->members[2].signer = false;
    f->next->threshold                                      = 1;
    publish(f, f->next, (const uint32_t[]){4}, 1);
    EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
    EXPECT_SAYS(&f->why, "at least 2 signers of epoch 1, seen 1");
    char trust[SEC_FINGERPRINT_SIZE]; /* a person's word does not replace them either */
    fed_roster_fingerprint(trust, f->next);
    EXPECT_STATUS(PN_EAUTH, load(f, trust));

    publish(f, f->next, (const uint32_t[]){2, 3, 4}, 3);
    expect_loaded(f, NULL);
    publish(f, f->federation.roster, (const uint32_t[]){2, 3}, 2);
    EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
    EXPECT_SAYS(&f->why, "expected epoch 2 or later");
}

static void
another_roster_of_the_same_epoch_is_refused(void **state)
{
    struct fixture *f = *state;
    expect_loaded(f, f->trust);
    f->next->members[3].certificate.not_after = TEST_UNTIL - 1;
    sec_certificate_sign(&f->next->members[3].certificate, &f->secrets[3].root);
    publish(f, f->next, (const uint32_t[]){2, 3, 4}, 3);
    EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
    EXPECT_SAYS(&f->why, "another roster of epoch 1 than the one accepted before");
}

static void
a_next_epoch_of_another_history_is_refused(void **state)
{
    struct fixture *f = *state;
    expect_loaded(f, f->trust);
    make_next(f);
    f->next->previous.bytes[0] ^= 1;
    publish(f, f->next, (const uint32_t[]){2, 3, 4}, 3);
    EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
    EXPECT_SAYS(&f->why, "does not name the roster of epoch 1 accepted before");
}

/* Roster and anchor are two writes: a crash at any of them leaves a state that goes on. */
static void
a_crash_while_a_roster_is_remembered_loses_no_way_forward(void **state)
{
    for (uint64_t write = 1; write <= 3; write++)
        for (uint64_t seed = 0; seed < 8; seed++) {
            struct pn_rng rng;
            stop(state);
            start(state);
            struct fixture *f = *state;
            expect_loaded(f, f->trust);
            make_next(f);
            publish(f, f->next, (const uint32_t[]){2, 3, 4}, 3);
            pn_rng_init(&rng, seed);
            sim_disk_crash_at(f->sim, write, &rng);
            EXPECT_STATUS(PN_EIO, load(f, NULL));
            sim_disk_restart(f->sim);
            assert_true(expect_loaded(f, NULL) >= 2);
            publish(f, f->federation.roster, (const uint32_t[]){2, 3}, 2);
            EXPECT_STATUS(PN_EAUTH, load(f, NULL));
        }
}

static void
a_state_directory_that_lost_its_roster_is_refused_for_a_new_epoch(void **state)
{
    struct fixture *f = *state;
    expect_loaded(f, f->trust);
    make_next(f);
    publish(f, f->next, (const uint32_t[]){2, 3, 4}, 3);
    EXPECT_OK(f->disk.save(f->disk.host, "roster.yaml", "version: 1\n", 11));
    EXPECT_STATUS(PN_ECONFIG, load(f, f->trust));
    EXPECT_OK(f->disk.remove(f->disk.host, "roster.yaml"));
    EXPECT_STATUS(PN_ENOENT, load(f, f->trust));
    EXPECT_SAYS(&f->why, "cannot be read from the state directory");
    EXPECT_OK(f->disk.put(f->disk.host, "roster", "x", 1));
    EXPECT_STATUS(PN_ECORRUPT, load(f, f->trust));
}

/* ---- time ---- */

static void
an_expired_roster_stops_everybody_and_an_expired_certificate_its_member(void **state)
{
    struct fixture *f = *state;
    EXPECT_STATUS(PN_EAUTH, load_as(f, f->trust, FED_ROLE_NODE, TEST_UNTIL));
    EXPECT_SAYS(&f->why, "epoch 1 of the roster expired at 2036-01-01T00:00:00Z");

    static const struct {
        size_t      member; /* whose certificate is over */
        const char *says;   /* to node-2; NULL: nothing  */
    } cases[] = {
        {0, "the certificate of hub expired"}, {1, "the certificate of node-2 expired"}, {2, NULL}};
    for (size_t i = 0; i < 3; i++) {
        struct sec_certificate *certificate = &f->next->members[cases[i].member].certificate;
        certificate->not_after              = TEST_NOW;
        sec_certificate_sign(certificate, &f->secrets[cases[i].member].root);
        publish(f, f->next, (const uint32_t[]){2, 3}, 2);
        sim_disk_free(f->sim);
        EXPECT_OK(sim_disk_new(&f->sim));
        sim_disk_port(&f->disk, f->sim);
        if (cases[i].says == NULL) {
            expect_loaded(f, f->trust);
        } else {
            EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
            EXPECT_SAYS(&f->why, cases[i].says);
        }
        certificate->not_after = TEST_UNTIL;
        sec_certificate_sign(certificate, &f->secrets[cases[i].member].root);
    }
}

/* ---- a swarm's epochs, which its ledger brings ---- */

static void
make_swarm(struct fed_roster *roster)
{
    roster->mode        = FED_MODE_SWARM;
    roster->endpoint[0] = '\0';
    for (uint32_t i = 0; i <= NODES; i++) {
        roster->members[i].role = FED_ROLE_NODE;
        snprintf(roster->members[i].endpoint, sizeof roster->members[i].endpoint,
                 "tcp://127.0.0.1:7400");
    }
}

static void
a_swarm_goes_on_from_what_it_agreed_on_whatever_older_file_lies_there(void **state)
{
    struct fixture    *f     = *state;
    struct fed_roster *first = f->next, *next = test_roster_make(f->secrets, NODES);
    struct fed_roster *both[] = {first, next};
    struct pn_buffer   text;
    struct pn_error    why = {.text = ""};
    struct fed_roster *parsed;
    for (size_t i = 0; i < 2; i++)
        make_swarm(both[i]);
    pn_buffer_init(&text, 1u << 20);
    EXPECT_OK(fed_roster_encode(&text, first));
    EXPECT_OK(fed_roster_parse(&parsed, "first", (const char *)text.bytes, text.size, &why));
    pn_buffer_fini(&text);
    fed_roster_follow(next, parsed);
    fed_roster_free(parsed);

    publish(f, first, (const uint32_t[]){2, 3}, 2);
    expect_loaded(f, f->trust);
    publish(f, next, (const uint32_t[]){2, 3}, 2);
    expect_loaded(f, NULL);
    publish(f, first, (const uint32_t[]){2, 3}, 2); /* somebody put the old file back */
    expect_status(PN_OK, load(f, NULL), f->why.text, __FILE__, __LINE__);
    assert_int_equal(f->party.roster->epoch, 2);
    engine_party_fini(&f->party);
    first->expires--; /* it was never accepted, and the one that was does not name it */
    publish(f, first, (const uint32_t[]){2, 3}, 2);
    EXPECT_STATUS(PN_EAUTH, load(f, NULL));
    EXPECT_SAYS(&f->why, "expected epoch 2 or later");
    EXPECT_OK(engine_party_load(&f->party, &(struct engine_party_files){.keys = f->keys}, &f->disk,
                                FED_ROLE_NODE, TEST_NOW, &f->why));
    assert_int_equal(f->party.roster->epoch, 2);
    engine_party_fini(&f->party);
    free(next);
}

/* A ledger of one block, which brings that roster. */
static void
hold_genesis(struct fixture *f, const struct pn_buffer *roster)
{
    struct test_chain     made;
    struct wire_roster    carried = {.text = {roster->bytes, roster->size}};
    struct wire_agreement how     = {.view = 1, .roster = &carried};
    struct pn_buffer      record;
    test_chain_new(&made, &f->federation);
    test_block_draft(&made, WIRE_BLOCK_GENESIS);
    made.draft.agreement = &how;
    test_block_seal(&made);
    pn_buffer_init(&record, 1u << 20);
    EXPECT_OK(pn_buffer_append(&record, made.signature.bytes, sizeof made.signature.bytes));
    EXPECT_OK(pn_buffer_append(&record, made.bytes.bytes, made.bytes.size));
    EXPECT_OK(f->disk.append(f->disk.host, record.bytes, record.size));
    pn_buffer_fini(&record);
    test_chain_free(&made);
}

static uint32_t
epoch_when(struct fixture *f, bool joins)
{
    const struct engine_party_files files = {
        .federation = f->path, .keys = f->keys, .joins = joins};
    expect_status(PN_OK,
                  engine_party_load(&f->party, &files, &f->disk, FED_ROLE_NODE, TEST_NOW, &f->why),
                  f->why.text, __FILE__, __LINE__);
    uint32_t epoch = f->party.roster->epoch;
    engine_party_fini(&f->party);
    return epoch;
}

/* Epoch 1 is in force, and 2 at hand: a member of both may try either; one that will leave stays
 * by the first until 2 is in force. */
static void
a_member_that_has_two_rosters_goes_by_one_that_has_it(void **state)
{
    struct fixture    *f     = *state;
    struct fed_roster *first = f->next, *next = test_roster_make(f->secrets, NODES);
    struct fed_roster *both[] = {first, next};
    struct pn_buffer   text;
    struct pn_error    why = {.text = ""};
    struct fed_roster *parsed;
    for (size_t i = 0; i < 2; i++)
        make_swarm(both[i]);
    pn_buffer_init(&text, 1u << 20);
    EXPECT_OK(fed_roster_encode(&text, first));
    EXPECT_OK(fed_roster_parse(&parsed, "first", (const char *)text.bytes, text.size, &why));
    fed_roster_follow(next, parsed);
    fed_roster_free(parsed);
    publish(f, first, (const uint32_t[]){2, 3}, 2);
    expect_loaded(f, f->trust);
    hold_genesis(f, &text);
    pn_buffer_fini(&text);
    next->member_count--; /* the last one leaves */
    publish(f, next, (const uint32_t[]){2, 3}, 2);
    assert_int_equal(epoch_when(f, false), 1);
    assert_int_equal(epoch_when(f, true), 2);
    save_keys(f, NODES + 1, NODES + 1);
    assert_int_equal(epoch_when(f, false), 1);
    assert_int_equal(epoch_when(f, true), 1);
    free(next);
}

/* Whoever has both, and began at whatever time: all are by the ledger's at once some time. */
static void
patience_by_the_ledgers_roster_grows_with_each_try(void **state)
{
    (void)state;
    static const pn_ms  by_ledger[] = {10000, 20000, 40000, 80000, 160000, 320000, 600000, 600000};
    struct engine_alone alone       = {.tries = 0};
    pn_ms               now         = 7;
    for (size_t i = 0; i < sizeof by_ledger / sizeof by_ledger[0]; i++) {
        engine_alone_begin(&alone, 4, now);
        assert_false(engine_alone_is_lost(&alone, true, 4, true, false, now + by_ledger[i] - 1));
        assert_false(engine_alone_is_lost(&alone, true, 4, false, false, now + by_ledger[i]));
        assert_true(engine_alone_is_lost(&alone, true, 4, true, false, now += by_ledger[i]));
        engine_alone_begin(&alone, 4, now);
        assert_false(engine_alone_is_lost(&alone, true, 4, true, true, now + 9999));
        assert_true(engine_alone_is_lost(&alone, true, 4, true, true, now += 10000));
    }
    /* Another height, or a quorum, and it begins anew. */
    assert_false(engine_alone_is_lost(&alone, true, 5, true, false, now += 600000));
    assert_true(engine_alone_is_lost(&alone, true, 5, true, false, now += 10000));
    engine_alone_begin(&alone, 5, now);
    assert_false(engine_alone_is_lost(&alone, false, 5, true, false, now += 600000));
    assert_false(engine_alone_is_lost(&alone, true, 5, true, false, now + 9999));
    assert_true(engine_alone_is_lost(&alone, true, 5, true, false, now + 10000));
}

/* ---- keys ---- */

static void
keys_of_nobody_of_two_members_and_of_another_role_are_refused(void **state)
{
    struct fixture *f = *state;
    save_keys(f, 2, 3); /* the node key of one, the transport key of another */
    EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
    EXPECT_SAYS(&f->why, "no member has the keys of");

    struct sec_transport_public transport_public;
    struct sec_transport_secret transport;
    save_keys(f, 2, 2);
    sec_transport_new(&transport_public, &transport);
    save_key(f, "transport", &transport_public, transport.bytes, sizeof transport.bytes);
    EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
    EXPECT_SAYS(&f->why, "no member has the keys of");

    save_keys(f, 2, 2);
    EXPECT_STATUS(PN_EAUTH, load_as(f, f->trust, FED_ROLE_COORDINATOR, TEST_NOW));
    EXPECT_SAYS(&f->why, "node-2 is a node in this roster, not a coordinator");
    save_keys(f, 1, 1);
    EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
    EXPECT_SAYS(&f->why, "hub is a coordinator in this roster, not a node");
    EXPECT_OK(load_as(f, f->trust, FED_ROLE_COORDINATOR, TEST_NOW));
    engine_party_fini(&f->party);
}

static void
keys_that_others_can_read_are_refused(void **state)
{
    struct fixture *f = *state;
    char            path[FOLDER_PATH];
    assert_int_equal(chmod(folder_path(path, f->keys, "node.key"), 0644), 0);
    EXPECT_STATUS(PN_EAUTH, load(f, f->trust));
    EXPECT_SAYS(&f->why, "node.key");
    assert_int_equal(unlink(path), 0);
    EXPECT_STATUS(PN_ENOENT, load(f, f->trust));
}

/* ---- boot numbers ---- */

static void
a_boot_number_is_durable_before_it_is_given_and_never_given_twice(void **state)
{
    struct fixture *f    = *state;
    uint32_t        last = expect_loaded(f, f->trust);
    for (uint64_t seed = 0; seed < 16; seed++) {
        struct pn_rng rng;
        pn_rng_init(&rng, seed);
        sim_disk_crash_at(f->sim, 1, &rng);
        EXPECT_STATUS(PN_EIO, load(f, NULL)); /* nobody saw this number */
        sim_disk_restart(f->sim);
        uint32_t boot = expect_loaded(f, NULL);
        assert_true(boot > last);
        last = boot;
    }
    sim_disk_fail(f->sim, PN_ENOSPC);
    EXPECT_STATUS(PN_ENOSPC, load(f, NULL));
    EXPECT_SAYS(&f->why, "cannot write to the state directory: no space left");
    sim_disk_fail(f->sim, PN_OK);
    EXPECT_OK(f->disk.put(f->disk.host, "boot", "\xff\xff\xff\xff", 4));
    EXPECT_STATUS(PN_ECORRUPT, load(f, NULL));
    EXPECT_SAYS(&f->why, "used up");
}

#define PARTY_TEST(test) cmocka_unit_test_setup_teardown(test, start, stop)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        PARTY_TEST(the_first_start_asks_a_person_and_shows_the_fingerprint),
        PARTY_TEST(trust_is_needed_once_and_remembered),
        PARTY_TEST(what_is_loaded_is_ours),
        PARTY_TEST(a_roster_without_enough_signatures_is_refused),
        PARTY_TEST(the_next_epoch_needs_the_signers_of_the_one_before),
        PARTY_TEST(another_roster_of_the_same_epoch_is_refused),
        PARTY_TEST(a_next_epoch_of_another_history_is_refused),
        PARTY_TEST(a_crash_while_a_roster_is_remembered_loses_no_way_forward),
        PARTY_TEST(a_state_directory_that_lost_its_roster_is_refused_for_a_new_epoch),
        PARTY_TEST(an_expired_roster_stops_everybody_and_an_expired_certificate_its_member),
        PARTY_TEST(a_swarm_goes_on_from_what_it_agreed_on_whatever_older_file_lies_there),
        PARTY_TEST(a_member_that_has_two_rosters_goes_by_one_that_has_it),
        PARTY_TEST(patience_by_the_ledgers_roster_grows_with_each_try),
        PARTY_TEST(keys_of_nobody_of_two_members_and_of_another_role_are_refused),
        PARTY_TEST(keys_that_others_can_read_are_refused),
        PARTY_TEST(a_boot_number_is_durable_before_it_is_given_and_never_given_twice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
