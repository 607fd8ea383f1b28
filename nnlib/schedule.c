#include "nnlib/schedule.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define AT(member) offsetof(struct nn_schedule, member)
#define STEPS_MAX 1e12

static const double pi = 3.14159265358979323846;

static const struct nn_option common[] = {
    {"warmup", "0", NN_OPTION_NUMBER, AT(warmup), 0, STEPS_MAX, NULL},
    {"warmup_from", "0.1", NN_OPTION_NUMBER, AT(warmup_from), 0, 1, NULL},
    {0}};
static const struct nn_option no_options[]   = {{0}};
static const struct nn_option step_options[] = {
    {"every", "10", NN_OPTION_NUMBER, AT(every), 1, STEPS_MAX, NULL},
    {"factor", "0.1", NN_OPTION_NUMBER, AT(factor), 0, 1, NULL},
    {0}};
static const struct nn_option exp_options[] = {
    {"factor", "0.95", NN_OPTION_NUMBER, AT(factor), 0, 1, NULL}, {0}};
static const struct nn_option linear_options[] = {
    {"end", "0", NN_OPTION_NUMBER, AT(end), 0, 1, NULL},
    {"over", "0", NN_OPTION_NUMBER, AT(over), 0, STEPS_MAX, NULL},
    {0}};
static const struct nn_option cosine_options[] = {
    {"floor", "0", NN_OPTION_NUMBER, AT(floor), 0, 1, NULL},
    {"over", "0", NN_OPTION_NUMBER, AT(over), 0, STEPS_MAX, NULL},
    {0}};
static const struct nn_option restarts_options[] = {
    {"every", "10", NN_OPTION_NUMBER, AT(every), 1, STEPS_MAX, NULL},
    {"times", "1", NN_OPTION_NUMBER, AT(times), 1, 100, NULL},
    {"floor", "0", NN_OPTION_NUMBER, AT(floor), 0, 1, NULL},
    {0}};
static const struct nn_option onecycle_options[] = {
    {"rise", "0.3", NN_OPTION_NUMBER, AT(rise), 0, 1, NULL},
    {"start", "25", NN_OPTION_NUMBER, AT(start), 1, 1e12, NULL},
    {"end", "1e4", NN_OPTION_NUMBER, AT(end), 1, 1e12, NULL},
    {0}};

/* From `from` to `to` along half a cosine; `part` is 0..1. */
static double
glide(double from, double to, double part)
{
    return to + (from - to) * (1 + cos(pi * part)) / 2;
}

static double
constant_share(const struct nn_schedule *s, double k, double total)
{
    (void)s;
    (void)k;
    (void)total;
    return 1;
}

static double
step_share(const struct nn_schedule *s, double k, double total)
{
    (void)total;
    return pow(s->factor, floor(k / s->every));
}

static double
exp_share(const struct nn_schedule *s, double k, double total)
{
    (void)total;
    return pow(s->factor, k);
}

static double
part_of(double k, double over, double total)
{
    double whole = over > 0 ? over : total;
    return whole > 0 && k < whole ? k / whole : 1;
}

static double
linear_share(const struct nn_schedule *s, double k, double total)
{
    return 1 + (s->end - 1) * part_of(k, s->over, total);
}

static double
cosine_share(const struct nn_schedule *s, double k, double total)
{
    return glide(1, s->floor, part_of(k, s->over, total));
}

static double
restarts_share(const struct nn_schedule *s, double k, double total)
{
    (void)total;
    double length = s->every;
    if (s->times == 1)
        k = fmod(k, length);
    for (; k >= length;
         length *= s->times) /* at least 1.01 times as long: a few thousand at most */
        k -= length;
    return glide(1, s->floor, k / length);
}

static double
onecycle_share(const struct nn_schedule *s, double k, double total)
{
    double top = s->rise * total - 1, last = total - 1;
    double low = 1 / s->start, lowest = low / s->end;
    if (k <= top)
        return glide(low, 1, top > 0 ? k / top : 1);
    return glide(1, lowest, k < last && last > top ? (k - top) / (last - top) : 1);
}

static const struct nn_schedule_kind constant_kind = {"constant", no_options, constant_share};
static const struct nn_schedule_kind step_kind     = {"step", step_options, step_share};
static const struct nn_schedule_kind exp_kind      = {"exp", exp_options, exp_share};
static const struct nn_schedule_kind linear_kind   = {"linear", linear_options, linear_share};
static const struct nn_schedule_kind cosine_kind   = {"cosine", cosine_options, cosine_share};
static const struct nn_schedule_kind restarts_kind = {"restarts", restarts_options, restarts_share};
static const struct nn_schedule_kind onecycle_kind = {"onecycle", onecycle_options, onecycle_share};

const struct nn_schedule_kind *const nn_schedule_kinds[] = {
    &constant_kind, &step_kind,     &exp_kind,      &linear_kind,
    &cosine_kind,   &restarts_kind, &onecycle_kind, NULL};

static void
set_kind(struct nn_schedule *schedule, const struct nn_schedule_kind *kind)
{
    memset(schedule, 0, sizeof *schedule);
    schedule->kind = kind;
    nn_options_default((unsigned char *)schedule, common);
    nn_options_default((unsigned char *)schedule, kind->options);
}

void
nn_schedule_init(struct nn_schedule *schedule)
{
    set_kind(schedule, &constant_kind);
}

static enum pn_status
unknown_kind(const char *text, size_t len, struct pn_error *why)
{
    struct pn_error list = {.text = ""};
    for (size_t i = 0; nn_schedule_kinds[i] != NULL; i++)
        (void)pn_error_set(&list, PN_OK, "%s%s%s", list.text, i == 0 ? "" : ", ",
                           nn_schedule_kinds[i]->name);
    return pn_error_set(why, PN_ECONFIG, "schedule: expected one of %s; seen '%.*s'", list.text,
                        (int)(len < 40 ? len : 40), text);
}

