/*
 * A proof file that anybody may have written: what is accepted must be written and accepted again,
 * and be the same; what is proved of a ledger of ours must be so. Input: the text; or a byte below
 * 8, and then edits of a good file - place u16, character u8 - so that what lies behind its
 * signatures is reached. The byte: by 2 who makes the rounds, by 1 a block or growth.
 */
#include "support/proofs.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
    BLOCKS = 7,
    EDIT   = 3
};

static struct test_ledger ledgers[2]; /* by fed_mode */
static struct pn_buffer   good[4];
static struct wire_arena  arena;

static void
prepare(void)
{
    void *memory = aligned_alloc(16, WIRE_ARENA_SIZE);
    PN_ASSERT(memory != NULL);
    wire_arena_init(&arena, memory, WIRE_ARENA_SIZE);
    for (int i = 0; i < 4; i++) {
        struct test_ledger *l = &ledgers[i / 2];
        struct fed_proof    proof;
        if (i % 2 == 0)
            test_ledger_new(l, (enum fed_mode)(i / 2), BLOCKS);
        if (i % 2 == 0)
            test_prove_block(&proof, l, 3);
        else
            test_prove_growth(&proof, l, 3);
        pn_buffer_init(&good[i], 2 * FED_PROOF_MAX);
        PN_ASSERT(fed_proof_encode(&good[i], &proof) == PN_OK);
        fed_proof_fini(&proof);
    }
}

static void
check_again(const struct fed_proof *proof)
{
    struct pn_buffer text, same;
    struct fed_proof again;
    struct pn_error  why;
    pn_buffer_init(&text, 2 * FED_PROOF_MAX);
    pn_buffer_init(&same, 2 * FED_PROOF_MAX);
    if (fed_proof_encode(&text, proof) == PN_OK) { /* the text may be longer than what was read */
        PN_ASSERT(fed_proof_parse(&again, "again", (const char *)text.bytes, text.size, &why) ==
                  PN_OK);
        PN_ASSERT(fed_proof_encode(&same, &again) == PN_OK && same.size == text.size &&
                  memcmp(same.bytes, text.bytes, text.size) == 0);
        fed_proof_fini(&again);
    }
    pn_buffer_fini(&text);
    pn_buffer_fini(&same);
}

static void
check_proved(const struct fed_proof *proof, const struct test_ledger *l)
{
    static struct fed_proven proven;
    struct pn_error          why;
    enum pn_status st = fed_proof_check(&proven, proof, l->federation.roster, &arena, &why);
    PN_ASSERT(st == PN_OK || st == PN_ECORRUPT || st == PN_EAUTH);
    if (st != PN_OK)
        return;
    PN_ASSERT(proven.block.height < BLOCKS &&
              sec_hash_equal(&proven.hash, &l->hashes[proven.block.height]));
    if (proven.is_block)
        return;
    struct fed_checkpoint since = test_checkpoint(l, proof->since.size);
    PN_ASSERT(sec_hash_equal(&since.root, &proof->since.root));
}

static void
try_text(const uint8_t *text, size_t size)
{
    struct fed_proof proof;
    struct pn_error  why;
    if (fed_proof_parse(&proof, "fuzz", (const char *)text, size, &why) != PN_OK)
        return;
    check_again(&proof);
    check_proved(&proof, &ledgers[FED_MODE_COORDINATOR]);
    check_proved(&proof, &ledgers[FED_MODE_SWARM]);
    fed_proof_fini(&proof);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct fed_checkpoint kept;
    char                  text[96] = "";

    if (arena.block == NULL)
        prepare();
    if (size > 0 && bytes[0] < 8) {
        struct pn_buffer *file = &good[bytes[0] % 4], edited;
        pn_buffer_init(&edited, 2 * FED_PROOF_MAX);
        PN_ASSERT(pn_buffer_append(&edited, file->bytes, file->size) == PN_OK);
        for (size_t at = 1; at + EDIT <= size; at += EDIT)
            edited.bytes[pn_get_u16(bytes + at) % edited.size] = bytes[at + 2];
        try_text(edited.bytes, edited.size);
        pn_buffer_fini(&edited);
        return 0;
    }
    memcpy(text, bytes, size < sizeof text ? size : sizeof text - 1);
    if (fed_checkpoint_parse(&kept, text))
        PN_ASSERT(kept.size > 0 && kept.size >> SEC_LOG_PEAKS == 0);
    try_text(bytes, size);
    return 0;
}
