/* Made by tests/vectors/make_seal.py with PyNaCl. */
#ifndef TESTS_VECTORS_SEAL_H
#define TESTS_VECTORS_SEAL_H

#include <stddef.h>
#include <stdint.h>

/* Secrets are 32 bytes: first, first + 1, ...; session 0: a greeting. Byte k of the message is
 * k * 7 & 255; about: byte k is k. */
static const struct {
    uint8_t     ends[4]; /* own, theirs, own session, their session */
    size_t      size, about_size;
    const char *key, *sealed;
} seal_vectors[] = {
    {{1, 2, 0, 0}, 0, 0,
     "18f594117652779724a30fe28711e05618a1831a6bafe3fed5a7701fcdae72be",
     "0d3edd71009dd896c834821cb936ce0f4321a03610076197b4d68e52fd165e7b"
     "d1d2e64c51b731e9"},
    {{1, 2, 0, 0}, 192, 12,
     "18f594117652779724a30fe28711e05618a1831a6bafe3fed5a7701fcdae72be",
     "94eeada4cb7b732624e1375ae5e21f6be2ce9c9a392d03eaf916a941e5d54f64"
     "68b90260349d9d60045919809093a43874db47050d91d7641dfa8dd33a248010"
     "d27006f6f67d9ff8ba46323d7715975a52058f174fd0cd1da831d3f6af7e31f5"
     "5b404e928828ff52eb3c9b0d2a726d678fa59928eb77dad583c6179bdcdcdb85"
     "4d8e04e792e11e0a8696e728e523c7cd2a281ebe3aac40b1ce308608a3765a80"
     "f030331e500be9c12bfa116d8977b78b7f2015f45269a84fa1b298b1836081f0"
     "45894960e8c07b1fdd77095ff9390e2a5debb3dcc1fe5e195807429ae3a614a3"
     "78d5603c0ce1ce1d"},
    {{9, 100, 3, 4}, 1, 12,
     "17c21bce9c0bd8ccccb1bc4cee1345ec41620d2203652ec5eaf1827fbec2f99e",
     "c95daae2d2a980cf3d692cbcb2fd41059c7730bc4df43572d1b3ae220955fcb8"
     "8dd548f86e865acf9a"},
    {{9, 100, 3, 4}, 300, 12,
     "17c21bce9c0bd8ccccb1bc4cee1345ec41620d2203652ec5eaf1827fbec2f99e",
     "8043020d026b88f5f8e1edf0f575511403f88910d065f9cf218ab0286e43f317"
     "13b632e0acfeaaa0c33dde261794b60cc568d23bbbb5dd80564535cccfbe010b"
     "c7921e406d61760c5ef6e512559d3496c9d9c8aad02fcc665f232b9699dab38e"
     "e9a6cdac3cb73d6e68d1ab3c3167243e0c09a2a66d2ce83d797fd62edb813b93"
     "20a89825a6459303b4381009c83362fb5d72f5dea7d326bab47c5311af581619"
     "a468f5f219a1188c45a4dd485fd52b00a8c7e23f4064534e93cb6433b756ba32"
     "74de477ed0e90093c9f2e8e3beeaf4b64db58ccb5df6c8e8774d63f867ebbab4"
     "432ea713132ae02f7240ef44553340340fb16e3d1b28e98bac84273c37f4af9e"
     "8b82cc35c24be8c3e5a0582571720aa6f400e2f9a1c4ed96fb065043b1fd5a71"
     "ad601078203a93e0ea97bff3b2e0c9f8b6852c2f4fb5c2196a7be792189aa6ee"
     "547bcd1905b3aa86fca192116fdb8ca274a25de8"},
    {{200, 17, 5, 250}, 64, 3,
     "5ceed70489979c080018889c455ea8904467db813c3728f12f25e103c2c4e388",
     "c5eb7dcd4673426387a37091e1a9ce8bc7a05695455aa1d1d666283ae9b8ce09"
     "aef149f3fede9c61b8c2242ab91069da864f64f24f71127f9265c56bcc224772"
     "b46b4ec6449ebb00bd21462f4fb502c7a22d588dbfd79a29e418caf5d1ae9b58"
     "dd65739c4df5f4f0"},
};

#endif
