/*
 * One block, for people and as JSON.
 */
#include "cli/ledger.h"
#include "cli/ledger_change.h"
#include "text/json.h"

const char cli_rule_text[]   = "weighted mean";
const char cli_budget_text[] = "none"; /* profile open has no privacy budget, so spends none */

bool
cli_absence_is_drop(enum wire_absence reason)
{
    return reason == WIRE_ABSENT_INVALID;
}

const char *
cli_absence_text(enum wire_absence reason)
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
        return "its update is not what it committed to, or above limits.update_norm";
    }
    PN_UNREACHABLE("an absence is checked when the block is decoded");
}

const char *
cli_kind_text(enum wire_block_kind kind)
{
    return kind == WIRE_BLOCK_GENESIS ? "genesis" : kind == WIRE_BLOCK_ROUND ? "round" : "finish";
}

/* ---- text ---- */

static void
print_change(void *context, const char *what, const char *name)
{
    FILE *out = context;
    fprintf(out, "    %-16s %s\n", name, what);
}

static void
print_next_roster(FILE *out, const struct cli_names *names, const struct wire_block *block)
{
    struct fed_roster *next = cli_change_next(names->roster, block);
    if (next == NULL)
        return;
    fprintf(out, "    epoch %u of the roster is in force from block %llu on, signed by",
            next->epoch, (unsigned long long)block->height + 1);
    for (size_t i = 0; i < block->agreement->roster->signature_count; i++)
        fprintf(out, "%s %s", i == 0 ? "" : ",", block->agreement->roster->signatures[i].signer);
    fputs("\n", out);
    cli_change_tell(names->roster, next, print_change, out);
    fed_roster_free(next);
}

static void
print_agreement(FILE *out, const struct cli_names *names, const struct wire_block *block)
{
    const struct wire_agreement *agreement = block->agreement;
    fprintf(out, "    proposed by %s in view %u\n", cli_names_find(names, block->proposer),
            agreement->view);
    for (size_t i = 0; i < block->witness_count; i++) {
        if (i == 0)
            fprintf(out, "    the block before was decided in view %u by", agreement->witness_view);
        fprintf(out, "%s %s", i == 0 ? "" : ",", cli_names_find(names, block->witnesses[i].member));
    }
    if (block->witness_count > 0)
        fputs("\n", out);
    for (size_t i = 0; i < agreement->report_count; i++)
        fprintf(out, "%s%s", i == 0 ? "    reports of " : ", ",
                cli_names_find(names, agreement->reports[i].member));
    if (agreement->report_count > 0)
        fputs(block->height == 0 ? " (sums for the scaling)\n" : " (on the model before)\n", out);
    for (size_t i = 0; i < agreement->conviction_count; i++)
        fprintf(out,
                "    %-16s CONVICTED: signed two votes that contradict each other, block %llu view "
                "%u\n",
                cli_names_find(names, agreement->convictions[i].first.member),
                (unsigned long long)agreement->convictions[i].first.height,
                agreement->convictions[i].first.view);
    print_next_roster(out, names, block);
}

/* Who took part, who did not and why, by which rule, what it cost. */
static void
print_round(FILE *out, const struct cli_names *names, const struct wire_block *block)
{
    for (size_t i = 0; i < block->entry_count; i++)
        fprintf(out, "    %-16s %llu records  update norm %.4g\n",
                cli_names_find(names, block->entries[i].member),
                (unsigned long long)block->entries[i].weight, block->entries[i].norm);
    for (size_t i = 0; i < block->absent_count; i++)
        fprintf(out, "    %-16s %s: %s\n", cli_names_find(names, block->absent[i].member),
                cli_absence_is_drop(block->absent[i].reason) ? "dropped" : "absent",
                cli_absence_text(block->absent[i].reason));
    fprintf(out, "    %-16s %s of %zu updates\n", "rule", cli_rule_text, block->entry_count);
    fprintf(out, "    %-16s %s\n", "privacy budget", cli_budget_text);
}

void
cli_block_text(FILE *out, const struct cli_names *names, const struct wire_block *block,
               const struct sec_hash *hash, uint32_t steps)
{
    char            hex[SEC_HEX_SIZE], when[CLI_TIME_SIZE];
    struct sec_blob model = fed_blob_from_wire(&block->model_out);
    sec_hash_text(hex, hash);
    cli_time_text(when, block->time_ms);
    fprintf(out, "block %llu  %s", (unsigned long long)block->height, cli_kind_text(block->kind));
    if (block->kind == WIRE_BLOCK_ROUND)
        fprintf(out, " %llu, attempt %u", (unsigned long long)block->round, block->attempt);
    fprintf(out, "  %sZ  %.16s\n", when, hex);
    if (block->agreement != NULL)
        print_agreement(out, names, block);
    if (steps > 0)
        fprintf(out, "    %u steps at each site, by the job's interval\n", steps);
    if (block->kind == WIRE_BLOCK_ROUND)
        print_round(out, names, block);
    for (size_t i = 0; i < block->metric_count; i++)
        fprintf(out, "    %-16s %.4f (%llu records)\n", block->metrics[i].name,
                block->metrics[i].value, (unsigned long long)block->metrics[i].records);
    sec_hash_text(hex, &model.root);
    fprintf(out, "    %-16s %s\n", "model", hex);
    if (block->note != NULL && block->note[0] != '\0')
        fprintf(out, "    %s\n", block->note);
}

