/*
 * Bytes as what three members of a swarm say to the fourth: properly sealed frames of any kind,
 * with bodies as they come or of our own making, so that blocks are decided in between. Whatever it
 * hears, the engine counts every frame once and holds a bounded number of bytes.
 *
 *     each frame   type, flags, type inside a relay, body size (u8), body; flags: bits 0 and 1 who
 * speaks, bit 2 a greeting first, bit 3 a body of our own making, bit 4 much time passes, bit 5
 *                  another height than the engine's, bit 6 its connection goes down first
 *
 * A relay of our own making has a frame of any of the three in it, sealed.
 */
#include "sim/disk.h"
#include "sim/federation.h"
#include "sim/scenario.h"
#include "swarm/engine.h"

#include "crypto/seal.h"
#include "fed/link.h"
#include "fed/vote.h"
#include "nnlib/pass.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
    MEMBERS    = 4,
    FIRST      = 2, /* the engine's number; the others follow */
    HEAD       = 4,
    FRAMES_MAX = 96,
    WORKS_MAX  = 64,
    DISK_MAX   = 32 << 20,
    DATA_MAX   = 4096
};

static struct sim_scenario   scenario;
static struct sim_federation federation;

struct host {
    struct swarm_engine *engine;
    struct sim_disk     *disk;
    struct fed_link      links[MEMBERS]; /* of the others to the engine, by place */
    struct pn_work      *works[WORKS_MAX];
    size_t               work_count;
    struct pn_buffer     block, body, frame; /* block: the newest that the engine proposed */
    struct pn_buffer     inner;
    struct sec_signature signature;
    struct wire_arena    arena;
    pn_ms                now;
    uint8_t              run[16];
};

/* ---- ports ---- */

static enum pn_status
take_sent(void *context, uint32_t member, struct pn_buffer *sent)
{
    struct host        *host = context;
    struct wire_frame   frame;
    struct wire_propose propose;
    (void)member;
    PN_ASSERT(wire_frame_decode(&frame, sent->bytes, sent->size) == PN_OK);
    wire_arena_reset(&host->arena);
    if (frame.header.type == WIRE_PROPOSE &&
        wire_propose_decode(&propose, &host->arena, frame.body, frame.header.body_size) == PN_OK) {
        pn_buffer_clear(&host->block);
        memcpy(host->signature.bytes, propose.signature, sizeof propose.signature);
        PN_ASSERT(pn_buffer_append(&host->block, propose.block.bytes, propose.block.size) == PN_OK);
    }
    return PN_OK;
}

static void
submit(void *context, struct pn_work *work)
{
    struct host *host = context;
    PN_ASSERT(host->work_count < WORKS_MAX);
    host->works[host->work_count++] = work;
}

static void
work_off(struct host *host)
{
    while (host->work_count > 0) {
        struct pn_work *work = host->works[0];
        host->work_count--;
        memmove(host->works, host->works + 1, host->work_count * sizeof host->works[0]);
        work->run(work);
        work->done(work, host->now);
    }
}

static uint64_t
wall_ms(void *context)
{
    return ((struct host *)context)->now + 1;
}

/* ---- bodies that pass the decoder more often than random bytes do ---- */

static struct wire_vote
make_vote(const struct host *host, uint32_t place, const uint8_t b[8])
{
    struct fed_signed_vote given = {.member = place,
                                    .vote   = {.height = swarm_engine_chain(host->engine)->height,
                                               .view   = 1u + b[0] % 6,
                                               .step   = b[1] & 1 ? FED_PRECOMMIT : FED_PREVOTE}};
    struct wire_vote       vote;
    if (b[1] & 2)
        fed_block_hash(&given.vote.hash, host->block.bytes, host->block.size);
    given.vote.hash.bytes[1] ^= b[2] & 1 ? 0 : b[2];
    fed_vote_sign(&given.signature, host->run, &given.vote, &federation.secrets[place + 1]);
    fed_vote_to_wire(&vote, &given, federation.roster);
    return vote;
}

