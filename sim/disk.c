#include "sim/disk.h"

#include "store/log.h"

#include <stdlib.h>
#include <string.h>

struct item {                    /* a file, a staged file, a record or a fact */
    char               *name;    /* NULL: a record */
    uint64_t            key;     /* of the name: most are told apart by it */
    struct sim_content *content; /* staged: once it is known to a press, only what is equal to it */
    bool                is_a_lie; /* only seems durable: lost in a crash */
};

struct shelf {
    struct item *items;
    size_t       count, capacity;
    bool         lying; /* what is put here from now on is a lie */
};

enum {
    FILES,
    RECORDS,
    FACTS,
    DURABLE_COUNT
};

enum {
    SOON = 12 /* writes */
};

struct sim_disk {
    struct shelf   durable[DURABLE_COUNT], staged;
    uint64_t       writes, crash_at; /* crash_at: value of `writes` at which it dies; 0 = never */
    struct pn_rng  rng;
    enum pn_status failing;
    bool           dead;
    struct sim_press *press;     /* may be NULL */
    const char       *forgotten; /* a name; or NULL */
    uint64_t          rotten;    /* a record, from 1; 0: none */
};

/* ---- shelves ---- */

/* Eight letters at a time: names are long, and looked for often. */
static uint64_t
key_of(const char *name)
{
    size_t   left = strlen(name);
    uint64_t key  = left;
    for (; left > 0; name += left < 8 ? left : 8, left -= left < 8 ? left : 8) {
        uint64_t word = 0;
        memcpy(&word, name, left < 8 ? left : 8);
        key = (key ^ word) * 0x9e3779b97f4a7c15u;
        key ^= key >> 32;
    }
    return key;
}

/* Of what has no name: a few of its bytes tell most apart. */
static uint64_t
mark_of(const uint8_t *bytes, size_t size)
{
    static const size_t parts = 3;
    uint64_t            mark  = size;
    for (size_t i = 0; i < parts && size >= 8; i++)
        mark = (mark ^ pn_get_u64(bytes + (size - 8) / (parts - 1) * i)) * 0x9e3779b97f4a7c15u;
    return mark;
}

static struct item *
find(const struct shelf *shelf, const char *name)
{
    uint64_t key = key_of(name);
    for (size_t i = 0; i < shelf->count; i++)
        if (shelf->items[i].key == key && strcmp(shelf->items[i].name, name) == 0)
            return &shelf->items[i];
    return NULL;
}

static enum pn_status
add_item(struct item **out, struct shelf *shelf, const char *name)
{
    if (shelf->count == shelf->capacity) {
        size_t       capacity = shelf->capacity * 2 + 2;
        struct item *grown    = realloc(shelf->items, capacity * sizeof *grown);
        if (grown == NULL)
            return PN_ENOMEM;
        shelf->items    = grown;
        shelf->capacity = capacity;
    }
    char *copy = name != NULL ? strdup(name) : NULL;
    if (name != NULL && copy == NULL)
        return PN_ENOMEM;
    *out  = &shelf->items[shelf->count++];
    **out = (struct item){.name = copy, .key = name != NULL ? key_of(name) : 0};
    return PN_OK;
}

/* Takes `content`, which may be NULL: no memory. A record has no name, and is added. */
static enum pn_status
set(struct shelf *shelf, const char *name, struct sim_content *content)
{
    struct item   *item = name != NULL ? find(shelf, name) : NULL;
    enum pn_status st   = content != NULL ? PN_OK : PN_ENOMEM;
    if (st == PN_OK && item == NULL)
        st = add_item(&item, shelf, name);
    if (st != PN_OK) {
        sim_content_drop(content);
        return st;
    }
    sim_content_drop(item->content);
    item->content  = content;
    item->is_a_lie = shelf->lying;
    return PN_OK;
}

static void
item_fini(struct item *item)
{
    free(item->name);
    sim_content_drop(item->content);
}

static void
drop(struct shelf *shelf, const char *name)
{
    struct item *item = find(shelf, name);
    if (item == NULL)
        return;
    item_fini(item);
    *item = shelf->items[--shelf->count];
}

static void
empty(struct shelf *shelf)
{
    for (size_t i = 0; i < shelf->count; i++)
        item_fini(&shelf->items[i]);
    free(shelf->items);
    *shelf = (struct shelf){.lying = shelf->lying};
}

