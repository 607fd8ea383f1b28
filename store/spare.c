#include "store/spare.h"

#include "store/io.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FREE,
    BUSY,
    FULL,
    NAME_SIZE = 24
};

/* '+' alone begins no staged file's name. */
static void
spare_name(char out[static NAME_SIZE], int slot)
{
    (void)snprintf(out, NAME_SIZE, "staging/+%d", slot);
}

void
store_spares_init(struct store_spares *spares, int directory)
{
    spares->directory = directory;
    for (int i = 0; i < STORE_SPARES; i++)
        atomic_init(&spares->slots[i], FREE);
}

/* A slot of that state, which is ours while it is busy; -1: there is none. */
static int
claim(struct store_spares *spares, int state)
{
    for (int i = 0; i < STORE_SPARES; i++) {
        int seen = state;
        if (atomic_compare_exchange_strong(&spares->slots[i], &seen, BUSY))
            return i;
    }
    return -1;
}

/* To remove a file takes rights on its folder only; to write over it takes some on the file. */
static bool
is_worth_it(int folder, const char *leaf)
{
    struct stat about;
    return fstatat(folder, leaf, &about, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(about.st_mode) &&
           about.st_size >= STORE_SPARE_SIZE && about.st_size <= STORE_SPARE_MAX &&
           about.st_nlink == 1 && about.st_uid == geteuid() && (about.st_mode & 0600) == 0600;
}

bool
store_spares_keep(int *error, struct store_spares *spares, int folder, const char *leaf)
{
    char name[NAME_SIZE];
    int  slot = is_worth_it(folder, leaf) ? claim(spares, FREE) : -1;
    *error    = 0;
    if (slot < 0)
        return false;
    spare_name(name, slot);
    bool moved = renameat(folder, leaf, spares->directory, name) == 0;
    /* Not written over before it is gone for good: after a power cut it may be back. */
    if (moved)
        *error = store_io_sync(folder);
    atomic_store(&spares->slots[slot], moved && *error == 0 ? FULL : FREE);
    return moved;
}

bool
store_spares_take(struct store_spares *spares, int folder, const char *leaf)
{
    char name[NAME_SIZE];
    int  slot = claim(spares, FULL);
    if (slot < 0)
        return false;
    spare_name(name, slot);
    bool moved = renameat(spares->directory, name, folder, leaf) == 0;
    /* A spare that cannot be moved is in nobody's way. */
    atomic_store(&spares->slots[slot], FREE);
    return moved;
}

bool
store_spares_drop(struct store_spares *spares)
{
    char name[NAME_SIZE];
    bool any = false;
    int  slot;
    for (int i = 0; i < STORE_SPARES && (slot = claim(spares, FULL)) >= 0; i++) {
        spare_name(name, slot);
        any = unlinkat(spares->directory, name, 0) == 0 || any;
        atomic_store(&spares->slots[slot], FREE);
    }
    return any;
}
