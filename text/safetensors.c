#include "text/safetensors.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

enum {
    HEADER_MAX  = 1 << 20,
    TENSORS_MAX = 4096,
    META_MAX    = 4096,
    DIMS_MAX    = 4,
    LENGTH_SIZE = 8,
    FLOAT_SIZE  = 4
};

/* ---- writing ---- */

/* Takes `value`. */
static bool
put(json_t *map, const char *key, json_t *value)
{
    return json_object_set_new(map, key, value) == 0;
}

static json_t *
pair_of(uint64_t begin, uint64_t end)
{
    return json_pack("[I, I]", (json_int_t)begin, (json_int_t)end);
}

static json_t *
describe_tensor(const struct text_tensor *tensor)
{
    json_t  *map   = json_object();
    json_t  *shape = json_array();
    uint64_t begin = tensor->offset * FLOAT_SIZE;
    bool     ok    = map != NULL && shape != NULL;
    for (uint32_t i = 0; ok && i < tensor->dims; i++)
        ok = json_array_append_new(shape, json_integer((json_int_t)tensor->dim[i])) == 0;
    ok = ok && put(map, "dtype", json_string("F32"));
    ok = ok && put(map, "shape", json_incref(shape));
    ok = ok && put(map, "data_offsets", pair_of(begin, begin + tensor->count * FLOAT_SIZE));
    json_decref(shape);
    if (!ok) {
        json_decref(map);
        return NULL;
    }
    return map;
}

static json_t *
describe_meta(const struct text_meta *meta, size_t count)
{
    json_t *map = json_object();
    for (size_t i = 0; map != NULL && i < count; i++)
        if (!put(map, meta[i].key, json_string(meta[i].value))) {
            json_decref(map);
            return NULL;
        }
    return map;
}

static json_t *
describe(const struct text_safetensors *header)
{
    json_t *root = json_object();
    bool    ok   = root != NULL;
    if (ok && header->meta_count > 0)
        ok = put(root, "__metadata__", describe_meta(header->meta, header->meta_count));
    for (size_t i = 0; ok && i < header->tensor_count; i++)
        ok = put(root, header->tensors[i].name, describe_tensor(&header->tensors[i]));
    if (!ok) {
        json_decref(root);
        return NULL;
    }
    return root;
}

static bool
is_text(const char *text, size_t size)
{
    json_t *string = strnlen(text, size) < size ? json_string(text) : NULL;
    bool    ok     = string != NULL; /* which takes UTF-8 only */
    json_decref(string);
    return ok;
}

/* What describe() relies on. */
static bool
is_writable(const struct text_safetensors *header)
{
    if (header->tensor_count > TENSORS_MAX || header->meta_count > META_MAX)
        return false;
    for (size_t i = 0; i < header->tensor_count; i++) {
        const struct text_tensor *tensor = &header->tensors[i];
        const uint64_t            most   = INT64_MAX / FLOAT_SIZE / 2;
        if (tensor->dims > DIMS_MAX || tensor->offset > most || tensor->count > most ||
            !is_text(tensor->name, sizeof tensor->name) ||
            strcmp(tensor->name, "__metadata__") == 0)
            return false;
    }
    for (size_t i = 0; i < header->meta_count; i++)
        if (!is_text(header->meta[i].key, sizeof header->meta[i].key) ||
            !is_text(header->meta[i].value, sizeof header->meta[i].value))
            return false;
    return true;
}

