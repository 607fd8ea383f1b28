/*
 * fed/epochs: which rosters a ledger may go by, and whose signatures that takes.
 */
#include "fed/epochs.h"
#include "support/expect.h"
#include "support/federation.h"

enum {
    MEMBERS = 4,
    EPOCHS  = 4
};

/* An epoch as a block carries it. */
struct carried {
    struct fed_roster           *roster;
    struct pn_buffer             text, signature_texts[MEMBERS];
    struct wire_roster_signature signatures[MEMBERS];
    struct wire_roster           wire;
};

static struct test_member secrets[MEMBERS];
static struct carried     epochs[EPOCHS]; /* epochs[i] is epoch i + 1, signed by a, b and c */

static void
encode(struct carried *out, const struct fed_roster *made)
{
    struct pn_error why = {.text = ""};
    *out                = (struct carried){.roster = NULL};
    pn_buffer_init(&out->text, WIRE_ROSTER_MAX);
    EXPECT_OK(fed_roster_encode(&out->text, made));
    expect_status(PN_OK,
                  fed_roster_parse(&out->roster, "federation.yaml", (const char *)out->text.bytes,
                                   out->text.size, &why),
                  why.text, __FILE__, __LINE__);
    out->wire = (struct wire_roster){.text       = {out->text.bytes, out->text.size},
                                     .signatures = out->signatures};
}

static void
sign(struct carried *out, uint32_t member)
{
    size_t            at   = out->wire.signature_count++;
    struct pn_buffer *text = &out->signature_texts[at];
    pn_buffer_init(text, WIRE_MINISIGN_MAX);
    EXPECT_OK(
        sec_minisign_sign(text, out->text.bytes, out->text.size, "test", &secrets[member].root));
    out->signatures[at] = (struct wire_roster_signature){out->roster->members[member].name,
                                                         {text->bytes, text->size}};
}

static void
carried_fini(struct carried *carried)
{
    for (size_t i = 0; i < carried->wire.signature_count; i++)
        pn_buffer_fini(&carried->signature_texts[i]);
    pn_buffer_fini(&carried->text);
    fed_roster_free(carried->roster);
}

/* Four members without a coordinator; three of them make a roster. */
static struct fed_roster *
make_first(void)
{
    struct fed_roster *roster = test_roster_make(secrets, MEMBERS - 1);
    roster->mode              = FED_MODE_SWARM;
    roster->coordinator       = 0;
    roster->endpoint[0]       = '\0';
    roster->threshold         = 3;
    for (uint32_t i = 0; i < MEMBERS; i++) {
        roster->members[i].role   = FED_ROLE_NODE;
        roster->members[i].signer = true;
        snprintf(roster->members[i].endpoint, sizeof roster->members[i].endpoint,
                 "tcp://127.0.0.1:%u", 7400 + i);
    }
    return roster;
}

/* The epoch after `before`, to be changed and encoded; free with free(). */
static struct fed_roster *
make_next(const struct fed_roster *before)
{
    struct fed_roster *next = make_first();
    fed_roster_follow(next, before);
    return next;
}

static int
start(void **state)
{
    (void)state;
    struct fed_roster *made = make_first();
    for (size_t i = 0; i < EPOCHS; i++) {
        encode(&epochs[i], made);
        free(made);
        for (uint32_t member = 0; member < 3; member++)
            sign(&epochs[i], member);
        made = make_next(epochs[i].roster);
    }
    free(made);
    return 0;
}

static int
stop(void **state)
{
    (void)state;
    for (size_t i = 0; i < EPOCHS; i++)
        carried_fini(&epochs[i]);
    return 0;
}

/* The run that begins with epoch `from` and goes on to the last, as one who trusts `trusted` sees
 * it. */
static enum pn_status
walk(size_t trusted, size_t from, struct pn_error *why)
{
    struct fed_epochs        walked;
    const struct fed_roster *at = NULL;
    fed_epochs_init(&walked, epochs[trusted].roster);
    enum pn_status st = fed_epochs_begin(&at, &walked, &epochs[from].wire, why);
    for (size_t i = from + 1; st == PN_OK && i < EPOCHS; i++) {
        assert_memory_equal(&at->hash, &epochs[i - 1].roster->hash, sizeof at->hash);
        st = fed_epochs_next(&at, &walked, at, &epochs[i].wire, why);
    }
    if (st == PN_OK)
        assert_int_equal(at->epoch, EPOCHS);
    fed_epochs_fini(&walked);
    return st;
}

