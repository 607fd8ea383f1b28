#include "fed/roster.h"

#include "support/expect.h"
#include "support/federation.h"

enum {
    NODES = 3
};

struct fixture {
    struct test_federation federation;
    struct test_member     secrets[NODES + 1];
    struct fed_roster     *made; /* can be changed, then encoded */
    struct pn_buffer       text;
    struct pn_error        why;
};

static int
start(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    if (f == NULL)
        return 1;
    test_federation_new(&f->federation, NODES);
    f->made = test_roster_make(f->secrets, NODES);
    pn_buffer_init(&f->text, 1u << 20);
    *state = f;
    return 0;
}

static int
stop(void **state)
{
    struct fixture *f = *state;
    test_federation_free(&f->federation);
    pn_buffer_fini(&f->text);
    free(f->made);
    free(f);
    return 0;
}

static enum pn_status
parse_text(struct fed_roster **out, struct fixture *f, const char *text, size_t size)
{
    return fed_roster_parse(out, "federation.yaml", text, size, &f->why);
}

/* Encodes what was made and expects it to be refused with `part` in the sentence. */
static void
expect_made_refused(struct fixture *f, enum pn_status expected, const char *part)
{
    struct fed_roster *roster = NULL;
    pn_buffer_clear(&f->text);
    EXPECT_OK(fed_roster_encode(&f->text, f->made));
    EXPECT_STATUS(expected, parse_text(&roster, f, (const char *)f->text.bytes, f->text.size));
    assert_null(roster);
    EXPECT_SAYS(&f->why, part);
    EXPECT_SAYS(&f->why, "federation.yaml:");
}

/* The good text with the first `from` replaced by `to`. */
static void
expect_text_refused(struct fixture *f, const char *from, const char *to, const char *part)
{
    const char        *text   = (const char *)f->federation.text.bytes;
    struct fed_roster *roster = NULL;
    const char        *at     = strstr(text, from);
    assert_non_null(at);
    pn_buffer_clear(&f->text);
    EXPECT_OK(pn_buffer_append(&f->text, text, (size_t)(at - text)));
    EXPECT_OK(pn_buffer_append(&f->text, to, strlen(to)));
    at += strlen(from);
    EXPECT_OK(pn_buffer_append(&f->text, at, f->federation.text.size - (size_t)(at - text)));
    enum pn_status st = parse_text(&roster, f, (const char *)f->text.bytes, f->text.size);
    if (st == PN_OK)
        print_error("accepted: %s\n", to);
    assert_true(st == PN_ECONFIG || st == PN_EAUTH);
    assert_null(roster);
    EXPECT_SAYS(&f->why, part);
}

/* ---- parsing and writing ---- */

static void
encoded_roster_is_parsed_to_the_same(void **state)
{
    struct fixture          *f      = *state;
    const struct fed_roster *roster = f->federation.roster;
    struct sec_hash          hash;
    assert_string_equal(roster->federation, "demo");
    assert_string_equal(roster->endpoint, "tcp://127.0.0.1:7400");
    assert_int_equal(roster->epoch, 1);
    assert_int_equal(roster->threshold, 2);
    assert_int_equal(roster->coordinator, TEST_HUB);
    assert_int_equal(roster->member_count, NODES + 1);
    assert_true(roster->issued == TEST_FROM && roster->expires == TEST_UNTIL);
    assert_true(sec_hash_is_zero(&roster->previous));
    sec_hash_of(&hash, "roster", f->federation.text.bytes, f->federation.text.size);
    assert_true(sec_hash_equal(&hash, &roster->hash));
    assert_memory_equal(roster->members, f->made->members, (NODES + 1) * sizeof roster->members[0]);

    EXPECT_OK(fed_roster_encode(&f->text, roster));
    assert_int_equal(f->text.size, f->federation.text.size);
    assert_memory_equal(f->text.bytes, f->federation.text.bytes, f->text.size);
}

