//! The API on a real connection: what only HTTP/1.1 itself shows.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use actix_web::HttpServer;
use actix_web::rt::task::spawn_blocking;
use http_actix::api;

use crate::support::Service;

/// Serves `service` while `talk` speaks to it in a thread of its own.
async fn served<T: Send + 'static>(
    service: &Service,
    talk: impl FnOnce(SocketAddr) -> T + Send + 'static,
) -> T {
    let state = service.state.clone();
    let server = HttpServer::new(move || api(state.clone())).workers(1).disable_signals();
    let server = server.bind(("127.0.0.1", 0)).unwrap();
    let address = server.addrs()[0];
    let server = server.run();
    let handle = server.handle();
    let running = actix_web::rt::spawn(server);
    let said = spawn_blocking(move || talk(address)).await.unwrap();
    handle.stop(true).await;
    running.await.unwrap().unwrap();
    said
}

fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

/// Sends `request` and reads until the server closes.
fn exchange(address: SocketAddr, request: &[u8]) -> String {
    let mut stream = connect(address);
    stream.write_all(request).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}

#[actix_web::test]
async fn a_head_request_has_the_head_of_its_get_and_no_body() {
    let answer = served(&Service::new(), |address| {
        exchange(address, b"HEAD /health/live HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert!(answer.contains("content-length: 15\r\n"), "{answer}");
    assert!(answer.ends_with("\r\n\r\n"), "{answer}");
}

#[actix_web::test]
async fn a_draining_service_closes_the_connection_and_announces_it() {
    let service = Service::new();
    service.state.use_cases.health.drain();
    let answer =
        served(&service, |address| exchange(address, b"GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n")).await;
    assert!(answer.to_lowercase().contains("connection: close\r\n"), "{answer}");
}

#[actix_web::test]
async fn the_problem_of_a_body_that_is_too_large_reaches_the_client() {
    let answer = served(&Service::new(), |address| {
        let mut request = format!(
            "POST /api/v1/predictions HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
             content-length: {}\r\nconnection: close\r\n\r\n",
            5_000_000
        )
        .into_bytes();
        request.resize(request.len() + 5_000_000, b'a');
        exchange(address, &request)
    })
    .await;
    assert!(answer.starts_with("HTTP/1.1 413 Payload Too Large\r\n"), "{answer}");
    assert!(answer.contains("\"code\":\"body_too_large\""), "{answer}");
}

#[actix_web::test]
async fn results_of_a_stream_arrive_while_its_lines_are_still_being_sent() {
    let lines = served(&Service::new(), |address| {
        let mut stream = connect(address);
        stream
            .write_all(
                b"POST /api/v1/predictions/stream HTTP/1.1\r\nhost: a\r\ncontent-type: application/x-ndjson\r\n\
                  transfer-encoding: chunked\r\n\r\n",
            )
            .unwrap();
        let mut seen = String::new();
        for n in 0..3 {
            let line = format!("{{\"text\":\"line {n}\"}}\n");
            write!(stream, "{:x}\r\n{line}\r\n", line.len()).unwrap();
            while !seen.contains(&format!("\"index\":{n}")) {
                let mut part = [0; 4_096];
                let length = stream.read(&mut part).unwrap();
                assert_ne!(length, 0, "the stream ended early: {seen}");
                seen.push_str(std::str::from_utf8(&part[..length]).unwrap());
            }
            assert!(!seen.contains("done"), "{seen}");
        }
        stream.write_all(b"0\r\n\r\n").unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        stream.read_to_string(&mut seen).unwrap();
        seen
    })
    .await;
    assert!(lines.contains("{\"done\":true,\"ok\":3,\"failed\":0}\n"), "{lines}");
    assert!(!lines.to_lowercase().contains("content-encoding"), "{lines}");
}
