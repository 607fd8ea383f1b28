/*
 * panal ledger prove -- takes a small file out of a ledger that proves one of its blocks, or that
 * it only grew since somebody last looked.
 */
#include "cli/command.h"
#include "cli/ledger.h"
#include "engine/extract.h"

#include <stdlib.h>

struct prove_options {
    char *roster, *block, *since, *out;
};

static const struct pn_option prove_table[] = {
    CLI_ROSTER_OPTION(struct prove_options),
    {"block", NULL, PN_OPT_TEXT, offsetof(struct prove_options, block), 1, 20,
     "prove that the block of this height is in the ledger; 0: genesis"},
    {"since", NULL, PN_OPT_TEXT, offsetof(struct prove_options, since), 1, 20,
     "prove that nothing was rewritten since the ledger had so many blocks"},
    {"out", NULL, PN_OPT_TEXT, offsetof(struct prove_options, out), 1, 4000,
     "write the proof to this file instead of printing it"},
    {0},
};

struct wish {
    bool     growth;
    uint64_t number;
};

static bool
read_wish(struct wish *out, const struct prove_options *options)
{
    const char *text = options->block != NULL ? options->block : options->since;
    out->growth      = options->since != NULL;
    return (options->block != NULL) != out->growth &&
           pn_number_parse(&out->number, text, PN_OPT_U64) && (!out->growth || out->number > 0);
}

/* What leaves must be accepted where it arrives. */
static enum pn_status
check_own(struct fed_proven *out, const struct fed_proof *proof, const struct fed_roster *roster,
          struct pn_error *why)
{
    struct wire_arena arena;
    void             *block = aligned_alloc(16, WIRE_ARENA_SIZE);
    if (block == NULL)
        return PN_ENOMEM;
    wire_arena_init(&arena, block, WIRE_ARENA_SIZE);
    enum pn_status st = fed_proof_check(out, proof, roster, &arena, why);
    free(block);
    return st;
}

static enum pn_status
write_proof(const struct fed_proof *proof, const char *path, struct pn_error *why)
{
    struct pn_buffer bytes;
    pn_buffer_init(&bytes, 2 * FED_PROOF_MAX);
    enum pn_status st = fed_proof_encode(&bytes, proof);
    if (st != PN_OK)
        pn_error_set(why, st, "the proof cannot be written: %s", pn_status_text(st));
    else if (path != NULL)
        st = store_file_save(path, bytes.bytes, bytes.size, 0644, why);
    else if (fwrite(bytes.bytes, 1, bytes.size, stdout) != bytes.size || fflush(stdout) != 0)
        st = pn_error_set(why, PN_EIO, "the proof cannot be printed");
    pn_buffer_fini(&bytes);
    return st;
}

/* To people, apart from the proof itself. */
static void
say_what(const struct wish *wish, const struct fed_proven *proven, const struct engine_proof *whole)
{
    unsigned long long number = wish->number, now = proven->now.size;
    if (!wish->growth)
        fprintf(stderr, "block %llu of the %llu here is proved\n", number,
                (unsigned long long)whole->blocks);
    else if (now == whole->blocks)
        fprintf(stderr, "from %llu blocks to all %llu: nothing was rewritten\n", number, now);
    else
        fprintf(stderr,
                "from %llu blocks to %llu: nothing was rewritten; more does not fit into one "
                "file, --since %llu proves what follows\n",
                number, now, now);
}

static enum pn_status
prove(const struct cli_ledger *ledger, const struct wish *wish, const char *path,
      struct pn_error *why)
{
    static struct fed_proven proven;
    struct engine_proof      whole;
    struct fed_proof         proof;
    enum pn_status           st =
        engine_proof_make(&whole, &ledger->disk, ledger->file.roster, NULL, NULL, why);
    if (st != PN_OK)
        return pn_error_wrap(why, st, "NOT verified");
    fed_proof_init(&proof);
    st = wish->growth ? engine_extract_growth(&proof, &ledger->disk, &whole, wish->number, why)
                      : engine_extract_block(&proof, &ledger->disk, &whole, wish->number, why);
    if (st == PN_OK)
        st = check_own(&proven, &proof, ledger->file.roster, why);
    if (st == PN_OK)
        st = write_proof(&proof, path, why);
    if (st == PN_OK)
        say_what(wish, &proven, &whole);
    fed_proof_fini(&proof);
    return st;
}

int
cli_ledger_prove(int argc, char **argv)
{
    struct prove_options options;
    struct cli_arguments words = {
        .noun = "ledger", .verb = "prove", .needed = {"roster"}, .words_min = 1, .words_max = 1};
    int code;
    if (!cli_parse(&options, prove_table, &words, argc, argv, &code))
        return code;

    struct pn_error   why = {.text = ""};
    struct wish       wish;
    struct cli_ledger ledger;
    enum pn_status    st = PN_OK;
    if (!read_wish(&wish, &options)) {
        code = cli_misuse(&words, "expected either --block HEIGHT or --since BLOCKS, which is at "
                                  "least 1");
        pn_options_fini(&options, prove_table);
        return code;
    }
    code = 0;
    st   = cli_ledger_open(&ledger, words.words[0], options.roster, &why);
    if (st == PN_OK) {
        if (ledger.nominal) {
            fprintf(stderr, "panal: %s: %s\n", words.words[0], cli_nominal_text);
            code = CLI_EXIT_NOMINAL;
        } else {
            st = prove(&ledger, &wish, options.out, &why);
        }
        cli_ledger_close(&ledger);
    }
    pn_options_fini(&options, prove_table);
    if (st != PN_OK) {
        pn_error_wrap(&why, st, "%s", words.words[0]);
        return cli_fail(st, &why);
    }
    return code;
}
