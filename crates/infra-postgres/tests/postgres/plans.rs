//! Lists and walks use their indexes.

use application::ports::{IdWalk, PredictionFilter, TextSelection, WalkLimits, WalkRange};
use domain::value_objects::{PredictionId, Sentiment, TenantId, Timestamp};
use sqlx::{AssertSqlSafe, Executor};
use store_contract::StoreHarness;
use store_contract::samples::{FIRST, Samples, reference};
use uuid::Uuid;

use crate::harness::{PostgresHarness, insert};

/// A store in which every choice of an index matters.
async fn filled() -> PostgresHarness {
    let store = PostgresHarness::start_with(|settings| settings.max_connections = 1).await;
    for some in Samples::new().many(6_000).chunks(1_000) {
        insert(&store.writes(), some).await.unwrap();
    }
    // The server does this by itself after a while.
    let tidy = "ANALYZE predictions; SELECT gin_clean_pending_list('predictions_by_term')";
    store.database.connect().await.execute(tidy).await.unwrap();
    store
}

/// The server's plan for `filter`: that of the statement that the store sends, with `values` as SQL literals.
async fn plan(store: &PostgresHarness, filter: &PredictionFilter, values: &str) -> String {
    // A page of 19 reads 20 rows.
    store.predictions().list(&TenantId::default(), filter, None, 19).await.unwrap();
    plan_of_last(store, values).await
}

/// The server's plan for the statement that the store has sent last, with `values` as SQL literals.
async fn plan_of_last(store: &PostgresHarness, values: &str) -> String {
    let mut beside = store.database.connect().await;
    let sent: String = sqlx::query_scalar(
        "SELECT query FROM pg_stat_activity WHERE datname = current_database() AND query LIKE '%ORDER BY id%' \
         AND pid <> pg_backend_pid()",
    )
    .fetch_one(&mut beside)
    .await
    .unwrap();
    beside.execute("SET plan_cache_mode = force_custom_plan").await.unwrap();
    beside.execute(AssertSqlSafe(format!("PREPARE list AS {sent}"))).await.unwrap();
    let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN EXECUTE list ({values})")))
        .fetch_all(&mut beside)
        .await
        .unwrap();
    lines.join("\n")
}

#[tokio::test]
async fn lists_use_their_indexes() {
    let store = filled().await;
    let any = PredictionFilter::default();
    for (filter, values, index) in [
        (any.clone(), "'default', 20", "predictions_pkey"),
        (
            PredictionFilter { sentiment: Some(Sentiment::Mixed), ..any.clone() },
            "'default', 'mixed', 20",
            "predictions_by_sentiment",
        ),
        (
            PredictionFilter { reference: Some(reference("sample-17")), ..any.clone() },
            "'default', 'sample-17', 20",
            "predictions_by_ref",
        ),
        (
            PredictionFilter { terms: ["4711".to_owned()].into(), ..any.clone() },
            "'default', '''4711''', 20",
            "predictions_by_term",
        ),
    ] {
        let plan = plan(&store, &filter, values).await;
        assert!(
            plan.contains(&format!("using {index} ")) || plan.contains(&format!("on {index} ")),
            "{plan}"
        );
        assert!(!plan.contains("Seq Scan"), "{plan}");
    }
}

#[tokio::test]
async fn walks_use_their_indexes() {
    let store = filled().await;
    let any = PredictionFilter::default();
    let last = store.predictions().newest(&TenantId::default()).await.unwrap().unwrap();
    let range = WalkRange { after: None, last };
    let ids = format!("'{}', '{last}'", PredictionId::from_u128(0));
    // A page whose filter has no index looks at a window of the ids.
    let edge = PredictionId::lowest_at(Timestamp::from_micros(FIRST + 100_000));
    let window = format!("'{}', '{edge}'", PredictionId::from_u128(0));
    for (filter, values, index) in [
        (any.clone(), format!("'default', {ids}, 20, 1000"), "predictions_pkey"),
        (
            PredictionFilter { sentiment: Some(Sentiment::Mixed), ..any.clone() },
            format!("'default', 'mixed', {ids}, 20, 1000"),
            "predictions_by_sentiment",
        ),
        (
            PredictionFilter { reference: Some(reference("sample-17")), ..any.clone() },
            format!("'default', 'sample-17', {ids}, 20, 1000"),
            "predictions_by_ref",
        ),
        (
            PredictionFilter { model: Some("unknown".to_owned()), ..any.clone() },
            format!("'default', 'unknown', {window}, 20, 1000"),
            "predictions_pkey",
        ),
    ] {
        let limits = WalkLimits { rows: 20, bytes: 1_000, read: 10_000 };
        store.predictions().walk(&TenantId::default(), &filter, range, limits).await.unwrap();
        let plan = plan_of_last(&store, &values).await;
        assert!(plan.contains(&format!("using {index} ")), "{plan}");
        assert!(!plan.contains("Seq Scan") && !plan.contains("Sort"), "{plan}");
    }
}

