#include "crypto/minisign.h"

#include "support/expect.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char file_text[] = "version: 1\nfederation: demo\n";

struct fixture {
    struct sec_sign_public key, other_key;
    struct sec_sign_secret secret, other_secret;
    struct pn_buffer       public_file, signature;
};

static int
start(void **state)
{
    static struct fixture fixture;
    uint8_t               seed[32] = {7}, other[32] = {8};
    if (sec_init() != PN_OK)
        return 1;
    sec_sign_from_seed(&fixture.key, &fixture.secret, seed);
    sec_sign_from_seed(&fixture.other_key, &fixture.other_secret, other);
    pn_buffer_init(&fixture.public_file, 1024);
    pn_buffer_init(&fixture.signature, 1024);
    *state = &fixture;
    return sec_minisign_public(&fixture.public_file, &fixture.key) == PN_OK &&
                   sec_minisign_sign(&fixture.signature, file_text, strlen(file_text),
                                     "panal roster demo epoch 1", &fixture.secret) == PN_OK
               ? 0
               : 1;
}

static int
stop(void **state)
{
    struct fixture *fixture = *state;
    pn_buffer_fini(&fixture->public_file);
    pn_buffer_fini(&fixture->signature);
    return 0;
}

static enum pn_status
verify(const struct fixture *fixture, const char *signature, size_t size, struct pn_error *why)
{
    return sec_minisign_verify(file_text, strlen(file_text), signature, size, &fixture->key, why);
}

static void
own_signature_is_accepted(void **state)
{
    struct fixture *fixture = *state;
    struct pn_error why;
    EXPECT_OK(
        verify(fixture, (const char *)fixture->signature.bytes, fixture->signature.size, &why));
}

static void
changed_file_or_another_key_is_refused(void **state)
{
    struct fixture  *fixture = *state;
    struct pn_buffer other;
    struct pn_error  why;
    char             text[sizeof file_text];
    const char      *signature = (const char *)fixture->signature.bytes;
    for (size_t bit = 0; bit < 8 * strlen(file_text); bit++) {
        memcpy(text, file_text, sizeof text);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        EXPECT_STATUS(PN_EAUTH, sec_minisign_verify(text, strlen(file_text), signature,
                                                    fixture->signature.size, &fixture->key, &why));
        EXPECT_SAYS(&why, "not of these bytes");
    }
    EXPECT_STATUS(PN_EAUTH,
                  sec_minisign_verify(file_text, strlen(file_text), signature,
                                      fixture->signature.size, &fixture->other_key, &why));
    EXPECT_SAYS(&why, "another key");

    pn_buffer_init(&other, 1024);
    EXPECT_OK(sec_minisign_sign(&other, file_text, strlen(file_text), "", &fixture->other_secret));
    EXPECT_STATUS(PN_EAUTH, verify(fixture, (const char *)other.bytes, other.size, &why));
    pn_buffer_fini(&other);
}

/* The untrusted comment is nobody's word; every other bit of the file counts. */
static void
signature_file_is_refused_when_any_bit_below_its_first_line_changes(void **state)
{
    struct fixture *fixture = *state;
    struct pn_error why;
    char            text[1024];
    const char     *good   = (const char *)fixture->signature.bytes;
    size_t          size   = fixture->signature.size;
    size_t          second = (size_t)(strchr(good, '\n') - good) + 1;
    for (size_t bit = 8 * second; bit < 8 * size; bit++) {
        memcpy(text, good, size);
        text[bit / 8] = (char)(text[bit / 8] ^ 1 << bit % 8);
        EXPECT_STATUS(PN_EAUTH, verify(fixture, text, size, &why));
    }
    for (size_t cut = 0; cut < size; cut++)
        EXPECT_STATUS(PN_EAUTH, verify(fixture, good, cut, &why));
    memset(text, '\n', sizeof text);
    EXPECT_STATUS(PN_EAUTH, verify(fixture, text, sizeof text, &why));
    static const char huge[1025];
    EXPECT_STATUS(PN_EAUTH, verify(fixture, huge, sizeof huge, &why));
}

static void
changed_trusted_comment_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct pn_error why;
    char            text[1024] = "";
    memcpy(text, fixture->signature.bytes, fixture->signature.size);
    *strstr(text, "epoch 1") = 'E';
    EXPECT_STATUS(PN_EAUTH, verify(fixture, text, fixture->signature.size, &why));
    EXPECT_SAYS(&why, "trusted comment");
}

