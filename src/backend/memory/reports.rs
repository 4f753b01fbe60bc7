//! The reports.

use std::collections::{HashMap, VecDeque};

use async_trait::async_trait;

use super::MemoryNode;
use crate::backend::{
    AuditPosition, Filed, MAX_REPORTS, REPORTS_OF_USER, ReportPage, ReportRecord, Reports, Result,
};
use crate::model::Timestamp;

#[async_trait]
impl Reports for MemoryNode {
    async fn file_report(&self, report: &ReportRecord) -> Result<Filed> {
        Ok(self.cluster.lock().reports.file(report))
    }

    async fn report(&self, id: AuditPosition) -> Result<Option<ReportRecord>> {
        let shared = self.cluster.lock();
        let found = shared.reports.0.iter().find(|(place, _)| *place == id);
        Ok(found.map(|(_, report)| report.clone()))
    }

    async fn reports(&self, before: Option<AuditPosition>, limit: usize) -> Result<ReportPage> {
        let shared = self.cluster.lock();
        let kept = shared.reports.0.iter().rev();
        let older = kept.filter(|(place, _)| before.is_none_or(|before| *place < before));
        let reports: Vec<(AuditPosition, ReportRecord)> = older.take(limit).cloned().collect();
        let next = reports.last().filter(|_| reports.len() == limit).map(|(place, _)| *place);
        Ok(ReportPage { reports, next })
    }

    async fn settle_report(&self, id: AuditPosition) -> Result<bool> {
        let reports = &mut self.cluster.lock().reports.0;
        let count = reports.len();
        reports.retain(|(place, _)| *place != id);
        Ok(reports.len() < count)
    }
}

/// The reports, the oldest first.
#[derive(Default)]
pub(super) struct ReportList(VecDeque<(AuditPosition, ReportRecord)>);

impl ReportList {
    /// `file.lua`
    fn file(&mut self, report: &ReportRecord) -> Filed {
        let subject = report.subject();
        if let Some((place, _)) = self.0.iter().find(|(_, kept)| kept.subject() == subject) {
            return Filed::Again(*place);
        }
        let millis = Timestamp::now().unix_millis();
        let place = match self.0.back() {
            Some((last, _)) if last.millis >= millis => AuditPosition { number: last.number + 1, ..*last },
            _ => AuditPosition { millis, number: 0 },
        };
        self.0.push_back((place, report.clone()));
        if self.0.len() > MAX_REPORTS {
            self.0.remove(self.least_needed());
        }
        Filed::New(place)
    }

    /// The place of the oldest report of a user with more than its share, or else 0.
    fn least_needed(&self) -> usize {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        for (_, report) in &self.0 {
            *counts.entry(&report.by.user_id).or_default() += 1;
        }
        let is_above = |report: &ReportRecord| counts[report.by.user_id.as_str()] > REPORTS_OF_USER;
        self.0.iter().position(|(_, report)| is_above(report)).unwrap_or(0)
    }
}
