/*
 * feed -- plays nodes that have their updates ready: what a coordinator takes in is then its own
 * pace.
 *
 *     feed FEDERATION TRUST ENDPOINT PARAMETERS KEYS STATE [KEYS STATE]...
 *
 * One thread for each node, over the product's own rooms: keys, roster, link, CURVE, chunks with
 * proofs. A node answers, accepts, announces an update that lies in memory, gives its chunks, and
 * declines to evaluate. A line for each round: seconds from TRAIN to EVALUATE at the first node,
 * which is when all updates are fetched, proved, durable, measured and folded into the next model,
 * and that is durable, too. The next update is made after that.
 */
#include "engine/blob.h"
#include "engine/party.h"
#include "engine/shelf.h"
#include "fed/block.h"
#include "net/loop.h"
#include "store/files.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    NODES_MAX = 64,
    RECORDS   = 100
};

struct feeder {
    const char *federation, *trust, *endpoint, *keys, *state;
    bool        tells;
    pthread_t   thread;

    struct store_files   *files;
    struct store_disk     disk, memory; /* the state directory; the update as a disk */
    struct engine_party   party;
    struct net_loop      *loop;
    struct pn_ports       ports;
    struct engine_peer    peer;
    struct engine_scratch scratch;
    struct engine_shelf   shelf;

    int32_t        *q;
    size_t          count;
    struct sec_blob update;
    uint64_t        round;
    uint32_t        attempt;
    double          began;
    bool            over;
};

static double
now(void)
{
    struct timespec clock;
    (void)clock_gettime(CLOCK_MONOTONIC, &clock);
    return (double)clock.tv_sec + 1e-9 * (double)clock.tv_nsec;
}

static void
must(enum pn_status status, const struct pn_error *why)
{
    if (status == PN_OK)
        return;
    (void)fprintf(stderr, "feed: %s: %s\n", pn_status_text(status), why != NULL ? why->text : "");
    exit(1);
}

/* ---- the update, in memory ---- */

static enum pn_status
read_update(void *host, const char *name, void *out, uint64_t offset, size_t size)
{
    const struct feeder *feeder = host;
    (void)name; /* there is one */
    memcpy(out, (const uint8_t *)feeder->q + offset, size);
    return PN_OK;
}

/* Another one for every round and node: the same bytes would not be fetched again. */
static void
make_update(struct feeder *feeder, uint64_t round)
{
    struct sec_hash *leaves;
    for (size_t k = 0; k < feeder->count; k += 1000)
        feeder->q[k] = (int32_t)(round * NODES_MAX + feeder->party.self->number);
    must(engine_blob_of(&feeder->update, &leaves, (const uint8_t *)feeder->q, 4 * feeder->count),
         NULL);
    engine_shelf_put(&feeder->shelf, "updates", &feeder->update, leaves);
}

/* ---- what it says ---- */

static void
say(struct feeder *feeder, enum wire_type type)
{
    const struct engine_stamp stamp = {
        .type = type, .round = feeder->round, .attempt = feeder->attempt};
    must(engine_peer_send(&feeder->peer, &feeder->ports, &feeder->scratch, &stamp), NULL);
}

static void
greet(struct feeder *feeder)
{
    static const struct sec_hash none;
    must(engine_peer_hello(&feeder->peer, &feeder->ports, &feeder->scratch, 0, &none, 0), NULL);
}

static void
announce(struct feeder *feeder, const struct wire_frame *frame)
{
    struct wire_train     train;
    struct fed_commitment commitment = {.round  = feeder->round,
                                        .weight = RECORDS,
                                        .member = feeder->party.self->number,
                                        .update = feeder->update};
    struct sec_signature  signature;
    struct wire_update    update = {.update = fed_blob_to_wire(&feeder->update), .weight = RECORDS};
    wire_arena_reset(&feeder->scratch.arena);
    must(wire_train_decode(&train, &feeder->scratch.arena, frame->body, frame->header.body_size),
         NULL);
    memcpy(commitment.run, feeder->peer.link.ends.run, sizeof commitment.run);
    commitment.model_in = fed_blob_from_wire(&train.model);
    fed_commitment_sign(&signature, &commitment, &feeder->party.secret);
    memcpy(update.signature, signature.bytes, sizeof update.signature);
    feeder->began = now();
    must(wire_update_encode(engine_scratch_begin(&feeder->scratch), &update), NULL);
    say(feeder, WIRE_UPDATE);
}

static void
give(struct feeder *feeder, const struct wire_frame *frame)
{
    struct wire_pull pull;
    wire_arena_reset(&feeder->scratch.arena);
    must(wire_pull_decode(&pull, &feeder->scratch.arena, frame->body, frame->header.body_size),
         NULL);
    must(engine_shelf_give(&feeder->shelf, &pull, &feeder->peer, &feeder->ports, &feeder->scratch),
         NULL);
}

static void
decline(struct feeder *feeder)
{
    if (feeder->tells)
        (void)printf("%.6f\n", now() - feeder->began);
    make_update(feeder, feeder->round + 1);
    must(wire_fault_encode(engine_scratch_begin(&feeder->scratch),
                           &(struct wire_fault){.reason = "it only feeds"}),
         NULL);
    say(feeder, WIRE_FAULT);
}

