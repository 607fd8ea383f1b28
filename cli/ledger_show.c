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
    struct cli_names         names;
    struct text_json        *json;  /* NULL: text */
    FILE                    *text;  /* NULL: JSON */
    struct cli_chain        *page;  /* NULL: no page */
    uint64_t                 round; /* only this one; 0: every block */
    bool                     shown; /* a block */
    const struct store_disk *disk;
    struct fed_job          *job; /* NULL: it is not there */
    struct fed_pace          pace;
    uint32_t                 steps; /* of the block's round; 0: the ledger does not say */
};

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
    cli_names_note(&show->names, roster);
    follow_pace(show, block);
    if (show->page != NULL)
        cli_chain_add(show->page, block, hash, &show->names);
    if (show->round > 0 && (block->kind != WIRE_BLOCK_ROUND || block->round != show->round))
        return;
    show->shown = true;
    if (show->json != NULL)
        cli_block_json(show->json, NULL, &show->names, block, hash, show->steps);
    else
        cli_block_text(show->text, &show->names, block, hash, show->steps);
}

/* Into show->json or show->text, and the page. Of a nominal ledger, which proves nothing, that is
 * said before anything else. */
static enum pn_status
read_ledger(const struct cli_ledger *ledger, struct show *show, struct pn_error *why)
{
    struct engine_proof proof;
    enum pn_status      st = PN_OK;
    if (ledger->nominal && show->text != NULL)
        fprintf(show->text, "%s\n", cli_nominal_text);
    if (show->json != NULL) {
        text_json_string(show->json, "identity", ledger->nominal ? "nominal" : "real");
        text_json_open_list(show->json, "blocks");
    }
    if (ledger->nominal)
        st = engine_proof_read(&ledger->disk, show_block, show, why);
    else
        st = engine_proof_make(&proof, &ledger->disk, ledger->file.roster, show_block, show, why);
    if (st == PN_OK && !show->shown)
        st = pn_error_set(why, PN_ENOENT, "round %llu is not in this ledger",
                          (unsigned long long)show->round);
    if (st == PN_OK)
        st = show->names.st;
    if (show->json != NULL)
        text_json_close(show->json);
    return st;
}

/* A block is proved by what stands after it, the last one by what lies beside the ledger: so
 * nothing is printed before all is read. */
static enum pn_status
show_ledger(const struct cli_ledger *ledger, struct show *show, struct pn_error *why)
{
    char          *text = NULL;
    size_t         size = 0;
    enum pn_status st;
    if (show->json == NULL && (show->text = open_memstream(&text, &size)) == NULL)
        return PN_ENOMEM;
    st = read_ledger(ledger, show, why);
    if (show->text != NULL && fclose(show->text) != 0 && st == PN_OK)
        st = pn_error_set(why, PN_ENOMEM, "no memory for what is to be shown");
    if (st == PN_OK && show->json != NULL)
        st = text_json_write(show->json, stdout);
    else if (st == PN_OK)
        (void)fwrite(text, 1, size, stdout);
    free(text);
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
        st = cli_chain_html(&bytes, &page, ledger->nominal ? cli_nominal_text : NULL);
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
        cli_names_fini(&show.names);
        cli_ledger_close(&ledger);
    }
    pn_options_fini(&options, show_table);
    if (st != PN_OK) {
        pn_error_wrap(&why, st, "%s", words.words[0]);
        return cli_fail(st, &why);
    }
    return code;
}
