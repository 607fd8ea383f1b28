/*
 * panal -- the tool for people: keys, rosters, jobs, data, the lab, ledgers, models.
 */
#include "cli/command.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <string.h>

const struct cli_command cli_commands[] = {
    {"keys", "create", cli_keys_create,
     "--name NAME --organisation TEXT [--endpoint ADDRESS] [--out DIR]",
     "make the keys of an organisation, and the join file for the consortium"},
    {"keys", "renew", cli_keys_renew, "FILE.join [--endpoint ADDRESS] [--keys DIR]",
     "new keys for its daemon, for the next epoch of the roster"},
    {"keys", "show", cli_keys_show, "FILE.join", "what a join file asks for, and its fingerprint"},
    {"roster", "create", cli_roster_create,
     "--federation NAME (--endpoint ADDRESS | --mode swarm) JOIN-FILES",
     "write the first federation.yaml from join files"},
    {"roster", "next", cli_roster_next, "OLD-ROSTER [--add FILE] [--remove NAME]",
     "write the next epoch: members added, removed, renewed"},
    {"roster", "sign", cli_roster_sign, "federation.yaml [--keys DIR]",
     "sign a roster with the root key of an organisation"},
    {"roster", "show", cli_roster_show, "federation.yaml", "check a roster and show who is in it"},
    {"job", "check", cli_job_check, "job.yaml", "check a job; print its hash and what it would do"},
    {"data", "check", cli_data_check,
     "job.yaml --config node.yaml (or --file FILE, or --sites FILE)",
     "what a job would see in this site's data; nothing leaves"},
    {"data", "generate", cli_data_generate, "[--out DIR]",
     "write synthetic card transactions of several banks"},
    {"train", "", cli_train, "job.yaml --file FILE [--out DIR]",
     "train on this machine alone, with learning curves; stops and resumes"},
    {"evaluate", "", cli_evaluate, "job.yaml MODEL.safetensors --file FILE",
     "what a model is worth on records of this machine"},
    {"predict", "", cli_predict, "job.yaml MODEL.safetensors --file FILE [--out FILE.csv]",
     "a model's score for every record"},
    {"lab", "run", cli_lab_run, "job.yaml [--sites sites.yaml] [--mode swarm]",
     "run a whole federation on this machine, with real daemons"},
    {"lab", "prepare", cli_lab_lay_out, "job.yaml [--sites sites.yaml] [--mode swarm]",
     "only make its folder: keys, signed roster, configurations"},
    {"ledger", "verify", cli_ledger_verify, "DIR --roster federation.yaml [--checkpoint SIZE:ROOT]",
     "prove offline what was averaged"},
    {"ledger", "show", cli_ledger_show, "DIR --roster federation.yaml",
     "who took part in which round, and what came out"},
    {"ledger", "diff", cli_ledger_diff, "DIR-A DIR-B --roster federation.yaml",
     "the first block where two ledgers part, and who signed both"},
    {"ledger", "prove", cli_ledger_prove,
     "DIR --roster federation.yaml (--block N | --since N) [--out FILE]",
     "a small file that proves one block, or that a ledger only grew"},
    {"ledger", "check", cli_ledger_check, "FILE --roster federation.yaml [--checkpoint SIZE:ROOT]",
     "check such a file, with the roster alone"},
    {"model", "show", cli_model_show, "FILE.safetensors", "tensors and numbers of a model"},
    {"model", "export", cli_model_export, "DIR [--out FILE.safetensors]",
     "write the newest model of a run as safetensors"},
    {"model", "measure", cli_model_measure, "DIR --sites sites.yaml",
     "measure a model of a run on records that took no part in it"},
    {NULL, NULL, NULL, NULL, NULL},
};

const struct cli_command *
cli_command_find(const char *noun, const char *verb)
{
    for (const struct cli_command *c = cli_commands; c->noun != NULL; c++)
        if (strcmp(c->noun, noun) == 0 && strcmp(c->verb, verb) == 0)
            return c;
    return NULL;
}

static void
print_help(FILE *out)
{
    fputs("panal trains one neural network over organisations that may not share data.\n\n"
          "usage: panal COMMAND [options]      panal COMMAND --help\n\n",
          out);
    for (const struct cli_command *c = cli_commands; c->noun != NULL; c++)
        fprintf(out, "  %-*s%-*s  %s\n", c->verb[0] == '\0' ? 15 : 7, c->noun,
                c->verb[0] == '\0' ? 0 : 8, c->verb, c->summary);
    fputs(
        "\nThe daemons are panal-coordinator and panal-node; panal-sim runs a job in a simulator.\n"
        "Exit codes: 0 ok, 1 failed, 2 usage, 3 configuration, 4 not found, 5 signature, 6 "
        "network,\n"
        "7 refused by a policy, 8 data, 9 a nominal ledger proves nothing.\n",
        out);
}

static int
unknown_noun(const char *noun)
{
    const char *nouns[32];
    size_t      count = 0;
    for (const struct cli_command *c = cli_commands; c->noun != NULL; c++)
        nouns[count++] = c->noun;
    const char *near = pn_nearest(noun, nouns, count);
    fprintf(stderr, "panal: there is no `panal %s`; ", noun);
    if (near != NULL)
        fprintf(stderr, "did you mean `panal %s`? ", near);
    fputs("`panal --help` lists everything\n", stderr);
    return PN_EXIT_USAGE;
}

/* `panal keys`, `panal keys --help`, or a verb that is not one. */
static int
list_verbs(const char *noun, const char *verb)
{
    bool  asked = verb != NULL && strcmp(verb, "--help") == 0, known = false;
    FILE *out = asked ? stdout : stderr;
    for (const struct cli_command *c = cli_commands; c->noun != NULL; c++) {
        if (strcmp(c->noun, noun) != 0)
            continue;
        if (!known && !asked && verb != NULL)
            fprintf(out, "panal: there is no `panal %s %s`\n", noun, verb);
        fprintf(out, "  panal %s %-8s  %s\n", noun, c->verb, c->summary);
        known = true;
    }
    return !known ? unknown_noun(noun) : asked ? 0 : PN_EXIT_USAGE;
}

int
main(int argc, char **argv)
{
    if (argc < 2 || strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
        print_help(argc < 2 ? stderr : stdout);
        return argc < 2 ? PN_EXIT_USAGE : 0;
    }
    if (strcmp(argv[1], "--version") == 0) {
        puts("panal " PANAL_VERSION);
        return 0;
    }
    if (sec_init() != PN_OK) {
        fputs("panal: libsodium does not start\n", stderr);
        return 1;
    }
    const struct cli_command *single = cli_command_find(argv[1], "");
    if (single != NULL)
        return single->run(argc - 1, argv + 1);
    const struct cli_command *command = argc < 3 ? NULL : cli_command_find(argv[1], argv[2]);
    if (command == NULL)
        return list_verbs(argv[1], argc < 3 ? NULL : argv[2]);
    return command->run(argc - 2, argv + 2);
}