/* The others stay in order: records are numbered. */
static void
lose_lies(struct shelf *shelf)
{
    size_t kept = 0;
    for (size_t i = 0; i < shelf->count; i++)
        if (shelf->items[i].is_a_lie)
            item_fini(&shelf->items[i]);
        else
            shelf->items[kept++] = shelf->items[i];
    shelf->count = kept;
}

/* ---- faults ---- */

/* Before a write: PN_OK to go on. When the machine dies in this write, `*kept` says whether it
 * lands. */
static enum pn_status
before_write(struct sim_disk *disk, bool is_valid, bool *kept)
{
    *kept = true;
    if (!is_valid)
        return PN_ERANGE;
    if (disk->dead)
        return PN_EIO;
    if (disk->failing != PN_OK)
        return disk->failing;
    disk->writes++;
    if (disk->crash_at != 0 && disk->writes >= disk->crash_at) {
        disk->dead     = true;
        disk->crash_at = 0;
        *kept          = (pn_rng_u32(&disk->rng) & 1) != 0;
    }
    return PN_OK;
}

/* A write that landed while the machine died was still not answered. */
static enum pn_status
after_write(const struct sim_disk *disk, enum pn_status st)
{
    return disk->dead ? PN_EIO : st;
}

/* ---- reading ---- */

static enum pn_status
look(const struct item **out, const struct sim_disk *disk, const struct shelf *shelf,
     const char *name, bool is_valid)
{
    if (!is_valid)
        return PN_ERANGE;
    if (disk->dead)
        return PN_EIO;
    *out = find(shelf, name);
    return *out != NULL ? PN_OK : PN_ENOENT;
}

static enum pn_status
read_part(const struct sim_disk *disk, const struct shelf *shelf, const char *name, void *out,
          uint64_t offset, size_t size)
{
    const struct item *item;
    enum pn_status     st = look(&item, disk, shelf, name, store_name_is_valid(name));
    if (st != PN_OK)
        return st;
    const struct sim_content *content = item->content;
    if (offset > content->size || size > content->size - offset)
        return PN_ERANGE;
    memcpy(out, content->bytes + offset, size);
    return PN_OK;
}

/* ---- the port ---- */

static enum pn_status
disk_save(void *host, const char *name, const void *bytes, uint64_t size)
{
    struct sim_disk *disk = host;
    bool             kept;
    enum pn_status   st      = before_write(disk, store_name_is_valid(name), &kept);
    bool             forgets = disk->forgotten != NULL && strcmp(name, disk->forgotten) == 0;
    if (st == PN_OK && kept && !forgets)
        st = set(&disk->durable[FILES], name,
                 sim_content_of(disk->press, key_of(name), bytes, (size_t)size));
    return after_write(disk, st);
}

static enum pn_status
disk_size(void *host, const char *name, uint64_t *size)
{
    const struct sim_disk *disk = host;
    const struct item     *item;
    enum pn_status st = look(&item, disk, &disk->durable[FILES], name, store_name_is_valid(name));
    if (st == PN_OK)
        *size = item->content->size;
    return st;
}

static enum pn_status
disk_read(void *host, const char *name, void *out, uint64_t offset, size_t size)
{
    const struct sim_disk *disk = host;
    return read_part(disk, &disk->durable[FILES], name, out, offset, size);
}

static enum pn_status
disk_remove(void *host, const char *name)
{
    struct sim_disk *disk = host;
    bool             kept;
    enum pn_status   st = before_write(disk, store_name_is_valid(name), &kept);
    if (st == PN_OK && kept)
        drop(&disk->durable[FILES], name);
    return after_write(disk, st);
}

static enum pn_status
disk_list(void *host, const char *folder, bool (*take)(void *context, const char *name),
          void *context)
{
    const struct sim_disk *disk = host;
    size_t                 len  = strlen(folder);
    if (!store_name_is_valid(folder) || strchr(folder, '/') != NULL)
        return PN_ERANGE;
    if (disk->dead)
        return PN_EIO;
    /* From the end: `take` may remove the file that it is given, and the last one then moves. */
    for (size_t i = disk->durable[FILES].count; i-- > 0;) {
        const char *name = disk->durable[FILES].items[i].name;
        if (strncmp(name, folder, len) == 0 && name[len] == '/' && !take(context, name))
            break;
    }
    return PN_OK;
}