static void
any_epoch_of_the_run_is_enough_to_trust_all_of_it(void **state)
{
    struct pn_error why = {.text = ""};
    (void)state;
    for (size_t from = 0; from < EPOCHS; from++)
        for (size_t trusted = from; trusted < EPOCHS; trusted++)
            expect_status(PN_OK, walk(trusted, from, &why), why.text, __FILE__, __LINE__);
}

static void
a_roster_from_before_the_run_is_not(void **state)
{
    struct pn_error why = {.text = ""};
    (void)state;
    assert_int_equal(walk(0, 1, &why), PN_EAUTH);
    assert_non_null(strstr(why.text, "does not name"));
}

/* The roster after epochs[before], changed by `change`, signed by the first `signers` of its
 * members; who trusts epochs[trusted] is offered it. */
static enum pn_status
offer(void (*change)(struct fed_roster *next), size_t before, size_t trusted, uint32_t signers,
      struct pn_error *why)
{
    struct fed_epochs        walked;
    struct carried           carried;
    const struct fed_roster *at;
    struct fed_roster       *next = make_next(epochs[before].roster);
    change(next);
    encode(&carried, next);
    free(next);
    for (uint32_t i = 0; i < signers && i < carried.roster->member_count; i++)
        sign(&carried, i);
    fed_epochs_init(&walked, epochs[trusted].roster);
    enum pn_status st = fed_epochs_next(&at, &walked, epochs[before].roster, &carried.wire, why);
    fed_epochs_fini(&walked);
    carried_fini(&carried);
    return st;
}

static void
earlier(struct fed_roster *next)
{
    next->issued--;
}
static void
skips(struct fed_roster *next)
{
    next->epoch++;
}
static void
forgets(struct fed_roster *next)
{
    next->previous.bytes[3] ^= 1;
}
static void
elsewhere(struct fed_roster *next)
{
    snprintf(next->federation, sizeof next->federation, "other");
}
static void
asks_for_all(struct fed_roster *next)
{
    next->threshold = MEMBERS;
}
static void
replaces(struct fed_roster *next)
{
    for (uint32_t i = 1; i < MEMBERS; i++)
        next->members[i].number += 10;
}
static void
forgets_who_left(struct fed_roster *next)
{
    next->last_number = 3; /* and four had one before */
    next->threshold   = 2;
    next->member_count--;
}
static void
invents(struct fed_roster *next)
{
    next->history[0].bytes[0] ^= 1;
}

