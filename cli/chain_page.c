#include "cli/chain_page.h"

#include "cli/ledger.h"
#include "cli/page.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    BOX_WIDTH  = 74,
    BOX_HEIGHT = 46,
    STEP_X     = 96,
    STEP_Y     = 74,
    PER_ROW    = 10,
    LEFT       = 10,
    TOP        = 10
};

void
cli_chain_init(struct cli_chain *chain)
{
    *chain = (struct cli_chain){.count = 0};
}

void
cli_chain_fini(struct cli_chain *chain)
{
    free(chain->blocks);
    chain->blocks = NULL;
}

static void
fill_missing(struct cli_chain_block *out, const struct wire_block *block,
             const struct fed_roster *roster)
{
    size_t at = 0;
    for (size_t i = 0; i < block->absent_count && at < sizeof out->missing; i++) {
        int len = snprintf(out->missing + at, sizeof out->missing - at, "%s%s (%s)",
                           i == 0 ? "" : ", ", cli_member_name(roster, block->absent[i].member),
                           cli_absence_text(block->absent[i].reason));
        at += len > 0 ? (size_t)len : 0;
    }
}

void
cli_chain_add(struct cli_chain *chain, const struct wire_block *block, const struct sec_hash *hash,
              const struct fed_roster *roster)
{
    if (chain->count == chain->capacity) {
        size_t                  more  = 2 * chain->capacity + 64;
        struct cli_chain_block *grown = realloc(chain->blocks, more * sizeof *grown);
        if (grown == NULL) {
            chain->st = PN_ENOMEM;
            return;
        }
        chain->blocks   = grown;
        chain->capacity = more;
    }
    struct cli_chain_block *out = &chain->blocks[chain->count++];
    *out                        = (struct cli_chain_block){.kind    = block->kind,
                                                           .height  = block->height,
                                                           .round   = block->round,
                                                           .time_ms = block->time_ms,
                                                           .epoch   = block->epoch,
                                                           .entries = block->entry_count,
                                                           .absent  = block->absent_count,
                                                           .hash    = *hash};
    snprintf(out->proposer, sizeof out->proposer, "%s", cli_member_name(roster, block->proposer));
    if (block->agreement != NULL) {
        out->view        = block->agreement->view;
        out->convictions = block->agreement->conviction_count;
    }
    for (size_t i = 0; i < block->metric_count; i++, out->metric_count++) {
        snprintf(out->metrics[i].name, sizeof out->metrics[i].name, "%s", block->metrics[i].name);
        out->metrics[i].value = block->metrics[i].value;
    }
    fill_missing(out, block, roster);
}

/* ---- the picture ---- */

static const char *
colour_of(const struct cli_chain_block *block)
{
    if (block->convictions > 0)
        return "#e9a0a0";
    if (block->absent > 0)
        return "#f3d9a0";
    return block->kind == WIRE_BLOCK_ROUND ? "#cfe6d2" : "#d5dbe8";
}

/* Rows in turn from left to right and from right to left, so that a line joins neighbours. */
static void
place(int *x, int *y, size_t i)
{
    size_t row = i / PER_ROW, column = i % PER_ROW;
    if (row % 2 == 1)
        column = PER_ROW - 1 - column;
    *x = LEFT + (int)column * STEP_X;
    *y = TOP + (int)row * STEP_Y;
}

static void
put_line(struct cli_page *page, size_t i)
{
    int x, y, before_x, before_y;
    place(&x, &y, i);
    place(&before_x, &before_y, i - 1);
    CLI_PUT(page, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" stroke=\"#888\"/>\n",
            before_x + BOX_WIDTH / 2, before_y + BOX_HEIGHT / 2, x + BOX_WIDTH / 2,
            y + BOX_HEIGHT / 2);
}

static void
put_box(struct cli_page *page, const struct cli_chain_block *block, size_t i)
{
    int  x, y;
    char hex[SEC_HEX_SIZE];
    place(&x, &y, i);
    sec_hash_text(hex, &block->hash);
    CLI_PUT(page,
            "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" rx=\"5\" fill=\"%s\" "
            "stroke=\"#555\"/>\n",
            x, y, BOX_WIDTH, BOX_HEIGHT, colour_of(block));
    CLI_PUT(page,
            "<text x=\"%d\" y=\"%d\" font-size=\"13\">%llu</text>"
            "<text x=\"%d\" y=\"%d\" font-size=\"10\" font-family=\"monospace\">%.8s</text>\n",
            x + 7, y + 18, (unsigned long long)block->height, x + 7, y + 36, hex);
}

