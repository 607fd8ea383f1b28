/* The kinds' names and options, as text. The steps are in optimiser_step.c. */
#include "nnlib/optimiser.h"

#include "base/options.h"

#include <string.h>

const struct nn_optimiser_kind *const nn_optimiser_kinds[] = {&nn_sgd_kind,
                                                              &nn_adam_kind,
                                                              &nn_adamw_kind,
                                                              &nn_adamax_kind,
                                                              &nn_nadam_kind,
                                                              &nn_adagrad_kind,
                                                              &nn_rmsprop_kind,
                                                              &nn_adadelta_kind,
                                                              &nn_rprop_kind,
                                                              &nn_yogi_kind,
                                                              NULL};

#define AT(member) offsetof(struct nn_optimiser_config, member)

static const char *const l1_forms[] = {"proximal", "subgradient", NULL};

const struct nn_option nn_optimiser_common[] = {
    {"clip_value", "0", NN_OPTION_NUMBER, AT(clip_value), 0, 1e30, NULL},
    {"clip_norm", "0", NN_OPTION_NUMBER, AT(clip_norm), 0, 1e30, NULL},
    {"decay", "0", NN_OPTION_NUMBER, AT(decay), 0, 1000, NULL},
    {"l2", "0", NN_OPTION_NUMBER, AT(l2), 0, 1000, NULL},
    {"l1", "0", NN_OPTION_NUMBER, AT(l1), 0, 1000, NULL},
    {"l1_form", "proximal", NN_OPTION_WORD, AT(l1_form), 0, 0, l1_forms},
    {"max_norm", "0", NN_OPTION_NUMBER, AT(max_norm), 0, 1e30, NULL},
    {0}};

const struct nn_optimiser_kind *
nn_optimiser_find(const char *name)
{
    for (size_t i = 0; nn_optimiser_kinds[i] != NULL; i++)
        if (strcmp(nn_optimiser_kinds[i]->name, name) == 0)
            return nn_optimiser_kinds[i];
    return NULL;
}

void
nn_optimiser_init(struct nn_optimiser_config *config, const struct nn_optimiser_kind *kind)
{
    memset(config, 0, sizeof *config);
    config->kind = kind;
    nn_options_default((unsigned char *)config, nn_optimiser_common);
    nn_options_default((unsigned char *)config, kind->options);
}

bool
nn_optimiser_is_plain(const struct nn_optimiser_config *config)
{
    return config->kind == &nn_sgd_kind && config->momentum == 0 && config->clip_value == 0 &&
           config->clip_norm == 0 && config->decay == 0 && config->l1 == 0 && config->max_norm == 0;
}

static const struct nn_option *
find_option(const struct nn_optimiser_kind *kind, const char *name)
{
    const struct nn_option *option = nn_option_find(kind->options, name, strlen(name));
    return option != NULL ? option : nn_option_find(nn_optimiser_common, name, strlen(name));
}

/* "momentum: adam has no such option; sgd has it", or with the nearest name. */
static enum pn_status
no_such_option(const struct nn_optimiser_kind *kind, const char *name, struct pn_error *why)
{
    const char *names[32];
    size_t      count = 0;
    for (size_t i = 0; nn_optimiser_kinds[i] != NULL; i++)
        if (find_option(nn_optimiser_kinds[i], name) != NULL)
            return pn_error_set(why, PN_ECONFIG, "%s: belongs to optimiser %s, not %s", name,
                                nn_optimiser_kinds[i]->name, kind->name);
    for (const struct nn_option *o = nn_optimiser_common; o->name != NULL; o++)
        names[count++] = o->name;
    for (const struct nn_option *o = kind->options; o->name != NULL && count < 32; o++)
        names[count++] = o->name;
    const char *near = pn_nearest(name, names, count);
    return pn_error_set(why, PN_ECONFIG, "optimiser %s has no option '%s'%s%s%s", kind->name, name,
                        near != NULL ? "; did you mean '" : "", near != NULL ? near : "",
                        near != NULL ? "'?" : "");
}

