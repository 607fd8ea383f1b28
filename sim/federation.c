#include "sim/federation.h"

#include "crypto/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DAYS_100 = 8640000
};

static void
make_member(struct fed_roster_member *out, struct sim_federation *federation,
            struct sec_sign_secret *root, struct pn_rng *rng, const char *name,
            const char *organisation, uint32_t number)
{
    uint8_t                      seed[32];
    struct sec_sign_public       node;
    struct sec_sign_secret      *secret    = &federation->secrets[number - 1];
    struct sec_transport_secret *transport = &federation->transports[number - 1];
    for (size_t i = 0; i < 32; i += 8)
        pn_put_u64(seed + i, pn_rng_u64(rng));
    sec_sign_from_seed(&node, secret, seed);
    for (size_t i = 0; i < 32; i += 8)
        pn_put_u64(seed + i, pn_rng_u64(rng));
    sec_sign_from_seed(&out->root, root, seed);
    for (size_t i = 0; i < 32; i += 8)
        pn_put_u64(transport->bytes + i, pn_rng_u64(rng));

    out->number = number;
    out->role   = number == 1 ? FED_ROLE_COORDINATOR : FED_ROLE_NODE;
    out->signer = number == 2;
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->organisation, sizeof out->organisation, "%s", organisation);
    out->certificate = (struct sec_certificate){
        .serial = 1, .not_before = SIM_ISSUED, .not_after = SIM_ISSUED + DAYS_100, .node = node};
    snprintf(out->certificate.name, sizeof out->certificate.name, "%s", name);
    sec_transport_public_of(&out->certificate.transport, transport);
    sec_certificate_sign(&out->certificate, root);
}

static enum pn_status
make_room(struct sim_federation *out, size_t members, struct pn_error *why)
{
    *out = (struct sim_federation){.secrets    = calloc(members, sizeof *out->secrets),
                                   .transports = calloc(members, sizeof *out->transports),
                                   .roots      = calloc(members, sizeof *out->roots)};
    pn_buffer_init(&out->text, 1u << 20);
    pn_buffer_init(&out->signature, 1u << 10);
    return out->secrets != NULL && out->transports != NULL && out->roots != NULL
               ? PN_OK
               : pn_error_set(why, PN_ENOMEM, "no memory for %zu members", members);
}

/* The draft as text, parsed, and signed by the first site. */
static enum pn_status
seal(struct sim_federation *made, const struct fed_roster *draft, struct pn_error *why)
{
    enum pn_status st = fed_roster_encode(&made->text, draft);
    if (st == PN_OK)
        st = fed_roster_parse(&made->roster, "simulation", (const char *)made->text.bytes,
                              made->text.size, why);
    if (st == PN_OK)
        st = sec_minisign_sign(&made->signature, made->text.bytes, made->text.size, "a simulation",
                               &made->roots[1]);
    if (st == PN_OK)
        made->signer = (struct wire_roster_signature){
            fed_roster_find(made->roster, 2)->name, {made->signature.bytes, made->signature.size}};
    return st;
}

/* `out` stays where it is: it points into itself. */
static enum pn_status
hand_over(struct sim_federation *out, struct sim_federation *made, enum pn_status st)
{
    if (st != PN_OK) {
        sim_federation_fini(made);
        return st;
    }
    *out      = *made;
    out->wire = (struct wire_roster){.text            = {out->text.bytes, out->text.size},
                                     .signatures      = &out->signer,
                                     .signature_count = 1};
    return PN_OK;
}

