//! The answer to a head that can't be read. hyper refuses such a head by itself, with a status and no body, before any
//! route is asked; clients are promised JSON.

use crate::protocol::{ErrorCode, Rejection, server};
use crate::telemetry::count_error;

/// The longest head that hyper writes by itself, and more.
const BARE_BYTES: usize = 256;

/// An answer of a node has this header; hyper's own does not.
const MARK: &[u8] = b"x-request-id:";

/// The bytes to write instead, if `written` ends in an answer of hyper's own.
pub fn replace_bare_answer(written: &[u8]) -> Option<Vec<u8>> {
    let tail = written.len().saturating_sub(BARE_BYTES);
    let start = tail + find_last(&written[tail..], b"HTTP/1.")?;
    let head = written[start..].strip_suffix(b"\r\n\r\n")?;
    let is_bare = find_last(head, b"\r\n\r\n").is_none()
        && find_last(head, b"\r\ncontent-length: 0").is_some()
        && find_last(head, MARK).is_none();
    let (status, sentence) = match head.get(9..12)? {
        _ if !is_bare => return None,
        b"400" => ("400 Bad Request", "The request is not HTTP/1.1"),
        b"414" => ("414 URI Too Long", "The address is too long"),
        b"431" => ("431 Request Header Fields Too Large", "The head of the request is too large"),
        _ => return None,
    };
    Some([&written[..start], &answer(status, sentence)].concat())
}

/// The answer to a head whose end does not come.
pub fn late_head() -> Vec<u8> {
    answer("408 Request Timeout", "The head of the request did not come in time")
}

/// A whole answer, after which the connection ends. It says nothing that a page of another origin may not know.
fn answer(status: &str, sentence: &str) -> Vec<u8> {
    let rejection = Rejection::new(ErrorCode::BadRequest, sentence);
    count_error(rejection.code.as_str());
    let body = server::error_body(&rejection);
    let head = format!(
        "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\
         access-control-allow-origin: *\r\nx-content-type-options: nosniff\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body.as_bytes()].concat()
}

fn find_last(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).rposition(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = "HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\ndate: x\r\n\r\n";

    #[test]
    fn a_bare_answer_gets_a_body_and_what_stands_before_it_stays() {
        for before in ["", "HTTP/1.1 200 OK\r\nx-request-id: 1\r\ncontent-length: 2\r\n\r\n{}"] {
            let written = replace_bare_answer(format!("{before}{BARE}").as_bytes()).unwrap();
            let written = String::from_utf8(written).unwrap();
            assert!(written.starts_with(&format!("{before}HTTP/1.1 431 ")), "{written}");
            let (_, body) = written.rsplit_once("\r\n\r\n").unwrap();
            assert!(body.contains("\"code\":\"bad_request\""), "{written}");
            assert!(written.contains(&format!("content-length: {}\r\n", body.len())), "{written}");
        }
    }

    #[test]
    fn an_answer_of_the_node_stays_as_it_is() {
        for written in [
            "HTTP/1.1 400 Bad Request\r\nx-request-id: 1\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 304 Not Modified\r\ncontent-length: 0\r\n\r\n",
            "HTTP/1.1 200 OK\r\nx-request-id: 1\r\ncontent-length: 9\r\n\r\nHTTP/1.1 ",
            "",
        ] {
            assert_eq!(replace_bare_answer(written.as_bytes()), None, "{written}");
        }
    }
}