enum pn_status
nn_optimiser_set(struct nn_optimiser_config *config, const char *name, const char *value,
                 struct pn_error *why)
{
    const struct nn_option *option = find_option(config->kind, name);
    if (option == NULL)
        return no_such_option(config->kind, name, why);
    if (!nn_option_set((unsigned char *)config, option, value, strlen(value)))
        return nn_option_refuse(why, option, value, strlen(value));
    return PN_OK;
}

enum pn_status
nn_optimiser_check(const struct nn_optimiser_config *config, struct pn_error *why)
{
    if (config->nesterov != 0 && (config->momentum == 0 || config->dampening != 0))
        return pn_error_set(why, PN_ECONFIG,
                            "nesterov: expected a momentum above 0 and dampening 0 with it; seen "
                            "momentum %g, dampening %g",
                            config->momentum, config->dampening);
    if (config->l1_form != NN_L1_PROXIMAL && config->l1 == 0)
        return pn_error_set(why, PN_ECONFIG, "l1_form: expected l1 above 0 with it");
    if (config->longest < config->shortest)
        return pn_error_set(why, PN_ECONFIG, "longest: expected at least shortest, %g; seen %g",
                            config->shortest, config->longest);
    return PN_OK;
}

/* The next word, cut out of the text into `word`; false at the end or when it does not fit. */
static bool
next_word(char word[static 80], const char **text)
{
    *text += strspn(*text, " ");
    size_t len = strcspn(*text, " ");
    if (len == 0 || len >= 80)
        return false;
    memcpy(word, *text, len);
    word[len] = '\0';
    *text += len;
    return true;
}

static enum pn_status
unknown_kind(const char *name, struct pn_error *why)
{
    struct pn_error list = {.text = ""};
    for (size_t i = 0; nn_optimiser_kinds[i] != NULL; i++)
        (void)pn_error_set(&list, PN_OK, "%s%s%s", list.text, i == 0 ? "" : ", ",
                           nn_optimiser_kinds[i]->name);
    return pn_error_set(why, PN_ECONFIG, "optimiser: expected one of %s; seen '%.40s'", list.text,
                        name);
}

enum pn_status
nn_optimiser_parse(struct nn_optimiser_config *config, const char *text, struct pn_error *why)
{
    char           word[80] = "";
    enum pn_status st       = PN_OK;
    bool           named    = next_word(word, &text);
    if (!named || nn_optimiser_find(word) == NULL)
        return unknown_kind(named ? word : text, why);
    struct nn_optimiser_config read;
    nn_optimiser_init(&read, nn_optimiser_find(word));
    while (st == PN_OK && next_word(word, &text)) {
        char *equal = strchr(word, '=');
        if (equal == NULL)
            return pn_error_set(why, PN_ECONFIG, "optimiser: expected `key=value`, seen '%s'",
                                word);
        *equal = '\0';
        st     = nn_optimiser_set(&read, word, equal + 1, why);
    }
    if (st == PN_OK && *text != '\0')
        return pn_error_set(why, PN_ECONFIG, "optimiser: expected `key=value`, seen '%.40s'", text);
    if (st == PN_OK)
        st = nn_optimiser_check(&read, why);
    if (st == PN_OK)
        *config = read;
    return st;
}

enum pn_status
nn_optimiser_print(struct pn_buffer *out, const struct nn_optimiser_config *config)
{
    const unsigned char *options = (const unsigned char *)config;
    enum pn_status       st      = pn_buffer_printf(out, "%s", config->kind->name);
    if (st == PN_OK)
        st = nn_options_print(out, options, config->kind->options);
    for (const struct nn_option *o = nn_optimiser_common; st == PN_OK && o->name != NULL; o++) {
        const struct nn_option alone[2] = {*o, {0}};
        if (nn_option_find(config->kind->options, o->name, strlen(o->name)) == NULL)
            st = nn_options_print(out, options, alone);
    }
    return st;
}
