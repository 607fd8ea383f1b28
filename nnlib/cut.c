/* Where to cut a score: one walk down from the highest. */
#include "nnlib/calibrate.h"

#include <math.h>

struct walk {
    double on, off;   /* of all  */
    double hits, all; /* so far: right alerts, alerts */
};

static enum pn_status
begin(struct walk *walk, const struct nn_scored *scored, size_t count)
{
    *walk = (struct walk){0};
    for (size_t i = 0; i < count; i++) {
        walk->on += scored[i].on;
        walk->off += scored[i].off;
    }
    return walk->on > 0 && walk->off > 0 ? PN_OK : PN_EDATA;
}

static struct nn_cut
cut_of(const struct walk *walk, double score)
{
    return (struct nn_cut){.score     = score,
                           .alerts    = walk->all,
                           .precision = walk->all > 0 ? walk->hits / walk->all : (double)NAN,
                           .recall    = walk->hits / walk->on,
                           .f1        = 2 * walk->hits / (walk->on + walk->all)};
}

static struct nn_cut
take(struct walk *walk, const struct nn_scored *entry)
{
    walk->hits += entry->on;
    walk->all += entry->on + entry->off;
    return cut_of(walk, entry->score);
}

enum pn_status
nn_cut_best_f1(struct nn_cut *out, const struct nn_scored *scored, size_t count)
{
    struct walk    walk;
    enum pn_status st = begin(&walk, scored, count);
    if (st != PN_OK)
        return st;
    struct nn_cut best = {.f1 = -1};
    for (size_t i = count; i-- > 0;) {
        struct nn_cut cut = take(&walk, &scored[i]);
        if (cut.f1 > best.f1)
            best = cut;
    }
    *out = best;
    return PN_OK;
}

enum pn_status
nn_cut_budget(struct nn_cut *out, const struct nn_scored *scored, size_t count, double alerts)
{
    struct walk    walk;
    enum pn_status st    = begin(&walk, scored, count);
    bool           found = false;
    for (size_t i = count; st == PN_OK && i-- > 0;) {
        struct nn_cut cut = take(&walk, &scored[i]);
        if (cut.alerts > alerts)
            break;
        *out  = cut;
        found = true;
    }
    return st == PN_OK && !found ? PN_EDATA : st;
}

enum pn_status
nn_cut_cheapest(struct nn_cut *out, const struct nn_scored *scored, size_t count, double alarm,
                double miss)
{
    struct walk    walk;
    enum pn_status st = begin(&walk, scored, count);
    if (st != PN_OK)
        return st;
    struct nn_cut best = cut_of(&walk, (double)INFINITY);
    best.cost          = miss * walk.on;
    for (size_t i = count; i-- > 0;) {
        struct nn_cut cut = take(&walk, &scored[i]);
        cut.cost          = alarm * (walk.all - walk.hits) + miss * (walk.on - walk.hits);
        if (cut.cost < best.cost)
            best = cut;
    }
    *out = best;
    return PN_OK;
}
