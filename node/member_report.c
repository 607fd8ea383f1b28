#include "node/member_report.h"

#include "base/log.h"
#include "engine/event.h"
#include "engine/reason.h"

#include <stdio.h>

static const char *
name_of(const struct member_report *report, uint32_t number)
{
    const struct fed_roster_member *member = fed_roster_find(report->roster, number);
    return member == NULL ? "nobody" : member->name;
}

/* `text` may be empty. */
static void
emit(const struct member_report *report, const char *name, const char *node, const char *key,
     const char *text)
{
    struct text_json *json = report->events ? engine_event(name) : NULL;
    if (json != NULL && node[0] != '\0')
        text_json_string(json, "node", node);
    if (json != NULL && text[0] != '\0')
        text_json_string(json, key, text);
    engine_event_emit(json);
}

static void
join_values(char *out, size_t size, const struct swarm_notice *notice)
{
    size_t at = 0;
    out[0]    = '\0';
    for (size_t i = 0; i < notice->metric_count && at < size; i++) {
        int len = snprintf(out + at, size - at, "%s%s %.4f", i == 0 ? "" : ", ",
                           notice->metrics[i].name, notice->metrics[i].value);
        at += len > 0 ? (size_t)len : 0;
    }
}

static void
log_committed(const struct member_report *report, const struct swarm_notice *notice)
{
    const struct wire_block *block     = notice->block;
    char                     text[512] = "";
    size_t                   at        = 0;
    for (size_t i = 0; i < block->metric_count && at < sizeof text; i++) {
        int len = snprintf(text + at, sizeof text - at, "%s%s %.4f", i == 0 ? "" : ", ",
                           block->metrics[i].name, block->metrics[i].value);
        at += len > 0 ? (size_t)len : 0;
    }
    pn_log(PN_LOG_INFO,
           "round=%llu event=committed height=%llu proposer=%s view=%u votes=%zu updates=%zu "
           "absent=%zu metrics=%s",
           (unsigned long long)block->round, (unsigned long long)block->height,
           name_of(report, block->proposer), block->agreement->view, notice->votes,
           block->entry_count, block->absent_count, text);
    if (report->events)
        engine_event_block(block, report->rounds);
}

/* What concerns one height, or one other member. */
static void
log_height(const struct member_report *report, const struct swarm_notice *notice)
{
    unsigned long long height = notice->height, round = notice->round;
    const char        *member = name_of(report, notice->member);
    char               text[512];
    switch (notice->kind) {
    case SWARM_HEIGHT:
        pn_log(PN_LOG_DEBUG, "round=%llu event=height height=%llu", round, height);
        return;
    case SWARM_TRAINED:
        pn_log(PN_LOG_INFO,
               "round=%llu event=trained steps=%llu loss=%.6g norm=%.4g weight=%llu saturated=%llu",
               round, (unsigned long long)notice->steps, notice->loss, notice->norm,
               (unsigned long long)notice->weight, (unsigned long long)notice->saturated);
        return;
    case SWARM_MEASURED:
        join_values(text, sizeof text, notice);
        pn_log(PN_LOG_INFO, "round=%llu event=measured part=%s metrics=%s", round - 1,
               notice->part == DATA_TEST ? "test" : "validation", text);
        return;
    case SWARM_HERE:
        pn_log(PN_LOG_DEBUG, "height=%llu event=update member=%s weight=%llu norm=%.4g", height,
               member, (unsigned long long)notice->weight, notice->norm);
        return;
    case SWARM_LOST:
        pn_log(PN_LOG_WARN, "height=%llu event=lost member=%s text=%s", height, member,
               notice->text);
        return;
    case SWARM_PROPOSED:
        pn_log(PN_LOG_DEBUG, "height=%llu event=proposed view=%u", height, notice->view);
        return;
    case SWARM_VIEW:
        pn_log(
            PN_LOG_WARN,
            "height=%llu event=view view=%u text=\"no block came through under the leader before\"",
            height, notice->view);
        return;
    case SWARM_DRAW:
        pn_log(PN_LOG_WARN,
               "round=%llu event=draw draw=%u text=\"too few updates came of the members drawn "
               "before: more are asked\"",
               round, notice->draw);
        return;
    case SWARM_SHORT:
        pn_log(PN_LOG_WARN, "height=%llu event=waits text=%s", height, notice->text);
        return;
    case SWARM_BAD:
        pn_log(PN_LOG_WARN, "height=%llu event=bad-block text=%s", height, notice->text);
        return;
    case SWARM_COMMITTED:
        log_committed(report, notice);
        return;
    default:
        PN_UNREACHABLE("not of a height");
    }
}

