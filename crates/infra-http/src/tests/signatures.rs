use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::*;

/// Every kind of key that is published, twice.
fn issuers(index: usize) -> [Issuer; 3] {
    [Issuer::rsa(index, "r"), Issuer::p256(index, "p"), Issuer::ed25519(index, "e")]
}

#[tokio::test]
async fn each_algorithm_verifies_with_its_key() {
    let [rsa, p256, ed25519] = issuers(0);
    let world = World::with_keys(&[&rsa, &p256, &ed25519]);
    for issuer in [&rsa, &p256, &ed25519] {
        assert_eq!(world.verify(&issuer.token()).await.unwrap().tenant.as_str(), "acme");
    }
    assert_eq!(world.provider.requests(), 1);
}

#[tokio::test]
async fn another_key_of_the_same_id_and_algorithm_is_refused() {
    let [rsa, p256, ed25519] = issuers(0);
    let world = World::with_keys(&[&rsa, &p256, &ed25519]);
    for issuer in issuers(1) {
        assert_eq!(world.refusal(&issuer.token()).await, "its signature is wrong");
    }
    let world = World::with_secret();
    let other = Issuer::of_secret(b"another secret of thirty-two bytes!!");
    assert_eq!(world.refusal(&other.token()).await, "its signature is wrong");
}

#[tokio::test]
async fn an_algorithm_that_is_not_the_keys_is_refused() {
    let rsa = Issuer::rsa(0, "r");
    let world = World::with_keys(&[&rsa]);
    for name in ["ES256", "EdDSA"] {
        let why = world.refusal(&rsa.token_with_header(&json!({ "alg": name }))).await;
        assert_eq!(why, "its algorithm is not that of its key");
    }
    for name in ["none", "None", "", "HS384", "RS384", "RS512", "PS256", "ES384", "rs256", "RS256 "] {
        let why = world.refusal(&rsa.token_with_header(&json!({ "alg": name }))).await;
        assert_eq!(why, "its algorithm is not accepted", "{name}");
    }
    for alg in [Value::Null, json!(["RS256"]), json!(256)] {
        assert_eq!(
            world.refusal(&rsa.token_with_header(&json!({ "alg": alg }))).await,
            "its algorithm is not accepted"
        );
    }
}

#[tokio::test]
async fn a_public_key_is_no_secret() {
    let rsa = Issuer::rsa(0, "r");
    let world = World::with_keys(&[&rsa]);
    world.verify(&rsa.token()).await.unwrap();
    for secret in public_forms(&rsa.jwk()) {
        let forged = Issuer::of_secret(&secret);
        for header in [json!({ "kid": "r" }), json!({})] {
            let why = world.refusal(&forged.token_with_header(&header)).await;
            assert_eq!(why, "its algorithm is not that of the configured keys");
        }
        // The signature is one with HMAC, the header says that it is one with RSA.
        let why = world.refusal(&forged.token_with_header(&json!({ "kid": "r", "alg": "RS256" }))).await;
        assert_eq!(why, "its signature is wrong");
    }
    let world = World::with_secret();
    assert_eq!(world.refusal(&rsa.token()).await, "its algorithm is not that of the configured keys");
    assert_eq!(
        world.refusal(&rsa.token_with_header(&json!({ "alg": "HS256" }))).await,
        "its signature is wrong"
    );
}

/// The forms of an RSA key that an attacker could use as a secret: the modulus, the key set, DER and PEM.
fn public_forms(jwk: &Value) -> Vec<Vec<u8>> {
    let part = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str().unwrap()).unwrap();
    let (n, e) = (part("n"), part("e"));
    let integer = |bytes: &[u8]| der(0x02, &[&[0], bytes].concat());
    let key = der(0x30, &[integer(&n), integer(&e)].concat());
    let algorithm = [0x30, 13, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 1, 5, 0];
    let spki = der(0x30, &[&algorithm[..], &der(0x03, &[&[0], key.as_slice()].concat())].concat());
    let text = STANDARD.encode(&spki);
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| str::from_utf8(line).unwrap()).collect();
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", lines.join("\n"));
    vec![n, jwk.to_string().into_bytes(), spki, pem.trim_end().as_bytes().to_vec(), pem.into_bytes()]
}

