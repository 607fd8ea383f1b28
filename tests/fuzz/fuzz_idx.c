/* Any bytes as two IDX files, plain or gzip: a 16-bit little-endian size of the images, images,
 * labels. */
#include "data/rows.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static const char section[] = "{ format: idx, shape: [2, 3], classes: 10 }";

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2)
        return 0;
    size_t              first  = pn_get_u16(bytes);
    struct text_yaml   *yaml   = NULL;
    struct data_schema *schema = NULL;
    struct data_stream *images = NULL, *labels = NULL;
    struct data_table  *table = calloc(1, sizeof *table);
    struct pn_error     why;
    bytes += 2;
    size -= 2;
    if (first > size)
        first = size;
    if (table == NULL ||
        text_yaml_parse(&yaml, "schema", section, strlen(section), &why) != PN_OK ||
        data_schema_decode(&schema, yaml, text_yaml_root(yaml), &why) != PN_OK ||
        data_stream_open_bytes(&images, "images", bytes, first, &why) != PN_OK ||
        data_stream_open_bytes(&labels, "labels", bytes + first, size - first, &why) != PN_OK)
        abort();
    table->schema                   = schema;
    char                     name[] = "images", *files[] = {name, name};
    const struct data_source source = {
        .files = files, .file_count = 2, .share = (enum data_share_kind)(first % 3), .share_of = 2};
    struct data_rows rows = {.table = table, .bytes_max = 1 << 20};
    if (data_rows_read_idx(&rows, images, labels, &source, &why) == PN_OK)
        for (uint32_t i = 0; i < table->rows; i++)
            if (!(table->target[i] >= 0.0f && table->target[i] < 10.0f))
                abort();
    data_table_free(table);
    data_stream_close(images);
    data_stream_close(labels);
    data_schema_free(schema);
    text_yaml_free(yaml);
    return 0;
}
