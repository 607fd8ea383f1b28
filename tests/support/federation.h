/*
 * tests/support/federation -- a whole federation in memory, from fixed seeds.
 *
 *     struct test_federation f;
 *     test_federation_new(&f, 3);              hub (1) and node-2, node-3, node-4
 *     f.roster                                 parsed, as fed/ gives it
 *     test_member_of(&f, 2)->node              the secret that node-2 signs with
 *     ends = test_federation_ends(&f, run, 1, 2);
 *     test_federation_free(&f);
 *
 * The coordinator is number 1, nodes are 2, 3, ...; every node (the first 64) is a signer and more
 * than half of them are needed. All certificates hold from 2026 to 2036, TEST_NOW is within. The
 * same count gives the same keys and the same text, always.
 *
 * Header only: include it and link `fed`. It stops the program (PN_ASSERT) when it cannot be made,
 * so that fuzzers and the simulator can use it as well as cmocka.
 */
#ifndef TESTS_SUPPORT_FEDERATION_H
#define TESTS_SUPPORT_FEDERATION_H

#include "fed/link.h"
#include "fed/roster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TEST_HUB = 1
};
#define TEST_NOW 1790000000u   /* 2026-09-21 */
#define TEST_FROM 1767225600u  /* 2026-01-01 */
#define TEST_UNTIL 2082758400u /* 2036-01-01 */

struct test_member {
    uint32_t                    number;
    struct sec_sign_secret      root, node;
    struct sec_transport_secret transport;
};

struct test_federation {
    struct fed_roster          *roster;
    struct pn_buffer            text; /* of federation.yaml */
    struct test_member         *members;
    uint32_t                    count; /* coordinator and nodes */
    struct fed_roster_signature signatures[FED_SIGNATURES_MAX];
    struct pn_buffer            signature_texts[FED_SIGNATURES_MAX];
    size_t                      signature_count;
};

static inline void
test_seed(uint8_t seed[static 32], uint32_t number, uint8_t purpose)
{
    memset(seed, 0, 32);
    pn_put_u32(seed + 8, number); /* not in the bits that X25519 clears */
    seed[31] = purpose;
}

/* A member as a join file describes it, with its secrets. */
static inline void
test_member_make(struct test_member *secrets, struct fed_roster_member *member, uint32_t number,
                 enum fed_role role)
{
    uint8_t seed[32];
    memset(member, 0, sizeof *member);
    secrets->number = member->number = number;
    member->role                     = role;
    if (role == FED_ROLE_COORDINATOR)
        snprintf(member->name, sizeof member->name, "hub");
    else
        snprintf(member->name, sizeof member->name, "node-%u", number);
    snprintf(member->organisation, sizeof member->organisation, "Organisation %u", number);

    struct sec_certificate *certificate = &member->certificate;
    test_seed(seed, number, 1);
    sec_sign_from_seed(&member->root, &secrets->root, seed);
    test_seed(seed, number, 2);
    sec_sign_from_seed(&certificate->node, &secrets->node, seed);
    test_seed(secrets->transport.bytes, number, 3);
    sec_transport_public_of(&certificate->transport, &secrets->transport);
    memcpy(certificate->name, member->name, sizeof certificate->name);
    certificate->serial     = 1;
    certificate->not_before = TEST_FROM;
    certificate->not_after  = TEST_UNTIL;
    sec_certificate_sign(certificate, &secrets->root);
}

/* An unsigned epoch 1 that can be changed and encoded; free with free(). */
static inline struct fed_roster *
test_roster_make(struct test_member *secrets, uint32_t node_count)
{
    uint32_t           count  = node_count + 1;
    struct fed_roster *roster = calloc(1, sizeof *roster + count * sizeof roster->members[0]);
    PN_ASSERT(roster != NULL && node_count >= 1 && count <= FED_MEMBERS_MAX);
    snprintf(roster->federation, sizeof roster->federation, "demo");
    snprintf(roster->endpoint, sizeof roster->endpoint, "tcp://127.0.0.1:7400");
    roster->epoch        = 1;
    roster->issued       = TEST_FROM;
    roster->expires      = TEST_UNTIL;
    roster->coordinator  = TEST_HUB;
    roster->member_count = count;
    uint32_t signers     = node_count < FED_SIGNATURES_MAX ? node_count : FED_SIGNATURES_MAX;
    roster->threshold    = signers / 2 + 1;
    for (uint32_t i = 0; i < count; i++) {
        test_member_make(&secrets[i], &roster->members[i], i + 1,
                         i == 0 ? FED_ROLE_COORDINATOR : FED_ROLE_NODE);
        roster->members[i].signer = i >= 1 && i <= signers;
    }
    return roster;
}

static inline void
test_federation_sign(struct test_federation *f)
{
    for (uint32_t i = 0; i < f->count; i++) {
        if (!f->roster->members[i].signer)
            continue;
        struct pn_buffer            *text      = &f->signature_texts[f->signature_count];
        struct fed_roster_signature *signature = &f->signatures[f->signature_count++];
        pn_buffer_init(text, 1024);
        PN_ASSERT(sec_minisign_sign(text, f->text.bytes, f->text.size, "panal roster demo",
                                    &f->members[i].root) == PN_OK);
        memcpy(signature->name, f->roster->members[i].name, sizeof signature->name);
        signature->text = (const char *)text->bytes;
        signature->size = text->size;
    }
}

static inline void
test_federation_new(struct test_federation *f, uint32_t node_count)
{
    struct pn_error why = {.text = ""};
    PN_ASSERT(sec_init() == PN_OK);
    memset(f, 0, sizeof *f);
    f->count   = node_count + 1;
    f->members = calloc(f->count, sizeof f->members[0]);
    PN_ASSERT(f->members != NULL);
    struct fed_roster *made = test_roster_make(f->members, node_count);
    pn_buffer_init(&f->text, 1u << 20);
    PN_ASSERT(fed_roster_encode(&f->text, made) == PN_OK);
    free(made);
    if (fed_roster_parse(&f->roster, "federation.yaml", (const char *)f->text.bytes, f->text.size,
                         &why) != PN_OK) {
        fprintf(stderr, "%s\n", why.text);
        PN_UNREACHABLE("the roster of the test federation is not valid");
    }
    test_federation_sign(f);
}

static inline void
test_federation_free(struct test_federation *f)
{
    for (size_t i = 0; i < f->signature_count; i++)
        pn_buffer_fini(&f->signature_texts[i]);
    fed_roster_free(f->roster);
    pn_buffer_fini(&f->text);
    free(f->members);
    memset(f, 0, sizeof *f);
}

static inline const struct test_member *
test_member_of(const struct test_federation *f, uint32_t number)
{
    PN_ASSERT(number >= 1 && number <= f->count);
    return &f->members[number - 1];
}

/* The ends of a link as `self` sees it; keys are borrowed from the federation. */
static inline struct fed_link_ends
test_federation_ends(const struct test_federation *f, const uint8_t run[static 16], uint32_t self,
                     uint32_t peer)
{
    struct fed_link_ends ends = {
        .epoch               = f->roster->epoch,
        .self                = self,
        .peer                = peer,
        .self_is_coordinator = self == TEST_HUB,
        .peer_is_coordinator = peer == TEST_HUB,
        .secret              = &test_member_of(f, self)->node,
        .key                 = &fed_roster_find(f->roster, peer)->certificate.node,
    };
    memcpy(ends.run, run, sizeof ends.run);
    return ends;
}

#endif