static void
later_epoch_and_strange_organisations_survive_the_text(void **state)
{
    struct fixture    *f      = *state;
    struct fed_roster *roster = NULL;
    f->made->epoch            = 7;
    sec_hash_of(&f->made->previous, "roster", "x", 1);
    memset(f->made->members[1].organisation, 'o', sizeof f->made->members[1].organisation - 1);
    snprintf(f->made->members[2].organisation, sizeof f->made->members[2].organisation,
             "\"B\\\" & S\xc3\xb6hne: #1 - {no} [\xe2\x82\xac] 'x' %%");
    memset(f->made->members[3].organisation, 0, sizeof f->made->members[3].organisation);
    memcpy(f->made->members[3].organisation, " - ", 3);
    EXPECT_OK(fed_roster_encode(&f->text, f->made));
    EXPECT_OK(parse_text(&roster, f, (const char *)f->text.bytes, f->text.size));
    assert_memory_equal(roster->members, f->made->members, (NODES + 1) * sizeof roster->members[0]);
    assert_int_equal(roster->epoch, 7);
    assert_true(sec_hash_equal(&roster->previous, &f->made->previous));
    fed_roster_free(roster);
}

static void
members_stand_ordered_by_number_and_are_found(void **state)
{
    struct fixture          *f      = *state;
    struct fed_roster       *roster = NULL;
    struct fed_roster_member first  = f->made->members[0];
    f->made->members[0]             = f->made->members[2];
    f->made->members[2]             = first;
    f->made->members[1].number      = 4000000000u;
    EXPECT_OK(fed_roster_encode(&f->text, f->made));
    EXPECT_OK(parse_text(&roster, f, (const char *)f->text.bytes, f->text.size));
    static const uint32_t numbers[] = {1, 3, 4, 4000000000u};
    for (size_t i = 0; i < 4; i++) {
        const struct fed_roster_member *member = &roster->members[i];
        assert_int_equal(member->number, numbers[i]);
        assert_ptr_equal(fed_roster_find(roster, numbers[i]), member);
        assert_ptr_equal(fed_roster_find_transport(roster, &member->certificate.transport), member);
    }
    struct sec_transport_public unknown = {{1}};
    assert_null(fed_roster_find(roster, 0));
    assert_null(fed_roster_find(roster, 2));
    assert_null(fed_roster_find(roster, UINT32_MAX));
    assert_null(fed_roster_find_transport(roster, &unknown));
    fed_roster_free(roster);
}

static void
largest_federation_is_parsed_and_one_more_member_is_refused(void **state)
{
    struct fixture        *f = *state;
    struct test_federation large;
    test_federation_new(&large, FED_MEMBERS_MAX - 1);
    assert_int_equal(large.roster->member_count, FED_MEMBERS_MAX);
    assert_int_equal(large.signature_count, FED_SIGNATURES_MAX);
    EXPECT_OK(fed_roster_check_signatures(large.roster, (const char *)large.text.bytes,
                                          large.text.size, large.signatures, large.signature_count,
                                          &f->why));
    /* A member more; that it is the first one once more is not looked at any longer. */
    char  *text = malloc(large.text.size * 2 + 1);
    char  *first, *second;
    size_t size = large.text.size;
    assert_non_null(text);
    memcpy(text, large.text.bytes, size);
    text[size] = '\0';
    first      = strstr(text, "  - name: ");
    second     = strstr(first + 1, "  - name: ");
    memcpy(text + size, first, (size_t)(second - first));
    size += (size_t)(second - first);
    struct fed_roster *roster = NULL;
    EXPECT_STATUS(PN_ECONFIG, parse_text(&roster, f, text, size));
    EXPECT_SAYS(&f->why, "1024");
    free(text);
    test_federation_free(&large);
}

/* ---- what is refused ---- */

