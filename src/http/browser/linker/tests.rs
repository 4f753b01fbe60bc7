use super::*;

/// Links `js/main.js` of some files.
fn linked(files: &[(&str, &str)]) -> Result<Linked, LinkError> {
    let read = |path: &str| files.iter().find(|file| file.0 == path).map(|file| file.1.to_owned());
    link("js/main.js", "client.js.map", read)
}

#[test]
fn modules_become_functions_in_the_order_in_which_a_browser_runs_them() {
    let files = [
        ("js/main.js", "import { a, b as c } from './x/a.js';\nimport * as b from './b.js';\na(b.one, c);\n"),
        ("js/x/a.js", "import {\n  one,\n} from '../b.js';\nexport function a() {}\nexport const b = one;"),
        ("js/b.js", "export const one = 1;"),
    ];
    let script = "const $0 = (() => { 
const one = 1;
return { one }; })();
const $1 = (() => { const { one } = $0;
function a() {}
const b = one;
return { a, b }; })();
const $2 = (() => { const { a, b: c } = $1; const b = $0;
a(b.one, c);
return {  }; })();
//# sourceMappingURL=client.js.map
";
    let linked = linked(&files).expect("they can be linked");
    assert_eq!(linked.script, script);
    let map: Value = serde_json::from_str(&linked.map).expect("JSON");
    let sections: Vec<_> = map["sections"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|section| {
            (
                section["offset"]["line"].clone(),
                section["map"]["sources"][0].clone(),
                section["map"]["mappings"].clone(),
            )
        })
        .collect();
    let expected = [(1, "js/b.js", "AAAA"), (4, "js/x/a.js", "AAGA;AACA"), (8, "js/main.js", "AAEA")];
    assert_eq!(sections, expected.map(|(line, path, mappings)| (json!(line), json!(path), json!(mappings))));
}

#[test]
fn a_template_of_several_lines_keeps_its_empty_ones() {
    let script = linked(&[("js/main.js", "a(`one\n\ntwo`);\n\nb();\n")]).expect("linked").script;
    assert!(script.contains("a(`one\n\ntwo`);\n\nb();\n"), "{script}");
}

#[test]
fn steps_of_a_source_map_have_as_many_digits_as_they_need() {
    assert_eq!([0, 1, 15, 16, 511, 512].map(vlq), ["A", "C", "e", "gB", "+f", "ggB"]);
}

#[test]
fn a_form_that_is_not_known_is_refused_with_its_place() {
    for form in [
        "export default 1;",
        "export default function a() {}",
        "export let a = 1;",
        "export var a = 1;",
        "export { a };",
        "export { a } from './b.js';",
        "export * from './b.js';",
        "export * as b from './b.js';",
        "export const { a } = {};",
        "export const [a] = [];",
        "export function* a() {}",
        "import './b.js';",
        "import b from './b.js';",
        "import b, { one } from './b.js';",
        "import { one } from 'b';",
        "import { one } from '/js/b.js';",
        "import { one } from '../../b.js';",
        "import { one } from \"./b.js\";",
        "import { one } from './b.js' with { type: 'json' };",
        "import { 'one' as a } from './b.js';",
        "  import { one } from './b.js';",
        "  export const a = 1;",
        "const b = import('./b.js');",
        "call(() => import ('./b.js'));",
        "await 1;",
        "const a = await 1;",
        "import { one } from './b.js'",
    ] {
        let main = format!("// A comment.\n{form}\n");
        let refused = linked(&[("js/main.js", &main), ("js/b.js", "export const one = 1;")]).expect_err(form);
        let reason = format!("js/main.js:2: `{}` is a form that can't be linked", form.trim());
        assert_eq!(refused.to_string(), reason);
    }
}

#[test]
fn a_line_that_only_resembles_such_a_form_is_copied() {
    for line in [
        "const a = import.meta.url;",
        "  import.meta.url,",
        "// import('x')s",
        "exports.a = reimport(1);",
        "importAll();",
    ] {
        let linked = linked(&[("js/main.js", line)]);
        match line.starts_with("//") {
            // A comment is not told from code: it is refused rather than overlooked.
            true => assert!(linked.is_err(), "{line}"),
            false => assert!(linked.expect(line).script.contains(line.trim_start()), "{line}"),
        }
    }
}

#[test]
fn circles_missing_files_missing_names_and_changed_exports_are_refused() {
    let cases = [
        ("import { a } from './main.js';", "js/b.js:1: js/main.js needs this module first"),
        ("import { a } from './c.js';", "js/b.js:1: there is no js/c.js"),
        ("import { one } from './d.js';\nexport const a = 1;", "js/b.js:1: js/d.js exports no one"),
        ("export const b = 1;", "js/main.js:1: js/b.js exports no a"),
        ("export function a() {}\n\n  a = 1;", "js/b.js:3: `a = 1;` changes an export"),
    ];
    for (text, reason) in cases {
        let files = [
            ("js/main.js", "import { a } from './b.js';\nexport const a = 1;"),
            ("js/b.js", text),
            ("js/d.js", "export const two = 2;"),
        ];
        assert_eq!(linked(&files).expect_err(text).to_string(), reason);
    }
    assert_eq!(linked(&[]).expect_err("nothing").to_string(), "js/main.js:1: there is no such file");
}

#[test]
fn comments_are_left_out() {
    let script = linked(&[("js/main.js", "/** One\n */\n// Two\n  a(); // Three\n")]).expect("linked").script;
    assert!(script.contains("{ \na(); // Three\n"), "{script}");
}
