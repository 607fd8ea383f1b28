#include "engine/summit.h"

#include <inttypes.h>
#include <string.h>

void
engine_summit_encode(uint8_t out[static ENGINE_SUMMIT_SIZE], uint64_t height,
                     const struct sec_hash *hash)
{
    pn_put_u64(out, height);
    memcpy(out + 8, hash->bytes, sizeof hash->bytes);
}

const char *
engine_summit_votes_name(uint64_t height)
{
    return height % 2 == 0 ? "certificate.0" : "certificate.1";
}

/* A file of at most `most` bytes; PN_ECORRUPT when it has more. */
static enum pn_status
load(uint8_t *out, size_t *size, size_t most, const struct store_disk *disk, const char *name)
{
    uint64_t       there = 0;
    enum pn_status st    = disk->size(disk->host, name, &there);
    if (st == PN_OK && there > most)
        st = PN_ECORRUPT;
    *size = (size_t)there;
    return st == PN_OK ? disk->read(disk->host, name, out, 0, *size) : st;
}

static enum pn_status
read_mark(struct engine_summit *out, const struct store_disk *disk)
{
    uint8_t        bytes[ENGINE_SUMMIT_SIZE];
    size_t         size;
    enum pn_status st = load(bytes, &size, sizeof bytes, disk, "summit");
    if (st == PN_ENOENT)
        return PN_OK;
    if (st == PN_OK && size != sizeof bytes)
        st = PN_ECORRUPT;
    if (st != PN_OK)
        return st;
    out->marked = true;
    out->height = pn_get_u64(bytes);
    memcpy(out->hash.bytes, bytes + 8, sizeof out->hash.bytes);
    return PN_OK;
}

/* One that is damaged counts as none: it may be that of the block before, which needs none. */
static enum pn_status
read_votes(struct fed_certificate *out, const struct store_disk *disk, const char *name)
{
    uint8_t        bytes[FED_CERTIFICATE_MAX];
    size_t         size;
    enum pn_status st = load(bytes, &size, sizeof bytes, disk, name);
    if (st != PN_OK || !fed_certificate_decode(out, bytes, size))
        out->count = 0;
    return st == PN_ENOENT || st == PN_ECORRUPT ? PN_OK : st;
}

enum pn_status
engine_summit_read(struct engine_summit *out, const struct store_disk *disk, struct pn_error *why)
{
    *out              = (struct engine_summit){.marked = false};
    enum pn_status st = read_mark(out, disk);
    for (uint64_t i = 0; i < 2 && st == PN_OK; i++)
        st = read_votes(&out->votes[i], disk, engine_summit_votes_name(i));
    return st == PN_OK
               ? PN_OK
               : pn_error_set(why, st, "the state directory does not give its highest block: %s",
                              pn_status_text(st));
}

/* The ledger was never shorter than this: a copy of an older state directory is refused. */
static enum pn_status
check_mark(const struct engine_summit *summit, const struct fed_chain *chain, struct pn_error *why)
{
    if (summit->marked && summit->height >= chain->height)
        return pn_error_set(why, PN_ECORRUPT,
                            "the ledger ends before block %" PRIu64
                            ", which it held: an older copy was put back. Restore the newest one; "
                            "a member that forgets what it voted for can be made to vote against "
                            "it",
                            summit->height);
    if (summit->marked && summit->height + 1 == chain->height &&
        !sec_hash_equal(&summit->hash, &chain->head))
        return pn_error_set(why, PN_ECORRUPT,
                            "block %" PRIu64 " is not the one that this ledger held",
                            summit->height);
    return PN_OK;
}

enum pn_status
engine_summit_check(struct fed_certificate *votes, const struct engine_summit *summit,
                    const struct fed_chain *chain, struct pn_error *why)
{
    enum pn_status st = check_mark(summit, chain, why);
    *votes            = (struct fed_certificate){.count = 0};
    if (st != PN_OK || chain->height == 0)
        return st;
    struct fed_decided            head  = {.height = chain->height - 1, .hash = chain->head};
    const struct fed_certificate *found = &summit->votes[head.height % 2];
    if (found->count == 0 || found->height != head.height)
        return pn_error_set(
            why, PN_ECORRUPT,
            "the votes for block %" PRIu64 ", the newest, are not beside the ledger", head.height);
    head.view = found->view;
    memcpy(head.run, chain->run, sizeof head.run);
    st = fed_certificate_check(chain->head_roster, &head, found->witnesses, found->count, why);
    if (st != PN_OK)
        return pn_error_wrap(why, st, "the votes for block %" PRIu64, head.height);
    *votes = *found;
    return PN_OK;
}
