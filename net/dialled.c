#include "net/dialled.h"

#include "net/monitor.h"

#include <errno.h>
#include <string.h>
#include <zmq.h>

int
net_dialled_open(struct net_dialled *dialled, void *context, const struct net_dial *dial,
                 const struct net_curve_keys *own)
{
    struct net_curve_keys keys = *own;
    keys.server                = &dial->key;
    dialled->member            = dial->member;
    dialled->backoff_ms        = NET_BACKOFF_MS;
    memcpy(dialled->endpoint, dial->endpoint, strlen(dial->endpoint) + 1);
    int error = net_curve_socket(&dialled->socket, context, &keys);
    if (error == 0)
        error = net_curve_allow_ipv6(dialled->socket, dialled->endpoint);
    if (error == 0)
        error = net_monitor_open(&dialled->monitor, context, dialled->socket);
    if (error == 0 && zmq_connect(dialled->socket, dialled->endpoint) != 0)
        error = errno;
    return error;
}

void
net_dialled_close(struct net_dialled *dialled)
{
    if (dialled->monitor != NULL)
        net_monitor_close(dialled->monitor, dialled->socket);
    if (dialled->socket != NULL)
        (void)zmq_close(dialled->socket);
}

static void
plan_redial(struct net_dialled *dialled, pn_ms now)
{
    dialled->refused++;
    dialled->must_redial = true;
    dialled->redial_at   = pn_ms_add(now, dialled->backoff_ms);
    dialled->backoff_ms *= 2;
    if (dialled->backoff_ms > NET_BACKOFF_MAX_MS)
        dialled->backoff_ms = NET_BACKOFF_MAX_MS;
}

static void
redial(struct net_dialled *dialled, pn_ms now)
{
    if (!dialled->must_redial || now < dialled->redial_at)
        return;
    dialled->must_redial = false;
    /* SAFE: fails when ZeroMQ has dropped the endpoint itself; then there is nothing to undo. */
    (void)zmq_disconnect(dialled->socket, dialled->endpoint);
    if (zmq_connect(dialled->socket, dialled->endpoint) != 0)
        plan_redial(dialled, now);
}

/* The events of the monitor, up to the one that ends a connection that stood. */
static bool
went_down(struct net_dialled *dialled, pn_ms now)
{
    enum net_monitor_event event;
    while ((event = net_monitor_next(dialled->monitor)) != NET_MONITOR_NONE) {
        bool was_up = dialled->is_up;
        if (event == NET_MONITOR_REFUSED)
            plan_redial(dialled, now);
        dialled->is_rising = event == NET_MONITOR_UP;
        dialled->is_up     = false;
        if (was_up)
            return true;
    }
    return false;
}

static bool
came_up(struct net_dialled *dialled)
{
    int    events = 0;
    size_t size   = sizeof events;
    if (!dialled->is_rising || zmq_getsockopt(dialled->socket, ZMQ_EVENTS, &events, &size) != 0 ||
        (events & ZMQ_POLLOUT) == 0)
        return false;
    dialled->is_rising   = false;
    dialled->is_up       = true;
    dialled->must_redial = false;
    dialled->backoff_ms  = NET_BACKOFF_MS;
    return true;
}

bool
net_dialled_turn(struct net_event *out, struct net_dialled *dialled, bool has_news, pn_ms now)
{
    redial(dialled, now);
    if (has_news && went_down(dialled, now))
        out->kind = NET_DOWN;
    else if (came_up(dialled))
        out->kind = NET_UP;
    else
        return false;
    out->member = dialled->member;
    return true;
}
