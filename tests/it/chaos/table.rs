//! The results of all faults as a Markdown table.

use super::report::Report;

const HEAD: &str = "\
| fault | acked | missing | doubled | out of order | lost, announced | sessions dropped | healed in |
|---|---:|---:|---:|---:|---:|---:|---:|";

/// The runs as Markdown.
pub fn markdown(reports: &[Report]) -> String {
    let rows: Vec<_> = reports.iter().map(row).collect();
    format!("{HEAD}\n{}", rows.join("\n"))
}

fn row(report: &Report) -> String {
    let healed = match &report.healed {
        Ok(healed) => format!("{:.1} s", healed.as_secs_f64()),
        Err(_) => "never".to_owned(),
    };
    let verdict = &report.verdict;
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {healed} |",
        report.fault.name,
        verdict.acked,
        verdict.missing,
        verdict.doubled,
        verdict.disordered,
        verdict.announced,
        verdict.dropped,
    )
}

/// The violated checks, one line each.
pub fn failures(reports: &[Report]) -> String {
    let lines = reports.iter().flat_map(|report| {
        report
            .failures()
            .map(move |(name, what)| format!("{}: not true that {name}: {what}", report.fault.name))
    });
    lines.collect::<Vec<_>>().join("\n")
}
