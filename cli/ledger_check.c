/*
 * panal ledger check -- what a file of `panal ledger prove` proves, with the roster alone.
 */
#include "cli/command.h"
#include "cli/ledger.h"
#include "text/json.h"

#include <stdlib.h>

struct check_options {
    char *roster, *checkpoint;
    bool  json;
};

static const struct pn_option check_table[] = {
    CLI_ROSTER_OPTION(struct check_options),
    {"checkpoint", NULL, PN_OPT_TEXT, offsetof(struct check_options, checkpoint), 0, 0,
     "what you kept, SIZE:ROOT; the proof must begin there (prove --since SIZE)"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct check_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

struct check {
    struct fed_proof  proof;
    struct fed_proven proven;
    struct cli_names  names;
    bool              kept; /* it begins at a checkpoint of ours */
};

static void
print_signers(const struct check *check, const struct fed_roster *roster)
{
    const struct fed_proven *proven = &check->proven;
    bool                     swarm  = roster->mode == FED_MODE_SWARM;
    if (swarm)
        printf("  votes        %u of %u members decided block %llu:", proven->signer_count,
               roster->member_count, (unsigned long long)proven->now.size - 1);
    else if (proven->signer_count > 0)
        printf("  signatures   the coordinator's; countersigned by %u:", proven->signer_count);
    else if (proven->is_block)
        printf("  signatures   the coordinator's; no countersignature: the block after it is not "
               "in this proof");
    else
        printf("  signatures   of the coordinator, on every block since");
    for (uint32_t i = 0; i < proven->signer_count; i++)
        printf(" %s", cli_names_find(&check->names, proven->signers[i]));
    puts("");
}

static void
print_growth(const struct check *check)
{
    char since[FED_CHECKPOINT_SIZE], now[FED_CHECKPOINT_SIZE], head[SEC_HEX_SIZE];
    fed_checkpoint_text(since, &check->proof.since);
    fed_checkpoint_text(now, &check->proven.now);
    sec_hash_text(head, &check->proven.hash);
    printf("  since        %s\n               %s\n", since,
           check->kept ? "as it was kept"
                       : "COMPARE THIS with what you kept: the proof is worth nothing if it is "
                         "another (--checkpoint does it)");
    printf("  head         %s\n  checkpoint   %s\n", head, now);
}

static void
print_text(const struct check *check, const struct fed_roster *roster)
{
    const struct fed_proven *proven = &check->proven;
    unsigned long long       size   = proven->now.size;
    if (!proven->is_block)
        printf("proof verified: the ledger of %llu blocks begins with the %llu of the checkpoint; "
               "nothing was rewritten\n",
               size, (unsigned long long)check->proof.since.size);
    else if (size > 0)
        printf("proof verified: block %llu is in the ledger of %llu blocks\n",
               (unsigned long long)proven->block.height, size);
    else
        printf("proof verified: block %llu is in the coordinator's ledger\n",
               (unsigned long long)proven->block.height);
    print_signers(check, roster);
    if (proven->is_block)
        cli_block_text(stdout, &check->names, &proven->block, &proven->hash, 0);
    else
        print_growth(check);
}

static enum pn_status
print_json(const struct check *check, const struct fed_roster *roster)
{
    const struct fed_proven *proven = &check->proven;
    struct text_json        *json;
    char                     text[FED_CHECKPOINT_SIZE];
    enum pn_status           st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_string(json, "status", "verified");
    text_json_string(json, "proves", proven->is_block ? "block" : "growth");
    if (!proven->is_block) {
        fed_checkpoint_text(text, &check->proof.since);
        text_json_string(json, "since", text);
        text_json_bool(json, "since_compared", check->kept);
    }
    if (proven->now.size > 0) {
        fed_checkpoint_text(text, &proven->now);
        text_json_string(json, "checkpoint", text);
    }
    text_json_open_list(json, roster->mode == FED_MODE_SWARM ? "decided_newest" : "countersigned");
    for (uint32_t i = 0; i < proven->signer_count; i++)
        text_json_string(json, NULL, cli_names_find(&check->names, proven->signers[i]));
    text_json_close(json);
    cli_block_json(json, "block", &check->names, &proven->block, &proven->hash, 0);
    st = text_json_write(json, stdout);
    text_json_free(json);
    return st;
}

static enum pn_status
compare(struct check *check, const struct fed_checkpoint *kept, struct pn_error *why)
{
    const struct fed_checkpoint *since = &check->proof.since;
    if (since->size == 0)
        return pn_error_set(why, PN_ECONFIG,
                            "--checkpoint: it proves one block, and that begins at no checkpoint");
    if (since->size != kept->size)
        return pn_error_set(why, PN_ECONFIG,
                            "it begins with %llu blocks, and your checkpoint has %llu: ask for "
                            "`panal ledger prove --since %llu`",
                            (unsigned long long)since->size, (unsigned long long)kept->size,
                            (unsigned long long)kept->size);
    if (!sec_hash_equal(&since->root, &kept->root))
        return pn_error_set(why, PN_ECORRUPT,
                            "its first %llu blocks are not those of your checkpoint: the ledger "
                            "was rewritten, or is another one",
                            (unsigned long long)kept->size);
    check->kept = true;
    return PN_OK;
}

static enum pn_status
load(struct fed_proof *out, const char *path, struct pn_error *why)
{
    struct pn_buffer text;
    pn_buffer_init(&text, FED_PROOF_MAX);
    enum pn_status st = store_file_load(&text, path, why);
    if (st == PN_OK)
        st = fed_proof_parse(out, path, (const char *)text.bytes, text.size, why);
    pn_buffer_fini(&text);
    return st;
}

/* With the proof that was read. */
static enum pn_status
check_proof(struct check *check, const struct check_options *options, struct wire_arena *arena,
            struct pn_error *why)
{
    struct engine_roster_file file;
    struct fed_checkpoint     kept = {.size = 0};
    enum pn_status            st   = PN_OK;
    if (options->checkpoint != NULL)
        st = cli_checkpoint_parse(&kept, options->checkpoint, why);
    if (st != PN_OK || (st = engine_roster_load(&file, options->roster, why)) != PN_OK)
        return st;
    st = fed_proof_check(&check->proven, &check->proof, file.roster, arena, why);
    if (st == PN_OK && kept.size > 0)
        st = compare(check, &kept, why);
    cli_names_note(&check->names, file.roster);
    if (st == PN_OK)
        st = check->names.st;
    if (st == PN_OK && options->json)
        st = print_json(check, file.roster);
    else if (st == PN_OK)
        print_text(check, file.roster);
    cli_names_fini(&check->names);
    engine_roster_fini(&file);
    return st;
}

int
cli_ledger_check(int argc, char **argv)
{
    static struct check  check;
    struct check_options options;
    struct cli_arguments words = {
        .noun = "ledger", .verb = "check", .needed = {"roster"}, .words_min = 1, .words_max = 1};
    int code;
    if (!cli_parse(&options, check_table, &words, argc, argv, &code))
        return code;

    struct pn_error   why = {.text = ""};
    struct wire_arena arena;
    void             *block = aligned_alloc(16, WIRE_ARENA_SIZE);
    enum pn_status    st    = block != NULL ? load(&check.proof, words.words[0], &why) : PN_ENOMEM;
    if (st == PN_OK) {
        wire_arena_init(&arena, block, WIRE_ARENA_SIZE);
        st = check_proof(&check, &options, &arena, &why);
        fed_proof_fini(&check.proof);
    }
    free(block);
    pn_options_fini(&options, check_table);
    if (st != PN_OK) {
        pn_error_wrap(&why, st, "%s: NOT verified", words.words[0]);
        return cli_fail(st, &why);
    }
    return 0;
}