/* Sums over a member's records; `value` of them. */
static size_t
make_statistics(uint8_t *data, uint8_t value)
{
    struct wire_column_sums columns[3] = {{value, value, value}, {value, 0, value}, {0, 0, 0}};
    struct pn_buffer        bytes;
    pn_buffer_init(&bytes, DATA_MAX);
    PN_ASSERT(wire_statistics_encode(&bytes, &(struct wire_statistics){1u + value, columns, 3}) ==
              PN_OK);
    size_t size = bytes.size;
    memcpy(data, bytes.bytes, size);
    pn_buffer_fini(&bytes);
    return size;
}

/* What the others contribute: an update of one byte's value, or a report. */
static void
make_blob(struct sec_blob *blob, uint8_t *data, size_t *size, enum wire_type type, uint8_t value)
{
    *size = (size_t)scenario.loose[MEMBERS].model_size;
    PN_ASSERT(*size <= DATA_MAX);
    memset(data, value, *size);
    if (type == WIRE_REPORT)
        *size = make_statistics(data, value);
    sec_merkle_of(blob, NULL, data, *size);
}

static enum pn_status
write_contribution(struct host *host, uint32_t place, enum wire_type type, const uint8_t b[8])
{
    const struct fed_chain *chain = swarm_engine_chain(host->engine);
    uint8_t                 data[DATA_MAX];
    size_t                  size;
    struct sec_blob         blob;
    struct sec_signature    signature;
    make_blob(&blob, data, &size, type, b[0]);
    if (type == WIRE_REPORT) {
        struct fed_report        report  = {.height = chain->height, .member = FIRST + place};
        struct wire_contribution message = {.report = fed_blob_to_wire(&blob)};
        report.blob                      = blob;
        memcpy(report.run, host->run, sizeof report.run);
        fed_report_sign(&signature, &report, &federation.secrets[place + 1]);
        memcpy(message.signature, signature.bytes, sizeof message.signature);
        return wire_contribution_encode(&host->body, &message);
    }
    struct fed_commitment commitment = {.round    = chain->height,
                                        .weight   = 1u + b[1],
                                        .member   = FIRST + place,
                                        .model_in = chain->model,
                                        .update   = blob};
    struct wire_update    update     = {.update = fed_blob_to_wire(&blob), .weight = 1u + b[1]};
    memcpy(commitment.run, host->run, sizeof commitment.run);
    fed_commitment_sign(&signature, &commitment, &federation.secrets[place + 1]);
    memcpy(update.signature, signature.bytes, sizeof update.signature);
    return wire_update_encode(&host->body, &update);
}

static enum pn_status
write_chunk(struct host *host, const uint8_t b[8])
{
    uint8_t           data[DATA_MAX];
    size_t            size;
    struct sec_blob   blob;
    struct wire_chunk chunk = {.index = 0};
    make_blob(&blob, data, &size, b[1] & 1 ? WIRE_UPDATE : WIRE_REPORT, b[0]);
    chunk.blob = fed_blob_to_wire(&blob);
    chunk.data = (struct wire_span){data, size};
    return wire_chunk_encode(&host->body, &chunk);
}

static enum pn_status
write_proposal(struct host *host, const uint8_t b[8])
{
    struct wire_vote    votes[MEMBERS];
    struct wire_propose propose = {.view       = 1u + b[0] % 8,
                                   .block      = {host->block.bytes, host->block.size},
                                   .votes      = votes,
                                   .vote_count = b[1] % MEMBERS};
    propose.valid_view          = propose.vote_count > 0 ? 1u + b[2] % propose.view : 0;
    if (propose.valid_view >= propose.view)
        propose.valid_view = (uint32_t)(propose.vote_count = 0);
    for (uint32_t i = 0; i < propose.vote_count; i++)
        votes[i] =
            make_vote(host, i + 1, (const uint8_t[8]){(uint8_t)(propose.valid_view - 1), 2, 1});
    memcpy(propose.signature, host->signature.bytes, sizeof propose.signature);
    propose.signature[0] ^= b[3] & 1;
    return wire_propose_encode(&host->body, &propose);
}

