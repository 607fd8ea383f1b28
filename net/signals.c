#include "net/signals.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/signalfd.h>
#include <unistd.h>

enum {
    SIGNAL_COUNT = 3
};

/* A library may have started threads before main (OpenBLAS does), and they block nothing: a signal
 * that one of them takes is passed on to the thread of the loop, where it waits for the signalfd.
 * Handlers belong to the process, so this state does too. */
static struct {
    pthread_t        thread; /* of the newest loop */
    atomic_uint      loops;
    struct sigaction before[SIGNAL_COUNT];
} caught;

static const int SIGNALS[SIGNAL_COUNT] = {SIGTERM, SIGINT, SIGHUP};

static void
pass_on(int number)
{
    int error = errno;
    if (!pthread_equal(pthread_self(), caught.thread))
        (void)pthread_kill(caught.thread, number);
    errno = error;
}

int
net_signals_catch(struct net_signals *signals)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, pass = {.sa_handler = pass_on};
    sigset_t         ours;
    (void)sigemptyset(&ignore.sa_mask);
    (void)sigemptyset(&pass.sa_mask);
    (void)sigemptyset(&ours);
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        (void)sigaddset(&ours, SIGNALS[i]);
    pass.sa_flags = SA_RESTART;
    if (sigaction(SIGPIPE, &ignore, NULL) != 0)
        return errno;
    int error = pthread_sigmask(SIG_BLOCK, &ours, &signals->mask_before);
    if (error != 0)
        return error;
    signals->fd = signalfd(-1, &ours, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals->fd < 0) {
        error = errno;
        (void)pthread_sigmask(SIG_SETMASK, &signals->mask_before, NULL);
        return error;
    }
    caught.thread = pthread_self();
    if (atomic_fetch_add(&caught.loops, 1) == 0)
        for (size_t i = 0; i < SIGNAL_COUNT;
             i++) /* SAFE: it fails only for signals that do not exist */
            (void)sigaction(SIGNALS[i], &pass, &caught.before[i]);
    return 0;
}

void
net_signals_release(struct net_signals *signals)
{
    if (signals->fd < 0)
        return;
    bool is_last = atomic_fetch_sub(&caught.loops, 1) == 1;
    for (size_t i = 0; is_last && i < SIGNAL_COUNT; i++) {
        struct sigaction now;
        if (sigaction(SIGNALS[i], NULL, &now) == 0 && now.sa_handler == pass_on)
            (void)sigaction(SIGNALS[i], &caught.before[i], NULL);
    }
    (void)close(signals->fd);
    (void)pthread_sigmask(SIG_SETMASK, &signals->mask_before, NULL);
}

int
net_signals_take(const struct net_signals *signals)
{
    struct signalfd_siginfo about;
    return read(signals->fd, &about, sizeof about) == (ssize_t)sizeof about ? (int)about.ssi_signo
                                                                            : 0;
}

void
net_signals_ignore(void)
{
    for (size_t i = 0; i < SIGNAL_COUNT; i++)
        (void)signal(SIGNALS[i], SIG_IGN);
}
