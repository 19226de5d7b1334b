//! Whole answers that are not what they should be: every watched collector of both vendors fails for the right reason, and its
//! figures stay.

use std::io::Write;
use std::time::Duration;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::vendor::{Kind, Reply, good, keeps_good_figures};

/// Far more levels than any reader should follow.
const DEEP: usize = 100_000;

struct Case {
    name: &'static str,
    reasons: &'static [&'static str],
    spoil: fn(Kind) -> Option<Reply>,
}

const DECODE: &[&str] = &["decode"];
const NETWORK: &[&str] = &["network"];

/// The three watched kinds; the token endpoint has cases of its own.
fn watched(kind: Kind) -> bool {
    matches!(kind, Kind::Rows | Kind::List | Kind::Page)
}

fn data(kind: Kind, reply: impl FnOnce() -> Reply) -> Option<Reply> {
    watched(kind).then(reply)
}

fn token(kind: Kind, reply: impl FnOnce() -> Reply) -> Option<Reply> {
    (kind == Kind::Token).then(reply)
}

/// A body whose list of rows is `rows`.
fn with_rows(kind: Kind, rows: &str) -> String {
    match kind {
        Kind::Rows => format!(r#"{{"queryStatus":"SUCCEEDED","entities":{rows}}}"#),
        Kind::List => format!(r#"{{"entities":{rows},"pageCount":1}}"#),
        Kind::Page => format!(r#"{{"_embedded":{{"usage":{rows}}}}}"#),
        _ => format!(r#"{{"access_token":{rows}}}"#),
    }
}

fn nested(open: &str, close: &str, levels: usize) -> String {
    open.repeat(levels) + &close.repeat(levels)
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn encoded(encoding: &str, body: &[u8]) -> Reply {
    let head = format!(
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    );
    Reply::bytes([head.as_bytes(), body].concat())
}

fn status(line: &str, body: &str) -> Reply {
    Reply::bytes(format!(
        "HTTP/1.1 {line}\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ))
}

fn chunked(body: &str) -> Reply {
    Reply::bytes(format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{body}"))
}

fn replaced(kind: Kind, from: &str, to: &[u8]) -> Vec<u8> {
    let text = good(kind);
    let at = text.find(from).unwrap();
    [&text.as_bytes()[..at], to, &text.as_bytes()[at + from.len()..]].concat()
}

/// The value of an id that every row of its kind has.
fn spoilt_id(kind: Kind, id: &[u8]) -> Vec<u8> {
    let from = if kind == Kind::Rows { "c0" } else { "\"a\"" };
    let quoted = if kind == Kind::Rows { id.to_vec() } else { [b"\"", id, b"\""].concat() };
    replaced(kind, from, &quoted)
}

const CASES: &[Case] = &[
    Case { name: "not-json", reasons: DECODE, spoil: |kind| data(kind, || Reply::body("<html>down</html>")) },
    Case { name: "nothing", reasons: DECODE, spoil: |kind| data(kind, || Reply::body("")) },
    Case { name: "no-content", reasons: DECODE, spoil: |kind| data(kind, || status("204 No Content", "")) },
    Case { name: "scalar", reasons: DECODE, spoil: |kind| data(kind, || Reply::body("7")) },
    Case { name: "list", reasons: DECODE, spoil: |kind| data(kind, || Reply::body("[[]]")) },
    Case {
        name: "half",
        reasons: DECODE,
        spoil: |kind| data(kind, || Reply::body(&good(kind)[..good(kind).len() / 2])),
    },
    Case { name: "twice", reasons: DECODE, spoil: |kind| data(kind, || Reply::body(good(kind).repeat(2))) },
    Case {
        name: "deep-lists",
        reasons: DECODE,
        spoil: |kind| data(kind, || Reply::body(with_rows(kind, &format!("[{}]", nested("[", "]", DEEP))))),
    },
    Case {
        name: "deep-objects",
        reasons: DECODE,
        spoil: |kind| {
            data(kind, || {
                Reply::body(with_rows(kind, &format!("[{}0{}]", "{\"a\":".repeat(DEEP), "}".repeat(DEEP))))
            })
        },
    },
    Case {
        name: "deep-and-open",
        reasons: DECODE,
        spoil: |kind| data(kind, || Reply::body(with_rows(kind, &"[".repeat(DEEP)))),
    },
    Case {
        name: "deep-envelope",
        reasons: DECODE,
        spoil: |kind| data(kind, || Reply::body("{\"a\":".repeat(DEEP))),
    },
    Case {
        name: "same-key-twice",
        reasons: DECODE,
        spoil: |kind| {
            data(kind, || {
                let second = match kind {
                    Kind::Rows => r#","queryStatus":"RUNNING"}"#,
                    Kind::List => r#","entities":[]}"#,
                    _ => r#","_embedded":7}"#,
                };
                Reply::body(good(kind).strip_suffix('}').unwrap().to_owned() + second)
            })
        },
    },
    Case {
        name: "utf8-in-id",
        reasons: DECODE,
        spoil: |kind| data(kind, || Reply::body(spoilt_id(kind, b"\xff\xfe"))),
    },
    Case {
        name: "overlong-utf8",
        reasons: DECODE,
        spoil: |kind| data(kind, || Reply::body(spoilt_id(kind, b"\xc0\xaf"))),
    },
    Case {
        name: "lone-surrogate",
        reasons: DECODE,
        spoil: |kind| data(kind, || Reply::body(spoilt_id(kind, b"\\ud800"))),
    },
    Case {
        name: "raw-newline",
        reasons: DECODE,
        spoil: |kind| data(kind, || Reply::body(spoilt_id(kind, b"a\nb"))),
    },
    Case {
        name: "utf8-in-key",
        reasons: DECODE,
        spoil: |kind| {
            data(kind, || {
                let key = match kind {
                    Kind::Rows => "\"date\"",
                    Kind::List => "\"id\"",
                    _ => "\"account_id\"",
                };
                Reply::body(replaced(kind, key, b"\"\xff\""))
            })
        },
    },
    Case {
        name: "gzip-of-nothing",
        reasons: DECODE,
        spoil: |kind| data(kind, || encoded("gzip", b"this is no gzip at all")),
    },
    Case {
        name: "gzip-cut",
        reasons: &["decode", "network"],
        spoil: |kind| {
            data(kind, || {
                let whole = gzip(good(kind).as_bytes());
                encoded("gzip", &whole[..whole.len() - 12])
            })
        },
    },
    Case {
        name: "gzip-bad-sum",
        reasons: DECODE,
        spoil: |kind| {
            data(kind, || {
                let mut whole = gzip(good(kind).as_bytes());
                let sum = whole.len() - 6;
                whole[sum] ^= 1;
                encoded("gzip", &whole)
            })
        },
    },
    Case {
        name: "gzip-in-gzip",
        reasons: DECODE,
        spoil: |kind| data(kind, || encoded("gzip", &gzip(&gzip(good(kind).as_bytes())))),
    },
    Case {
        name: "gzip-not-said",
        reasons: DECODE,
        spoil: |kind| data(kind, || Reply::body(gzip(good(kind).as_bytes()))),
    },
    Case {
        name: "unasked-encoding",
        reasons: DECODE,
        spoil: |kind| data(kind, || encoded("br", &gzip(good(kind).as_bytes()))),
    },
    Case {
        name: "length-too-long",
        reasons: NETWORK,
        spoil: |kind| {
            data(kind, || {
                let body = good(kind);
                Reply::bytes(format!(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len() + 1
                ))
            })
        },
    },
    Case {
        name: "length-too-short",
        reasons: DECODE,
        spoil: |kind| {
            data(kind, || {
                let body = good(kind);
                Reply::bytes(format!(
                    "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len() - 1
                ))
            })
        },
    },
    Case {
        name: "length-negative",
        reasons: NETWORK,
        spoil: |kind| data(kind, || Reply::bytes("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n{}")),
    },
    Case {
        name: "two-lengths",
        reasons: NETWORK,
        spoil: |kind| {
            data(kind, || {
                Reply::bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{} ")
            })
        },
    },
    Case {
        name: "chunk-no-number",
        reasons: NETWORK,
        spoil: |kind| data(kind, || chunked("zz\r\n{}\r\n0\r\n\r\n")),
    },
    Case {
        name: "chunk-too-large",
        reasons: DECODE,
        spoil: |kind| data(kind, || chunked("ffffffffffffffffff\r\n{}\r\n0\r\n\r\n")),
    },
    Case {
        name: "chunk-cut",
        reasons: NETWORK,
        spoil: |kind| data(kind, || chunked("ff\r\n{\"entities\":[")),
    },
    Case { name: "chunk-no-end", reasons: NETWORK, spoil: |kind| data(kind, || chunked("2\r\n{}\r\n")) },
    Case {
        name: "chunk-long-extension",
        reasons: DECODE,
        spoil: |kind| data(kind, || chunked(&format!("2;{}\r\n{{}}\r\n0\r\n\r\n", "x".repeat(100_000)))),
    },
    Case {
        name: "no-http",
        reasons: NETWORK,
        spoil: |kind| data(kind, || Reply::bytes("SSH-2.0-OpenSSH_9.2\r\n")),
    },
    Case { name: "status-1000", reasons: NETWORK, spoil: |kind| data(kind, || status("1000 Far Out", "{}")) },
    Case {
        name: "status-299",
        reasons: &["decode", "truncated"],
        spoil: |kind| data(kind, || status("299 Odd", "{}")),
    },
    Case {
        name: "status-599",
        reasons: &["server"],
        spoil: |kind| data(kind, || status("599 Odd", "\u{0}")),
    },
    Case {
        name: "endless-headers",
        reasons: &["network", "timeout"],
        spoil: |kind| {
            data(kind, || Reply {
                pieces: Box::new(
                    std::iter::once(b"HTTP/1.1 200 OK\r\n".to_vec())
                        .chain(std::iter::repeat_with(|| b"X-Again: and again\r\n".repeat(100))),
                ),
                pause: Duration::ZERO,
            })
        },
    },
    Case {
        name: "endless-header",
        reasons: &["network", "timeout"],
        spoil: |kind| {
            data(kind, || Reply {
                pieces: Box::new(
                    std::iter::once(b"HTTP/1.1 200 OK\r\nX-Long: ".to_vec())
                        .chain(std::iter::repeat_with(|| vec![b'x'; 4096])),
                ),
                pause: Duration::ZERO,
            })
        },
    },
    Case {
        name: "slow-drip",
        reasons: &["timeout"],
        spoil: |kind| {
            data(kind, || Reply {
                pause: Duration::from_millis(100),
                ..Reply::stream("", std::iter::repeat_with(|| b" ".to_vec()))
            })
        },
    },
    Case {
        name: "slow-head",
        reasons: &["timeout"],
        spoil: |kind| {
            data(kind, || Reply {
                pieces: Box::new(
                    std::iter::repeat_with(|| b"H".to_vec()).take(1).chain(std::iter::repeat_with(Vec::new)),
                ),
                pause: Duration::from_millis(100),
            })
        },
    },
    Case { name: "token-no-json", reasons: DECODE, spoil: |kind| token(kind, || Reply::body("<html>")) },
    Case { name: "token-none", reasons: DECODE, spoil: |kind| token(kind, || Reply::body("{}")) },
    Case {
        name: "token-number",
        reasons: DECODE,
        spoil: |kind| token(kind, || Reply::body(r#"{"access_token":7}"#)),
    },
    Case {
        name: "token-with-newline",
        reasons: DECODE,
        spoil: |kind| {
            token(kind, || Reply::body(r#"{"access_token":"a\r\nX-Injected: yes","expires_in":1}"#))
        },
    },
    Case {
        name: "token-twice",
        reasons: DECODE,
        spoil: |kind| token(kind, || Reply::body(r#"{"access_token":"a","access_token":"b"}"#)),
    },
    Case {
        name: "token-too-long",
        reasons: &["limit"],
        spoil: |kind| token(kind, || Reply::body(format!(r#"{{"access_token":"{}"}}"#, "x".repeat(100_000)))),
    },
    Case {
        name: "token-endless",
        reasons: &["limit"],
        spoil: |kind| token(kind, || Reply::stream("", std::iter::repeat_with(|| vec![b' '; 4096]))),
    },
    Case {
        name: "token-deep",
        reasons: DECODE,
        spoil: |kind| token(kind, || Reply::body(with_rows(kind, &nested("[", "]", 20_000)))),
    },
    Case {
        name: "token-utf8",
        reasons: DECODE,
        spoil: |kind| token(kind, || Reply::body(b"{\"access_token\":\"\xff\"}")),
    },
    Case {
        name: "token-bomb",
        reasons: &["limit"],
        spoil: |kind| token(kind, || encoded("gzip", &gzip(&vec![b' '; 10_000_000]))),
    },
    Case {
        name: "token-broken-gzip",
        reasons: DECODE,
        spoil: |kind| token(kind, || encoded("gzip", b"no gzip")),
    },
    Case {
        name: "token-drip",
        reasons: &["timeout"],
        spoil: |kind| {
            token(kind, || Reply {
                pause: Duration::from_millis(100),
                ..Reply::stream("", std::iter::repeat_with(|| b" ".to_vec()))
            })
        },
    },
    Case { name: "token-hangs-up", reasons: NETWORK, spoil: |kind| token(kind, || Reply::bytes("")) },
];

#[tokio::test(flavor = "multi_thread")]
async fn no_answer_of_another_shape_changes_a_figure() {
    let names: Vec<String> = CASES.iter().map(|case| case.name.to_owned()).collect();
    let find = |name: &str| CASES.iter().find(|case| case.name == name).unwrap();
    keeps_good_figures(
        &names,
        Duration::from_secs(4),
        move |name, request| (find(name).spoil)(request.kind()),
        move |name, _| find(name).reasons,
    )
    .await;
}
