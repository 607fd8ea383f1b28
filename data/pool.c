#include "data/pool.h"

#include "data/share.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct entry {                        /* the files of one source, shared out in one way */
    const struct data_source *source; /* whose files and share these are; borrowed */
    struct data_table        *whole;
    uint32_t     *begin, *rows; /* of site k: rows[begin[k]] to rows[begin[k + 1] - 1] */
    struct entry *next;
};

struct data_pool {
    pthread_mutex_t lock;
    struct entry   *entries;
};

enum pn_status
data_pool_new(struct data_pool **out)
{
    struct data_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL)
        return PN_ENOMEM;
    if (pthread_mutex_init(&pool->lock, NULL) != 0) {
        free(pool);
        return PN_ENOMEM;
    }
    *out = pool;
    return PN_OK;
}

static void
entry_free(struct entry *entry)
{
    data_table_free(entry->whole);
    free(entry->begin);
    free(entry->rows);
    free(entry);
}

void
data_pool_free(struct data_pool *pool)
{
    if (pool == NULL)
        return;
    while (pool->entries != NULL) {
        struct entry *entry = pool->entries;
        pool->entries       = entry->next;
        entry_free(entry);
    }
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

/* ---- reading and dividing ---- */

/* Counting sort: every site's records in the order of the file. */
static void
group(struct entry *entry, const uint32_t *site_of, uint32_t sites)
{
    uint32_t rows = entry->whole->rows, *begin = entry->begin;
    for (uint32_t i = 0; i < rows; i++)
        begin[site_of[i] + 1]++;
    for (uint32_t k = 0; k < sites; k++)
        begin[k + 1] += begin[k];
    for (uint32_t i = 0; i < rows; i++)
        entry->rows[begin[site_of[i]]++] = i;
    memmove(begin + 1, begin, sites * sizeof *begin); /* each has moved to the next one's begin */
    begin[0] = 0;
}

static enum pn_status
divide(struct entry *entry, struct pn_error *why)
{
    const struct data_source *source  = entry->source;
    const struct data_table  *whole   = entry->whole;
    size_t                    room    = (size_t)whole->rows + 1;
    uint32_t                 *site_of = calloc(room, sizeof *site_of);
    uint8_t                  *labels  = calloc(room, 1);
    entry->begin                      = calloc((size_t)source->share_of + 2, sizeof *entry->begin);
    entry->rows                       = calloc(room, sizeof *entry->rows);
    enum pn_status st                 = PN_ENOMEM;
    if (site_of != NULL && labels != NULL && entry->begin != NULL && entry->rows != NULL) {
        /* Shards are for records with a class, which is below 256. */
        for (uint32_t i = 0; i < whole->rows && source->share == DATA_SHARE_SHARDS; i++)
            labels[i] = (uint8_t)whole->target[i];
        st = data_share_assign(site_of, source, whole->rows, labels, why);
        if (st == PN_OK)
            group(entry, site_of, source->share_of);
    } else {
        pn_error_set(why, st, "%s: no memory to share the records out", source->files[0]);
    }
    free(site_of);
    free(labels);
    return st;
}

static bool
is_same(const struct data_source *a, const struct data_source *b)
{
    if (a->file_count != b->file_count || a->share != b->share || a->share_of != b->share_of ||
        a->share_seed != b->share_seed)
        return false;
    for (size_t i = 0; i < a->file_count; i++)
        if (strcmp(a->files[i], b->files[i]) != 0)
            return false;
    for (size_t i = 0; i < 2; i++)
        if ((a->arrays[i] == NULL) != (b->arrays[i] == NULL) ||
            (a->arrays[i] != NULL && strcmp(a->arrays[i], b->arrays[i]) != 0))
            return false;
    return true;
}

static enum pn_status
find_entry(struct entry **out, struct data_pool *pool, const struct data_schema *schema,
           const struct data_source *source, uint64_t bytes_max, struct pn_error *why)
{
    for (struct entry *entry = pool->entries; entry != NULL; entry = entry->next)
        if (is_same(entry->source, source)) {
            *out = entry;
            return PN_OK;
        }
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the records");
    struct data_source whole = *source;
    whole.share              = DATA_SHARE_ALL;
    entry->source            = source;
    enum pn_status st        = data_table_load(&entry->whole, schema, &whole, bytes_max, why);
    if (st == PN_OK)
        st = divide(entry, why);
    if (st != PN_OK) {
        entry_free(entry);
        return st;
    }
    entry->next   = pool->entries;
    pool->entries = entry;
    *out          = entry;
    return PN_OK;
}

/* ---- one site's share ---- */

static enum pn_status
check_weights(const struct data_table *table, const struct data_source *source,
              struct pn_error *why)
{
    for (uint32_t i = 0; i < table->rows; i++)
        if (table->weight == NULL || table->weight[i] > 0.0f)
            return PN_OK;
    return pn_error_set(why, PN_EDATA, "%s: no record has a weight above 0", source->files[0]);
}

static enum pn_status
copy(struct data_table **out, const struct entry *entry, const struct data_schema *schema,
     const struct data_source *source, struct pn_error *why)
{
    const struct data_table *whole = entry->whole;
    const uint32_t          *rows  = entry->rows + entry->begin[source->share_number];
    uint32_t count = entry->begin[source->share_number + 1] - entry->begin[source->share_number];
    size_t   width = schema->feature_count, target = schema->target_size;
    struct data_table *table = calloc(1, sizeof *table);
    enum pn_status     st    = data_share_check(source, whole->rows, count, why);
    if (st == PN_OK && table != NULL) {
        *table        = (struct data_table){.schema = schema, .rows = count};
        table->x      = malloc(count * width * sizeof *table->x + 1);
        table->target = malloc(count * target * sizeof *table->target + 1);
        if (whole->weight != NULL)
            table->weight = malloc(count * sizeof *table->weight);
    }
    if (st == PN_OK && (table == NULL || table->x == NULL || table->target == NULL ||
                        (whole->weight != NULL && table->weight == NULL)))
        st = pn_error_set(why, PN_ENOMEM, "no memory for the records");
    for (uint32_t i = 0; st == PN_OK && i < count; i++) {
        memcpy(table->x + i * width, whole->x + rows[i] * width, width * sizeof *table->x);
        memcpy(table->target + i * target, whole->target + rows[i] * target,
               target * sizeof *table->target);
        if (whole->weight != NULL)
            table->weight[i] = whole->weight[rows[i]];
    }
    if (st == PN_OK)
        st = check_weights(table, source, why);
    if (st == PN_OK)
        *out = table;
    else
        data_table_free(table);
    return st;
}

enum pn_status
data_pool_take(struct data_table **out, struct data_pool *pool, const struct data_schema *schema,
               const struct data_source *source, uint64_t bytes_max, struct pn_error *why)
{
    struct entry *entry = NULL;
    if (source->share_number >= source->share_of)
        return pn_error_set(why, PN_EDATA,
                            "%s: share number %u does not exist, there are %u from 0",
                            source->files[0], source->share_number, source->share_of);
    pthread_mutex_lock(&pool->lock);
    enum pn_status st = find_entry(&entry, pool, schema, source, bytes_max, why);
    pthread_mutex_unlock(&pool->lock);
    return st == PN_OK ? copy(out, entry, schema, source, why) : st;
}
