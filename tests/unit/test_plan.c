#include "nnlib/layer.h"

#include "support/nn.h"

static const char fraud[] = "x    = input 30          # features\r\n"
                            "\n"
                            "fc1=dense x 64 init=he\n"
                            "\ta1   = relu fc1\n"
                            "fc2  = dense a1   32 bias=yes scale=0.01\n"
                            "a2   = leaky_relu fc2 slope=0.20\n"
                            "out  = dense a2 2 init=xavier\n"
                            "# the end\n"
                            "loss = cce_logits out";

static const char canonical[] = "x = input 30\n"
                                "fc1 = dense x 64\n"
                                "a1 = relu fc1\n"
                                "fc2 = dense a1 32\n"
                                "a2 = leaky_relu fc2 slope=0.2\n"
                                "out = dense a2 2 init=xavier\n"
                                "loss = cce_logits out\n";

static struct nn_plan *
plan_of(const char *text)
{
    struct nn_plan *plan = NULL;
    struct pn_error why  = {.text = ""};
    if (nn_plan_new(&plan, text, strlen(text), &why) != PN_OK)
        fail_msg("%s", why.text);
    return plan;
}

static void
a_plan_knows_its_sizes_and_its_loss(void **state)
{
    (void)state;
    struct nn_plan *plan = plan_of(fraud);
    assert_int_equal(nn_plan_input_size(plan), 30);
    assert_int_equal(nn_plan_output_size(plan), 2);
    assert_int_equal(nn_plan_target_size(plan), 1);
    assert_int_equal(nn_plan_class_count(plan), 2);
    assert_string_equal(nn_plan_loss(plan), "cce_logits");
    assert_int_equal(nn_plan_param_count(plan), 30 * 64 + 64 + 64 * 32 + 32 + 32 * 2 + 2);
    nn_plan_free(plan);
    plan = plan_of("x = input 3\no = dense x 4\nl = mse o");
    assert_int_equal(nn_plan_target_size(plan), 4);
    assert_int_equal(nn_plan_class_count(plan), 0);
    nn_plan_free(plan);
    plan = plan_of("x = input 3\no = dense x 1\nl = bce_logits o");
    assert_int_equal(nn_plan_target_size(plan), 1);
    assert_int_equal(nn_plan_class_count(plan), 2);
    nn_plan_free(plan);
    nn_plan_free(NULL);
}

static void
the_manifest_lists_tensors_densely_with_the_names_of_pytorch(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        uint32_t    dims, first, second;
        bool        decay;
    } rows[]                     = {{"fc1.weight", 2, 64, 30, true}, {"fc1.bias", 1, 64, 0, false},
                                    {"fc2.weight", 2, 32, 64, true}, {"fc2.bias", 1, 32, 0, false},
                                    {"out.weight", 2, 2, 32, true},  {"out.bias", 1, 2, 0, false}};
    struct nn_plan         *plan = plan_of(fraud);
    size_t                  count;
    uint64_t                offset = 0;
    const struct nn_tensor *tensor = nn_plan_manifest(plan, &count);
    assert_int_equal(count, 6);
    for (size_t i = 0; i < count; i++, tensor++) {
        assert_string_equal(tensor->name, rows[i].name);
        assert_int_equal(tensor->dims, rows[i].dims);
        assert_int_equal(tensor->dim[0], rows[i].first);
        assert_int_equal(tensor->dim[1], rows[i].second);
        assert_int_equal(tensor->decay, rows[i].decay);
        assert_int_equal(tensor->role, NN_SHARED);
        assert_int_equal(tensor->offset, offset);
        assert_int_equal(tensor->count, rows[i].first * (rows[i].dims == 2 ? rows[i].second : 1));
        offset += tensor->count;
    }
    assert_int_equal(offset, nn_plan_param_count(plan));
    nn_plan_free(plan);
}

static void
equal_models_have_one_canonical_text_however_written(void **state)
{
    (void)state;
    struct nn_plan *plan = plan_of(fraud), *again = plan_of(canonical);
    assert_string_equal(nn_plan_text(plan), canonical);
    assert_string_equal(nn_plan_text(again), canonical);
    nn_plan_free(plan);
    nn_plan_free(again);
}

