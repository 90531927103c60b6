//! What comes back: redirects, and answers that never end, in time or in size.

use tokio::io::AsyncWriteExt as _;

use super::*;

/// A server that sends those bytes, closes, and counts who came.
async fn saying(answer: String) -> Target {
    Target::start(move |mut stream: TcpStream| {
        let answer = answer.clone();
        async move {
            asked(&mut stream).await?;
            stream.write_all(answer.as_bytes()).await
        }
    })
    .await
}

/// A server that sends `head` and then `piece` for ever, with that pause. It notes how many bytes it got rid of.
async fn endless(
    head: &'static str,
    piece: Vec<u8>,
    pause: Duration,
) -> (Target, Arc<AtomicUsize>) {
    let sent = Arc::<AtomicUsize>::default();
    let noted = sent.clone();
    let target = Target::start(move |mut stream: TcpStream| {
        let (piece, noted) = (piece.clone(), noted.clone());
        async move {
            asked(&mut stream).await?;
            stream.write_all(head.as_bytes()).await?;
            loop {
                stream.write_all(&piece).await?;
                noted.fetch_add(piece.len(), Ordering::SeqCst);
                tokio::time::sleep(pause).await;
            }
        }
    })
    .await;
    (target, sent)
}

async fn fetch(target: &Target) -> Result<String, GuardFault> {
    get(&local(system()), &target.url("127.0.0.1")).await
}

#[tokio::test]
async fn an_answer_comes_through_as_it_is() {
    let answer = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{\"\r\n3\r\na\":\r\n2\r\n1}\r\n0\r\n\r\n";
    let target = saying(answer.to_owned()).await;
    assert_eq!(fetch(&target).await.as_deref(), Ok("{\"a\":1}"));
}

#[tokio::test]
async fn no_redirect_is_followed() {
    let inner = saying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n".to_owned()).await;
    let places = [
        inner.url("127.0.0.1"),
        "https://169.254.169.254/".to_owned(),
        "file:///etc/passwd".to_owned(),
        "https://login.example.com/".to_owned(),
    ];
    for status in [300, 301, 302, 303, 307, 308] {
        for place in &places {
            let answer = format!(
                "HTTP/1.1 {status} Moved\r\nlocation: {place}\r\ncontent-length: 0\r\n\r\n"
            );
            let target = saying(answer).await;
            assert_eq!(
                fetch(&target).await,
                Err(GuardFault::Redirect),
                "{status} {place}"
            );
            assert_eq!(target.connections(), 1);
        }
    }
    assert_eq!(inner.connections(), 0);
}

#[tokio::test]
async fn nothing_of_a_failure_is_told_but_its_status() {
    for status in [204, 400, 401, 404, 500, 599] {
        let answer = format!(
            "HTTP/1.1 {status} SECRET-REASON\r\ncontent-length: 6\r\nconnection: close\r\n\r\nSECRET"
        );
        let target = saying(answer).await;
        let expected = if status == 204 {
            Ok(String::new())
        } else {
            Err(GuardFault::Status(status))
        };
        assert_eq!(fetch(&target).await, expected);
    }
    let fault = GuardFault::Status(500).to_string();
    assert_eq!(fault, "it answered with status 500");
}

#[tokio::test]
async fn an_answer_that_drips_ends_with_the_time_that_there_is() {
    let pause = Duration::from_millis(50);
    for head in [
        "HTTP/1.1 200 OK\r\ncontent-length: 900\r\n\r\n",
        "HTTP/1.1 200 OK\r\nx-drip: ",
    ] {
        let (target, sent) = endless(head, b"x".to_vec(), pause).await;
        assert_eq!(fetch(&target).await, Err(GuardFault::TimedOut), "{head}");
        assert!(sent.load(Ordering::SeqCst) > 1, "it was sending");
    }
}

#[tokio::test]
async fn a_server_that_never_answers_ends_with_the_time_that_there_is() {
    let target = Target::start(async |stream: TcpStream| {
        // The connection stays open as long as it is held.
        stream.readable().await?;
        std::future::pending().await
    })
    .await;
    assert_eq!(fetch(&target).await, Err(GuardFault::TimedOut));
    assert_eq!(target.connections(), 1);
}

/// What the kernel's buffers on both sides take of what nobody reads, with room to spare.
const BUFFERED: usize = 16 * 1024 * 1024;

#[tokio::test]
async fn headers_without_end_are_not_read_to_the_end() {
    // A busy machine needs long to read what it may read.
    let patient = Guard::with(
        Reach::of(Stage::Local),
        system(),
        Patience {
            total: Duration::from_secs(60),
            ..SHORT
        },
    );
    let head = "HTTP/1.1 200 OK\r\n";
    let header = format!("x-header: {}\r\n", "y".repeat(1000)).into_bytes();
    let (target, sent) = endless(head, header, Duration::ZERO).await;
    let answer = get(&patient, &target.url("127.0.0.1")).await;
    assert_eq!(answer, Err(GuardFault::Broken));
    assert!(sent.load(Ordering::SeqCst) < BUFFERED);
    // Few and small enough for any other limit, but more than a hundred.
    let many = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(101));
    assert_eq!(fetch(&saying(many).await).await, Err(GuardFault::Broken));
}