enum pn_status
text_safetensors_encode(struct pn_buffer *out, const struct text_safetensors *header)
{
    static const char blanks[LENGTH_SIZE] = "        ";
    uint8_t           length[LENGTH_SIZE];
    if (!is_writable(header))
        return PN_EDATA;
    json_t *root = describe(header);
    if (root == NULL)
        return PN_ENOMEM;
    /* Two tensors of one name have become one. */
    if (json_object_size(root) != header->tensor_count + (header->meta_count > 0)) {
        json_decref(root);
        return PN_EDATA;
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    if (text == NULL)
        return PN_ENOMEM;
    size_t text_size = strlen(text);
    size_t padding   = (LENGTH_SIZE - text_size % LENGTH_SIZE) % LENGTH_SIZE;
    size_t before    = out->size;
    pn_put_u64(length, text_size + padding);
    enum pn_status st = text_size + padding > HEADER_MAX ? PN_ERANGE : PN_OK;
    if (st == PN_OK)
        st = pn_buffer_append(out, length, sizeof length);
    if (st == PN_OK)
        st = pn_buffer_append(out, text, text_size);
    if (st == PN_OK)
        st = pn_buffer_append(out, blanks, padding);
    if (st != PN_OK)
        out->size = before;
    free(text);
    return st;
}

/* ---- reading ---- */

/* What is decoded so far; its arrays are released on failure. */
struct reading {
    struct text_safetensors header;
    uint64_t                data_bytes; /* of the file, after the header */
    struct pn_error        *why;
};

static enum pn_status
fail_tensor(const struct reading *reading, const char *name, const char *problem)
{
    return pn_error_set(reading->why, PN_EDATA, "tensor \"%.95s\": %s", name, problem);
}

static bool
get_size(uint64_t *out, const json_t *value)
{
    if (!json_is_integer(value) || json_integer_value(value) < 0)
        return false;
    *out = (uint64_t)json_integer_value(value);
    return true;
}

static enum pn_status
read_shape(struct text_tensor *tensor, const struct reading *reading, const json_t *shape)
{
    if (!json_is_array(shape) || json_array_size(shape) > DIMS_MAX)
        return fail_tensor(reading, tensor->name, "expected a shape of at most 4 dimensions");
    tensor->dims  = (uint32_t)json_array_size(shape);
    tensor->count = 1;
    for (uint32_t i = 0; i < tensor->dims; i++) {
        uint64_t dim;
        if (!get_size(&dim, json_array_get(shape, i)))
            return fail_tensor(reading, tensor->name, "expected sizes from 0 up in its shape");
        /* The product stays below what a 64-bit count of bytes can hold. */
        if (dim != 0 && tensor->count > UINT64_MAX / FLOAT_SIZE / dim)
            return fail_tensor(reading, tensor->name, "its shape is larger than any file");
        tensor->dim[i] = dim;
        tensor->count *= dim;
    }
    return PN_OK;
}

static enum pn_status
read_offsets(struct text_tensor *tensor, const struct reading *reading, const json_t *offsets)
{
    uint64_t begin, end;
    if (!json_is_array(offsets) || json_array_size(offsets) != 2 ||
        !get_size(&begin, json_array_get(offsets, 0)) ||
        !get_size(&end, json_array_get(offsets, 1)))
        return fail_tensor(reading, tensor->name, "expected two data_offsets");
    if (begin > end || end > reading->data_bytes)
        return pn_error_set(reading->why, PN_EDATA,
                            "tensor \"%s\": expected data_offsets within the %" PRIu64
                            " bytes of data, seen %" PRIu64 " to %" PRIu64,
                            tensor->name, reading->data_bytes, begin, end);
    if (end - begin != tensor->count * FLOAT_SIZE)
        return pn_error_set(reading->why, PN_EDATA,
                            "tensor \"%s\": expected %" PRIu64
                            " bytes for its shape, seen %" PRIu64,
                            tensor->name, tensor->count * FLOAT_SIZE, end - begin);
    if (begin % FLOAT_SIZE != 0)
        return fail_tensor(reading, tensor->name, "expected data at a multiple of 4 bytes");
    tensor->offset = begin / FLOAT_SIZE;
    return PN_OK;
}

static enum pn_status
read_tensor(struct reading *reading, const char *name, const json_t *description)
{
    struct text_tensor tensor = {.dims = 0};
    size_t             len    = strlen(name);
    if (len == 0 || len >= sizeof tensor.name)
        return fail_tensor(reading, name, "expected a name of 1 to 95 bytes");
    memcpy(tensor.name, name, len + 1);
    if (!json_is_object(description) || json_object_size(description) != 3)
        return fail_tensor(reading, name, "expected dtype, shape and data_offsets");
    const char *dtype = json_string_value(json_object_get(description, "dtype"));
    if (dtype == NULL || strcmp(dtype, "F32") != 0)
        return pn_error_set(reading->why, PN_EDATA,
                            "tensor \"%s\": expected dtype F32, seen \"%.16s\"", name,
                            dtype == NULL ? "" : dtype);
    enum pn_status st = read_shape(&tensor, reading, json_object_get(description, "shape"));
    if (st == PN_OK)
        st = read_offsets(&tensor, reading, json_object_get(description, "data_offsets"));
    if (st != PN_OK)
        return st;
    reading->header.tensors[reading->header.tensor_count++] = tensor;
    return PN_OK;
}

static enum pn_status
read_meta(struct reading *reading, json_t *map)
{
    const char *key;
    json_t     *value;
    if (!json_is_object(map) || json_object_size(map) > META_MAX)
        return pn_error_set(reading->why, PN_EDATA,
                            "__metadata__: expected a map of at most %d texts", (int)META_MAX);
    reading->header.meta = calloc(json_object_size(map) + 1, sizeof *reading->header.meta);
    if (reading->header.meta == NULL)
        return pn_error_set(reading->why, PN_ENOMEM, "%s", pn_status_text(PN_ENOMEM));
    json_object_foreach(map, key, value)
    {
        struct text_meta *meta = &reading->header.meta[reading->header.meta_count];
        if (!json_is_string(value) || strlen(key) >= sizeof meta->key ||
            json_string_length(value) >= sizeof meta->value)
            return pn_error_set(
                reading->why, PN_EDATA,
                "__metadata__ \"%.64s\": expected a key of at most 63 bytes, a text of at most 255",
                key);
        memcpy(meta->key, key, strlen(key) + 1);
        memcpy(meta->value, json_string_value(value), json_string_length(value) + 1);
        reading->header.meta_count++;
    }
    return PN_OK;
}

static int
compare_offsets(const void *left, const void *right)
{
    const struct text_tensor *a = left, *b = right;
    if (a->offset != b->offset)
        return a->offset < b->offset ? -1 : 1;
    /* Empty tensors come first, so that they do not look like an overlap; then by name, so that
     * the order does not depend on the file's. */
    if ((a->count == 0) != (b->count == 0))
        return a->count == 0 ? -1 : 1;
    return strcmp(a->name, b->name);
}

/* No holes, no overlaps, nothing left over; and the order of the array becomes that of the data. */
static enum pn_status
check_cover(struct reading *reading)
{
    struct text_safetensors *header = &reading->header;
    uint64_t                 at     = 0;
    if (header->tensor_count > 1)
        qsort(header->tensors, header->tensor_count, sizeof *header->tensors, compare_offsets);
    for (size_t i = 0; i < header->tensor_count; i++) {
        const struct text_tensor *tensor = &header->tensors[i];
        if (tensor->offset != at)
            return pn_error_set(reading->why, PN_EDATA,
                                "tensor \"%s\": expected its data at byte %" PRIu64 ", where the "
                                "one before it ends, seen %" PRIu64,
                                tensor->name, at * FLOAT_SIZE, tensor->offset * FLOAT_SIZE);
        at += tensor->count; /* SAFE: every end lies within the file */
    }
    if (at * FLOAT_SIZE != reading->data_bytes)
        return pn_error_set(reading->why, PN_EDATA,
                            "expected %" PRIu64 " bytes of data for the tensors, seen %" PRIu64,
                            at * FLOAT_SIZE, reading->data_bytes);
    header->float_count = at;
    return PN_OK;
}

static enum pn_status
read_root(struct reading *reading, json_t *root)
{
    const char    *name;
    json_t        *description;
    enum pn_status st = PN_OK;
    if (json_object_size(root) > TENSORS_MAX + 1)
        return pn_error_set(reading->why, PN_EDATA, "expected at most %d tensors, seen %zu",
                            (int)TENSORS_MAX, json_object_size(root));
    reading->header.tensors = calloc(json_object_size(root) + 1, sizeof *reading->header.tensors);
    if (reading->header.tensors == NULL)
        return pn_error_set(reading->why, PN_ENOMEM, "%s", pn_status_text(PN_ENOMEM));
    json_object_foreach(root, name, description)
    {
        if (strcmp(name, "__metadata__") == 0)
            st = read_meta(reading, description);
        else
            st = read_tensor(reading, name, description);
        if (st != PN_OK)
            return st;
    }
    if (reading->header.tensor_count > TENSORS_MAX)
        return pn_error_set(reading->why, PN_EDATA, "expected at most %d tensors, seen %zu",
                            (int)TENSORS_MAX, reading->header.tensor_count);
    return check_cover(reading);
}

/* The length at the start, against what is there. */
static enum pn_status
read_length(uint64_t *out, const uint8_t *bytes, size_t size, uint64_t file_size,
            struct pn_error *why)
{
    if (size < LENGTH_SIZE || file_size < size)
        return pn_error_set(why, PN_EDATA, "expected a safetensors file, seen %zu bytes", size);
    uint64_t length = pn_get_u64(bytes);
    if (length < 2 || length > HEADER_MAX)
        return pn_error_set(why, PN_EDATA,
                            "expected a safetensors header of 2 to %d bytes, seen %" PRIu64,
                            (int)HEADER_MAX, length);
    if (length > size - LENGTH_SIZE)
        return pn_error_set(why, PN_EDATA,
                            "expected a header of %" PRIu64 " bytes, seen the end after %zu",
                            length, size - LENGTH_SIZE);
    if (bytes[LENGTH_SIZE] != '{')
        return pn_error_set(why, PN_EDATA, "expected the header to start with {, seen byte %02x",
                            bytes[LENGTH_SIZE]);
    *out = length;
    return PN_OK;
}

enum pn_status
text_safetensors_decode(struct text_safetensors *out, const uint8_t *bytes, size_t size,
                        uint64_t file_size, struct pn_error *why)
{
    uint64_t       length = 0;
    json_error_t   error;
    enum pn_status st = read_length(&length, bytes, size, file_size, why);
    if (st != PN_OK)
        return st;
    json_t *root = json_loadb((const char *)bytes + LENGTH_SIZE, (size_t)length,
                              JSON_REJECT_DUPLICATES, &error);
    if (root == NULL)
        return pn_error_set(why, PN_EDATA, "header, byte %d: expected JSON: %s", error.position,
                            error.text);
    struct reading reading     = {.data_bytes = file_size - LENGTH_SIZE - length, .why = why};
    reading.header.data_offset = LENGTH_SIZE + length;
    st                         = read_root(&reading, root);
    json_decref(root);
    if (st != PN_OK) {
        text_safetensors_fini(&reading.header);
        return st;
    }
    *out = reading.header;
    return PN_OK;
}

void
text_safetensors_fini(struct text_safetensors *header)
{
    free(header->tensors);
    free(header->meta);
    *header = (struct text_safetensors){0};
}
