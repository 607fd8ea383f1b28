/* The half of fed/proof.h that writes and reads the file. */
#include "fed/proof.h"

#include "text/yaml.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    VERSION = 1
};

/* ---- writing: all of it is digits, so nothing needs an escape ---- */

static enum pn_status
put_hashes(struct pn_buffer *out, const char *key, const struct sec_hash *hashes, size_t count)
{
    enum pn_status st = pn_buffer_printf(out, "\"%s\": [", key);
    for (size_t i = 0; i < count && st == PN_OK; i++) {
        char hex[SEC_HEX_SIZE];
        sec_hash_text(hex, &hashes[i]);
        st = pn_buffer_printf(out, "%s\n    \"%s\"", i == 0 ? "" : ",", hex);
    }
    return st == PN_OK ? pn_buffer_printf(out, "]") : st;
}

/* The larger trees first. */
static enum pn_status
put_log(struct pn_buffer *out, const struct sec_log *log)
{
    struct sec_hash trees[SEC_LOG_PEAKS];
    size_t          count = 0;
    for (unsigned digit = SEC_LOG_PEAKS; digit-- > 0;)
        if ((log->size >> digit & 1) != 0)
            trees[count++] = log->peaks[digit];
    return put_hashes(out, "log", trees, count);
}

static enum pn_status
put_base64(struct pn_buffer *out, const uint8_t *bytes, size_t size)
{
    size_t         before = out->size;
    enum pn_status st     = pn_buffer_extend(out, sec_base64_size(size));
    if (st != PN_OK)
        return st;
    sec_base64_encode((char *)out->bytes + before, bytes, size);
    out->size--; /* without the NUL */
    return PN_OK;
}

static enum pn_status
put_stretch(struct pn_buffer *out, const char *key, const struct fed_stretch *stretch)
{
    struct wire_span record;
    size_t           at = 0, count = 0;
    if (stretch->count == 0)
        return PN_OK;
    enum pn_status st = pn_buffer_printf(out, ",\n  \"%s\": {\n    \"height\": %" PRIu64 ",\n    ",
                                         key, stretch->height);
    if (st == PN_OK)
        st = put_log(out, &stretch->log);
    if (st == PN_OK)
        st = pn_buffer_printf(out, ",\n    \"records\": [");
    while (st == PN_OK && fed_stretch_next(&record, stretch, &at)) {
        st = pn_buffer_printf(out, "%s\n    \"", count++ == 0 ? "" : ",");
        if (st == PN_OK)
            st = put_base64(out, record.bytes, record.size);
        if (st == PN_OK)
            st = pn_buffer_printf(out, "\"");
    }
    return st == PN_OK ? pn_buffer_printf(out, "]\n  }") : st;
}

static enum pn_status
put_votes(struct pn_buffer *out, const struct fed_certificate *votes)
{
    if (votes->count == 0)
        return PN_OK;
    enum pn_status st = pn_buffer_printf(
        out, ",\n  \"votes\": {\n    \"view\": %" PRIu32 ",\n    \"witnesses\": [", votes->view);
    for (uint32_t i = 0; i < votes->count && st == PN_OK; i++) {
        st = pn_buffer_printf(out, "%s\n    {\"member\": %" PRIu32 ", \"signature\": \"",
                              i == 0 ? "" : ",", votes->witnesses[i].member);
        if (st == PN_OK)
            st = put_base64(out, votes->witnesses[i].signature, 64);
        if (st == PN_OK)
            st = pn_buffer_printf(out, "\"}");
    }
    return st == PN_OK ? pn_buffer_printf(out, "]\n  }") : st;
}

static enum pn_status
put_since(struct pn_buffer *out, const struct fed_checkpoint *since)
{
    char root[SEC_HEX_SIZE];
    if (since->size == 0)
        return PN_OK;
    sec_hash_text(root, &since->root);
    return pn_buffer_printf(out, ",\n  \"since\": {\"size\": %" PRIu64 ", \"root\": \"%s\"}",
                            since->size, root);
}

static enum pn_status
put_all(struct pn_buffer *out, const struct fed_proof *proof)
{
    enum pn_status st = pn_buffer_printf(out, "{\n  \"panal_proof\": %d", VERSION);
    if (st == PN_OK)
        st = put_since(out, &proof->since);
    if (st == PN_OK)
        st = put_stretch(out, "block", &proof->block);
    if (st == PN_OK)
        st = put_stretch(out, "head", &proof->head);
    if (st == PN_OK)
        st = put_votes(out, &proof->votes);
    if (st == PN_OK)
        st = pn_buffer_printf(out, ",\n  ");
    if (st == PN_OK)
        st = put_hashes(out, "path", proof->path.path, proof->path.count);
    return st == PN_OK ? pn_buffer_printf(out, "\n}\n") : st;
}

