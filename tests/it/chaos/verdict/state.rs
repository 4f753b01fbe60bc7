//! The state of messages at the end of a run: the changes of the log, applied in the order of their numbers, must make
//! each text as every page shows it, and as every reader shows it that was given it.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Kind, Log, Page, Verdict};
use crate::chaos::memory::{Dialect, Memory, Told};
use crate::chaos::messages::{Action, Change, Entry, Received, Shown};

/// The texts that somebody shows, by number, each with its id.
type Texts<'a> = BTreeMap<u64, (&'a str, Shown)>;

/// The state of one room.
#[derive(Debug)]
pub struct State<'a> {
    room: &'a str,
    log: &'a Log,
    /// The acknowledged messages by id, as their writers sent them.
    acked: HashMap<&'a str, &'a Received>,
}

impl<'a> State<'a> {
    /// Collects what was acknowledged.
    pub fn new(room: &'a str, memories: &[&'a Memory], log: &'a Log) -> Self {
        let acked = memories.iter().flat_map(|memory| memory.told()).filter_map(|told| match told {
            Told::Acked { message, .. } => Some((message.id.as_str(), message)),
            _ => None,
        });
        Self { room, log, acked: acked.collect() }
    }

    /// Compares all pages and readers with the log.
    pub fn judge(&self, memories: &[&'a Memory], verdict: &mut Verdict) {
        let truth = self.truth(verdict);
        for page in &self.log.pages {
            let mut shown = Texts::new();
            page.texts.iter().for_each(|text| take(&mut shown, text));
            for seq in truth.keys().filter(|seq| !shown.contains_key(seq)) {
                self.find(verdict, &page.name, format_args!("{seq} is not shown"));
            }
            for (seq, (id, _)) in shown.iter().filter(|(seq, _)| !truth.contains_key(seq)) {
                self.find(verdict, &page.name, format_args!("{seq} ({id}) is shown, but not in the log"));
            }
            self.compare(verdict, &page.name, &shown, &truth);
        }
        // Where they show the same they may still show more than that in different ways.
        let mut pages = self.log.pages.iter().filter(|page| !page.json.is_empty());
        if let Some(first) = pages.next() {
            for (page, text, other) in pages.flat_map(|page| differing(first, page)) {
                self.find(verdict, page, format_args!("shows {text}, and {} {other}", first.name));
            }
        }
        for memory in memories {
            match memory.dialect {
                // A client that has left is given nothing more, from an unknown time on.
                Dialect::Full if memory.is_gone => {}
                Dialect::Full => self.compare(verdict, &memory.name, &shown_by(memory), &truth),
                Dialect::Plain => self.find_changes(verdict, memory),
            }
        }
    }

    /// The texts of the log as its changes make them. A change that was acknowledged must be in the log as it was sent.
    fn truth(&self, verdict: &mut Verdict) -> Texts<'a> {
        let mut truth = Texts::new();
        let oldest = self.log.messages.iter().find(|message| message.content().is_some());
        let oldest = oldest.map_or(u64::MAX, |text| text.seq);
        for message in &self.log.messages {
            match &message.entry {
                Entry::Text(shown) => {
                    drop(truth.insert(message.seq, (message.id.as_str(), self.as_posted(message, shown))));
                }
                Entry::Change(change) => {
                    let change = self.as_sent(message, change, verdict);
                    match truth.get_mut(&change.target) {
                        Some((_, shown)) => shown.apply(message.seq, &change),
                        None if change.target < oldest => {}
                        None => {
                            let finding =
                                format_args!("{} changes {}, which is none", message.seq, change.target);
                            self.find(verdict, "the log", finding);
                        }
                    }
                }
            }
        }
        truth
    }

    /// A text before its changes. One that was not acknowledged, and edited since, may have any content.
    fn as_posted(&self, message: &Received, now: &Shown) -> Shown {
        let content = self.acked.get(message.id.as_str()).and_then(|acked| acked.content());
        Shown { content: content.unwrap_or(&now.content).to_owned(), ..Shown::default() }
    }

    /// A change of the log with the content that its user sent: the log has an edit with the content of now.
    fn as_sent(&self, message: &Received, change: &Change, verdict: &mut Verdict) -> Change {
        let Some(Entry::Change(sent)) = self.acked.get(message.id.as_str()).map(|acked| &acked.entry) else {
            return change.clone();
        };
        let is_same = match (&sent.action, &change.action) {
            (Action::Edit(_), Action::Edit(_)) => true,
            (sent, logged) => sent == logged,
        };
        if !is_same || (sent.target, &sent.user_id) != (change.target, &change.user_id) {
            self.find(verdict, "the log", format_args!("{} is {change:?}, sent as {sent:?}", message.seq));
        }
        sent.clone()
    }

    /// Each text that is shown must be as the log makes it.
    fn compare(&self, verdict: &mut Verdict, who: &str, shown: &Texts<'_>, truth: &Texts<'_>) {
        for (seq, (id, shown)) in shown {
            match truth.get(seq) {
                // A position that names two messages is a finding of its own.
                Some((true_id, text)) if true_id == id && text != shown => {
                    self.find(verdict, who, format_args!("{seq} is shown as {shown:?}, not as {text:?}"));
                }
                _ => {}
            }
        }
    }

    /// Plain sessions are given texts alone.
    fn find_changes(&self, verdict: &mut Verdict, memory: &Memory) {
        for told in memory.told() {
            if let Told::Message(Received { seq, entry: Entry::Change(_), .. }) = told {
                self.find(verdict, &memory.name, format_args!("was given the change {seq}"));
            }
        }
    }

    fn find(&self, verdict: &mut Verdict, who: &str, what: std::fmt::Arguments<'_>) {
        verdict.states += 1;
        verdict.find(Kind::State, format!("{who} in {}: {what}", self.room));
    }
}

/// The texts that two pages have both and show in different ways, with the name of the second.
fn differing<'a>(first: &'a Page, page: &'a Page) -> Vec<(&'a str, &'a Value, &'a Value)> {
    let of_first: BTreeMap<u64, &Value> =
        first.json.iter().filter_map(|text| Some((text["seq"].as_u64()?, text))).collect();
    let both = page.json.iter().filter_map(|text| Some((text, *of_first.get(&text["seq"].as_u64()?)?)));
    both.filter(|(text, other)| text != other)
        .map(|(text, other)| (page.name.as_str(), text, other))
        .collect()
}

/// The texts that a full session's client shows. Once it may have missed changes, it shows what it is given from then on.
fn shown_by(memory: &Memory) -> Texts<'_> {
    let mut texts = Texts::new();
    for told in memory.told() {
        match told {
            Told::Joined { is_recovered, messages, .. } => {
                if !is_recovered {
                    texts.clear();
                }
                messages.iter().for_each(|message| take(&mut texts, message));
            }
            Told::Message(message) => take(&mut texts, message),
            Told::Gap { .. } | Told::Reset(_) => texts.clear(),
            _ => {}
        }
    }
    texts
}

/// Shows a text, or changes one that is shown.
fn take<'a>(texts: &mut Texts<'a>, message: &'a Received) {
    match &message.entry {
        Entry::Text(shown) => drop(texts.insert(message.seq, (&message.id, shown.clone()))),
        Entry::Change(change) => {
            if let Some((_, shown)) = texts.get_mut(&change.target) {
                shown.apply(message.seq, change);
            }
        }
    }
}
