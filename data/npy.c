#include "data/npy.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    HEADER_MAX = 10000,
    CHUNK      = 1024 /* numbers */
};

/* The header's dictionary, as far as it is read: "{'descr': '<f4', 'fortran_order': False, 'shape':
 * (3, 2), }". */
struct scan {
    const char      *at;
    const char      *name;
    struct pn_error *why;
};

static enum pn_status
damaged(const struct scan *scan, const char *expected)
{
    return pn_error_set(scan->why, PN_EDATA,
                        "%s: the NPY header is damaged: expected %s, seen \"%.20s\"", scan->name,
                        expected, scan->at);
}

static void
skip_blanks(struct scan *scan)
{
    while (*scan->at == ' ' || *scan->at == '\n')
        scan->at++;
}

static bool
take(struct scan *scan, const char *token)
{
    skip_blanks(scan);
    size_t len = strlen(token);
    if (strncmp(scan->at, token, len) != 0)
        return false;
    scan->at += len;
    return true;
}

/* ---- the three entries ---- */

static enum pn_status
read_descr(struct data_npy *out, struct scan *scan)
{
    skip_blanks(scan);
    const char *text  = scan->at;
    char        quote = *text;
    if (quote == '[')
        return pn_error_set(scan->why, PN_EDATA,
                            "%s: the array holds records; save one plain array a file", scan->name);
    const char *end = quote == '\'' || quote == '"' ? strchr(text + 1, quote) : NULL;
    if (end == NULL)
        return damaged(scan, "the type, such as '<f4'");
    int  len   = (int)(end - text - 1);
    char order = len > 0 ? text[1] : '\0', kind = len > 1 ? text[2] : '\0';
    char size  = len == 3 ? text[3] : '\0';
    bool known = (kind == 'f' && (size == '4' || size == '8')) || (kind == 'b' && size == '1') ||
                 ((kind == 'i' || kind == 'u') && size != '\0' && strchr("1248", size) != NULL);
    if (!known || (order != '<' && !(order == '|' && size == '1')))
        return pn_error_set(scan->why, PN_EDATA,
                            "%s: expected an array of little-endian f4, f8, i1 to i8, u1 to u8 or "
                            "bool, seen the type \"%.*s\"; convert it with "
                            "array.astype(\"<f4\")",
                            scan->name, len < 20 ? len : 20, text + 1);
    out->kind      = kind;
    out->item_size = (uint32_t)(size - '0');
    scan->at       = end + 1;
    return PN_OK;
}

static enum pn_status
read_order(struct scan *scan)
{
    if (take(scan, "True"))
        return pn_error_set(
            scan->why, PN_EDATA,
            "%s: the array is in Fortran order; save numpy.ascontiguousarray(array)", scan->name);
    return take(scan, "False") ? PN_OK : damaged(scan, "True or False");
}

static enum pn_status
read_size(uint64_t *out, struct scan *scan)
{
    uint64_t size = 0;
    skip_blanks(scan);
    if (!isdigit((unsigned char)*scan->at))
        return damaged(scan, "a size");
    for (; isdigit((unsigned char)*scan->at); scan->at++) {
        size = 10 * size + (uint64_t)(*scan->at - '0');
        if (size > UINT32_MAX)
            return pn_error_set(scan->why, PN_EDATA,
                                "%s: the NPY header tells of more than 2^32 numbers along one "
                                "dimension",
                                scan->name);
    }
    *out = size;
    return PN_OK;
}

static enum pn_status
read_shape(struct data_npy *out, struct scan *scan)
{
    if (!take(scan, "("))
        return damaged(scan, "a shape such as (3, 2)");
    while (!take(scan, ")")) {
        if (out->dims == DATA_NPY_DIMS_MAX)
            return pn_error_set(scan->why, PN_EDATA, "%s: the array has more than %d dimensions",
                                scan->name, DATA_NPY_DIMS_MAX);
        enum pn_status st = read_size(&out->dim[out->dims++], scan);
        if (st != PN_OK)
            return st;
        if (!take(scan, ",")) {
            if (take(scan, ")"))
                break;
            return damaged(scan, "a comma or the end of the shape");
        }
    }
    return PN_OK;
}

static enum pn_status
read_entry(struct data_npy *out, uint32_t *seen, struct scan *scan)
{
    static const char *const keys[] = {"descr", "fortran_order", "shape"};
    for (uint32_t i = 0; i < 3; i++) {
        char quoted[2][20];
        (void)snprintf(quoted[0], sizeof quoted[0], "'%s'", keys[i]);
        (void)snprintf(quoted[1], sizeof quoted[1], "\"%s\"", keys[i]);
        if (!take(scan, quoted[0]) && !take(scan, quoted[1]))
            continue;
        if ((*seen & 1u << i) != 0 || !take(scan, ":"))
            return damaged(scan, "each key once, with a value");
        *seen |= 1u << i;
        return i == 0 ? read_descr(out, scan) : i == 1 ? read_order(scan) : read_shape(out, scan);
    }
    return damaged(scan, "descr, fortran_order or shape");
}