enum pn_status
fed_proof_encode(struct pn_buffer *out, const struct fed_proof *proof)
{
    size_t         before = out->size;
    enum pn_status st     = put_all(out, proof);
    if (st == PN_OK && out->size - before > FED_PROOF_MAX)
        st = PN_ERANGE;
    if (st != PN_OK)
        out->size = before;
    return st;
}

/* ---- reading ---- */

struct reader {
    const struct text_yaml *yaml;
    struct pn_error        *why;
};

static enum pn_status
get_hash(struct sec_hash *out, struct reader *in, const struct text_node *node)
{
    if (node->kind != TEXT_SCALAR || !pn_hex_decode(out->bytes, sizeof out->bytes, node->value))
        return text_fail(in->why, in->yaml, node, "expected 64 hexadecimal digits");
    return PN_OK;
}

static enum pn_status
get_path(struct sec_log_proof *out, struct reader *in, const struct text_node *root)
{
    const struct text_node *list = NULL;
    enum pn_status st = text_get_list(&list, in->yaml, root, "path", TEXT_REQUIRED, in->why);
    if (st == PN_OK && list->count > SEC_LOG_PROOF_MAX)
        return text_fail(in->why, in->yaml, list, "path: expected %d hashes at most, seen %zu",
                         SEC_LOG_PROOF_MAX, list->count);
    if (st != PN_OK)
        return st;
    for (const struct text_node *node = list->first; node != NULL && st == PN_OK; node = node->next)
        st = get_hash(&out->path[out->count++], in, node);
    return st;
}

/* As many trees as the height has binary ones, or none. */
static enum pn_status
get_log(struct sec_log *out, struct reader *in, const struct text_node *map, uint64_t height)
{
    const struct text_node *list = NULL;
    enum pn_status          st = text_get_list(&list, in->yaml, map, "log", TEXT_REQUIRED, in->why);
    size_t                  ones = 0;
    if (st != PN_OK || list->count == 0)
        return st;
    for (unsigned digit = 0; digit < SEC_LOG_PEAKS; digit++)
        ones += height >> digit & 1;
    if (list->count != ones)
        return text_fail(in->why, in->yaml, list, "log: expected %zu hashes, seen %zu", ones,
                         list->count);
    const struct text_node *node = list->first;
    for (unsigned digit = SEC_LOG_PEAKS; digit-- > 0 && st == PN_OK;)
        if ((height >> digit & 1) != 0) {
            st   = get_hash(&out->peaks[digit], in, node);
            node = node->next;
        }
    out->size = height;
    return st;
}

/* What sec_base64_encode made of at least one byte. */
static enum pn_status
get_base64(uint8_t **out, size_t *size, struct reader *in, const struct text_node *node)
{
    size_t len = node->kind == TEXT_SCALAR ? strlen(node->value) : 0;
    if (len < 4 || len % 4 != 0)
        return text_fail(in->why, in->yaml, node, "expected base64");
    *size = len / 4 * 3 - (node->value[len - 1] == '=') - (node->value[len - 2] == '=');
    *out  = malloc(*size + 2);
    if (*out == NULL)
        return pn_error_set(in->why, PN_ENOMEM, "no memory for a proof");
    if (sec_base64_decode(*out, *size, node->value))
        return PN_OK;
    free(*out);
    return text_fail(in->why, in->yaml, node, "expected base64");
}

static enum pn_status
get_record(struct fed_stretch *out, struct reader *in, const struct text_node *node)
{
    uint8_t       *bytes = NULL;
    size_t         size  = 0;
    enum pn_status st    = get_base64(&bytes, &size, in, node);
    if (st != PN_OK)
        return st;
    st = fed_stretch_add(out, bytes, size);
    free(bytes);
    return st == PN_ERANGE ? text_fail(in->why, in->yaml, node,
                                       "expected a signature of 64 bytes and a block, seen %zu "
                                       "bytes",
                                       size)
                           : st;
}

static enum pn_status
get_stretch(struct fed_stretch *out, struct reader *in, const struct text_node *root,
            const char *key)
{
    static const char *const keys[] = {"height", "log", "records"};
    const struct text_node  *map = NULL, *list = NULL;
    enum pn_status           st = text_get_map(&map, in->yaml, root, key, TEXT_OPTIONAL, in->why);
    if (st != PN_OK || map == NULL)
        return st;
    st = text_check_keys(in->yaml, map, keys, sizeof keys / sizeof keys[0], in->why);
    if (st == PN_OK)
        st = text_get_u64(&out->height, in->yaml, map, "height", TEXT_REQUIRED, 0,
                          ((uint64_t)1 << SEC_LOG_PEAKS) - 1, in->why);
    if (st == PN_OK)
        st = get_log(&out->log, in, map, out->height);
    if (st == PN_OK)
        st = text_get_list(&list, in->yaml, map, "records", TEXT_REQUIRED, in->why);
    if (st == PN_OK && list->count == 0)
        return text_fail(in->why, in->yaml, list, "records: expected one at least, seen none");
    if (st != PN_OK)
        return st;
    for (const struct text_node *node = list->first; node != NULL && st == PN_OK; node = node->next)
        st = get_record(out, in, node);
    return st;
}

