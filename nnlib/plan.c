#include "nnlib/plan.h"

#include "nnlib/loss.h"
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

/* Of at most four dimensions; a product beyond NN_PARAMS_MAX stays beyond it. */
static uint64_t
count_of(const struct nn_tensor *tensor)
{
    uint64_t count = 1;
    for (uint32_t d = 0; d < tensor->dims; d++)
        count = count > NN_PARAMS_MAX ? count : count * tensor->dim[d];
    return count;
}

void
nn_manifest_add(struct nn_manifest *manifest, struct nn_layer *layer, const char *suffix,
                const struct nn_tensor *row, struct nn_init init)
{
    PN_ASSERT(manifest->count < manifest->capacity && layer->tensor_count < NN_TENSORS_MAX);
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
    tensor->count  = count_of(tensor);
    manifest->params += tensor->count;
    manifest->inits[manifest->count]      = init;
    layer->tensors[layer->tensor_count++] = manifest->count++;
}

void
nn_manifest_tie(struct nn_manifest *manifest, struct nn_layer *layer, uint32_t tensor)
{
    PN_ASSERT(tensor < manifest->count && layer->tensor_count < NN_TENSORS_MAX);
    layer->tensors[layer->tensor_count++] = tensor;
    manifest->ties                        = true;
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
    uint64_t size = 1;
    for (uint32_t d = 0; d < layer->shape.dims; d++)
        size = size > NN_SIZE_MAX ? size : size * layer->shape.dim[d];
    if (size > NN_SIZE_MAX)
        return wrap(why,
                    pn_error_set(why, PN_ECONFIG,
                                 "expected a value of at most %u numbers, %s has more; make it or "
                                 "the layers above smaller",
                                 NN_SIZE_MAX, layer->name),
                    layer->line, layer->column);
    layer->size = (uint32_t)size;
    if (layer->kind->manifest != NULL)
        layer->kind->manifest(&draft->manifest, layer, inputs);
    for (uint32_t t = 0; t < layer->tensor_count; t++) {
        enum nn_role role = draft->tensors[layer->tensors[t]].role;
        layer->learns     = layer->learns || role == NN_SHARED || role == NN_LOCAL;
    }
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

/* What the loss reads: a (positions, size) value is that many rows, any other is one. */
static enum pn_status
compile_loss(struct draft *draft, struct nn_loss *loss, struct pn_error *why)
{
    const struct nn_layer *layer = &draft->spec.layers[loss->layer];
    loss->positions              = layer->shape.dims == 2 ? layer->shape.dim[0] : 1;
    loss->size                   = layer->size / loss->positions;
    enum pn_status st            = loss->kind->check(loss->options, loss->size, layer->name, why);
    if (st != PN_OK)
        return wrap(why, st, loss->line, loss->column);
    loss->target = loss->positions * loss->kind->target_size(loss->size);
    return PN_OK;
}

/* Every layer must lead to a loss. */
static enum pn_status
check_used(const struct nn_spec *spec, struct pn_error *why)
{
    bool used[NN_LAYERS_MAX] = {false};
    for (uint32_t i = 0; i < spec->loss_count; i++)
        used[spec->losses[i].layer] = true;
    for (uint32_t i = spec->layer_count; i-- > 0;) {
        const struct nn_layer *layer = &spec->layers[i];
        if (!used[i])
            return wrap(why,
                        pn_error_set(why, PN_ECONFIG,
                                     "nothing that a loss reads uses '%s'; use it as an input "
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
    for (uint32_t d = 0; st == PN_OK && d < layer->given.dims; d++)
        st = pn_buffer_printf(out, "%c%u", d == 0 ? ' ' : 'x', layer->given.dim[d]);
    if (st == PN_OK)
        st = nn_options_print(out, layer->options, layer->kind->options);
    return st == PN_OK ? pn_buffer_append(out, "\n", 1) : st;
}

static enum pn_status
print_loss(struct pn_buffer *out, const struct nn_spec *spec, const struct nn_loss *loss)
{
    enum pn_status st = pn_buffer_printf(out, "%s = %s %s", loss->name, loss->kind->name,
                                         spec->layers[loss->layer].name);
    if (st == PN_OK)
        st = nn_options_print(out, loss->options, loss->kind->options);
    if (st == PN_OK)
        st = nn_options_print(out, (const unsigned char *)loss, nn_spec_loss_options);
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
    for (uint32_t i = 0; st == PN_OK && i < spec->loss_count; i++)
        st = print_loss(out, spec, &spec->losses[i]);
    return st == PN_OK ? pn_buffer_append(out, "", 1) : st; /* the final zero */
}

static enum pn_status
compile(struct draft *draft, struct pn_error *why)
{
    struct nn_spec *spec   = &draft->spec;
    uint64_t        inputs = 0;
    enum pn_status  st;
    draft->manifest = (struct nn_manifest){.tensors  = draft->tensors,
                                           .inits    = draft->inits,
                                           .capacity = NN_LAYERS_MAX * NN_TENSORS_MAX};
    for (uint32_t i = 0; i < spec->layer_count; i++)
        if ((st = compile_layer(draft, &spec->layers[i], why)) != PN_OK)
            return st;
    for (uint32_t i = 0; i < spec->layer_count && spec->layers[i].kind == &nn_input_kind; i++) {
        inputs += spec->layers[i].size;
        if (inputs > NN_SIZE_MAX)
            return wrap(why,
                        pn_error_set(why, PN_ECONFIG,
                                     "expected inputs of at most %u numbers in all", NN_SIZE_MAX),
                        spec->layers[i].line, spec->layers[i].column);
    }
    for (uint32_t i = 0; i < spec->loss_count; i++)
        if ((st = compile_loss(draft, &spec->losses[i], why)) != PN_OK)
            return st;
    if ((st = check_used(spec, why)) != PN_OK)
        return st;
    if (draft->manifest.params == 0)
        return wrap(why,
                    pn_error_set(why, PN_ECONFIG,
                                 "nothing to learn: expected at least one layer with parameters, "
                                 "such as `out = dense %s 1`",
                                 spec->layers[0].name),
                    spec->losses[0].line, spec->losses[0].column);
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
                           .loss_count   = spec->loss_count,
                           .ties         = draft->manifest.ties};
    memcpy(plan.losses, spec->losses, sizeof plan.losses);
    for (uint32_t i = 0; i < plan.loss_count; i++)
        plan.target_size += plan.losses[i].target;
    for (uint32_t i = 0; i < plan.layer_count && spec->layers[i].kind == &nn_input_kind; i++) {
        plan.input_count++;
        plan.input_size += spec->layers[i].size;
    }
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
    return plan->input_size;
}

void
nn_plan_input_shape(const struct nn_plan *plan, uint32_t *dims, uint32_t dim[static 3])
{
    const struct nn_shape *shape = &plan->layers[0].shape;
    *dims                        = plan->input_count == 1 ? shape->dims : 1;
    dim[0]                       = plan->input_size;
    for (uint32_t d = 0; plan->input_count == 1 && d < shape->dims; d++)
        dim[d] = shape->dim[d];
}

uint32_t
nn_plan_output_size(const struct nn_plan *plan)
{
    return plan->layers[plan->losses[0].layer].size;
}

uint32_t
nn_plan_target_size(const struct nn_plan *plan)
{
    return plan->target_size;
}

uint32_t
nn_plan_class_count(const struct nn_plan *plan)
{
    return plan->losses[0].kind->class_count(plan->losses[0].size);
}

uint32_t
nn_plan_positions(const struct nn_plan *plan)
{
    return plan->losses[0].positions;
}

enum pn_status
nn_plan_may_train(const struct nn_plan *plan, struct pn_error *why)
{
    for (uint32_t i = 0; i < plan->layer_count; i++)
        if (plan->layers[i].kind->infers_only)
            return wrap(why,
                        pn_error_set(why, PN_ECONFIG,
                                     "%s is a %s, which has no derivative: the model can be "
                                     "evaluated, not trained; use sigmoid or tanh to train",
                                     plan->layers[i].name, plan->layers[i].kind->name),
                        plan->layers[i].line, plan->layers[i].column);
    return PN_OK;
}

bool
nn_plan_mixes_rows(const struct nn_plan *plan)
{
    for (uint32_t i = 0; i < plan->layer_count; i++)
        if (plan->layers[i].kind->mixes_rows)
            return true;
    return false;
}

static bool
adds_up(const struct nn_loss *loss)
{
    struct nn_loss_common common;
    memcpy(&common, loss->options, sizeof common);
    for (const struct nn_option *o = loss->kind->options; o->name != NULL; o++) {
        struct nn_list list;
        if (o->kind != NN_OPTION_LIST)
            continue;
        memcpy(&list, loss->options + o->offset, sizeof list);
        if (list.count > 0) /* class weights */
            return false;
    }
    return common.reduce == NN_REDUCE_MEAN && common.skips_missing == 0;
}

bool
nn_plan_adds_up(const struct nn_plan *plan)
{
    for (uint32_t i = 0; i < plan->loss_count; i++)
        if (!adds_up(&plan->losses[i]))
            return false;
    return true;
}

uint64_t
nn_plan_flops(const struct nn_plan *plan)
{
    uint64_t sum = 0;
    for (uint32_t i = plan->input_count; i < plan->layer_count; i++) {
        const struct nn_layer *layer = &plan->layers[i], *inputs[NN_INPUTS_MAX] = {0};
        for (uint32_t k = 0; k < layer->input_count; k++)
            inputs[k] = &plan->layers[layer->inputs[k]];
        sum += layer->kind->flops != NULL ? layer->kind->flops(layer, inputs) : layer->size;
    }
    return sum;
}

const char *
nn_plan_loss(const struct nn_plan *plan)
{
    return plan->losses[0].kind->name;
}

const char *
nn_plan_text(const struct nn_plan *plan)
{
    return plan->text;
}
