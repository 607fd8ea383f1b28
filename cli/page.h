/*
 * cli/page -- a self-contained HTML page: inline style and SVG, no script, nothing loaded from
 * elsewhere.
 */
#ifndef CLI_PAGE_H
#define CLI_PAGE_H

#include "base/bytes.h"

struct cli_page { /* errors stick */
    struct pn_buffer *out;
    enum pn_status    st;
};

#define CLI_PUT(page, ...)                                                                         \
    do {                                                                                           \
        if ((page)->st == PN_OK)                                                                   \
            (page)->st = pn_buffer_printf((page)->out, __VA_ARGS__);                               \
    } while (0)

void cli_page_begin(struct cli_page *page, struct pn_buffer *out, const char *title);
/* Text from anywhere, escaped. */
void cli_page_text(struct cli_page *page, const char *text);

struct cli_curve {
    const char   *name;   /* for the legend; "" : none */
    const double *values; /* NAN: no value there       */
};
enum {
    CLI_CURVES_MAX = 3
};
/* Curves over 1..count in one frame; nothing when they have no finite value. */
void cli_page_curves(struct cli_page *page, const char *caption, const struct cli_curve *curves,
                     size_t curve_count, size_t count);

PN_MUST_CHECK enum pn_status cli_page_end(struct cli_page *page);

#endif
