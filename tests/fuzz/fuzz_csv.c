/* Any bytes as a CSV file, read by a schema with every kind of column. The first byte chooses the
 * form. */
#include "data/rows.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char *const sections[4] = {
    "{ format: csv, missing: ['', '?', '-9'], columns: ["
    "{ name: a, type: numeric, scale: standard, indicator: true },"
    "{ name: b, type: categorical, values: [x, '1'], other: true, indicator: true },"
    "{ name: w, type: weight }, { name: y, type: target, positive: ['1'] } ] }",
    "{ format: csv, header: false, delimiter: ';', decimal: ',', columns: ["
    "{ name: a, type: numeric }, { name: b, type: ignore }, { name: y, type: target } ] }",
    "{ format: csv, delimiter: '\\t', columns: ["
    "{ name: a, type: categorical, values: ['1', '2'] },"
    "{ name: y, type: target, values: [a, b, c] } ] }",
    "{ format: csv, header: false, delimiter: '|', columns: ["
    "{ name: a, type: numeric, scale: standard }, { name: y, type: target, positive: ['1'],"
    " negative: ['0'] } ] }",
};

static void
use(struct data_table *table)
{
    struct data_sums   sums[4];
    struct data_parts  parts;
    struct data_report report;
    struct pn_rng      rng;
    struct pn_error    why;
    if (data_report_make(&report, table) == PN_OK)
        data_report_fini(&report);
    pn_rng_init(&rng, 1);
    if (data_table_split(&parts, table, &rng, &why) != PN_OK)
        return;
    struct data_scaling scaling[4] = {{0, 1}, {0, 1}, {0, 1}, {0, 1}};
    if (data_table_sums(sums, table, 0, parts.train, &why) == PN_OK &&
        data_scaling_from_sums(scaling, sums, table->schema, &why) == PN_OK)
        data_table_scale(table, scaling);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size == 0)
        return 0;
    const char         *text   = sections[bytes[0] & 3];
    struct text_yaml   *yaml   = NULL;
    struct data_schema *schema = NULL;
    struct data_stream *stream = NULL;
    struct data_table  *table  = calloc(1, sizeof *table);
    struct pn_error     why;
    if (table == NULL || text_yaml_parse(&yaml, "schema", text, strlen(text), &why) != PN_OK ||
        data_schema_decode(&schema, yaml, text_yaml_root(yaml), &why) != PN_OK ||
        data_stream_open_bytes(&stream, "file", bytes + 1, size - 1, &why) != PN_OK)
        abort();
    table->schema         = schema;
    struct data_rows rows = {.table = table, .bytes_max = 1 << 20};
    if (data_rows_read_csv(&rows, stream, &why) == PN_OK)
        use(table);
    data_table_free(table);
    data_stream_close(stream);
    data_schema_free(schema);
    text_yaml_free(yaml);
    return 0;
}
