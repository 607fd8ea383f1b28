#include "net/config.h"

#include "net/curve.h"

#include <string.h>

static enum pn_status
check_address(const char *address, struct pn_error *why)
{
    if (strncmp(address, "tcp://", 6) == 0 && strlen(address) < NET_ENDPOINT_SIZE)
        return PN_OK;
    return pn_error_set(why, PN_ECONFIG,
                        "an address looks like tcp://127.0.0.1:7400, not like \"%.200s\"", address);
}

static enum pn_status
same_key(uint32_t a, uint32_t b, struct pn_error *why)
{
    return pn_error_set(why, PN_ECONFIG, "members %u and %u have the same transport key",
                        (unsigned)a, (unsigned)b);
}

static enum pn_status
check_listen(const struct net_loop_config *config, struct pn_error *why)
{
    const struct net_peer *admit = config->admit;
    for (size_t i = 0; i < config->admit_count; i++)
        for (size_t j = 0; j < i; j++)
            if (sec_equal(admit[i].key.bytes, admit[j].key.bytes, 32))
                return same_key(admit[j].member, admit[i].member, why);
    return check_address(config->listen, why);
}

static enum pn_status
check_dial(const struct net_loop_config *config, size_t i, struct pn_error *why)
{
    const struct net_dial *dials = config->dials, *dial = &dials[i];
    if (sec_equal(dial->key.bytes, config->public_key->bytes, 32))
        return pn_error_set(why, PN_ECONFIG, "member %u, to be dialled, has our own transport key",
                            (unsigned)dial->member);
    for (size_t j = 0; j < i; j++) {
        if (dials[j].member == dial->member)
            return pn_error_set(why, PN_ECONFIG, "member %u is to be dialled twice",
                                (unsigned)dial->member);
        if (sec_equal(dials[j].key.bytes, dial->key.bytes, 32))
            return same_key(dials[j].member, dial->member, why);
    }
    return check_address(dial->endpoint, why);
}

enum pn_status
net_config_check(const struct net_loop_config *config, struct pn_error *why)
{
    if (config->listen == NULL && config->dial_count == 0)
        return pn_error_set(why, PN_ECONFIG,
                            "give an address to listen on or parties to dial, not neither");
    if (config->dial_count > NET_DIALS_MAX)
        return pn_error_set(why, PN_ECONFIG, "at most %d parties can be dialled, not %zu",
                            NET_DIALS_MAX, config->dial_count);
    enum pn_status status = config->listen != NULL ? check_listen(config, why) : PN_OK;
    for (size_t i = 0; status == PN_OK && i < config->dial_count; i++)
        status = check_dial(config, i, why);
    return status;
}
