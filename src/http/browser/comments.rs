//! Comments and indentation of sources, a fifth of what a phone would load. Lines stay lines, for those who number them.

/// Empties the comments that begin a line of JavaScript or CSS, and takes the indentation of the other lines. A text with a template of
/// several lines stays as it is: what looks like a comment there may be text.
pub(super) fn stripped(lines: Vec<String>) -> Vec<String> {
    let mut is_inside = false;
    let code: Vec<&str> = lines.iter().map(|line| code_of(line.trim_start(), &mut is_inside)).collect();
    let ends_templates = |line: &&str| line.matches('`').count().is_multiple_of(2);
    match code.iter().all(ends_templates) {
        true => code.into_iter().map(str::to_owned).collect(),
        false => lines,
    }
}

/// A line without the comments before its code; whether they go on behind it is in `is_inside`.
fn code_of<'a>(line: &'a str, is_inside: &mut bool) -> &'a str {
    let comment = match line.strip_prefix("/*") {
        _ if *is_inside => line,
        Some(comment) => comment,
        None => return if line.starts_with("//") { "" } else { line },
    };
    match comment.split_once("*/") {
        Some((_, rest)) => {
            *is_inside = false;
            code_of(rest.trim_start(), is_inside)
        }
        None => {
            *is_inside = true;
            ""
        }
    }
}

/// Markup without its comments.
pub(super) fn without_comments(markup: &str) -> String {
    let mut parts = markup.split("<!--");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.split_once("-->").map_or("", |(_, rest)| rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_before_code_and_indentation_are_left_out() {
        let cases = [
            ("a();\n  // One\n  b(); // Two", "a();\n\nb(); // Two"),
            ("/** One\n * two `\n */\n  a();", "\n\n\na();"),
            ("/* one */ a(); /* two */", "a(); /* two */"),
            ("/* one\n*/ /* two */ a();", "\na();"),
            ("/* one */\n// two /*\na();", "\n\na();"),
        ];
        for (text, expected) in cases {
            let lines = stripped(text.lines().map(str::to_owned).collect());
            assert_eq!(lines.join("\n"), expected);
        }
    }

    #[test]
    fn a_template_of_several_lines_is_kept() {
        let text = "  // One\n  a(`\n  // text\n  /* text */`);";
        assert_eq!(stripped(text.lines().map(str::to_owned).collect()).join("\n"), text);
    }

    #[test]
    fn comments_of_markup_are_left_out() {
        assert_eq!(without_comments("<a><!-- b\nc --><d><!--e--></d>"), "<a><d></d>");
        assert_eq!(without_comments("<a>"), "<a>");
    }
}
