#include "data/share.h"

#include "base/rng.h"

#include <stdlib.h>

/* Where part `number` of `of` starts. */
static uint32_t
part_begin(uint32_t rows, uint64_t number, uint64_t of)
{
    return (uint32_t)((uint64_t)rows * number / of);
}

static struct pn_rng
rng_of(const struct data_source *source)
{
    struct pn_rng root, child;
    pn_rng_init(&root, source->share_seed);
    pn_rng_derive(&child, &root, PN_RNG_SPLIT, (uint64_t)source->share);
    return child;
}

static uint32_t *
indices_new(uint32_t count)
{
    uint32_t *indices = malloc(((size_t)count + 1) * sizeof *indices);
    for (uint32_t i = 0; indices != NULL && i < count; i++)
        indices[i] = i;
    return indices;
}

static enum pn_status
assign_iid(uint32_t *site_of, const struct data_source *source, uint32_t rows)
{
    struct pn_rng rng   = rng_of(source);
    uint32_t     *order = indices_new(rows);
    if (order == NULL)
        return PN_ENOMEM;
    pn_rng_shuffle(&rng, order, rows);
    for (uint32_t site = 0; site < source->share_of; site++) {
        uint32_t end = part_begin(rows, (uint64_t)site + 1, source->share_of);
        for (uint32_t i = part_begin(rows, site, source->share_of); i < end; i++)
            site_of[order[i]] = site;
    }
    free(order);
    return PN_OK;
}

static void
assign_blocks(uint32_t *site_of, const struct data_source *source, uint32_t rows)
{
    for (uint32_t site = 0; site < source->share_of; site++) {
        uint32_t end = part_begin(rows, (uint64_t)site + 1, source->share_of);
        for (uint32_t i = part_begin(rows, site, source->share_of); i < end; i++)
            site_of[i] = site;
    }
}

/* Stable: the records of one label stay in the order of the file. */
static void
sort_by_label(uint32_t *order, const uint8_t *labels, uint32_t rows)
{
    uint32_t begin[257] = {0};
    for (uint32_t i = 0; i < rows; i++)
        begin[labels[i] + 1]++;
    for (int label = 0; label < 256; label++)
        begin[label + 1] += begin[label];
    for (uint32_t i = 0; i < rows; i++)
        order[begin[labels[i]]++] = i;
}

static enum pn_status
assign_shards(uint32_t *site_of, const struct data_source *source, uint32_t rows,
              const uint8_t *labels)
{
    struct pn_rng  rng         = rng_of(source);
    const uint32_t shard_count = 2 * source->share_of;
    uint32_t      *order = indices_new(rows), *shards = indices_new(shard_count);
    if (order == NULL || shards == NULL) {
        free(order);
        free(shards);
        return PN_ENOMEM;
    }
    sort_by_label(order, labels, rows);
    pn_rng_shuffle(&rng, shards, shard_count);
    for (uint32_t i = 0; i < shard_count; i++) {
        uint32_t end = part_begin(rows, (uint64_t)shards[i] + 1, shard_count);
        for (uint32_t at = part_begin(rows, shards[i], shard_count); at < end; at++)
            site_of[order[at]] = i / 2;
    }
    free(order);
    free(shards);
    return PN_OK;
}

enum pn_status
data_share_assign(uint32_t *site_of, const struct data_source *source, uint32_t rows,
                  const uint8_t *labels, struct pn_error *why)
{
    enum pn_status st = PN_OK;
    if (source->share != DATA_SHARE_ALL && source->share_number >= source->share_of)
        return pn_error_set(why, PN_EDATA,
                            "%s: share number %u does not exist, there are %u from 0",
                            source->files[0], source->share_number, source->share_of);
    if (source->share == DATA_SHARE_ALL)
        for (uint32_t i = 0; i < rows; i++)
            site_of[i] = source->share_number;
    else if (source->share == DATA_SHARE_IID)
        st = assign_iid(site_of, source, rows);
    else if (source->share == DATA_SHARE_BLOCKS)
        assign_blocks(site_of, source, rows);
    else
        st = assign_shards(site_of, source, rows, labels);
    return st == PN_OK ? PN_OK
                       : pn_error_set(why, st, "%s: no memory to share %u records out",
                                      source->files[0], rows);
}

enum pn_status
data_share_check(const struct data_source *source, uint32_t rows, uint32_t count,
                 struct pn_error *why)
{
    return count > 0 ? PN_OK
                     : pn_error_set(why, PN_EDATA, "%s: %u records are too few for %u shares",
                                    source->files[0], rows, source->share_of);
}

enum pn_status
data_share_mark(uint8_t *wanted, uint32_t *count, const struct data_source *source, uint32_t rows,
                const uint8_t *labels, struct pn_error *why)
{
    uint32_t *site_of = indices_new(rows);
    if (site_of == NULL)
        return pn_error_set(why, PN_ENOMEM, "%s: no memory to share %u records out",
                            source->files[0], rows);
    enum pn_status st = data_share_assign(site_of, source, rows, labels, why);
    *count            = 0;
    for (uint32_t i = 0; st == PN_OK && i < rows; i++) {
        wanted[i] = site_of[i] == source->share_number;
        *count += wanted[i];
    }
    free(site_of);
    return st == PN_OK ? data_share_check(source, rows, *count, why) : st;
}