static void
the_canonical_text_keeps_every_option(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "x = input 3\na = dense x 4 bias=no init=random scale=0.1 role=frozen\n"
        "b = gelu a form=tanh\nc = elu b alpha=0.3333333333333333\nd = add b c x2\n",
        "x = input 2\na = elu x alpha=1e-07\nb = leaky_relu a slope=0\nc = add a b x\n"
        "o = dense c 1 init=torch\nl = bce_logits o positive=12.5\n"};
    struct pn_error why;
    struct nn_plan *plan = NULL;
    EXPECT_STATUS(PN_ECONFIG, nn_plan_new(&plan, texts[0], strlen(texts[0]), &why));
    assert_null(plan);
    plan = plan_of(texts[1]);
    assert_string_equal(nn_plan_text(plan), texts[1]);
    nn_plan_free(plan);
    plan = plan_of("x = input 3\na = dense x 3 role=frozen scale=0.1 init=random bias=no\n"
                   "b = gelu a form=tanh\nc = elu b alpha=0.3333333333333333\nd = add b c x\n"
                   "o = dense d 2\nl = mse o\n");
    assert_string_equal(nn_plan_text(plan),
                        "x = input 3\na = dense x 3 bias=no init=random scale=0.1 role=frozen\n"
                        "b = gelu a form=tanh\nc = elu b alpha=0.3333333333333333\nd = add b c x\n"
                        "o = dense d 2\nl = mse o\n");
    nn_plan_free(plan);
}

static void
errors_say_where_and_what_to_do(void **state)
{
    (void)state;
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"", "model:0:1: the model ends without a loss"},
        {"x = input 3\nout = dense x 1\n", "its last line is such as `loss = bce_logits out`"},
        {"x = input 3\n\nfc1 = denze x 4\n",
         "model:3:7: unknown kind 'denze'; did you mean 'dense'?"},
        {"x = input 3\nl = bce_logit x\n", "model:2:5: unknown kind 'bce_logit'; did you mean "
                                           "'bce_logits'?"},
        {"x = input 3\nhidden = dense x 4\na = relu hiden\n",
         "model:3:10: no layer above is named 'hiden'; did you mean 'hidden'?"},
        {"x = input 3\na = relu b\nb = relu a\n", "model:2:10: no layer above is named 'b'"},
        {"x = input 3\na = relu a\n", "model:2:10: no layer above is named 'a'"},
        {"x = input 3\na = relu x x\n", "model:2:12: relu takes 1 input, seen one more: 'x'"},
        {"x = input 3\na = relu\n", "model:2:9: relu needs 1 input"},
        {"x = input 3\na = add x\n", "model:2:10: add needs at least 2 inputs"},
        {"x = input 3\na = dense x\n", "model:2:12: dense needs a size here"},
        {"x = input 3\na = dense x init=he\n", "model:2:13: expected a size 1..16777216, seen"},
        {"x = input 3\na = dense x 0\n", "model:2:13: expected a size 1..16777216, seen '0'"},
        {"x = input 16777217\n", "model:1:11: expected a size"},
        {"x = input 99999999999999999999\n", "model:1:11: expected a size"},
        {"x = input 3x\n", "model:1:11: expected a size 1..16777216, HxW or CxHxW, seen '3x'"},
        {"x = input 3x4x5x6\n", "model:1:11: expected a size 1..16777216, HxW or CxHxW"},
        {"x = input 3\na = dense x 2x2\n", "model:2:13: expected a size 1..16777216, seen '2x2'"},
        {"x = input 4096x4096x2\na = relu x\nl = mse a\n",
         "model:1:1: expected a value of at most 16777216 numbers"},
        {"x = input 16777216\ny = input 1\na = relu x\nb = dense y 1\nl = mse a\nm = mse b\n",
         "model:2:1: expected inputs of at most 16777216 numbers"},
        {"x = input 3x4x5\na = dense x 2\nl = mse a\n",
         "dense reads a row of numbers, but x is 3x4x5"},
        {"x = input 3\na = relu x 3\n", "model:2:12: relu takes no size"},
        {"x = input 3\na = dense x 3 4\n", "model:2:15: expected `key=value`"},
        {"x = input 3\na = dense x 3 init = he\n", "model:2:15: expected `key=value`"},
        {"x = input 3\na = dense x 3 =he\n", "model:2:15: expected `key=value`"},
        {"x = input 3\na = dense x 3 inti=he\n",
         "model:2:15: dense has no option 'inti'; did you mean 'init'?"},
        {"x = input 3\na = relu x slope=1\n", "model:2:12: relu has no options, seen 'slope=1'"},
        {"x = input 3\na = dense x 3 init=ho\n",
         "model:2:20: init: expected one of he, he_uniform, xavier, xavier_normal, lecun, torch, "
         "random, zero; seen 'ho'"},
        {"x = input 3\na = leaky_relu x slope=2\n",
         "model:2:24: slope: expected a number 0..1, seen '2'"},
        {"x = input 3\na = leaky_relu x slope=nan\n", "expected a number 0..1, seen 'nan'"},
        {"x = input 3\na = leaky_relu x slope=0x1\n", "expected a number 0..1, seen '0x1'"},
        {"x = input 3\na = leaky_relu x slope=\n", "expected a number 0..1, seen ''"},
        {"x = input 3\na = dense x 3 bias=no bias=no\n", "model:2:23: bias is given twice"},
        {"x = input 3\nx = relu x\n", "model:2:1: the name 'x' is taken by line 1"},
        {"x = input 3\nl = dense x 1\nl = mse l\n", "model:3:1: the name 'l' is taken by line 2"},
        {"X = input 3\n", "model:1:1: expected a name of a-z 0-9 _ . /"},
        {"1 = input 3\n", "model:1:1: expected a name"},
        {"x input 3\n", "model:1:3: expected '=' after the name 'x'"},
        {"= input 3\n", "model:1:1: expected `name = kind ...`"},
        {"x\n", "model:1:2: expected a kind after 'x'"},
        {"x =  # nothing\n", "expected a kind after 'x ='"},
        {"x = dense y 3\n", "model:1:5: the first layer must be the input, such as `x = input 12`"},
        {"x = input 3\ny = input 3\n", "model:2:1: the model ends without a loss"},
        {"x = input 3\na = relu x\ny = input 3\n", "model:3:5: inputs come first"},
        {"l = mse x\n", "model:1:9: no layer above is named 'x'"},
        {"x = input 3\no = dense x 1\nl = mse o\nm = mse o\n",
         "model:4:9: 'o' has a loss already, in line 3"},
        {"x = input 3\no = dense x 1\nl = mse o\np = dense x 1\n",
         "model:4:1: expected only losses after the loss of line 3"},
        {"x = input 3\no = dense x 1\nl = mse o weight=0\n",
         "model:3:18: weight: expected a number"},
        {"x = input 3\no = dense x 1\nl = mse o wait=0\n", "mse has no option 'wait'"},
        {"x = input 3\no = dense x 1\np = dense x 1\nl = mse o\nl = mse p\n",
         "model:5:1: the name 'l' is taken by line 4"},
        {"x = input 3\na = dense x 4\nb = dense x 1\nl = mse b\n",
         "model:2:1: nothing that a loss reads uses 'a'"},
        {"x = input 3\na = dense x 4\nb = dense x 1\nc = add x b\nl = mse b\n",
         "model:4:1: c adds values of one size, but x has 3 numbers and b has 1"},
        {"x = input 3\na = dense x 4\nl = bce_logits a\n",
         "model:3:1: bce_logits reads one number a record, but a has 4; make it 1, or use "
         "cce_logits for 4 classes"},
        {"x = input 3\na = dense x 1\nl = cce_logits a\n",
         "model:3:1: cce_logits reads one number"},
        {"x = input 3\na = relu x\nl = mse a\n", "model:3:1: nothing to learn"},
        {"x = input 65536\na = dense x 65536\nl = mse a\n",
         "model:2:1: expected at most 2147483648 parameters"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pn_error why  = {.text = ""};
        struct nn_plan *plan = NULL;
        if (nn_plan_new(&plan, cases[i].text, strlen(cases[i].text), &why) != PN_ECONFIG)
            fail_msg("accepted, or another status: %s", cases[i].text);
        assert_null(plan);
        EXPECT_SAYS(&why, cases[i].says);
        EXPECT_STATUS(PN_ECONFIG, nn_plan_new(&plan, cases[i].text, strlen(cases[i].text), NULL));
    }
}

