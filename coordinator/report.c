#include "coordinator/report.h"

#include "base/log.h"
#include "engine/event.h"
#include "engine/reason.h"

#include <stdio.h>

static const char *
name_of(const struct coord_report *report, uint32_t number)
{
    const struct fed_roster_member *member = fed_roster_find(report->roster, number);
    return member == NULL ? "?" : member->name;
}

static const char *
outcome_text(enum wire_outcome outcome)
{
    return outcome == WIRE_DONE            ? "done"
           : outcome == WIRE_STOPPED_EARLY ? "stopped-early"
                                           : "failed";
}

/* ---- events ---- */

static struct text_json *
event(const struct coord_report *report, const char *name)
{
    return report->events ? engine_event(name) : NULL;
}

void
coord_report_listening(const struct coord_report *report, const char *endpoint)
{
    pn_log(PN_LOG_INFO, "event=listening endpoint=%s", endpoint);
    struct text_json *json = event(report, "listening");
    if (json != NULL)
        text_json_string(json, "endpoint", endpoint);
    engine_event_emit(json);
}

static void
emit_member(const struct coord_report *report, const char *name, const struct coord_notice *notice)
{
    struct text_json *json = event(report, name);
    if (json == NULL)
        return;
    text_json_string(json, "node", name_of(report, notice->member));
    if (notice->records > 0)
        text_json_u64(json, "records", notice->records);
    if (notice->text != NULL && notice->text[0] != '\0')
        text_json_string(json, "text", notice->text);
    engine_event_emit(json);
}

/* ---- log lines ---- */

static void
log_block(const struct wire_block *block)
{
    char   metrics[512] = "";
    size_t at           = 0;
    for (size_t i = 0; i < block->metric_count && at < sizeof metrics; i++) {
        int len = snprintf(metrics + at, sizeof metrics - at, "%s%s %.4f", i == 0 ? "" : ", ",
                           block->metrics[i].name, block->metrics[i].value);
        at += len > 0 ? (size_t)len : 0;
    }
    pn_log(PN_LOG_INFO,
           "round=%llu attempt=%u event=commit height=%llu members=%zu absent=%zu metrics=%s",
           (unsigned long long)block->round, block->attempt, (unsigned long long)block->height,
           block->entry_count, block->absent_count, metrics);
}

static void
end(struct coord_report *report, const struct coord_notice *notice)
{
    const char *text = notice->text != NULL ? notice->text : "";
    if (report->broken) /* the sentence that somebody can do something about */
        text = report->why;
    report->outcome = notice->outcome;
    pn_log(notice->outcome == WIRE_FAILED ? PN_LOG_ERROR : PN_LOG_INFO,
           "round=%llu event=end outcome=%s text=%s", (unsigned long long)notice->round,
           outcome_text(notice->outcome), text);
    struct text_json *json = event(report, "end");
    if (json != NULL) {
        text_json_string(json, "outcome", outcome_text(notice->outcome));
        text_json_string(json, "text", text);
    }
    engine_event_emit(json);
}

void
coord_report_notice(void *host, const struct coord_notice *notice)
{
    struct coord_report *report = host;
    const char          *name   = name_of(report, notice->member);
    const char          *text   = notice->text != NULL ? notice->text : "";
    unsigned long long   round  = notice->round;

    switch (notice->kind) {
    case COORD_PHASE:
        pn_log(PN_LOG_DEBUG, "round=%llu attempt=%u phase=%s", round, notice->attempt,
               fed_phase_text(notice->phase));
        return;
    case COORD_GREETED:
        pn_log(PN_LOG_INFO, "node=%s event=connected", name);
        return;
    case COORD_GONE:
        pn_log(PN_LOG_WARN, "node=%s event=disconnected", name);
        emit_member(report, "gone", notice);
        return;
    case COORD_JOINED:
        pn_log(PN_LOG_INFO, "node=%s event=joined records=%llu", name,
               (unsigned long long)notice->records);
        emit_member(report, "joined", notice);
        return;
    case COORD_REFUSED:
        pn_log(PN_LOG_WARN, "node=%s event=refused text=%s", name, text);
        emit_member(report, "refused", notice);
        return;
    case COORD_FOREIGN:
        pn_log(PN_LOG_ERROR, "node=%s event=foreign-ledger text=%s", name, text);
        emit_member(report, "foreign", notice);
        return;
    case COORD_FAULTED:
        pn_log(PN_LOG_WARN, "round=%llu node=%s event=fault text=%s", round, name, text);
        emit_member(report, "fault", notice);
        return;
    case COORD_UPDATE:
        pn_log(PN_LOG_INFO, "round=%llu node=%s event=update weight=%llu norm=%.4g", round, name,
               (unsigned long long)notice->weight, notice->norm);
        emit_member(report, "update", notice);
        return;
    case COORD_INVALID:
        pn_log(PN_LOG_WARN, "round=%llu node=%s event=update-refused text=%s", round, name, text);
        emit_member(report, "invalid", notice);
        return;
    case COORD_REJECTED:
        pn_log(PN_LOG_WARN, "node=%s event=rejected type=%s text=%s", name,
               wire_type_text(notice->type) != NULL ? wire_type_text(notice->type) : "unknown",
               pn_status_text(notice->status));
        return;
    case COORD_COMMITTED:
        log_block(notice->block);
        if (report->events)
            engine_event_block(notice->block, report->rounds);
        return;
    case COORD_BROKEN:
        report->broken = true;
        engine_reason(report->why, sizeof report->why, text, notice->status);
        pn_log(PN_LOG_ERROR, "round=%llu event=broken text=%s", round, report->why);
        return;
    case COORD_ENDED:
        end(report, notice);
        return;
    }
    PN_UNREACHABLE("a notice has a kind");
}
