#include "node/report.h"

#include "base/log.h"
#include "engine/reason.h"

#include <stdio.h>

static const char *
work_text(enum fed_member_work work)
{
    switch (work) {
    case FED_NO_WORK:
        return "none";
    case FED_WORK_JOIN:
        return "join";
    case FED_WORK_SURVEY:
        return "survey";
    case FED_WORK_TRAIN:
        return "train";
    case FED_WORK_EVALUATE:
        return "evaluate";
    case FED_WORK_KEEP:
        return "keep";
    }
    PN_UNREACHABLE("work has a kind");
}

static void
log_metrics(const struct node_notice *notice)
{
    char   text[512] = "";
    size_t at        = 0;
    for (size_t i = 0; i < notice->metric_count && at < sizeof text; i++) {
        int len = snprintf(text + at, sizeof text - at, "%s%s %.4f", i == 0 ? "" : ", ",
                           notice->metrics[i].name, notice->metrics[i].value);
        at += len > 0 ? (size_t)len : 0;
    }
    pn_log(PN_LOG_INFO, "round=%llu event=measured part=%s metrics=%s",
           (unsigned long long)notice->round, notice->part == DATA_TEST ? "test" : "validation",
           text);
}

void
node_report_notice(void *host, const struct node_notice *notice)
{
    struct node_report *report = host;
    const char         *text   = notice->text != NULL ? notice->text : "";
    unsigned long long  round  = notice->round;
    char                why[600];

    switch (notice->kind) {
    case NODE_UP:
        pn_log(PN_LOG_INFO, "event=connected");
        return;
    case NODE_DOWN:
        pn_log(PN_LOG_WARN, "event=disconnected text=\"trying again\"");
        return;
    case NODE_JOINED:
        pn_log(PN_LOG_INFO, "event=joined training=%llu validation=%llu test=%llu",
               (unsigned long long)notice->records, (unsigned long long)notice->validation,
               (unsigned long long)notice->test);
        return;
    case NODE_REFUSED:
        pn_log(PN_LOG_WARN, "event=refused text=%s", text);
        return;
    case NODE_WORK:
        pn_log(PN_LOG_DEBUG, "round=%llu event=work work=%s", round, work_text(notice->work));
        return;
    case NODE_TRAINED:
        pn_log(PN_LOG_INFO,
               "round=%llu event=trained steps=%llu loss=%.6g norm=%.4g weight=%llu saturated=%llu",
               round, (unsigned long long)notice->steps, notice->loss, notice->norm,
               (unsigned long long)notice->weight, (unsigned long long)notice->saturated);
        return;
    case NODE_MEASURED:
        log_metrics(notice);
        return;
    case NODE_FAILED:
        engine_reason(why, sizeof why, text, notice->status);
        pn_log(PN_LOG_ERROR, "round=%llu event=fault work=%s text=%s", round,
               work_text(notice->work), why);
        return;
    case NODE_COMMITTED:
        pn_log(PN_LOG_INFO, "round=%llu event=committed height=%llu", round,
               (unsigned long long)notice->height);
        return;
    case NODE_REJECTED:
        pn_log(PN_LOG_WARN, "event=rejected type=%s status=%s text=%s",
               wire_type_text(notice->type) != NULL ? wire_type_text(notice->type) : "unknown",
               pn_status_text(notice->status), text);
        return;
    case NODE_ENDED:
        report->outcome = notice->outcome;
        pn_log(PN_LOG_INFO, "event=end outcome=%s text=%s",
               notice->outcome == WIRE_FAILED ? "failed" : "done", text);
        return;
    }
    PN_UNREACHABLE("a notice has a kind");
}