static void
put_picture(struct cli_page *page, const struct cli_chain *chain)
{
    size_t rows = (chain->count + PER_ROW - 1) / PER_ROW;
    CLI_PUT(page, "<svg width=\"%d\" height=\"%d\" role=\"img\" aria-label=\"the chain\">\n",
            2 * LEFT + PER_ROW * STEP_X, TOP + (int)rows * STEP_Y);
    for (size_t i = 1; i < chain->count; i++) /* lines lie under the boxes */
        put_line(page, i);
    for (size_t i = 0; i < chain->count; i++)
        put_box(page, &chain->blocks[i], i);
    CLI_PUT(page, "</svg>\n<p>green: a round with everybody; yellow: somebody was missing; red: "
                  "somebody was convicted; grey: beginning and end</p>\n");
}

/* ---- the rest ---- */

static void
put_curve(struct cli_page *page, const struct cli_chain *chain, const char *name, double *values)
{
    for (size_t i = 0; i < chain->count; i++) {
        const struct cli_chain_block *block = &chain->blocks[i];
        values[i]                           = (double)NAN;
        for (size_t m = 0; m < block->metric_count; m++)
            if (strcmp(block->metrics[m].name, name) == 0)
                values[i] = block->metrics[m].value;
    }
    cli_page_curves(page, name, &(struct cli_curve){.name = "", .values = values}, 1, chain->count);
}

/* Of every metric that the newest block with any has. */
static void
put_curves(struct cli_page *page, const struct cli_chain *chain)
{
    const struct cli_chain_block *newest = NULL;
    double                       *values = malloc((chain->count + 1) * sizeof *values);
    for (size_t i = 0; i < chain->count; i++)
        if (chain->blocks[i].metric_count > 0)
            newest = &chain->blocks[i];
    for (size_t m = 0; values != NULL && newest != NULL && m < newest->metric_count; m++)
        put_curve(page, chain, newest->metrics[m].name, values);
    free(values);
}

static void
put_row(struct cli_page *page, const struct cli_chain_block *block)
{
    char when[CLI_TIME_SIZE], hex[SEC_HEX_SIZE];
    cli_time_text(when, block->time_ms);
    sec_hash_text(hex, &block->hash);
    CLI_PUT(page, "<tr><td>%llu</td><td>%s %llu</td><td>%s</td><td>",
            (unsigned long long)block->height, cli_kind_text(block->kind),
            (unsigned long long)block->round, when);
    cli_page_text(page, block->proposer);
    CLI_PUT(page, "</td><td>%u</td><td>%u</td><td>%zu</td><td>", block->view, block->epoch,
            block->entries);
    cli_page_text(page, block->missing);
    CLI_PUT(page, "</td><td>");
    for (size_t m = 0; m < block->metric_count; m++) {
        cli_page_text(page, block->metrics[m].name);
        CLI_PUT(page, " %.4f ", block->metrics[m].value);
    }
    CLI_PUT(page, "</td><td><code>%.16s</code></td></tr>\n", hex);
}

enum pn_status
cli_chain_html(struct pn_buffer *out, const struct cli_chain *chain)
{
    struct cli_page page;
    if (chain->st != PN_OK)
        return chain->st;
    cli_page_begin(&page, out, "Ledger");
    put_picture(&page, chain);
    put_curves(&page, chain);
    CLI_PUT(
        &page,
        "<table><tr><th>block</th><th>kind</th><th>time (UTC)</th><th>proposer</th>"
        "<th>view</th><th>epoch</th><th>updates</th><th>missing</th><th>metrics</th><th>hash</th>"
        "</tr>\n");
    for (size_t i = 0; i < chain->count; i++)
        put_row(&page, &chain->blocks[i]);
    CLI_PUT(&page, "</table>\n<p>rule: weighted mean; profile open: no privacy budget is spent</p>"
                   "\n");
    return cli_page_end(&page);
}
