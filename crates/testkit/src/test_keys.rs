/// Private RSA keys of 2048 bits that only tests use, in DER (PKCS #1).
pub const RSA_KEYS: [&[u8]; 2] =
    [include_bytes!("../fixtures/keys/rsa_a.der"), include_bytes!("../fixtures/keys/rsa_b.der")];

/// Private keys on P-256 that only tests use, in DER (PKCS #8).
pub const P256_KEYS: [&[u8]; 2] =
    [include_bytes!("../fixtures/keys/ec_a.der"), include_bytes!("../fixtures/keys/ec_b.der")];

/// Private keys on Ed25519 that only tests use, in DER (PKCS #8).
pub const ED25519_KEYS: [&[u8]; 2] =
    [include_bytes!("../fixtures/keys/ed_a.der"), include_bytes!("../fixtures/keys/ed_b.der")];
