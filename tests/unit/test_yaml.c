#include "support/expect.h"
#include "text/yaml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static enum pn_status
parse_bytes(struct text_yaml **out, const char *text, size_t size, struct pn_error *why)
{
    /* A copy of exactly this size, so that a sanitizer sees a read beyond it. */
    char *copy = malloc(size + (size == 0));
    assert_non_null(copy);
    memcpy(copy, text, size);
    enum pn_status st = text_yaml_parse(out, "job.yaml", copy, size, why);
    free(copy);
    return st;
}

static struct text_yaml *
parse(const char *text)
{
    struct text_yaml *yaml = NULL;
    struct pn_error   why  = {""};
    if (parse_bytes(&yaml, text, strlen(text), &why) != PN_OK)
        fail_msg("%s", why.text);
    return yaml;
}

static void
a_document_becomes_a_tree_with_positions(void **state)
{
    (void)state;
    struct text_yaml       *yaml = parse("name: north\n"
                                               "sites:\n"
                                               "  - bank-a\n"
                                               "  - {id: 7, on: no}\n"
                                               "model: |\n"
                                               "  dense 3\n"
                                               "    relu\n"
                                               "note: \"# \\u00e9\"\n"
                                               "empty:\n");
    const struct text_node *root = text_yaml_root(yaml);
    assert_string_equal("job.yaml", text_yaml_name(yaml));
    assert_int_equal(TEXT_MAP, root->kind);
    assert_int_equal(5, root->count);
    assert_null(root->key);

    const struct text_node *sites = text_find(root, "sites");
    assert_int_equal(TEXT_LIST, sites->kind);
    assert_null(sites->value);
    assert_int_equal(2, sites->count);
    assert_int_equal(2, sites->key_line);
    assert_int_equal(1, sites->key_column);
    assert_string_equal("bank-a", sites->first->value);
    assert_null(sites->first->key);
    const struct text_node *id = text_find(sites->first->next, "id");
    assert_string_equal("7", id->value);
    assert_int_equal(4, id->line);
    assert_int_equal(10, id->column);
    assert_string_equal("no", text_find(sites->first->next, "on")->value);
    assert_null(sites->first->next->next);

    assert_string_equal("dense 3\n  relu\n", text_find(root, "model")->value);
    assert_string_equal("# \xc3\xa9", text_find(root, "note")->value);
    assert_string_equal("", text_find(root, "empty")->value);
    assert_null(text_find(root, "absent"));
    assert_null(text_find(sites, "id"));
    text_yaml_free(yaml);
    text_yaml_free(NULL);
}

static void
json_is_read_too(void **state)
{
    (void)state;
    struct text_yaml *yaml =
        parse("{\n\t\"a\":1,\n\t\"b\": [true, null, \"x\\/y\"], \"c\": {}\n}\n");
    const struct text_node *root = text_yaml_root(yaml);
    assert_string_equal("1", text_find(root, "a")->value);
    assert_string_equal("x/y", text_find(root, "b")->first->next->next->value);
    assert_int_equal(0, text_find(root, "c")->count);
    text_yaml_free(yaml);
}

