/* Any text as a data section and as a source. What is accepted keeps its promises. */
#include "data/schema.h"
#include "data/source.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
check(const struct data_schema *schema)
{
    uint32_t features = 0, product = 1;
    for (uint32_t i = 0; i < schema->dims; i++)
        product *= schema->dim[i];
    if (schema->dims == 0 || product != schema->feature_count || schema->target_size == 0)
        abort();
    if (schema->feature_count != schema->length * schema->row_size && schema->format == DATA_CSV)
        abort();
    if (schema->format != DATA_CSV)
        return;
    for (size_t i = 0; i < schema->column_count; i++) {
        if (schema->columns[i].feature != features)
            abort();
        features += schema->columns[i].feature_count;
    }
    if (features != schema->row_size || features == 0)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct text_yaml   *yaml   = NULL;
    struct data_schema *schema = NULL;
    struct data_source  source;
    struct pn_error     why;
    if (text_yaml_parse(&yaml, "fuzz", (const char *)bytes, size, &why) != PN_OK)
        return 0;
    if (data_source_decode(&source, yaml, text_yaml_root(yaml), "/folder", "/root", &why) == PN_OK)
        data_source_fini(&source);
    enum pn_status st = data_schema_decode(&schema, yaml, text_yaml_root(yaml), &why);
    text_yaml_free(yaml);
    if (st == PN_OK)
        check(schema);
    data_schema_free(schema);
    return 0;
}
