#include "cli/chain_page.h"

#include "cli/chain_table.h"
#include "cli/ledger_change.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    BOX_WIDTH  = 74,
    BOX_HEIGHT = 46,
    STEP_X     = 92,
    STEP_Y     = 74,
    PER_ROW    = 10,
    LEFT       = 10,
    TOP        = 10,
    TABLE_MAX  = 64 << 20
};

void
cli_chain_init(struct cli_chain *chain)
{
    *chain = (struct cli_chain){.count = 0};
    pn_buffer_init(&chain->row_bytes, TABLE_MAX);
    pn_buffer_init(&chain->epoch_bytes, TABLE_MAX);
    chain->rows.out   = &chain->row_bytes;
    chain->epochs.out = &chain->epoch_bytes;
}

void
cli_chain_fini(struct cli_chain *chain)
{
    free(chain->blocks);
    chain->blocks = NULL;
    pn_buffer_fini(&chain->row_bytes);
    pn_buffer_fini(&chain->epoch_bytes);
}

/* ---- taking blocks ---- */

/* True when the block brings another roster. */
static bool
note_epoch(struct cli_chain *chain, const struct wire_block *block, const struct fed_roster *roster)
{
    struct fed_roster *next = cli_change_next(roster, block);
    bool               more = next != NULL;
    if (roster != NULL && (more || chain->count == 0))
        cli_chain_put_epoch(&chain->epochs, block, roster, next);
    fed_roster_free(next);
    return more;
}

static struct cli_chain_block *
add_block(struct cli_chain *chain)
{
    if (chain->count == chain->capacity) {
        size_t                  more  = 2 * chain->capacity + 64;
        struct cli_chain_block *grown = realloc(chain->blocks, more * sizeof *grown);
        if (grown == NULL) {
            chain->st = PN_ENOMEM;
            return NULL;
        }
        chain->blocks   = grown;
        chain->capacity = more;
    }
    return &chain->blocks[chain->count++];
}

void
cli_chain_add(struct cli_chain *chain, const struct wire_block *block, const struct sec_hash *hash,
              const struct cli_names *names)
{
    bool                    changes = note_epoch(chain, block, names->roster);
    struct cli_chain_block *out     = add_block(chain);
    if (out == NULL)
        return;
    *out          = (struct cli_chain_block){.kind    = block->kind,
                                             .height  = block->height,
                                             .missed  = block->absent_count > 0,
                                             .changes = changes,
                                             .hash    = *hash};
    out->convicts = block->agreement != NULL && block->agreement->conviction_count > 0;
    for (size_t i = 0; i < block->metric_count; i++, out->metric_count++) {
        snprintf(out->metrics[i].name, sizeof out->metrics[i].name, "%s", block->metrics[i].name);
        out->metrics[i].value = block->metrics[i].value;
    }
    chain->swarm = block->agreement != NULL;
    chain->model = fed_blob_from_wire(&block->model_out);
    chain->rounds += block->kind == WIRE_BLOCK_ROUND;
    memcpy(chain->run, block->run, sizeof chain->run);
    memcpy(chain->job, block->job, sizeof chain->job);
    cli_chain_put_row(&chain->rows, block, hash, names);
}

/* ---- the picture ---- */

