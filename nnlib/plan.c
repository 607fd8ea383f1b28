#include "nnlib/plan.h"

#include "nnlib/spec.h"

#include <stdlib.h>
#include <string.h>

/* What the plan is made from; gone when it is made. */
struct draft {
    struct nn_spec     spec;
    struct nn_tensor   tensors[NN_LAYERS_MAX * NN_TENSORS_MAX];
    struct nn_init     inits[NN_LAYERS_MAX * NN_TENSORS_MAX];
    struct nn_manifest manifest;
    struct pn_buffer   text;
};

void
nn_manifest_add(struct nn_manifest *manifest, const struct nn_layer *layer, const char *suffix,
                const struct nn_tensor *row, struct nn_init init)
{
    PN_ASSERT(manifest->count < manifest->capacity);
    PN_ASSERT(strlen(layer->name) + 1 + strlen(suffix) < sizeof row->name);
    struct nn_tensor *tensor = &manifest->tensors[manifest->count];
    *tensor                  = *row;
    memset(tensor->name, 0, sizeof tensor->name);
    size_t len = strlen(layer->name);
    memcpy(tensor->name, layer->name, len);
    tensor->name[len] = '.';
    memcpy(tensor->name + len + 1, suffix, strlen(suffix));
    tensor->layer  = layer->number;
    tensor->offset = manifest->params;
    tensor->count  = 1;
    /* SAFE: a dimension is at most NN_SIZE_MAX = 2^24; the plan stops at 2^31 parameters, and two
     * dimensions of 2^24 give 2^48. Kinds with more dimensions bound their product themselves. */
    for (uint32_t d = 0; d < tensor->dims; d++)
        tensor->count *= tensor->dim[d];
    manifest->params += tensor->count;
    manifest->inits[manifest->count++] = init;
}

static enum pn_status
wrap(struct pn_error *why, enum pn_status st, uint32_t line, uint32_t column)
{
    return pn_error_wrap(why, st, "model:%u:%u", line, column);
}

/* Shapes and manifest rows of one layer; its inputs have theirs. */
static enum pn_status
compile_layer(struct draft *draft, struct nn_layer *layer, struct pn_error *why)
{
    const struct nn_layer *inputs[NN_INPUTS_MAX] = {0};
    enum pn_status         st                    = PN_OK;
    for (uint32_t i = 0; i < layer->input_count; i++) {
        inputs[i]     = &draft->spec.layers[layer->inputs[i]];
        layer->learns = layer->learns || inputs[i]->learns;
    }
    if (layer->kind->shape == NULL)
        layer->shape = inputs[0]->shape;
    else if ((st = layer->kind->shape(layer, inputs, why)) != PN_OK)
        return wrap(why, st, layer->line, layer->column);
    layer->size = 1;
    for (uint32_t d = 0; d < layer->shape.dims; d++)
        layer->size *= layer->shape.dim[d];

    layer->first_tensor = draft->manifest.count;
    if (layer->kind->manifest != NULL)
        layer->kind->manifest(&draft->manifest, layer, inputs);
    layer->tensor_count = draft->manifest.count - layer->first_tensor;
    PN_ASSERT(layer->tensor_count <= NN_TENSORS_MAX);
    for (uint32_t t = layer->first_tensor; t < draft->manifest.count; t++)
        layer->learns = layer->learns || draft->tensors[t].role == NN_SHARED ||
                        draft->tensors[t].role == NN_LOCAL;
    if (draft->manifest.params > NN_PARAMS_MAX)
        return wrap(why,
                    pn_error_set(why, PN_ECONFIG,
                                 "expected at most %u parameters, with %s there are %llu; make it "
                                 "or the layers above smaller",
                                 NN_PARAMS_MAX, layer->name,
                                 (unsigned long long)draft->manifest.params),
                    layer->line, layer->column);
    return PN_OK;
}

/* Every layer must lead to the loss; then the output is the last one. */
static enum pn_status
check_used(const struct nn_spec *spec, struct pn_error *why)
{
    bool used[NN_LAYERS_MAX] = {false};
    used[spec->output]       = true;
    for (uint32_t i = spec->layer_count; i-- > 0;) {
        const struct nn_layer *layer = &spec->layers[i];
        if (!used[i])
            return wrap(why,
                        pn_error_set(why, PN_ECONFIG,
                                     "nothing that the loss reads uses '%s'; use it as an input "
                                     "further down, or remove the line",
                                     layer->name),
                        layer->line, layer->column);
        for (uint32_t k = 0; k < layer->input_count; k++)
            used[layer->inputs[k]] = true;
    }
    return PN_OK;
}

static enum pn_status
print_line(struct pn_buffer *out, const struct nn_spec *spec, const struct nn_layer *layer)
{
    enum pn_status st = pn_buffer_printf(out, "%s = %s", layer->name, layer->kind->name);
    for (uint32_t k = 0; st == PN_OK && k < layer->input_count; k++)
        st = pn_buffer_printf(out, " %s", spec->layers[layer->inputs[k]].name);
    if (st == PN_OK && layer->kind->sized)
        st = pn_buffer_printf(out, " %u", layer->units);
    if (st == PN_OK)
        st = nn_options_print(out, layer->options, layer->kind->options);
    return st == PN_OK ? pn_buffer_append(out, "\n", 1) : st;
}

/* The canonical text: one blank between words, no comments, only options that are not the default.
 */
