#include "cli/command.h"
#include "crypto/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static void
print_usage(FILE *out, const struct cli_arguments *arguments, const struct pn_option *table)
{
    const struct cli_command *command = cli_command_find(arguments->noun, arguments->verb);
    const char               *gap     = command->verb[0] == '\0' ? "" : " ";
    fprintf(out, "panal %s%s%s -- %s\n\nusage: panal %s%s%s %s\n\n", command->noun, gap,
            command->verb, command->summary, command->noun, gap, command->verb, command->usage);
    pn_options_help(out, table);
}

int
cli_misuse(const struct cli_arguments *arguments, const char *text)
{
    const struct cli_command *command = cli_command_find(arguments->noun, arguments->verb);
    const char               *gap     = command->verb[0] == '\0' ? "" : " ";
    fprintf(stderr, "panal %s%s%s: %s\nusage: panal %s%s%s %s      (--help says more)\n",
            command->noun, gap, command->verb, text, command->noun, gap, command->verb,
            command->usage);
    return PN_EXIT_USAGE;
}

static enum pn_status
check_words(const struct cli_arguments *arguments, struct pn_error *why)
{
    size_t least = arguments->words_min, most = arguments->words_max;
    if (arguments->word_count >= least && arguments->word_count <= most)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG, "expected %zu%s file name%s, seen %zu", least,
                        most > least ? " or more" : "", least == 1 && most == 1 ? "" : "s",
                        arguments->word_count);
}

static enum pn_status
check_needed(const struct cli_arguments *arguments, const void *into, const struct pn_option *table,
             struct pn_error *why)
{
    const size_t count = sizeof arguments->needed / sizeof arguments->needed[0];
    for (size_t i = 0; i < count && arguments->needed[i] != NULL; i++)
        for (const struct pn_option *option = table; option->name != NULL; option++) {
            char *const *text = (char *const *)((const char *)into + option->offset);
            if (strcmp(option->name, arguments->needed[i]) == 0 && *text == NULL)
                return pn_error_set(why, PN_ECONFIG, "--%s is needed: %s", option->name,
                                    option->help);
        }
    return PN_OK;
}

bool
cli_parse(void *into, const struct pn_option *table, struct cli_arguments *arguments, int argc,
          char **argv, int *exit_code)
{
    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--") == 0)
            break;
        if (strcmp(argv[i], "--help") == 0) {
            print_usage(stdout, arguments, table);
            *exit_code = 0;
            return false;
        }
    }
    struct pn_error why = {.text = ""};
    enum pn_status  st  = pn_options_init(into, table, &why);
    PN_ASSERT(st == PN_OK || st == PN_ENOMEM);
    if (st == PN_OK)
        st = pn_options_from_args(into, table, argc, argv, arguments->words,
                                  sizeof arguments->words / sizeof arguments->words[0],
                                  &arguments->word_count, &why);
    if (st == PN_OK)
        st = check_words(arguments, &why);
    if (st == PN_OK)
        st = check_needed(arguments, into, table, &why);
    if (st == PN_OK)
        return true;
    pn_options_fini(into, table);
    *exit_code = cli_misuse(arguments, why.text);
    return false;
}

int
cli_fail(enum pn_status status, const struct pn_error *why)
{
    const char *text = why != NULL && why->text[0] != '\0' ? why->text : pn_status_text(status);
    fprintf(stderr, "panal: %s\n", text);
    return pn_status_exit_code(status);
}

/* One line from `fd`, without its newline. */
static enum pn_status
read_line(char *out, size_t size, int fd, struct pn_error *why)
{
    size_t len = 0;
    for (;;) {
        char    c;
        ssize_t got = read(fd, &c, 1);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0 || c == '\n')
            break;
        if (len + 1 >= size)
            return pn_error_set(why, PN_ERANGE, "the passphrase is longer than %zu bytes",
                                size - 1);
        out[len++] = c;
    }
    out[len] = '\0';
    if (len == 0)
        return pn_error_set(why, PN_ECONFIG, "an empty passphrase protects nothing");
    return PN_OK;
}

static enum pn_status
ask(char *out, size_t size, const char *prompt, struct pn_error *why)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC);
    if (terminal < 0)
        return pn_error_set(
            why, PN_ECONFIG,
            "no terminal to ask for the passphrase; put it into a file and name that in "
            "PANAL_PASSPHRASE_FILE");
    struct termios before, quiet;
    bool           has_echo = tcgetattr(terminal, &before) == 0;
    if (has_echo) {
        quiet = before;
        quiet.c_lflag &= ~(tcflag_t)ECHO;
        (void)tcsetattr(terminal, TCSAFLUSH, &quiet);
    }
    (void)!write(terminal, prompt, strlen(prompt));
    enum pn_status st = read_line(out, size, terminal, why);
    if (has_echo)
        (void)tcsetattr(terminal, TCSAFLUSH, &before);
    (void)!write(terminal, "\n", 1);
    close(terminal);
    return st;
}

enum pn_status
cli_passphrase(char *out, size_t size, const char *prompt, bool confirm, struct pn_error *why)
{
    const char *path = getenv("PANAL_PASSPHRASE_FILE");
    if (path != NULL) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
            return pn_error_set(why, PN_ENOENT, "PANAL_PASSPHRASE_FILE=%s: %s", path,
                                strerror(errno));
        enum pn_status st = read_line(out, size, fd, why);
        close(fd);
        return st;
    }
    enum pn_status st = ask(out, size, prompt, why);
    if (st != PN_OK || !confirm)
        return st;
    char again[256];
    st = ask(again, sizeof again, "the same again: ", why);
    if (st == PN_OK && strcmp(out, again) != 0)
        st = pn_error_set(why, PN_ECONFIG, "the two passphrases differ");
    sec_wipe(again, sizeof again);
    return st;
}
