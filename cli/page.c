#include "cli/page.h"

#include <math.h>
#include <string.h>

enum {
    WIDTH  = 420,
    HEIGHT = 150,
    LEFT   = 56,
    TOP    = 12
};

void
cli_page_begin(struct cli_page *page, struct pn_buffer *out, const char *title)
{
    static const char style[] =
        "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;"
        "color:#222;background:#fff}table{border-collapse:collapse;margin:1rem 0}"
        "th,td{padding:.25rem .6rem;border-bottom:1px solid #ddd;text-align:right}"
        "th:first-child{text-align:left;white-space:nowrap}.facts th,.facts td{text-align:left}"
        ".rows td,.rows th{text-align:left;vertical-align:top;white-space:nowrap}"
        ".rows .text{white-space:normal}.rows span{white-space:nowrap}"
        "code{font-size:.85em;word-break:break-all}.gain{color:#0a6b2d}.loss{color:#a11}"
        ".note{background:#fff4d6;padding:.5rem .8rem;border-left:4px solid #e0a800}"
        "figure{display:inline-block;width:30rem;max-width:100%;margin:.5rem 0}"
        ".frame{fill:none;stroke:#bbb}polyline{fill:none;stroke:#b8860b;stroke-width:2}"
        ".c1{stroke:#2a6f97}.c2{stroke:#7a4}svg text{font-size:11px;fill:#555}.y{text-anchor:end}";
    *page = (struct cli_page){.out = out, .st = PN_OK};
    CLI_PUT(page, "<!doctype html><html lang='en'><meta charset='utf-8'><meta name='viewport' "
                  "content='width=device-width'><meta http-equiv='Content-Security-Policy' "
                  "content=\"default-src 'none'; style-src 'unsafe-inline'\"><title>");
    cli_page_text(page, title);
    CLI_PUT(page, "</title><style>%s</style>", style);
}

void
cli_page_text(struct cli_page *page, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '&')
            CLI_PUT(page, "&amp;");
        else if (*text == '<')
            CLI_PUT(page, "&lt;");
        else if (*text == '>')
            CLI_PUT(page, "&gt;");
        else
            CLI_PUT(page, "%c", *text);
    }
}

static void
put_frame(struct cli_page *page, const char *caption, double low, double high, size_t count)
{
    CLI_PUT(page, "<figure><figcaption>");
    cli_page_text(page, caption);
    CLI_PUT(page, "</figcaption><svg viewBox='0 0 %d %d' role='img'>", WIDTH + LEFT + 12,
            HEIGHT + TOP + 24);
    CLI_PUT(page, "<rect x='%d' y='%d' width='%d' height='%d' class='frame'/>", LEFT, TOP, WIDTH,
            HEIGHT);
    CLI_PUT(page,
            "<text x='%d' y='%d' class='y'>%.4g</text><text x='%d' y='%d' class='y'>%.4g</text>",
            LEFT - 4, TOP + 10, high, LEFT - 4, TOP + HEIGHT, low);
    CLI_PUT(page, "<text x='%d' y='%d'>1</text><text x='%d' y='%d' class='y'>%zu</text>", LEFT,
            TOP + HEIGHT + 16, LEFT + WIDTH, TOP + HEIGHT + 16, count);
}

void
cli_page_curves(struct cli_page *page, const char *caption, const struct cli_curve *curves,
                size_t curve_count, size_t count)
{
    double low = INFINITY, high = -INFINITY;
    for (size_t c = 0; c < curve_count; c++)
        for (size_t i = 0; i < count; i++) {
            low  = fmin(low, curves[c].values[i]);
            high = fmax(high, curves[c].values[i]);
        }
    if (!isfinite(low) || !isfinite(high))
        return;
    double span = high > low ? high - low : 1.0;
    put_frame(page, caption, low, high, count);
    for (size_t c = 0; c < curve_count; c++) {
        CLI_PUT(page, "<polyline class='c%zu' points='", c);
        for (size_t i = 0; i < count; i++)
            if (isfinite(curves[c].values[i]))
                CLI_PUT(page, "%.1f,%.1f ",
                        LEFT + (count > 1 ? (double)i / (double)(count - 1) : 0.5) * WIDTH,
                        TOP + (high - curves[c].values[i]) / span * HEIGHT);
        CLI_PUT(page, "'/>");
        if (curves[c].name[0] != '\0') {
            CLI_PUT(page, "<polyline class='c%zu' points='%d,%d %d,%d'/><text x='%d' y='%d'>", c,
                    LEFT + 90 * (int)c + 60, TOP + HEIGHT + 12, LEFT + 90 * (int)c + 76,
                    TOP + HEIGHT + 12, LEFT + 90 * (int)c + 80, TOP + HEIGHT + 16);
            cli_page_text(page, curves[c].name);
            CLI_PUT(page, "</text>");
        }
    }
    CLI_PUT(page, "</svg></figure>");
}

enum pn_status
cli_page_end(struct cli_page *page)
{
    CLI_PUT(page, "</html>\n");
    return page->st;
}
