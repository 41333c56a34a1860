//! The proxy's modes, each in force when the call that sets it returns.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::time::Duration;

use testkit::{FaultProxy, ProxyMode};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Starts a server that echoes all bytes until the test ends.
async fn echo_server() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let (mut from, mut to) = stream.into_split();
                // A client may disconnect at any time.
                let _ = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    addr
}

async fn proxied() -> (SocketAddr, FaultProxy) {
    let server = echo_server().await;
    let proxy = FaultProxy::start(server).await;
    (server, proxy)
}

async fn connect(to: SocketAddr) -> TcpStream {
    TcpStream::connect(to).await.expect("a connection")
}

/// Sends `bytes` and asserts that they are echoed.
async fn assert_echoes(stream: &mut TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).await.unwrap();
    assert_receives(stream, bytes).await;
}

async fn assert_receives(stream: &mut TcpStream, bytes: &[u8]) {
    let mut back = vec![0; bytes.len()];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(back, bytes);
}

/// Asserts that the connection has ended, by an end of stream or a reset.
async fn assert_ended(stream: &mut TcpStream) {
    let mut byte = [0];
    match stream.read(&mut byte).await {
        Ok(count) => assert_eq!(count, 0, "received a byte"),
        Err(error) => assert_eq!(error.kind(), ErrorKind::ConnectionReset),
    }
}