static void
what_is_not_in_the_dialect_is_refused_with_its_place(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "job.yaml:1:1: expected a document, seen an empty file"},
        {"# only this\n", "empty file"},
        {"---\n", "empty file"},
        {"a: &x 1\n", "job.yaml:1:4: anchors"},
        {"- &x {}\n", "job.yaml:1:3: anchors"},
        {"&x a: 1\n", "anchors"},
        {"a: 1\nb: *a\n", "job.yaml:2:4: aliases"},
        {"a: !!int 1\n", "job.yaml:1:4: tags"},
        {"a: ! 1\n", "tags"},
        {"!t {a: 1}\n", "job.yaml:1:1: tags"},
        {"<<: {a: 1}\n", "merge keys"},
        {"a: 1\n---\nb: 2\n", "job.yaml:2:1: expected one document"},
        {"%YAML 1.1\n---\na: 1\n", "directives"},
        {"a: 1\nb:\n  c: 1\n  d: 2\n  c: 3\n", "job.yaml:5:3: expected every key once, seen \"c\""},
        {"a: 1\n\"a\": 2\n", "first in line 1"},
        {"? [a]\n: b\n", "expected text as a key"},
        {"\"\": 1\n", "job.yaml:1:1: expected a key before the colon"},
        {"a: \"x\\0y\"\n", "job.yaml:1:4: expected text, seen a NUL"},
        {"a: 1\nb: x\xffy\n", "job.yaml:2:5: expected UTF-8"},
        {"a: \x1b[2J\n", "job.yaml:1:4: expected UTF-8 text without control characters"},
        {"a: \"\\ud800\"\n", "job.yaml:1:"},
        {"a: [1, 2\nb: 3\n", "job.yaml:2:2: "},
        {"a:\n\tb: 1\n", "job.yaml:2:1: expected spaces at the start of the line, seen a tab"},
        {"a: 1\n b: 2\n", "job.yaml:2:3: "},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct text_yaml *yaml = NULL;
        struct pn_error   why  = {""};
        if (parse_bytes(&yaml, cases[i].text, strlen(cases[i].text), &why) != PN_ECONFIG)
            fail_msg("taken: %s", cases[i].text);
        assert_null(yaml);
        EXPECT_SAYS(&why, cases[i].says);
    }
    struct text_yaml *yaml = NULL;
    struct pn_error   why;
    EXPECT_STATUS(PN_ECONFIG, parse_bytes(&yaml, "a: \0\n", 5, &why));
    EXPECT_STATUS(PN_ECONFIG, parse_bytes(&yaml,
                                          "\xff\xfe"
                                          "a\0",
                                          4, &why));
}

/* `count` times `part`, then `end`. */
static enum pn_status
parse_repeated(const char *part, size_t count, const char *end, struct pn_error *why)
{
    struct pn_buffer  text;
    struct text_yaml *yaml = NULL;
    pn_buffer_init(&text, 4 << 20);
    for (size_t i = 0; i < count; i++)
        EXPECT_OK(pn_buffer_append(&text, part, strlen(part)));
    EXPECT_OK(pn_buffer_append(&text, end, strlen(end)));
    enum pn_status st = parse_bytes(&yaml, (const char *)text.bytes, text.size, why);
    text_yaml_free(yaml);
    pn_buffer_fini(&text);
    return st;
}

static void
the_limits_hold(void **state)
{
    (void)state;
    struct pn_error why;
    EXPECT_OK(parse_repeated("[", 16, "]]]]]]]]]]]]]]]]", &why));
    EXPECT_STATUS(PN_ECONFIG, parse_repeated("[", 17, "]]]]]]]]]]]]]]]]]", &why));
    EXPECT_SAYS(&why, "job.yaml:1:17: expected at most 16 maps and lists");
    EXPECT_STATUS(PN_ECONFIG, parse_repeated("[", 1 << 20, "", &why));
    EXPECT_STATUS(PN_ECONFIG, parse_repeated("{a: ", 1 << 18, "", &why));

    EXPECT_OK(parse_repeated("- 1\n", 65535, "", &why));
    EXPECT_STATUS(PN_ECONFIG, parse_repeated("- 1\n", 65536, "", &why));
    EXPECT_SAYS(&why, "job.yaml:65536:3: expected at most 65536 values");

    EXPECT_OK(parse_repeated("#", (1 << 20) - 2, "\na", &why));
    EXPECT_STATUS(PN_ECONFIG, parse_repeated("#", (1 << 20) - 1, "\na", &why));
    EXPECT_SAYS(&why, "expected at most 1048576 bytes, seen 1048577");
}

