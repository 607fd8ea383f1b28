#include "data/rows.h"

#include "data/window.h"

#include "base/options.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One file on its way into the table. */
struct load {
    struct data_rows         *rows;
    const struct data_schema *schema;
    struct data_stream       *stream;
    struct data_csv          *csv;
    struct data_record       *record;
    uint32_t                 *where; /* column of the schema -> field of a record */
    uint32_t                  field_count;
    struct pn_buffer          group; /* of the row before; empty = none yet */
};

static const char *
name_of(const struct load *load)
{
    return data_stream_name(load->stream);
}

/* ---- the header line ---- */

static enum pn_status
column_is_not_there(const struct load *load, const struct data_column *column,
                    const struct data_csv_field *fields, uint32_t count, struct pn_error *why)
{
    const char **names = malloc(((size_t)count + 1) * sizeof *names);
    for (uint32_t i = 0; names != NULL && i < count; i++)
        names[i] = fields[i].text;
    const char *nearest = names != NULL ? pn_nearest(column->name, names, count) : NULL;
    free(names);
    if (nearest != NULL)
        return pn_error_set(why, PN_EDATA,
                            "%s:%" PRIu64 ":%" PRIu64 ": the header has no column \"%.100s\"; did "
                            "you mean \"%.100s\"?",
                            name_of(load), fields[0].line, fields[0].column, column->name, nearest);
    return pn_error_set(why, PN_EDATA,
                        "%s:%" PRIu64 ":%" PRIu64 ": the header has no column \"%.100s\"; its %u "
                        "fields begin with \"%.60s\" (check delimiter and header in the job)",
                        name_of(load), fields[0].line, fields[0].column, column->name, count,
                        fields[0].text);
}

static enum pn_status
find_column(uint32_t *where, const struct load *load, const struct data_column *column,
            const struct data_csv_field *fields, uint32_t count, struct pn_error *why)
{
    bool found = false;
    for (uint32_t i = 0; i < count; i++) {
        if (strcmp(fields[i].text, column->name) != 0)
            continue;
        if (found)
            return pn_error_set(why, PN_EDATA,
                                "%s:%" PRIu64 ":%" PRIu64 ": the column \"%.100s\" stands in the "
                                "header twice",
                                name_of(load), fields[i].line, fields[i].column, column->name);
        *where = i;
        found  = true;
    }
    return found ? PN_OK : column_is_not_there(load, column, fields, count, why);
}

static enum pn_status
read_header(struct load *load, struct pn_error *why)
{
    const struct data_schema    *schema = load->schema;
    const struct data_csv_field *fields;
    enum pn_status               st = data_csv_next(&fields, &load->field_count, load->csv, why);
    if (st == PN_OK && load->field_count == 0)
        return pn_error_set(why, PN_EDATA,
                            "%s:1:1: the file is empty; expected a line with the names of the "
                            "columns",
                            name_of(load));
    for (size_t i = 0; st == PN_OK && i < schema->column_count; i++)
        if (schema->columns[i].kind != DATA_IGNORE)
            st = find_column(&load->where[i], load, &schema->columns[i], fields, load->field_count,
                             why);
    return st;
}

/* ---- records ---- */

static enum pn_status
check_count(const struct load *load, const struct data_csv_field *fields, uint32_t count,
            struct pn_error *why)
{
    if (count == load->field_count)
        return PN_OK;
    uint32_t                     at    = count > load->field_count ? load->field_count : count - 1;
    const struct data_csv_field *field = &fields[at];
    return pn_error_set(why, PN_EDATA,
                        "%s:%" PRIu64 ":%" PRIu64
                        ": expected %u fields as in the %s, seen %u; is a "
                        "delimiter missing or too many, or a quote?",
                        name_of(load), field->line, field->column, load->field_count,
                        load->schema->header ? "header" : "job's columns", count);
}

