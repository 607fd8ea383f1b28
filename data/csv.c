#include "data/csv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK_SIZE = 16384,
    END        = -1
};

struct data_csv {
    struct data_stream *stream;
    char                delimiter;
    uint8_t             chunk[CHUNK_SIZE];
    size_t              chunk_at, chunk_size;
    bool                began;
    uint64_t            line, column; /* of the next character */

    char                  *text; /* the record: its fields, each with a NUL */
    size_t                 text_size, text_capacity, field_begin;
    struct data_csv_field *fields; /* their text is set when the record is whole */
    uint32_t               field_count, field_capacity;
};

enum pn_status
data_csv_new(struct data_csv **out, struct data_stream *stream, char delimiter,
             struct pn_error *why)
{
    struct data_csv *csv = calloc(1, sizeof *csv);
    if (csv == NULL)
        return pn_error_set(why, PN_ENOMEM, "%s: no memory to read this file",
                            data_stream_name(stream));
    csv->stream    = stream;
    csv->delimiter = delimiter;
    csv->line = csv->column = 1;
    *out                    = csv;
    return PN_OK;
}

void
data_csv_free(struct data_csv *csv)
{
    if (csv == NULL)
        return;
    free(csv->text);
    free(csv->fields);
    free(csv);
}

static enum pn_status
fail(const struct data_csv *csv, uint64_t line, uint64_t column, const char *problem,
     struct pn_error *why)
{
    return pn_error_set(why, PN_EDATA, "%s:%" PRIu64 ":%" PRIu64 ": %s",
                        data_stream_name(csv->stream), line, column, problem);
}

/* ---- characters ---- */

static enum pn_status
peek(int *out, struct data_csv *csv, struct pn_error *why)
{
    if (csv->chunk_at == csv->chunk_size) {
        enum pn_status st =
            data_stream_read(&csv->chunk_size, csv->stream, csv->chunk, CHUNK_SIZE, why);
        if (st != PN_OK)
            return st;
        csv->chunk_at = 0;
    }
    *out = csv->chunk_size == 0 ? END : csv->chunk[csv->chunk_at];
    return PN_OK;
}

/* Takes the character that peek saw. */
static void
take(struct data_csv *csv)
{
    uint8_t c = csv->chunk[csv->chunk_at++];
    if (c == '\n') {
        csv->line++;
        csv->column = 1;
    } else if ((c & 0xc0) != 0x80) { /* the first byte of a character */
        csv->column++;
    }
}

static enum pn_status
skip_byte_order_mark(struct data_csv *csv, struct pn_error *why)
{
    int            c;
    enum pn_status st = peek(&c, csv, why);
    if (st != PN_OK || c == END)
        return st;
    /* The first chunk of a file has its first three bytes. */
    if (csv->chunk_size >= 3 && memcmp(csv->chunk, "\xef\xbb\xbf", 3) == 0)
        csv->chunk_at = 3;
    else if (csv->chunk_size >= 2 &&
             (memcmp(csv->chunk, "\xff\xfe", 2) == 0 || memcmp(csv->chunk, "\xfe\xff", 2) == 0))
        return fail(csv, 1, 1, "this file is in UTF-16; save it as UTF-8", why);
    csv->began = true;
    return PN_OK;
}

/* ---- fields ---- */

static enum pn_status
put(struct data_csv *csv, char c, struct pn_error *why)
{
    if (csv->text_size >= DATA_CSV_RECORD_MAX)
        return fail(csv, csv->fields[csv->field_count].line, csv->fields[csv->field_count].column,
                    "the record is longer than 1 MiB here; is a quote not closed?", why);
    if (csv->text_size == csv->text_capacity) {
        size_t capacity = csv->text_capacity == 0 ? 1024 : 2 * csv->text_capacity;
        char  *text     = realloc(csv->text, capacity);
        if (text == NULL)
            return pn_error_set(why, PN_ENOMEM, "%s: no memory for a record",
                                data_stream_name(csv->stream));
        csv->text          = text;
        csv->text_capacity = capacity;
    }
    csv->text[csv->text_size++] = c;
    return PN_OK;
}

