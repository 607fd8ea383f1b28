/*
 * Bytes as a conversation, sealed with a valid key and handed to whole engines: a member to the
 * coordinator, or the coordinator to a node. Whatever they hear, they stay within their bounds, and
 * every frame is counted once.
 *
 *     byte 0     who speaks (bit 0), how far the run is before (bits 1 to 3)
 *     then       type, flags, round, attempt, body size (u16), body; flags: bit 0 a greeting first,
 *                bit 1 the round that is on instead of `round`, bits 2 and 3 steps of the others
 *                afterwards, bit 4 much time passes, bit 5 a body of our own making
 */
#include "tests/support/impostor.h"

#include "engine/ledger.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

enum {
    MEMBER     = 3,
    HEAD       = 6,
    FRAMES_MAX = 64
};

static const char job[] =
    "version: 1\nname: fuzz\nseed: 3\nprofile: open\n"
    "model: |\n  x    = input 2\n  out  = dense x 1 init=xavier\n  loss = bce_logits out\n"
    "data:\n  format: csv\n  columns:\n"
    "    - { name: a, type: numeric, scale: standard }\n"
    "    - { name: b, type: numeric, scale: standard }\n"
    "    - { name: c, type: ignore }\n"
    "    - { name: y, type: target, positive: [\"1\"] }\n"
    "  split: { validation: 0.2, test: 0.2 }\n"
    "training: { optimiser: sgd, rate: 0.1, batch: 64, epochs: 1, clip: 10 }\n"
    "limits: { update_norm: 50, weight: 100000 }\n"
    "rounds: { count: 3, cohort: 2, quorum: 1, gather: 10s, invite: 5s, train: 20s, collect: 10s, "
    "evaluate: 10s, attempts: 3 }\n";

struct input {
    const uint8_t *bytes;
    size_t         size;
};

/* Bodies that pass the decoder more often than random bytes do. */
static void
write_body(struct impostor *impostor, enum wire_type type, const struct input *in)
{
    const struct fed_round *round = coord_engine_round(impostor->cluster->coordinator);
    const struct fed_chain *chain = coord_engine_chain(impostor->cluster->coordinator);
    struct pn_buffer       *body  = &impostor->body;
    uint8_t                 b[8]  = {0};
    memcpy(b, in->bytes, in->size < sizeof b ? in->size : sizeof b);
    struct wire_blob model   = fed_blob_to_wire(b[0] & 1 ? &round->model : &chain->model);
    struct wire_blob scaling = fed_blob_to_wire(&chain->scaling);
    if (b[0] & 2)
        model.root[0] ^= b[1];
    struct wire_column_sums columns[2] = {{b[1], (int8_t)b[2], b[3]}, {b[4], b[5], b[6]}};
    enum pn_status          st         = PN_OK;
    switch (type) {
    case WIRE_OFFER:
        st = wire_offer_encode(
            body, &(struct wire_offer){.job = {(const uint8_t *)job, sizeof job - 1 - (b[0] & 1)}});
        break;
    case WIRE_ANSWER:
        st = wire_answer_encode(
            body, &(struct wire_answer){b[0] & 1, b[0] & 1 ? "" : "no", pn_get_u32(b), b[4]});
        break;
    case WIRE_STATISTICS:
        st = wire_statistics_encode(body, &(struct wire_statistics){200, columns, 2});
        break;
    case WIRE_INVITE:
        st = wire_invite_encode(body, &(struct wire_invite){b[0]});
        break;
    case WIRE_ACCEPT:
        st = wire_accept_encode(body, &(struct wire_accept){b[0]});
        break;
    case WIRE_TRAIN:
        st = wire_train_encode(body, &(struct wire_train){model, scaling, b[2]});
        break;
    case WIRE_EVALUATE:
        st = wire_evaluate_encode(body, &(struct wire_evaluate){model, scaling, b[2]});
        break;
    case WIRE_UPDATE: {
        struct fed_commitment commitment = {.round    = round->round,
                                            .weight   = 1u + b[3],
                                            .member   = MEMBER,
                                            .model_in = round->model,
                                            .update   = fed_blob_from_wire(&model)};
        struct wire_update    update     = {.update = model, .weight = 1u + b[3], .loss = b[2]};
        struct sec_signature  signature;
        memcpy(commitment.run, impostor->link.ends.run, sizeof commitment.run);
        fed_commitment_sign(&signature, &commitment, impostor->link.ends.secret);
        memcpy(update.signature, signature.bytes, sizeof update.signature);
        st = wire_update_encode(body, &update);
        break;
    }
    case WIRE_FINISH:
        st = wire_finish_encode(
            body, &(struct wire_finish){(enum wire_outcome)(1 + b[0] % 3), "fuzz", model});
        break;
    case WIRE_FAULT:
        st = wire_fault_encode(body, &(struct wire_fault){"fuzz"});
        break;
    case WIRE_PULL:
        st = wire_pull_encode(body, &(struct wire_pull){model, 0, 1});
        break;
    case WIRE_CHUNK: {
        uint8_t           data[12];
        struct wire_chunk chunk = {.blob = model, .index = b[3] & 1, .data = {data, sizeof data}};
        memset(data, b[2], sizeof data);
        st = wire_chunk_encode(body, &chunk);
        break;
    }
    case WIRE_COMMIT: {
        struct pn_buffer     room;
        struct engine_record record;
        struct wire_commit   commit;
        uint64_t             at = b[0] % (chain->height + 1);
        pn_buffer_init(&room, ENGINE_RECORD_MAX);
        if (engine_record_read(&record, &room, &impostor->cluster->parties[0].disk, at) == PN_OK) {
            memcpy(commit.signature, record.signature.bytes, sizeof commit.signature);
            commit.block = record.block;
            if (b[1] & 1)
                room.bytes[room.size - 1] ^= b[2];
            st = wire_commit_encode(body, &commit);
        }
        pn_buffer_fini(&room);
        break;
    }
    default: /* the bytes as they are */
        st = pn_buffer_append(body, in->bytes, in->size);
        break;
    }
    PN_ASSERT(st == PN_OK || st == PN_ERANGE);
}

