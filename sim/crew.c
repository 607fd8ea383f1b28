#include "sim/crew.h"

#include <pthread.h>
#include <stdlib.h>

struct task {
    struct pn_work *work;
    uint32_t       *left;
};

struct sim_crew {
    pthread_mutex_t lock; /* over everything below, and over every `left` */
    pthread_cond_t  more, done;
    struct task    *tasks; /* a ring */
    size_t          first, count, capacity;
    uint32_t        idle;
    bool            leaving;
    uint32_t        thread_count;
    pthread_t       threads[SIM_CREW_MAX];
};

/* With the lock, and a task there. */
static void
run_first(struct sim_crew *crew)
{
    struct task task = crew->tasks[crew->first];
    crew->first      = (crew->first + 1) % crew->capacity;
    crew->count--;
    pthread_mutex_unlock(&crew->lock);
    task.work->run(task.work);
    pthread_mutex_lock(&crew->lock);
    if (--*task.left == 0)
        pthread_cond_signal(&crew->done);
}

static void *
serve(void *context)
{
    struct sim_crew *crew = context;
    pthread_mutex_lock(&crew->lock);
    while (crew->count > 0 || !crew->leaving) {
        if (crew->count > 0) {
            run_first(crew);
            continue;
        }
        crew->idle++;
        pthread_cond_wait(&crew->more, &crew->lock);
        crew->idle--;
    }
    pthread_mutex_unlock(&crew->lock);
    return NULL;
}

enum pn_status
sim_crew_new(struct sim_crew **out, uint32_t threads)
{
    struct sim_crew *crew = calloc(1, sizeof *crew);
    PN_ASSERT(threads >= 1 && threads <= SIM_CREW_MAX);
    if (crew == NULL)
        return PN_ENOMEM;
    pthread_mutex_init(&crew->lock, NULL); /* SAFE: these do not fail on Linux */
    pthread_cond_init(&crew->more, NULL);
    pthread_cond_init(&crew->done, NULL);
    while (crew->thread_count < threads &&
           pthread_create(&crew->threads[crew->thread_count], NULL, serve, crew) == 0)
        crew->thread_count++;
    if (crew->thread_count == 0) {
        sim_crew_free(crew);
        return PN_ENOMEM;
    }
    *out = crew;
    return PN_OK;
}

void
sim_crew_free(struct sim_crew *crew)
{
    if (crew == NULL)
        return;
    pthread_mutex_lock(&crew->lock);
    crew->leaving = true;
    pthread_cond_broadcast(&crew->more);
    pthread_mutex_unlock(&crew->lock);
    for (uint32_t i = 0; i < crew->thread_count; i++)
        pthread_join(crew->threads[i], NULL);
    pthread_cond_destroy(&crew->done);
    pthread_cond_destroy(&crew->more);
    pthread_mutex_destroy(&crew->lock);
    free(crew->tasks);
    free(crew);
}

/* With the lock. */
static bool
make_room(struct sim_crew *crew)
{
    if (crew->count < crew->capacity)
        return true;
    size_t       capacity = crew->capacity * 2 + 64;
    struct task *grown    = malloc(capacity * sizeof *grown);
    if (grown == NULL)
        return false;
    for (size_t i = 0; i < crew->count; i++)
        grown[i] = crew->tasks[(crew->first + i) % crew->capacity];
    free(crew->tasks);
    crew->tasks    = grown;
    crew->first    = 0;
    crew->capacity = capacity;
    return true;
}

void
sim_crew_push(struct sim_crew *crew, struct pn_work *work, uint32_t *left)
{
    pthread_mutex_lock(&crew->lock);
    bool fits = make_room(crew);
    if (fits) {
        crew->tasks[(crew->first + crew->count++) % crew->capacity] = (struct task){work, left};
        ++*left;
        if (crew->idle > 0)
            pthread_cond_signal(&crew->more);
    }
    pthread_mutex_unlock(&crew->lock);
    if (!fits)
        work->run(work); /* without memory for a queue: at once */
}

void
sim_crew_wait(struct sim_crew *crew, const uint32_t *left)
{
    pthread_mutex_lock(&crew->lock);
    while (*left > 0) {
        if (crew->count > 0)
            run_first(crew);
        else
            pthread_cond_wait(&crew->done, &crew->lock);
    }
    pthread_mutex_unlock(&crew->lock);
}