static enum pn_status
parse(struct data_npy *out, struct scan *scan)
{
    uint32_t       seen = 0;
    enum pn_status st   = take(scan, "{") ? PN_OK : damaged(scan, "{");
    while (st == PN_OK && !take(scan, "}")) {
        st = read_entry(out, &seen, scan);
        if (st == PN_OK && !take(scan, ",") && (skip_blanks(scan), *scan->at != '}'))
            st = damaged(scan, "a comma or }");
    }
    skip_blanks(scan);
    if (st == PN_OK && *scan->at != '\0')
        st = damaged(scan, "the end of the header");
    if (st == PN_OK && seen != 7)
        st = pn_error_set(scan->why, PN_EDATA,
                          "%s: the NPY header lacks one of descr, fortran_order and shape",
                          scan->name);
    return st;
}

/* ---- the file ---- */

static enum pn_status
read_preamble(uint32_t *len, struct data_stream *stream, struct pn_error *why)
{
    uint8_t        start[12] = {0};
    enum pn_status st        = data_stream_read_whole(stream, start, 10, "the NPY header", why);
    if (st != PN_OK)
        return st;
    if (memcmp(start, "\x93NUMPY", 6) != 0)
        return pn_error_set(why, PN_EDATA,
                            "%s: this is no NPY file: expected the bytes 93 4e 55 4d 50 59 at its "
                            "start, seen %02x %02x %02x %02x %02x %02x",
                            data_stream_name(stream), start[0], start[1], start[2], start[3],
                            start[4], start[5]);
    if (start[6] < 1 || start[6] > 3)
        return pn_error_set(why, PN_EDATA, "%s: expected NPY version 1, 2 or 3, seen %u",
                            data_stream_name(stream), start[6]);
    *len = pn_get_u16(start + 8);
    if (start[6] > 1) {
        st   = data_stream_read_whole(stream, start + 10, 2, "the NPY header", why);
        *len = pn_get_u32(start + 8);
    }
    if (st == PN_OK && *len > HEADER_MAX)
        st = pn_error_set(why, PN_EDATA, "%s: expected an NPY header of at most %d bytes, seen %u",
                          data_stream_name(stream), HEADER_MAX, *len);
    return st;
}

enum pn_status
data_npy_read_header(struct data_npy *out, struct data_stream *stream, struct pn_error *why)
{
    char            text[HEADER_MAX + 1];
    uint32_t        len = 0;
    struct data_npy npy = {.dims = 0};
    enum pn_status  st  = read_preamble(&len, stream, why);
    if (st == PN_OK)
        st = data_stream_read_whole(stream, text, len, "the NPY header", why);
    if (st != PN_OK)
        return st;
    text[len] = '\0';
    if ((st = parse(&npy, &(struct scan){text, data_stream_name(stream), why})) == PN_OK)
        *out = npy;
    return st;
}

static double
number(const uint8_t *bytes, const struct data_npy *npy)
{
    uint64_t bits = 0;
    float    single;
    memcpy(&bits, bytes,
           npy->item_size); /* SAFE: item_size <= 8; little-endian, as all we run on */
    uint32_t shift = 64 - 8 * npy->item_size;
    switch (npy->kind) {
    case 'f':
        if (npy->item_size == 8)
            return pn_get_f64(bytes);
        memcpy(&single, bytes, sizeof single);
        return (double)single;
    case 'i':
        return (double)((int64_t)(bits << shift) >> shift);
    case 'b':
        return bits != 0 ? 1.0 : 0.0;
    default:
        return (double)bits;
    }
}

enum pn_status
data_npy_read(double *out, size_t count, const struct data_npy *npy, struct data_stream *stream,
              struct pn_error *why)
{
    uint8_t        bytes[8 * CHUNK];
    enum pn_status st = PN_OK;
    for (size_t at = 0; st == PN_OK && at < count; at += CHUNK) {
        size_t part = count - at < CHUNK ? count - at : CHUNK;
        st = data_stream_read_whole(stream, bytes, part * npy->item_size, "its numbers", why);
        for (size_t i = 0; st == PN_OK && i < part; i++)
            out[at + i] = number(bytes + i * npy->item_size, npy);
    }
    return st;
}

void
data_npy_shape_text(char out[static 200], const struct data_npy *npy)
{
    int len = npy->dims == 0 ? snprintf(out, 200, "one number")
                             : snprintf(out, 200, "%" PRIu64, npy->dim[0]);
    for (uint32_t i = 1; i < npy->dims && len > 0 && len < 200; i++)
        len += snprintf(out + len, 200 - (size_t)len, "x%" PRIu64, npy->dim[i]);
}
