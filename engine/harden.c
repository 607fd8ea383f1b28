#include "engine/harden.h"

#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum pn_status
engine_harden(void)
{
    if (getenv("PANAL_DUMPABLE") != NULL)
        return PN_OK;
    if (setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0}) != 0 || prctl(PR_SET_DUMPABLE, 0) != 0)
        return PN_ESTATE;
    return PN_OK;
}