static enum pn_status
begin_field(struct data_csv *csv, struct pn_error *why)
{
    if (csv->field_count == DATA_CSV_FIELDS_MAX)
        return fail(csv, csv->line, csv->column, "the record has more than 16384 fields", why);
    if (csv->field_count == csv->field_capacity) {
        uint32_t               capacity = csv->field_capacity == 0 ? 32 : 2 * csv->field_capacity;
        struct data_csv_field *fields   = realloc(csv->fields, capacity * sizeof *fields);
        if (fields == NULL)
            return pn_error_set(why, PN_ENOMEM, "%s: no memory for a record",
                                data_stream_name(csv->stream));
        csv->fields         = fields;
        csv->field_capacity = capacity;
    }
    csv->fields[csv->field_count] =
        (struct data_csv_field){.line = csv->line, .column = csv->column};
    csv->field_begin = csv->text_size;
    return PN_OK;
}

static enum pn_status
end_field(struct data_csv *csv, bool quoted, struct pn_error *why)
{
    while (!quoted && csv->text_size > csv->field_begin &&
           (csv->text[csv->text_size - 1] == ' ' || csv->text[csv->text_size - 1] == '\t'))
        csv->text_size--;
    csv->fields[csv->field_count].len = csv->text_size - csv->field_begin;
    enum pn_status st                 = put(csv, '\0', why);
    if (st == PN_OK)
        csv->field_count++;
    return st;
}

/* A blank as delimiter stands for any number of them. */
static bool
is_delimiter(const struct data_csv *csv, int c)
{
    return c == csv->delimiter || (csv->delimiter == ' ' && c == '\t');
}

static bool
is_blank(const struct data_csv *csv, int c)
{
    return (c == ' ' || c == '\t') && !is_delimiter(csv, c);
}

static enum pn_status
skip_blanks(int *next, struct data_csv *csv, struct pn_error *why)
{
    enum pn_status st = peek(next, csv, why);
    while (st == PN_OK && is_blank(csv, *next)) {
        take(csv);
        st = peek(next, csv, why);
    }
    return st;
}

/* From behind the opening quote to behind the closing one. */
static enum pn_status
read_quoted(struct data_csv *csv, struct pn_error *why)
{
    const struct data_csv_field *field = &csv->fields[csv->field_count];
    for (;;) {
        int            c;
        enum pn_status st = peek(&c, csv, why);
        if (st != PN_OK)
            return st;
        if (c == END)
            return fail(csv, field->line, field->column, "the quote that opens here is not closed",
                        why);
        if (c == '\0')
            return fail(csv, csv->line, csv->column, "there is a NUL byte; this is no text file",
                        why);
        take(csv);
        if (c == '"') {
            st = peek(&c, csv, why);
            if (st != PN_OK || c != '"')
                return st;
            take(csv);
        }
        if ((st = put(csv, (char)c, why)) != PN_OK)
            return st;
    }
}

/* Up to a delimiter or line end, which stays. */
static enum pn_status
read_plain(struct data_csv *csv, struct pn_error *why)
{
    for (;;) {
        int            c;
        enum pn_status st = peek(&c, csv, why);
        if (st != PN_OK || c == END || c == '\n' || c == '\r' || is_delimiter(csv, c))
            return st;
        if (c == '"')
            return fail(csv, csv->line, csv->column,
                        "there is a quote inside an unquoted field; put the whole field in quotes "
                        "and double the quotes in it",
                        why);
        if (c == '\0')
            return fail(csv, csv->line, csv->column, "there is a NUL byte; this is no text file",
                        why);
        take(csv);
        if ((st = put(csv, (char)c, why)) != PN_OK)
            return st;
    }
}

