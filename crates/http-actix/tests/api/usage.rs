//! What callers see of their limits, and how keys are limited.

use std::num::NonZeroU32;
use std::time::Duration;

use application::ports::{
    ConcurrencyStanding, LimitsStanding, OwnLimits, Principal, PrincipalStanding, RateStanding,
};
use domain::value_objects::{Limits, Rate, Scope};
use serde_json::{Value, json};

use crate::access::{get, key, post, service as with_authentication};
use crate::support::{Service, all_limits, limit_tenant, standing};

fn not_limited() -> Value {
    json!({"requests": null, "texts": null, "concurrent": null, "texts_per_day": null})
}

#[actix_web::test]
async fn a_tenant_without_limits_has_its_texts_of_the_day() {
    let service = Service::new();
    service.create(&json!({"text": "good"})).await;
    let items = json!({"items": [{"text": "good"}, {"text": " "}, {"text": "bad"}]});
    service.post_json("/api/v1/predictions/batch", &items).await;
    assert_eq!(
        service.get("/api/v1/usage").await.json(),
        json!({
            "tenant": "default",
            "day_ends_at": "2026-01-02T00:00:00.000000Z",
            "texts_today": 3,
            "limits": not_limited(),
            "key": null,
        })
    );
}

#[actix_web::test]
async fn limits_are_reported_with_what_is_left_of_them() {
    let service = with_authentication();
    limit_tenant(&service, all_limits()).await;
    let scopes = [Scope::KeysAdmin, Scope::PredictionsWrite];
    let admin = key(&service, &scopes).await;
    let body = json!({"scopes": ["predictions:write"], "limits": {
        "requests": {"per_second": 2}, "texts_per_day": 3
    }});
    let issued = post(&service, "/api/v1/keys", &admin, &body).await.json();
    let caller = issued["key"].as_str().unwrap();
    for sender in [&admin, caller] {
        post(&service, "/api/v1/predictions", sender, &json!({"text": "good"})).await;
    }
    let rate = Rate::try_new("limits.requests", 2, 2).unwrap();
    let own = LimitsStanding {
        requests: Some(RateStanding { rate, remaining: 1, full_in: Duration::from_millis(500) }),
        ..LimitsStanding::default()
    };
    let concurrent = Some(ConcurrencyStanding { max: 4, in_use: 1 });
    let tenant = LimitsStanding { concurrent, ..standing() };
    service.limiter.set_standing(PrincipalStanding { tenant, own: Some(own) });
    let usage = get(&service, "/api/v1/usage", caller).await;
    assert_eq!(
        usage.json(),
        json!({
            "tenant": "default",
            "day_ends_at": "2026-01-02T00:00:00.000000Z",
            "texts_today": 2,
            "limits": {
                "requests": {"per_second": 10, "burst": 20, "remaining": 19},
                "texts": {"per_second": 10, "burst": 1_000, "remaining": 940},
                "concurrent": {"max": 4, "in_use": 1},
                "texts_per_day": {"quota": 50, "used": 2, "remaining": 48},
            },
            "key": {
                "texts_today": 1,
                "limits": {
                    "requests": {"per_second": 2, "burst": 2, "remaining": 1},
                    "texts": null,
                    "concurrent": null,
                    "texts_per_day": {"quota": 3, "used": 1, "remaining": 2},
                },
            },
        })
    );
    let me = get(&service, "/api/v1/me", caller).await.json();
    assert_eq!(
        me["limits"],
        json!({
            "tenant": {
                "requests": {"per_second": 10, "burst": 20},
                "texts": {"per_second": 10, "burst": 1_000},
                "concurrent": 4,
                "texts_per_day": 50,
            },
            "caller": issued["limits"],
        })
    );
}

#[actix_web::test]
async fn a_caller_without_authentication_sees_the_limits_of_its_tenant() {
    let service = Service::new();
    limit_tenant(&service, all_limits()).await;
    let me = service.get("/api/v1/me").await.json();
    assert_eq!((&me["limits"]["tenant"]["concurrent"], &me["limits"]["caller"]), (&json!(4), &Value::Null));
}

