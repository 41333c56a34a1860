use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::watch;

use super::ProxyMode;

/// Passes bytes on between `client` and `target` until both have ended, one has failed, or the mode cuts them.
pub(super) async fn pass_on(client: TcpStream, target: SocketAddr, mode: watch::Receiver<ProxyMode>) {
    let mut cut = mode.clone();
    tokio::select! {
        _ = cut.wait_for(|mode| !mode.keeps_connections()) => {}
        _ = both_ways(client, target, mode) => {}
    }
}

async fn both_ways(
    client: TcpStream,
    target: SocketAddr,
    mut mode: watch::Receiver<ProxyMode>,
) -> io::Result<()> {
    until_passing(&mut mode).await?;
    let server = TcpStream::connect(target).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::try_join!(one_way(from_client, to_server, mode.clone()), one_way(from_server, to_client, mode))?;
    Ok(())
}

/// Passes bytes on in one direction, and the end after them.
async fn one_way(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    mut mode: watch::Receiver<ProxyMode>,
) -> io::Result<()> {
    let mut buffer = vec![0; 64 * 1_024];
    loop {
        let count = from.read(&mut buffer).await?;
        let mut rest = &buffer[..count];
        if rest.is_empty() {
            until_passing(&mut mode).await?;
            return to.shutdown().await;
        }
        while !rest.is_empty() {
            until_passing(&mut mode).await?;
            to.writable().await?;
            // The mode cannot change between the look at it and the write.
            let now = mode.borrow();
            if *now == ProxyMode::Pass {
                match to.try_write(rest) {
                    Ok(written) => rest = &rest[written..],
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                    Err(error) => return Err(error),
                }
            }
        }
    }
}

async fn until_passing(mode: &mut watch::Receiver<ProxyMode>) -> io::Result<()> {
    let gone = |_| io::Error::from(io::ErrorKind::NotConnected);
    mode.wait_for(|mode| *mode == ProxyMode::Pass).await.map(drop).map_err(gone)
}