/* Where the text of the group column changes, a group ends. */
static enum pn_status
follow_group(struct load *load, const struct data_csv_field *fields, struct pn_error *why)
{
    const struct data_column *column = NULL;
    const uint32_t            before = load->rows->table->rows - 1;
    enum pn_status            st     = PN_OK;
    for (size_t i = 0; i < load->schema->column_count; i++)
        if (load->schema->columns[i].kind == DATA_GROUP)
            column = &load->schema->columns[i];
    if (column == NULL || load->rows->group_ends == NULL)
        return PN_OK;
    const struct data_csv_field *field = &fields[load->where[column - load->schema->columns]];
    size_t                       size  = field->len + 1;
    if (load->group.size == size && memcmp(load->group.bytes, field->text, size) == 0)
        return PN_OK;
    if (load->group.size > 0)
        st = pn_buffer_append(load->rows->group_ends, &before, sizeof before);
    pn_buffer_clear(&load->group);
    if (st == PN_OK)
        st = pn_buffer_append(&load->group, field->text, size);
    return st == PN_OK ? PN_OK
                       : pn_error_set(why, st, "%s: no memory for its groups", name_of(load));
}

static enum pn_status
read_records(struct load *load, struct pn_error *why)
{
    uint32_t before = load->rows->table->rows;
    for (;;) {
        const struct data_csv_field *fields;
        uint32_t                     count;
        struct data_row              row;
        enum pn_status               st = data_csv_next(&fields, &count, load->csv, why);
        if (st != PN_OK || count == 0) {
            if (st == PN_OK && load->rows->table->rows == before)
                st = pn_error_set(why, PN_EDATA, "%s:%d:1: there is no record in this file%s",
                                  name_of(load), load->schema->header ? 2 : 1,
                                  load->schema->header ? ", only a header" : "");
            return st;
        }
        st = check_count(load, fields, count, why);
        if (st == PN_OK)
            st = data_rows_add(&row, load->rows, name_of(load), why);
        if (st == PN_OK)
            st = data_record_read(&row, load->record, name_of(load), fields, load->where, why);
        if (st == PN_OK)
            st = follow_group(load, fields, why);
        if (st != PN_OK)
            return st;
    }
}

enum pn_status
data_rows_read_csv(struct data_rows *rows, struct data_stream *stream, struct pn_error *why)
{
    const struct data_schema *schema = rows->table->schema;
    struct load               load   = {.rows = rows, .schema = schema, .stream = stream};
    pn_buffer_init(&load.group, DATA_CSV_RECORD_MAX + 1);
    load.where        = calloc(schema->column_count + 1, sizeof *load.where);
    load.field_count  = (uint32_t)schema->column_count;
    enum pn_status st = data_csv_new(&load.csv, stream, schema->delimiter, why);
    if (load.where == NULL)
        st = pn_error_set(why, PN_ENOMEM, "%s: no memory to read this file", name_of(&load));
    if (st == PN_OK)
        st = data_record_new(&load.record, schema, why);
    for (size_t i = 0; st == PN_OK && i < schema->column_count; i++)
        load.where[i] = (uint32_t)i;
    if (st == PN_OK && schema->header)
        st = read_header(&load, why);
    if (st == PN_OK)
        st = read_records(&load, why);
    data_record_free(load.record);
    data_csv_free(load.csv);
    free(load.where);
    pn_buffer_fini(&load.group);
    return st;
}

enum pn_status
data_rows_read_windows(struct data_rows *rows, struct data_stream *stream, struct pn_error *why)
{
    const struct data_schema row_schema = data_window_row_schema(rows->table->schema);
    struct data_table        raw        = {.schema = &row_schema};
    struct pn_buffer         ends;
    struct data_rows raw_rows = {.table = &raw, .bytes_max = rows->bytes_max, .group_ends = &ends};
    pn_buffer_init(&ends, SIZE_MAX);
    enum pn_status st = data_rows_read_csv(&raw_rows, stream, why);
    if (st == PN_OK && (st = pn_buffer_append(&ends, &raw.rows, sizeof raw.rows)) != PN_OK)
        pn_error_set(why, st, "%s: no memory for its groups", data_stream_name(stream));
    if (st == PN_OK) /* SAFE: malloc aligns for any type */
        st = data_window_cut(rows, &raw, (const uint32_t *)(const void *)ends.bytes,
                             ends.size / sizeof(uint32_t), data_stream_name(stream), why);
    pn_buffer_fini(&ends);
    free(raw.x);
    free(raw.target);
    free(raw.weight);
    return st;
}