static enum pn_status
print(struct pn_buffer *out, const struct nn_spec *spec)
{
    enum pn_status st = PN_OK;
    for (uint32_t i = 0; st == PN_OK && i < spec->layer_count; i++)
        st = print_line(out, spec, &spec->layers[i]);
    if (st == PN_OK)
        st = pn_buffer_printf(out, "%s = %s %s", spec->loss_name, spec->loss->name,
                              spec->layers[spec->output].name);
    if (st == PN_OK)
        st = nn_options_print(out, spec->loss_options, spec->loss->options);
    return st == PN_OK ? pn_buffer_append(out, "\n", 2) : st; /* with the final zero */
}

static enum pn_status
compile(struct draft *draft, struct pn_error *why)
{
    struct nn_spec *spec = &draft->spec;
    enum pn_status  st;
    draft->manifest = (struct nn_manifest){.tensors  = draft->tensors,
                                           .inits    = draft->inits,
                                           .capacity = NN_LAYERS_MAX * NN_TENSORS_MAX};
    for (uint32_t i = 0; i < spec->layer_count; i++)
        if ((st = compile_layer(draft, &spec->layers[i], why)) != PN_OK)
            return st;
    const struct nn_layer *output = &spec->layers[spec->output];
    if ((st = spec->loss->check(spec->loss_options, output->size, output->name, why)) != PN_OK)
        return wrap(why, st, spec->loss_line, spec->loss_column);
    if ((st = check_used(spec, why)) != PN_OK)
        return st;
    if (draft->manifest.params == 0)
        return wrap(why,
                    pn_error_set(why, PN_ECONFIG,
                                 "nothing to learn: expected at least one layer with parameters, "
                                 "such as `out = dense %s 1`",
                                 spec->layers[0].name),
                    spec->loss_line, spec->loss_column);
    return print(&draft->text, spec);
}

static void *
take(unsigned char **at, const void *from, size_t size)
{
    void *here = *at;
    memcpy(here, from, size);
    *at += (size + 15) & ~(size_t)15;
    return here;
}

/* One block: the plan, then its arrays. */
static struct nn_plan *
pack(const struct draft *draft)
{
    const struct nn_spec *spec    = &draft->spec;
    size_t                layers  = spec->layer_count * sizeof spec->layers[0];
    size_t                tensors = draft->manifest.count * sizeof draft->tensors[0];
    size_t                inits   = draft->manifest.count * sizeof draft->inits[0];
    unsigned char        *block =
        calloc(1, sizeof(struct nn_plan) + layers + tensors + inits + draft->text.size + 5 * 16);
    if (block == NULL)
        return NULL;
    struct nn_plan plan = {.layer_count  = spec->layer_count,
                           .tensor_count = draft->manifest.count,
                           .params       = draft->manifest.params,
                           .loss         = spec->loss,
                           .output       = spec->output};
    memcpy(plan.loss_name, spec->loss_name, sizeof plan.loss_name);
    memcpy(plan.loss_options, spec->loss_options, sizeof plan.loss_options);
    for (uint32_t t = 0; t < plan.tensor_count; t++)
        plan.holds = plan.holds || draft->tensors[t].role == NN_FROZEN ||
                     draft->tensors[t].role == NN_BUFFER;
    unsigned char  *at  = block;
    struct nn_plan *out = take(&at, &plan, sizeof plan);
    out->layers         = take(&at, spec->layers, layers);
    out->tensors        = take(&at, draft->tensors, tensors);
    out->inits          = take(&at, draft->inits, inits);
    out->text           = take(&at, draft->text.bytes, draft->text.size);
    return out;
}

enum pn_status
nn_plan_new(struct nn_plan **out, const char *text, size_t size, struct pn_error *why)
{
    struct draft *draft = malloc(sizeof *draft);
    if (draft == NULL)
        return pn_error_set(why, PN_ENOMEM, "model: out of memory");
    pn_buffer_init(&draft->text, (size_t)4 * NN_TEXT_MAX);
    enum pn_status st = nn_spec_parse(&draft->spec, text, size, why);
    if (st == PN_OK)
        st = compile(draft, why);
    if (st == PN_OK) {
        struct nn_plan *plan = pack(draft);
        if (plan != NULL)
            *out = plan;
        else
            st = pn_error_set(why, PN_ENOMEM, "model: out of memory");
    }
    pn_buffer_fini(&draft->text);
    free(draft);
    return st;
}

void
nn_plan_free(struct nn_plan *plan)
{
    free(plan);
}

const struct nn_tensor *
nn_plan_manifest(const struct nn_plan *plan, size_t *count)
{
    *count = plan->tensor_count;
    return plan->tensors;
}

uint64_t
nn_plan_param_count(const struct nn_plan *plan)
{
    return plan->params;
}

uint32_t
nn_plan_input_size(const struct nn_plan *plan)
{
    return plan->layers[0].size;
}

uint32_t
nn_plan_output_size(const struct nn_plan *plan)
{
    return plan->layers[plan->output].size;
}

uint32_t
nn_plan_target_size(const struct nn_plan *plan)
{
    return plan->loss->target_size(nn_plan_output_size(plan));
}

uint32_t
nn_plan_class_count(const struct nn_plan *plan)
{
    return plan->loss->class_count(nn_plan_output_size(plan));
}

const char *
nn_plan_loss(const struct nn_plan *plan)
{
    return plan->loss->name;
}

const char *
nn_plan_text(const struct nn_plan *plan)
{
    return plan->text;
}
