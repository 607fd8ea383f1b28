/*
 * bare -- what the network alone costs: a ROUTER and some DEALERs with CURVE move a model down to
 * each, an update up from each, in messages of 1 MiB, and do nothing else with them.
 *
 *     bare NODES BYTES ROUNDS IO_THREADS [up]
 *
 * NODES processes beside this one, as in a federation; a round ends when every byte is here. With
 * `up` one process holds all DEALERs, and only the updates travel: what a coordinator's ingest is
 * compared with. One number a line: seconds of each round, the first (handshakes, first touch of
 * memory) left out. Messages are handed over without a copy and copied once into the receiver's
 * memory; queues have no limit.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <zmq.h>

enum {
    CHUNK     = 1048576,
    NODES_MAX = 256,
    KEY_SIZE  = 41 /* in ZeroMQ's own text form */
};

struct bare {
    size_t nodes, bytes, rounds;
    int    io_threads;
    bool   up_only;
    char   public_key[KEY_SIZE], secret_key[KEY_SIZE];
    char   endpoint[64];
};

static void
must(bool good, const char *what)
{
    if (good)
        return;
    (void)fprintf(stderr, "bare: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static void
keep(void *data, void *hint)
{
    (void)data;
    (void)hint;
}

/* One chunk of a model that nobody changes, without a copy. */
static void
send_chunk(void *socket, uint8_t *model, size_t at, size_t bytes)
{
    zmq_msg_t message;
    size_t    part = bytes - at < CHUNK ? bytes - at : CHUNK;
    must(zmq_msg_init_data(&message, model + at, part, keep, NULL) == 0, "message");
    must(zmq_msg_send(&message, socket, 0) == (int)part, "send");
}

/* One message, copied to where it belongs; its size. */
static size_t
take_chunk(void *socket, uint8_t *model, size_t at, size_t bytes)
{
    zmq_msg_t message;
    must(zmq_msg_init(&message) == 0, "message");
    must(zmq_msg_recv(&message, socket, 0) >= 0, "receive");
    size_t part = zmq_msg_size(&message);
    must(part <= bytes - at, "size");
    memcpy(model + at, zmq_msg_data(&message), part);
    must(zmq_msg_close(&message) == 0, "close");
    return part;
}

static void *
open_socket(void *context, int type)
{
    int   none   = 0;
    void *socket = zmq_socket(context, type);
    must(socket != NULL, "socket");
    must(zmq_setsockopt(socket, ZMQ_SNDHWM, &none, sizeof none) == 0, "option");
    must(zmq_setsockopt(socket, ZMQ_RCVHWM, &none, sizeof none) == 0, "option");
    return socket;
}

static uint8_t *
new_model(size_t bytes)
{
    uint8_t *model = malloc(bytes);
    must(model != NULL, "memory");
    memset(model, 1, bytes);
    return model;
}

/* ---- nodes ---- */

static void *
dial(const struct bare *bare, void *context, size_t number)
{
    char    public_key[KEY_SIZE], secret_key[KEY_SIZE];
    uint8_t name   = (uint8_t)(number + 1);
    void   *socket = open_socket(context, ZMQ_DEALER);
    must(zmq_curve_keypair(public_key, secret_key) == 0, "keys");
    must(zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, bare->public_key, KEY_SIZE) == 0, "key");
    must(zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public_key, KEY_SIZE) == 0, "key");
    must(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret_key, KEY_SIZE) == 0, "key");
    must(zmq_setsockopt(socket, ZMQ_ROUTING_ID, &name, 1) == 0, "name");
    must(zmq_connect(socket, bare->endpoint) == 0, "connect");
    must(zmq_send(socket, "", 0, 0) == 0, "greet");
    return socket;
}

/* A process of one node, or of all of them: what to send is in the order of the chunks. */
static void
run_nodes(const struct bare *bare, size_t first, size_t count)
{
    void    *context = zmq_ctx_new();
    uint8_t *model   = new_model(bare->bytes);
    void    *sockets[NODES_MAX];
    uint8_t  go;
    if (count > 1)
        must(zmq_ctx_set(context, ZMQ_IO_THREADS, bare->io_threads) == 0, "threads");
    for (size_t i = 0; i < count; i++)
        sockets[i] = dial(bare, context, first + i);
    for (size_t round = 0; round < bare->rounds; round++) {
        for (size_t i = 0; i < count; i++)
            for (size_t at = 0; !bare->up_only && at < bare->bytes;)
                at += take_chunk(sockets[i], model, at, bare->bytes);
        for (size_t i = 0; bare->up_only && i < count; i++)
            must(zmq_recv(sockets[i], &go, 1, 0) == 1, "receive");
        for (size_t at = 0; at < bare->bytes; at += CHUNK)
            for (size_t i = 0; i < count; i++)
                send_chunk(sockets[i], model, at, bare->bytes);
    }
    for (size_t i = 0; i < count; i++) {
        must(zmq_recv(sockets[i], &go, 1, 0) == 1, "receive"); /* everything has arrived */
        must(zmq_close(sockets[i]) == 0, "close");
    }
    must(zmq_ctx_term(context) == 0, "end");
    exit(0);
}