static void
fields_out_of_form_are_refused_with_their_place(void **state)
{
    struct fixture *f = *state;
    expect_text_refused(f, "version: 1", "version: 2", "version");
    expect_text_refused(f, "version: 1\n", "", "version");
    expect_text_refused(f, "federation: demo", "federation: Demo", "federation.yaml:2:");
    expect_text_refused(f, "federation: demo", "fedaration: demo", "federation.yaml:2:1");
    expect_text_refused(f, "epoch: 1", "epoch: 0", "epoch");
    expect_text_refused(f, "epoch: 1", "epoch: 2", "hash of epoch 1");
    expect_text_refused(f, "epoch: 1", "epoch: 4294967296", "epoch");
    expect_text_refused(f, "previous: \"\"", "previous: 00", "previous");
    expect_text_refused(f, "issued: 2026", "issued: 2036", "expires");
    expect_text_refused(f, "issued: 2026-01-01T", "issued: 2026-01-01 ", "issued");
    expect_text_refused(f, "mode: coordinator", "mode: swarm", "mode");
    expect_text_refused(f, "tcp://127.0.0.1:7400", "ipc://x:7400", "endpoint");
    expect_text_refused(f, "tcp://127.0.0.1:7400", "tcp://:7400", "endpoint");
    expect_text_refused(f, "tcp://127.0.0.1:7400", "tcp://hub", "endpoint");
    expect_text_refused(f, "tcp://127.0.0.1:7400", "tcp://hub:", "endpoint");
    expect_text_refused(f, "tcp://127.0.0.1:7400", "tcp://hub:0", "endpoint");
    expect_text_refused(f, "tcp://127.0.0.1:7400", "tcp://hub:65536", "endpoint");
    expect_text_refused(f, "tcp://127.0.0.1:7400", "tcp://h b:74", "endpoint");
    expect_text_refused(f, "tcp://127.0.0.1:7400", "tcp://hub:+74", "endpoint");
    expect_text_refused(f, "threshold: 2", "threshold: 0", "threshold");
    expect_text_refused(f, "threshold: 2", "threshold: 4", "threshold");
    expect_text_refused(f, "  - node-2\n", "  - nobody\n", "nobody");
    expect_text_refused(f, "  - node-2\n", "  - node-3\n", "node-3 stands here twice");
    expect_text_refused(f, "  - node-2\n", "  - [node-2]\n", "name of a member");
    expect_text_refused(f, "signers:\n  - node-2\n  - node-3\n  - node-4\n", "signers: []\n",
                        "signers");
    expect_text_refused(f, "name: hub", "name: hub/..", "name of 1 to 31");
    expect_text_refused(f, "number: 1", "number: 0", "number");
    expect_text_refused(f, "    number: 1\n", "", "number");
    expect_text_refused(f, "number: 1", "numbr: 1", "number");
    expect_text_refused(f, "\"Organisation 1\"", "\"\"", "organisation");
    expect_text_refused(f, "\"Organisation 1\"", "\"a\\nb\"", "organisation");
    expect_text_refused(f, "\"Organisation 1\"", "\"a\\u2028b\"", "organisation");
    expect_text_refused(f, "\"Organisation 1\"", "\"a\\x9bb\"", "organisation");
    expect_text_refused(f, "role: node", "role: admin", "role");
    expect_text_refused(f, "serial: 1", "serial: 0", "serial");
    expect_text_refused(f, "not_after: 2036", "not_after: 2026", "not_after");
    expect_text_refused(f, "root: ", "root: A", "root");
    expect_text_refused(f, "signature: ", "signature: A", "signature");
    expect_text_refused(f, "members:\n", "members: []\nother:\n", "other");
}

static void
later_epoch_names_a_hash_that_is_not_zero(void **state)
{
    struct fixture *f = *state;
    f->made->epoch    = 2;
    expect_made_refused(f, PN_ECONFIG, "previous: expected the hash of epoch 1");
    f->made->epoch             = 1;
    f->made->previous.bytes[0] = 1;
    expect_made_refused(f, PN_ECONFIG, "previous: expected \"\" in epoch 1");
    /* Zeros written out. */
    f->made->epoch = 2;
    pn_buffer_clear(&f->text);
    EXPECT_OK(fed_roster_encode(&f->text, f->made));
    char *written = malloc(f->text.size);
    assert_non_null(written);
    memcpy(written, f->text.bytes, f->text.size);
    strstr(written, "\"01000")[2] = '0';
    struct fed_roster *roster     = NULL;
    EXPECT_STATUS(PN_ECONFIG, parse_text(&roster, f, written, f->text.size));
    EXPECT_SAYS(&f->why, "previous: expected the hash of epoch 1");
    free(written);
}

static void
organisation_of_96_bytes_is_refused(void **state)
{
    struct fixture *f = *state;
    char            text[99];
    memset(text, 'o', sizeof text);
    text[0] = text[97] = '"';
    text[98]           = '\0';
    expect_text_refused(f, "\"Organisation 1\"", text, "1 to 95 bytes");
}

