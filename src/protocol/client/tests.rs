use super::*;
use crate::model::UserId;
use crate::protocol::SessionKind::{Full, Plain};

fn code(text: &str) -> ErrorCode {
    ClientFrame::parse(text, Full).unwrap_err().rejection.code
}

fn words(content: &str) -> ClientFrame {
    ClientFrame::Text(Text {
        room_id: None,
        content: content.into(),
        nonce: None,
        reply_to: None,
        mentions: vec![],
        files: vec![],
    })
}

#[test]
fn a_frame_without_type_says_something() {
    let frame = ClientFrame::parse(r#"{"content":"হ্যালো","extra":[1]}"#, Full).unwrap();
    assert_eq!(frame, words("হ্যালো"));
}

#[test]
fn a_text_may_answer_and_mention_and_have_files() {
    let frame = r#"{"reply_to":7,"mentions":["u1","u2"],"files":["f1"]}"#;
    let Ok(ClientFrame::Text(text)) = ClientFrame::parse(frame, Full) else { panic!("it is a text") };
    let mentions = ["u1", "u2"].map(|user| UserId::parse(user).unwrap());
    assert_eq!((text.content.as_str(), text.reply_to), ("", Some(7)));
    assert_eq!((text.mentions, text.files), (mentions.to_vec(), vec!["f1".to_owned()]));
    assert_eq!(code(r#"{"reply_to":7}"#), ErrorCode::BadContent);
    let many = format!(r#"{{"content":"x","mentions":{:?}}}"#, vec!["u"; 51]);
    for frame in
        [r#"{"reply_to":-1}"#, r#"{"reply_to":"7"}"#, r#"{"mentions":[" "]}"#, r#"{"mentions":{}}"#, &many]
    {
        assert_eq!(code(frame), ErrorCode::BadFrame, "{frame}");
    }
}

#[test]
fn a_change_refers_to_a_message() {
    let read = |text: &str| ClientFrame::parse(text, Full).unwrap();
    let change = |action, nonce: Option<&str>| {
        ClientFrame::Change(Change {
            room_id: "r".into(),
            target: 7,
            action,
            nonce: nonce.map(str::to_owned),
        })
    };
    assert_eq!(
        read(r#"{"type":"edit","room_id":"r","ref":7,"content":"x","nonce":"n"}"#),
        change(ChangeAction::Edit("x".into()), Some("n"))
    );
    assert_eq!(read(r#"{"type":"delete","room_id":"r","ref":7}"#), change(ChangeAction::Delete, None));
    assert_eq!(
        read(r#"{"type":"react","room_id":"r","ref":7,"emoji":"👍","on":false}"#),
        change(ChangeAction::React { emoji: "👍".into(), on: false }, None)
    );
    for frame in [
        r#"{"type":"delete","room_id":"r"}"#,
        r#"{"type":"delete","ref":7}"#,
        r#"{"type":"delete","room_id":"r","ref":"7"}"#,
        r#"{"type":"react","room_id":"r","ref":7,"emoji":"👍"}"#,
        r#"{"type":"react","room_id":"r","ref":7,"on":true}"#,
    ] {
        assert_eq!(code(frame), ErrorCode::BadFrame, "{frame}");
    }
    assert_eq!(code(r#"{"type":"edit","room_id":"r","ref":7}"#), ErrorCode::BadContent);
}

#[test]
fn a_user_reads_a_room_up_to_a_message() {
    let frame = ClientFrame::parse(r#"{"type":"read","room_id":"r","seq":7}"#, Full).unwrap();
    assert_eq!(frame, ClientFrame::Read(Read { room_id: "r".into(), seq: 7 }));
    for frame in [
        r#"{"type":"read","room_id":"r"}"#,
        r#"{"type":"read","seq":7}"#,
        r#"{"type":"read","room_id":"r","seq":-7}"#,
    ] {
        assert_eq!(code(frame), ErrorCode::BadFrame, "{frame}");
    }
}

#[test]
fn a_text_that_is_no_object_is_a_bad_frame() {
    for text in ["", "hello", "[]", "42", "null", "{", r#"{"content":1}"#, r#"{"type":7}"#] {
        assert_eq!(code(text), ErrorCode::BadFrame, "{text}");
    }
    let deep = format!("{{\"x\":{}1{}}}", "[".repeat(30_000), "]".repeat(30_000));
    assert!(ClientFrame::parse(&deep, Full).is_err());
}

#[test]
fn plain_sessions_talk_and_type() {
    for text in [r#"{"content":"x"}"#, r#"{"type":"text","content":"x"}"#, r#"{"type":"typing"}"#] {
        assert_eq!(ClientFrame::parse(text, Plain), ClientFrame::parse(text, Full), "{text}");
    }
    for text in [
        r#"{"type":"leave"}"#,
        r#"{"type":"join","room_id":"r"}"#,
        r#"{"type":"ping"}"#,
        r#"{"type":"delete"}"#,
    ] {
        assert_eq!(
            ClientFrame::parse(text, Plain).unwrap_err().rejection.code,
            ErrorCode::UnknownType,
            "{text}"
        );
    }
}

#[test]
fn a_refusal_names_nonce_and_room() {
    let error = ClientFrame::parse(r#"{"type":"dance","nonce":"n1","room_id":"r"}"#, Full).unwrap_err();
    assert_eq!(error.rejection.code, ErrorCode::UnknownType);
    assert_eq!((error.nonce.as_deref(), error.room_id.as_deref()), (Some("n1"), Some("r")));
}

#[test]
fn a_field_of_the_wrong_type_hides_no_other() {
    let marks = |text: &str| {
        let error = ClientFrame::parse(text, Full).unwrap_err();
        assert_eq!(error.rejection.code, ErrorCode::BadFrame, "{text}");
        (error.nonce, error.room_id)
    };
    let (nonce, room_id) = (Some("n\"1".to_owned()), Some("r".to_owned()));
    let both = r#"{"content":5,"nonce":"n\"1","room_id":"r"}"#;
    assert_eq!(marks(both), (nonce.clone(), room_id.clone()));
    assert_eq!(marks(r#"{"nonce":["n"],"room_id":"r"}"#), (None, room_id));
    assert_eq!(marks(r#"{"nonce":"n\"1","room_id":{"r":1}}"#), (nonce, None));
    assert_eq!(marks(r#"{"type":7,"nonce":null}"#), (None, None));
    assert_eq!(marks(r#"{"nonce":"n","room_id":"r""#), (None, None));
}

/// Sentences are ours: they tell neither types of this program nor what was sent.
#[test]
fn a_field_of_the_wrong_type_is_named() {
    let sentence = |text: &str| ClientFrame::parse(text, Full).unwrap_err().rejection.message;
    let long = "\u{ad}".repeat(30_000);
    for (text, expected) in [
        (format!(r#"{{"type":"join","room_id":"r","history":"{long}"}}"#), "history must be a whole number"),
        (r#"{"type":"join","room_id":"r","history":-1}"#.to_owned(), "history must be a whole number"),
        (r#"{"type":"join","room_id":["r"]}"#.to_owned(), "room_id must be a text"),
        (
            r#"{"type":"join","room_id":"r","since":["e",5]}"#.to_owned(),
            "since must be an object with epoch and seq",
        ),
        (r#"{"type":7}"#.to_owned(), "type must be a text"),
        (r#"{"content":"a","content":"b"}"#.to_owned(), "the frame has a field twice"),
        (r#"["text","r","x"]"#.to_owned(), "the frame is not a JSON object"),
        (
            r#"{"content":"\ud83d"}"#.to_owned(),
            "the frame has half a surrogate pair; \\ud800 to \\udfff come in pairs",
        ),
        (
            r#"{"content":"\udc00\ud800x"}"#.to_owned(),
            "the frame has half a surrogate pair; \\ud800 to \\udfff come in pairs",
        ),
        (r#"{"content":"\\ud800"#.to_owned(), "the frame is not a JSON object"),
    ] {
        assert_eq!(sentence(&text), expected, "{text:.80}");
    }
}

#[test]
fn a_byte_order_mark_and_a_whole_pair_are_no_fault() {
    let frame = ClientFrame::parse("\u{feff}{\"content\":\"\\ud83d\\ude00\"}", Full);
    assert_eq!(frame, Ok(words("😀")));
}

/// Pieces of frames in any order, cut anywhere: each is read or refused in a sentence of bounded length.
#[test]
fn no_text_breaks_the_reader() {
    const PIECES: [&str; 24] = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        ":",
        ",",
        "\\",
        "\\u",
        "d83d",
        "\"type\"",
        "\"text\"",
        "\"join\"",
        "\"content\"",
        "\"room_id\"",
        "\"nonce\"",
        "\"since\"",
        "\"history\"",
        "null",
        "1e400",
        "-0",
        "\u{feff}",
        "আ",
        "\u{0}",
    ];
    let seed = fastrand::u64(..);
    let mut random = fastrand::Rng::with_seed(seed);
    for _ in 0..20_000 {
        let count = random.usize(..20);
        let text: String = (0..count).map(|_| PIECES[random.usize(..PIECES.len())]).collect();
        for outcome in [ClientFrame::parse(&text, Full), ClientFrame::parse(&text, Plain)] {
            if let Err(error) = outcome {
                assert!(error.rejection.message.len() < 400, "seed {seed}: {text:?}: {error:?}");
            }
        }
    }
}
