/*
 * engine/settings -- a program's options from its configuration file, its environment, its command
 * line.
 *
 * The file is a YAML map whose keys are the names of the options table, plus sections that the
 * program reads itself ("data", "policy"). Values of the options named in `paths` start at the
 * file's folder.
 */
#ifndef ENGINE_SETTINGS_H
#define ENGINE_SETTINGS_H

#include "base/options.h"
#include "text/yaml.h"

struct engine_settings_shape {
    const struct pn_option *table;
    const char *const      *paths; /* names of options that are paths, in the file relative to it */
    size_t                  path_count;
    const char *const      *sections; /* keys of the file that are not options */
    size_t                  section_count;
};

/* The folder of a path, "." when it names none. */
PN_MUST_CHECK enum pn_status engine_folder_of(char *out, size_t size, const char *path,
                                              struct pn_error *why);

/* The command line alone: what fails here is a mistake in how the program was called (exit code 2),
 * not in a file. `scratch` is a settings struct, empty afterwards. */
PN_MUST_CHECK enum pn_status engine_settings_check_words(void                   *scratch,
                                                         const struct pn_option *table, int argc,
                                                         char *const *argv, struct pn_error *why);

/*
 * Defaults, then the file that --config names, then PANAL_..., then the command line.
 * `*yaml` (out) is the file's tree for the sections, NULL when there is no file; `*path` its name.
 * Words that are not options are refused.
 */
PN_MUST_CHECK enum pn_status engine_settings_load(void *into, struct text_yaml **yaml,
                                                  const char                        **path,
                                                  const struct engine_settings_shape *shape,
                                                  int argc, char *const *argv,
                                                  struct pn_error *why);

#endif
