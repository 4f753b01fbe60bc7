//! The stored figures of nodes: a stream that the renewals of leases fill. It is read only while a dashboard is open.

use super::Leases;
use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::role::Role;
use crate::backend::redis::client::server::parsed_if_ours;
use crate::backend::{FIGURES_PAGE, FiguresPage, FiguresPlace, FiguresSpan, NodeFigures, Result};
use crate::model::NodeId;
use crate::telemetry::{Figures, Unreadable, count_unreadable};

/// An entry of the stream: its id, the node and its figures; a later version may add fields.
type Entry = (String, Vec<Vec<u8>>);

impl Leases {
    pub async fn figures(&self, span: FiguresSpan) -> Result<FiguresPage> {
        let key = self.keys.figures();
        let (call, count) = match span {
            FiguresSpan::After(None) => (Call::plain("XRANGE", key).arg("-").arg("+"), FIGURES_PAGE),
            FiguresSpan::After(Some(FiguresPlace { at_ms, number })) => {
                (Call::plain("XRANGE", key).arg(format!("({at_ms}-{number}")).arg("+"), FIGURES_PAGE)
            }
            FiguresSpan::Newest(count) => {
                (Call::plain("XREVRANGE", key).arg("+").arg("-"), count.min(FIGURES_PAGE))
            }
        };
        let reply = self.shards.call(&Role::Pooled, call.arg("COUNT").arg(count)).await;
        let mut entries: Vec<Entry> = parsed_if_ours(reply)?;
        if matches!(span, FiguresSpan::Newest(_)) {
            entries.reverse();
        }
        Ok(page(&entries))
    }
}

fn page(entries: &[Entry]) -> FiguresPage {
    let figures: Vec<_> = entries.iter().filter_map(|(id, fields)| read(id, fields)).collect();
    count_unreadable(Unreadable::Lease, (entries.len() - figures.len()) as u64);
    FiguresPage {
        figures,
        last: entries.last().and_then(|(id, _)| place(id)),
        is_full: entries.len() == FIGURES_PAGE,
    }
}

fn read(id: &str, fields: &[Vec<u8>]) -> Option<NodeFigures> {
    let [node, figures, ..] = fields else { return None };
    let node = NodeId::parse(std::str::from_utf8(node).ok()?)?;
    let figures = Figures::read(std::str::from_utf8(figures).ok()?)?;
    Some(NodeFigures { node, at_ms: place(id)?.at_ms, figures })
}

fn place(id: &str) -> Option<FiguresPlace> {
    let (at_ms, number) = id.split_once('-')?;
    Some(FiguresPlace { at_ms: at_ms.parse().ok()?, number: number.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_that_are_not_of_adda_are_skipped_and_passed() {
        let node = NodeId::random();
        let fields =
            |values: &[&str]| values.iter().map(|value| value.as_bytes().to_vec()).collect::<Vec<_>>();
        let figures = Figures { span_ms: 1000, messages: 3, ..Figures::default() };
        let entries = [
            ("5-0".to_owned(), fields(&[&node.to_string(), &figures.write(), "later", "field"])),
            ("6-0".to_owned(), fields(&["nobody", &figures.write()])),
            ("7-0".to_owned(), fields(&["colour", "green"])),
            ("7-1".to_owned(), fields(&[&node.0.simple().to_string(), "1 2 3"])),
        ];
        let read = page(&entries);
        assert_eq!(read.figures, [NodeFigures { node, at_ms: 5, figures }]);
        assert_eq!((read.last, read.is_full), (Some(FiguresPlace { at_ms: 7, number: 1 }), false));
    }
}