static void
an_unknown_key_is_refused_with_the_nearest_one(void **state)
{
    (void)state;
    static const char *const known[] = {"rounds", "quorum", "model"};
    struct text_yaml        *yaml    = parse("rounds: 3\nquorom:\n  - 2\n");
    struct pn_error          why;
    EXPECT_STATUS(PN_ECONFIG, text_check_keys(yaml, text_yaml_root(yaml), known, 3, &why));
    assert_string_equal("job.yaml:2:1: there is no key \"quorom\" here; did you mean \"quorum\"?",
                        why.text);
    text_yaml_free(yaml);

    yaml = parse("rounds: 3\nxyzzy: 2\n");
    EXPECT_STATUS(PN_ECONFIG, text_check_keys(yaml, text_yaml_root(yaml), known, 3, &why));
    EXPECT_SAYS(&why, "the keys are: rounds, quorum, model");
    EXPECT_STATUS(PN_ECONFIG, text_check_keys(yaml, text_yaml_root(yaml)->first, known, 3, &why));
    EXPECT_SAYS(&why, "job.yaml:1:9: expected a map, seen a single value");
    text_yaml_free(yaml);

    yaml = parse("{quorum: 2, model: x}");
    EXPECT_OK(text_check_keys(yaml, text_yaml_root(yaml), known, 3, &why));
    text_yaml_free(yaml);
}

static void
typed_readers_read(void **state)
{
    (void)state;
    static const char *const rules[] = {"mean", "median"};
    struct text_yaml        *yaml    = parse("s: x\nu: 42\nf: -1.5e-3\nb: yes\nt: 5m\nc: median\n"
                                                       "m: {}\nl: []\n");
    const struct text_node  *root = text_yaml_root(yaml), *map = NULL, *list = NULL;
    struct pn_error          why;
    const char              *s   = NULL;
    uint64_t                 u   = 0;
    uint32_t                 u32 = 0, c = 0;
    double                   f = 0;
    bool                     b = false;
    pn_ms                    t = 0;
    EXPECT_OK(text_get_string(&s, yaml, root, "s", TEXT_REQUIRED, &why));
    EXPECT_OK(text_get_u64(&u, yaml, root, "u", TEXT_REQUIRED, 0, 42, &why));
    EXPECT_OK(text_get_u32(&u32, yaml, root, "u", TEXT_REQUIRED, 42, 50, &why));
    EXPECT_OK(text_get_f64(&f, yaml, root, "f", TEXT_REQUIRED, -INFINITY, INFINITY, &why));
    EXPECT_OK(text_get_bool(&b, yaml, root, "b", TEXT_REQUIRED, &why));
    EXPECT_OK(text_get_ms(&t, yaml, root, "t", TEXT_REQUIRED, 0, 300000, &why));
    EXPECT_OK(text_get_choice(&c, yaml, root, "c", TEXT_REQUIRED, rules, 2, &why));
    EXPECT_OK(text_get_map(&map, yaml, root, "m", TEXT_REQUIRED, &why));
    EXPECT_OK(text_get_list(&list, yaml, root, "l", TEXT_REQUIRED, &why));
    assert_string_equal("x", s);
    assert_int_equal(42, u);
    assert_int_equal(42, u32);
    assert_true(f == -1.5e-3);
    assert_true(b);
    assert_int_equal(300000, t);
    assert_int_equal(1, c);
    assert_int_equal(TEXT_MAP, map->kind);
    assert_int_equal(TEXT_LIST, list->kind);
    text_yaml_free(yaml);
}

static void
a_missing_key_is_an_error_only_when_it_is_required(void **state)
{
    (void)state;
    struct text_yaml       *yaml = parse("a:\n  b: 1\n");
    const struct text_node *root = text_yaml_root(yaml), *map = root;
    struct pn_error         why;
    uint32_t                u32 = 7;
    double                  f   = 0.5;
    EXPECT_OK(text_get_u32(&u32, yaml, root, "rounds", TEXT_OPTIONAL, 0, 9, &why));
    EXPECT_OK(text_get_u32(&u32, yaml, NULL, "rounds", TEXT_OPTIONAL, 0, 9, &why));
    EXPECT_OK(text_get_f64(&f, yaml, root, "rate", TEXT_OPTIONAL, 0, 9, &why));
    EXPECT_OK(text_get_map(&map, yaml, root, "privacy", TEXT_OPTIONAL, &why));
    assert_int_equal(7, u32);
    assert_true(f == 0.5);
    assert_null(map);
    EXPECT_STATUS(PN_ECONFIG, text_get_u32(&u32, yaml, text_find(root, "a"), "rounds",
                                           TEXT_REQUIRED, 0, 9, &why));
    EXPECT_SAYS(&why, "job.yaml:2:3: expected the key \"rounds\", which is missing here");
    text_yaml_free(yaml);
}