static enum pn_status
disk_stage(void *host, const char *name, uint64_t size)
{
    struct sim_disk *disk = host;
    bool             kept;
    enum pn_status   st = before_write(disk, store_name_is_valid(name), &kept);
    if (st != PN_OK)
        return after_write(disk, st);
    struct sim_content *content = sim_content_find(disk->press, key_of(name), (size_t)size);
    if (content == NULL)
        content = sim_content_zeros((size_t)size);
    return after_write(disk, set(&disk->staged, name, content));
}

/* From what is equal to a content, to bytes of its own. */
static enum pn_status
make_own(struct item *item)
{
    struct sim_content *shared = item->content;
    if (shared->press == NULL)
        return PN_OK;
    struct sim_content *own = sim_content_of(NULL, 0, shared->bytes, shared->size);
    if (own == NULL)
        return PN_ENOMEM;
    sim_content_drop(shared);
    item->content = own;
    return PN_OK;
}

static enum pn_status
disk_stage_write(void *host, const char *name, uint64_t offset, const void *bytes, size_t size)
{
    struct sim_disk *disk = host;
    struct item     *item = find(&disk->staged, name);
    bool             kept;
    enum pn_status   st = before_write(disk, store_name_is_valid(name), &kept);
    if (st != PN_OK)
        return st;
    if (item == NULL)
        return after_write(disk, PN_ENOENT);
    if (offset > item->content->size || size > item->content->size - offset)
        return after_write(disk, PN_ERANGE);
    if ((st = make_own(item)) == PN_OK)
        memcpy(item->content->bytes + offset, bytes, size);
    return after_write(disk, st);
}

static enum pn_status
disk_stage_known(void *host, const char *name, uint64_t offset, const void *bytes, size_t size)
{
    const struct sim_disk *disk = host;
    const struct item     *item;
    enum pn_status         st = look(&item, disk, &disk->staged, name, store_name_is_valid(name));
    if (st != PN_OK)
        return st;
    const struct sim_content *content = item->content;
    if (offset > content->size || size > content->size - offset)
        return PN_ERANGE;
    return content->press != NULL && memcmp(content->bytes + offset, bytes, size) == 0 ? PN_OK
                                                                                       : PN_ENOENT;
}

static enum pn_status
disk_stage_read(void *host, const char *name, void *out, uint64_t offset, size_t size)
{
    const struct sim_disk *disk = host;
    return read_part(disk, &disk->staged, name, out, offset, size);
}

static enum pn_status
disk_publish(void *host, const char *name)
{
    struct sim_disk *disk = host;
    struct item     *item = find(&disk->staged, name);
    bool             kept;
    enum pn_status   st = before_write(disk, store_name_is_valid(name), &kept);
    if (st != PN_OK)
        return st;
    if (item == NULL)
        return after_write(disk, PN_ENOENT);
    if (kept) {
        struct sim_content *content = item->content;
        item->content               = NULL;
        if (content->press == NULL)
            content = sim_content_press(disk->press, key_of(name), content);
        st = set(&disk->durable[FILES], name, content);
    }
    drop(&disk->staged, name);
    return after_write(disk, st);
}

static enum pn_status
disk_discard(void *host, const char *name)
{
    struct sim_disk *disk = host;
    if (!store_name_is_valid(name))
        return PN_ERANGE;
    if (disk->dead)
        return PN_EIO;
    drop(&disk->staged, name);
    return PN_OK;
}

static enum pn_status
disk_append(void *host, const void *record, size_t size)
{
    struct sim_disk *disk = host;
    bool             kept;
    enum pn_status   st = before_write(disk, size <= STORE_RECORD_MAX, &kept);
    if (st == PN_OK && kept)
        st = set(&disk->durable[RECORDS], NULL,
                 sim_content_of(disk->press, mark_of(record, size), record, size));
    return after_write(disk, st);
}

static enum pn_status
disk_record_count(void *host, uint64_t *count)
{
    const struct sim_disk *disk = host;
    if (disk->dead)
        return PN_EIO;
    *count = disk->durable[RECORDS].count;
    return PN_OK;
}

static enum pn_status
disk_record(void *host, uint64_t index, struct pn_buffer *out)
{
    const struct sim_disk *disk    = host;
    const struct shelf    *records = &disk->durable[RECORDS];
    if (disk->dead)
        return PN_EIO;
    if (index >= records->count)
        return PN_ENOENT;
    pn_buffer_clear(out);
    const struct sim_content *content = records->items[index].content;
    enum pn_status            st      = pn_buffer_append(out, content->bytes, content->size);
    if (st == PN_OK && index + 1 == disk->rotten)
        out->bytes[out->size - 1] ^= 1;
    return st;
}