static enum pn_status
write_decision(struct host *host, const uint8_t b[8])
{
    struct wire_witness  witnesses[MEMBERS];
    struct wire_decision decision = {.block         = {host->block.bytes, host->block.size},
                                     .witnesses     = witnesses,
                                     .witness_count = b[0] % MEMBERS};
    decision.view                 = decision.witness_count > 0 ? 1u + b[1] % 4 : 0;
    memcpy(decision.signature, host->signature.bytes, sizeof decision.signature);
    for (uint32_t i = 0; i < decision.witness_count; i++) {
        struct wire_vote vote = make_vote(host, i + 1, (const uint8_t[8]){b[1] % 4, 3, 1});
        witnesses[i].member   = vote.member;
        memcpy(witnesses[i].signature, vote.signature, sizeof vote.signature);
    }
    return wire_decision_encode(&host->body, &decision);
}

/* All members, the engine too, have the session key of the hub, which is nobody in a swarm. */
static struct sec_seal_key
key_of(uint32_t place, bool greeting)
{
    const struct sec_transport_secret *session = &federation.transports[0];
    const struct sec_certificate      *ours    = &federation.roster->members[0].certificate;
    struct sec_transport_public        hub;
    struct sec_seal_key                key;
    struct sec_seal_ends               ends = {.own    = &federation.transports[place + 1],
                                               .theirs = &ours->transport};
    if (!greeting) {
        ends.own_session   = session;
        ends.their_session = &hub;
    }
    sec_transport_public_of(&hub, &federation.transports[0]);
    PN_ASSERT(sec_seal_agree(&key, &ends));
    return key;
}

/* The body is a frame's: it is sealed as one of another member, forwarded by who speaks. */
static enum pn_status
write_relay(struct host *host, enum wire_type type, const uint8_t b[8])
{
    uint32_t          origin = 1 + b[0] % 3;
    struct wire_relay relay  = {.origin = FIRST + origin, .target = FIRST};
    if (b[1] & 2)
        relay.target = FIRST + b[1] % 5u;
    relay.greeting                = (type == WIRE_HELLO) != (b[1] & 1);
    const struct sec_seal_key key = key_of(origin, relay.greeting);
    uint8_t                   head[WIRE_RELAY_HEAD];
    if (fed_link_seal(&host->inner, &host->links[origin], type,
                      swarm_engine_chain(host->engine)->height,
                      pn_get_u32(swarm_engine_chain(host->engine)->head.bytes), host->body.bytes,
                      host->body.size) != PN_OK)
        return PN_ESTATE;
    wire_relay_head(head, &relay);
    pn_buffer_clear(&host->body);
    PN_ASSERT(pn_buffer_append(&host->body, head, sizeof head) == PN_OK);
    PN_ASSERT(pn_buffer_extend(&host->body, SEC_SEAL_EXTRA + host->inner.size) == PN_OK);
    sec_seal(host->body.bytes + sizeof head, &key, &(struct sec_about){head, sizeof head},
             host->inner.bytes, host->inner.size);
    host->body.bytes[b[2] % host->body.size] ^= b[3] & 0x11;
    return PN_OK;
}

