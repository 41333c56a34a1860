use domain::value_objects::{Scope, TenantId};

use super::*;

fn issuer() -> Issuer {
    Issuer::of_secret(SECRET.as_bytes())
}

#[tokio::test]
async fn a_valid_token_says_tenant_scopes_issuer_subject_and_end() {
    let verified = World::with_secret().verify(&issuer().token()).await.unwrap();
    let expected = VerifiedToken {
        tenant: TenantId::parse("acme").unwrap(),
        scopes: [Scope::PredictionsWrite, Scope::ModelsRead].into_iter().collect(),
        issuer: Some("https://idp.example".to_owned()),
        subject: Some("user-1".to_owned()),
        expires_at: Timestamp::from_micros((now() + 60) * 1_000_000),
        accepted_until: Timestamp::from_micros((now() + 90) * 1_000_000),
    };
    assert_eq!(verified, expected);
}

#[tokio::test]
async fn a_token_holds_from_nbf_to_exp_with_the_leeway_on_both_sides() {
    let world = World::with_secret();
    let token = issuer().token_with(&json!({ "nbf": now() + 100, "exp": now() + 200 }));
    for (seconds, expected) in [
        (69, Some("it is not valid yet")),
        (70, None),
        (200, None),
        (229, None),
        (230, Some("it has expired")),
    ] {
        world.clock.set(Timestamp::from_micros((now() + seconds) * 1_000_000));
        let refusal = match world.verify(&token).await {
            Ok(_) => None,
            Err(TokenError::Invalid { why }) => Some(why),
            Err(error) => panic!("{error:?}"),
        };
        assert_eq!(refusal.as_deref(), expected, "after {seconds} s");
    }
}

#[tokio::test]
async fn a_leeway_of_zero_is_exact() {
    let world = World::with_settings(|settings| {
        settings.secret = Some(JwtSecret::new(SECRET));
        settings.leeway = 0;
    });
    world.clock.set(Timestamp::from_micros(now() * 1_000_000));
    assert_eq!(world.refusal(&issuer().token_with(&json!({ "exp": now() }))).await, "it has expired");
    assert!(world.verify(&issuer().token_with(&json!({ "exp": now() + 1, "nbf": now() }))).await.is_ok());
    assert!(world.verify(&issuer().token_with(&json!({ "exp": now() as f64 + 0.5 }))).await.is_ok());
}

#[tokio::test]
async fn wrong_claims_are_refused() {
    let world = World::with_secret();
    for (changes, refusal) in [
        (json!({ "exp": null }), "exp"),
        (json!({ "exp": "2100-01-01" }), "times"),
        (json!({ "exp": -1 }), "times"),
        (json!({ "exp": 1e300 }), "times"),
        (json!({ "nbf": "now" }), "times"),
        (json!({ "iss": null }), "issuer"),
        (json!({ "iss": "https://idp.example/" }), "issuer"),
        (json!({ "iss": ["https://idp.example"] }), "issuer"),
        (json!({ "aud": null }), "audience"),
        (json!({ "aud": "Undertone" }), "audience"),
        (json!({ "aud": "under" }), "audience"),
        (json!({ "aud": [] }), "audience"),
        (json!({ "aud": ["other", 7] }), "audience"),
        (json!({ "aud": { "undertone": true } }), "audience"),
        (json!({ "tenant": null }), "tenant"),
        (json!({ "tenant": "" }), "tenant"),
        (json!({ "tenant": "ACME" }), "tenant"),
        (json!({ "tenant": ["acme"] }), "tenant"),
        (json!({ "scope": 7 }), "scopes"),
        (json!({ "scope": ["models:read", 7] }), "scopes"),
        (json!({ "sub": 7 }), "subject"),
        (json!({ "sub": "a\u{0}b" }), "subject"),
        (json!({ "sub": "x".repeat(256) }), "subject"),
    ] {
        let why = world.refusal(&issuer().token_with(&changes)).await;
        assert!(why.contains(refusal), "{changes}: {why}");
    }
}

#[tokio::test]
async fn one_fitting_audience_is_enough() {
    let world = World::with_secret();
    for audience in [json!("undertone-batch"), json!(["other", "undertone"])] {
        assert!(world.verify(&issuer().token_with(&json!({ "aud": audience }))).await.is_ok());
    }
}

#[tokio::test]
async fn a_token_grants_known_scopes_and_no_instance_scope_that_is_not_listed() {
    let scopes = async |world: &World, scope: Value| {
        let token = issuer().token_with(&json!({ "scope": scope }));
        world.verify(&token).await.unwrap().scopes.to_string()
    };
    let every = Scope::ALL.map(Scope::as_str);
    let of_tenants = domain::value_objects::Scopes::of_tenant().to_string();
    let world = World::with_secret();
    assert_eq!(scopes(&world, json!(every)).await, of_tenants);
    assert_eq!(scopes(&world, json!(every.join(" "))).await, of_tenants);
    assert_eq!(
        scopes(&world, json!("models:read  MODELS:WRITE models:writ models:read,models:write")).await,
        "models:read"
    );
    assert_eq!(scopes(&world, Value::Null).await, "");
    let world = World::with_settings(|settings| {
        settings.secret = Some(JwtSecret::new(SECRET));
        settings.instance_scopes = vec!["metrics:read".to_owned()];
    });
    assert_eq!(scopes(&world, json!(every)).await, format!("{of_tenants} metrics:read"));
}

#[tokio::test]
async fn claims_are_found_by_their_whole_name_and_then_by_a_path() {
    for (name, changes) in [
        ("https://idp.example/tenant", json!({ "https://idp.example/tenant": "acme" })),
        ("app.tenant", json!({ "app": { "tenant": "acme" } })),
        ("app.tenant", json!({ "app.tenant": "acme", "app": { "tenant": "other" } })),
        ("a.b.c", json!({ "a": { "b": { "c": "acme" } } })),
    ] {
        let world = World::with_settings(|settings| {
            settings.secret = Some(JwtSecret::new(SECRET));
            settings.tenant_claim = name.to_owned();
            settings.scopes_claim = "app.roles".to_owned();
        });
        let mut changes = changes;
        changes["tenant"] = "elsewhere".into();
        changes["app.roles"] = json!(["models:read"]);
        let verified = world.verify(&issuer().token_with(&changes)).await.unwrap();
        assert_eq!((verified.tenant.as_str(), verified.scopes.to_string().as_str()), ("acme", "models:read"));
    }
    let world = World::with_settings(|settings| {
        settings.secret = Some(JwtSecret::new(SECRET));
        settings.tenant_claim = "app.tenant".to_owned();
    });
    for app in [json!("acme"), json!(["acme"]), json!({ "tenants": "acme" })] {
        assert!(world.refusal(&issuer().token_with(&json!({ "app": app }))).await.contains("tenant"));
    }
}
