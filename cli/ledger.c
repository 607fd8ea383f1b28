/*
 * panal ledger verify -- proves what was averaged.
 */
#include "cli/ledger.h"

#include "cli/command.h"
#include "engine/extract.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

struct ledger_options {
    char *roster, *head, *checkpoint;
    bool  json;
};

static const struct pn_option verify_table[] = {
    CLI_ROSTER_OPTION(struct ledger_options),
    {"head", NULL, PN_OPT_TEXT, offsetof(struct ledger_options, head), 64, 64,
     "hash of a block known from elsewhere; it must be in this ledger: its end was not cut off"},
    {"checkpoint", NULL, PN_OPT_TEXT, offsetof(struct ledger_options, checkpoint), 0, 0,
     "what verify printed earlier, SIZE:ROOT; the first SIZE blocks must still be the same"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct ledger_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

const char cli_nominal_text[] =
    "nominal identity: a simulation made this ledger (panal-sim run --identity nominal); nothing "
    "in it is signed or hashed, so nothing can be proved from it";

enum pn_status
cli_ledger_open(struct cli_ledger *out, const char *directory, const char *roster,
                struct pn_error *why)
{
    *out              = (struct cli_ledger){.nominal = false};
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

void
cli_ledger_close(struct cli_ledger *ledger)
{
    store_files_close(ledger->files);
    if (!ledger->nominal)
        engine_roster_fini(&ledger->file);
}

void
cli_time_text(char out[static CLI_TIME_SIZE], uint64_t time_ms)
{
    time_t    seconds = (time_t)(time_ms / 1000);
    struct tm utc;
    if (gmtime_r(&seconds, &utc) == NULL || strftime(out, CLI_TIME_SIZE, "%F %T", &utc) == 0)
        snprintf(out, CLI_TIME_SIZE, "?");
}

/* What each round's model was held against: engine/audit. */
static void
print_rounds(const struct engine_proof *proof)
{
    printf(
        "  aggregates   %llu of %llu rounds recomputed from the committed updates, bit for bit\n",
        (unsigned long long)proof->sums_checked, (unsigned long long)proof->rounds);
    if (proof->sums_bounded > 0)
        printf("               %llu spot-checked: updates are no longer kept; the model moved no "
               "further than their weights and norms allow\n",
               (unsigned long long)proof->sums_bounded);
    if (proof->sums_absent > 0)
        printf("               %llu by hash only: a model before or after them is no longer kept\n",
               (unsigned long long)proof->sums_absent);
}

/* A copy with gaps has no log over all blocks, and so no checkpoint. */
static void
print_proof(const struct engine_proof *proof, const struct fed_checkpoint *now,
            const struct fed_roster *roster)
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
    if (proof->votes.count > 0)
        printf("  votes        %u of %u members decided the newest block\n", proof->votes.count,
               proof->head_members);
    printf("  models       %llu hash to their block%s\n", (unsigned long long)proof->models_checked,
           proof->models_absent > 0 ? " (the others are no longer kept)" : "");
    print_rounds(proof);
    if (proof->gaps > 0)
        printf(
            "  gaps         %llu blocks are not in this copy: the job sends a block to the nodes "
            "of its round\n",
            (unsigned long long)proof->gaps);
    printf("  roster       %s, epoch %u, signers %s\n", roster->federation, roster->epoch, signers);
    if (proof->first_epoch != proof->epoch)
        printf("  epochs       %u to %u, each signed by signers of the one before\n",
               proof->first_epoch, proof->epoch);
    printf("  newest model round %llu, %s\n  head         %s\n",
           (unsigned long long)proof->model_round, model, head);
    if (now->size > 0) {
        char checkpoint[FED_CHECKPOINT_SIZE];
        fed_checkpoint_text(checkpoint, now);
        printf("  checkpoint   %s\n", checkpoint);
    }
}

static enum pn_status
print_proof_json(const struct engine_proof *proof, const struct fed_checkpoint *now)
{
    char              checkpoint[FED_CHECKPOINT_SIZE];
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
    text_json_u64(json, "votes_for_head", proof->votes.count);
    text_json_u64(json, "first_epoch", proof->first_epoch);
    text_json_u64(json, "epoch", proof->epoch);
    text_json_u64(json, "models_checked", proof->models_checked);
    text_json_u64(json, "models_absent", proof->models_absent);
    text_json_u64(json, "aggregates_recomputed", proof->sums_checked);
    text_json_u64(json, "aggregates_spot_checked", proof->sums_bounded);
    text_json_u64(json, "aggregates_by_hash_only", proof->sums_absent);
    text_json_u64(json, "model_round", proof->model_round);
    text_json_hex(json, "model", proof->model.root.bytes, 32);
    text_json_hex(json, "head", proof->head.bytes, 32);
    text_json_hex(json, "job", proof->job.bytes, 32);
    fed_checkpoint_text(checkpoint, now);
    if (now->size > 0)
        text_json_string(json, "checkpoint", checkpoint);
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
look_for_head(void *context, const struct wire_block *block, const struct sec_hash *hash,
              const struct fed_roster *roster)
{
    struct known_head *known = context;
    (void)block, (void)roster;
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
    text_json_string(json, "reason", cli_nominal_text);
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
    fprintf(stderr, "panal: %s: NOT verified: %s\n", directory, cli_nominal_text);
    return CLI_EXIT_NOMINAL;
}

enum pn_status
cli_checkpoint_parse(struct fed_checkpoint *out, const char *text, struct pn_error *why)
{
    if (fed_checkpoint_parse(out, text))
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        "--checkpoint: expected a number of blocks, a colon and 64 hexadecimal "
                        "digits, seen \"%.100s\"",
                        text);
}

/* The blocks that somebody knew are still its first ones. */
static enum pn_status
check_kept(const struct fed_checkpoint *kept, const struct engine_proof *proof,
           const struct store_disk *disk, struct pn_error *why)
{
    struct fed_checkpoint seen;
    if (proof->gaps > 0)
        return pn_error_set(why, PN_ESTATE,
                            "this copy has gaps, so it cannot be held against a checkpoint");
    if (kept->size > proof->blocks)
        return pn_error_set(why, PN_ECORRUPT,
                            "it has %llu blocks and had %llu at the checkpoint: it is another "
                            "ledger, or its end was cut off",
                            (unsigned long long)proof->blocks, (unsigned long long)kept->size);
    enum pn_status st = engine_extract_checkpoint(&seen, disk, kept->size, why);
    if (st == PN_OK && !sec_hash_equal(&seen.root, &kept->root))
        st = pn_error_set(why, PN_ECORRUPT,
                          "its first %llu blocks are not those of the checkpoint: it was "
                          "rewritten, or is another ledger",
                          (unsigned long long)kept->size);
    return st;
}

static enum pn_status
verify(const struct cli_ledger *ledger, const struct ledger_options *options, struct pn_error *why)
{
    struct engine_proof   proof;
    struct fed_checkpoint now = {.size = 0}, kept = {.size = 0};
    struct known_head     known = {.given = options->head != NULL && options->head[0] != '\0'};
    enum pn_status        st    = PN_OK;
    if (known.given && !pn_hex_decode(known.hash.bytes, sizeof known.hash.bytes, options->head))
        return pn_error_set(why, PN_ECONFIG, "--head: expected 64 hexadecimal digits, seen \"%s\"",
                            options->head);
    if (options->checkpoint != NULL)
        st = cli_checkpoint_parse(&kept, options->checkpoint, why);
    if (st == PN_OK)
        st = engine_proof_make(&proof, &ledger->disk, ledger->file.roster, look_for_head, &known,
                               why);
    if (st == PN_OK && known.given && !known.found)
        st = pn_error_set(
            why, PN_ECORRUPT,
            "block %.16s... is not among its %llu blocks: it is another ledger, or its "
            "end was cut off",
            options->head, (unsigned long long)proof.blocks);
    if (st == PN_OK && kept.size > 0)
        st = check_kept(&kept, &proof, &ledger->disk, why);
    if (st == PN_OK && proof.gaps == 0)
        st = engine_extract_checkpoint(&now, &ledger->disk, proof.blocks, why);
    if (st == PN_OK && options->json)
        st = print_proof_json(&proof, &now);
    else if (st == PN_OK)
        print_proof(&proof, &now, ledger->file.roster);
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

    struct pn_error   why = {.text = ""};
    struct cli_ledger ledger;
    enum pn_status    st = cli_ledger_open(&ledger, words.words[0], options.roster, &why);
    code                 = 0;
    if (st == PN_OK) {
        if (ledger.nominal)
            code = say_nominal(words.words[0], options.json);
        else
            st = verify(&ledger, &options, &why);
        cli_ledger_close(&ledger);
    }
    pn_options_fini(&options, verify_table);
    if (st != PN_OK) {
        pn_error_wrap(&why, st, "%s: NOT verified", words.words[0]);
        return cli_fail(st, &why);
    }
    return code;
}
