/*
 * cli/command -- what every subcommand of `panal` shares: parsing, help, failing.
 *
 * One file per noun (keys, roster, job, data, lab, ledger, model), one function per verb, one table
 * in main.c that drives dispatch and help. Data goes to stdout, messages to stderr; --json on every
 * command that prints data. Exit codes: README.
 */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/options.h"

struct cli_command {
    const char *noun, *verb;           /* verb "": the noun alone is the command */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns the exit code */
    const char *usage;                 /* words after `panal noun verb`             */
    const char *summary;
};

extern const struct cli_command cli_commands[]; /* ends with a NULL noun */
const struct cli_command       *cli_command_find(const char *noun, const char *verb);

enum {
    CLI_WORDS_MAX = 1024
};

/* What a command accepts. */
struct cli_arguments {
    const char *noun, *verb;
    const char *needed[3]; /* text options that must be given */
    size_t      words_min, words_max;
    const char *words[CLI_WORDS_MAX];
    size_t      word_count;
};

/*
 * Sets defaults, then the command line. Returns true to go on; otherwise `*exit_code` is what the
 * command must return: 0 after --help, 2 after a mistake that was explained on stderr.
 */
bool cli_parse(void *into, const struct pn_option *table, struct cli_arguments *arguments, int argc,
               char **argv, int *exit_code);

/* Says on stderr what is wrong with the command line, and how it goes; returns 2. */
int cli_misuse(const struct cli_arguments *arguments, const char *text);

/* Says `panal: sentence` on stderr and gives the exit code of `status`. */
int cli_fail(enum pn_status status, const struct pn_error *why);

/* Asks for a passphrase on the terminal without echo (twice when `confirm`), or reads the first
 * line of $PANAL_PASSPHRASE_FILE. Empty is refused. */
PN_MUST_CHECK enum pn_status cli_passphrase(char *out, size_t size, const char *prompt,
                                            bool confirm, struct pn_error *why);

int cli_keys_create(int argc, char **argv);
int cli_keys_renew(int argc, char **argv);
int cli_keys_show(int argc, char **argv);
int cli_roster_create(int argc, char **argv);
int cli_roster_next(int argc, char **argv);
int cli_roster_sign(int argc, char **argv);
int cli_roster_show(int argc, char **argv);
int cli_job_check(int argc, char **argv);
int cli_data_check(int argc, char **argv);
int cli_data_generate(int argc, char **argv);
int cli_train(int argc, char **argv);
int cli_evaluate(int argc, char **argv);
int cli_predict(int argc, char **argv);
int cli_lab_run(int argc, char **argv);
int cli_lab_lay_out(int argc, char **argv);
int cli_ledger_verify(int argc, char **argv);
int cli_ledger_show(int argc, char **argv);
int cli_ledger_diff(int argc, char **argv);
int cli_ledger_prove(int argc, char **argv);
int cli_ledger_check(int argc, char **argv);
int cli_model_show(int argc, char **argv);
int cli_model_export(int argc, char **argv);
int cli_model_measure(int argc, char **argv);

#endif
