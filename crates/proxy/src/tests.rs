//! What the line does to two that talk: one says a word, the other says it back.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use tokio::time::Instant;

use super::*;

/// Says everything back, and tells on the side what it has heard.
fn echo() -> (SocketAddr, Receiver<Vec<u8>>) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, heard) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let (mut stream, tell) = (stream.unwrap(), tell.clone());
            std::thread::spawn(move || {
                let mut buffer = vec![0; 65_536];
                while let Ok(count @ 1..) = stream.read(&mut buffer) {
                    // Not every test listens.
                    let _ = tell.send(buffer[..count].to_vec());
                    if stream.write_all(&buffer[..count]).is_err() {
                        return;
                    }
                }
            });
        }
    });
    (address, heard)
}

fn line() -> (Proxy, TcpStream, Receiver<Vec<u8>>) {
    let (address, heard) = echo();
    let proxy = Proxy::start(address).unwrap();
    let client = connect(&proxy);
    (proxy, client, heard)
}

fn connect(proxy: &Proxy) -> TcpStream {
    let client = TcpStream::connect(proxy.address()).unwrap();
    client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    client
}

fn say(client: &mut TcpStream, word: &str) -> String {
    client.write_all(word.as_bytes()).unwrap();
    let mut back = vec![0; word.len()];
    client.read_exact(&mut back).unwrap();
    String::from_utf8(back).unwrap()
}

fn is_cut(client: &mut TcpStream) -> bool {
    let mut rest = Vec::new();
    match client.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(error) => error.kind() == ErrorKind::ConnectionReset,
    }
}

#[test]
fn a_good_line_changes_nothing() {
    let (_proxy, mut client, _) = line();
    assert_eq!(say(&mut client, "hello"), "hello");
    let long = "x".repeat(1_000_000);
    let mut other = client.try_clone().unwrap();
    let writer = std::thread::spawn({
        let long = long.clone();
        move || other.write_all(long.as_bytes()).unwrap()
    });
    let mut back = vec![0; long.len()];
    client.read_exact(&mut back).unwrap();
    writer.join().unwrap();
    assert_eq!(back, long.as_bytes());
}

#[test]
fn everything_is_late() {
    let (proxy, mut client, _) = line();
    let latency = Duration::from_millis(40);
    proxy.carry(Line { latency, jitter: Duration::from_millis(5), ..Line::default() });
    let start = Instant::now();
    assert_eq!(say(&mut client, "hello"), "hello");
    assert!(start.elapsed() >= 2 * latency, "{:?}", start.elapsed());
    proxy.carry(Line { bytes_per_second: Some(10_000), ..Line::default() });
    let start = Instant::now();
    say(&mut client, &"x".repeat(1_000));
    assert!(start.elapsed() >= Duration::from_millis(190), "{:?}", start.elapsed());
    proxy.carry(Line { slow_close: latency, ..Line::default() });
    let start = Instant::now();
    client.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(is_cut(&mut client) && start.elapsed() >= 2 * latency, "{:?}", start.elapsed());
}

#[test]
fn a_pause_loses_nothing() {
    let (proxy, mut client, heard) = line();
    assert_eq!(say(&mut client, "before"), "before");
    heard.recv().unwrap();
    proxy.pause();
    client.write_all(b"meanwhile").unwrap();
    assert!(heard.recv_timeout(Duration::from_millis(50)).is_err());
    proxy.resume();
    let mut back = [0; 9];
    client.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"meanwhile");
}

#[test]
fn a_black_hole_takes_all_and_says_nothing() {
    let (proxy, mut client, heard) = line();
    assert_eq!(say(&mut client, "before"), "before");
    heard.recv().unwrap();
    proxy.blackhole();
    let mut new = connect(&proxy);
    for client in [&mut client, &mut new] {
        client.write_all(b"anybody?").unwrap();
        client.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        assert!(
            matches!(client.read(&mut [0]), Err(error) if error.kind() == ErrorKind::WouldBlock)
        );
        client.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    }
    proxy.heal();
    assert!(is_cut(&mut client) && is_cut(&mut new));
    assert!(heard.try_recv().is_err());
    assert_eq!(say(&mut connect(&proxy), "after"), "after");
}

#[test]
fn nobody_gets_in_and_everybody_is_cut_off() {
    let (proxy, mut client, _) = line();
    say(&mut client, "before");
    proxy.refuse();
    assert!(is_cut(&mut client) && is_cut(&mut connect(&proxy)));
    proxy.heal();
    let mut client = connect(&proxy);
    assert_eq!(say(&mut client, "after"), "after");
    proxy.reset();
    assert!(is_cut(&mut client));
    assert_eq!(say(&mut connect(&proxy), "again"), "again");
}

#[test]
fn a_cut_comes_after_so_many_bytes() {
    for (way, bytes, arrived) in [(Way::Up, 0, 0), (Way::Up, 3, 3), (Way::Down, 4, 6)] {
        let (proxy, mut client, heard) = line();
        say(&mut client, "hello");
        heard.recv().unwrap();
        proxy.cut_after(way, bytes);
        client.write_all(b"abcdef").unwrap();
        assert!(is_cut(&mut client));
        let last = heard.recv_timeout(Duration::from_millis(500)).unwrap_or_default();
        assert_eq!(last.len(), arrived, "{way:?} {bytes}");
        assert!(!proxy.calm());
    }
}

#[test]
fn a_request_is_delivered_and_its_answer_swallowed() {
    let (proxy, mut client, heard) = line();
    proxy.strike(What::Text(b"order".to_vec()), 2, Fate::AnswerSwallowed);
    assert_eq!(say(&mut client, "order one"), "order one");
    heard.recv().unwrap();
    client.write_all(b"order two").unwrap();
    assert!(is_cut(&mut client));
    assert_eq!(heard.recv().unwrap(), b"order two");
    assert!(!proxy.calm(), "it has struck");
    proxy.strike(What::Text(b"order".to_vec()), 1, Fate::NeverDelivered);
    let mut client = connect(&proxy);
    client.write_all(b"order three").unwrap();
    assert!(is_cut(&mut client));
    assert!(heard.recv_timeout(Duration::from_millis(50)).is_err());
    proxy.strike(What::Commit, 1, Fate::NeverDelivered);
    assert!(proxy.calm());
}

#[test]
fn an_address_is_taken_over() {
    let (address, _) = echo();
    let url = format!("postgres://u:p@127.0.0.1:{}/shop?sslmode=disable", address.port());
    let (proxy, instead) = Proxy::before(&url).unwrap();
    let port = proxy.address().port();
    assert_eq!(instead, format!("postgres://u:p@127.0.0.1:{port}/shop?sslmode=disable"));
    assert_eq!(say(&mut connect(&proxy), "hello"), "hello");
    assert!(Proxy::before("no address").is_err());
}
