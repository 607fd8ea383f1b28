#include "cli/lab.h"
#include "crypto/merkle.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

extern char **environ;

enum {
    LINE_SIZE     = 65536,
    STOP_SECONDS  = 10,
    START_SECONDS = 30,
    HELD_COUNT    = 3
};

struct process {
    char  name[32];
    pid_t pid; /* 0: not running */
    int   code;
};

struct lab {
    const char                *folder;
    enum fed_mode              mode;
    const struct engine_job   *job;
    const struct engine_sites *sites;
    struct process            *processes; /* [0] says what happens: the coordinator, or a member */
    size_t                     process_count;
    int                        events; /* read end: its stdout */
    char                       line[LINE_SIZE];
    size_t                     line_size;
    struct cli_lab_run         run;
    char                       endpoint[256], outcome[32];
    uint32_t                   joined;
    double                     began;
    bool                       tty;
    struct sigaction           before[HELD_COUNT];
};

static double
now_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- signals ---- */

static const int held_signals[HELD_COUNT] = {SIGINT, SIGTERM, SIGHUP};

static volatile sig_atomic_t interrupted; /* the signal that came, 0: none */

static void
note_signal(int number)
{
    interrupted = number;
}

/* A signal waits until the daemons are stopped. Not by a mask: BLAS has threads of its own. */
static void
hold_signals(struct lab *lab)
{
    struct sigaction note = {.sa_handler = note_signal};
    sigemptyset(&note.sa_mask);
    interrupted = 0;
    for (size_t i = 0; i < HELD_COUNT; i++) {
        (void)sigaction(held_signals[i], NULL, &lab->before[i]);
        if (lab->before[i].sa_handler != SIG_IGN)
            (void)sigaction(held_signals[i], &note, NULL);
    }
}

/* One that waited ends the program here, as it would have before. */
static void
release_signals(const struct lab *lab)
{
    for (size_t i = 0; i < HELD_COUNT; i++)
        (void)sigaction(held_signals[i], &lab->before[i], NULL);
    if (interrupted != 0)
        (void)raise(interrupted);
}

/* ---- processes ---- */

/* The daemons lie beside this program; failing that, on the PATH. */
static void
program_path(char out[static CLI_PATH_SIZE], const char *name)
{
    ssize_t len = readlink("/proc/self/exe", out, CLI_PATH_SIZE - 64);
    while (len > 0 && out[len - 1] != '/')
        len--;
    snprintf(out + (len > 0 ? len : 0), 64, "%s", name);
    if (access(out, X_OK) != 0)
        snprintf(out, CLI_PATH_SIZE, "%s", name);
}

static int
spawn(pid_t *pid, const char *path, char *const *argv, const char *log, int out)
{
    posix_spawn_file_actions_t files;
    if (posix_spawn_file_actions_init(&files) != 0)
        return ENOMEM;
    int failed = posix_spawn_file_actions_addopen(&files, 0, "/dev/null", O_RDONLY, 0);
    if (failed == 0)
        failed =
            posix_spawn_file_actions_addopen(&files, 2, log, O_WRONLY | O_CREAT | O_APPEND, 0644);
    if (failed == 0)
        failed = posix_spawn_file_actions_adddup2(&files, out >= 0 ? out : 2, 1);
    if (failed == 0)
        failed = posix_spawnp(pid, path, &files, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&files);
    return failed;
}

/* `out` becomes its standard output; -1: the log. */
static enum pn_status
start(struct process *process, const struct lab *lab, const char *program, char *const *argv,
      int out, struct pn_error *why)
{
    char path[CLI_PATH_SIZE], log[CLI_PATH_SIZE];
    program_path(path, program);
    snprintf(log, sizeof log, "%s/%s/log", lab->folder, process->name);
    int failed = spawn(&process->pid, path, argv, log, out);
    if (failed == 0)
        return PN_OK;
    process->pid = 0;
    return pn_error_set(why, PN_ENOENT, "%s cannot be started: %s", path, strerror(failed));
}

/* A pipe from the process that says what happens. */
static enum pn_status
open_events(struct lab *lab, int *write_end, struct pn_error *why)
{
    int ends[2];
    if (pipe(ends) != 0)
        return pn_error_set(why, PN_EIO, "no pipe: %s", strerror(errno));
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
    lab->events = ends[0];
    *write_end  = ends[1];
    return PN_OK;
}