static enum pn_status
get_witness(struct fed_certificate *out, struct reader *in, const struct text_node *node)
{
    static const char *const keys[]  = {"member", "signature"};
    struct wire_witness     *witness = &out->witnesses[out->count];
    const char              *text    = NULL;
    enum pn_status           st      = text_check_keys(in->yaml, node, keys, 2, in->why);
    if (st == PN_OK)
        st = text_get_u32(&witness->member, in->yaml, node, "member", TEXT_REQUIRED, 1, UINT32_MAX,
                          in->why);
    if (st == PN_OK)
        st = text_get_string(&text, in->yaml, node, "signature", TEXT_REQUIRED, in->why);
    if (st != PN_OK)
        return st;
    if (!sec_base64_decode(witness->signature, sizeof witness->signature, text))
        return text_fail(in->why, in->yaml, node, "signature: expected base64 of 64 bytes");
    if (out->count > 0 && witness->member <= witness[-1].member)
        return text_fail(in->why, in->yaml, node, "expected members that increase");
    out->count++;
    return PN_OK;
}

static enum pn_status
get_votes(struct fed_certificate *out, struct reader *in, const struct text_node *root)
{
    static const char *const keys[] = {"view", "witnesses"};
    const struct text_node  *map = NULL, *list = NULL;
    enum pn_status st = text_get_map(&map, in->yaml, root, "votes", TEXT_OPTIONAL, in->why);
    if (st != PN_OK || map == NULL)
        return st;
    st = text_check_keys(in->yaml, map, keys, 2, in->why);
    if (st == PN_OK)
        st = text_get_u32(&out->view, in->yaml, map, "view", TEXT_REQUIRED, 1, UINT32_MAX, in->why);
    if (st == PN_OK)
        st = text_get_list(&list, in->yaml, map, "witnesses", TEXT_REQUIRED, in->why);
    if (st == PN_OK && (list->count == 0 || list->count > FED_SWARM_MAX))
        return text_fail(in->why, in->yaml, list, "witnesses: expected 1 to %d, seen %zu",
                         FED_SWARM_MAX, list->count);
    if (st != PN_OK)
        return st;
    for (const struct text_node *node = list->first; node != NULL && st == PN_OK; node = node->next)
        st = get_witness(out, in, node);
    return st;
}

static enum pn_status
get_since(struct fed_checkpoint *out, struct reader *in, const struct text_node *root)
{
    static const char *const keys[] = {"size", "root"};
    const struct text_node  *map    = NULL;
    const char              *text   = NULL;
    enum pn_status st = text_get_map(&map, in->yaml, root, "since", TEXT_OPTIONAL, in->why);
    if (st != PN_OK || map == NULL)
        return st;
    st = text_check_keys(in->yaml, map, keys, 2, in->why);
    if (st == PN_OK)
        st = text_get_u64(&out->size, in->yaml, map, "size", TEXT_REQUIRED, 1,
                          ((uint64_t)1 << SEC_LOG_PEAKS) - 1, in->why);
    if (st == PN_OK)
        st = text_get_string(&text, in->yaml, map, "root", TEXT_REQUIRED, in->why);
    return st == PN_OK ? get_hash(&out->root, in, text_find(map, "root")) : st;
}

static enum pn_status
get_all(struct fed_proof *out, struct reader *in)
{
    static const char *const keys[] = {"panal_proof", "since", "block", "head", "votes", "path"};
    const struct text_node  *root   = text_yaml_root(in->yaml);
    uint32_t                 version;
    enum pn_status           st =
        text_check_keys(in->yaml, root, keys, sizeof keys / sizeof keys[0], in->why);
    if (st == PN_OK)
        st = text_get_u32(&version, in->yaml, root, "panal_proof", TEXT_REQUIRED, VERSION, VERSION,
                          in->why);
    if (st == PN_OK)
        st = get_since(&out->since, in, root);
    if (st == PN_OK)
        st = get_stretch(&out->block, in, root, "block");
    if (st == PN_OK)
        st = get_stretch(&out->head, in, root, "head");
    if (st == PN_OK)
        st = get_votes(&out->votes, in, root);
    return st == PN_OK ? get_path(&out->path, in, root) : st;
}

enum pn_status
fed_proof_parse(struct fed_proof *out, const char *name, const char *text, size_t size,
                struct pn_error *why)
{
    struct fed_proof  seen;
    struct text_yaml *yaml;
    enum pn_status    st = text_yaml_parse(&yaml, name, text, size, why);
    if (st != PN_OK)
        return st;
    struct reader in = {.yaml = yaml, .why = why};
    fed_proof_init(&seen);
    st = get_all(&seen, &in);
    text_yaml_free(yaml);
    if (st == PN_OK)
        *out = seen;
    else
        fed_proof_fini(&seen);
    return st;
}
