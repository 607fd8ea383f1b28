#include "base/options.h"
#include "support/expect.h"

#include <stdlib.h>

struct conf {
    char               *listen, *name;
    bool                json, colour, help;
    uint32_t            quorum;
    uint64_t            seed, memory;
    pn_ms               wait;
    struct pn_text_list peers;
};

static const struct pn_option table[] = {
    {"listen", "tcp://127.0.0.1:7400", PN_OPT_TEXT, offsetof(struct conf, listen), 1, 64,
     "where nodes connect"},
    {"name", NULL, PN_OPT_TEXT, offsetof(struct conf, name), 0, 0, "what it is called"},
    {"json", "no", PN_OPT_FLAG, offsetof(struct conf, json), 0, 0, "log lines as JSON"},
    {"colour", "yes", PN_OPT_FLAG, offsetof(struct conf, colour), 0, 0, "colours"},
    {"quorum", "5", PN_OPT_U32, offsetof(struct conf, quorum), 1, 64, "updates that make a round"},
    {"seed", NULL, PN_OPT_U64, offsetof(struct conf, seed), 0, 0, "where randomness starts"},
    {"max-wait", "60s", PN_OPT_MS, offsetof(struct conf, wait), 1000, 3600000, "patience"},
    {"memory", "64MiB", PN_OPT_BYTES, offsetof(struct conf, memory), 4096, 0, "largest model"},
    {"peer", NULL, PN_OPT_LIST, offsetof(struct conf, peers), 1, 20, "who else"},
    {"help", "no", PN_OPT_FLAG, offsetof(struct conf, help), 0, 0, "this page"},
    {0},
};

static void
start(struct conf *conf)
{
    struct pn_error why = {""};
    memset(conf, 0xaa, sizeof *conf);
    EXPECT_OK(pn_options_init(conf, table, &why));
}

enum {
    ARGS_MAX = 16
};

/* The words of the command line after the program's name, up to a NULL. */
static enum pn_status
parse(struct conf *conf, struct pn_error *why, const char *const *words)
{
    char       *argv[ARGS_MAX] = {(char[]){"program"}};
    const char *rest[2];
    size_t      rest_count = 0;
    int         argc       = 1;
    for (; argc < ARGS_MAX && words[argc - 1] != NULL; argc++)
        argv[argc] = strdup(words[argc - 1]);
    enum pn_status st = pn_options_from_args(conf, table, argc, argv, rest, 2, &rest_count, why);
    while (argc > 1)
        free(argv[--argc]);
    return st;
}
#define PARSE(conf, why, ...) parse((conf), (why), (const char *const[]){__VA_ARGS__, NULL})

static void
defaults_go_through_the_parser(void **state)
{
    (void)state;
    struct conf conf;
    start(&conf);
    assert_string_equal("tcp://127.0.0.1:7400", conf.listen);
    assert_null(conf.name);
    assert_false(conf.json);
    assert_true(conf.colour);
    assert_int_equal(5, conf.quorum);
    assert_int_equal(0, conf.seed);
    assert_int_equal(60000, conf.wait);
    assert_int_equal(64 << 20, conf.memory);
    assert_int_equal(0, conf.peers.count);
    pn_options_fini(&conf, table);
    assert_null(conf.listen);

    static const struct pn_option bad[] = {
        {"quorum", "65", PN_OPT_U32, offsetof(struct conf, quorum), 1, 64, ""}, {0}};
    struct pn_error why;
    EXPECT_STATUS(PN_ECONFIG, pn_options_init(&conf, bad, &why));
}

static void
the_command_line_is_read(void **state)
{
    (void)state;
    struct conf     conf;
    struct pn_error why = {""};
    start(&conf);
    EXPECT_OK(PARSE(&conf, &why, "--listen", "x", "--quorum=7", "word", "--json", "--no-colour",
                    "--seed", "18446744073709551615", "--max-wait", "5m", "--peer", "a", "--peer=b",
                    "--memory", "1GiB", "--", "--word"));
    assert_string_equal("x", conf.listen);
    assert_int_equal(7, conf.quorum);
    assert_true(conf.json);
    assert_false(conf.colour);
    assert_true(conf.seed == UINT64_MAX);
    assert_int_equal(300000, conf.wait);
    assert_int_equal(1 << 30, conf.memory);
    assert_int_equal(2, conf.peers.count);
    assert_string_equal("b", conf.peers.items[1]);
    EXPECT_OK(PARSE(&conf, &why, "--json=no", "--listen=--odd"));
    assert_false(conf.json);
    assert_string_equal("--odd", conf.listen);
    pn_options_fini(&conf, table);
}