static void
a_value_of_the_wrong_kind_is_refused_with_what_was_seen(void **state)
{
    (void)state;
    static const char *const rules[] = {"mean", "median"};
    struct pn_error          why;
    static const char *const wrong[] = {
        "-1",  "+1", "0x10", "1.0", "4 2", "''", "9",
        "1_0", "~",  "1e1",  "{}",  "[]",  "3",  "18446744073709551617"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char     text[64];
        uint64_t u = 77;
        snprintf(text, sizeof text, "u: %s\n", wrong[i]);
        struct text_yaml *yaml = parse(text);
        EXPECT_STATUS(PN_ECONFIG,
                      text_get_u64(&u, yaml, text_yaml_root(yaml), "u", TEXT_REQUIRED, 4, 8, &why));
        EXPECT_SAYS(&why, "job.yaml:1:4: u: expected ");
        assert_int_equal(77, u);
        text_yaml_free(yaml);
    }
    static const char *const no_numbers[] = {"nan", "inf", "0x1p3",  "1e999", ".",   "e5",
                                             "1e",  "''",  "1.5 ''", "1,5",   "--1", "1.5.2"};
    for (size_t i = 0; i < sizeof no_numbers / sizeof no_numbers[0]; i++) {
        char   text[64];
        double f = 77;
        snprintf(text, sizeof text, "f: %s\n", no_numbers[i]);
        struct text_yaml *yaml = parse(text);
        EXPECT_STATUS(PN_ECONFIG, text_get_f64(&f, yaml, text_yaml_root(yaml), "f", TEXT_REQUIRED,
                                               -INFINITY, INFINITY, &why));
        assert_true(f == 77);
        text_yaml_free(yaml);
    }
    struct text_yaml       *yaml = parse("f: 1.5\nb: on\nt: 5 m\nc: medin\n");
    const struct text_node *root = text_yaml_root(yaml), *list = NULL;
    double                  f;
    bool                    b;
    pn_ms                   t;
    uint32_t                c;
    EXPECT_STATUS(PN_ECONFIG, text_get_f64(&f, yaml, root, "f", TEXT_REQUIRED, 0, 1, &why));
    EXPECT_SAYS(&why, "job.yaml:1:4: f: expected a number from 0 to 1, seen \"1.5\"");
    EXPECT_STATUS(PN_ECONFIG, text_get_bool(&b, yaml, root, "b", TEXT_REQUIRED, &why));
    EXPECT_SAYS(&why, "expected yes or no, seen \"on\"");
    EXPECT_STATUS(PN_ECONFIG, text_get_ms(&t, yaml, root, "t", TEXT_REQUIRED, 0, 60000, &why));
    EXPECT_SAYS(&why, "expected a time from 0ms to 1m, seen \"5 m\"");
    EXPECT_STATUS(PN_ECONFIG, text_get_choice(&c, yaml, root, "c", TEXT_REQUIRED, rules, 2, &why));
    EXPECT_SAYS(&why, "expected one of mean, median, seen \"medin\"; did you mean \"median\"?");
    EXPECT_STATUS(PN_ECONFIG, text_get_list(&list, yaml, root, "f", TEXT_OPTIONAL, &why));
    EXPECT_SAYS(&why, "expected a list, seen a single value");
    text_yaml_free(yaml);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_becomes_a_tree_with_positions),
        cmocka_unit_test(json_is_read_too),
        cmocka_unit_test(what_is_not_in_the_dialect_is_refused_with_its_place),
        cmocka_unit_test(the_limits_hold),
        cmocka_unit_test(an_unknown_key_is_refused_with_the_nearest_one),
        cmocka_unit_test(typed_readers_read),
        cmocka_unit_test(a_missing_key_is_an_error_only_when_it_is_required),
        cmocka_unit_test(a_value_of_the_wrong_kind_is_refused_with_what_was_seen),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
