#include "fed/epochs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void
fed_epochs_init(struct fed_epochs *epochs, const struct fed_roster *trusted)
{
    *epochs = (struct fed_epochs){.trusted = trusted};
}

void
fed_epochs_fini(struct fed_epochs *epochs)
{
    for (size_t i = 0; i < epochs->count; i++)
        fed_roster_free(epochs->taken[i]);
    free(epochs->taken);
    *epochs = (struct fed_epochs){.trusted = epochs->trusted};
}

static const struct fed_roster *
find(const struct fed_epochs *epochs, const struct sec_hash *hash)
{
    for (size_t i = 0; i < epochs->count; i++)
        if (sec_hash_equal(&epochs->taken[i]->hash, hash))
            return epochs->taken[i];
    return sec_hash_equal(&epochs->trusted->hash, hash) ? epochs->trusted : NULL;
}

/* Keeps `roster`, which is the epochs' from now on. */
static enum pn_status
keep(const struct fed_roster **out, struct fed_epochs *epochs, struct fed_roster *roster,
     struct pn_error *why)
{
    struct fed_roster **more =
        realloc(epochs->taken, (epochs->count + 1) * sizeof epochs->taken[0]);
    if (more == NULL) {
        fed_roster_free(roster);
        return pn_error_set(why, PN_ENOMEM, "no memory for a roster");
    }
    epochs->taken                  = more;
    epochs->taken[epochs->count++] = roster;
    *out                           = roster;
    return PN_OK;
}

static struct sec_hash
hash_of(const struct wire_roster *carried)
{
    struct sec_hash hash;
    sec_hash_of(&hash, "roster", carried->text.bytes, carried->text.size);
    return hash;
}

const struct fed_roster *
fed_epochs_find(const struct fed_epochs *epochs, const struct wire_roster *carried)
{
    const struct sec_hash hash = hash_of(carried);
    return find(epochs, &hash);
}

static enum pn_status
parse(struct fed_roster **out, const struct wire_roster *carried, struct pn_error *why)
{
    return fed_roster_parse(out, "the roster in the block", (const char *)carried->text.bytes,
                            carried->text.size, why);
}

enum pn_status
fed_epochs_begin(const struct fed_roster **out, struct fed_epochs *epochs,
                 const struct wire_roster *carried, struct pn_error *why)
{
    const struct sec_hash    hash  = hash_of(carried);
    const struct fed_roster *known = find(epochs, &hash);
    if (known != NULL) {
        *out = known;
        return PN_OK;
    }
    if (!fed_roster_names(epochs->trusted, &hash))
        return pn_error_set(
            why, PN_EAUTH,
            "the run began with a roster that the trusted one, of epoch %u, does not "
            "name",
            epochs->trusted->epoch);
    struct fed_roster *roster = NULL;
    enum pn_status     st     = parse(&roster, carried, why);
    if (st != PN_OK)
        return st;
    return keep(out, epochs, roster, why);
}

static enum pn_status
check_signed(const struct fed_roster *by, const struct wire_roster *carried, struct pn_error *why)
{
    struct fed_roster_signature signatures[FED_SIGNATURES_MAX] = {{.size = 0}};
    _Static_assert((int)WIRE_SIGNERS_MAX == (int)FED_SIGNATURES_MAX,
                   "as many as a block may carry");
    for (size_t i = 0; i < carried->signature_count; i++) {
        const struct wire_roster_signature *from = &carried->signatures[i];
        if (strlen(from->signer) >= sizeof signatures[i].name)
            return pn_error_set(
                why, PN_EAUTH, "a signature of \"%.60s\", which is no member's name", from->signer);
        snprintf(signatures[i].name, sizeof signatures[i].name, "%s", from->signer);
        signatures[i].text = (const char *)from->text.bytes;
        signatures[i].size = from->text.size;
    }
    return fed_roster_check_signatures(by, (const char *)carried->text.bytes, carried->text.size,
                                       signatures, carried->signature_count, why);
}

static enum pn_status
check_next(const struct fed_epochs *epochs, const struct fed_roster *roster,
           const struct fed_roster *before, const struct wire_roster *carried, struct pn_error *why)
{
    enum pn_status st = fed_roster_check_next(roster, before, why);
    if (st == PN_OK && roster->epoch <= epochs->trusted->epoch &&
        !fed_roster_names(epochs->trusted, &roster->hash))
        st = pn_error_set(
            why, PN_EAUTH,
            "it is another roster of epoch %u than the trusted one, of epoch %u, is or "
            "names",
            roster->epoch, epochs->trusted->epoch);
    if (st == PN_OK)
        st = check_signed(before, carried, why);
    return st == PN_OK ? check_signed(roster, carried, why) : st;
}

enum pn_status
fed_epochs_next(const struct fed_roster **out, struct fed_epochs *epochs,
                const struct fed_roster *before, const struct wire_roster *carried,
                struct pn_error *why)
{
    const struct sec_hash    hash   = hash_of(carried);
    const struct fed_roster *known  = find(epochs, &hash);
    struct fed_roster       *parsed = NULL;
    enum pn_status           st     = known != NULL ? PN_OK : parse(&parsed, carried, why);
    if (st == PN_OK)
        st = check_next(epochs, known != NULL ? known : parsed, before, carried, why);
    if (st == PN_OK && known == NULL)
        return keep(out, epochs, parsed, why);
    if (st == PN_OK)
        *out = known;
    fed_roster_free(parsed);
    return st == PN_OK ? st : pn_error_wrap(why, st, "the next epoch of the roster");
}