static void
names_numbers_and_keys_are_unique(void **state)
{
    struct fixture          *f    = *state;
    struct fed_roster_member good = f->made->members[3], *last = &f->made->members[3];
    struct test_member      *secrets = &f->secrets[3];

    last->number = 2;
    expect_made_refused(f, PN_ECONFIG, "the number of node-4 (number 2) is that of node-2");
    *last = good;
    memcpy(last->name, "node-2", 7);
    memcpy(last->certificate.name, "node-2", 7);
    sec_certificate_sign(&last->certificate, &secrets->root);
    expect_made_refused(f, PN_ECONFIG, "the name of node-2");
    *last      = good;
    last->root = f->made->members[1].root;
    sec_certificate_sign(&last->certificate, &f->secrets[1].root);
    expect_made_refused(f, PN_ECONFIG, "root key");
    *last                  = good;
    last->certificate.node = f->made->members[1].certificate.node;
    sec_certificate_sign(&last->certificate, &secrets->root);
    expect_made_refused(f, PN_ECONFIG, "node key");
    *last                  = good;
    last->certificate.node = f->made->members[1].root;
    sec_certificate_sign(&last->certificate, &secrets->root);
    expect_made_refused(f, PN_ECONFIG, "signing key");
    *last                  = good;
    last->certificate.node = last->root;
    sec_certificate_sign(&last->certificate, &secrets->root);
    expect_made_refused(f, PN_ECONFIG, "one key as root key and as node key");
    *last                       = good;
    last->certificate.transport = f->made->members[0].certificate.transport;
    sec_certificate_sign(&last->certificate, &secrets->root);
    expect_made_refused(f, PN_ECONFIG, "transport key");
}

static void
there_is_exactly_one_coordinator_and_a_node(void **state)
{
    struct fixture *f        = *state;
    f->made->members[0].role = FED_ROLE_NODE;
    expect_made_refused(f, PN_ECONFIG, "exactly one coordinator");
    f->made->members[0].role = FED_ROLE_COORDINATOR;
    f->made->members[3].role = FED_ROLE_COORDINATOR;
    expect_made_refused(f, PN_ECONFIG, "exactly one coordinator");
    f->made->members[0].signer = true;
    f->made->threshold         = 1;
    f->made->member_count      = 1;
    expect_made_refused(f, PN_ECONFIG, "at least one node");
}

static void
certificate_of_another_root_or_name_is_refused(void **state)
{
    struct fixture          *f    = *state;
    struct fed_roster_member good = f->made->members[2], *member = &f->made->members[2];
    sec_certificate_sign(&member->certificate, &f->secrets[1].root);
    expect_made_refused(f, PN_EAUTH, "node-3 signed by its root key");
    *member                    = good;
    member->certificate.serial = 2;
    expect_made_refused(f, PN_EAUTH, "node-3 signed by its root key");
    /* Valid for another name: the organisation did not sign to be called so. */
    *member = good;
    memcpy(member->name, "node-9", 7);
    expect_made_refused(f, PN_EAUTH, "node-9 signed by its root key");
}

static void
broken_text_is_refused_wherever_it_is_cut(void **state)
{
    struct fixture *f = *state;
    for (size_t size = 0; size < f->federation.text.size - 1; size += 7) {
        struct fed_roster *roster = NULL;
        enum pn_status st = parse_text(&roster, f, (const char *)f->federation.text.bytes, size);
        assert_true(st == PN_ECONFIG || st == PN_EAUTH);
        assert_null(roster);
    }
}

/* ---- signatures ---- */

static enum pn_status
check(struct fixture *f, const struct fed_roster_signature *signatures, size_t count)
{
    const struct test_federation *federation = &f->federation;
    return fed_roster_check_signatures(federation->roster, (const char *)federation->text.bytes,
                                       federation->text.size, signatures, count, &f->why);
}

static void
threshold_of_signers_makes_a_roster(void **state)
{
    struct fixture              *f   = *state;
    struct fed_roster_signature *all = f->federation.signatures;
    EXPECT_OK(check(f, all, 3));
    EXPECT_OK(check(f, all, 2));
    EXPECT_OK(check(f, all + 1, 2));
    EXPECT_STATUS(PN_EAUTH, check(f, all, 1));
    EXPECT_SAYS(&f->why, "at least 2 signers of epoch 1, seen 1; missing: node-3 (has not signed), "
                         "node-4 (has not signed)");
    EXPECT_STATUS(PN_EAUTH, check(f, NULL, 0));
}

