/*
 * panal model measure -- measures a model of a run on records that took no part in it.
 */
#include "cli/command.h"
#include "engine/blob.h"
#include "engine/proof.h"
#include "engine/sites.h"
#include "engine/trainer.h"
#include "store/files.h"
#include "text/json.h"

#include <stdlib.h>
#include <string.h>

#define BYTES_MAX ((uint64_t)16 << 30)

struct measure_options {
    char    *sites;
    uint64_t round;
    bool     json;
};

static const struct pn_option measure_table[] = {
    {"sites", NULL, PN_OPT_TEXT, offsetof(struct measure_options, sites), 1, 4000,
     "a sites.yaml: all records of all its sites are measured together"},
    {"round", "0", PN_OPT_U64, offsetof(struct measure_options, round), 0, 0,
     "the model after this round; 0: the newest"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct measure_options, json), 0, 0,
     "print JSON instead of text"},
    {0},
};

/* What is read from a state directory. */
struct run {
    struct engine_job    job;
    struct fed_roster   *roster;
    uint64_t             wanted, round; /* 0: the newest; the one that was found */
    struct sec_blob      model;
    float               *theta;
    struct data_scaling *scaling; /* NULL when nothing is standardised */
};

static void
run_fini(struct run *run)
{
    engine_job_fini(&run->job);
    fed_roster_free(run->roster);
    free(run->theta);
    free(run->scaling);
}

static void
find_round(void *context, const struct wire_block *block, const struct sec_hash *hash,
           const struct fed_roster *roster)
{
    struct run *run = context;
    (void)hash, (void)roster;
    if (block->kind != WIRE_BLOCK_ROUND || (run->wanted != 0 && block->round != run->wanted))
        return;
    run->round = block->round;
    run->model = fed_blob_from_wire(&block->model_out);
}

static enum pn_status
read_texts(struct run *run, const struct store_disk *disk, struct pn_error *why)
{
    struct pn_buffer text;
    pn_buffer_init(&text, 1u << 20);
    enum pn_status st = store_disk_load(&text, disk, "job.yaml");
    if (st == PN_OK)
        st = engine_job_init(&run->job, "job.yaml", (const char *)text.bytes, text.size, why);
    else
        pn_error_set(why, st, "job.yaml: %s", pn_status_text(st));
    pn_buffer_clear(&text);
    if (st == PN_OK && (st = store_disk_load(&text, disk, "roster.yaml")) != PN_OK)
        pn_error_set(why, st, "roster.yaml: %s", pn_status_text(st));
    if (st == PN_OK)
        st =
            fed_roster_parse(&run->roster, "roster.yaml", (const char *)text.bytes, text.size, why);
    pn_buffer_fini(&text);
    return st;
}

static enum pn_status
read_scaling(struct run *run, const struct store_disk *disk, const struct sec_blob *blob,
             struct pn_error *why)
{
    uint32_t count = run->job.schema->numeric_count;
    uint8_t *bytes = NULL;
    if (run->job.scaling_size == 0)
        return PN_OK;
    enum pn_status st = engine_blob_load(&bytes, disk, "scaling", blob, why);
    if (st == PN_OK && (run->scaling = calloc(count, sizeof *run->scaling)) == NULL)
        st = PN_ENOMEM;
    if (st == PN_OK)
        st = data_scaling_decode(run->scaling, count, bytes, (size_t)blob->size);
    free(bytes);
    return st;
}

static enum pn_status
read_run(struct run *run, const struct store_disk *disk, struct pn_error *why)
{
    struct engine_proof proof;
    uint8_t            *bytes = NULL;
    enum pn_status      st    = read_texts(run, disk, why);
    if (st == PN_OK)
        st = engine_proof_make(&proof, disk, run->roster, find_round, run, why);
    if (st == PN_OK && run->round == 0)
        st = pn_error_set(why, PN_ENOENT, "the ledger has no such round");
    if (st == PN_OK)
        st = engine_blob_load(&bytes, disk, "models", &run->model, why);
    if (st != PN_OK)
        return st;
    /* SAFE: malloc aligns for floats; engine_floats_decode works in place. */
    run->theta = (float *)(void *)bytes;
    engine_floats_decode(run->theta, bytes, (size_t)(run->model.size / 4));
    return read_scaling(run, disk, &proof.scaling, why);
}