static enum pn_status
write_body(struct host *host, uint32_t place, enum wire_type type, const uint8_t b[8])
{
    const struct fed_chain *chain  = swarm_engine_chain(host->engine);
    const uint8_t           reach  = b[7] & 15;
    struct wire_ask         ask    = {.height = b[0] & 1 ? chain->height : b[0]};
    struct wire_status      status = {
             .height = chain->height + b[0] % 3, .activity = WIRE_IDLE, .reach = {&reach, 1}};
    struct wire_vote vote;
    switch (type) {
    case WIRE_VOTE:
        vote = make_vote(host, place, b);
        return wire_vote_encode(&host->body, &vote);
    case WIRE_UPDATE:
    case WIRE_REPORT:
        return write_contribution(host, place, type, b);
    case WIRE_CHUNK:
        return write_chunk(host, b);
    case WIRE_PROPOSE:
    case WIRE_SHOW:
        return write_proposal(host, b);
    case WIRE_DECISION:
        return write_decision(host, b);
    case WIRE_FAULT:
        return wire_fault_encode(&host->body, &(struct wire_fault){"fuzz"});
    case WIRE_PULL:
        return wire_pull_encode(&host->body,
                                &(struct wire_pull){fed_blob_to_wire(&chain->model), b[0] % 2, 1});
    case WIRE_ASK:
        if (b[1] & 1 && host->block.size > 32)
            memcpy(ask.hash, host->block.bytes, 32);
        return wire_ask_encode(&host->body, &ask);
    case WIRE_STATUS:
        memcpy(status.head, chain->head.bytes, sizeof status.head);
        return wire_status_encode(&host->body, &status);
    default:
        return pn_buffer_append(&host->body, b, 8);
    }
}

/* ---- saying ---- */

static uint64_t
counted(const struct host *host, uint32_t place)
{
    const struct engine_counters *counters = swarm_engine_counters(host->engine, FIRST + place);
    return counters->accepted + counters->rejected + counters->discarded;
}

static void
hand_in(struct host *host, uint32_t place, enum wire_type type, bool other)
{
    const struct fed_chain *chain = swarm_engine_chain(host->engine);
    if (fed_link_seal(&host->frame, &host->links[place], type, chain->height + other,
                      pn_get_u32(chain->head.bytes), host->body.bytes, host->body.size) != PN_OK)
        return;
    uint64_t before = counted(host, place);
    swarm_engine_frame(host->engine, host->now, FIRST + place, host->frame.bytes, host->frame.size);
    work_off(host);
    PN_ASSERT(counted(host, place) == before + 1);
}

static void
greet(struct host *host, uint32_t place)
{
    const struct fed_chain *chain = swarm_engine_chain(host->engine);
    struct wire_hello       hello = {.height = chain->height, .restart = true, .software = "fuzz"};
    struct sec_transport_public hub;
    sec_transport_public_of(&hub, &federation.transports[0]);
    memcpy(hello.key, hub.bytes, sizeof hello.key);
    memcpy(hello.head, chain->head.bytes, sizeof hello.head);
    pn_buffer_clear(&host->body);
    if (wire_hello_encode(&host->body, &hello) == PN_OK)
        hand_in(host, place, WIRE_HELLO, false);
}

static void
speak(struct host *host, const uint8_t *head, const uint8_t *bytes, size_t size)
{
    static const enum wire_type types[] = {
        WIRE_UPDATE, WIRE_FAULT, WIRE_PULL,     WIRE_CHUNK,  WIRE_REPORT, WIRE_PROPOSE, WIRE_VOTE,
        WIRE_ASK,    WIRE_SHOW,  WIRE_DECISION, WIRE_STATUS, WIRE_HELLO,  WIRE_RELAY};
    enum wire_type type   = types[head[0] % (sizeof types / sizeof types[0])];
    enum wire_type inside = types[head[2] % (sizeof types / sizeof types[0])];
    uint32_t       place  = 1 + head[1] % 3;
    uint8_t        b[8]   = {0};
    memcpy(b, bytes, size < sizeof b ? size : sizeof b);
    if (head[1] & 64)
        swarm_engine_down(host->engine, host->now, FIRST + place);
    if (head[1] & 4)
        greet(host, place);
    pn_buffer_clear(&host->body);
    enum pn_status st = head[1] & 8 ? write_body(host, type == WIRE_RELAY ? 1u + b[0] % 3 : place,
                                                 type == WIRE_RELAY ? inside : type, b)
                                    : pn_buffer_append(&host->body, bytes, size);
    if (type == WIRE_RELAY && head[1] & 8)
        st = write_relay(host, inside, b);
    if (st == PN_OK)
        hand_in(host, place, type, (head[1] & 32) != 0);
    host->now += head[1] & 16 ? 5000 : 1;
    swarm_engine_tick(host->engine, host->now);
    work_off(host);
}