enum pn_status
sim_federation_new(struct sim_federation *out, enum fed_mode mode, uint64_t seed,
                   const struct sim_site *sites, size_t count, struct pn_error *why)
{
    struct pn_rng         rng;
    struct sim_federation made;
    struct fed_roster    *draft =
        calloc(1, sizeof *draft + (count + 1) * sizeof(struct fed_roster_member));
    enum pn_status st = make_room(&made, count + 1, why);
    if (draft == NULL)
        st = pn_error_set(why, PN_ENOMEM, "no memory for %zu sites", count);
    if (st != PN_OK) {
        free(draft);
        sim_federation_fini(&made);
        return st;
    }
    pn_rng_init(&rng, seed ^ 0x6b657973);
    snprintf(draft->federation, sizeof draft->federation, "%s",
             sec_suite() == &sec_suite_real ? "simulation" : "nominal-simulation");
    draft->mode  = mode;
    draft->epoch = draft->threshold = 1;
    draft->issued                   = SIM_ISSUED;
    draft->expires                  = SIM_ISSUED + DAYS_100;
    make_member(&draft->members[0], &made, &made.roots[0], &rng, "hub", "Simulation", 1);
    if (mode == FED_MODE_COORDINATOR) {
        snprintf(draft->endpoint, sizeof draft->endpoint, "tcp://127.0.0.1:7400");
        draft->coordinator = draft->member_count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        struct fed_roster_member *member = &draft->members[draft->member_count++];
        memset(member, 0, sizeof *member);
        make_member(member, &made, &made.roots[i + 1], &rng, sites[i].name, sites[i].organisation,
                    (uint32_t)i + 2);
        if (mode == FED_MODE_SWARM)
            snprintf(member->endpoint, sizeof member->endpoint, "tcp://127.0.0.1:7400");
    }
    st = seal(&made, draft, why);
    free(draft);
    return hand_over(out, &made, st);
}

static void
renew(struct fed_roster_member *member, struct sim_federation *made, uint32_t epoch)
{
    uint8_t                       seed[32]  = {0};
    const size_t                  at        = member->number - 1;
    struct sec_transport_secret  *transport = &made->transports[at];
    const struct sec_sign_secret *root      = &made->roots[at];
    pn_put_u32(seed, member->number);
    pn_put_u32(seed + 4, epoch);
    sec_sign_from_seed(&member->certificate.node, &made->secrets[at], seed);
    memcpy(transport->bytes, seed, sizeof transport->bytes);
    transport->bytes[31] = 1;
    sec_transport_public_of(&member->certificate.transport, transport);
    member->certificate.serial++;
    sec_certificate_sign(&member->certificate, root);
}

enum pn_status
sim_federation_next(struct sim_federation *out, const struct sim_federation *all,
                    const struct sim_federation *before, const bool *in, size_t renewed,
                    struct pn_error *why)
{
    const struct fed_roster *from    = all->roster;
    size_t                   members = from->member_count + 1u;
    struct fed_roster       *draft   = malloc(sizeof *draft + members * sizeof draft->members[0]);
    struct sim_federation    made;
    enum pn_status           st = make_room(&made, members, why);
    if (draft == NULL)
        st = pn_error_set(why, PN_ENOMEM, "no memory for a roster");
    if (st == PN_OK) {
        memcpy(draft, from, sizeof *draft);
        memcpy(made.secrets, before->secrets, members * sizeof *made.secrets);
        memcpy(made.transports, before->transports, members * sizeof *made.transports);
        memcpy(made.roots, all->roots, members * sizeof *made.roots);
        fed_roster_follow(draft, before->roster);
        if (before == all)
            draft->last_number = 0; /* who is not in the first epoch was never a member */
        draft->member_count = 0;
        for (size_t i = 0; i < from->member_count; i++) {
            const struct fed_roster_member *old =
                fed_roster_find(before->roster, from->members[i].number);
            struct fed_roster_member *member = &draft->members[draft->member_count];
            *member                          = old != NULL ? *old : from->members[i];
            draft->member_count += in[i];
            if (in[i] && i == renewed)
                renew(member, &made, draft->epoch);
        }
        st = seal(&made, draft, why);
    }
    free(draft);
    return hand_over(out, &made, st);
}

void
sim_federation_fini(struct sim_federation *federation)
{
    fed_roster_free(federation->roster);
    free(federation->roots);
    free(federation->secrets); /* made from a public seed: nothing to wipe */
    free(federation->transports);
    pn_buffer_fini(&federation->text);
    pn_buffer_fini(&federation->signature);
    *federation = (struct sim_federation){.roster = NULL};
}