static void
limits_hold_at_their_edges(void **state)
{
    (void)state;
    static char     text[NN_TEXT_MAX + 2];
    struct pn_error why;
    struct nn_plan *plan = NULL;
    /* 256 layers are accepted, 257 are not. */
    for (int layers = NN_LAYERS_MAX; layers <= NN_LAYERS_MAX + 1; layers++) {
        size_t at = (size_t)snprintf(text, sizeof text, "x = input 2\na1 = dense x 2\n");
        for (int i = 2; i < layers; i++)
            at += (size_t)snprintf(text + at, sizeof text - at, "a%d = tanh a%d\n", i, i - 1);
        (void)snprintf(text + at, sizeof text - at, "l = mse a%d\n", layers - 1);
        EXPECT_STATUS(layers == NN_LAYERS_MAX ? PN_OK : PN_ECONFIG,
                      nn_plan_new(&plan, text, strlen(text), &why));
    }
    EXPECT_SAYS(&why, "expected at most 256 layers");
    nn_plan_free(plan);
    plan = NULL;
    memset(text, '#', sizeof text);
    EXPECT_STATUS(PN_ECONFIG, nn_plan_new(&plan, text, NN_TEXT_MAX + 1, &why));
    EXPECT_SAYS(&why, "expected at most 65536 bytes");
    /* A name of 64 characters, and of 65. */
    for (int len = NN_LAYER_NAME_MAX; len <= NN_LAYER_NAME_MAX + 1; len++) {
        char name[80] = "";
        memset(name, 'n', (size_t)len);
        (void)snprintf(text, sizeof text, "x = input 2\n%s = dense x 2\nl = mse %s\n", name, name);
        EXPECT_STATUS(len == NN_LAYER_NAME_MAX ? PN_OK : PN_ECONFIG,
                      nn_plan_new(&plan, text, strlen(text), &why));
    }
    EXPECT_SAYS(&why, "expected a name of at most 64 characters, seen 65");
    nn_plan_free(plan);
}