/// Asserts that nothing was received in the time of a hundred round trips on another connection.
async fn assert_silent(stream: &TcpStream, server: SocketAddr) {
    let mut other = connect(server).await;
    for turn in 0..100 {
        assert_echoes(&mut other, &[turn]).await;
    }
    let mut byte = [0];
    let nothing = stream.try_read(&mut byte);
    assert_eq!(nothing.expect_err("no bytes").kind(), ErrorKind::WouldBlock);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_pass_in_both_directions() {
    let (_, proxy) = proxied().await;
    let (mut one, mut other) = (connect(proxy.addr()).await, connect(proxy.addr()).await);
    assert_echoes(&mut one, b"one").await;
    assert_echoes(&mut other, b"other").await;
    assert_echoes(&mut one, b"one again").await;
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_of_a_stream_passes() {
    let (_, proxy) = proxied().await;
    let mut stream = connect(proxy.addr()).await;
    stream.write_all(b"the last words").await.unwrap();
    stream.shutdown().await.unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).await.unwrap();
    assert_eq!(back, b"the last words");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_closes_existing_and_new_connections() {
    let (_, proxy) = proxied().await;
    let mut old = connect(proxy.addr()).await;
    assert_echoes(&mut old, b"before").await;

    proxy.set_mode(ProxyMode::Cut).await;
    assert_eq!(proxy.connections(), 0);
    assert_ended(&mut old).await;
    for _ in 0..3 {
        assert_ended(&mut connect(proxy.addr()).await).await;
    }

    proxy.set_mode(ProxyMode::Pass).await;
    assert_echoes(&mut connect(proxy.addr()).await, b"after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusing_proxy_stops_listening_and_returns_on_its_port() {
    let (_, proxy) = proxied().await;
    let mut old = connect(proxy.addr()).await;
    assert_echoes(&mut old, b"before").await;

    for round in 0..3_u8 {
        proxy.set_mode(ProxyMode::Refuse).await;
        assert_ended(&mut old).await;
        let refused = TcpStream::connect(proxy.addr()).await.expect_err("the port is closed");
        assert_eq!(refused.kind(), ErrorKind::ConnectionRefused);

        proxy.set_mode(ProxyMode::Pass).await;
        old = connect(proxy.addr()).await;
        assert_echoes(&mut old, &[round]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_holds_every_byte_until_it_ends() {
    let (server, proxy) = proxied().await;
    let mut stream = connect(proxy.addr()).await;
    assert_echoes(&mut stream, b"before").await;

    proxy.set_mode(ProxyMode::Stall).await;
    stream.write_all(b"during").await.unwrap();
    assert_silent(&stream, server).await;
    assert_eq!(proxy.connections(), 1, "the connection stays open");

    proxy.set_mode(ProxyMode::Pass).await;
    assert_receives(&mut stream, b"during").await;
    assert_echoes(&mut stream, b"after").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stall_accepts_and_holds_new_connections() {
    let (server, proxy) = proxied().await;
    proxy.set_mode(ProxyMode::Stall).await;
    let mut stream = connect(proxy.addr()).await;
    stream.write_all(b"new").await.unwrap();
    assert_silent(&stream, server).await;

    proxy.set_mode(ProxyMode::Pass).await;
    assert_receives(&mut stream, b"new").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_connection_can_be_cut() {
    let (_, proxy) = proxied().await;
    let mut stream = connect(proxy.addr()).await;
    assert_echoes(&mut stream, b"before").await;
    proxy.set_mode(ProxyMode::Stall).await;
    stream.write_all(b"lost").await.unwrap();
    proxy.set_mode(ProxyMode::Cut).await;
    assert_ended(&mut stream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn existing_connections_can_be_silenced_while_new_ones_pass() {
    let (server, proxy) = proxied().await;
    let mut old = connect(proxy.addr()).await;
    assert_echoes(&mut old, b"before").await;

    proxy.silence_existing();
    old.write_all(b"lost").await.unwrap();
    let mut new = connect(proxy.addr()).await;
    assert_echoes(&mut new, b"new").await;
    for mode in [ProxyMode::Stall, ProxyMode::Pass] {
        proxy.set_mode(mode).await;
        assert_silent(&old, server).await;
    }
    assert_echoes(&mut new, b"still passing").await;
    assert_eq!(proxy.connections(), 2, "nothing was closed");

    proxy.silence_existing();
    new.write_all(b"lost").await.unwrap();
    assert_silent(&new, server).await;
    proxy.set_mode(ProxyMode::Cut).await;
    assert_ended(&mut old).await;
    assert_ended(&mut new).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_silent_connection_reads_nothing_and_forwards_no_end() {
    let target = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let proxy = FaultProxy::start(target.local_addr().unwrap()).await;
    let mut client = connect(proxy.addr()).await;
    let (mut server, _) = target.accept().await.unwrap();
    client.write_all(b"x").await.unwrap();
    assert_receives(&mut server, b"x").await;

    proxy.silence_existing();
    // More than the system's buffers hold, so that only a proxy that reads accepts all of it.
    let chunk = vec![0; 1 << 20];
    let mut sent = 0;
    while let Ok(Ok(count)) = tokio::time::timeout(Duration::from_millis(300), client.write(&chunk)).await {
        sent += count;
        assert!(sent < 64 << 20, "the proxy reads on");
    }
    client.shutdown().await.unwrap();
    assert_silent(&server, echo_server().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_byte_is_lost_or_doubled_by_stalls() {
    let (_, proxy) = proxied().await;
    let sent: Vec<u8> = (0..4_000_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let (mut from, mut to) = connect(proxy.addr()).await.into_split();
    let sending = tokio::spawn({
        let sent = sent.clone();
        async move {
            to.write_all(&sent).await.unwrap();
            to.shutdown().await.unwrap();
        }
    });
    let mut back = Vec::new();
    for _ in 0..100 {
        let mut part = vec![0; 20_000];
        from.read_exact(&mut part).await.unwrap();
        back.extend(part);
        proxy.set_mode(ProxyMode::Stall).await;
        proxy.set_mode(ProxyMode::Pass).await;
    }
    from.read_to_end(&mut back).await.unwrap();
    sending.await.unwrap();
    assert!(back == sent, "the bytes were altered");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dropping_a_proxy_closes_its_connections() {
    let (_, proxy) = proxied().await;
    let mut stream = connect(proxy.addr()).await;
    assert_echoes(&mut stream, b"before").await;
    drop(proxy);
    assert_ended(&mut stream).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreachable_target_closes_the_connection() {
    let closed = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let target = closed.local_addr().unwrap();
    drop(closed);
    let proxy = FaultProxy::start(target).await;
    assert_ended(&mut connect(proxy.addr()).await).await;
}
