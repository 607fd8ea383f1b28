#include "fed/policy.h"

#include "tests/support/expect.h"

static const char *const columns[] = {"age", "chol"};

static struct fed_job
a_job(void)
{
    struct fed_job job = {.rounds = 20, .cohort = 5, .quorum = 3, .epochs = 2};
    job.optimiser.kind = &nn_sgd_kind;
    job.hash.bytes[0]  = 0xab;
    return job;
}

static struct fed_policy_facts
some_facts(void)
{
    return (struct fed_policy_facts){
        .parameters = 1000, .records = 300, .columns = columns, .column_count = 2};
}

static void
expect_policy(const struct fed_policy *policy, const char *part, int line)
{
    struct fed_job          job   = a_job();
    struct fed_policy_facts facts = some_facts();
    struct pn_error         why   = {0};
    enum pn_status          seen  = fed_policy_check(policy, &job, &facts, &why);
    expect_status(part == NULL ? PN_OK : PN_EPOLICY, seen, "fed_policy_check", __FILE__, line);
    if (part != NULL)
        expect_says(&why, part, __FILE__, line);
    assert_true(strlen(why.text) <= 200); /* it must fit into an ANSWER */
    assert_null(strstr(why.text, "300")); /* never the site's data */
}
#define EXPECT_ALLOWED(...) expect_policy(&(struct fed_policy){__VA_ARGS__}, NULL, __LINE__)
#define EXPECT_DENIED(part, ...) expect_policy(&(struct fed_policy){__VA_ARGS__}, part, __LINE__)

static void
policy_without_limits_allows_everything(void **state)
{
    (void)state;
    EXPECT_ALLOWED(0);
}

static void
every_limit_allows_up_to_itself_and_denies_beyond(void **state)
{
    (void)state;
    EXPECT_ALLOWED(.parameters_max = 1000);
    EXPECT_DENIED("at most 999 parameters, the model has 1000", .parameters_max = 999);
    EXPECT_ALLOWED(.rounds_max = 20);
    EXPECT_DENIED("at most 19 rounds, the job asks for 20", .rounds_max = 19);
    EXPECT_ALLOWED(.epochs_max = 2);
    EXPECT_DENIED("at most 1 epochs a round, the job asks for 2", .epochs_max = 1);
    EXPECT_ALLOWED(.cohort_min = 3);
    EXPECT_DENIED("at least 4 members, the job's quorum is 3", .cohort_min = 4);
    EXPECT_ALLOWED(.records_min = 300);
    EXPECT_DENIED("fewer records", .records_min = 301);
}

static void
lists_allow_what_they_name_only(void **state)
{
    (void)state;
    static const char *const some[] = {"age"}, *const both[] = {"chol", "age", "sex"};
    static const char *const adam[] = {"adam"}, *const either[] = {"adam", "sgd"};
    struct sec_hash good = {{0xab}}, other = {{0xcd}}, approved[2] = {other, good};
    EXPECT_ALLOWED(.columns = both, .column_count = 3);
    EXPECT_DENIED("the column chol", .columns = some, .column_count = 1);
    EXPECT_ALLOWED(.optimisers = either, .optimiser_count = 2);
    EXPECT_DENIED("the optimiser sgd", .optimisers = adam, .optimiser_count = 1);
    EXPECT_ALLOWED(.jobs = approved, .job_count = 2);
    EXPECT_DENIED("approved jobs only, and job ab0000000000...", .jobs = approved, .job_count = 1);
}

/* What looks at every step of one training makes no sense over rounds: no site takes part. */
static void
what_only_one_machine_does_is_refused(void **state)
{
    (void)state;
    const struct fed_policy policy = {0};
    struct fed_policy_facts facts  = some_facts();
    struct fed_job          job    = a_job();
    struct pn_error         why;
    job.average = 0.9;
    EXPECT_STATUS(PN_EPOLICY, fed_policy_check(&policy, &job, &facts, &why));
    EXPECT_SAYS(&why, "training.average is for `panal train` alone");
    job.average        = 0;
    job.plateau.factor = 0.5;
    EXPECT_STATUS(PN_EPOLICY, fed_policy_check(&policy, &job, &facts, &why));
    EXPECT_SAYS(&why, "training.plateau is for");
}

/* What is counted is limited by epochs, what is timed by time. */
static void
a_round_by_time_needs_a_limit_by_time_where_epochs_are_limited(void **state)
{
    (void)state;
    struct fed_policy       policy = {0};
    struct fed_policy_facts facts  = some_facts();
    struct fed_job          job    = a_job();
    struct pn_error         why;
    job.time_ms = 30000;
    job.epochs  = 1;
    EXPECT_OK(fed_policy_check(&policy, &job, &facts, &why));
    policy.time_max = 30000;
    EXPECT_OK(fed_policy_check(&policy, &job, &facts, &why));
    policy.time_max = 29999;
    EXPECT_STATUS(PN_EPOLICY, fed_policy_check(&policy, &job, &facts, &why));
    EXPECT_SAYS(&why, "trains for at most 29999 ms a round, the job asks for 30000");
    policy = (struct fed_policy){.epochs_max = 1};
    EXPECT_STATUS(PN_EPOLICY, fed_policy_check(&policy, &job, &facts, &why));
    EXPECT_SAYS(&why, "at most 1 epochs a round, the job counts none");
    policy.time_max = 30000;
    EXPECT_OK(fed_policy_check(&policy, &job, &facts, &why));
}

/* An interval may grow to its upper bound. */
static void
the_most_steps_of_an_interval_count(void **state)
{
    (void)state;
    struct fed_policy       policy = {.epochs_max = 3};
    struct fed_policy_facts facts  = some_facts();
    struct fed_job          job    = a_job();
    struct pn_error         why;
    job.batch    = 10; /* 30 batches of 300 records are an epoch */
    job.steps    = 30;
    job.interval = (struct fed_interval){.min = 1, .max = 90};
    EXPECT_OK(fed_policy_check(&policy, &job, &facts, &why));
    job.interval.max = 91;
    EXPECT_STATUS(PN_EPOLICY, fed_policy_check(&policy, &job, &facts, &why));
    EXPECT_SAYS(&why, "at most 3 epochs a round, the job asks for 4");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policy_without_limits_allows_everything),
        cmocka_unit_test(every_limit_allows_up_to_itself_and_denies_beyond),
        cmocka_unit_test(lists_allow_what_they_name_only),
        cmocka_unit_test(what_only_one_machine_does_is_refused),
        cmocka_unit_test(a_round_by_time_needs_a_limit_by_time_where_epochs_are_limited),
        cmocka_unit_test(the_most_steps_of_an_interval_count),
    };
    if (sec_init() != PN_OK)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
