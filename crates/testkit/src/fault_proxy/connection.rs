use std::io;
use std::net::SocketAddr;
use std::pin::pin;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::Control;

/// Forwards bytes between `client` and `target` until both have ended, one has failed, or the mode closes the
/// connection. A silent connection stays open and unused until the mode closes it.
pub(super) async fn forward(
    client: TcpStream,
    target: SocketAddr,
    control: watch::Receiver<Control>,
    accepted_in: u64,
) {
    let (cut, silent) = (control.clone(), control.clone());
    // It owns the sockets, which stay open while it is not polled.
    let mut passing = pin!(both_ways(client, target, control, accepted_in));
    let passing_until_silent = async {
        tokio::select! {
            biased;
            () = until(silent, |control| control.is_silent(accepted_in)) => std::future::pending().await,
            _ = &mut passing => {}
        }
    };
    tokio::select! {
        () = until(cut, |control| !control.mode.holds_connections()) => {}
        () = passing_until_silent => {}
    }
}

/// Waits until `condition` holds or the proxy is dropped.
async fn until(mut control: watch::Receiver<Control>, condition: impl Fn(&Control) -> bool) {
    let _ = control.wait_for(condition).await;
}

async fn both_ways(
    client: TcpStream,
    target: SocketAddr,
    mut control: watch::Receiver<Control>,
    accepted_in: u64,
) -> io::Result<()> {
    until_passing(&mut control, accepted_in).await?;
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(
        one_way(from_client, to_server, control.clone(), accepted_in),
        one_way(from_server, to_client, control, accepted_in)
    )?;
    Ok(())
}

/// Forwards bytes in one direction, then the end of the stream.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut control: watch::Receiver<Control>,
    accepted_in: u64,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1_024];
    loop {
        let count = from.read(&mut buffer).await?;
        let mut rest = &buffer[..count];
        if rest.is_empty() {
            until_passing(&mut control, accepted_in).await?;
            return to.shutdown().await;
        }
        while !rest.is_empty() {
            until_passing(&mut control, accepted_in).await?;
            to.writable().await?;
            // The mode cannot change while it is borrowed.
            let now = control.borrow();
            if now.passes(accepted_in) {
                match to.try_write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

async fn until_passing(control: &mut watch::Receiver<Control>, accepted_in: u64) -> io::Result<()> {
    let gone = |_| io::Error::from(io::ErrorKind::NotConnected);
    control.wait_for(|control| control.passes(accepted_in)).await.map(drop).map_err(gone)
}
