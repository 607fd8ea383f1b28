/* Any text as a data section and as a source. What is accepted keeps its promises. */
#include "data/schema.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

static void
check(const struct data_schema *schema)
{
    uint32_t features = 0;
    if (schema->format == DATA_IDX)
        return;
    for (size_t i = 0; i < schema->column_count; i++) {
        if (schema->columns[i].feature != features)
            abort();
        features += schema->columns[i].feature_count;
    }
    if (features != schema->feature_count || features == 0 || schema->target_size != 1)
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