static enum pn_status
read_field(struct data_csv *csv, struct pn_error *why)
{
    int            c;
    enum pn_status st = skip_blanks(&c, csv, why);
    if (st == PN_OK)
        st = begin_field(csv, why);
    if (st != PN_OK)
        return st;
    bool quoted = c == '"';
    if (quoted) {
        take(csv);
        st = read_quoted(csv, why);
        if (st == PN_OK)
            st = skip_blanks(&c, csv, why);
        if (st == PN_OK && c != END && c != '\n' && c != '\r' && !is_delimiter(csv, c))
            return fail(csv, csv->line, csv->column,
                        "there is text behind the closing quote; a quote in a quoted field is "
                        "written twice",
                        why);
    } else {
        st = read_plain(csv, why);
    }
    return st == PN_OK ? end_field(csv, quoted, why) : st;
}

/* Takes a line end. `*was` tells whether there was one. */
static enum pn_status
take_line_end(bool *was, struct data_csv *csv, struct pn_error *why)
{
    int            c;
    enum pn_status st = peek(&c, csv, why);
    *was              = st == PN_OK && (c == '\n' || c == '\r');
    if (!*was)
        return st;
    take(csv);
    if (c == '\n')
        return PN_OK;
    st = peek(&c, csv, why);
    if (st != PN_OK || c == END)
        return st;
    if (c != '\n')
        return fail(csv, csv->line, csv->column - 1,
                    "there is a carriage return without a line feed; save the file with LF or CRLF "
                    "line ends",
                    why);
    take(csv);
    return PN_OK;
}

/* Takes one delimiter; of blanks, all of them. */
static enum pn_status
take_delimiter(int *next, struct data_csv *csv, struct pn_error *why)
{
    enum pn_status st;
    do {
        take(csv);
        st = peek(next, csv, why);
    } while (st == PN_OK && csv->delimiter == ' ' && is_delimiter(csv, *next));
    return st;
}

static enum pn_status
read_record(struct data_csv *csv, struct pn_error *why)
{
    for (;;) {
        int            c;
        enum pn_status st = read_field(csv, why);
        if (st == PN_OK)
            st = peek(&c, csv, why);
        if (st != PN_OK)
            return st;
        bool more = is_delimiter(csv, c);
        if (more && (st = take_delimiter(&c, csv, why)) != PN_OK)
            return st;
        if (more && csv->delimiter == ' ') /* blanks at the end of a line mean nothing */
            more = c != END && c != '\n' && c != '\r';
        if (!more) {
            bool ended;
            return take_line_end(&ended, csv, why);
        }
    }
}

/* Takes empty lines, and blanks before a record where they delimit. */
static enum pn_status
find_record(int *next, struct data_csv *csv, struct pn_error *why)
{
    bool           empty = true;
    enum pn_status st    = csv->began ? PN_OK : skip_byte_order_mark(csv, why);
    while (st == PN_OK && empty) {
        st = peek(next, csv, why);
        if (st == PN_OK && csv->delimiter == ' ' && is_delimiter(csv, *next))
            st = take_delimiter(next, csv, why);
        if (st == PN_OK)
            st = take_line_end(&empty, csv, why);
    }
    return st == PN_OK ? peek(next, csv, why) : st;
}

enum pn_status
data_csv_next(const struct data_csv_field **fields, uint32_t *count, struct data_csv *csv,
              struct pn_error *why)
{
    int            c  = END;
    enum pn_status st = find_record(&c, csv, why);
    *count            = 0;
    csv->field_count  = 0;
    csv->text_size    = 0;
    if (st != PN_OK || c == END)
        return st;
    if ((st = read_record(csv, why)) != PN_OK)
        return st;
    const char *text = csv->text;
    for (uint32_t i = 0; i < csv->field_count; i++) {
        csv->fields[i].text = text;
        text += csv->fields[i].len + 1;
    }
    *fields = csv->fields;
    *count  = csv->field_count;
    return PN_OK;
}
