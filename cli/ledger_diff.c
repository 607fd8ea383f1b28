/*
 * panal ledger diff -- the first block where two members' ledgers part, and who signed both.
 */
#include "cli/command.h"
#include "cli/ledger.h"
#include "cli/ledger_side.h"
#include "text/json.h"

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

struct diff {
    struct cli_side              sides[2];
    const struct cli_side_block *parted[2]; /* NULL: nowhere */
    size_t                       same;      /* blocks before */
};

/* ---- what the signatures under both say ---- */

static const char one_view_text[] =
    "two votes of one member in one view contradict each other: these signatures convict each";
static const char other_views_text[] =
    "the votes are of different views: somebody broke its lock, and these signatures alone do not "
    "show who";
static const char coordinator_text[] =
    "nobody may sign two blocks of one height: these signatures convict each";

static size_t
count_both(const struct diff *diff)
{
    size_t both = 0;
    for (size_t i = 0; i < diff->parted[0]->signer_count; i++)
        both += cli_side_has_signed(diff->parted[1], diff->parted[0]->signers[i]);
    return both;
}

/* Whoever signed both has lied: always with a coordinator, who makes one block a height; in a swarm
 * when it was in one view. */
static bool
is_convicted(const struct diff *diff)
{
    return count_both(diff) > 0 && diff->parted[0]->signed_view == diff->parted[1]->signed_view;
}

static bool
made_both(const struct diff *diff)
{
    return diff->sides[0].swarm && diff->parted[0]->proposer == diff->parted[1]->proposer;
}

/* ---- text ---- */

static void
print_side(const struct cli_side *side, const struct cli_side_block *block)
{
    char hex[SEC_HEX_SIZE];
    sec_hash_text(hex, &block->hash);
    printf("  %s\n    block %llu  %.16s, proposed by %s", side->directory,
           (unsigned long long)block->height, hex, cli_names_find(&side->names, block->proposer));
    if (block->view > 0)
        printf(" in view %u", block->view);
    printf("\n    signed by");
    for (size_t i = 0; i < block->signer_count; i++)
        printf("%s %s", i == 0 ? "" : ",", cli_names_find(&side->names, block->signers[i]));
    if (block->signed_view > 0)
        printf(", in view %u", block->signed_view);
    puts("");
}

static void
print_both(const struct diff *diff)
{
    size_t both = 0;
    printf("  signed both:");
    for (size_t i = 0; i < diff->parted[0]->signer_count; i++) {
        uint32_t number = diff->parted[0]->signers[i];
        if (cli_side_has_signed(diff->parted[1], number))
            printf("%s %s", both++ == 0 ? "" : ",", cli_names_find(&diff->sides[0].names, number));
    }
    if (both == 0)
        printf(" nobody");
    puts("");
    if (is_convicted(diff))
        printf("    %s\n", diff->sides[0].swarm ? one_view_text : coordinator_text);
    else if (both > 0)
        printf("    %s\n", other_views_text);
    if (made_both(diff))
        printf("  proposed both: %s, and a member makes one block a height\n",
               cli_names_find(&diff->sides[0].names, diff->parted[0]->proposer));
}

static void
print_text(const struct diff *diff)
{
    const struct cli_side *a = &diff->sides[0], *b = &diff->sides[1];
    if (diff->parted[0] == NULL) {
        printf("the same %zu blocks", diff->same);
        for (size_t i = 0; i < 2; i++)
            if (diff->sides[i].count > diff->same)
                printf("; %s has %zu more", diff->sides[i].directory,
                       diff->sides[i].count - diff->same);
        puts("");
        return;
    }
    printf("they part at block %llu; the %zu before are the same\n",
           (unsigned long long)diff->parted[0]->height, diff->same);
    print_side(a, diff->parted[0]);
    print_side(b, diff->parted[1]);
    print_both(diff);
}

/* ---- JSON ---- */

static void
write_side(struct text_json *json, const struct cli_side *side, const struct cli_side_block *block)
{
    text_json_open_map(json, NULL);
    text_json_string(json, "directory", side->directory);
    text_json_u64(json, "blocks", side->count);
    if (block != NULL) {
        text_json_hex(json, "block", block->hash.bytes, 32);
        text_json_string(json, "proposer", cli_names_find(&side->names, block->proposer));
        text_json_u64(json, "view", block->view);
        text_json_u64(json, "signed_in_view", block->signed_view);
        text_json_open_list(json, "signed_by");
        for (size_t i = 0; i < block->signer_count; i++)
            text_json_string(json, NULL, cli_names_find(&side->names, block->signers[i]));
        text_json_close(json);
    }
    text_json_close(json);
}

static enum pn_status
print_json(const struct diff *diff)
{
    struct text_json            *json;
    const struct cli_side_block *one = diff->parted[0];
    enum pn_status               st  = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_bool(json, "parted", one != NULL);
    text_json_u64(json, "same_blocks", diff->same);
    if (one != NULL)
        text_json_u64(json, "height", one->height);
    text_json_open_list(json, "ledgers");
    for (size_t i = 0; i < 2; i++)
        write_side(json, &diff->sides[i], diff->parted[i]);
    text_json_close(json);
    text_json_open_list(json, "signed_both");
    for (size_t i = 0; one != NULL && i < one->signer_count; i++)
        if (cli_side_has_signed(diff->parted[1], one->signers[i]))
            text_json_string(json, NULL, cli_names_find(&diff->sides[0].names, one->signers[i]));
    text_json_close(json);
    text_json_bool(json, "convicted_by_it", one != NULL && is_convicted(diff));
    text_json_bool(json, "proposed_both", one != NULL && made_both(diff));
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

    struct pn_error why  = {.text = ""};
    struct diff     diff = {.same = 0};
    enum pn_status  st   = PN_OK;
    for (size_t i = 0; i < 2 && st == PN_OK; i++)
        st = cli_side_read(&diff.sides[i], words.words[i], options.roster, &why);
    if (st == PN_OK && memcmp(diff.sides[0].run, diff.sides[1].run, sizeof diff.sides[0].run) != 0)
        st = pn_error_set(&why, PN_ECONFIG,
                          "expected two copies of one run's ledger; %s and %s are of two runs, "
                          "which have no block in common",
                          diff.sides[0].directory, diff.sides[1].directory);
    if (st == PN_OK) {
        diff.same =
            cli_side_compare(&diff.parted[0], &diff.parted[1], &diff.sides[0], &diff.sides[1]);
        if (options.json)
            st = print_json(&diff);
        else
            print_text(&diff);
    }
    cli_side_fini(&diff.sides[0]);
    cli_side_fini(&diff.sides[1]);
    pn_options_fini(&options, diff_table);
    if (st != PN_OK)
        return cli_fail(st, &why);
    return diff.parted[0] != NULL ? 1 : 0;
}