/* Before this process has a thread; each child waits in the pipe for the address. */
static void
start_nodes(struct bare *bare, int address)
{
    size_t processes = bare->up_only ? 1 : bare->nodes;
    for (size_t i = 0; i < processes; i++) {
        pid_t child = fork();
        must(child >= 0, "fork");
        if (child > 0)
            continue;
        must(read(address, bare->endpoint, sizeof bare->endpoint) == sizeof bare->endpoint, "pipe");
        run_nodes(bare, i, bare->up_only ? bare->nodes : 1);
    }
}

/* ---- the hub ---- */

static void *
listen_here(const struct bare *bare, void *context, int address)
{
    int    yes                             = 1;
    char   endpoint[sizeof bare->endpoint] = "";
    size_t size                            = sizeof endpoint;
    void  *socket                          = open_socket(context, ZMQ_ROUTER);
    must(zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &yes, sizeof yes) == 0, "option");
    must(zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, bare->secret_key, KEY_SIZE) == 0, "key");
    must(zmq_setsockopt(socket, ZMQ_ROUTER_MANDATORY, &yes, sizeof yes) == 0, "option");
    must(zmq_bind(socket, "tcp://127.0.0.1:*") == 0, "bind");
    must(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &size) == 0, "endpoint");
    for (size_t i = 0; i < (bare->up_only ? 1 : bare->nodes); i++)
        must(write(address, endpoint, sizeof endpoint) == sizeof endpoint, "pipe");
    return socket;
}

static void
to_each(void *socket, size_t nodes, const void *bytes, size_t size)
{
    for (uint8_t name = 1; name <= nodes; name++) {
        must(zmq_send(socket, &name, 1, ZMQ_SNDMORE) == 1, "route");
        must(zmq_send(socket, bytes, size, 0) == (int)size, "send");
    }
}

static void
run_round(const struct bare *bare, void *socket, uint8_t *model, uint8_t *updates)
{
    size_t  at[NODES_MAX] = {0}, left = bare->nodes * bare->bytes;
    uint8_t name;
    if (bare->up_only)
        to_each(socket, bare->nodes, "g", 1);
    for (size_t from = 0; !bare->up_only && from < bare->bytes; from += CHUNK)
        for (name = 1; name <= bare->nodes; name++) {
            must(zmq_send(socket, &name, 1, ZMQ_SNDMORE) == 1, "route");
            send_chunk(socket, model, from, bare->bytes);
        }
    while (left > 0) {
        must(zmq_recv(socket, &name, 1, 0) == 1 && name >= 1 && name <= bare->nodes, "route");
        size_t node = name - 1u;
        size_t part = take_chunk(socket, updates, at[node], bare->bytes);
        at[node] += part;
        left -= part;
    }
}

static double
now(void)
{
    struct timespec clock;
    must(clock_gettime(CLOCK_MONOTONIC, &clock) == 0, "clock");
    return (double)clock.tv_sec + 1e-9 * (double)clock.tv_nsec;
}

static void
run_hub(const struct bare *bare, void *socket)
{
    uint8_t *model = new_model(bare->bytes), *updates = new_model(bare->bytes);
    uint8_t  name, nothing;
    for (size_t i = 0; i < bare->nodes; i++)
        must(zmq_recv(socket, &name, 1, 0) == 1 && zmq_recv(socket, &nothing, 1, 0) == 0, "greet");
    for (size_t round = 0; round < bare->rounds; round++) {
        double began = now();
        run_round(bare, socket, model, updates);
        if (round > 0)
            (void)printf("%.6f\n", now() - began);
    }
    to_each(socket, bare->nodes, "e", 1);
    free(model);
    free(updates);
}

int
main(int argc, char **argv)
{
    struct bare bare = {.up_only = argc == 6 && strcmp(argv[5], "up") == 0};
    if (argc < 5 || argc > 6)
        return 2;
    bare.nodes      = strtoul(argv[1], NULL, 10);
    bare.bytes      = strtoul(argv[2], NULL, 10);
    bare.rounds     = strtoul(argv[3], NULL, 10);
    bare.io_threads = (int)strtol(argv[4], NULL, 10);
    if (bare.nodes < 1 || bare.nodes >= NODES_MAX || bare.bytes < 1 || bare.io_threads < 1)
        return 2;
    must(zmq_curve_keypair(bare.public_key, bare.secret_key) == 0, "keys");

    int address[2];
    must(pipe(address) == 0, "pipe");
    start_nodes(&bare, address[0]);
    void *context = zmq_ctx_new();
    must(zmq_ctx_set(context, ZMQ_IO_THREADS, bare.io_threads) == 0, "threads");
    void *socket = listen_here(&bare, context, address[1]);
    run_hub(&bare, socket);
    must(zmq_close(socket) == 0 && zmq_ctx_term(context) == 0, "end");
    for (int status; wait(&status) > 0;)
        must(status == 0, "a node ended badly");
    return 0;
}
