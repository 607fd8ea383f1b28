/* A key file, or a minisign signature, that anybody may have written. */
#include "crypto/keys.h"
#include "crypto/minisign.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

/* What decodes must encode to the same bytes. */
static void
check_sign_key(const char *kind, const char *text, size_t size)
{
    struct sec_sign_public public_key;
    struct sec_sign_secret secret;
    struct pn_error        why;
    struct pn_buffer       again;
    if (sec_key_decode(&public_key, &secret, sizeof secret, kind, text, size, NULL, &why) != PN_OK)
        return;
    pn_buffer_init(&again, SEC_KEY_FILE_MAX);
    PN_ASSERT(sec_key_encode(&again, kind, &public_key, &secret, sizeof secret, NULL) == PN_OK);
    PN_ASSERT(again.size == size && memcmp(again.bytes, text, size) == 0);
    pn_buffer_fini(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static const uint8_t        seed[32] = {7};
    static const char           file[]   = "version: 1\n";
    struct sec_sign_public      key;
    struct sec_sign_secret      secret;
    struct sec_transport_public transport;
    struct sec_transport_secret transport_secret;
    struct pn_error             why;
    const char                 *text = (const char *)bytes;

    if (sec_init() != PN_OK)
        return 0;
    check_sign_key("root", text, size);
    check_sign_key("node", text, size);
    (void)!sec_key_decode(&transport, &transport_secret, sizeof transport_secret, "transport", text,
                          size, NULL, &why);
    sec_sign_from_seed(&key, &secret, seed);
    (void)!sec_minisign_verify(file, sizeof file - 1, text, size, &key, &why);
    return 0;
}
