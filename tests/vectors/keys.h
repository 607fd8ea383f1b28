/* Made by tests/vectors/make_keys.py with PyNaCl. */
#ifndef TESTS_VECTORS_KEYS_H
#define TESTS_VECTORS_KEYS_H

#include <stddef.h>
#include <stdint.h>

/* The seed is 32 bytes: first, first + 1, ...; byte k of the message is k * 7 & 255. */
static const struct {
    uint8_t     first;
    const char *domain;
    size_t      size;
    const char *public_key, *signature;
} sign_vectors[] = {
    {0, "frame", 0,
     "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
     "256464703ebec37014dde1bce6f6d263eba205d1a39e6544f98f2a920ca1e378"
     "a754d71a140896feb904ebe2c6811138f17c6588f6950f3266b67180dfdf0d05"},
    {1, "frame", 128,
     "79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664",
     "166e106d7d2516b00edaf858ace5d1c85e261b3639030d3a0b8b2d5991d7715c"
     "76dfafc4d44ea725fe061501edd3ed5126129c14e61d31d32c9265a11f49b400"},
    {2, "update", 124,
     "43cdc023d22d5f9e107d1a0693457d35d1d10eb7d21c721192f56f5de40665d3",
     "327c72902b38661dcb56e4411627a1119b23596e468d88005fc73832c1685431"
     "2ab47c1152af0c1538c1117bf38df7ed4e58a0abda0d6343e5abec6f09ddd50b"},
    {3, "block", 32,
     "481ede772da15785c9e59a086201b8c3f9c307129e3fc6d7f34aa4dfed5814e5",
     "414ffd7cc2800afcbcece321ff0574d5c284dfd00cc4c5bde04783ff5c88e7ac"
     "7d6ecfff441030cd2ac049f64005a3f015482759e46ecf7f4dc083e9815c2003"},
    {4, "witness", 32,
     "51998ccfdfffd83d9724490818ca22a97a030d18bb2a9d74668f72b81c3fa588",
     "789a343ac9d2c3de547d7c386bc64605f08ad5792beb9da106a5bfca60b357d0"
     "022862b644efcd8671582e714db86025f5e581dfc64539a59477d4809736a700"},
    {5, "certificate", 1024,
     "c99e2b37de93002df68326a785493cd4aa487d1a45fa2117aa105048923bf781",
     "2e737cc74519f7e9313444bce6db6d73ae41d0f3332a19755c73a83d3c66850f"
     "83c10fd08ffc7428efb75a2baa1a43fd5c0f8faf051b6db756fa6d82d78d0c04"},
};

/* bank-a, serial 7, 1700000000 to 1800000000, keys 0x11.. and 0x22.., root seed 9. */
static const char certificate_signature[] =
    "833a1837ee76c90da9c0e55f95aaf6f76150dad0bbbc4d9a4578f66611c2414e"
    "8c9a23bb29e0689638616533cca5ce6ed7ddff01dc18da43f27a9bf73e244908";

static const char fingerprint_of_11[] = "SHA256:AtRJox+7JnyPNS6ZaKeePl/JXBu+qlAv1kVOveWkvtw";

/* Seed 40, and a transport secret of the same bytes. */
static const char node_key_file[] =
    "panal node key\n"
    "public iOR2lURJQLw8airG/1LqCPq+vNh8WdWK1Lkw1genYNE=\n"
    "secret KCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkeI5HaVRElAvDxqK"
    "sb/UuoI+r682HxZ1YrUuTDWB6dg0Q==""\n";
static const char transport_key_file[] =
    "panal transport key\n"
    "public SS8cuFhH/8e7Qnhl9kxegEHsBJmzeh2pRaFbQQKvAn4=\n"
    "secret KCkqKywtLi8wMTIzNDU2Nzg5Ojs8PT4/QEFCQ0RFRkc=\n";
/* The passphrase is "correct horse". */
static const char sealed_key_file[] =
    "panal root key\n"
    "public iOR2lURJQLw8airG/1LqCPq+vNh8WdWK1Lkw1genYNE=\n"
    "sealed AAECAwQFBgcICQoLDA0ODwABAgMEBQYHCAkKCwwNDg8QERITFBUWF/dhH"
    "/DfW+L5ZNlYXrVQkqs70Syan7qaI5NMAkKmxECRQ+f/lm+l8m4ZRgmj/zhnoM/8Z"
    "3baYM4pyDR+NthMgNj1H6cWZaOtBbd2ZCKOF1oK""\n";

#endif
