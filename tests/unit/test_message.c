#include "proto/frame.h"
#include "support/expect.h"
#include "support/messages.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* Known answers and refusals made with Google's protobuf: tests/vectors/make_messages.py. */
enum {
    VECTORS_MAX     = 1000,
    VECTOR_SIZE_MAX = 4096
};

struct vector {
    const struct message_kind *kind;
    enum pn_status             status;
    uint8_t                   *bytes; /* exact, so that a sanitizer sees one byte too many */
    size_t                     size;
    char                       why[80];
};

static struct vector    vectors[VECTORS_MAX];
static size_t           vector_count;
static struct pn_buffer out;
_Alignas(16) static unsigned char block[WIRE_ARENA_SIZE];
static struct wire_arena arena;

static const struct message_kind *
kind_named(const char *name)
{
    for (size_t i = 0; i < MESSAGE_KINDS; i++)
        if (strcmp(message_kinds[i].name, name) == 0)
            return &message_kinds[i];
    fail_msg("no message %s", name);
    return NULL;
}

static void *
exact_copy(const void *bytes, size_t size)
{
    void *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, bytes, size);
    return copy;
}

static void
take_vector(const char *line)
{
    struct vector *vector = &vectors[vector_count];
    char           kind[32], status[32], hex[2 * VECTOR_SIZE_MAX];
    uint8_t        bytes[VECTOR_SIZE_MAX];
    assert_int_equal(sscanf(line, "%31s %31s %8191s %79[^\n]", kind, status, hex, vector->why), 4);
    vector->kind   = kind_named(kind);
    vector->status = strcmp(status, "ok") == 0      ? PN_OK
                     : strcmp(status, "value") == 0 ? PN_EPEER_VALUE
                                                    : PN_EPEER_FORMAT;
    vector->size   = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
    assert_true(vector->size == 0 || pn_hex_decode(bytes, vector->size, hex));
    vector->bytes = exact_copy(bytes, vector->size);
    vector_count++;
}

static int
load_vectors(void **state)
{
    (void)state;
    FILE *file = fopen(PN_SOURCE_DIR "/tests/vectors/messages.txt", "r");
    assert_non_null(file);
    static char line[2 * VECTOR_SIZE_MAX + 200];
    while (fgets(line, sizeof line, file) != NULL && vector_count < VECTORS_MAX)
        if (line[0] != '#')
            take_vector(line);
    fclose(file);
    wire_arena_init(&arena, block, sizeof block);
    pn_buffer_init(&out, WIRE_BODY_MAX);
    return 0;
}

static int
free_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++)
        free(vectors[i].bytes);
    pn_buffer_fini(&out);
    return 0;
}

/* Decodes and encodes again: only what was decoded counts, and it must give the same bytes. */
static enum pn_status
again(const struct message_kind *kind, struct wire_arena *in, const uint8_t *bytes, size_t size)
{
    enum pn_status decoded;
    size_t         before = in->used;
    pn_buffer_clear(&out);
    enum pn_status st = kind->again(&decoded, &out, in, bytes, size);
    if (decoded != PN_OK) {
        assert_int_equal(in->used, before);
        return decoded;
    }
    EXPECT_OK(st);
    assert_int_equal(out.size, size);
    assert_memory_equal(out.bytes, bytes, size);
    in->used = before;
    return PN_OK;
}

/* ---- samples: the same values as in make_messages.py ---- */

static const uint8_t *
pattern(uint8_t *to, unsigned seed, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = (uint8_t)(seed + 7 * i);
    return to;
}

static struct wire_blob
blob(unsigned seed, uint64_t size)
{
    struct wire_blob named = {.size = size};
    pattern(named.root, seed, sizeof named.root);
    return named;
}

static const struct wire_blob none;

static const struct vector *
sample_of(const char *name)
{
    for (size_t i = 0; i < vector_count; i++)
        if (strcmp(vectors[i].kind->name, name) == 0 && strcmp(vectors[i].why, "sample") == 0)
            return &vectors[i];
    fail_msg("no sample of %s", name);
    return NULL;
}

