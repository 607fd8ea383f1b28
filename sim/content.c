#include "sim/content.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum {
    BUCKETS = 4096
};

struct sim_press {
    pthread_mutex_t     lock; /* over the buckets and all references */
    struct sim_content *buckets[BUCKETS];
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
    pthread_mutex_destroy(&press->lock);
    free(press);
}

/* ---- alone ---- */

struct sim_content *
sim_content_zeros(size_t size)
{
    struct sim_content *content = calloc(1, sizeof *content + size);
    if (content == NULL)
        return NULL;
    content->size       = size;
    content->references = 1;
    return content;
}

static struct sim_content *
copy_of(const void *bytes, size_t size)
{
    struct sim_content *content = malloc(sizeof *content + size);
    if (content == NULL)
        return NULL;
    *content = (struct sim_content){.size = size, .references = 1};
    if (size > 0)
        memcpy(content->bytes, bytes, size);
    return content;
}

/* ---- known to a press ---- */

static struct sim_content **
bucket_of(struct sim_press *press, uint64_t key)
{
    return &press->buckets[(key * 0x9e3779b97f4a7c15u) >> 52];
}

static void
forget(struct sim_content *content)
{
    struct sim_content **at = bucket_of(content->press, content->key);
    while (*at != content)
        at = &(*at)->next;
    *at = content->next;
}

void
sim_content_drop(struct sim_content *content)
{
    struct sim_press *press = content != NULL ? content->press : NULL;
    if (press != NULL) {
        pthread_mutex_lock(&press->lock);
        bool last = --content->references == 0;
        if (last)
            forget(content);
        pthread_mutex_unlock(&press->lock);
        if (!last)
            return;
    }
    free(content);
}

struct sim_content *
sim_content_find(struct sim_press *press, uint64_t key, size_t size)
{
    if (press == NULL)
        return NULL;
    pthread_mutex_lock(&press->lock);
    struct sim_content *content = *bucket_of(press, key);
    while (content != NULL && (content->key != key || content->size != size))
        content = content->next;
    if (content != NULL)
        content->references++;
    pthread_mutex_unlock(&press->lock);
    return content;
}

static struct sim_content *
find_equal(struct sim_press *press, uint64_t key, const void *bytes, size_t size)
{
    struct sim_content *there = sim_content_find(press, key, size);
    if (there == NULL || memcmp(there->bytes, bytes, size) == 0)
        return there;
    sim_content_drop(there);
    return NULL;
}

/* Two threads may do so with equal bytes at once: there are two contents then, which does no harm.
 */
static struct sim_content *
know(struct sim_press *press, uint64_t key, struct sim_content *content)
{
    if (press == NULL || content == NULL)
        return content;
    content->press              = press;
    content->key                = key;
    struct sim_content **bucket = bucket_of(press, key);
    pthread_mutex_lock(&press->lock);
    content->next = *bucket;
    *bucket       = content;
    pthread_mutex_unlock(&press->lock);
    return content;
}

struct sim_content *
sim_content_of(struct sim_press *press, uint64_t key, const void *bytes, size_t size)
{
    struct sim_content *there = find_equal(press, key, bytes, size);
    return there != NULL ? there : know(press, key, copy_of(bytes, size));
}

struct sim_content *
sim_content_press(struct sim_press *press, uint64_t key, struct sim_content *content)
{
    struct sim_content *there = find_equal(press, key, content->bytes, content->size);
    if (there == NULL)
        return know(press, key, content);
    sim_content_drop(content);
    return there;
}