/* The weights of one dense layer 300 -> 100 with this initialiser: 30000 draws. */
static nn_real *
draw(struct nn_plan **plan, const char *init, uint64_t seed)
{
    char          text[128];
    struct pn_rng rng;
    (void)snprintf(text, sizeof text, "x = input 300\no = dense x 100 %s\nl = mse o\n", init);
    *plan          = plan_of(text);
    nn_real *theta = malloc((size_t)nn_plan_param_count(*plan) * sizeof *theta);
    assert_non_null(theta);
    pn_rng_init(&rng, seed);
    nn_plan_init(theta, *plan, &rng);
    return theta;
}

static void
initialisers_have_their_bounds_and_deviations(void **state)
{
    (void)state;
    /* The figures for fan_in 300, fan_out 100 are PyTorch's (goldens.json, `init`). */
    static const struct {
        const char *option;
        bool        uniform;
        double      figure; /* bound or deviation */
    } cases[] = {{"init=xavier", true, 0.1224744871391589},
                 {"init=xavier_normal", false, 0.07071067811865475},
                 {"init=he", false, 0.08164965809277261},
                 {"", false, 0.08164965809277261},
                 {"init=he_uniform", true, 0.1414213562373095},
                 {"init=lecun", false, 0.05773502691896258},
                 {"init=torch", true, 0.05773502691896257},
                 {"init=random scale=0.5", false, 0.5}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct nn_plan *plan;
        nn_real        *theta = draw(&plan, cases[i].option, 7);
        double          n = 30000, sum = 0, squares = 0, most = 0, figure = cases[i].figure;
        for (size_t k = 0; k < 30000; k++) {
            sum += (double)theta[k];
            squares += (double)theta[k] * (double)theta[k];
            most = fmax(most, fabs((double)theta[k]));
        }
        double variance = cases[i].uniform ? figure * figure / 3 : figure * figure;
        double fourth   = cases[i].uniform ? 0.8 : 2; /* var(x^2) / var^2: 4/5 or 2 */
        EXPECT_NEAR(sum / n, 0, 4 * sqrt(variance / n));
        EXPECT_NEAR(squares / n, variance, 4 * variance * sqrt(fourth / n));
        if (cases[i].uniform)
            assert_true(most <= figure * (1 + 1e-6) && most > figure * 0.999);
        bool torch = strcmp(cases[i].option, "init=torch") == 0;
        for (size_t k = 30000; k < 30100; k++) /* biases */
            assert_true(torch ? fabs((double)theta[k]) <= figure : (double)theta[k] == 0);
        free(theta);
        nn_plan_free(plan);
    }
}

static void
zero_init_is_zero_and_a_seed_gives_the_same_parameters(void **state)
{
    (void)state;
    struct nn_plan *plan[3];
    nn_real        *zero = draw(&plan[0], "init=zero", 7);
    for (size_t k = 0; k < 30100; k++)
        assert_true((double)zero[k] == 0);
    nn_real *a = draw(&plan[1], "", 7), *b = draw(&plan[2], "", 7);
    assert_memory_equal(a, b, 30100 * sizeof *a);
    free(b);
    nn_plan_free(plan[2]);
    b = draw(&plan[2], "", 8);
    assert_memory_not_equal(a, b, 30000 * sizeof *a);
    free(zero);
    free(a);
    free(b);
    for (int i = 0; i < 3; i++)
        nn_plan_free(plan[i]);
}

static void
tensors_of_equal_shape_start_differently(void **state)
{
    (void)state;
    struct net net;
    net_open(&net, "x = input 6\na = dense x 6 bias=no\nb = dense a 6 bias=no\nl = mse b\n", 1);
    assert_memory_not_equal(net.theta, net.theta + 36, 36 * sizeof(nn_real));
    net_close(&net);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_knows_its_sizes_and_its_loss),
        cmocka_unit_test(the_manifest_lists_tensors_densely_with_the_names_of_pytorch),
        cmocka_unit_test(equal_models_have_one_canonical_text_however_written),
        cmocka_unit_test(the_canonical_text_keeps_every_option),
        cmocka_unit_test(errors_say_where_and_what_to_do),
        cmocka_unit_test(limits_hold_at_their_edges),
        cmocka_unit_test(initialisers_have_their_bounds_and_deviations),
        cmocka_unit_test(zero_init_is_zero_and_a_seed_gives_the_same_parameters),
        cmocka_unit_test(tensors_of_equal_shape_start_differently),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