#define EXPECT_SAMPLE(type, message)                                                               \
    do {                                                                                           \
        const struct vector *known = sample_of(#type);                                             \
        pn_buffer_clear(&out);                                                                     \
        EXPECT_OK(wire_##type##_encode(&out, message));                                            \
        assert_int_equal(out.size, known->size);                                                   \
        assert_memory_equal(out.bytes, known->bytes, known->size);                                 \
    } while (0)

static void
control_messages_encode_as_another_implementation_does(void **state)
{
    (void)state;
    struct wire_hello hello = {.restart = true, .software = "panal 0.1.0", .height = 300};
    pattern(hello.head, 1, 32);
    pattern(hello.key, 58, 32);
    EXPECT_SAMPLE(hello, &hello);
    static const char job[] = "version: 1\nname: fraud\n";
    EXPECT_SAMPLE(offer, (&(struct wire_offer){{(const uint8_t *)job, strlen(job)}}));
    EXPECT_SAMPLE(answer, (&(struct wire_answer){.reason  = "no: caf\u00e9 \u20ac \U0001f41d",
                                                 .records = 70000}));
    EXPECT_SAMPLE(invite, (&(struct wire_invite){10000}));
    EXPECT_SAMPLE(accept, (&(struct wire_accept){12345678901}));
    EXPECT_SAMPLE(train, (&(struct wire_train){blob(20, 1ull << 36), none, 300000}));
    EXPECT_SAMPLE(evaluate, (&(struct wire_evaluate){blob(23, 4000), blob(24, 96), 0}));
    EXPECT_SAMPLE(finish, (&(struct wire_finish){WIRE_STOPPED_EARLY, "", blob(31, 4000)}));
    EXPECT_SAMPLE(fault, (&(struct wire_fault){"the disk is full"}));
    EXPECT_SAMPLE(heartbeat, (&(struct wire_heartbeat){WIRE_SENDING, 3, 3}));
    EXPECT_SAMPLE(pull, (&(struct wire_pull){blob(32, 3 * 1048576 + 1), 2, 2}));
}

static void
signed_messages_encode_as_another_implementation_does(void **state)
{
    (void)state;
    struct wire_update update = {blob(21, 4000), 640, 0.6931471805599453, {0}};
    pattern(update.signature, 22, 64);
    EXPECT_SAMPLE(update, &update);
    uint8_t            bytes[200];
    struct wire_commit commit = {{pattern(bytes, 27, 200), 200}, {0}};
    pattern(commit.signature, 28, 64);
    EXPECT_SAMPLE(commit, &commit);
    struct wire_countersign countersign = {.height = 0};
    pattern(countersign.hash, 29, 32);
    pattern(countersign.signature, 30, 64);
    EXPECT_SAMPLE(countersign, &countersign);
}

static void
lists_encode_as_another_implementation_does(void **state)
{
    (void)state;
    struct wire_column_sums columns[] = {
        {100, -((pn_i128)1 << 90), (pn_i128)1 << 120}, {0, 0, 0}, {3, 5, 11}};
    EXPECT_SAMPLE(statistics, (&(struct wire_statistics){100, columns, 3}));
    uint8_t                  first[16], second[300];
    struct wire_metric_state metrics[] = {{"loss", {pattern(first, 25, 16), 16}},
                                          {"auprc", {pattern(second, 26, 300), 300}}};
    EXPECT_SAMPLE(metrics, (&(struct wire_metrics){50, metrics, 2}));
}

struct ledger_sample {
    struct wire_block   block;
    struct wire_entry   entries[2];
    struct wire_absent  absent[2];
    struct wire_metric  metrics[2];
    struct wire_witness witnesses[2];
};

static void
ledger_sample_init(struct ledger_sample *sample)
{
    *sample = (struct ledger_sample){
        .entries   = {{.member = 2, .weight = 300, .update = blob(10, 4000), .norm = 1.5},
                      {.member = 4, .weight = 1, .update = blob(12, 4000), .norm = 0.0}},
        .absent    = {{3, WIRE_ABSENT_LATE}, {9, WIRE_ABSENT_INVALID}},
        .metrics   = {{"auprc", 0.125, 1000}, {"loss", -2.5, 999}},
        .witnesses = {{.member = 2}, {.member = 300}},
    };
    sample->block = (struct wire_block){
        .kind          = WIRE_BLOCK_ROUND,
        .height        = 3,
        .epoch         = 5,
        .proposer      = 1,
        .attempt       = 2,
        .round         = 7,
        .time_ms       = 1795467600123,
        .model_in      = blob(6, 4000),
        .model_out     = blob(8, 4000),
        .scaling       = blob(9, 96),
        .entries       = sample->entries,
        .absent        = sample->absent,
        .metrics       = sample->metrics,
        .witnesses     = sample->witnesses,
        .entry_count   = 2,
        .absent_count  = 2,
        .metric_count  = 2,
        .witness_count = 2,
        .note          = "",
    };
    pattern(sample->block.run, 1, 16);
    pattern(sample->block.previous, 2, 32);
    pattern(sample->block.roster, 3, 32);
    pattern(sample->block.job, 4, 32);
    pattern(sample->entries[0].signature, 11, 64);
    pattern(sample->entries[1].signature, 13, 64);
    pattern(sample->witnesses[0].signature, 14, 64);
    pattern(sample->witnesses[1].signature, 15, 64);
}

static void
block_encodes_as_another_implementation_does(void **state)
{
    (void)state;
    struct ledger_sample sample;
    ledger_sample_init(&sample);
    EXPECT_SAMPLE(block, &sample.block);
}

static void
decoded_block_has_the_fields_that_were_encoded(void **state)
{
    (void)state;
    const struct vector *vector = sample_of("block");
    struct wire_block    got;
    EXPECT_OK(wire_block_decode(&got, &arena, vector->bytes, vector->size));
    assert_int_equal(got.kind, WIRE_BLOCK_ROUND);
    assert_int_equal(got.height, 3);
    assert_int_equal(got.round, 7);
    assert_int_equal(got.entry_count, 2);
    assert_int_equal(got.entries[0].member, 2);
    assert_true(got.entries[0].norm == 1.5);
    assert_int_equal(got.absent[1].reason, WIRE_ABSENT_INVALID);
    assert_string_equal(got.metrics[0].name, "auprc");
    assert_int_equal(got.witnesses[1].member, 300);
    wire_arena_reset(&arena);
}

/* ---- decoding ---- */

static void
vectors_are_taken_or_refused_as_they_say(void **state)
{
    (void)state;
    assert_true(vector_count > 200);
    for (size_t i = 0; i < vector_count; i++) {
        const struct vector *vector = &vectors[i];
        enum pn_status       st     = again(vector->kind, &arena, vector->bytes, vector->size);
        if (st != vector->status)
            fail_msg("%s, %s: %s instead of %s", vector->kind->name, vector->why,
                     pn_status_text(st), pn_status_text(vector->status));
    }
}

/* The smallest arena that is enough, tried one byte after the other. */
static size_t
least_arena(const struct vector *vector)
{
    for (size_t capacity = 0;; capacity++) {
        unsigned char    *memory = exact_copy(block, capacity);
        struct wire_arena small;
        wire_arena_init(&small, memory, capacity);
        enum pn_status st = again(vector->kind, &small, vector->bytes, vector->size);
        free(memory);
        if (st == PN_OK)
            return capacity;
        EXPECT_STATUS(PN_ENOMEM, st);
        assert_true(capacity < 65536);
    }
}

static void
arena_too_small_is_a_clean_refusal_and_any_larger_one_is_enough(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        if (vectors[i].status != PN_OK)
            continue;
        size_t least = least_arena(&vectors[i]);
        for (size_t capacity = least; capacity < least + 100; capacity++) {
            struct wire_arena enough;
            wire_arena_init(&enough, block, capacity);
            EXPECT_OK(again(vectors[i].kind, &enough, vectors[i].bytes, vectors[i].size));
        }
    }
}

static void
expect_refused_or_same(const struct message_kind *kind, const uint8_t *bytes, size_t size)
{
    uint8_t       *copy = exact_copy(bytes, size);
    enum pn_status st   = again(kind, &arena, copy, size);
    assert_true(st == PN_OK || st == PN_EPEER_FORMAT || st == PN_EPEER_VALUE);
    free(copy);
}

static void
cut_messages_are_refused(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        const struct vector *vector = &vectors[i];
        for (size_t size = 0; vector->status == PN_OK && size < vector->size; size++)
            expect_refused_or_same(vector->kind, vector->bytes, size);
    }
}