static uint64_t
counted(const struct engine_counters *counters)
{
    return counters->accepted + counters->rejected + counters->discarded;
}

static void
speak(struct impostor *impostor, const uint8_t *head, const struct input *body)
{
    struct cluster         *cluster  = impostor->cluster;
    const struct fed_round *round    = coord_engine_round(cluster->coordinator);
    const struct fed_chain *chain    = coord_engine_chain(cluster->coordinator);
    enum wire_type          type     = (enum wire_type)(1 + head[0] % WIRE_CHUNK);
    const struct sec_hash   none     = {.bytes = {0}};
    const bool              from_hub = impostor->to != TEST_HUB;
    if (head[1] & 1)
        (void)impostor_greets(impostor, from_hub ? chain->height : 0,
                              from_hub ? &chain->head : &none);
    /* What its role may not send is tested in unit.link. */
    bool theirs = type == WIRE_HELLO || type == WIRE_PULL || type == WIRE_CHUNK ||
                  from_hub == (type == WIRE_OFFER || type == WIRE_SURVEY || type == WIRE_INVITE ||
                               type == WIRE_TRAIN || type == WIRE_EVALUATE || type == WIRE_COMMIT ||
                               type == WIRE_FINISH);
    if (!theirs || !impostor->link.sent_hello)
        return;
    pn_buffer_clear(&impostor->body);
    if (head[1] & 32)
        write_body(impostor, type, body);
    else
        PN_ASSERT(pn_buffer_append(&impostor->body, body->bytes, body->size) == PN_OK);
    uint64_t before = counted(impostor_counters(impostor));
    uint64_t sent   = impostor->link.sent_sequence;
    (void)impostor_says(impostor, type, head[1] & 2 ? round->round : head[2],
                        head[1] & 2 ? round->attempt : head[3]);
    PN_ASSERT(counted(impostor_counters(impostor)) ==
              before + (impostor->link.sent_sequence > sent ? 1 : 0));
}

/* Nobody has anything to do any more, which is right at an end only. */
static bool
is_idle(const struct cluster *cluster)
{
    bool idle = cluster->first == NULL && coord_engine_deadline(cluster->coordinator) == UINT64_MAX;
    for (uint32_t i = 1; i < cluster->count; i++)
        idle = idle && (cluster->parties[i].node == NULL ||
                        node_engine_deadline(cluster->parties[i].node) == UINT64_MAX);
    return idle;
}

static void
converse(struct impostor *impostor, const uint8_t *bytes, size_t size)
{
    struct cluster *cluster = impostor->cluster;
    for (int i = 0; i < FRAMES_MAX && size >= HEAD; i++) {
        const uint8_t *head  = bytes;
        size_t         wants = pn_get_u16(head + 4);
        bytes += HEAD;
        size -= HEAD;
        struct input body = {bytes, wants < size ? wants : size};
        speak(impostor, head, &body);
        bytes += body.size;
        size -= body.size;
        cluster->now += head[1] & 16 ? 5000 : 1;
        for (uint32_t steps = head[1] & 12; steps > 0 && !is_idle(cluster); steps--)
            cluster_step(cluster);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct cluster  cluster;
    struct impostor impostor;
    if (size < 1)
        return 0;
    bool to_node = bytes[0] & 1;
    cluster_new(&cluster, 2, job);
    cluster.quiet = true;
    cluster_start(&cluster);
    for (uint32_t steps = (bytes[0] >> 1) % 8 * 12; steps > 0 && !is_idle(&cluster); steps--)
        cluster_step(&cluster);
    if (to_node) {
        impostor_init(&impostor, &cluster, TEST_HUB, MEMBER, 1000);
    } else {
        cluster_stop_node(&cluster, MEMBER);
        cluster_party(&cluster, MEMBER)->deaf = true;
        impostor_init(&impostor, &cluster, MEMBER, TEST_HUB, 1000);
    }
    converse(&impostor, bytes + 1, size - 1);
    impostor_fini(&impostor);
    cluster_free(&cluster);
    return 0;
}