static void
one_signer_counts_once_however_often_it_signs(void **state)
{
    struct fixture             *f        = *state;
    struct fed_roster_signature twice[4] = {
        f->federation.signatures[0], f->federation.signatures[0], f->federation.signatures[0]};
    EXPECT_STATUS(PN_EAUTH, check(f, twice, 3));
    /* Nor under the name of another one. */
    memcpy(twice[1].name, "node-3", 7);
    memcpy(twice[2].name, "node-4", 7);
    EXPECT_STATUS(PN_EAUTH, check(f, twice, 3));
    EXPECT_SAYS(&f->why, "node-3 (the signature was made with another key)");
}

static void
signature_of_a_member_that_is_no_signer_does_not_count(void **state)
{
    struct fixture             *f             = *state;
    struct fed_roster_signature signatures[2] = {f->federation.signatures[0]};
    struct pn_buffer            text;
    pn_buffer_init(&text, 1024);
    EXPECT_OK(sec_minisign_sign(&text, f->federation.text.bytes, f->federation.text.size, "hub",
                                &test_member_of(&f->federation, TEST_HUB)->root));
    signatures[1] = (struct fed_roster_signature){
        .name = "hub", .text = (const char *)text.bytes, .size = text.size};
    EXPECT_STATUS(PN_EAUTH, check(f, signatures, 2));
    /* The coordinator cannot make itself a signer: that is another text. */
    pn_buffer_fini(&text);
}

