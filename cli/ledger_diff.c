/*
 * panal ledger diff -- the first block where two members' ledgers part, and who signed both.
 */
#include "cli/command.h"
#include "cli/ledger.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>

struct diff_options {
    char *roster;
    bool  json;
};

static const struct pn_option diff_table[] = {
    CLI_ROSTER_OPTION(struct diff_options),
    {"json", "no", PN_OPT_FLAG, offsetof(struct diff_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

struct signer {
    uint32_t number;
    char     name[FED_NAME_SIZE];
};

struct noted { /* one block */
    struct sec_hash hash;
    struct signer   proposer;
    uint32_t        view;
    struct signer  *signers; /* of the block before; the caller's */
    size_t          signer_count;
};

struct side {
    const char   *directory;
    struct noted *blocks;
    size_t        count, capacity;
    bool          no_memory;
};

static struct signer
signer_of(const struct fed_roster *roster, uint32_t number)
{
    struct signer signer = {.number = number};
    snprintf(signer.name, sizeof signer.name, "%s", cli_member_name(roster, number));
    return signer;
}

static void
note_block(void *context, const struct wire_block *block, const struct sec_hash *hash,
           const struct fed_roster *roster)
{
    struct side *side = context;
    if (side->count == side->capacity) {
        size_t        more  = 2 * side->capacity + 64;
        struct noted *grown = realloc(side->blocks, more * sizeof *grown);
        if (grown == NULL) {
            side->no_memory = true;
            return;
        }
        side->blocks   = grown;
        side->capacity = more;
    }
    struct noted *noted = &side->blocks[side->count];
    *noted = (struct noted){.hash = *hash, .proposer = signer_of(roster, block->proposer)};
    if (block->agreement != NULL)
        noted->view = block->agreement->view;
    noted->signers = calloc(block->witness_count + 1, sizeof *noted->signers);
    if (noted->signers == NULL) {
        side->no_memory = true;
        return;
    }
    side->count++;
    for (size_t i = 0; i < block->witness_count; i++)
        noted->signers[noted->signer_count++] = signer_of(roster, block->witnesses[i].member);
}

static void
side_fini(struct side *side)
{
    for (size_t i = 0; i < side->count; i++)
        free(side->blocks[i].signers);
    free(side->blocks);
}

/* Both are proved first: a ledger that does not verify parts from nobody. */
static enum pn_status
read_side(struct side *side, const char *roster, struct pn_error *why)
{
    struct cli_ledger   ledger;
    struct engine_proof proof;
    enum pn_status      st = cli_ledger_open(&ledger, side->directory, roster, why);
    if (st != PN_OK)
        return st;
    if (ledger.nominal)
        st = pn_error_set(why, PN_EAUTH, "%s", cli_nominal_text);
    else
        st = engine_proof_make(&proof, &ledger.disk, ledger.file.roster, note_block, side, why);
    if (st == PN_OK && side->no_memory)
        st = PN_ENOMEM;
    if (st != PN_OK)
        pn_error_wrap(why, st, "%s: NOT verified", side->directory);
    cli_ledger_close(&ledger);
    return st;
}

/* Who voted for, or countersigned, block `height`, its proposer first: the others stand in the
 * block after. NULL after the last one. */
static const struct signer *
signer_at(const struct side *side, size_t height, size_t index)
{
    const struct noted *block = &side->blocks[height], *after = block + 1;
    if (index == 0)
        return &block->proposer;
    size_t place = index - 1;
    if (height + 1 >= side->count)
        return NULL;
    for (size_t i = 0; i < after->signer_count; i++)
        if (after->signers[i].number != block->proposer.number && place-- == 0)
            return &after->signers[i];
    return NULL;
}

static bool
has_signed(const struct side *side, size_t height, uint32_t number)
{
    const struct signer *signer = NULL;
    for (size_t i = 0; (signer = signer_at(side, height, i)) != NULL; i++)
        if (signer->number == number)
            return true;
    return false;
}

static void
print_side(const struct side *side, size_t height)
{
    const struct noted  *block  = &side->blocks[height];
    const struct signer *signer = NULL;
    char                 hex[SEC_HEX_SIZE];
    sec_hash_text(hex, &block->hash);
    printf("  %s\n    block %zu  %.16s, proposed by %s", side->directory, height, hex,
           block->proposer.name);
    if (block->view > 0)
        printf(" in view %u", block->view);
    printf("\n    signed by");
    for (size_t i = 0; (signer = signer_at(side, height, i)) != NULL; i++)
        printf(" %s", signer->name);
    puts("");
}

static size_t
first_difference(const struct side *a, const struct side *b)
{
    size_t at = 0;
    while (at < a->count && at < b->count &&
           sec_hash_equal(&a->blocks[at].hash, &b->blocks[at].hash))
        at++;
    return at;
}

static void
print_text(const struct side sides[static 2], size_t at, bool parted)
{
    if (!parted) {
        printf("the same %zu blocks", at);
        if (sides[0].count != sides[1].count)
            printf("; %s has %zu more", sides[sides[0].count < sides[1].count].directory,
                   sides[sides[0].count < sides[1].count].count - at);
        puts("");
        return;
    }
    printf("they part at block %zu; the %zu before are the same\n", at, at);
    print_side(&sides[0], at);
    print_side(&sides[1], at);
    printf("  signed both:");
    const struct signer *signer = NULL;
    size_t               both   = 0;
    for (size_t i = 0; (signer = signer_at(&sides[0], at, i)) != NULL; i++)
        if (has_signed(&sides[1], at, signer->number)) {
            printf(" %s", signer->name);
            both++;
        }
    puts(both > 0 ? ""
                  : " nobody that these copies show; the newest block's signatures stand in the "
                    "one after it");
}

static enum pn_status
print_json(const struct side sides[static 2], size_t at, bool parted)
{
    const struct signer *signer = NULL;
    struct text_json    *json;
    enum pn_status       st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_bool(json, "parted", parted);
    text_json_u64(json, "same_blocks", at);
    text_json_open_list(json, "ledgers");
    for (size_t i = 0; i < 2; i++) {
        text_json_open_map(json, NULL);
        text_json_string(json, "directory", sides[i].directory);
        text_json_u64(json, "blocks", sides[i].count);
        if (parted)
            text_json_hex(json, "block", sides[i].blocks[at].hash.bytes, 32);
        text_json_close(json);
    }
    text_json_close(json);
    text_json_open_list(json, "signed_both");
    for (size_t i = 0; parted && (signer = signer_at(&sides[0], at, i)) != NULL; i++)
        if (has_signed(&sides[1], at, signer->number))
            text_json_string(json, NULL, signer->name);
    text_json_close(json);
    st = text_json_write(json, stdout);
    text_json_free(json);
    return st;
}

int
cli_ledger_diff(int argc, char **argv)
{
    struct diff_options  options;
    struct cli_arguments words = {
        .noun = "ledger", .verb = "diff", .needed = {"roster"}, .words_min = 2, .words_max = 2};
    int code;
    if (!cli_parse(&options, diff_table, &words, argc, argv, &code))
        return code;

    struct pn_error why      = {.text = ""};
    struct side     sides[2] = {{.directory = words.words[0]}, {.directory = words.words[1]}};
    bool            parted   = false;
    enum pn_status  st       = read_side(&sides[0], options.roster, &why);
    if (st == PN_OK)
        st = read_side(&sides[1], options.roster, &why);
    if (st == PN_OK) {
        size_t at = first_difference(&sides[0], &sides[1]);
        parted    = at < sides[0].count && at < sides[1].count;
        if (options.json)
            st = print_json(sides, at, parted);
        else
            print_text(sides, at, parted);
    }
    side_fini(&sides[0]);
    side_fini(&sides[1]);
    pn_options_fini(&options, diff_table);
    if (st != PN_OK)
        return cli_fail(st, &why);
    return parted ? 1 : 0;
}