/* ---- measuring ---- */

/* However the job splits a site's records, all of them are new to this model. */
static enum pn_status
measure_site(struct nn_metric *totals, const struct run *run, const struct data_source *source,
             struct pn_error *why)
{
    struct engine_trainer *trainer = NULL;
    struct nn_metric      *metrics = calloc(NN_METRIC_COUNT, sizeof *metrics);
    if (metrics == NULL)
        return PN_ENOMEM;
    enum pn_status st = engine_trainer_new(
        &trainer,
        &(struct engine_trainer_config){
            .job = &run->job, .source = source, .bytes_max = BYTES_MAX, .member = 1},
        why);
    if (st == PN_OK)
        st = engine_trainer_scale(trainer, run->scaling);
    for (int part = DATA_TRAIN; st == PN_OK && part <= DATA_TEST; part++) {
        st = engine_trainer_evaluate(metrics, run->theta, trainer, (enum data_part_kind)part);
        for (size_t m = 0; st == PN_OK && m < run->job.metric_count; m++)
            st = nn_metric_merge(&totals[m], &metrics[m]);
    }
    engine_trainer_free(trainer);
    free(metrics);
    return st;
}

static enum pn_status
print(const struct run *run, const struct nn_metric *totals, bool json)
{
    struct text_json *out;
    enum pn_status    st = PN_OK;
    if (!json) {
        printf("round %llu  %llu records", (unsigned long long)run->round,
               (unsigned long long)totals[0].count);
        for (size_t m = 0; m < run->job.metric_count; m++)
            printf("  %s %.4f", nn_metric_names[totals[m].kind], nn_metric_value(&totals[m]));
        putchar('\n');
        return PN_OK;
    }
    if ((st = text_json_new(&out)) != PN_OK)
        return st;
    text_json_u64(out, "round", run->round);
    text_json_u64(out, "records", totals[0].count);
    text_json_hex(out, "model", run->model.root.bytes, 32);
    for (size_t m = 0; m < run->job.metric_count; m++)
        text_json_f64(out, nn_metric_names[totals[m].kind], nn_metric_value(&totals[m]));
    st = text_json_write(out, stdout);
    text_json_free(out);
    return st;
}

static enum pn_status
measure(const struct run *run, const struct measure_options *options, struct pn_error *why)
{
    struct engine_sites sites;
    struct nn_metric   *totals = calloc(NN_METRIC_COUNT, sizeof *totals);
    if (totals == NULL)
        return PN_ENOMEM;
    enum pn_status st = engine_sites_load(&sites, options->sites, getenv("PANAL_DATA"), why);
    if (st != PN_OK) {
        free(totals);
        return st;
    }
    for (size_t m = 0; st == PN_OK && m < run->job.metric_count; m++)
        st = nn_metric_init(&totals[m], run->job.metrics[m], run->job.class_count);
    for (size_t i = 0; st == PN_OK && i < sites.count; i++)
        st = measure_site(totals, run, &sites.items[i].source, why);
    if (st == PN_OK)
        st = print(run, totals, options->json);
    engine_sites_fini(&sites);
    free(totals);
    return st;
}

int
cli_model_measure(int argc, char **argv)
{
    struct measure_options options;
    struct cli_arguments   words = {
          .noun = "model", .verb = "measure", .needed = {"sites"}, .words_min = 1, .words_max = 1};
    int code;
    if (!cli_parse(&options, measure_table, &words, argc, argv, &code))
        return code;
    struct pn_error     why = {.text = ""};
    struct run          run = {.wanted = options.round};
    struct store_files *files;
    struct store_disk   disk;
    enum pn_status      st = store_files_open(&files, &disk, words.words[0], STORE_READ, &why);
    if (st == PN_OK) {
        st = read_run(&run, &disk, &why);
        if (st == PN_OK)
            st = measure(&run, &options, &why);
        store_files_close(files);
    }
    run_fini(&run);
    pn_options_fini(&options, measure_table);
    return st == PN_OK ? 0 : cli_fail(st, &why);
}