static enum pn_status
disk_put(void *host, const char *key, const void *bytes, size_t size)
{
    struct sim_disk *disk = host;
    bool             kept;
    enum pn_status   st =
        before_write(disk, store_key_is_valid(key) && size <= STORE_FACT_MAX, &kept);
    if (st == PN_OK && kept)
        st = set(&disk->durable[FACTS], key,
                 sim_content_of(NULL, 0, bytes, size)); /* each has its own */
    return after_write(disk, st);
}

static enum pn_status
disk_get(void *host, const char *key, void *out, size_t *size)
{
    const struct sim_disk *disk = host;
    const struct item     *item;
    enum pn_status st = look(&item, disk, &disk->durable[FACTS], key, store_key_is_valid(key));
    if (st != PN_OK)
        return st;
    if (item->content->size > *size)
        return PN_ERANGE;
    memcpy(out, item->content->bytes, item->content->size);
    *size = item->content->size;
    return PN_OK;
}

/* ---- life ---- */

enum pn_status
sim_disk_new(struct sim_disk **out)
{
    *out = calloc(1, sizeof **out);
    return *out != NULL ? PN_OK : PN_ENOMEM;
}

void
sim_disk_free(struct sim_disk *disk)
{
    if (disk == NULL)
        return;
    empty(&disk->staged);
    for (size_t i = 0; i < DURABLE_COUNT; i++)
        empty(&disk->durable[i]);
    free(disk);
}

void
sim_disk_share(struct sim_disk *disk, struct sim_press *press)
{
    disk->press = press;
}

void
sim_disk_port(struct store_disk *out, struct sim_disk *disk)
{
    *out = (struct store_disk){
        .host         = disk,
        .save         = disk_save,
        .size         = disk_size,
        .read         = disk_read,
        .remove       = disk_remove,
        .list         = disk_list,
        .stage        = disk_stage,
        .stage_write  = disk_stage_write,
        .stage_known  = disk_stage_known,
        .stage_read   = disk_stage_read,
        .publish      = disk_publish,
        .discard      = disk_discard,
        .append       = disk_append,
        .record_count = disk_record_count,
        .record       = disk_record,
        .put          = disk_put,
        .get          = disk_get,
    };
}

void
sim_disk_crash_at(struct sim_disk *disk, uint64_t writes, const struct pn_rng *rng)
{
    disk->crash_at = writes == 0 ? 0 : disk->writes + writes;
    disk->rng      = *rng;
}

void
sim_disk_crash_soon(struct sim_disk *disk, struct pn_rng *rng)
{
    struct pn_rng own;
    pn_rng_init(&own, pn_rng_u64(rng));
    sim_disk_crash_at(disk, 1 + pn_rng_below(rng, SOON), &own);
}

void
sim_disk_fail(struct sim_disk *disk, enum pn_status status)
{
    disk->failing = status;
}

bool
sim_disk_is_dead(const struct sim_disk *disk)
{
    return disk->dead;
}

void
sim_disk_kill(struct sim_disk *disk)
{
    disk->dead = true;
}

void
sim_disk_lie(struct sim_disk *disk)
{
    for (size_t i = 0; i < DURABLE_COUNT; i++)
        disk->durable[i].lying = true;
}

void
sim_disk_forget(struct sim_disk *disk, const char *name)
{
    disk->forgotten = name;
}

void
sim_disk_rot(struct sim_disk *disk, uint64_t record)
{
    disk->rotten = record + 1;
}

void
sim_disk_cut(struct sim_disk *disk)
{
    struct shelf *records = &disk->durable[RECORDS];
    if (records->count > 0)
        item_fini(&records->items[--records->count]);
}

void
sim_disk_restart(struct sim_disk *disk)
{
    empty(&disk->staged);
    for (size_t i = 0; disk->dead && i < DURABLE_COUNT; i++)
        lose_lies(&disk->durable[i]);
    disk->dead     = false;
    disk->failing  = PN_OK;
    disk->crash_at = 0;
}

uint64_t
sim_disk_writes(const struct sim_disk *disk)
{
    return disk->writes;
}

uint64_t
sim_disk_bytes(const struct sim_disk *disk)
{
    uint64_t bytes = 0;
    for (size_t i = 0; i < disk->durable[FILES].count; i++)
        bytes += disk->durable[FILES].items[i].content->size;
    for (size_t i = 0; i < disk->durable[RECORDS].count; i++)
        bytes += disk->durable[RECORDS].items[i].content->size;
    return bytes;
}