static void
flipped_bits_are_refused_or_mean_exactly_what_they_say(void **state)
{
    (void)state;
    for (size_t i = 0; i < vector_count; i++) {
        const struct vector *vector = &vectors[i];
        for (size_t bit = 0; vector->status == PN_OK && bit < 8 * vector->size; bit++) {
            vector->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
            expect_refused_or_same(vector->kind, vector->bytes, vector->size);
            vector->bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
    }
}

/* ---- limits ---- */

/* `count` empty sub-messages of one field: two bytes each on the wire, far more in memory. */
static enum pn_status
decode_repeated(const char *kind, unsigned field, size_t count, size_t arena_size)
{
    size_t   tag_size = field < 16 ? 1 : 2, size = count * (tag_size + 1);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    for (size_t i = 0; i < count; i++) {
        uint8_t *at = bytes + i * (tag_size + 1);
        at[0]       = (uint8_t)((field << 3 | 2) & 0x7f) | (tag_size == 2 ? 0x80 : 0);
        if (tag_size == 2)
            at[1] = (uint8_t)(field >> 4);
        at[tag_size] = 0;
    }
    struct wire_arena small;
    wire_arena_init(&small, block, arena_size);
    enum pn_status st = again(kind_named(kind), &small, bytes, size);
    free(bytes);
    return st;
}

static void
too_many_sub_messages_are_refused_before_any_memory_is_used(void **state)
{
    (void)state;
    static const struct {
        const char *kind;
        unsigned    field;
        size_t      max;
    } lists[] = {{"statistics", 2, 1024}, {"metrics", 2, 16}, {"block", 15, 1024},
                 {"block", 16, 1024},     {"block", 17, 16},  {"block", 18, 1024}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        const char *kind = lists[i].kind;
        EXPECT_STATUS(PN_EPEER_LIMIT, decode_repeated(kind, lists[i].field, lists[i].max + 1, 0));
        EXPECT_STATUS(PN_EPEER_LIMIT, decode_repeated(kind, lists[i].field, 350000, 0));
        EXPECT_STATUS(PN_EPEER_FORMAT,
                      decode_repeated(kind, lists[i].field, lists[i].max, sizeof block));
    }
}

/* Out of order, so that no row of one field is long: refused before any memory is used, too. */
static void
sub_messages_of_two_lists_in_turn_are_refused_before_any_memory_is_used(void **state)
{
    (void)state;
    static uint8_t bytes[300000];
    for (size_t i = 0; i + 5 <= sizeof bytes; i += 5)
        memcpy(bytes + i, "\x7a\0\x82\x01\0", 5); /* entries, absent */
    struct wire_arena small;
    wire_arena_init(&small, block, 0);
    EXPECT_STATUS(PN_EPEER_FORMAT, again(kind_named("block"), &small, bytes, sizeof bytes));
}

static void
largest_statistics_fit_a_frame_and_an_arena(void **state)
{
    (void)state;
    static struct wire_column_sums columns[WIRE_COLUMNS_MAX + 1];
    const pn_i128                  most = (pn_i128)(((pn_u128)1 << 127) - 1);
    for (size_t i = 0; i <= WIRE_COLUMNS_MAX; i++)
        columns[i] = (struct wire_column_sums){UINT64_MAX, -most, most};
    struct wire_statistics message = {UINT64_MAX, columns, WIRE_COLUMNS_MAX}, got;
    pn_buffer_clear(&out);
    EXPECT_OK(wire_statistics_encode(&out, &message));
    assert_true(out.size <= WIRE_CONTROL_MAX);
    EXPECT_OK(wire_statistics_decode(&got, &arena, out.bytes, out.size));
    assert_int_equal(got.column_count, WIRE_COLUMNS_MAX);
    assert_true(got.columns[1023].sum == -most && got.columns[1023].sum_of_squares == most);
    wire_arena_reset(&arena);
    message.column_count++;
    EXPECT_STATUS(PN_ERANGE, wire_statistics_encode(&out, &message));
}

struct largest {
    struct wire_entry   entries[WIRE_MEMBERS_MAX + 1];
    struct wire_absent  absent[WIRE_MEMBERS_MAX + 1];
    struct wire_metric  metrics[WIRE_METRICS_MAX + 1];
    struct wire_witness witnesses[WIRE_MEMBERS_MAX + 1];
    char                names[WIRE_METRICS_MAX + 1][WIRE_TEXT_MAX + 1];
};

static struct wire_block
largest_block(struct largest *lists)
{
    static struct ledger_sample sample;
    ledger_sample_init(&sample);
    struct wire_block largest = sample.block;
    for (uint32_t i = 0; i <= WIRE_MEMBERS_MAX; i++) {
        lists->entries[i] = (struct wire_entry){.member = UINT32_MAX - 3 * WIRE_MEMBERS_MAX + i,
                                                .weight = UINT64_MAX,
                                                .update = blob(i, 1ull << 36),
                                                .norm   = 1e300};
        lists->absent[i] =
            (struct wire_absent){UINT32_MAX - WIRE_MEMBERS_MAX + i, WIRE_ABSENT_SILENT};
        lists->witnesses[i] = (struct wire_witness){.member = UINT32_MAX - WIRE_MEMBERS_MAX + i};
    }
    for (size_t i = 0; i <= WIRE_METRICS_MAX; i++) {
        memset(lists->names[i], 'a' + (int)i, WIRE_TEXT_MAX);
        lists->metrics[i] = (struct wire_metric){lists->names[i], 1, UINT64_MAX};
    }
    largest.entries     = lists->entries;
    largest.absent      = lists->absent;
    largest.metrics     = lists->metrics;
    largest.witnesses   = lists->witnesses;
    largest.entry_count = largest.absent_count = largest.witness_count = WIRE_MEMBERS_MAX;
    largest.metric_count                                               = WIRE_METRICS_MAX;
    return largest;
}

static void
largest_block_fits_a_frame_and_an_arena(void **state)
{
    (void)state;
    static struct largest lists;
    struct wire_block     largest = largest_block(&lists), got;
    pn_buffer_clear(&out);
    EXPECT_OK(wire_block_encode(&out, &largest));
    assert_true(out.size + 100 <= WIRE_BLOCK_MAX);
    EXPECT_OK(wire_block_decode(&got, &arena, out.bytes, out.size));
    assert_int_equal(got.entry_count, WIRE_MEMBERS_MAX);
    assert_true(arena.used < WIRE_ARENA_SIZE / 4 * 3);
    wire_arena_reset(&arena);

    size_t *counts[] = {&largest.entry_count, &largest.absent_count, &largest.metric_count,
                        &largest.witness_count};
    for (size_t i = 0; i < 4; i++) {
        size_t before = out.size;
        ++*counts[i];
        EXPECT_STATUS(PN_ERANGE, wire_block_encode(&out, &largest));
        assert_int_equal(out.size, before);
        --*counts[i];
    }
}

static void
encode_refuses_what_decode_would_refuse(void **state)
{
    (void)state;
    pn_buffer_clear(&out);
    EXPECT_STATUS(PN_ERANGE,
                  wire_update_encode(&out, &(struct wire_update){blob(1, 4), 1, NAN, {0}}));
    EXPECT_STATUS(PN_ERANGE, wire_fault_encode(&out, &(struct wire_fault){"a\nb"}));
    EXPECT_STATUS(PN_ERANGE, wire_pull_encode(&out, &(struct wire_pull){blob(1, 4), 0, 2}));
    EXPECT_STATUS(PN_ERANGE,
                  wire_finish_encode(&out, &(struct wire_finish){.outcome = 0, .reason = ""}));
    struct wire_metric_state metrics[WIRE_METRICS_MAX + 1] = {{"a", {block, 1}}};
    EXPECT_STATUS(PN_ERANGE, wire_metrics_encode(&out, &(struct wire_metrics){1, metrics, 17}));
    metrics[0].state.size = WIRE_STATE_MAX + 1;
    EXPECT_STATUS(PN_ERANGE, wire_metrics_encode(&out, &(struct wire_metrics){1, metrics, 1}));
    EXPECT_STATUS(PN_ERANGE,
                  wire_offer_encode(&out, &(struct wire_offer){{block, WIRE_JOB_MAX + 1}}));
    EXPECT_STATUS(PN_ERANGE, wire_commit_encode(
                                 &out, &(struct wire_commit){{block, WIRE_BLOCK_MAX + 1}, {0}}));
    assert_int_equal(out.size, 0);
}

static void
encode_into_a_full_buffer_leaves_it_as_it_was(void **state)
{
    (void)state;
    struct pn_buffer  small;
    struct wire_fault fault = {"the disk is full"}; /* 18 bytes */
    pn_buffer_init(&small, 20);
    EXPECT_OK(pn_buffer_append(&small, "abc", 3));
    EXPECT_STATUS(PN_ERANGE, wire_fault_encode(&small, &fault));
    assert_int_equal(small.size, 3);
    small.limit = 21;
    EXPECT_OK(wire_fault_encode(&small, &fault));
    assert_int_equal(small.size, 21);
    assert_memory_equal(small.bytes, "abc", 3);
    pn_buffer_fini(&small);
}

/* ---- chunk ---- */

static uint8_t chunk_bytes[WIRE_CHUNK_SIZE];

static void
chunk_has_the_documented_bytes(void **state)
{
    (void)state;
    uint8_t           proof[64];
    struct wire_chunk got,
        chunk = {blob(3, WIRE_CHUNK_SIZE + 5), 1, 2, pattern(proof, 9, 64), {chunk_bytes, 5}};
    pn_buffer_clear(&out);
    EXPECT_OK(wire_chunk_encode(&out, &chunk));
    assert_int_equal(out.size, 32 + 8 + 4 + 4 + 64 + 5);
    assert_memory_equal(out.bytes, chunk.blob.root, 32);
    assert_memory_equal(out.bytes + 32, "\x05\0\x10\0\0\0\0\0\x01\0\0\0\x02\0\0\0", 16);
    assert_memory_equal(out.bytes + 48, proof, 64);
    assert_memory_equal(out.bytes + 112, chunk_bytes, 5);

    EXPECT_OK(wire_chunk_decode(&got, out.bytes, out.size));
    assert_int_equal(got.blob.size, chunk.blob.size);
    assert_memory_equal(got.blob.root, chunk.blob.root, 32);
    assert_int_equal(got.index, 1);
    assert_int_equal(got.proof_count, 2);
    assert_ptr_equal(got.proof, out.bytes + 48);
    assert_ptr_equal(got.data.bytes, out.bytes + 112);
    assert_int_equal(got.data.size, 5);
}

static void
cut_chunk_is_refused(void **state)
{
    (void)state;
    uint8_t           proof[64] = {0};
    struct wire_chunk got, chunk = {blob(3, 20), 0, 2, proof, {chunk_bytes, 20}};
    pn_buffer_clear(&out);
    EXPECT_OK(wire_chunk_encode(&out, &chunk));
    for (size_t size = 0; size < out.size; size++) {
        uint8_t *copy = exact_copy(out.bytes, size);
        EXPECT_STATUS(size < 48 + 64 ? PN_EPEER_FORMAT : PN_EPEER_VALUE,
                      wire_chunk_decode(&got, copy, size));
        free(copy);
    }
    EXPECT_OK(pn_buffer_append(&out, "x", 1));
    EXPECT_STATUS(PN_EPEER_VALUE, wire_chunk_decode(&got, out.bytes, out.size));
}

static void
only_the_last_chunk_may_be_short(void **state)
{
    (void)state;
    const uint64_t whole = WIRE_CHUNK_SIZE;
    static const struct {
        uint64_t size;
        uint32_t index;
        size_t   data;
        bool     valid;
    } cases[] = {{1, 0, 1, true},
                 {0, 0, 0, false},
                 {whole, 0, whole, true},
                 {whole, 1, 0, false},
                 {whole + 1, 0, whole, true},
                 {whole + 1, 0, whole - 1, false},
                 {whole + 1, 1, 1, true},
                 {whole + 1, 1, 2, false},
                 {whole + 1, 2, 1, false},
                 {whole * 65536, 65535, whole, true},
                 {whole * 65536, 65536, 0, false},
                 {whole * 65536 + 1, 0, whole, false},
                 {UINT64_MAX, 0, whole, false},
                 {UINT64_MAX, UINT32_MAX, whole, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct wire_chunk got,
            chunk = {blob(3, cases[i].size), cases[i].index, 0, NULL, {chunk_bytes, cases[i].data}};
        pn_buffer_clear(&out);
        EXPECT_STATUS(cases[i].valid ? PN_OK : PN_ERANGE, wire_chunk_encode(&out, &chunk));
        if (cases[i].valid)
            EXPECT_OK(wire_chunk_decode(&got, out.bytes, out.size));
    }
}

static void
chunk_with_a_proof_of_18_hashes_is_refused(void **state)
{
    (void)state;
    static uint8_t    proof[18 * 32];
    struct wire_chunk got, chunk = {blob(3, 1), 0, 17, proof, {chunk_bytes, 1}};
    pn_buffer_clear(&out);
    EXPECT_OK(wire_chunk_encode(&out, &chunk));
    EXPECT_OK(wire_chunk_decode(&got, out.bytes, out.size));
    pn_put_u32(out.bytes + 44, 18);
    EXPECT_STATUS(PN_EPEER_LIMIT, wire_chunk_decode(&got, out.bytes, out.size));
    pn_put_u32(out.bytes + 44, UINT32_MAX);
    EXPECT_STATUS(PN_EPEER_LIMIT, wire_chunk_decode(&got, out.bytes, out.size));
    chunk.proof_count = 18;
    EXPECT_STATUS(PN_ERANGE, wire_chunk_encode(&out, &chunk));
}

/* ---- text ---- */

static void
any_text_is_cut_to_one_that_may_be_sent(void **state)
{
    (void)state;
    char cut[WIRE_TEXT_MAX + 1], text[3 * WIRE_TEXT_MAX];
    wire_text_cut(cut, "");
    assert_string_equal(cut, "");
    wire_text_cut(cut, "a\tb\xff\xc3\xa9\x80");
    assert_string_equal(cut, "a?b?\xc3\xa9?");

    memset(text, 'x', sizeof text);
    memcpy(text + WIRE_TEXT_MAX - 1, "\xc3\xa9", 2); /* would end one byte too late */
    text[sizeof text - 1] = 0;
    wire_text_cut(cut, text);
    assert_int_equal(strlen(cut), WIRE_TEXT_MAX - 1);
    pn_buffer_clear(&out);
    EXPECT_OK(wire_fault_encode(&out, &(struct wire_fault){cut}));
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(control_messages_encode_as_another_implementation_does),
        cmocka_unit_test(signed_messages_encode_as_another_implementation_does),
        cmocka_unit_test(lists_encode_as_another_implementation_does),
        cmocka_unit_test(block_encodes_as_another_implementation_does),
        cmocka_unit_test(decoded_block_has_the_fields_that_were_encoded),
        cmocka_unit_test(vectors_are_taken_or_refused_as_they_say),
        cmocka_unit_test(arena_too_small_is_a_clean_refusal_and_any_larger_one_is_enough),
        cmocka_unit_test(cut_messages_are_refused),
        cmocka_unit_test(flipped_bits_are_refused_or_mean_exactly_what_they_say),
        cmocka_unit_test(too_many_sub_messages_are_refused_before_any_memory_is_used),
        cmocka_unit_test(sub_messages_of_two_lists_in_turn_are_refused_before_any_memory_is_used),
        cmocka_unit_test(largest_statistics_fit_a_frame_and_an_arena),
        cmocka_unit_test(largest_block_fits_a_frame_and_an_arena),
        cmocka_unit_test(encode_refuses_what_decode_would_refuse),
        cmocka_unit_test(encode_into_a_full_buffer_leaves_it_as_it_was),
        cmocka_unit_test(chunk_has_the_documented_bytes),
        cmocka_unit_test(cut_chunk_is_refused),
        cmocka_unit_test(only_the_last_chunk_may_be_short),
        cmocka_unit_test(chunk_with_a_proof_of_18_hashes_is_refused),
        cmocka_unit_test(any_text_is_cut_to_one_that_may_be_sent),
    };
    return cmocka_run_group_tests_name("message", tests, load_vectors, free_vectors);
}