#[actix_web::test]
async fn a_key_is_issued_with_limits_that_are_shown_and_counted() {
    let service = with_authentication();
    let admin = key(&service, &[Scope::KeysAdmin, Scope::ModelsRead]).await;
    for (limits, shown) in [
        (Value::Null, Value::Null),
        (json!({}), Value::Null),
        (
            json!({"requests": {"per_second": 5}, "texts": {"per_second": 5}}),
            json!({"requests": {"per_second": 5, "burst": 5}, "texts": {"per_second": 5, "burst": 1_000},
                   "concurrent": null, "texts_per_day": null}),
        ),
        (
            json!({"texts": {"per_second": 2_000}, "concurrent": 3.0, "texts_per_day": 9_000_000_000_u64}),
            json!({"requests": null, "texts": {"per_second": 2_000, "burst": 2_000}, "concurrent": 3,
                   "texts_per_day": 9_000_000_000_u64}),
        ),
        (
            json!({"requests": {"per_second": 5, "burst": 1}, "texts": {"per_second": 5, "burst": 7}}),
            json!({"requests": {"per_second": 5, "burst": 1}, "texts": {"per_second": 5, "burst": 7},
                   "concurrent": null, "texts_per_day": null}),
        ),
    ] {
        let body = json!({"scopes": ["models:read"], "limits": limits});
        let issued = post(&service, "/api/v1/keys", &admin, &body).await.json();
        assert_eq!(issued["limits"], shown, "{limits}");
        let listed = get(&service, "/api/v1/keys", &admin).await.json();
        let listed = listed["items"].as_array().unwrap().iter().find(|key| key["id"] == issued["id"]);
        assert_eq!(listed.unwrap()["limits"], shown);
    }
    let body = json!({"scopes": ["models:read"], "limits": {"concurrent": 2}});
    let issued = post(&service, "/api/v1/keys", &admin, &body).await.json();
    get(&service, "/api/v1/models", issued["key"].as_str().unwrap()).await;
    let limits = Limits { concurrent: NonZeroU32::new(2), ..Limits::default() };
    let id = format!("key:{}", issued["id"].as_str().unwrap());
    let own = Some(OwnLimits { id, limits });
    assert_eq!(service.limiter.requests().last(), Some(&Principal { own, ..Principal::default() }));
}

#[actix_web::test]
async fn a_key_is_limited_at_least_as_its_tenant_and_its_issuer() {
    let service = with_authentication();
    limit_tenant(&service, Limits { concurrent: NonZeroU32::new(8), ..Limits::default() }).await;
    let admin = key(&service, &[Scope::KeysAdmin]).await;
    let own = json!({"texts": {"per_second": 10, "burst": 100}, "texts_per_day": 500});
    let body = json!({"scopes": ["keys:admin"], "limits": own});
    let limited = post(&service, "/api/v1/keys", &admin, &body).await.json();
    let limited = limited["key"].as_str().unwrap();
    for (limits, field) in [
        (json!({"texts": {"per_second": 11, "burst": 100}}), "limits.texts"),
        (json!({"texts": {"per_second": 10}}), "limits.texts"),
        (json!({"texts_per_day": 501}), "limits.texts_per_day"),
        (json!({"concurrent": 9}), "limits.concurrent"),
    ] {
        let body = json!({"scopes": ["keys:admin"], "limits": limits});
        let answer = post(&service, "/api/v1/keys", limited, &body).await;
        assert_eq!(answer.problem(), (422, "out_of_range".into(), Some(field.into())), "{limits}");
    }
    let body = json!({"scopes": ["keys:admin"], "limits": {"texts_per_day": 20}});
    let issued = post(&service, "/api/v1/keys", limited, &body).await.json();
    assert_eq!(
        issued["limits"],
        json!({"requests": null, "texts": {"per_second": 10, "burst": 100}, "concurrent": null,
               "texts_per_day": 20})
    );
}

#[actix_web::test]
async fn limits_that_are_not_allowed_are_reported_by_their_path() {
    let service = with_authentication();
    let admin = key(&service, &[Scope::KeysAdmin]).await;
    for (limits, code, field) in [
        (json!([]), "wrong_type", "limits"),
        (json!({"tokens": 1}), "unknown_field", "limits.tokens"),
        (json!({"requests": 5}), "wrong_type", "limits.requests"),
        (json!({"requests": {}}), "missing_field", "limits.requests.per_second"),
        (json!({"requests": {"per_second": null}}), "wrong_type", "limits.requests.per_second"),
        (json!({"requests": {"per_second": 0.5}}), "wrong_type", "limits.requests.per_second"),
        (json!({"requests": {"per_second": 1, "window": 1}}), "unknown_field", "limits.requests.window"),
        (json!({"requests": {"per_second": 0}}), "out_of_range", "limits.requests"),
        (json!({"requests": {"per_second": -1}}), "out_of_range", "limits.requests"),
        (json!({"texts": {"per_second": 1_000_001}}), "out_of_range", "limits.texts"),
        (json!({"texts": {"per_second": 1, "burst": 0}}), "out_of_range", "limits.texts"),
        (json!({"concurrent": "4"}), "wrong_type", "limits.concurrent"),
        (json!({"concurrent": 0}), "out_of_range", "limits.concurrent"),
        (json!({"concurrent": 1e10}), "out_of_range", "limits.concurrent"),
        (json!({"texts_per_day": 0}), "out_of_range", "limits.texts_per_day"),
        (json!({"texts_per_day": -5}), "out_of_range", "limits.texts_per_day"),
    ] {
        let body = json!({"scopes": ["keys:admin"], "limits": limits});
        let answer = post(&service, "/api/v1/keys", &admin, &body).await;
        assert_eq!(answer.problem(), (422, code.into(), Some(field.into())), "{limits}");
    }
    service.assert_nothing_logged_at_error();
}
