#include "sim/content.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    PLACES    = 64, /* contents that a press remembers, by a few of their bytes */
    SMALL_MAX = 64  /* not worth it */
};

struct sim_press {
    pthread_mutex_t     lock;
    struct sim_content *places[PLACES];
};

enum pn_status
sim_press_new(struct sim_press **out)
{
    struct sim_press *press = calloc(1, sizeof *press);
    if (press == NULL || pthread_mutex_init(&press->lock, NULL) != 0) {
        free(press);
        return PN_ENOMEM;
    }
    *out = press;
    return PN_OK;
}

void
sim_press_free(struct sim_press *press)
{
    if (press == NULL)
        return;
    for (size_t i = 0; i < PLACES; i++)
        sim_content_drop(press->places[i]);
    pthread_mutex_destroy(&press->lock);
    free(press);
}

struct sim_content *
sim_content_zeros(size_t size)
{
    struct sim_content *content = calloc(1, sizeof *content + size);
    if (content == NULL)
        return NULL;
    content->size = size;
    atomic_init(&content->references, 1);
    return content;
}

void
sim_content_drop(struct sim_content *content)
{
    if (content != NULL && atomic_fetch_sub(&content->references, 1) == 1)
        free(content);
}

/* ---- pressing ---- */

static size_t
place_of(const uint8_t *bytes, size_t size)
{
    static const size_t parts = 3;
    uint64_t            sum   = size;
    for (size_t i = 0; i < parts; i++)
        sum = (sum ^ pn_get_u64(bytes + (size - 8) / (parts - 1) * i)) * 0x9e3779b97f4a7c15u;
    return (size_t)(sum >> 58);
}

static struct sim_content *
find_equal(struct sim_press *press, const void *bytes, size_t size)
{
    struct sim_content *there = press->places[place_of(bytes, size)];
    if (there == NULL || there->size != size || memcmp(there->bytes, bytes, size) != 0)
        return NULL;
    atomic_fetch_add(&there->references, 1);
    return there;
}

static void
remember(struct sim_press *press, struct sim_content *content)
{
    struct sim_content **place = &press->places[place_of(content->bytes, content->size)];
    sim_content_drop(*place);
    atomic_fetch_add(&content->references, 1);
    *place = content;
}

struct sim_content *
sim_content_press(struct sim_press *press, struct sim_content *content)
{
    if (press == NULL || content->size < SMALL_MAX)
        return content;
    pthread_mutex_lock(&press->lock);
    struct sim_content *there = find_equal(press, content->bytes, content->size);
    if (there == NULL)
        remember(press, content);
    pthread_mutex_unlock(&press->lock);
    if (there == NULL)
        return content;
    sim_content_drop(content);
    return there;
}

struct sim_content *
sim_content_of(struct sim_press *press, const void *bytes, size_t size)
{
    struct sim_content *there = NULL;
    if (press != NULL && size >= SMALL_MAX) {
        pthread_mutex_lock(&press->lock);
        there = find_equal(press, bytes, size);
        pthread_mutex_unlock(&press->lock);
    }
    if (there != NULL)
        return there;
    struct sim_content *content = malloc(sizeof *content + size);
    if (content == NULL)
        return NULL;
    content->size = size;
    atomic_init(&content->references, 1);
    if (size > 0)
        memcpy(content->bytes, bytes, size);
    return sim_content_press(press, content);
}
