#include "cli/report.h"

#include "cli/page.h"
#include "text/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static void
number_text(char out[static 16], double value, bool sign)
{
    if (isnan(value))
        snprintf(out, 16, "-");
    else
        snprintf(out, 16, sign ? "%+.3f" : "%.3f", value);
}

/* Positive when federation helped, whatever the direction of the metric. */
static double
gain(const struct cli_comparison *comparison, const struct cli_scores *scores, size_t metric)
{
    double difference = scores->federated[metric] - scores->alone[metric];
    return nn_metric_smaller_is_better(comparison->metrics[metric]) ? -difference : difference;
}

static const char *
metric_name(const struct cli_comparison *comparison, size_t metric)
{
    return nn_metric_names[comparison->metrics[metric]];
}

/* ---- terminal ---- */

/* All sites' test records together; a model of one site alone has no such thing. */
static void
print_overall(FILE *out, const struct cli_comparison *comparison)
{
    fprintf(out, "%-14s %9s %8s", "all of them", "", "");
    for (size_t m = 0; m < comparison->metric_count; m++) {
        char federated[16], pooled[16];
        number_text(federated, comparison->overall.federated[m], false);
        number_text(pooled, comparison->overall.pooled[m], false);
        fprintf(out, "   %7s %9s %7s %7s", "", federated, pooled, "");
    }
    fputc('\n', out);
}

void
cli_report_table(FILE *out, const struct cli_report *report)
{
    const struct cli_comparison *comparison = report->comparison;
    bool                         binary     = report->job->class_count == 2;
    if (comparison == NULL)
        return;
    fprintf(out, "%-14s %9s %8s", "", "records", binary ? "positive" : "");
    for (size_t m = 0; m < comparison->metric_count; m++)
        fprintf(out, "   %-33s", metric_name(comparison, m));
    fprintf(out, "\n%-14s %9s %8s", "", "", "");
    for (size_t m = 0; m < comparison->metric_count; m++)
        fprintf(out, "   %7s %9s %7s %7s", "alone", "federated", "pooled", "gain");
    fputc('\n', out);
    for (size_t i = 0; i < comparison->site_count; i++) {
        const struct cli_compared *site = &comparison->sites[i];
        fprintf(out, "%-14s %9llu ", report->sites->items[i].name,
                (unsigned long long)site->records);
        if (binary)
            fprintf(out, "%7.2f%%", 100.0 * (double)site->positives / (double)site->records);
        else
            fprintf(out, "%8s", "");
        for (size_t m = 0; m < comparison->metric_count; m++) {
            char alone[16], federated[16], pooled[16], change[16];
            number_text(alone, site->scores.alone[m], false);
            number_text(federated, site->scores.federated[m], false);
            number_text(pooled, site->scores.pooled[m], false);
            number_text(change, gain(comparison, &site->scores, m), true);
            fprintf(out, "   %7s %9s %7s %7s", alone, federated, pooled, change);
        }
        fputc('\n', out);
    }
    print_overall(out, comparison);
}

/* ---- JSON ---- */

static void
json_scores(struct text_json *json, const struct cli_comparison *comparison, const char *key,
            const double *scores)
{
    text_json_open_map(json, key);
    for (size_t m = 0; m < comparison->metric_count; m++)
        text_json_f64(json, metric_name(comparison, m), scores[m]);
    text_json_close(json);
}

enum pn_status
cli_report_json(FILE *out, const struct cli_report *report)
{
    struct text_json *json;
    enum pn_status    st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_string(json, "job", report->job->job->name);
    text_json_bool(json, "synthetic_data", report->synthetic);
    text_json_hex(json, "job_hash", report->job->job->hash.bytes, 32);
    text_json_hex(json, "model", report->proof->model.root.bytes, 32);
    text_json_hex(json, "ledger_head", report->proof->head.bytes, 32);
    text_json_u64(json, "rounds", report->proof->rounds);
    text_json_u64(json, "aggregates_recomputed", report->proof->sums_checked);
    text_json_bool(json, "stopped_early", report->run->stopped_early);
    text_json_bool(json, "repeatable", report->job->job->time_ms == 0);
    text_json_f64(json, "seconds", report->run->seconds);
    text_json_open_list(json, "sites");
    for (size_t i = 0; report->comparison != NULL && i < report->comparison->site_count; i++) {
        const struct cli_compared *site = &report->comparison->sites[i];
        text_json_open_map(json, NULL);
        text_json_string(json, "name", report->sites->items[i].name);
        text_json_u64(json, "records", site->records);
        text_json_u64(json, "test_records", site->test_records);
        text_json_u64(json, "positives", site->positives);
        json_scores(json, report->comparison, "alone", site->scores.alone);
        json_scores(json, report->comparison, "federated", site->scores.federated);
        json_scores(json, report->comparison, "pooled", site->scores.pooled);
        text_json_close(json);
    }
    text_json_close(json);
    if (report->comparison != NULL) {
        text_json_open_map(json, "overall");
        json_scores(json, report->comparison, "federated", report->comparison->overall.federated);
        json_scores(json, report->comparison, "pooled", report->comparison->overall.pooled);
        text_json_close(json);
    }
    st = text_json_write(json, out);
    text_json_free(json);
    return st;
}

/* ---- HTML ---- */