#[tokio::test]
async fn ten_gigabytes_are_not_read() {
    let zeros = vec![b'0'; 64 * 1024];
    for (head, most) in [
        (
            "HTTP/1.1 200 OK\r\ncontent-length: 10000000000\r\n\r\n",
            BUFFERED,
        ),
        ("HTTP/1.1 200 OK\r\n\r\n", BUFFERED),
    ] {
        let (target, sent) = endless(head, zeros.clone(), Duration::ZERO).await;
        assert_eq!(fetch(&target).await, Err(GuardFault::TooLarge), "{head}");
        assert!(sent.load(Ordering::SeqCst) < most, "{head}");
    }
    let exact = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{}",
            "x".repeat(length)
        )
    };
    assert_eq!(
        fetch(&saying(exact(1000)).await)
            .await
            .map(|body| body.len()),
        Ok(1000)
    );
    assert_eq!(
        fetch(&saying(exact(1001)).await).await,
        Err(GuardFault::TooLarge)
    );
    // The same where it does not say how much comes.
    let chunked = |length: usize| {
        format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{length:x}\r\n{}\r\n0\r\n\r\n",
            "x".repeat(length)
        )
    };
    let whole = fetch(&saying(chunked(1000)).await).await;
    assert_eq!(whole.map(|body| body.len()), Ok(1000));
    assert_eq!(
        fetch(&saying(chunked(1001)).await).await,
        Err(GuardFault::TooLarge)
    );
}

#[tokio::test]
async fn nothing_compressed_is_unpacked() {
    for encoding in ["gzip", "br", "deflate", "zstd", "identity, gzip"] {
        let answer = format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: 4\r\n\r\nbomb"
        );
        let target = saying(answer).await;
        assert_eq!(
            fetch(&target).await,
            Err(GuardFault::Compressed),
            "{encoding}"
        );
    }
}

#[tokio::test]
async fn what_is_not_http_or_breaks_off_is_no_answer() {
    for answer in [
        "SSH-2.0-OpenSSH_9.9\r\n",
        "",
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
    ] {
        let target = saying(answer.to_owned()).await;
        assert_eq!(fetch(&target).await, Err(GuardFault::Broken), "{answer}");
    }
}

#[tokio::test]
async fn where_nobody_listens_no_connection_is_made() {
    let target = saying(String::new()).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let free = listener.local_addr().expect("an address").port();
    drop(listener);
    let url = target
        .url("127.0.0.1")
        .replace(&target.port.to_string(), &free.to_string());
    let answer = get(&local(system()), &url).await;
    assert_eq!(answer, Err(GuardFault::Unreachable));
}