static void
words_are_borrowed_from_the_command_line(void **state)
{
    (void)state;
    struct conf     conf;
    struct pn_error why;
    const char     *words[2];
    size_t          count = 0;
    char            p[] = "p", a[] = "a", dash[] = "-", json[] = "--json", c[] = "c";
    char           *argv[] = {p, a, json, dash, c};
    start(&conf);
    EXPECT_OK(pn_options_from_args(&conf, table, 4, argv, words, 2, &count, &why));
    assert_int_equal(2, count);
    assert_ptr_equal(a, words[0]);
    assert_ptr_equal(dash, words[1]);
    EXPECT_STATUS(PN_ECONFIG, pn_options_from_args(&conf, table, 5, argv, words, 2, &count, &why));
    EXPECT_SAYS(&why, "seen \"c\"");
    pn_options_fini(&conf, table);
}

static void
a_bad_value_says_what_was_expected_and_seen_and_where(void **state)
{
    (void)state;
    struct conf     conf;
    struct pn_error why;
    start(&conf);
    EXPECT_STATUS(PN_ECONFIG, pn_options_set(&conf, table, "quorum", "65", "node.yaml:3:7", &why));
    assert_string_equal("node.yaml:3:7: quorum: expected a whole number from 1 to 64, seen \"65\"",
                        why.text);
    assert_int_equal(5, conf.quorum);
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--max-wait", "500ms"));
    assert_string_equal("--max-wait: expected a time such as 1500ms, 30s or 5m from 1s to 1h, "
                        "seen \"500ms\"",
                        why.text);
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--memory", "16777217TiB"));
    EXPECT_SAYS(&why, "from 4KiB up");
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--json=maybe"));
    EXPECT_SAYS(&why, "--json: expected yes or no, seen \"maybe\"");
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--listen="));
    EXPECT_SAYS(&why, "--listen: expected a text, seen nothing");
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--peer", "123456789012345678901"));
    EXPECT_SAYS(&why, "expected 1 to 20 characters, seen 21");
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--quorum"));
    EXPECT_SAYS(&why, "--quorum: expected a value after it, seen nothing");
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--listen", "--json"));
    EXPECT_SAYS(&why, "seen --json");
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--no-json=yes"));
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "-q"));
    EXPECT_SAYS(&why, "two dashes");
    static const char *const numbers[] = {
        "", "-1", "+1", " 1", "1 ", "0x1", "1.0", "1s", "x", "18446744073709551616", "4294967297"};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        EXPECT_STATUS(PN_ECONFIG, pn_options_set(&conf, table, "quorum", numbers[i], "here", &why));
    EXPECT_STATUS(PN_ECONFIG,
                  pn_options_set(&conf, table, "seed", "18446744073709551616", "here", &why));
    EXPECT_STATUS(PN_ECONFIG,
                  pn_options_set(&conf, table, "seed", "184467440737095516150", "here", &why));
    pn_options_fini(&conf, table);
}

static void
an_unknown_option_is_refused_with_the_nearest(void **state)
{
    (void)state;
    struct conf     conf;
    struct pn_error why;
    start(&conf);
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--quorom=3"));
    assert_string_equal("command line: there is no option --quorom; did you mean --quorum?",
                        why.text);
    EXPECT_STATUS(PN_ECONFIG, pn_options_set(&conf, table, "xyzzy", "1", "node.yaml:1:1", &why));
    assert_string_equal("node.yaml:1:1: there is no option xyzzy", why.text);
    EXPECT_STATUS(PN_ECONFIG, PARSE(&conf, &why, "--no-quorum"));
    pn_options_fini(&conf, table);
}

static void
each_source_outranks_the_one_before(void **state)
{
    (void)state;
    struct conf     conf;
    struct pn_error why = {""};
    start(&conf);
    EXPECT_OK(pn_options_set(&conf, table, "quorum", "2", "node.yaml:1:1", &why));
    EXPECT_OK(pn_options_set(&conf, table, "peer", "file-a", "node.yaml:2:1", &why));
    EXPECT_OK(pn_options_set(&conf, table, "peer", "file-b", "node.yaml:3:1", &why));
    EXPECT_OK(pn_options_set(&conf, table, "listen", "file", "node.yaml:4:1", &why));
    assert_int_equal(2, conf.peers.count);

    setenv("PANAL_QUORUM", "3", 1);
    setenv("PANAL_MAX_WAIT", "2s", 1);
    setenv("PANAL_PEER", "env-a,env-b,env-c", 1);
    setenv("PANAL_HELP", "anything", 1);
    EXPECT_OK(pn_options_from_environment(&conf, table, &why));
    assert_int_equal(3, conf.quorum);
    assert_int_equal(2000, conf.wait);
    assert_int_equal(3, conf.peers.count);
    assert_string_equal("env-c", conf.peers.items[2]);
    assert_string_equal("file", conf.listen);
    setenv("PANAL_QUORUM", "many", 1);
    EXPECT_STATUS(PN_ECONFIG, pn_options_from_environment(&conf, table, &why));
    EXPECT_SAYS(&why, "PANAL_QUORUM: expected a whole number");
    unsetenv("PANAL_QUORUM");
    unsetenv("PANAL_MAX_WAIT");
    unsetenv("PANAL_PEER");
    unsetenv("PANAL_HELP");

    EXPECT_OK(PARSE(&conf, &why, "--quorum", "4", "--peer", "arg"));
    assert_int_equal(4, conf.quorum);
    assert_int_equal(1, conf.peers.count);
    assert_string_equal("arg", conf.peers.items[0]);
    pn_options_fini(&conf, table);
}

