#include "sim/cargo.h"

#include "proto/frame.h"

#include <stdlib.h>
#include <string.h>

enum {
    LARGE = 4096,
    ENDS  = WIRE_HEADER_SIZE + WIRE_SIGNATURE_SIZE
};

struct sim_cargo {
    size_t  references;
    size_t  size;
    uint8_t bytes[]; /* a frame: the ends are of the one that was asked for last */
};

void
sim_cargo_drop(struct sim_cargo *cargo)
{
    if (cargo != NULL && --cargo->references == 0)
        free(cargo);
}

static void
copy_ends(uint8_t *out, const uint8_t *frame, size_t size)
{
    memcpy(out, frame, WIRE_HEADER_SIZE);
    memcpy(out + WIRE_HEADER_SIZE, frame + size - WIRE_SIGNATURE_SIZE, WIRE_SIGNATURE_SIZE);
}

static bool
carries(const struct sim_cargo *cargo, const uint8_t *frame, size_t size)
{
    return cargo != NULL && cargo->size == size &&
           memcmp(cargo->bytes + WIRE_HEADER_SIZE, frame + WIRE_HEADER_SIZE, size - ENDS) == 0;
}

static struct sim_cargo *
new_cargo(const uint8_t *frame, size_t size)
{
    struct sim_cargo *cargo = malloc(sizeof *cargo + size);
    if (cargo == NULL)
        return NULL;
    cargo->references = 1;
    cargo->size       = size;
    memcpy(cargo->bytes, frame, size);
    return cargo;
}

enum pn_status
sim_cargo_load(struct sim_event *event, struct sim_cargo **last, const uint8_t *frame, size_t size)
{
    bool is_large = size >= LARGE;
    event->size   = size;
    event->cargo  = NULL;
    event->bytes  = malloc(is_large ? ENDS : size + 1);
    if (event->bytes == NULL)
        return PN_ENOMEM;
    if (!is_large) {
        memcpy(event->bytes, frame, size);
        return PN_OK;
    }
    copy_ends(event->bytes, frame, size);
    if (!carries(*last, frame, size)) {
        sim_cargo_drop(*last);
        *last = new_cargo(frame, size);
    }
    if (*last == NULL) {
        free(event->bytes);
        return PN_ENOMEM;
    }
    event->cargo = *last;
    event->cargo->references++;
    return PN_OK;
}

const uint8_t *
sim_cargo_frame(const struct sim_event *event)
{
    struct sim_cargo *cargo = event->cargo;
    if (cargo == NULL)
        return event->bytes;
    memcpy(cargo->bytes, event->bytes, WIRE_HEADER_SIZE);
    memcpy(cargo->bytes + cargo->size - WIRE_SIGNATURE_SIZE, event->bytes + WIRE_HEADER_SIZE,
           WIRE_SIGNATURE_SIZE);
    return cargo->bytes;
}

void
sim_cargo_unload(struct sim_event *event)
{
    free(event->bytes);
    sim_cargo_drop(event->cargo);
}