static void
signatures_of_other_bytes_do_not_count(void **state)
{
    struct fixture   *f    = *state;
    struct pn_buffer *text = &f->federation.text;
    for (size_t bit = 0; bit < 8 * text->size; bit += 101) {
        text->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        EXPECT_STATUS(PN_EAUTH, check(f, f->federation.signatures, 3));
        EXPECT_SAYS(&f->why, "not of these bytes");
        text->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    EXPECT_OK(check(f, f->federation.signatures, 3));
}

/* ---- time, anchor, fingerprint ---- */

static void
roster_holds_within_its_time_only(void **state)
{
    struct fixture    *f      = *state;
    struct fed_roster *roster = f->made;
    EXPECT_OK(fed_roster_check_time(roster, TEST_NOW, &f->why));
    EXPECT_OK(fed_roster_check_time(roster, TEST_FROM, &f->why));
    EXPECT_OK(fed_roster_check_time(roster, TEST_UNTIL - 1, &f->why));
    EXPECT_STATUS(PN_EAUTH, fed_roster_check_time(roster, TEST_FROM - 1, &f->why));
    EXPECT_SAYS(&f->why, "epoch 1 of the roster is valid from 2026-01-01T00:00:00Z");
    EXPECT_STATUS(PN_EAUTH, fed_roster_check_time(roster, TEST_UNTIL, &f->why));
    EXPECT_SAYS(&f->why, "expired at 2036-01-01T00:00:00Z");
}

static void
a_certificate_out_of_time_stops_its_member_and_nobody_else(void **state)
{
    struct fixture    *f                      = *state;
    struct fed_roster *roster                 = f->made;
    roster->members[2].certificate.not_after  = TEST_NOW;
    roster->members[3].certificate.not_before = TEST_NOW + 1;
    EXPECT_OK(fed_roster_check_time(roster, TEST_NOW, &f->why));
    EXPECT_OK(fed_roster_check_member(&roster->members[1], TEST_NOW, &f->why));
    EXPECT_OK(fed_roster_check_member(&roster->members[2], TEST_NOW - 1, &f->why));
    EXPECT_STATUS(PN_EAUTH, fed_roster_check_member(&roster->members[2], TEST_NOW, &f->why));
    EXPECT_SAYS(&f->why, "the certificate of node-3 expired at 2026-09-21");
    EXPECT_STATUS(PN_EAUTH, fed_roster_check_member(&roster->members[3], TEST_NOW, &f->why));
    EXPECT_SAYS(&f->why, "the certificate of node-4 is valid from");
}

static void
anchor_allows_no_way_back_and_no_other_history(void **state)
{
    struct fixture          *f      = *state;
    struct fed_roster       *next   = f->made;
    struct fed_roster_anchor anchor = {.epoch = 0};
    next->epoch                     = 5;
    EXPECT_OK(fed_roster_check_anchor(&anchor, next, &f->why));
    anchor.epoch = 5;
    sec_hash_of(&anchor.hash, "roster", "five", 4);
    next->hash = anchor.hash;
    EXPECT_OK(fed_roster_check_anchor(&anchor, next, &f->why));
    next->hash.bytes[0] ^= 1;
    EXPECT_STATUS(PN_EAUTH, fed_roster_check_anchor(&anchor, next, &f->why));
    EXPECT_SAYS(&f->why, "another roster of epoch 5");
    next->epoch = 6;
    EXPECT_STATUS(PN_EAUTH, fed_roster_check_anchor(&anchor, next, &f->why));
    EXPECT_SAYS(&f->why, "does not name the roster of epoch 5");
    next->previous = anchor.hash;
    EXPECT_OK(fed_roster_check_anchor(&anchor, next, &f->why));
    next->epoch = 4;
    next->hash  = anchor.hash;
    EXPECT_STATUS(PN_EAUTH, fed_roster_check_anchor(&anchor, next, &f->why));
    EXPECT_SAYS(&f->why, "expected epoch 5 or later");
    anchor.epoch = UINT32_MAX;
    EXPECT_STATUS(PN_EAUTH, fed_roster_check_anchor(&anchor, next, &f->why));
}

static void
fingerprint_covers_who_signs_and_how_many_must(void **state)
{
    struct fixture    *f      = *state;
    struct fed_roster *roster = f->made;
    char               first[SEC_FINGERPRINT_SIZE], other[SEC_FINGERPRINT_SIZE];
    fed_roster_fingerprint(first, roster);
    assert_int_equal(strncmp(first, "SHA256:", 7), 0);
    assert_int_equal(strlen(first), 50);
#define DIFFERENT_WITH(change, back)                                                               \
    do {                                                                                           \
        roster->change;                                                                            \
        fed_roster_fingerprint(other, roster);                                                     \
        assert_string_not_equal(first, other);                                                     \
        roster->back;                                                                              \
    } while (0)
    DIFFERENT_WITH(federation[0] = 'x', federation[0] = 'd');
    DIFFERENT_WITH(threshold = 3, threshold = 2);
    DIFFERENT_WITH(members[1].root.bytes[31] ^= 1, members[1].root.bytes[31] ^= 1);
    DIFFERENT_WITH(members[0].signer = true, members[0].signer = false);
    DIFFERENT_WITH(members[3].signer = false, members[3].signer = true);
#undef DIFFERENT_WITH
    /* It stays when only an epoch, an endpoint or a node key changes: trust is in the signers. */
    roster->epoch = 9;
    roster->members[1].certificate.node.bytes[0] ^= 1;
    fed_roster_fingerprint(other, roster);
    assert_string_equal(first, other);
}

/* ---- join files ---- */

static void
join_file_is_read_back(void **state)
{
    struct fixture          *f = *state;
    struct fed_roster_member member;
    EXPECT_OK(fed_join_encode(&f->text, &f->made->members[1]));
    EXPECT_OK(
        fed_join_parse(&member, "node-2.join", (const char *)f->text.bytes, f->text.size, &f->why));
    assert_int_equal(member.number, 0);
    assert_false(member.signer);
    member.number = 2;
    member.signer = true;
    assert_memory_equal(&member, &f->made->members[1], sizeof member);
}

static void
join_file_with_a_forged_certificate_is_refused(void **state)
{
    struct fixture          *f = *state;
    struct fed_roster_member member;
    sec_certificate_sign(&f->made->members[1].certificate, &f->secrets[2].root);
    EXPECT_OK(fed_join_encode(&f->text, &f->made->members[1]));
    EXPECT_STATUS(PN_EAUTH, fed_join_parse(&member, "node-2.join", (const char *)f->text.bytes,
                                           f->text.size, &f->why));
    EXPECT_SAYS(&f->why, "node-2.join:");
}

/* ---- times ---- */

static void
times_equal_those_of_date(void **state)
{
    (void)state;
    /* date -u -d @... +%Y-%m-%dT%H:%M:%SZ */
    static const struct {
        uint64_t    seconds;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {951782399, "2000-02-28T23:59:59Z"},
        {951782400, "2000-02-29T00:00:00Z"},
        {951868800, "2000-03-01T00:00:00Z"},
        {1709164800, "2024-02-29T00:00:00Z"},
        {1767225599, "2025-12-31T23:59:59Z"},
        {1795392000, "2026-11-23T00:00:00Z"},
        {2147483648, "2038-01-19T03:14:08Z"},
        {4107542399, "2100-02-28T23:59:59Z"},
        {4107542400, "2100-03-01T00:00:00Z"},
        {253402300799, "9999-12-31T23:59:59Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char     text[FED_TIME_SIZE];
        uint64_t seconds = 1;
        fed_time_text(text, rows[i].seconds);
        assert_string_equal(text, rows[i].text);
        assert_true(fed_time_parse(&seconds, text));
        assert_true(seconds == rows[i].seconds);
    }
    char last[FED_TIME_SIZE];
    fed_time_text(last, UINT64_MAX);
    assert_string_equal(last, "9999-12-31T23:59:59Z");
}

static void
every_day_is_read_back(void **state)
{
    (void)state;
    for (uint64_t day = 0; day < 60000; day++) {
        char     text[FED_TIME_SIZE];
        uint64_t seconds = 0;
        fed_time_text(text, day * 86400 + day);
        assert_true(fed_time_parse(&seconds, text));
        assert_true(seconds == day * 86400 + day);
    }
}

static void
times_that_do_not_exist_or_are_written_otherwise_are_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {
        "",
        "2026-11-23",
        "2026-11-23T00:00:00",
        "2026-11-23T00:00:00z",
        "2026-11-23t00:00:00Z",
        "2026-11-23 00:00:00Z",
        "2026-11-23T00:00:00+00:00",
        "2026-11-23T00:00:00.0Z",
        "2026-11-23T00:00:0Z",
        "2026-02-29T00:00:00Z",
        "2100-02-29T00:00:00Z",
        "2026-04-31T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-00-01T00:00:00Z",
        "2026-01-00T00:00:00Z",
        "2026-01-32T00:00:00Z",
        "2026-01-01T24:00:00Z",
        "2026-01-01T00:60:00Z",
        "2026-01-01T00:00:60Z",
        "1969-12-31T23:59:59Z",
        "0000-01-01T00:00:00Z",
        "+026-01-01T00:00:00Z",
        "2026-1-001T00:00:00Z",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        uint64_t seconds = 77;
        assert_false(fed_time_parse(&seconds, bad[i]));
        assert_true(seconds == 77);
    }
}

int
main(void)
{
#define ROSTER_TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        ROSTER_TEST(encoded_roster_is_parsed_to_the_same),
        ROSTER_TEST(later_epoch_and_strange_organisations_survive_the_text),
        ROSTER_TEST(members_stand_ordered_by_number_and_are_found),
        ROSTER_TEST(largest_federation_is_parsed_and_one_more_member_is_refused),
        ROSTER_TEST(fields_out_of_form_are_refused_with_their_place),
        ROSTER_TEST(later_epoch_names_a_hash_that_is_not_zero),
        ROSTER_TEST(organisation_of_96_bytes_is_refused),
        ROSTER_TEST(names_numbers_and_keys_are_unique),
        ROSTER_TEST(there_is_exactly_one_coordinator_and_a_node),
        ROSTER_TEST(certificate_of_another_root_or_name_is_refused),
        ROSTER_TEST(broken_text_is_refused_wherever_it_is_cut),
        ROSTER_TEST(threshold_of_signers_makes_a_roster),
        ROSTER_TEST(one_signer_counts_once_however_often_it_signs),
        ROSTER_TEST(signature_of_a_member_that_is_no_signer_does_not_count),
        ROSTER_TEST(signatures_of_other_bytes_do_not_count),
        ROSTER_TEST(roster_holds_within_its_time_only),
        ROSTER_TEST(a_certificate_out_of_time_stops_its_member_and_nobody_else),
        ROSTER_TEST(anchor_allows_no_way_back_and_no_other_history),
        ROSTER_TEST(fingerprint_covers_who_signs_and_how_many_must),
        ROSTER_TEST(join_file_is_read_back),
        ROSTER_TEST(join_file_with_a_forged_certificate_is_refused),
        cmocka_unit_test(times_equal_those_of_date),
        cmocka_unit_test(every_day_is_read_back),
        cmocka_unit_test(times_that_do_not_exist_or_are_written_otherwise_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