static void
take(struct feeder *feeder, const struct wire_frame *frame)
{
    feeder->round   = frame->header.round;
    feeder->attempt = frame->header.attempt;
    switch (frame->header.type) {
    case WIRE_HELLO:
        if (!feeder->peer.link.sent_hello)
            greet(feeder);
        return;
    case WIRE_OFFER:
        must(wire_answer_encode(
                 engine_scratch_begin(&feeder->scratch),
                 &(struct wire_answer){
                     .accepted = true, .reason = "", .records = RECORDS, .validation_records = 1}),
             NULL);
        say(feeder, WIRE_ANSWER);
        return;
    case WIRE_INVITE:
        must(wire_accept_encode(engine_scratch_begin(&feeder->scratch),
                                &(struct wire_accept){.records = RECORDS}),
             NULL);
        say(feeder, WIRE_ACCEPT);
        return;
    case WIRE_TRAIN:
        announce(feeder, frame);
        return;
    case WIRE_PULL:
        give(feeder, frame);
        return;
    case WIRE_EVALUATE:
        decline(feeder);
        return;
    case WIRE_FINISH:
        feeder->over = true;
        return;
    default:
        return;
    }
}

/* ---- a node's life ---- */

static void
open_feeder(struct feeder *feeder)
{
    struct pn_error why = {.text = ""};
    must(store_files_open(&feeder->files, &feeder->disk, feeder->state, STORE_WRITE, &why), &why);
    must(engine_party_load(&feeder->party,
                           &(struct engine_party_files){.federation = feeder->federation,
                                                        .keys       = feeder->keys,
                                                        .trust      = feeder->trust},
                           &feeder->disk, FED_ROLE_NODE, net_wall_ms() / 1000, &why),
         &why);
    const struct fed_roster        *roster = feeder->party.file.roster;
    const struct fed_roster_member *hub    = fed_roster_find(roster, roster->coordinator);

    const struct net_dial dial = {
        .endpoint = feeder->endpoint, .member = hub->number, .key = hub->certificate.transport};
    const struct net_loop_config config = {.dials      = &dial,
                                           .dial_count = 1,
                                           .public_key = &feeder->party.transport_public,
                                           .secret     = &feeder->party.transport_secret};
    must(net_loop_new(&feeder->loop, &config, &why), &why);
    net_loop_ports(&feeder->ports, feeder->loop);
    const struct fed_link_ends ends = {.epoch               = roster->epoch,
                                       .self                = feeder->party.self->number,
                                       .peer                = hub->number,
                                       .peer_is_coordinator = true,
                                       .secret              = &feeder->party.secret,
                                       .key                 = &hub->certificate.node};
    engine_peer_init(&feeder->peer, &ends, feeder->party.boot);
    must(engine_scratch_init(&feeder->scratch), NULL);
    feeder->memory = (struct store_disk){.host = feeder, .read = read_update};
    engine_shelf_init(&feeder->shelf, &feeder->memory);
    feeder->q = calloc(feeder->count, sizeof *feeder->q);
    must(feeder->q != NULL ? PN_OK : PN_ENOMEM, NULL);
    make_update(feeder, 1);
}

static void *
run_feeder(void *argument)
{
    struct feeder *feeder = argument;
    double         until  = now() + 300;
    open_feeder(feeder);
    while (!feeder->over && now() < until) {
        struct net_event  event;
        struct wire_frame frame;
        must(net_loop_wait(&event, feeder->loop, net_loop_now(feeder->loop) + 1000), NULL);
        if (event.kind == NET_UP)
            greet(feeder);
        if (event.kind == NET_DOWN || event.kind == NET_SIGNAL)
            break;
        if (event.kind == NET_FRAME &&
            engine_peer_open(&frame, &feeder->peer, event.bytes, event.size) == PN_OK)
            take(feeder, &frame);
    }
    net_loop_free(feeder->loop);
    engine_shelf_fini(&feeder->shelf);
    engine_scratch_fini(&feeder->scratch);
    engine_party_fini(&feeder->party);
    store_files_close(feeder->files);
    free(feeder->q);
    return NULL;
}

int
main(int argc, char **argv)
{
    static struct feeder feeders[NODES_MAX];
    size_t               count = argc > 6 ? ((size_t)argc - 5) / 2 : 0;
    if (count < 1 || count > NODES_MAX || sec_init() != PN_OK)
        return 2;
    (void)setvbuf(stdout, NULL, _IOLBF, 0);
    for (size_t i = 0; i < count; i++)
        feeders[i] = (struct feeder){.federation = argv[1],
                                     .trust      = argv[2],
                                     .endpoint   = argv[3],
                                     .count      = strtoul(argv[4], NULL, 10),
                                     .keys       = argv[5 + 2 * i],
                                     .state      = argv[6 + 2 * i],
                                     .tells      = i == 0};
    for (size_t i = 0; i < count; i++)
        if (pthread_create(&feeders[i].thread, NULL, run_feeder, &feeders[i]) != 0)
            return 1;
    for (size_t i = 0; i < count; i++)
        (void)pthread_join(feeders[i].thread, NULL);
    return 0;
}
