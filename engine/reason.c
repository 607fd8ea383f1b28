#include "engine/reason.h"

#include <stdio.h>
#include <string.h>

static bool
is_of_the_machine(enum pn_status status)
{
    return status == PN_ENOSPC || status == PN_EIO || status == PN_ENOMEM ||
           status == PN_ECORRUPT || status == PN_ENOENT;
}

void
engine_reason(char *out, size_t size, const char *text, enum pn_status status)
{
    if (is_of_the_machine(status) && strstr(text, pn_status_text(status)) == NULL)
        snprintf(out, size, "%s: %s", text, pn_status_text(status));
    else
        snprintf(out, size, "%s", text);
}