/* One learning curve per metric: value over rounds. */
static void
put_curve(struct cli_page *page, const struct cli_lab_run *run, const char *name)
{
    char    caption[64];
    double *values = calloc(run->round_count + 1, sizeof *values);
    if (values == NULL) {
        page->st = PN_ENOMEM;
        return;
    }
    for (size_t r = 0; r < run->round_count; r++) {
        values[r] = (double)NAN;
        for (size_t m = 0; m < run->rounds[r].metric_count; m++)
            if (strcmp(run->rounds[r].metrics[m].name, name) == 0)
                values[r] = run->rounds[r].metrics[m].value;
    }
    snprintf(caption, sizeof caption, "%s over rounds", name);
    cli_page_curves(page, caption, &(struct cli_curve){"", values}, 1, run->round_count);
    free(values);
}

static void
put_comparison(struct cli_page *page, const struct cli_report *report)
{
    const struct cli_comparison *comparison = report->comparison;
    CLI_PUT(
        page,
        "<h2>What federation brought</h2><p>The same network, measured on each site's own test "
        "records, which no model has seen. <em>Pooled</em> puts all records in one place: only a "
        "laboratory can.</p><table><tr><th>site</th><th>records</th>");
    if (report->job->class_count == 2)
        CLI_PUT(page, "<th>positive</th>");
    for (size_t m = 0; m < comparison->metric_count; m++)
        CLI_PUT(page, "<th>%s alone</th><th>federated</th><th>pooled</th><th>gain</th>",
                metric_name(comparison, m));
    CLI_PUT(page, "</tr>");
    for (size_t i = 0; i < comparison->site_count; i++) {
        const struct cli_compared *site = &comparison->sites[i];
        CLI_PUT(page, "<tr><th>%s</th><td>%llu</td>", report->sites->items[i].name,
                (unsigned long long)site->records);
        if (report->job->class_count == 2)
            CLI_PUT(page, "<td>%.2f %%</td>",
                    100.0 * (double)site->positives / (double)site->records);
        for (size_t m = 0; m < comparison->metric_count; m++) {
            char   alone[16], federated[16], pooled[16], change[16];
            double difference = gain(comparison, &site->scores, m);
            number_text(alone, site->scores.alone[m], false);
            number_text(federated, site->scores.federated[m], false);
            number_text(pooled, site->scores.pooled[m], false);
            number_text(change, difference, true);
            CLI_PUT(page, "<td>%s</td><td><b>%s</b></td><td>%s</td><td class='%s'>%s</td>", alone,
                    federated, pooled, difference < 0 ? "loss" : "gain", change);
        }
        CLI_PUT(page, "</tr>");
    }
    CLI_PUT(page, "</table>");
}

static void
put_facts(struct cli_page *page, const struct cli_report *report)
{
    char job[SEC_HEX_SIZE], model[SEC_HEX_SIZE], head[SEC_HEX_SIZE];
    sec_hash_text(job, &report->job->job->hash);
    sec_hash_text(model, &report->proof->model.root);
    sec_hash_text(head, &report->proof->head);
    CLI_PUT(page, "<h2>What can be checked</h2><table class='facts'>");
    CLI_PUT(page,
            "<tr><th>ledger</th><td>verified: %llu blocks, %llu rounds, %llu commitments, %llu "
            "countersignatures</td></tr>",
            (unsigned long long)report->proof->blocks, (unsigned long long)report->proof->rounds,
            (unsigned long long)report->proof->commitments,
            (unsigned long long)report->proof->witnesses);
    CLI_PUT(
        page,
        "<tr><th>aggregates</th><td>%llu of %llu recomputed from the committed updates, bit for "
        "bit</td></tr>",
        (unsigned long long)report->proof->sums_checked, (unsigned long long)report->proof->rounds);
    CLI_PUT(
        page,
        "<tr><th>job</th><td><code>%s</code></td></tr><tr><th>model</th><td><code>%s</code></td></"
        "tr>"
        "<tr><th>ledger head</th><td><code>%s</code></td></tr></table>",
        job, model, head);
    if (report->job->job->time_ms > 0)
        CLI_PUT(page, "<p>The job gives each training a time, so how many steps a site made "
                      "depends on its machine: the aggregates can be recomputed, the run cannot "
                      "be repeated to the bit.</p>");
}

enum pn_status
cli_report_html(struct pn_buffer *out, const struct cli_report *report)
{
    struct cli_page page;
    cli_page_begin(&page, out, "panal: run report");
    CLI_PUT(&page, "<h1>");
    cli_page_text(&page, report->job->job->name);
    CLI_PUT(&page, ": %llu rounds over %zu sites</h1>", (unsigned long long)report->proof->rounds,
            report->sites->count);
    if (report->synthetic)
        CLI_PUT(&page,
                "<p class='note'>The records are <b>synthetic</b>: a documented generator made "
                "them. No "
                "figure here says anything about real transactions.</p>");
    CLI_PUT(&page,
            "<p>%.1f seconds%s. Every update was encrypted in transit and signed by its site.</p>",
            report->run->seconds,
            report->run->stopped_early ? ", stopped early because the metric no longer improved"
                                       : "");
    if (report->comparison != NULL)
        put_comparison(&page, report);
    CLI_PUT(&page, "<h2>Learning curves</h2><p>Over the validation records of all sites.</p>");
    if (report->run->round_count > 0)
        for (size_t m = 0; m < report->run->rounds[0].metric_count; m++)
            put_curve(&page, report->run, report->run->rounds[0].metrics[m].name);
    put_facts(&page, report);
    return cli_page_end(&page);
}