/* ---- a host begins and ends ---- */

static void
prepare_once(void)
{
    struct pn_error why = {.text = ""};
    if (federation.roster != NULL)
        return;
    PN_ASSERT(sec_init() == PN_OK && nn_start_up() == PN_OK);
    PN_ASSERT(sim_scenario_init(&scenario, FED_MODE_SWARM, &why) == PN_OK);
    PN_ASSERT(sim_federation_new(&federation, FED_MODE_SWARM, 1, scenario.sites, MEMBERS, &why) ==
              PN_OK);
}

static void
init_links(struct host *host)
{
    const struct fed_roster *roster = federation.roster;
    for (uint32_t i = 1; i < MEMBERS; i++) {
        struct fed_link_ends ends = {.epoch  = roster->epoch,
                                     .self   = FIRST + i,
                                     .peer   = FIRST,
                                     .swarm  = true,
                                     .secret = &federation.secrets[i + 1],
                                     .key    = &roster->members[0].certificate.node};
        memcpy(ends.run, host->run, sizeof ends.run);
        fed_link_init(&host->links[i], &ends, 1);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct host           host = {.now = 1000};
    struct engine_scratch scratch;
    struct store_disk     disk;
    struct fed_policy     policy = {.records_min = 0};
    struct swarm_config   config;
    struct pn_error       why = {.text = ""};
    prepare_once();
    void *room = aligned_alloc(16, WIRE_ARENA_SIZE);
    PN_ASSERT(room != NULL && engine_scratch_init(&scratch) == PN_OK &&
              sim_disk_new(&host.disk) == PN_OK);
    wire_arena_init(&host.arena, room, WIRE_ARENA_SIZE);
    pn_buffer_init(&host.block, WIRE_BLOCK_MAX);
    pn_buffer_init(&host.body, WIRE_BODY_MAX);
    pn_buffer_init(&host.frame, WIRE_FRAME_MAX);
    pn_buffer_init(&host.inner, WIRE_FRAME_MAX);
    sim_disk_port(&disk, host.disk);
    fed_job_run(host.run, federation.roster->federation, scenario.loose[MEMBERS].job, "1");
    init_links(&host);
    swarm_config_defaults(&config, &scenario.loose[MEMBERS]);
    config.roster = config.trusted = federation.roster;
    config.text      = (struct wire_span){federation.text.bytes, federation.text.size};
    config.self      = FIRST;
    config.secret    = &federation.secrets[1];
    config.transport = &federation.transports[1];
    config.session   = &federation.transports[0]; /* any: the hub of a swarm is nobody */
    config.boot      = 1;
    config.policy    = &policy;
    config.source    = scenario.sites[0].source;
    config.disk      = &disk;
    config.ports     = (struct pn_ports){.host = &host, .send = take_sent, .submit = submit};
    config.scratch   = &scratch;
    config.wall_ms   = wall_ms;
    config.host      = &host;
    PN_ASSERT(swarm_engine_new(&host.engine, &config, &why) == PN_OK);
    swarm_engine_start(host.engine, host.now);
    work_off(&host);
    for (uint32_t i = 1; i < MEMBERS; i++) {
        swarm_engine_up(host.engine, host.now, FIRST + i);
        greet(&host, i);
    }
    for (int i = 0; i < FRAMES_MAX && size >= HEAD; i++) {
        size_t wants = bytes[3] < size - HEAD ? bytes[3] : size - HEAD;
        speak(&host, bytes, bytes + HEAD, wants);
        bytes += HEAD + wants;
        size -= HEAD + wants;
    }
    PN_ASSERT(sim_disk_bytes(host.disk) < DISK_MAX);
    swarm_engine_free(host.engine);
    sim_disk_free(host.disk);
    engine_scratch_fini(&scratch);
    pn_buffer_fini(&host.block);
    pn_buffer_fini(&host.body);
    pn_buffer_fini(&host.frame);
    pn_buffer_fini(&host.inner);
    free(room);
    return 0;
}
