//! The reports of users to moderators.

use adda::backend::{
    AuditPosition, Filed, MAX_REPORTS, REPORTS_OF_USER, ReportRecord, ReportedMessage, ReportedUser,
};
use futures_util::future::join_all;

use super::nodes::{Cluster, Node};

fn user(user_id: &str, username: Option<&str>) -> ReportedUser {
    ReportedUser { user_id: user_id.to_owned(), username: username.map(str::to_owned) }
}

/// A report of a message.
fn report(by: &str, message: u64) -> ReportRecord {
    ReportRecord {
        by: user(by, Some("মিতা \"দি\"")),
        room_id: "আড্ডা {1}".to_owned(),
        user: user("রহিম:{x}%", None),
        message: Some(ReportedMessage { seq: message, id: format!("m{message}") }),
        reason: "স্প্যাম\nagain".to_owned(),
    }
}

async fn file(node: &Node, report: &ReportRecord) -> Filed {
    node.backend.reports.file_report(report).await.unwrap()
}

/// The numbers of the reported messages on all pages, the newest first.
async fn listed(node: &Node, page: usize) -> Vec<u64> {
    let (mut found, mut before) = (Vec::new(), None);
    loop {
        let page = node.backend.reports.reports(before, page).await.unwrap();
        found.extend(page.reports.into_iter().map(|(_, report)| report.message.unwrap().seq));
        before = page.next;
        if before.is_none() {
            return found;
        }
    }
}

pub async fn a_report_is_kept_on_every_node_until_it_is_settled(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let Filed::New(id) = file(&here, &report("karim", 1)).await else { panic!("it is the first") };
    for node in [&here, &there] {
        assert_eq!(node.backend.reports.report(id).await.unwrap(), Some(report("karim", 1)));
    }
    let other = AuditPosition { number: id.number + 1, ..id };
    assert_eq!(here.backend.reports.report(other).await.unwrap(), None);
    assert!(!here.backend.reports.settle_report(other).await.unwrap());
    assert!(there.backend.reports.settle_report(id).await.unwrap());
    assert!(!here.backend.reports.settle_report(id).await.unwrap());
    assert_eq!(here.backend.reports.report(id).await.unwrap(), None);
    assert!(matches!(file(&here, &report("karim", 1)).await, Filed::New(_)), "it may be reported again");
}

pub async fn a_user_reports_the_same_once(mut cluster: Cluster) {
    let [here, there] = cluster.nodes().await;
    let first = file(&here, &report("karim", 1)).await.id();
    let other_words = ReportRecord { reason: "other words".to_owned(), ..report("karim", 1) };
    assert_eq!(file(&there, &other_words).await, Filed::Again(first));
    let about_user = ReportRecord { message: None, ..report("karim", 1) };
    let elsewhere = ReportRecord { room_id: "general".to_owned(), ..about_user.clone() };
    for other in [report("mita", 1), report("karim", 2), about_user, elsewhere] {
        let Filed::New(id) = file(&there, &other).await else { panic!("{other:?}") };
        assert_eq!(file(&here, &other).await, Filed::Again(id));
    }
    let at_once = report("karim", 9);
    let filed = join_all((0..8).map(|at| file(if at % 2 == 0 { &here } else { &there }, &at_once))).await;
    assert_eq!(filed.iter().filter(|filed| matches!(filed, Filed::New(_))).count(), 1, "{filed:?}");
}

pub async fn reports_come_in_pages_with_the_newest_first_and_the_oldest_are_dropped(mut cluster: Cluster) {
    let node = cluster.node().await;
    let most = MAX_REPORTS as u64;
    let first = file(&node, &report("karim", 1)).await.id();
    for number in 2..=most + 3 {
        file(&node, &report("karim", number)).await;
    }
    let expected: Vec<u64> = (4..=most + 3).rev().collect();
    for page in [300, MAX_REPORTS] {
        assert_eq!(listed(&node, page).await, expected);
    }
    let below_all = node.backend.reports.reports(Some(AuditPosition::LEAST), 5).await.unwrap();
    assert!(below_all.reports.is_empty() && below_all.next.is_none());
    assert_eq!(node.backend.reports.report(first).await.unwrap(), None);
    assert!(matches!(file(&node, &report("karim", 1)).await, Filed::New(_)), "it was dropped");
}

pub async fn a_user_that_reports_much_pushes_out_its_own_reports(mut cluster: Cluster) {
    let node = cluster.node().await;
    let (most, share) = (MAX_REPORTS as u64, REPORTS_OF_USER as u64);
    for number in 1..=most - share {
        file(&node, &report(&format!("user {}", number / share), number)).await;
    }
    // Twice its share.
    for number in 1..=2 * share {
        file(&node, &report("karim", most + number)).await;
    }
    let mut kept: Vec<u64> = (1..=most - share).chain(most + share + 1..=most + 2 * share).rev().collect();
    assert_eq!(listed(&node, MAX_REPORTS).await, kept);
    // Nobody has more than its share, so the oldest of all gives way.
    file(&node, &report("mita", 2 * most)).await;
    kept.insert(0, 2 * most);
    kept.truncate(MAX_REPORTS);
    assert_eq!(listed(&node, MAX_REPORTS).await, kept);
}
