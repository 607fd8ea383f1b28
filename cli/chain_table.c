#include "cli/chain_table.h"

#include "cli/ledger.h"
#include "cli/ledger_change.h"

/* ---- a row a block ---- */

/* The whole of it is what files are named by; its beginning is what people compare. */
static void
put_hash(struct cli_page *page, const uint8_t hash[static 32])
{
    char hex[SEC_HEX_SIZE];
    pn_hex_encode(hex, hash, 32);
    CLI_PUT(page, "<code title='%s'>%.16s</code>", hex, hex);
}

static void
put_took_part(struct cli_page *page, const struct wire_block *block, const struct cli_names *names)
{
    for (size_t i = 0; i < block->entry_count; i++) {
        CLI_PUT(page, i == 0 ? "<span>" : ", <span>");
        cli_page_text(page, cli_names_find(names, block->entries[i].member));
        CLI_PUT(page, " %llu</span>", (unsigned long long)block->entries[i].weight);
    }
}

static void
put_missing(struct cli_page *page, const struct wire_block *block, const struct cli_names *names)
{
    for (size_t i = 0; i < block->absent_count; i++) {
        const struct wire_absent *absent = &block->absent[i];
        CLI_PUT(page, i == 0 ? "" : ", ");
        cli_page_text(page, cli_names_find(names, absent->member));
        CLI_PUT(page, cli_absence_is_drop(absent->reason) ? " dropped: %s" : " %s",
                cli_absence_text(absent->reason));
    }
    for (size_t i = 0; block->agreement != NULL && i < block->agreement->conviction_count; i++) {
        CLI_PUT(page, i + block->absent_count == 0 ? "" : ", ");
        cli_page_text(page, cli_names_find(names, block->agreement->convictions[i].first.member));
        CLI_PUT(page, " <b>convicted of two votes</b>");
    }
}

void
cli_chain_put_row(struct cli_page *page, const struct wire_block *block,
                  const struct sec_hash *hash, const struct cli_names *names)
{
    char when[CLI_TIME_SIZE];
    bool round = block->kind == WIRE_BLOCK_ROUND;
    cli_time_text(when, block->time_ms);
    CLI_PUT(page, "<tr><td>%llu<br>", (unsigned long long)block->height);
    put_hash(page, hash->bytes);
    CLI_PUT(page, "</td><td>%s", cli_kind_text(block->kind));
    if (round)
        CLI_PUT(page, " %llu", (unsigned long long)block->round);
    CLI_PUT(page, "<br>%s<br>by ", when);
    cli_page_text(page, cli_names_find(names, block->proposer));
    if (block->agreement != NULL)
        CLI_PUT(page, ", view %u", block->agreement->view);
    CLI_PUT(page, "</td><td class='text'>");
    put_took_part(page, block, names);
    CLI_PUT(page, "</td><td class='text'>");
    put_missing(page, block, names);
    if (round)
        CLI_PUT(page, "</td><td>%s<br>%s</td><td>", cli_rule_text, cli_budget_text);
    else
        CLI_PUT(page, "</td><td></td><td>");
    put_hash(page, block->model_out.root);
    for (size_t m = 0; m < block->metric_count; m++) {
        CLI_PUT(page, "<br>");
        cli_page_text(page, block->metrics[m].name);
        CLI_PUT(page, " %.4f", block->metrics[m].value);
    }
    CLI_PUT(page, "</td></tr>\n");
}

/* ---- a row an epoch ---- */

static void
put_change(void *context, const char *what, const char *name)
{
    struct cli_page *page = context;
    cli_page_text(page, name);
    CLI_PUT(page, " %s<br>", what);
}

static void
put_members(struct cli_page *page, const struct fed_roster *roster)
{
    for (uint32_t i = 0; i < roster->member_count; i++) {
        CLI_PUT(page, i == 0 ? "<span>" : ", <span>");
        cli_page_text(page, roster->members[i].name);
        CLI_PUT(page, "</span>");
    }
}

void
cli_chain_put_epoch(struct cli_page *page, const struct wire_block *block,
                    const struct fed_roster *roster, const struct fed_roster *next)
{
    const struct wire_roster *carried = next != NULL ? block->agreement->roster : NULL;
    CLI_PUT(page, "<tr><td>%u</td><td>%llu</td><td>", next != NULL ? next->epoch : roster->epoch,
            (unsigned long long)block->height + (next != NULL));
    if (next != NULL)
        cli_change_tell(roster, next, put_change, page);
    else
        CLI_PUT(page, "as the ledger begins");
    CLI_PUT(page, "</td><td class='text'>");
    put_members(page, next != NULL ? next : roster);
    CLI_PUT(page, "</td><td class='text'>");
    for (size_t i = 0; carried != NULL && i < carried->signature_count; i++) {
        CLI_PUT(page, i == 0 ? "<span>" : ", <span>");
        cli_page_text(page, carried->signatures[i].signer);
        CLI_PUT(page, "</span>");
    }
    CLI_PUT(page, "</td></tr>\n");
}