static void
peek_finds_a_value_before_anything_is_parsed(void **state)
{
    (void)state;
    char  p[] = "p", c[] = "--config", v[] = "a.yaml", e[] = "--config=b.yaml", end[] = "--";
    char *argv[] = {p, c, v, e, end, c, v};
    assert_string_equal("a.yaml", pn_options_peek(3, argv, "config"));
    assert_string_equal("b.yaml", pn_options_peek(7, argv, "config"));
    assert_null(pn_options_peek(2, argv, "config"));
    assert_null(pn_options_peek(3, argv, "conf"));
    assert_null(pn_options_peek(3, argv, "other"));
}

static void
help_shows_kinds_defaults_and_ranges_in_columns(void **state)
{
    (void)state;
    char  *text = NULL;
    size_t size;
    FILE  *out = open_memstream(&text, &size);
    pn_options_help(out, table);
    fclose(out);
    assert_string_equal("  --listen TEXT    where nodes connect (default tcp://127.0.0.1:7400)\n"
                        "  --name TEXT      what it is called\n"
                        "  --json           log lines as JSON\n"
                        "  --no-colour      colours\n"
                        "  --quorum NUMBER  updates that make a round (default 5, from 1 to 64)\n"
                        "  --seed NUMBER    where randomness starts\n"
                        "  --max-wait TIME  patience (default 60s, from 1s to 1h)\n"
                        "  --memory SIZE    largest model (default 64MiB, from 4KiB up)\n"
                        "  --peer TEXT ...  who else\n"
                        "  --help           this page\n",
                        text);
    free(text);
}

static void
the_printed_configuration_names_every_value(void **state)
{
    (void)state;
    struct conf     conf;
    struct pn_error why;
    char           *text = NULL;
    size_t          size;
    start(&conf);
    EXPECT_OK(PARSE(&conf, &why, "--name", "a \"b\"\n\\", "--peer", "x", "--peer", "y: z", "--json",
                    "--max-wait", "1500", "--help"));
    FILE *out = open_memstream(&text, &size);
    pn_options_print(out, &conf, table);
    fclose(out);
    assert_string_equal("listen: \"tcp://127.0.0.1:7400\"\n"
                        "name: \"a \\\"b\\\"\\x0a\\\\\"\n"
                        "json: yes\n"
                        "colour: yes\n"
                        "quorum: 5\n"
                        "max-wait: 1500ms\n"
                        "memory: 64MiB\n"
                        "peer:\n"
                        "  - \"x\"\n"
                        "  - \"y: z\"\n",
                        text);
    free(text);
    pn_options_fini(&conf, table);
}

static void
nearest_is_near_or_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"rounds", "quorum", "lr", "learning_rate"};
    assert_string_equal("quorum", pn_nearest("qorum", names, 4));
    assert_string_equal("quorum", pn_nearest("quorum", names, 4));
    assert_string_equal("learning_rate", pn_nearest("learnig-rat", names, 4));
    assert_null(pn_nearest("epochs", names, 4));
    assert_null(pn_nearest("x", names, 4));
    assert_null(pn_nearest("", names, 4));
    assert_null(pn_nearest("rounds", names, 0));
}

static void
numbers_are_formatted_to_read_back(void **state)
{
    (void)state;
    static const uint64_t            values[] = {0,     1,       999,  1000,    1500,
                                                 60000, 3600000, 4096, 1 << 20, UINT64_MAX};
    static const enum pn_option_kind kinds[]  = {PN_OPT_U64, PN_OPT_MS, PN_OPT_BYTES};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        for (size_t k = 0; k < 3; k++) {
            char     text[32];
            uint64_t back = 77;
            pn_number_format(text, sizeof text, values[i], kinds[k]);
            assert_true(pn_number_parse(&back, text, kinds[k]));
            assert_true(back == values[i]);
        }
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_go_through_the_parser),
        cmocka_unit_test(the_command_line_is_read),
        cmocka_unit_test(words_are_borrowed_from_the_command_line),
        cmocka_unit_test(a_bad_value_says_what_was_expected_and_seen_and_where),
        cmocka_unit_test(an_unknown_option_is_refused_with_the_nearest),
        cmocka_unit_test(each_source_outranks_the_one_before),
        cmocka_unit_test(peek_finds_a_value_before_anything_is_parsed),
        cmocka_unit_test(help_shows_kinds_defaults_and_ranges_in_columns),
        cmocka_unit_test(the_printed_configuration_names_every_value),
        cmocka_unit_test(nearest_is_near_or_nothing),
        cmocka_unit_test(numbers_are_formatted_to_read_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