static void
log_rejected(const struct swarm_notice *notice, const char *member)
{
    const char *type = wire_type_text(notice->type), *text = pn_status_text(notice->status);
    if (notice->status == PN_EPEER_RUN)
        text = "it runs another job";
    if (notice->status == PN_EPEER_REPLAY)
        text = "it is as it was before: an older copy of its state directory was put back, its "
               "state directory was lost, or two processes have its keys. It stays outside until "
               "its newest state directory is there";
    pn_log(PN_LOG_WARN, "event=rejected member=%s type=%s text=%s", member,
           type != NULL ? type : "unknown", text);
}

/* The run ends before the job's last round only when its metric no longer improved. */
static void
log_end(const struct member_report *report, const char *outcome)
{
    pn_log(PN_LOG_INFO, "event=end outcome=%s", outcome);
    emit(report, "end", "", "outcome", outcome);
}

void
member_report_notice(void *host, const struct swarm_notice *notice)
{
    struct member_report *report = host;
    const char           *member = name_of(report, notice->member);
    char                  why[600];
    switch (notice->kind) {
    case SWARM_UP:
        if (notice->via == 0)
            pn_log(PN_LOG_INFO, "event=connected member=%s", member);
        else
            pn_log(PN_LOG_INFO, "event=connected member=%s via=%s", member,
                   name_of(report, notice->via));
        emit(report, "joined", member, "text", "");
        return;
    case SWARM_DOWN:
        pn_log(PN_LOG_WARN, "event=disconnected member=%s", member);
        return;
    case SWARM_ABLE:
        emit(report, "joined", "", "text", "");
        pn_log(PN_LOG_INFO, "event=joined training=%llu validation=%llu test=%llu",
               (unsigned long long)notice->records, (unsigned long long)notice->validation,
               (unsigned long long)notice->test);
        return;
    case SWARM_REFUSED:
        engine_reason(why, sizeof why, notice->text, notice->status);
        pn_log(PN_LOG_WARN, "event=refused text=%s", why);
        emit(report, "refused", "", "text", why);
        return;
    case SWARM_CONVICTED:
        pn_log(PN_LOG_ERROR,
               "event=convicted member=%s view=%u text=\"it signed two votes that contradict each "
               "other; the next block shows them\"",
               member, notice->view);
        return;
    case SWARM_FORKED:
        pn_log(PN_LOG_ERROR, "event=forked member=%s text=%s", member, notice->text);
        return;
    case SWARM_REJECTED:
        log_rejected(notice, member);
        return;
    case SWARM_FAILED:
        engine_reason(why, sizeof why, notice->text, notice->status);
        pn_log(PN_LOG_ERROR, "event=fault text=%s", why);
        return;
    case SWARM_BROKEN:
        report->failed = true;
        engine_reason(why, sizeof why, notice->text, notice->status);
        pn_log(PN_LOG_ERROR, "event=broken text=%s", why);
        return;
    case SWARM_EPOCH:
        pn_log(PN_LOG_INFO,
               "height=%llu event=epoch epoch=%u text=\"the swarm agreed on this epoch of the "
               "roster; it is in force from this height on\"",
               (unsigned long long)notice->height, notice->view);
        return;
    case SWARM_ENDED:
        log_end(report, notice->round < report->rounds ? "stopped-early" : "done");
        return;
    default:
        log_height(report, notice);
    }
}