static void
what_is_not_the_next_epoch_is_refused(void **state)
{
    static const struct {
        void (*change)(struct fed_roster *next);
        size_t      before;
        const char *part;
    } cases[] = {
        {skips, 0, "expected epoch 2 with the roster of epoch 1 as its previous one, seen epoch 3"},
        {forgets, 0, "expected epoch 2 with the roster of epoch 1 as its previous one"},
        {forgets_who_left, 0, "last_number"},
        {elsewhere, 0, "it is of federation other"},
        {replaces, 0, "expected fewer new ones than that"},
        {invents, 1, "its history is not that of epoch 2"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pn_error why = {.text = ""};
        EXPECT_STATUS(PN_EAUTH, offer(cases[i].change, cases[i].before, 0, 4, &why));
        EXPECT_SAYS(&why, cases[i].part);
    }
}

/* It stands in a block: what does not fit one is no roster, and whoever reads it is told so. */
static void
a_roster_of_a_swarm_that_fits_no_block_is_refused(void **state)
{
    struct pn_error    why  = {.text = ""};
    struct fed_roster *seen = NULL;
    struct pn_buffer   text;
    (void)state;
    pn_buffer_init(&text, WIRE_ROSTER_MAX + 2);
    EXPECT_OK(fed_roster_encode(&text, epochs[0].roster));
    while (text.size < WIRE_ROSTER_MAX)
        EXPECT_OK(pn_buffer_append(&text, "#", 1));
    EXPECT_OK(
        fed_roster_parse(&seen, "federation.yaml", (const char *)text.bytes, text.size, &why));
    fed_roster_free(seen);
    seen = NULL;
    EXPECT_OK(pn_buffer_append(&text, "#", 1));
    EXPECT_STATUS(PN_ECONFIG, fed_roster_parse(&seen, "federation.yaml", (const char *)text.bytes,
                                               text.size, &why));
    assert_null(seen);
    EXPECT_SAYS(&why, "expected at most");
    pn_buffer_fini(&text);
}

static void
the_signers_before_and_its_own_must_have_signed_it(void **state)
{
    struct pn_error why = {.text = ""};
    (void)state;
    EXPECT_OK(offer(earlier, 0, 0, 3, &why));
    assert_int_equal(offer(earlier, 0, 0, 2, &why), PN_EAUTH);
    assert_non_null(strstr(why.text, "signers of epoch 1, seen 2"));
    assert_int_equal(offer(asks_for_all, 0, 0, 3, &why), PN_EAUTH);
    assert_non_null(strstr(why.text, "signers of epoch 2, seen 3"));
    EXPECT_OK(offer(asks_for_all, 0, 0, 4, &why));
}

/* Two rosters of one epoch, both properly signed: whoever trusts one does not take the other. */
static void
another_roster_of_a_trusted_epoch_is_refused(void **state)
{
    struct pn_error why = {.text = ""};
    (void)state;
    EXPECT_OK(offer(earlier, 0, 0, 3, &why));
    for (size_t trusted = 1; trusted < EPOCHS; trusted++) {
        assert_int_equal(offer(earlier, 0, trusted, 3, &why), PN_EAUTH);
        assert_non_null(strstr(why.text, "another roster of epoch 2"));
    }
}

static void
history_is_what_the_epochs_before_were_and_no_longer_than_its_limit(void **state)
{
    struct fed_roster *last = make_first(), *next = make_first();
    (void)state;
    assert_int_equal(epochs[0].roster->history_count, 0);
    assert_int_equal(epochs[3].roster->history_count, 2);
    assert_memory_equal(&epochs[3].roster->history[0], &epochs[0].roster->hash, 32);
    assert_memory_equal(&epochs[3].roster->history[1], &epochs[1].roster->hash, 32);
    assert_memory_equal(&epochs[3].roster->previous, &epochs[2].roster->hash, 32);
    for (uint32_t i = 1; i < FED_HISTORY_MAX + 5; i++) {
        pn_put_u32(last->hash.bytes, i);
        fed_roster_follow(next, last);
        memcpy(last->history, next->history, sizeof last->history);
        last->history_count = next->history_count;
        last->previous      = next->previous;
        last->epoch         = next->epoch;
    }
    assert_int_equal(last->history_count, FED_HISTORY_MAX);
    assert_int_equal(pn_get_u32(last->previous.bytes), FED_HISTORY_MAX + 4);
    assert_int_equal(pn_get_u32(last->history[FED_HISTORY_MAX - 1].bytes), FED_HISTORY_MAX + 3);
    assert_int_equal(pn_get_u32(last->history[0].bytes), 4);
    struct carried carried;
    encode(&carried, last); /* as text and back */
    assert_int_equal(carried.roster->history_count, FED_HISTORY_MAX);
    assert_memory_equal(carried.roster->history, last->history, sizeof last->history);
    carried_fini(&carried);
    free(last);
    free(next);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_epoch_of_the_run_is_enough_to_trust_all_of_it),
        cmocka_unit_test(a_roster_from_before_the_run_is_not),
        cmocka_unit_test(what_is_not_the_next_epoch_is_refused),
        cmocka_unit_test(a_roster_of_a_swarm_that_fits_no_block_is_refused),
        cmocka_unit_test(the_signers_before_and_its_own_must_have_signed_it),
        cmocka_unit_test(another_roster_of_a_trusted_epoch_is_refused),
        cmocka_unit_test(history_is_what_the_epochs_before_were_and_no_longer_than_its_limit),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, start, stop);
}