/* One key=value out of two tables (the second may be empty). */
static enum pn_status
read_option(void *options, const char *name, const struct nn_option *const tables[static 2],
            const char *word, size_t len, struct pn_error *why)
{
    const char             *equal  = memchr(word, '=', len);
    size_t                  key    = equal != NULL ? (size_t)(equal - word) : len;
    const struct nn_option *option = nn_option_find(tables[0], word, key);
    if (option == NULL)
        option = nn_option_find(tables[1], word, key);
    if (option == NULL || equal == NULL)
        return pn_error_set(why, PN_ECONFIG,
                            "%s understands key=value as nnlib/schedule.h lists them, not "
                            "'%.*s'",
                            name, (int)(len < 40 ? len : 40), word);
    if (!nn_option_set(options, option, equal + 1, len - key - 1))
        return nn_option_refuse(why, option, equal + 1, len - key - 1);
    return PN_OK;
}

static enum pn_status
read_options(void *options, const char *name, const struct nn_option *const tables[static 2],
             const char *text, struct pn_error *why)
{
    enum pn_status st = PN_OK;
    while (st == PN_OK && *(text += strspn(text, " ")) != '\0') {
        size_t len = strcspn(text, " ");
        st         = read_option(options, name, tables, text, len, why);
        text += len;
    }
    return st;
}

enum pn_status
nn_schedule_parse(struct nn_schedule *schedule, const char *text, struct pn_error *why)
{
    struct nn_schedule read;
    char               name[32];
    size_t             len = strcspn(text, " "), i = 0;
    while (nn_schedule_kinds[i] != NULL && (strlen(nn_schedule_kinds[i]->name) != len ||
                                            memcmp(nn_schedule_kinds[i]->name, text, len) != 0))
        i++;
    if (nn_schedule_kinds[i] == NULL)
        return unknown_kind(text, len, why);
    set_kind(&read, nn_schedule_kinds[i]);
    (void)snprintf(name, sizeof name, "schedule: %s", read.kind->name);
    const struct nn_option *const tables[2] = {read.kind->options, common};
    enum pn_status                st        = read_options(&read, name, tables, text + len, why);
    if (st == PN_OK)
        *schedule = read;
    return st;
}

double
nn_schedule_rate(const struct nn_schedule *schedule, double rate, uint64_t step, uint64_t total)
{
    double k = (double)step, warm = schedule->warmup, whole = (double)total - warm;
    if (k < warm)
        return rate * (schedule->warmup_from + (1 - schedule->warmup_from) * k / warm);
    return rate * schedule->kind->share(schedule, k - warm, whole > 0 ? whole : 0);
}

/* ---- what looks at a metric ---- */

#define PLATEAU(member) offsetof(struct nn_plateau, member)
static const struct nn_option plateau_options[] = {
    {"factor", "0.1", NN_OPTION_NUMBER, PLATEAU(factor), 1e-6, 1, NULL},
    {"threshold", "1e-4", NN_OPTION_NUMBER, PLATEAU(threshold), 0, 1, NULL},
    {"floor", "0", NN_OPTION_NUMBER, PLATEAU(floor), 0, 1, NULL},
    {"patience", "10", NN_OPTION_COUNT, PLATEAU(patience), 0, 1e6, NULL},
    {"cooldown", "0", NN_OPTION_COUNT, PLATEAU(cooldown), 0, 1e6, NULL},
    {0}};

enum pn_status
nn_plateau_parse(struct nn_plateau *plateau, const char *text, struct pn_error *why)
{
    const struct nn_option *const tables[2] = {plateau_options, no_options};
    struct nn_plateau             read      = {.factor = 0};
    nn_options_default((unsigned char *)&read, plateau_options);
    enum pn_status st = read_options(&read, "plateau", tables, text, why);
    if (st == PN_OK)
        *plateau = read;
    return st;
}

double
nn_plateau_step(struct nn_plateau *plateau, double metric)
{
    double margin = plateau->larger_is_better ? 1 + plateau->threshold : 1 - plateau->threshold;
    double line   = plateau->best * margin;
    bool   better = !isnan(metric) &&
                  (!plateau->begun || (plateau->larger_is_better ? metric > line : metric < line));
    if (!plateau->begun)
        plateau->share = 1;
    plateau->begun = plateau->begun || better;
    if (better)
        plateau->best = metric;
    plateau->bad = better ? 0 : plateau->bad + 1;
    if (plateau->resting > 0) {
        plateau->resting--;
        plateau->bad = 0;
    }
    if (plateau->bad <= plateau->patience)
        return plateau->share;
    plateau->share *= plateau->factor;
    if (plateau->share < plateau->floor)
        plateau->share = plateau->floor;
    plateau->resting = plateau->cooldown;
    plateau->bad     = 0;
    return plateau->share;
}

enum nn_stopping_answer
nn_stopping_step(struct nn_stopping *stopping, double metric)
{
    double gain   = stopping->smaller_is_better ? stopping->best - metric : metric - stopping->best;
    bool   better = !isnan(metric) && (!stopping->begun || gain > stopping->min_delta);
    stopping->steps++;
    if (better) {
        stopping->begun     = true;
        stopping->best      = metric;
        stopping->best_step = stopping->steps;
        return NN_STOPPING_IMPROVED;
    }
    return nn_stopping_is_over(stopping) ? NN_STOPPING_STOP : NN_STOPPING_GO_ON;
}

bool
nn_stopping_is_over(const struct nn_stopping *stopping)
{
    return stopping->patience > 0 && stopping->steps - stopping->best_step >= stopping->patience;
}