/// A value with its tag and its length (X.690).
fn der(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let short = &length[length.iter().position(|byte| *byte != 0).unwrap()..];
    let length =
        if content.len() < 128 { short.to_vec() } else { [&[0x80 | short.len() as u8], short].concat() };
    [&[tag], length.as_slice(), content].concat()
}

#[tokio::test]
async fn keys_and_addresses_in_the_header_have_no_effect() {
    let (known, unknown) = (Issuer::rsa(0, "r"), Issuer::rsa(1, "r"));
    let world = World::with_keys(&[&known]);
    let elsewhere = FakeIdentityProvider::start();
    elsewhere.publish(&[unknown.jwk()]);
    let members = [
        json!({ "jwk": unknown.jwk() }),
        json!({ "jku": elsewhere.url() }),
        json!({ "x5u": elsewhere.url() }),
        json!({ "x5c": ["MIIB"], "x5t": "x" }),
    ];
    for member in &members {
        assert_eq!(world.refusal(&unknown.token_with_header(member)).await, "its signature is wrong");
        assert!(world.verify(&known.token_with_header(member)).await.is_ok(), "{member}");
    }
    assert_eq!(elsewhere.connections(), 0);
}

#[tokio::test]
async fn required_extensions_are_refused() {
    let world = World::with_secret();
    for crit in [json!(["b64"]), json!([]), json!("exp")] {
        let token =
            Issuer::of_secret(SECRET.as_bytes()).token_with_header(&json!({ "crit": crit, "b64": false }));
        assert_eq!(world.refusal(&token).await, "its header requires an extension");
    }
}