static enum pn_status
start_coordinator(struct lab *lab, struct pn_error *why)
{
    char config[CLI_PATH_SIZE];
    int  out;
    snprintf(config, sizeof config, "%s/hub/coordinator.yaml", lab->folder);
    enum pn_status st = open_events(lab, &out, why);
    if (st != PN_OK)
        return st;
    char *argv[] = {(char *)"panal-coordinator", (char *)"--config", config, (char *)"--events",
                    NULL};
    snprintf(lab->processes[0].name, sizeof lab->processes[0].name, "hub");
    lab->process_count = 1;
    st                 = start(&lab->processes[0], lab, "panal-coordinator", argv, out, why);
    close(out);
    return st;
}

/* `out`: where it says what happens; -1: it does not. */
static enum pn_status
start_node(struct lab *lab, const char *name, int out, struct pn_error *why)
{
    char            config[CLI_PATH_SIZE];
    struct process *process = &lab->processes[lab->process_count++];
    char           *argv[8] = {(char *)"panal-node", (char *)"--config", config, (char *)"--once"};
    size_t          words   = 4;
    snprintf(process->name, sizeof process->name, "%s", name);
    snprintf(config, sizeof config, "%s/%s/node.yaml", lab->folder, name);
    if (lab->mode == FED_MODE_COORDINATOR) {
        argv[words++] = (char *)"--connect";
        argv[words++] = lab->endpoint;
    } else if (out >= 0) {
        argv[words++] = (char *)"--events";
    }
    return start(process, lab, "panal-node", argv, out, why);
}

static enum pn_status
start_nodes(struct lab *lab, struct pn_error *why)
{
    enum pn_status st = PN_OK;
    for (size_t i = 0; st == PN_OK && i < lab->sites->count; i++)
        st = start_node(lab, lab->sites->items[i].name, -1, why);
    return st;
}

/* The first one says what happens. */
static enum pn_status
start_swarm(struct lab *lab, struct pn_error *why)
{
    int            out;
    enum pn_status st = open_events(lab, &out, why);
    if (st != PN_OK)
        return st;
    for (size_t i = 0; st == PN_OK && i < lab->sites->count; i++)
        st = start_node(lab, lab->sites->items[i].name, i == 0 ? out : -1, why);
    close(out);
    return st;
}

static enum pn_status
report_end(const struct lab *lab, const struct process *process, struct pn_error *why)
{
    char  path[CLI_PATH_SIZE], tail[400] = "";
    FILE *log;
    snprintf(path, sizeof path, "%s/%s/log", lab->folder, process->name);
    if ((log = fopen(path, "r")) != NULL) {
        /* A log shorter than that is read from its start. */
        (void)fseek(log, -(long)(sizeof tail - 1), SEEK_END);
        size_t size = fread(tail, 1, sizeof tail - 1, log);
        tail[size]  = '\0';
        fclose(log);
    }
    size_t end = strlen(tail);
    while (end > 0 && tail[end - 1] == '\n')
        tail[--end] = '\0';
    const char *last = strrchr(tail, '\n');
    return pn_error_set(why, PN_ESTATE, "%s ended with code %d: %s (whole log: %s)", process->name,
                        process->code, last != NULL ? last + 1 : tail, path);
}

/* Notes every process that ended; PN_ESTATE with the end of its log when one failed. */
static enum pn_status
check_processes(struct lab *lab, struct pn_error *why)
{
    for (size_t i = 0; i < lab->process_count; i++) {
        struct process *process = &lab->processes[i];
        int             status;
        if (process->pid == 0 || waitpid(process->pid, &status, WNOHANG) != process->pid)
            continue;
        process->pid  = 0;
        process->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        if (process->code == 0)
            continue;
        return report_end(lab, process, why);
    }
    return PN_OK;
}

static bool
any_alive(struct lab *lab)
{
    for (size_t i = 0; i < lab->process_count; i++)
        if (lab->processes[i].pid != 0)
            return true;
    return false;
}

static void
stop_all(struct lab *lab)
{
    static const int signals[] = {0, SIGTERM, SIGKILL};
    /* After a run that failed the nodes would wait for a coordinator that comes again. */
    bool by_themselves = lab->outcome[0] != '\0' && strcmp(lab->outcome, "failed") != 0;
    for (size_t s = by_themselves ? 0 : 1; s < 3 && any_alive(lab); s++) {
        for (size_t i = 0; i < lab->process_count; i++)
            if (lab->processes[i].pid != 0)
                kill(lab->processes[i].pid, signals[s]);
        double until = now_seconds() + STOP_SECONDS;
        while (any_alive(lab) && now_seconds() < until) {
            struct pn_error ignored;
            if (check_processes(lab, &ignored) == PN_OK && any_alive(lab))
                nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
        }
    }
}

/* ---- events ---- */

