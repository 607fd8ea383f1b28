/*
 * panal ledger -- verify: prove what was averaged; show: who took part, and what came out.
 */
#include "cli/command.h"
#include "engine/party.h"
#include "engine/proof.h"
#include "store/files.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ledger_options {
    char *roster, *head;
    bool  json;
};

#define ROSTER_OPTION                                                                              \
    {                                                                                              \
        "roster", NULL, PN_OPT_TEXT, offsetof(struct ledger_options, roster), 1, 4000,             \
            "the signed federation.yaml that you trust, not a copy from DIR"                       \
    }

static const struct pn_option verify_table[] = {
    ROSTER_OPTION,
    {"head", NULL, PN_OPT_TEXT, offsetof(struct ledger_options, head), 64, 64,
     "hash of a block known from elsewhere; it must be in this ledger: its end was not cut off"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct ledger_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

static const struct pn_option show_table[] = {
    ROSTER_OPTION,
    {"json", "no", PN_OPT_FLAG, offsetof(struct ledger_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

/* An opened ledger with its roster: what both verbs start from. */
struct ledger {
    struct engine_roster_file file; /* no roster when nominal: there is none to trust */
    struct store_files       *files;
    struct store_disk         disk;
    bool                      nominal;
};

/* Not among those of a status (README): what was asked cannot be said of such a ledger. */
enum {
    EXIT_NOMINAL = 9
};
static const char nominal_text[] =
    "nominal identity: a simulation made this ledger (panal-sim run --identity nominal); nothing "
    "in it is signed or hashed, so nothing can be proved from it";

static enum pn_status
ledger_open(struct ledger *out, const char *directory, const char *roster, struct pn_error *why)
{
    *out              = (struct ledger){.nominal = false};
    enum pn_status st = store_files_open(&out->files, &out->disk, directory, STORE_READ, why);
    if (st != PN_OK)
        return st;
    out->nominal = engine_proof_is_nominal(&out->disk);
    if (!out->nominal)
        st = engine_roster_load(&out->file, roster, why);
    if (st != PN_OK)
        store_files_close(out->files);
    return st;
}

static void
ledger_close(struct ledger *ledger)
{
    store_files_close(ledger->files);
    if (!ledger->nominal)
        engine_roster_fini(&ledger->file);
}

static void
print_proof(const struct engine_proof *proof, const struct fed_roster *roster)
{
    char head[SEC_HEX_SIZE], model[SEC_HEX_SIZE], signers[SEC_FINGERPRINT_SIZE];
    sec_hash_text(head, &proof->head);
    sec_hash_text(model, &proof->model.root);
    fed_roster_fingerprint(signers, roster);
    printf("ledger verified: %llu blocks, %llu rounds%s\n", (unsigned long long)proof->blocks,
           (unsigned long long)proof->rounds,
           proof->finished ? ", the run is closed" : ", the run is not closed");
    printf("  signatures   every block by its proposer, %llu commitments, %llu countersignatures\n",
           (unsigned long long)proof->commitments, (unsigned long long)proof->witnesses);
    if (proof->head_votes > 0)
        printf("  votes        %u of %u members decided the newest block\n", proof->head_votes,
               roster->member_count);
    printf("  models       %llu hash to their block%s\n", (unsigned long long)proof->models_checked,
           proof->models_absent > 0 ? " (the others are no longer kept)" : "");
    printf("  aggregates   %llu of %llu rounds recomputed from the committed updates, bit for bit",
           (unsigned long long)proof->sums_checked, (unsigned long long)proof->rounds);
    puts(proof->sums_absent > 0 ? "\n               (the updates of the others are no longer kept)"
                                : "");
    if (proof->gaps > 0)
        printf(
            "  gaps         %llu blocks are not in this copy: the job sends a block to the nodes "
            "of its round\n",
            (unsigned long long)proof->gaps);
    printf("  roster       %s, epoch %u, signers %s\n", roster->federation, roster->epoch, signers);
    printf("  newest model round %llu, %s\n  head         %s\n",
           (unsigned long long)proof->model_round, model, head);
}

static enum pn_status
print_proof_json(const struct engine_proof *proof)
{
    struct text_json *json;
    enum pn_status    st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_string(json, "status", "verified");
    text_json_u64(json, "blocks", proof->blocks);
    text_json_u64(json, "rounds", proof->rounds);
    text_json_u64(json, "blocks_not_in_this_copy", proof->gaps);
    text_json_bool(json, "finished", proof->finished);
    text_json_u64(json, "commitments", proof->commitments);
    text_json_u64(json, "countersignatures", proof->witnesses);
    text_json_u64(json, "votes_for_head", proof->head_votes);
    text_json_u64(json, "models_checked", proof->models_checked);
    text_json_u64(json, "models_absent", proof->models_absent);
    text_json_u64(json, "aggregates_recomputed", proof->sums_checked);
    text_json_u64(json, "aggregates_not_recomputed", proof->sums_absent);
    text_json_u64(json, "model_round", proof->model_round);
    text_json_hex(json, "model", proof->model.root.bytes, 32);
    text_json_hex(json, "head", proof->head.bytes, 32);
    text_json_hex(json, "job", proof->job.bytes, 32);
    st = text_json_write(json, stdout);
    text_json_free(json);
    return st;
}

/* The block that a person knows, looked for while the chain is walked. */
struct known_head {
    struct sec_hash hash;
    bool            given, found;
};

static void
look_for_head(void *context, const struct wire_block *block, const struct sec_hash *hash)
{
    struct known_head *known = context;
    (void)block;
    known->found = known->found || sec_hash_equal(&known->hash, hash);
}

static enum pn_status
print_nominal_json(void)
{
    struct text_json *json;
    enum pn_status    st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_string(json, "status", "nominal");
    text_json_string(json, "reason", nominal_text);
    st = text_json_write(json, stdout);
    text_json_free(json);
    return st;
}

/* The exit code: not 0, and no other failure's. */
static int
say_nominal(const char *directory, bool json)
{
    if (json && print_nominal_json() != PN_OK)
        return 1;
    fprintf(stderr, "panal: %s: NOT verified: %s\n", directory, nominal_text);
    return EXIT_NOMINAL;
}

static enum pn_status
verify(const struct ledger *ledger, const struct ledger_options *options, struct pn_error *why)
{
    struct engine_proof proof;
    struct known_head   known = {.given = options->head != NULL && options->head[0] != '\0'};
    if (known.given && !pn_hex_decode(known.hash.bytes, sizeof known.hash.bytes, options->head))
        return pn_error_set(why, PN_ECONFIG, "--head: expected 64 hexadecimal digits, seen \"%s\"",
                            options->head);
    enum pn_status st =
        engine_proof_make(&proof, &ledger->disk, ledger->file.roster, look_for_head, &known, why);
    if (st == PN_OK && known.given && !known.found)
        st = pn_error_set(
            why, PN_ECORRUPT,
            "block %.16s... is not among its %llu blocks: it is another ledger, or its "
            "end was cut off",
            options->head, (unsigned long long)proof.blocks);
    if (st == PN_OK && options->json)
        st = print_proof_json(&proof);
    else if (st == PN_OK)
        print_proof(&proof, ledger->file.roster);
    return st;
}

int
cli_ledger_verify(int argc, char **argv)
{
    struct ledger_options options;
    struct cli_arguments  words = {
         .noun = "ledger", .verb = "verify", .needed = {"roster"}, .words_min = 1, .words_max = 1};
    int code;
    if (!cli_parse(&options, verify_table, &words, argc, argv, &code))
        return code;

    struct pn_error why = {.text = ""};
    struct ledger   ledger;
    enum pn_status  st = ledger_open(&ledger, words.words[0], options.roster, &why);
    code               = 0;
    if (st == PN_OK) {
        if (ledger.nominal)
            code = say_nominal(words.words[0], options.json);
        else
            st = verify(&ledger, &options, &why);
        ledger_close(&ledger);
    }
    pn_options_fini(&options, verify_table);
    if (st != PN_OK) {
        pn_error_wrap(&why, st, "%s: NOT verified", words.words[0]);
        return cli_fail(st, &why);
    }
    return code;
}

/* ---- show ---- */

struct show {
    const struct fed_roster *roster;
    struct text_json        *json; /* NULL: text */
};

static const char *
name_of(const struct fed_roster *roster, uint32_t number)
{
    static char                     numbered[32];
    const struct fed_roster_member *member =
        roster == NULL ? NULL : fed_roster_find(roster, number);
    snprintf(numbered, sizeof numbered, "member %u", number);
    return member == NULL ? numbered : member->name;
}

static const char *
absence_text(enum wire_absence reason)
{
    switch (reason) {
    case WIRE_ABSENT_SILENT:
        return "silent";
    case WIRE_ABSENT_LATE:
        return "late";
    case WIRE_ABSENT_FAULT:
        return "reported a fault";
    case WIRE_ABSENT_REFUSED:
        return "refused";
    case WIRE_ABSENT_INVALID:
        return "update refused";
    }
    PN_UNREACHABLE("an absence is checked when the block is decoded");
}

static const char *
kind_text(enum wire_block_kind kind)
{
    return kind == WIRE_BLOCK_GENESIS ? "genesis" : kind == WIRE_BLOCK_ROUND ? "round" : "finish";
}

static void
show_text(const struct show *show, const struct wire_block *block, const struct sec_hash *hash)
{
    char      hex[SEC_HEX_SIZE], when[32];
    time_t    seconds = (time_t)(block->time_ms / 1000);
    struct tm utc;
    sec_hash_text(hex, hash);
    if (gmtime_r(&seconds, &utc) == NULL || strftime(when, sizeof when, "%F %T", &utc) == 0)
        snprintf(when, sizeof when, "?");
    printf("block %llu  %s", (unsigned long long)block->height, kind_text(block->kind));
    if (block->kind == WIRE_BLOCK_ROUND)
        printf(" %llu, attempt %u", (unsigned long long)block->round, block->attempt);
    printf("  %sZ  %.16s\n", when, hex);
    for (size_t i = 0; i < block->entry_count; i++)
        printf("    %-16s weight %llu  update norm %.4g\n",
               name_of(show->roster, block->entries[i].member),
               (unsigned long long)block->entries[i].weight, block->entries[i].norm);
    for (size_t i = 0; i < block->absent_count; i++)
        printf("    %-16s absent: %s\n", name_of(show->roster, block->absent[i].member),
               absence_text(block->absent[i].reason));
    for (size_t i = 0; i < block->metric_count; i++)
        printf("    %s %.4f (%llu records)\n", block->metrics[i].name, block->metrics[i].value,
               (unsigned long long)block->metrics[i].records);
    if (block->note != NULL && block->note[0] != '\0')
        printf("    %s\n", block->note);
}

static void
show_json(const struct show *show, const struct wire_block *block, const struct sec_hash *hash)
{
    struct text_json *json = show->json;
    text_json_open_map(json, NULL);
    text_json_u64(json, "height", block->height);
    text_json_string(json, "kind", kind_text(block->kind));
    text_json_hex(json, "hash", hash->bytes, 32);
    text_json_u64(json, "round", block->round);
    text_json_u64(json, "attempt", block->attempt);
    text_json_u64(json, "time_ms", block->time_ms);
    text_json_hex(json, "model", block->model_out.root, 32);
    text_json_open_list(json, "took_part");
    for (size_t i = 0; i < block->entry_count; i++) {
        const struct wire_entry *entry = &block->entries[i];
        text_json_open_map(json, NULL);
        text_json_string(json, "name", name_of(show->roster, entry->member));
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
        text_json_string(json, "name", name_of(show->roster, block->absent[i].member));
        text_json_string(json, "reason", absence_text(block->absent[i].reason));
        text_json_close(json);
    }
    text_json_close(json);
    text_json_open_map(json, "metrics");
    for (size_t i = 0; i < block->metric_count; i++)
        text_json_f64(json, block->metrics[i].name, block->metrics[i].value);
    text_json_close(json);
    text_json_open_list(json, "countersigned_previous");
    for (size_t i = 0; i < block->witness_count; i++)
        text_json_string(json, NULL, name_of(show->roster, block->witnesses[i].member));
    text_json_close(json);
    if (block->note != NULL && block->note[0] != '\0')
        text_json_string(json, "note", block->note);
    text_json_close(json);
}

static void
show_block(void *context, const struct wire_block *block, const struct sec_hash *hash)
{
    const struct show *show = context;
    if (show->json != NULL)
        show_json(show, block, hash);
    else
        show_text(show, block, hash);
}

/* What is shown is proved first, so a block that does not verify is never printed; of a nominal
 * ledger, which proves nothing, that is said before anything else. */
static enum pn_status
show_ledger(const struct ledger *ledger, struct show *show, struct pn_error *why)
{
    struct engine_proof proof;
    enum pn_status      st = PN_OK;
    if (ledger->nominal && show->json == NULL)
        printf("%s\n", nominal_text);
    if (show->json != NULL) {
        text_json_string(show->json, "identity", ledger->nominal ? "nominal" : "real");
        text_json_open_list(show->json, "blocks");
    }
    if (ledger->nominal)
        st = engine_proof_read(&ledger->disk, show_block, show, why);
    else
        st = engine_proof_make(&proof, &ledger->disk, show->roster, show_block, show, why);
    if (st == PN_OK && show->json != NULL) {
        text_json_close(show->json);
        st = text_json_write(show->json, stdout);
    }
    return st;
}

int
cli_ledger_show(int argc, char **argv)
{
    struct ledger_options options;
    struct cli_arguments  words = {
         .noun = "ledger", .verb = "show", .needed = {"roster"}, .words_min = 1, .words_max = 1};
    int code;
    if (!cli_parse(&options, show_table, &words, argc, argv, &code))
        return code;

    struct pn_error why = {.text = ""};
    struct ledger   ledger;
    struct show     show = {.json = NULL};
    enum pn_status  st   = ledger_open(&ledger, words.words[0], options.roster, &why);
    code                 = 0;
    if (st == PN_OK) {
        show.roster = ledger.file.roster;
        code        = ledger.nominal ? EXIT_NOMINAL : 0;
        if (options.json)
            st = text_json_new(&show.json);
        if (st == PN_OK)
            st = show_ledger(&ledger, &show, &why);
        text_json_free(show.json);
        ledger_close(&ledger);
    }
    pn_options_fini(&options, show_table);
    return st == PN_OK ? code : cli_fail(st, &why);
}