#[tokio::test]
async fn a_span_of_time_is_a_range_of_the_primary_key() {
    let store = filled().await;
    let filter = PredictionFilter {
        from: Some(Timestamp::from_micros(FIRST)),
        to: Some(Timestamp::from_micros(FIRST + 20_000)),
        ..PredictionFilter::default()
    };
    let ids = "'019b7c8d-0000-7000-8000-000000000000', '019b7c8d-0001-7000-8000-000000000000'";
    let values = format!("'default', '2026-01-02', '2026-01-03', {ids}, 20");
    let plan = plan(&store, &filter, &values).await;
    let condition = plan.lines().find(|line| line.contains("Index Cond")).unwrap_or_default();
    assert!(plan.contains("using predictions_pkey"), "{plan}");
    assert!(condition.contains("id >= ") && condition.contains("id < "), "{plan}");
}

#[tokio::test]
async fn other_reads_and_purges_use_their_indexes() {
    let store = PostgresHarness::start().await;
    let fill = "INSERT INTO audit (seq, tenant, at, actor, action, target) \
                SELECT n, CASE WHEN n % 2000 = 7 THEN 'rare' ELSE 'busy' END, now(), 'actor', 'action', 'target' FROM generate_series(1, 20000) n; \
                INSERT INTO api_keys (id, tenant, scopes, secret_hash, created_at) \
                SELECT 'key-' || n, CASE WHEN n % 2000 = 7 THEN 'rare' ELSE 'busy' END, 'models:read', sha256('key'), now() \
                FROM generate_series(1, 20000) n; \
                INSERT INTO idempotency_keys (tenant, key, digest, fence, lease_ends_at, created_at) \
                SELECT 'busy', 'key-' || n, sha256('body'), n, now(), now() + n * interval '1 s' \
                FROM generate_series(1, 20000) n; \
                INSERT INTO usage (tenant, day, principal, replica, texts) \
                SELECT 'busy', '2026-01-01'::date + n / 100, 'key:' || n % 100, 'a', 1 FROM generate_series(1, 20000) n; \
                ANALYZE audit; ANALYZE api_keys; ANALYZE idempotency_keys; ANALYZE usage";
    let mut beside = store.database.connect().await;
    beside.execute(fill).await.unwrap();
    for (query, index) in [
        (
            "SELECT * FROM audit WHERE tenant = 'rare' AND seq < 9000 ORDER BY seq DESC LIMIT 20",
            "audit_by_tenant",
        ),
        ("SELECT * FROM audit WHERE seq > 9000 ORDER BY seq LIMIT 20", "audit_pkey"),
        ("SELECT * FROM api_keys WHERE id = 'key-7'", "api_keys_pkey"),
        (
            "SELECT * FROM api_keys WHERE tenant = 'rare' ORDER BY created_at DESC, id DESC",
            "api_keys_by_tenant",
        ),
        (
            "SELECT tenant, key FROM idempotency_keys \
             WHERE created_at <= statement_timestamp() - make_interval(secs => 9) ORDER BY created_at LIMIT 100",
            "idempotency_keys_by_age",
        ),
        (
            "UPDATE idempotency_keys AS known SET answer = done.answer \
             FROM unnest('{busy}'::text[], '{key-7}'::text[], '{7}'::bigint[], '{[]}'::text[]) \
             AS done (tenant, key, fence, answer) \
             WHERE known.tenant = done.tenant AND known.key = done.key AND known.fence = done.fence",
            "idempotency_keys_pkey",
        ),
        (
            "SELECT sum(texts) FROM usage \
             WHERE tenant = ANY ('{busy,rare}') AND day = (statement_timestamp() AT TIME ZONE 'UTC')::date",
            "usage_pkey",
        ),
    ] {
        let lines: Vec<String> = sqlx::query_scalar(AssertSqlSafe(format!("EXPLAIN {query}")))
            .fetch_all(&mut beside)
            .await
            .unwrap();
        let plan = lines.join("\n");
        assert!(plan.contains(index) && !plan.contains("Seq Scan"), "{plan}");
    }
}

#[tokio::test]
async fn a_walk_reads_ids_from_the_index_of_sentiments_alone() {
    let store = filled().await;
    let (from, to) = (Timestamp::from_micros(FIRST), Timestamp::from_micros(FIRST + 4_000_000));
    let walk = IdWalk { after: None, at_most: 1 << 20, limit: 100 };
    for (model, values, scan) in [
        (None, "", "Index Only Scan using predictions_by_sentiment "),
        (Some("m".to_owned()), ", 'm', 'm'", "Index Scan using predictions_by_sentiment "),
    ] {
        let selection = TextSelection { sentiment: Sentiment::Negative, from, to, model };
        store.analytics().walk_ids(&TenantId::default(), &selection, walk).await.unwrap();
        let ids = [from, to].map(|at| Uuid::from_u128(PredictionId::lowest_at(at).as_u128()));
        let values = format!("'default', 'negative', '{}', '{}', 100, '\\x00100000'{values}", ids[0], ids[1]);
        let plan = plan_of_last(&store, &values).await;
        assert!(plan.contains(scan), "{plan}");
    }
}
