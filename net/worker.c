#include "net/worker.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct queue {
    struct pn_work *head, *tail;
};

struct net_worker {
    pthread_t       thread;
    pthread_mutex_t mutex; /* of everything below but wake */
    pthread_cond_t  more;
    struct queue    waiting, finished;
    bool            stop;
    int             wake;
};

static void
push(struct queue *queue, struct pn_work *work)
{
    work->next = NULL;
    if (queue->tail != NULL)
        queue->tail->next = work;
    else
        queue->head = work;
    queue->tail = work;
}

static struct pn_work *
pop(struct queue *queue)
{
    struct pn_work *work = queue->head;
    if (work == NULL)
        return NULL;
    queue->head = work->next;
    if (queue->head == NULL)
        queue->tail = NULL;
    work->next = NULL;
    return work;
}

static void
ring(int wake)
{
    static const uint64_t one = 1;
    ssize_t               put;
    do
        put = write(wake, &one, sizeof one);
    while (put < 0 && errno == EINTR);
    /* SAFE: EAGAIN is the counter at its top, and then the descriptor is readable anyway. */
}

static void *
work_on(void *argument)
{
    struct net_worker *worker = argument;
    PN_ASSERT(pthread_mutex_lock(&worker->mutex) == 0);
    for (;;) {
        while (worker->waiting.head == NULL && !worker->stop)
            PN_ASSERT(pthread_cond_wait(&worker->more, &worker->mutex) == 0);
        if (worker->stop)
            break;
        struct pn_work *work = pop(&worker->waiting);
        PN_ASSERT(pthread_mutex_unlock(&worker->mutex) == 0);
        work->run(work);
        PN_ASSERT(pthread_mutex_lock(&worker->mutex) == 0);
        push(&worker->finished, work);
        ring(worker->wake);
    }
    PN_ASSERT(pthread_mutex_unlock(&worker->mutex) == 0);
    return NULL;
}

/* Signals are the loop's: the thread starts with all of them blocked. */
static int
start(struct net_worker *worker)
{
    sigset_t all, before;
    (void)sigfillset(&all);
    int error = pthread_sigmask(SIG_SETMASK, &all, &before);
    if (error != 0)
        return error;
    error = pthread_create(&worker->thread, NULL, work_on, worker);
    PN_ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    return error;
}

int
net_worker_new(struct net_worker **out)
{
    struct net_worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL)
        return ENOMEM;
    worker->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    int error    = worker->wake < 0 ? errno : 0;
    if (error != 0)
        goto undo_memory;
    if ((error = pthread_mutex_init(&worker->mutex, NULL)) != 0)
        goto undo_wake;
    if ((error = pthread_cond_init(&worker->more, NULL)) != 0)
        goto undo_mutex;
    if ((error = start(worker)) != 0)
        goto undo_more;
    *out = worker;
    return 0;

undo_more:
    (void)pthread_cond_destroy(&worker->more);
undo_mutex:
    (void)pthread_mutex_destroy(&worker->mutex);
undo_wake:
    (void)close(worker->wake);
undo_memory:
    free(worker);
    return error;
}

void
net_worker_free(struct net_worker *worker)
{
    if (worker == NULL)
        return;
    PN_ASSERT(pthread_mutex_lock(&worker->mutex) == 0);
    worker->stop = true;
    PN_ASSERT(pthread_cond_signal(&worker->more) == 0);
    PN_ASSERT(pthread_mutex_unlock(&worker->mutex) == 0);
    PN_ASSERT(pthread_join(worker->thread, NULL) == 0);
    (void)pthread_cond_destroy(&worker->more);
    (void)pthread_mutex_destroy(&worker->mutex);
    (void)close(worker->wake);
    free(worker);
}

void
net_worker_submit(struct net_worker *worker, struct pn_work *work)
{
    PN_ASSERT(pthread_mutex_lock(&worker->mutex) == 0);
    push(&worker->waiting, work);
    PN_ASSERT(pthread_cond_signal(&worker->more) == 0);
    PN_ASSERT(pthread_mutex_unlock(&worker->mutex) == 0);
}

int
net_worker_fd(const struct net_worker *worker)
{
    return worker->wake;
}

bool
net_worker_deliver(struct net_worker *worker, pn_ms now)
{
    uint64_t count;
    ssize_t  got;
    do
        got = read(worker->wake, &count, sizeof count);
    while (got < 0 && errno == EINTR);

    PN_ASSERT(pthread_mutex_lock(&worker->mutex) == 0);
    struct queue finished = worker->finished;
    worker->finished      = (struct queue){NULL, NULL};
    PN_ASSERT(pthread_mutex_unlock(&worker->mutex) == 0);

    bool            any = finished.head != NULL;
    struct pn_work *work;
    /* `done` may free or submit the work again: it is off the list before. */
    while ((work = pop(&finished)) != NULL)
        work->done(work, now);
    return any;
}