#[tokio::test]
async fn malformed_tokens_are_refused_without_being_in_the_message() {
    let world = World::with_secret();
    let issuer = Issuer::of_secret(SECRET.as_bytes());
    let token = issuer.token();
    let (message, signature) = token.rsplit_once('.').unwrap();
    let (header, payload) = message.split_once('.').unwrap();
    let standard = STANDARD.encode(json!({ "alg": "HS256", "typ": "J>W?T~" }).to_string());
    let claims = claims().to_string();
    let twice = format!("{},\"tenant\":\"other\"}}", claims.trim_end_matches('}'));
    let wrong = [
        String::new(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "s3cret".to_owned(),
        message.to_owned(),
        format!("{message}."),
        format!("{message}.{signature}."),
        format!("{message}.{signature}.{signature}"),
        format!("{message}.{signature}=="),
        format!("{message}.{}", &signature[1..]),
        format!("{message}.{}", signature.to_ascii_lowercase()),
        format!(" {token}"),
        format!("{token}\n"),
        format!("{standard}.{payload}.{signature}"),
        format!("{payload}.{header}.{signature}"),
        issuer.sign_texts(&issuer.header().to_string(), &twice),
        issuer.sign_texts(r#"{"alg":"HS256","alg":"HS256"}"#, &claims),
        issuer.sign_texts(r#"{"alg":"none","alg":"HS256"}"#, &claims),
        issuer.sign_texts(r#"{"alg":"HS256","kid":7}"#, &claims),
        issuer.sign_texts("[]", &claims),
        issuer.sign_texts(&issuer.header().to_string(), "s3cret"),
        issuer.token_with(&json!({ "long": "x".repeat(16 << 10) })),
    ];
    for token in wrong {
        let why = world.refusal(&token).await;
        assert!(!why.contains("s3cret"), "{why}");
    }
}

#[tokio::test]
async fn a_token_that_names_no_key_needs_the_only_key_of_its_algorithm() {
    let [rsa, p256, ed25519] = issuers(0);
    let anonymous = Issuer::rsa(0, "r").without_key_id();
    let world = World::with_keys(&[&rsa, &p256, &ed25519]);
    assert!(world.verify(&anonymous.token()).await.is_ok());
    let world = World::with_keys(&[&rsa, &Issuer::rsa(1, "r2"), &p256]);
    assert_eq!(
        world.refusal(&anonymous.token()).await,
        "it names no key, and several keys have its algorithm"
    );
    let world = World::with_keys(&[&p256]);
    assert_eq!(world.refusal(&anonymous.token()).await, "its key is not known");
    let world = World::with_keys(&[&anonymous]);
    assert_eq!(world.refusal(&rsa.token()).await, "its key is not known");
}

#[tokio::test]
async fn two_keys_of_one_id_are_told_apart_by_their_algorithm_alone() {
    let (rsa, p256) = (Issuer::rsa(0, "same"), Issuer::p256(0, "same"));
    let world = World::with_keys(&[&rsa, &p256]);
    assert!(world.verify(&rsa.token()).await.is_ok() && world.verify(&p256.token()).await.is_ok());
    let world = World::with_keys(&[&rsa, &Issuer::rsa(1, "same")]);
    assert_eq!(world.refusal(&rsa.token()).await, "several keys have its key id");
}

#[tokio::test]
async fn published_keys_for_other_purposes_are_ignored() {
    let [rsa, p256, ed25519] = issuers(0);
    let weak = URL_SAFE_NO_PAD.encode([0xff; 255]);
    let ignored = [
        (&rsa, rsa.jwk_with(&json!({ "use": "enc" }))),
        (&rsa, rsa.jwk_with(&json!({ "key_ops": ["encrypt"] }))),
        (&rsa, rsa.jwk_with(&json!({ "alg": "RS512" }))),
        (&rsa, rsa.jwk_with(&json!({ "alg": "PS256" }))),
        (&rsa, rsa.jwk_with(&json!({ "alg": "HS256" }))),
        (&rsa, rsa.jwk_with(&json!({ "n": weak }))),
        (&rsa, rsa.jwk_with(&json!({ "n": null }))),
        (&rsa, rsa.jwk_with(&json!({ "n": 7 }))),
        (&rsa, json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET), "kid": "r", "alg": "RS256" })),
        (&p256, p256.jwk_with(&json!({ "crv": "P-384" }))),
        (&p256, p256.jwk_with(&json!({ "crv": null }))),
        (&p256, p256.jwk_with(&json!({ "y": "AA" }))),
        (&p256, p256.jwk_with(&json!({ "alg": "ES384" }))),
        (&ed25519, ed25519.jwk_with(&json!({ "crv": "X25519" }))),
        (&ed25519, ed25519.jwk_with(&json!({ "kty": "EC" }))),
        (&ed25519, json!("a text")),
    ];
    let other = Issuer::p256(1, "other");
    for (issuer, jwk) in ignored {
        let world = World::with_keys(&[]);
        world.provider.publish(&[jwk.clone(), other.jwk()]);
        assert_eq!(world.refusal(&issuer.token()).await, "its key is not known", "{jwk}");
        assert!(world.verify(&other.token()).await.is_ok(), "{jwk}");
    }
}

#[tokio::test]
async fn published_keys_need_neither_algorithm_nor_use() {
    for issuer in issuers(0) {
        let world = World::with_keys(&[]);
        let jwk =
            issuer.jwk_with(&json!({ "alg": null, "use": null, "key_ops": ["verify"], "x5c": ["MIIB"] }));
        world.provider.publish(&[jwk]);
        assert!(world.verify(&issuer.token()).await.is_ok());
    }
}

#[tokio::test]
async fn a_secret_in_a_key_set_is_never_used() {
    let world = World::with_keys(&[]);
    world
        .provider
        .publish(&[json!({ "kty": "oct", "k": URL_SAFE_NO_PAD.encode(SECRET), "kid": "s", "alg": "HS256" })]);
    let token = Issuer::of_secret(SECRET.as_bytes()).token_with_header(&json!({ "kid": "s" }));
    assert_eq!(world.refusal(&token).await, "its algorithm is not that of the configured keys");
    assert_eq!(world.provider.connections(), 0);
}