static void
comment_of_more_than_one_line_is_not_signed(void **state)
{
    struct fixture  *fixture = *state;
    struct pn_buffer out;
    char             long_comment[400];
    pn_buffer_init(&out, 1024);
    EXPECT_STATUS(PN_ERANGE, sec_minisign_sign(&out, "x", 1, "two\nlines", &fixture->secret));
    memset(long_comment, 'c', sizeof long_comment);
    long_comment[sizeof long_comment - 1] = '\0';
    EXPECT_STATUS(PN_ERANGE, sec_minisign_sign(&out, "x", 1, long_comment, &fixture->secret));
    assert_int_equal(out.size, 0);
    pn_buffer_fini(&out);
}

/* ---- the same files under Debian's own tool ---- */

static void
path_of(char out[static 256], const char *folder, const char *name)
{
    snprintf(out, 256, "%s/%s", folder, name);
}

static void
write_file(const char *folder, const char *name, const void *bytes, size_t size)
{
    char path[256];
    path_of(path, folder, name);
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

static const char tool[] = "/usr/bin/minisign";

/* True when it accepts the file; its words go to `out` in the folder. */
static bool
minisign_accepts(const char *folder)
{
    char public_path[256], file_path[256], signature_path[256], out_path[256];
    path_of(public_path, folder, "public");
    path_of(file_path, folder, "file");
    path_of(signature_path, folder, "file.minisig");
    path_of(out_path, folder, "out");
    char *const argv[]        = {(char *)tool, "-V", "-p",           public_path, "-m",
                                 file_path,    "-x", signature_path, NULL};
    char *const environment[] = {NULL};

    posix_spawn_file_actions_t actions;
    pid_t                      child;
    int                        status = 0;
    assert_int_equal(posix_spawn_file_actions_init(&actions), 0);
    assert_int_equal(
        posix_spawn_file_actions_addopen(&actions, 1, out_path, O_WRONLY | O_CREAT | O_TRUNC, 0600),
        0);
    assert_int_equal(posix_spawn_file_actions_adddup2(&actions, 1, 2), 0);
    assert_int_equal(posix_spawn(&child, tool, &actions, NULL, argv, environment), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    posix_spawn_file_actions_destroy(&actions);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static void
remove_folder(const char *folder)
{
    static const char *const names[] = {"public", "file", "file.minisig", "out"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        char path[256];
        path_of(path, folder, names[i]);
        (void)remove(path);
    }
    assert_int_equal(rmdir(folder), 0);
}

static void
debians_minisign_accepts_the_file_and_refuses_a_changed_one(void **state)
{
    struct fixture *fixture  = *state;
    char            folder[] = "/tmp/panal-minisign-XXXXXX", path[256], said[1024] = "";
    if (access(tool, X_OK) != 0) {
        print_message("SKIPPED: there is no %s on this machine (apt install minisign)\n", tool);
        skip();
    }
    assert_non_null(mkdtemp(folder));
    write_file(folder, "public", fixture->public_file.bytes, fixture->public_file.size);
    write_file(folder, "file.minisig", fixture->signature.bytes, fixture->signature.size);
    write_file(folder, "file", file_text, strlen(file_text));
    bool good = minisign_accepts(folder);
    path_of(path, folder, "out");
    FILE *out = fopen(path, "rb");
    if (out != NULL) {
        (void)!fread(said, 1, sizeof said - 1, out);
        fclose(out);
    }
    write_file(folder, "file", "version: 2\n", 11);
    bool bad = minisign_accepts(folder);
    remove_folder(folder);
    assert_true(good);
    assert_non_null(strstr(said, "Trusted comment: panal roster demo epoch 1"));
    assert_false(bad);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(own_signature_is_accepted),
        cmocka_unit_test(changed_file_or_another_key_is_refused),
        cmocka_unit_test(signature_file_is_refused_when_any_bit_below_its_first_line_changes),
        cmocka_unit_test(changed_trusted_comment_is_named),
        cmocka_unit_test(comment_of_more_than_one_line_is_not_signed),
        cmocka_unit_test(debians_minisign_accepts_the_file_and_refuses_a_changed_one),
    };
    return cmocka_run_group_tests(tests, start, stop);
}
