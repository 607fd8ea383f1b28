/*
 * panal ledger show -- who took part, who was missing and why, and what came out: as text, JSON or
 * a page.
 */
#include "cli/chain_page.h"
#include "cli/command.h"
#include "cli/ledger.h"
#include "engine/ledger.h"
#include "fed/pace.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    PAGE_MAX = 64u << 20
};

struct show_options {
    char    *roster, *html;
    uint64_t round;
    bool     json;
};

static const struct pn_option show_table[] = {
    CLI_ROSTER_OPTION(struct show_options),
    {"round", "0", PN_OPT_U64, offsetof(struct show_options, round), 0, UINT64_MAX,
     "only this round; 0: every block"},
    {"html", NULL, PN_OPT_TEXT, offsetof(struct show_options, html), 1, 4000,
     "write a page with the chain as a picture; it loads nothing from elsewhere"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct show_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

struct show {
    const struct fed_roster *roster; /* of the block that is shown */
    struct text_json        *json;   /* NULL: text */
    struct cli_chain        *page;   /* NULL: no page */
    uint64_t                 round;  /* only this one; 0: every block */
    const struct store_disk *disk;
    struct fed_job          *job; /* NULL: it is not there */
    struct fed_pace          pace;
    uint32_t                 steps; /* of the block's round; 0: the ledger does not say */
};

/* Names of members, with commas. */
static void
list_witnesses(const struct fed_roster *roster, const struct wire_block *block)
{
    for (size_t i = 0; i < block->witness_count; i++)
        printf("%s%s", i == 0 ? "" : ", ", cli_member_name(roster, block->witnesses[i].member));
}

/* ---- a change of the roster ---- */

/* One member of one of the two rosters, by what became of it. */
typedef void tell_change(void *context, const char *what, const char *name);

static void
compare_rosters(const struct fed_roster *before, const struct fed_roster *after, tell_change *tell,
                void *context)
{
    for (uint32_t i = 0; i < after->member_count; i++) {
        const struct fed_roster_member *now = &after->members[i];
        const struct fed_roster_member *old = fed_roster_find(before, now->number);
        if (old == NULL)
            tell(context, "joins", now->name);
        else if (!sec_equal(old->certificate.node.bytes, now->certificate.node.bytes, 32) ||
                 !sec_equal(old->certificate.transport.bytes, now->certificate.transport.bytes, 32))
            tell(context, "has new keys", now->name);
    }
    for (uint32_t i = 0; i < before->member_count; i++)
        if (fed_roster_find(after, before->members[i].number) == NULL)
            tell(context, "is no member any more", before->members[i].name);
}

/* The epoch that a block brings into force after it; NULL: none. The caller's, to free. */
static struct fed_roster *
next_roster(const struct fed_roster *roster, const struct wire_block *block)
{
    struct fed_roster        *next = NULL;
    struct pn_error           why;
    const struct wire_roster *carried = block->agreement->roster;
    if (carried == NULL || block->height == 0 || roster == NULL ||
        fed_roster_parse(&next, "the next epoch", (const char *)carried->text.bytes,
                         carried->text.size, &why) != PN_OK)
        return NULL;
    return next;
}

static void
print_change(void *context, const char *what, const char *name)
{
    (void)context;
    printf("    %-16s %s\n", name, what);
}

static void
show_next_roster(const struct fed_roster *roster, const struct wire_block *block)
{
    struct fed_roster *next = next_roster(roster, block);
    if (next == NULL)
        return;
    printf("    epoch %u of the roster is in force from block %llu on, signed by", next->epoch,
           (unsigned long long)block->height + 1);
    for (size_t i = 0; i < block->agreement->roster->signature_count; i++)
        printf("%s %s", i == 0 ? "" : ",", block->agreement->roster->signatures[i].signer);
    puts("");
    compare_rosters(roster, next, print_change, NULL);
    fed_roster_free(next);
}

static void
write_change(void *context, const char *what, const char *name)
{
    struct text_json *json = context;
    text_json_open_map(json, NULL);
    text_json_string(json, "name", name);
    text_json_string(json, "change", what);
    text_json_close(json);
}

static void
show_next_roster_json(struct text_json *json, const struct fed_roster *roster,
                      const struct wire_block *block)
{
    struct fed_roster *next = next_roster(roster, block);
    if (next == NULL)
        return;
    text_json_open_map(json, "next_roster");
    text_json_u64(json, "epoch", next->epoch);
    text_json_u64(json, "from_height", block->height + 1);
    text_json_hex(json, "hash", next->hash.bytes, 32);
    text_json_open_list(json, "changes");
    compare_rosters(roster, next, write_change, json);
    text_json_close(json);
    text_json_close(json);
    fed_roster_free(next);
}

/* ---- blocks ---- */

static void
show_agreement(const struct fed_roster *roster, const struct wire_block *block)
{
    const struct wire_agreement *agreement = block->agreement;
    printf("    proposed by %s in view %u\n", cli_member_name(roster, block->proposer),
           agreement->view);
    if (block->witness_count > 0) {
        printf("    the block before was decided in view %u by ", agreement->witness_view);
        list_witnesses(roster, block);
        puts("");
    }
    for (size_t i = 0; i < agreement->report_count; i++)
        printf("%s%s", i == 0 ? "    reports of " : ", ",
               cli_member_name(roster, agreement->reports[i].member));
    if (agreement->report_count > 0)
        puts(block->height == 0 ? " (sums for the scaling)" : " (on the model before)");
    for (size_t i = 0; i < agreement->conviction_count; i++)
        printf("    %-16s CONVICTED: signed two votes that contradict each other, block %llu view "
               "%u\n",
               cli_member_name(roster, agreement->convictions[i].first.member),
               (unsigned long long)agreement->convictions[i].first.height,
               agreement->convictions[i].first.view);
    show_next_roster(roster, block);
}

void
cli_block_text(const struct fed_roster *roster, const struct wire_block *block,
               const struct sec_hash *hash, uint32_t steps)
{
    char hex[SEC_HEX_SIZE], when[CLI_TIME_SIZE];
    sec_hash_text(hex, hash);
    cli_time_text(when, block->time_ms);
    printf("block %llu  %s", (unsigned long long)block->height, cli_kind_text(block->kind));
    if (block->kind == WIRE_BLOCK_ROUND)
        printf(" %llu, attempt %u", (unsigned long long)block->round, block->attempt);
    printf("  %sZ  %.16s\n", when, hex);
    if (block->agreement != NULL)
        show_agreement(roster, block);
    if (steps > 0)
        printf("    %u steps at each site, by the job's interval\n", steps);
    for (size_t i = 0; i < block->entry_count; i++)
        printf("    %-16s weight %llu  update norm %.4g\n",
               cli_member_name(roster, block->entries[i].member),
               (unsigned long long)block->entries[i].weight, block->entries[i].norm);
    for (size_t i = 0; i < block->absent_count; i++)
        printf("    %-16s absent: %s\n", cli_member_name(roster, block->absent[i].member),
               cli_absence_text(block->absent[i].reason));
    for (size_t i = 0; i < block->metric_count; i++)
        printf("    %s %.4f (%llu records)\n", block->metrics[i].name, block->metrics[i].value,
               (unsigned long long)block->metrics[i].records);
    if (block->note != NULL && block->note[0] != '\0')
        printf("    %s\n", block->note);
}

void
cli_block_json(struct text_json *json, const char *key, const struct fed_roster *roster,
               const struct wire_block *block, const struct sec_hash *hash, uint32_t steps)
{
    text_json_open_map(json, key);
    text_json_u64(json, "height", block->height);
    text_json_string(json, "kind", cli_kind_text(block->kind));
    text_json_hex(json, "hash", hash->bytes, 32);
    text_json_u64(json, "round", block->round);
    text_json_u64(json, "attempt", block->attempt);
    text_json_u64(json, "epoch", block->epoch);
    text_json_u64(json, "time_ms", block->time_ms);
    if (steps > 0)
        text_json_u64(json, "steps", steps);
    text_json_hex(json, "model", block->model_out.root, 32);
    text_json_open_list(json, "took_part");
    for (size_t i = 0; i < block->entry_count; i++) {
        const struct wire_entry *entry = &block->entries[i];
        text_json_open_map(json, NULL);
        text_json_string(json, "name", cli_member_name(roster, entry->member));
        text_json_u64(json, "member", entry->member);
        text_json_u64(json, "weight", entry->weight);
        text_json_f64(json, "norm", entry->norm);
        text_json_hex(json, "update", entry->update.root, 32);
        text_json_close(json);
    }
    text_json_close(json);
    text_json_open_list(json, "absent");
    for (size_t i = 0; i < block->absent_count; i++) {
        text_json_open_map(json, NULL);
        text_json_string(json, "name", cli_member_name(roster, block->absent[i].member));
        text_json_string(json, "reason", cli_absence_text(block->absent[i].reason));
        text_json_close(json);
    }
    text_json_close(json);
    text_json_open_map(json, "metrics");
    for (size_t i = 0; i < block->metric_count; i++)
        text_json_f64(json, block->metrics[i].name, block->metrics[i].value);
    text_json_close(json);
    text_json_string(json, "rule", "weighted mean");
    text_json_open_map(json, "privacy_budget_spent"); /* profile open spends none */
    text_json_close(json);
    if (block->agreement != NULL) {
        text_json_string(json, "proposer", cli_member_name(roster, block->proposer));
        text_json_u64(json, "view", block->agreement->view);
        text_json_u64(json, "previous_decided_in_view", block->agreement->witness_view);
        text_json_hex(json, "log_before", block->agreement->log, 32);
        text_json_open_list(json, "reports");
        for (size_t i = 0; i < block->agreement->report_count; i++)
            text_json_string(json, NULL,
                             cli_member_name(roster, block->agreement->reports[i].member));
        text_json_close(json);
        text_json_open_list(json, "convicted");
        for (size_t i = 0; i < block->agreement->conviction_count; i++)
            text_json_string(
                json, NULL, cli_member_name(roster, block->agreement->convictions[i].first.member));
        text_json_close(json);
        show_next_roster_json(json, roster, block);
    }
    text_json_open_list(json,
                        block->agreement != NULL ? "decided_previous" : "countersigned_previous");
    for (size_t i = 0; i < block->witness_count; i++)
        text_json_string(json, NULL, cli_member_name(roster, block->witnesses[i].member));
    text_json_close(json);
    if (block->note != NULL && block->note[0] != '\0')
        text_json_string(json, "note", block->note);
    text_json_close(json);
}

/* The blocks before this one say how many steps its round had. */
static void
follow_pace(struct show *show, const struct wire_block *block)
{
    struct sec_hash job;
    if (block->kind == WIRE_BLOCK_GENESIS && show->job == NULL) {
        memcpy(job.bytes, block->job, sizeof job.bytes);
        show->job = engine_ledger_job(show->disk, &job);
        if (show->job != NULL && show->job->interval.max > 0)
            fed_pace_init(&show->pace, show->job);
    }
    show->steps = 0;
    if (show->job == NULL || show->job->interval.max == 0)
        return;
    if (block->kind == WIRE_BLOCK_ROUND)
        show->steps = fed_pace_steps(&show->pace, show->job, block->round);
    fed_pace_take(&show->pace, show->job, block);
}

static void
show_block(void *context, const struct wire_block *block, const struct sec_hash *hash,
           const struct fed_roster *roster)
{
    struct show *show = context;
    show->roster      = roster;
    follow_pace(show, block);
    if (show->page != NULL)
        cli_chain_add(show->page, block, hash, roster);
    if (show->round > 0 && (block->kind != WIRE_BLOCK_ROUND || block->round != show->round))
        return;
    if (show->json != NULL)
        cli_block_json(show->json, NULL, show->roster, block, hash, show->steps);
    else
        cli_block_text(show->roster, block, hash, show->steps);
}

/* What is shown is proved first, so a block that does not verify is never printed; of a nominal
 * ledger, which proves nothing, that is said before anything else. */
static enum pn_status
show_ledger(const struct cli_ledger *ledger, struct show *show, struct pn_error *why)
{
    struct engine_proof proof;
    enum pn_status      st = PN_OK;
    if (ledger->nominal && show->json == NULL)
        printf("%s\n", cli_nominal_text);
    if (show->json != NULL) {
        text_json_string(show->json, "identity", ledger->nominal ? "nominal" : "real");
        text_json_open_list(show->json, "blocks");
    }
    if (ledger->nominal)
        st = engine_proof_read(&ledger->disk, show_block, show, why);
    else
        st = engine_proof_make(&proof, &ledger->disk, ledger->file.roster, show_block, show, why);
    if (st == PN_OK && show->json != NULL) {
        text_json_close(show->json);
        st = text_json_write(show->json, stdout);
    }
    return st;
}

/* With the page, if one is asked for. */
static enum pn_status
show_all(const struct cli_ledger *ledger, struct show *show, const struct show_options *options,
         struct pn_error *why)
{
    struct cli_chain page;
    struct pn_buffer bytes;
    enum pn_status   st = PN_OK;
    if (options->json)
        st = text_json_new(&show->json);
    cli_chain_init(&page);
    show->page = options->html != NULL ? &page : NULL;
    if (st == PN_OK)
        st = show_ledger(ledger, show, why);
    pn_buffer_init(&bytes, PAGE_MAX);
    if (st == PN_OK && show->page != NULL)
        st = cli_chain_html(&bytes, &page);
    if (st == PN_OK && show->page != NULL)
        st = store_file_save(options->html, bytes.bytes, bytes.size, 0644, why);
    pn_buffer_fini(&bytes);
    cli_chain_fini(&page);
    text_json_free(show->json);
    return st;
}

int
cli_ledger_show(int argc, char **argv)
{
    struct show_options  options;
    struct cli_arguments words = {
        .noun = "ledger", .verb = "show", .needed = {"roster"}, .words_min = 1, .words_max = 1};
    int code;
    if (!cli_parse(&options, show_table, &words, argc, argv, &code))
        return code;

    struct pn_error   why = {.text = ""};
    struct cli_ledger ledger;
    struct show       show = {.round = options.round};
    enum pn_status    st   = cli_ledger_open(&ledger, words.words[0], options.roster, &why);
    code                   = 0;
    if (st == PN_OK) {
        show.disk = &ledger.disk;
        code      = ledger.nominal ? CLI_EXIT_NOMINAL : 0;
        st        = show_all(&ledger, &show, &options, &why);
        fed_job_free(show.job);
        cli_ledger_close(&ledger);
    }
    pn_options_fini(&options, show_table);
    return st == PN_OK ? code : cli_fail(st, &why);
}
