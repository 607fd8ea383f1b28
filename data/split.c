#include "data/table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- which record goes where ---- */

/* Records of one stratum: the first to test, the next to validation, the rest to train. */
static void
deal(uint8_t *part, const uint32_t *members, uint32_t count, const struct data_schema *schema)
{
    uint32_t test       = (uint32_t)rint(schema->test * count);
    uint32_t validation = (uint32_t)rint(schema->validation * count);
    if (validation > count - test)
        validation = count - test;
    for (uint32_t i = 0; i < count; i++)
        part[members[i]] = i < test                ? DATA_TEST
                           : i < test + validation ? DATA_VALIDATION
                                                   : DATA_TRAIN;
}

static enum pn_status
assign(uint8_t *part, const struct data_table *table, const struct pn_rng *rng)
{
    const struct data_schema *schema  = table->schema;
    bool                      binary  = schema->class_count == 2 && schema->target_size == 1;
    uint32_t                 *members = malloc(((size_t)table->rows + 1) * sizeof *members);
    if (members == NULL)
        return PN_ENOMEM;
    if (schema->in_time_order) {
        for (uint32_t i = 0; i < table->rows; i++)
            members[i] = table->rows - 1 - i;
        deal(part, members, table->rows, schema);
        free(members);
        return PN_OK;
    }
    for (uint32_t stratum = 0; stratum < (binary ? 2u : 1u); stratum++) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < table->rows; i++)
            if (!binary || (table->target[i] > 0.5f) == (stratum == 1))
                members[count++] = i;
        struct pn_rng child;
        pn_rng_derive(&child, rng, PN_RNG_SPLIT, stratum);
        pn_rng_shuffle(&child, members, count);
        deal(part, members, count, schema);
    }
    free(members);
    return PN_OK;
}

/* ---- the new order ---- */

static void
swap(float *a, float *b, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        float kept = a[i];
        a[i]       = b[i];
        b[i]       = kept;
    }
}

static void
swap_rows(struct data_table *table, size_t a, size_t b)
{
    size_t x = table->schema->feature_count, y = table->schema->target_size;
    swap(table->x + a * x, table->x + b * x, x);
    swap(table->target + a * y, table->target + b * y, y);
    if (table->weight != NULL)
        swap(table->weight + a, table->weight + b, 1);
}

/* Moves record i to place to[i], cycle by cycle, so that no second table is needed. */
static void
permute(struct data_table *table, uint32_t *to)
{
    for (uint32_t i = 0; i < table->rows; i++)
        while (to[i] != i) {
            uint32_t place = to[i];
            swap_rows(table, i, place);
            to[i]     = to[place];
            to[place] = place;
        }
}

static void
reorder(struct data_table *table, const uint8_t *part, const struct data_parts *parts, uint32_t *to)
{
    uint32_t next[3] = {0, parts->train, parts->train + parts->validation};
    for (uint32_t i = 0; i < table->rows; i++)
        to[i] = next[part[i]]++;
    permute(table, to);
}

static enum pn_status
check_parts(const struct data_parts *parts, const struct data_table *table, struct pn_error *why)
{
    const struct data_schema *schema = table->schema;
    const char               *empty  = NULL;
    if (parts->train == 0)
        empty = "training";
    else if (parts->validation == 0 && schema->validation > 0.0)
        empty = "validation";
    else if (parts->test == 0 && schema->test > 0.0)
        empty = "test";
    if (empty == NULL)
        return PN_OK;
    return pn_error_set(
        why, PN_EDATA,
        "%u records are too few for a split with validation %g and test %g: none is "
        "left for %s",
        table->rows, schema->validation, schema->test, empty);
}

enum pn_status
data_table_split(struct data_parts *out, struct data_table *table, const struct pn_rng *rng,
                 struct pn_error *why)
{
    struct data_parts parts = {.train = 0};
    uint8_t          *part  = malloc((size_t)table->rows + 1);
    uint32_t         *to    = malloc(((size_t)table->rows + 1) * sizeof *to);
    enum pn_status    st    = PN_ENOMEM;
    if (part != NULL && to != NULL)
        st = assign(part, table, rng);
    if (st != PN_OK)
        pn_error_set(why, st, "no memory to split the records");
    for (uint32_t i = 0; st == PN_OK && i < table->rows; i++) {
        parts.train += part[i] == DATA_TRAIN;
        parts.validation += part[i] == DATA_VALIDATION;
        parts.test += part[i] == DATA_TEST;
    }
    if (st == PN_OK)
        st = check_parts(&parts, table, why);
    if (st == PN_OK) {
        reorder(table, part, &parts, to);
        *out = parts;
    }
    free(part);
    free(to);
    return st;
}

const float *
data_table_target(const struct data_table *table, uint32_t row)
{
    const struct data_schema *schema = table->schema;
    const float              *all    = schema->target_is_record ? table->x : table->target;
    return all + (size_t)row * data_schema_target_size(schema);
}

struct data_part
data_table_part(const struct data_table *table, const struct data_parts *parts,
                enum data_part_kind kind)
{
    const uint32_t   first[3] = {0, parts->train, parts->train + parts->validation};
    const uint32_t   rows[3]  = {parts->train, parts->validation, parts->test};
    struct data_part part     = {.first = first[kind], .rows = rows[kind]};
    part.x                    = table->x + (size_t)part.first * table->schema->feature_count;
    part.target               = data_table_target(table, part.first);
    part.weight               = table->weight != NULL ? table->weight + part.first : NULL;
    return part;
}