/* ---- JSON ---- */

static void
write_names(struct text_json *json, const char *key, const struct cli_names *names,
            const struct wire_witness *witnesses, size_t count)
{
    text_json_open_list(json, key);
    for (size_t i = 0; i < count; i++)
        text_json_string(json, NULL, cli_names_find(names, witnesses[i].member));
    text_json_close(json);
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
write_next_roster(struct text_json *json, const struct cli_names *names,
                  const struct wire_block *block)
{
    struct fed_roster *next = cli_change_next(names->roster, block);
    if (next == NULL)
        return;
    text_json_open_map(json, "next_roster");
    text_json_u64(json, "epoch", next->epoch);
    text_json_u64(json, "from_height", block->height + 1);
    text_json_hex(json, "hash", next->hash.bytes, 32);
    text_json_open_list(json, "signed_by");
    for (size_t i = 0; i < block->agreement->roster->signature_count; i++)
        text_json_string(json, NULL, block->agreement->roster->signatures[i].signer);
    text_json_close(json);
    text_json_open_list(json, "changes");
    cli_change_tell(names->roster, next, write_change, json);
    text_json_close(json);
    text_json_close(json);
    fed_roster_free(next);
}

static void
write_agreement(struct text_json *json, const struct cli_names *names,
                const struct wire_block *block)
{
    const struct wire_agreement *agreement = block->agreement;
    text_json_string(json, "proposer", cli_names_find(names, block->proposer));
    text_json_u64(json, "view", agreement->view);
    text_json_u64(json, "previous_decided_in_view", agreement->witness_view);
    text_json_hex(json, "log_before", agreement->log, 32);
    text_json_open_list(json, "reports");
    for (size_t i = 0; i < agreement->report_count; i++)
        text_json_string(json, NULL, cli_names_find(names, agreement->reports[i].member));
    text_json_close(json);
    text_json_open_list(json, "convicted");
    for (size_t i = 0; i < agreement->conviction_count; i++) {
        const struct wire_vote *first = &agreement->convictions[i].first;
        text_json_open_map(json, NULL);
        text_json_string(json, "name", cli_names_find(names, first->member));
        text_json_u64(json, "member", first->member);
        text_json_u64(json, "height", first->height);
        text_json_u64(json, "view", first->view);
        text_json_close(json);
    }
    text_json_close(json);
    write_next_roster(json, names, block);
}

static void
write_absent(struct text_json *json, const char *key, const char *reason_key, bool dropped,
             const struct cli_names *names, const struct wire_block *block)
{
    text_json_open_list(json, key);
    for (size_t i = 0; i < block->absent_count; i++) {
        const struct wire_absent *absent = &block->absent[i];
        if (cli_absence_is_drop(absent->reason) != dropped)
            continue;
        text_json_open_map(json, NULL);
        text_json_string(json, "name", cli_names_find(names, absent->member));
        text_json_u64(json, "member", absent->member);
        text_json_string(json, reason_key, cli_absence_text(absent->reason));
        text_json_close(json);
    }
    text_json_close(json);
}

static void
write_round(struct text_json *json, const struct cli_names *names, const struct wire_block *block)
{
    text_json_open_list(json, "took_part");
    for (size_t i = 0; i < block->entry_count; i++) {
        const struct wire_entry *entry = &block->entries[i];
        text_json_open_map(json, NULL);
        text_json_string(json, "name", cli_names_find(names, entry->member));
        text_json_u64(json, "member", entry->member);
        text_json_u64(json, "records", entry->weight);
        text_json_f64(json, "norm", entry->norm);
        text_json_hex(json, "update", entry->update.root, 32);
        text_json_close(json);
    }
    text_json_close(json);
    write_absent(json, "absent", "reason", false, names, block);
    write_absent(json, "dropped", "rule", true, names, block);
    text_json_string(json, "rule", cli_rule_text);
    text_json_string(json, "privacy_budget_spent", cli_budget_text);
}

void
cli_block_json(struct text_json *json, const char *key, const struct cli_names *names,
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
    write_round(json, names, block);
    text_json_open_map(json, "metrics");
    for (size_t i = 0; i < block->metric_count; i++)
        text_json_f64(json, block->metrics[i].name, block->metrics[i].value);
    text_json_close(json);
    if (block->agreement != NULL)
        write_agreement(json, names, block);
    write_names(json, block->agreement != NULL ? "decided_previous" : "countersigned_previous",
                names, block->witnesses, block->witness_count);
    if (block->note != NULL && block->note[0] != '\0')
        text_json_string(json, "note", block->note);
    text_json_close(json);
}