static enum pn_status
note_round(struct lab *lab, const struct text_yaml *yaml, const struct text_node *root,
           struct pn_error *why)
{
    struct cli_lab_round   *grown, *round;
    const struct text_node *metrics = NULL;
    grown = realloc(lab->run.rounds, (lab->run.round_count + 1) * sizeof *grown);
    if (grown == NULL)
        return pn_error_set(why, PN_ENOMEM, "no memory for the rounds");
    lab->run.rounds = grown;
    round           = &grown[lab->run.round_count];
    *round          = (struct cli_lab_round){.seconds = now_seconds() - lab->began};
    enum pn_status st =
        text_get_u64(&round->round, yaml, root, "round", TEXT_REQUIRED, 0, UINT64_MAX, why);
    if (st == PN_OK)
        st =
            text_get_u64(&round->members, yaml, root, "members", TEXT_REQUIRED, 0, UINT64_MAX, why);
    if (st == PN_OK)
        st = text_get_u64(&round->absent, yaml, root, "absent", TEXT_REQUIRED, 0, UINT64_MAX, why);
    if (st == PN_OK)
        st = text_get_map(&metrics, yaml, root, "metrics", TEXT_REQUIRED, why);
    const struct text_node *m = st == PN_OK ? metrics->first : NULL;
    for (; m != NULL && round->metric_count < NN_METRICS_MAX; m = m->next) {
        if (m->kind != TEXT_SCALAR)
            continue;
        snprintf(round->metrics[round->metric_count].name, 32, "%s", m->key);
        round->metrics[round->metric_count++].value = strtod(m->value, NULL);
    }
    if (st == PN_OK)
        lab->run.round_count++;
    return st;
}

static void
show_round(const struct lab *lab)
{
    const struct cli_lab_round *round = &lab->run.rounds[lab->run.round_count - 1];
    fprintf(stderr, "%sround %llu/%u  %llu nodes", lab->tty ? "\r\033[K" : "",
            (unsigned long long)round->round, lab->job->job->rounds,
            (unsigned long long)round->members);
    if (round->absent > 0)
        fprintf(stderr, " (%llu absent)", (unsigned long long)round->absent);
    for (size_t i = 0; i < round->metric_count; i++)
        fprintf(stderr, "  %s %.4f", round->metrics[i].name, round->metrics[i].value);
    fprintf(stderr, "  %.1f s\n", round->seconds);
}

static enum pn_status
take_event(struct lab *lab, const char *line, size_t size, struct pn_error *why)
{
    struct text_yaml *yaml  = NULL;
    const char       *event = NULL, *text = NULL;
    enum pn_status    st = text_yaml_parse(&yaml, "events", line, size, why);
    if (st != PN_OK)
        return st;
    const struct text_node *root = text_yaml_root(yaml);
    st                           = text_get_string(&event, yaml, root, "event", TEXT_REQUIRED, why);
    if (st == PN_OK && strcmp(event, "listening") == 0) {
        st = text_get_string(&text, yaml, root, "endpoint", TEXT_REQUIRED, why);
        if (st == PN_OK)
            snprintf(lab->endpoint, sizeof lab->endpoint, "%s", text);
    } else if (st == PN_OK && strcmp(event, "joined") == 0) {
        lab->joined++;
        fprintf(stderr, "%s%u of %zu nodes have joined%s", lab->tty ? "\r\033[K" : "", lab->joined,
                lab->sites->count, lab->tty ? "" : "\n");
        if (lab->tty && lab->joined == lab->sites->count)
            fputc('\n', stderr);
    } else if (st == PN_OK && strcmp(event, "refused") == 0) {
        const char *node = "?";
        st               = text_get_string(&node, yaml, root, "node", TEXT_OPTIONAL, why);
        if (st == PN_OK)
            st = text_get_string(&text, yaml, root, "text", TEXT_OPTIONAL, why);
        fprintf(stderr, "%s refused: %s\n", node, text != NULL ? text : "");
    } else if (st == PN_OK && strcmp(event, "round") == 0) {
        st = note_round(lab, yaml, root, why);
        if (st == PN_OK)
            show_round(lab);
    } else if (st == PN_OK && strcmp(event, "end") == 0) {
        st = text_get_string(&text, yaml, root, "outcome", TEXT_REQUIRED, why);
        if (st == PN_OK)
            snprintf(lab->outcome, sizeof lab->outcome, "%s", text);
        if (st == PN_OK)
            st = text_get_string(&text, yaml, root, "text", TEXT_OPTIONAL, why);
        if (st == PN_OK && strcmp(lab->outcome, "failed") == 0)
            st = pn_error_set(why, PN_ESTATE, "the run failed: %s (whole log: %s/%s/log)", text,
                              lab->folder, lab->processes[0].name);
    }
    text_yaml_free(yaml);
    return st;
}

