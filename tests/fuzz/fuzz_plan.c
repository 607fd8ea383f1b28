/* A model text that anybody may have written. */
#include "nnlib/pass.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct nn_plan *plan = NULL, *again = NULL;
    struct pn_error why;
    why.text[0] = '\0';
    if (nn_plan_new(&plan, (const char *)bytes, size, &why) != PN_OK) {
        PN_ASSERT(strncmp(why.text, "model", 5) == 0);
        return 0;
    }
    /* The canonical text is a model with itself as canonical text, and the same parameters. */
    const char *text = nn_plan_text(plan);
    PN_ASSERT(nn_plan_new(&again, text, strlen(text), &why) == PN_OK);
    PN_ASSERT(strcmp(nn_plan_text(again), text) == 0);
    PN_ASSERT(nn_plan_param_count(again) == nn_plan_param_count(plan));
    /* A pass of it has a size, or does not fit. */
    size_t         room = 0;
    enum pn_status st   = nn_pass_bytes(&room, plan, 3, NN_TRAIN);
    PN_ASSERT(st == PN_OK ? room > 0 : st == PN_ERANGE || st == PN_ESTATE);
    (void)nn_plan_flops(plan);
    nn_plan_free(plan);
    nn_plan_free(again);
    return 0;
}
