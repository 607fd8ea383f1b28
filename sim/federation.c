#include "sim/federation.h"

#include "crypto/suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    DAYS_100 = 8640000
};

static void
make_member(struct fed_roster_member *out, struct sec_sign_secret *secret,
            struct sec_sign_secret *root, struct pn_rng *rng, const char *name,
            const char *organisation, uint32_t number)
{
    uint8_t                     seed[32];
    struct sec_sign_public      node;
    struct sec_transport_secret transport;
    for (size_t i = 0; i < 32; i += 8)
        pn_put_u64(seed + i, pn_rng_u64(rng));
    sec_sign_from_seed(&node, secret, seed);
    for (size_t i = 0; i < 32; i += 8)
        pn_put_u64(seed + i, pn_rng_u64(rng));
    sec_sign_from_seed(&out->root, root, seed);
    for (size_t i = 0; i < 32; i += 8)
        pn_put_u64(transport.bytes + i, pn_rng_u64(rng));

    out->number = number;
    out->role   = number == 1 ? FED_ROLE_COORDINATOR : FED_ROLE_NODE;
    out->signer = number == 2;
    snprintf(out->name, sizeof out->name, "%s", name);
    snprintf(out->organisation, sizeof out->organisation, "%s", organisation);
    out->certificate = (struct sec_certificate){
        .serial = 1, .not_before = SIM_ISSUED, .not_after = SIM_ISSUED + DAYS_100, .node = node};
    snprintf(out->certificate.name, sizeof out->certificate.name, "%s", name);
    sec_transport_public_of(&out->certificate.transport, &transport);
    sec_certificate_sign(&out->certificate, root);
}

enum pn_status
sim_federation_new(struct sim_federation *out, enum fed_mode mode, uint64_t seed,
                   const struct sim_site *sites, size_t count, struct pn_error *why)
{
    struct pn_rng          rng;
    struct sec_sign_secret root, signer = {{0}};
    struct fed_roster     *draft =
        calloc(1, sizeof *draft + (count + 1) * sizeof(struct fed_roster_member));
    struct sim_federation made = {.secrets = calloc(count + 1, sizeof *made.secrets)};
    if (draft == NULL || made.secrets == NULL) {
        free(draft);
        free(made.secrets);
        return pn_error_set(why, PN_ENOMEM, "no memory for %zu sites", count);
    }
    pn_rng_init(&rng, seed ^ 0x6b657973);
    snprintf(draft->federation, sizeof draft->federation, "%s",
             sec_suite() == &sec_suite_real ? "simulation" : "nominal-simulation");
    draft->mode  = mode;
    draft->epoch = draft->threshold = 1;
    draft->issued                   = SIM_ISSUED;
    draft->expires                  = SIM_ISSUED + DAYS_100;
    make_member(&draft->members[0], &made.secrets[0], &root, &rng, "hub", "Simulation", 1);
    if (mode == FED_MODE_COORDINATOR) {
        snprintf(draft->endpoint, sizeof draft->endpoint, "tcp://127.0.0.1:7400");
        draft->coordinator = draft->member_count = 1;
    }
    for (size_t i = 0; i < count; i++) {
        struct fed_roster_member *member = &draft->members[draft->member_count++];
        memset(member, 0, sizeof *member);
        make_member(member, &made.secrets[i + 1], i == 0 ? &signer : &root, &rng, sites[i].name,
                    sites[i].organisation, (uint32_t)i + 2);
        if (mode == FED_MODE_SWARM)
            snprintf(member->endpoint, sizeof member->endpoint, "tcp://127.0.0.1:7400");
    }

    pn_buffer_init(&made.text, 1u << 20);
    pn_buffer_init(&made.signature, 1u << 10);
    enum pn_status st = fed_roster_encode(&made.text, draft);
    if (st == PN_OK)
        st = fed_roster_parse(&made.roster, "simulation", (const char *)made.text.bytes,
                              made.text.size, why);
    if (st == PN_OK && sec_suite() == &sec_suite_real)
        st = sec_minisign_sign(&made.signature, made.text.bytes, made.text.size, "a simulation",
                               &signer);
    free(draft);
    if (st != PN_OK) {
        sim_federation_fini(&made);
        return st;
    }
    *out = made;
    return PN_OK;
}

void
sim_federation_fini(struct sim_federation *federation)
{
    fed_roster_free(federation->roster);
    free(federation->secrets); /* made from a public seed: nothing to wipe */
    pn_buffer_fini(&federation->text);
    pn_buffer_fini(&federation->signature);
    *federation = (struct sim_federation){.roster = NULL};
}