static enum pn_status
take_bytes(struct lab *lab, bool *ended, struct pn_error *why)
{
    ssize_t got = read(lab->events, lab->line + lab->line_size, sizeof lab->line - lab->line_size);
    if (got < 0 && errno == EINTR)
        return PN_OK;
    if (got <= 0) {
        *ended = true;
        return PN_OK;
    }
    lab->line_size += (size_t)got;
    enum pn_status st = PN_OK;
    char          *end;
    while (st == PN_OK && (end = memchr(lab->line, '\n', lab->line_size)) != NULL) {
        size_t size = (size_t)(end - lab->line);
        st          = take_event(lab, lab->line, size, why);
        lab->line_size -= size + 1;
        memmove(lab->line, end + 1, lab->line_size);
    }
    if (lab->line_size == sizeof lab->line)
        return pn_error_set(why, PN_ESTATE, "%s wrote a line that does not end",
                            lab->processes[0].name);
    return st;
}

static enum pn_status
follow(struct lab *lab, struct pn_error *why)
{
    enum pn_status st    = PN_OK;
    bool           ended = false, nodes = lab->mode == FED_MODE_SWARM;
    double         until = now_seconds() + START_SECONDS;
    while (st == PN_OK && !ended && lab->outcome[0] == '\0') {
        if (interrupted != 0)
            return pn_error_set(why, PN_ESTATE, "interrupted");
        struct pollfd fd    = {.fd = lab->events, .events = POLLIN};
        int           ready = poll(&fd, 1, 200);
        if (ready > 0)
            st = take_bytes(lab, &ended, why);
        if (st == PN_OK && !nodes && lab->endpoint[0] != '\0') {
            st    = start_nodes(lab, why);
            nodes = true;
        }
        if (st == PN_OK && !nodes && now_seconds() > until)
            st = pn_error_set(why, PN_ESTATE, "the coordinator did not start to listen in %d s",
                              START_SECONDS);
        if (st == PN_OK && lab->outcome[0] == '\0')
            st = check_processes(lab, why);
    }
    if (st == PN_OK && lab->outcome[0] == '\0') {
        nanosleep(&(struct timespec){.tv_nsec = 300000000}, NULL);
        st = check_processes(lab, why);
        if (st == PN_OK)
            st = pn_error_set(why, PN_ESTATE, "%s ended before the run did (log: %s/%s/log)",
                              lab->processes[0].name, lab->folder, lab->processes[0].name);
    }
    return st;
}

static enum pn_status
check_codes(const struct lab *lab, struct pn_error *why)
{
    for (size_t i = 0; i < lab->process_count; i++)
        if (lab->processes[i].code != 0)
            return pn_error_set(why, PN_ESTATE, "%s ended with code %d (log: %s/%s/log)",
                                lab->processes[i].name, lab->processes[i].code, lab->folder,
                                lab->processes[i].name);
    return PN_OK;
}

enum pn_status
cli_lab_execute(struct cli_lab_run *out, const char *folder, enum fed_mode mode,
                const struct engine_job *job, const struct engine_sites *sites,
                struct pn_error *why)
{
    struct lab *lab = calloc(1, sizeof *lab);
    if (lab == NULL ||
        (lab->processes = calloc(sites->count + 1, sizeof *lab->processes)) == NULL) {
        free(lab);
        return pn_error_set(why, PN_ENOMEM, "no memory for the laboratory");
    }
    lab->folder = folder;
    lab->mode   = mode;
    lab->job    = job;
    lab->sites  = sites;
    lab->events = -1;
    lab->began  = now_seconds();
    lab->tty    = isatty(2) == 1;

    hold_signals(lab);
    enum pn_status st =
        mode == FED_MODE_SWARM ? start_swarm(lab, why) : start_coordinator(lab, why);
    if (st == PN_OK)
        st = follow(lab, why);
    stop_all(lab);
    release_signals(lab);
    if (st == PN_OK)
        st = check_codes(lab, why);
    if (lab->events >= 0)
        close(lab->events);
    lab->run.seconds       = now_seconds() - lab->began;
    lab->run.stopped_early = strcmp(lab->outcome, "stopped-early") == 0;
    if (st == PN_OK)
        *out = lab->run;
    else
        cli_lab_run_fini(&lab->run);
    free(lab->processes);
    free(lab);
    return st;
}

void
cli_lab_run_fini(struct cli_lab_run *run)
{
    free(run->rounds);
    run->rounds      = NULL;
    run->round_count = 0;
}
