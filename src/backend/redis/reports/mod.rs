//! Reports in Redis: a stream, and beside it a hash of what each is about, so that a user's second report about the same is found.

use async_trait::async_trait;

use crate::backend::redis::client::call::Call;
use crate::backend::redis::client::script::{Memory, Script, TYPES};
use crate::backend::redis::client::server::{parsed, parsed_if_ours};
use crate::backend::redis::keys::Keys;
use crate::backend::redis::moderation::newest_before;
use crate::backend::redis::topology::pooled::PooledCalls;
use crate::backend::{
    AuditPosition, BackendError, Filed, MAX_REPORTS, REPORTS_OF_USER, ReportPage, ReportRecord, Reports,
    Result,
};
use crate::telemetry::{Unreadable, count_unreadable};

/// The part that the scripts share.
const REPORTS: &str = include_str!("reports.lua");

static FILE: Script = Script::new(Memory::Grows, &[TYPES, REPORTS, include_str!("file.lua")]);

static SETTLE: Script = Script::new(Memory::Spares, &[TYPES, REPORTS, include_str!("settle.lua")]);

/// The scripts of this folder.
pub(super) const SCRIPTS: &[&Script] = &[&FILE, &SETTLE];

/// The reports.
#[derive(Debug)]
pub struct RedisReports {
    pub keys: Keys,
    pub calls: PooledCalls,
}

impl RedisReports {
    /// Entries of the stream between two places, the newest first.
    async fn read(&self, from: &str, to: &str, limit: usize) -> Result<ReportPage> {
        let call = Call::plain("XREVRANGE", self.keys.reports()).arg(from).arg(to).arg("COUNT").arg(limit);
        let found: Vec<(String, Vec<Vec<u8>>)> = parsed_if_ours(self.calls.call(call).await)?;
        let next = found.last().filter(|_| found.len() == limit);
        let next = next.and_then(|(id, _)| AuditPosition::parse(id));
        let reports: Vec<_> = found.iter().filter_map(|(id, fields)| report(id, fields)).collect();
        count_unreadable(Unreadable::Moderation, (found.len() - reports.len()) as u64);
        Ok(ReportPage { reports, next })
    }
}

#[async_trait]
impl Reports for RedisReports {
    async fn file_report(&self, report: &ReportRecord) -> Result<Filed> {
        let json = serde_json::to_string(report).expect("texts and numbers are JSON");
        let call = Call::new(&FILE, [self.keys.reports(), self.keys.report_subjects()])
            .arg(MAX_REPORTS)
            .arg(report.subject())
            .arg(json)
            .arg(REPORTS_OF_USER);
        let (is_new, id): (bool, String) = parsed(self.calls.call(call).await?)?;
        let unreadable = || BackendError::Unavailable("the id of a report can't be read".into());
        let id = AuditPosition::parse(&id).ok_or_else(unreadable)?;
        Ok(if is_new { Filed::New(id) } else { Filed::Again(id) })
    }

    async fn report(&self, id: AuditPosition) -> Result<Option<ReportRecord>> {
        let place = id.to_string();
        Ok(self.read(&place, &place, 1).await?.reports.pop().map(|(_, report)| report))
    }

    async fn reports(&self, before: Option<AuditPosition>, limit: usize) -> Result<ReportPage> {
        self.read(&newest_before(before), "-", limit).await
    }

    async fn settle_report(&self, id: AuditPosition) -> Result<bool> {
        let call = Call::new(&SETTLE, [self.keys.reports(), self.keys.report_subjects()]).arg(id);
        parsed(self.calls.call(call).await?)
    }
}

fn report(id: &str, fields: &[Vec<u8>]) -> Option<(AuditPosition, ReportRecord)> {
    let field =
        |name: &[u8]| fields.chunks_exact(2).find(|field| field[0] == name).map(|field| field[1].as_slice());
    if field(b"v")? != b"1" {
        return None;
    }
    Some((AuditPosition::parse(id)?, serde_json::from_slice(field(b"e")?).ok()?))
}