static const char *
colour_of(const struct cli_chain_block *block)
{
    if (block->convicts)
        return "#e9a0a0";
    if (block->missed)
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
    CLI_PUT(page, "<line x1='%d' y1='%d' x2='%d' y2='%d' stroke='#888'/>\n",
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
    CLI_PUT(page, "<rect x='%d' y='%d' width='%d' height='%d' rx='5' fill='%s' stroke='%s'/>\n", x,
            y, BOX_WIDTH, BOX_HEIGHT, colour_of(block),
            block->changes ? "#1b4f9c' stroke-width='3" : "#555");
    CLI_PUT(page,
            "<text x='%d' y='%d' style='font-size:13px'>%llu</text>"
            "<text x='%d' y='%d' style='font-size:10px;font-family:monospace'>%.8s</text>\n",
            x + 7, y + 18, (unsigned long long)block->height, x + 7, y + 36, hex);
}

static void
put_picture(struct cli_page *page, const struct cli_chain *chain)
{
    size_t rows = (chain->count + PER_ROW - 1) / PER_ROW;
    CLI_PUT(page, "<svg width='%d' height='%d' role='img' aria-label='the chain'>\n",
            2 * LEFT + PER_ROW * STEP_X, TOP + (int)rows * STEP_Y);
    for (size_t i = 1; i < chain->count; i++) /* lines lie under the boxes */
        if (chain->blocks[i].height == chain->blocks[i - 1].height + 1)
            put_line(page, i);
    for (size_t i = 0; i < chain->count; i++)
        put_box(page, &chain->blocks[i], i);
    CLI_PUT(
        page,
        "</svg>\n<p>Each block with its height and the beginning of its hash, which the next one "
        "names. Green: a round with everybody of its cohort; yellow: somebody was missing or "
        "dropped; red: "
        "somebody was convicted; grey: beginning and end; a blue edge: members change after "
        "it.</p>\n");
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
    if (chain->count > 1) /* genesis has none; the axis counts blocks of this copy */
        cli_page_curves(page, name, &(struct cli_curve){.name = "", .values = values + 1}, 1,
                        chain->count - 1);
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
put_fact(struct cli_page *page, const char *what, const uint8_t *bytes, size_t size)
{
    char hex[SEC_HEX_SIZE];
    pn_hex_encode(hex, bytes, size);
    CLI_PUT(page, "<tr><th>%s</th><td><code>%s</code></td></tr>\n", what, hex);
}

static void
put_facts(struct cli_page *page, const struct cli_chain *chain, const char *note)
{
    if (note != NULL) {
        CLI_PUT(page, "<p class='note'>");
        cli_page_text(page, note);
        CLI_PUT(page, "</p>\n");
    } else {
        CLI_PUT(page, "<p>It was verified when this page was made: chain, signatures and what is "
                      "kept beside them (<code>panal ledger verify</code>).</p>\n");
    }
    CLI_PUT(page, "<table class='facts'><tr><th>blocks</th><td>%zu, of them %llu rounds</td></tr>",
            chain->count, (unsigned long long)chain->rounds);
    put_fact(page, "run", chain->run, sizeof chain->run);
    put_fact(page, "job", chain->job, sizeof chain->job);
    put_fact(page, "newest model", chain->model.root.bytes, 32);
    if (chain->count > 0)
        put_fact(page, "head", chain->blocks[chain->count - 1].hash.bytes, 32);
    CLI_PUT(page, "</table>\n");
}

static void
put_table(struct cli_page *page, const char *title, const char *heads, const struct pn_buffer *rows)
{
    CLI_PUT(page, "<h2>%s</h2>\n<table class='rows'><tr>%s</tr>\n", title, heads);
    if (page->st == PN_OK)
        page->st = pn_buffer_append(page->out, rows->bytes, rows->size);
    CLI_PUT(page, "</table>\n");
}

enum pn_status
cli_chain_html(struct pn_buffer *out, const struct cli_chain *chain, const char *note)
{
    struct cli_page page;
    enum pn_status  st = chain->st;
    if (st == PN_OK)
        st = chain->rows.st;
    if (st == PN_OK)
        st = chain->epochs.st;
    if (st != PN_OK)
        return st;
    cli_page_begin(&page, out, "Ledger");
    CLI_PUT(&page, "<h1>Ledger</h1>\n");
    put_facts(&page, chain, note);
    put_picture(&page, chain);
    put_curves(&page, chain);
    if (chain->epoch_bytes.size > 0)
        put_table(&page, "Members",
                  "<th>epoch</th><th>from block</th><th>what changed</th><th>members</th>"
                  "<th>signed by</th>",
                  &chain->epoch_bytes);
    put_table(&page, "Blocks",
              "<th>block</th><th>what, when</th><th>took part,<br>with records</th>"
              "<th>missing or<br>dropped, why</th><th>rule, privacy<br>budget spent</th>"
              "<th>model, metrics</th>",
              &chain->row_bytes);
    CLI_PUT(&page,
            "<p>Records: as many as the update counts for, the job's <code>limits.weight</code> at "
            "most. Metrics: of the model %s, on the members' validation records. The "
            "privacy budget of profile open is none. Hashes are cut after 16 digits; the whole one "
            "is in the tooltip, and in <code>panal ledger show --json</code>.</p>\n",
            chain->swarm ? "before the block" : "of the block");
    return cli_page_end(&page);
}
