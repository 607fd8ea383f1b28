#include "cli/train_report.h"

#include "cli/page.h"
#include "store/files.h"
#include "text/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    PAGE_MAX = 64 << 20
};

enum pn_status
cli_train_report_add(struct cli_train_report *report, const struct nn_fit_epoch *epoch)
{
    if (report->epoch_count == report->capacity) {
        size_t                  capacity = report->capacity * 2 + 64;
        struct cli_train_epoch *more     = realloc(report->epochs, capacity * sizeof *more);
        if (more == NULL)
            return PN_ENOMEM;
        report->epochs   = more;
        report->capacity = capacity;
    }
    struct cli_train_epoch *row = &report->epochs[report->epoch_count++];
    row->epoch                  = epoch->epoch;
    row->train_loss             = epoch->train_loss;
    row->validation_loss        = epoch->validation_loss;
    for (size_t m = 0; m < report->config->metric_count; m++)
        row->metrics[m] = nn_metric_value(&epoch->metrics[m]);
    return PN_OK;
}

void
cli_train_report_fini(struct cli_train_report *report)
{
    free(report->epochs);
    report->epochs = NULL;
}

static const char *
metric_name(const struct cli_train_report *report, size_t m)
{
    return nn_metric_names[report->config->metrics[m]];
}

void
cli_train_report_text(FILE *out, const struct cli_train_report *report)
{
    fprintf(out, "best      epoch %u, in %.1f s\n", report->best_epoch, report->seconds);
    if (report->test_rows == 0)
        return;
    fprintf(out, "test      %u records:", report->test_rows);
    for (size_t m = 0; m < report->config->metric_count; m++)
        fprintf(out, "  %s %.4f", metric_name(report, m), nn_metric_value(&report->test[m]));
    fputc('\n', out);
}

enum pn_status
cli_train_report_json(FILE *out, const struct cli_train_report *report)
{
    struct text_json *json;
    enum pn_status    st = text_json_new(&json);
    if (st != PN_OK)
        return st;
    text_json_string(json, "job", report->job->job->name);
    text_json_hex(json, "job_hash", report->job->job->hash.bytes, 32);
    text_json_u64(json, "parameters", nn_plan_param_count(report->job->plan));
    text_json_u64(json, "best_epoch", report->best_epoch);
    text_json_bool(json, "stopped", report->stopped);
    text_json_f64(json, "seconds", report->seconds);
    text_json_open_list(json, "epochs");
    for (size_t i = 0; i < report->epoch_count; i++) {
        const struct cli_train_epoch *row = &report->epochs[i];
        text_json_open_map(json, NULL);
        text_json_u64(json, "epoch", row->epoch);
        text_json_f64(json, "train_loss", row->train_loss);
        text_json_f64(json, "validation_loss", row->validation_loss);
        for (size_t m = 0; m < report->config->metric_count; m++)
            text_json_f64(json, metric_name(report, m), row->metrics[m]);
        text_json_close(json);
    }
    text_json_close(json);
    text_json_open_map(json, "test");
    text_json_u64(json, "records", report->test_rows);
    for (size_t m = 0; report->test_rows > 0 && m < report->config->metric_count; m++)
        text_json_f64(json, metric_name(report, m), nn_metric_value(&report->test[m]));
    text_json_close(json);
    st = text_json_write(json, out);
    text_json_free(json);
    return st;
}

/* One column of the history as an array; `m` is a metric, or -1 and -2 the two losses. */
static void
fill(double *out, const struct cli_train_report *report, int m)
{
    for (size_t i = 0; i < report->epoch_count; i++) {
        const struct cli_train_epoch *row = &report->epochs[i];
        out[i] = m == -1 ? row->train_loss : m == -2 ? row->validation_loss : row->metrics[m];
    }
}

static enum pn_status
put_curves(struct cli_page *page, const struct cli_train_report *report)
{
    double *values = malloc((2 * report->epoch_count + 1) * sizeof *values);
    if (values == NULL)
        return PN_ENOMEM;
    double *second = values + report->epoch_count;
    fill(values, report, -1);
    fill(second, report, -2);
    cli_page_curves(page, "loss over epochs",
                    (struct cli_curve[]){{"training", values}, {"validation", second}}, 2,
                    report->epoch_count);
    for (size_t m = 0; m < report->config->metric_count; m++) {
        char caption[64];
        snprintf(caption, sizeof caption, "%s over epochs, validation", metric_name(report, m));
        fill(values, report, (int)m);
        cli_page_curves(page, caption, &(struct cli_curve){"", values}, 1, report->epoch_count);
    }
    free(values);
    return page->st;
}

static enum pn_status
make_page(struct pn_buffer *out, const struct cli_train_report *report)
{
    struct cli_page page;
    cli_page_begin(&page, out, "panal: training report");
    CLI_PUT(&page, "<h1>");
    cli_page_text(&page, report->job->job->name);
    CLI_PUT(&page,
            ": trained on this machine alone</h1><p>%llu parameters, %zu epochs in %.1f s; the "
            "best was epoch %u%s.</p>",
            (unsigned long long)nn_plan_param_count(report->job->plan), report->epoch_count,
            report->seconds, report->best_epoch, report->stopped ? " when it was stopped" : "");
    if (report->test_rows > 0) {
        CLI_PUT(&page, "<h2>On %u test records, which the model has not seen</h2><table>",
                report->test_rows);
        for (size_t m = 0; m < report->config->metric_count; m++)
            CLI_PUT(&page, "<tr><th>%s</th><td>%.4f</td></tr>", metric_name(report, m),
                    nn_metric_value(&report->test[m]));
        CLI_PUT(&page, "</table>");
    }
    CLI_PUT(&page, "<h2>Learning curves</h2>");
    enum pn_status st = put_curves(&page, report);
    CLI_PUT(&page, "<h2>The network</h2><pre>");
    cli_page_text(&page, nn_plan_text(report->job->plan));
    CLI_PUT(&page, "</pre>");
    return st == PN_OK ? cli_page_end(&page) : st;
}

static enum pn_status
write_history(const struct cli_train_report *report, const char *path, struct pn_error *why)
{
    FILE *file = fopen(path, "w");
    if (file == NULL)
        return pn_error_set(why, PN_EIO, "%s: %s", path, strerror(errno));
    enum pn_status st = cli_train_report_json(file, report);
    if (fclose(file) != 0 && st == PN_OK)
        st = PN_EIO;
    return st == PN_OK ? PN_OK : pn_error_set(why, st, "%s: writing failed", path);
}

enum pn_status
cli_train_report_write(const struct cli_train_report *report, const char *folder,
                       struct pn_error *why)
{
    char             path[4096];
    struct pn_buffer page;
    pn_buffer_init(&page, PAGE_MAX);
    snprintf(path, sizeof path, "%s/report.html", folder);
    enum pn_status st = make_page(&page, report);
    if (st == PN_OK)
        st = store_file_save(path, page.bytes, page.size, 0644, why);
    else
        pn_error_set(why, st, "%s: %s", path, pn_status_text(st));
    pn_buffer_fini(&page);
    snprintf(path, sizeof path, "%s/history.json", folder);
    return st == PN_OK ? write_history(report, path, why) : st;
}
