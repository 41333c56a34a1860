use actix_web::test::TestRequest;

use crate::support::{Answer, Service};

async fn document(accepted: Option<&str>) -> Answer {
    let mut request = TestRequest::get().uri("/openapi.json");
    if let Some(accepted) = accepted {
        request = request.insert_header(("accept-encoding", accepted));
    }
    Service::new().send(request).await
}

#[actix_web::test]
async fn responses_are_compressed_if_the_client_accepts_it() {
    let plain = document(None).await;
    assert_eq!(plain.header("content-encoding"), None);
    for (accepted, chosen) in [("gzip", "gzip"), ("br", "br"), ("gzip;q=0.5, br;q=1.0", "br")] {
        let answer = document(Some(accepted)).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, Some(chosen)), "{accepted}");
        assert!(answer.body.len() < plain.body.len() / 4, "{accepted} saves little");
        assert!(answer.header("vary").is_some_and(|vary| vary.eq_ignore_ascii_case("accept-encoding")));
    }
}

#[actix_web::test]
async fn an_unsupported_encoding_leaves_the_response_uncompressed() {
    for accepted in ["identity", "zstd;q=1.0, identity;q=0", "*;q=0", "@@;q=x", ""] {
        let answer = document(Some(accepted)).await;
        assert_eq!((answer.status, answer.header("content-encoding")), (200, None), "{accepted}");
    }
}
