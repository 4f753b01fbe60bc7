//! Selects the newest of many answers.

use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;

/// The result of the same query to several servers.
#[derive(Debug)]
pub struct Newest<T, E> {
    /// The answer with the greatest epoch.
    pub answer: Option<T>,
    /// The number of answers.
    pub answers: usize,
    /// The errors of the others.
    pub refusals: Vec<E>,
}

/// Queries all concurrently. A dead server must not delay the others, and a partitioned one has an older epoch. So
/// once an answer has at least the epoch `known`, each further one has `grace` to arrive.
pub async fn newest_within<T, E>(
    grace: Duration,
    known: u64,
    asked: impl IntoIterator<Item = impl Future<Output = Result<T, E>>>,
    epoch: impl Fn(&T) -> u64,
) -> Newest<T, E> {
    let mut asked: FuturesUnordered<_> = asked.into_iter().collect();
    let mut newest = Newest { answer: None, answers: 0, refusals: Vec::new() };
    loop {
        let is_enough = newest.answer.as_ref().is_some_and(|answer| epoch(answer) >= known);
        let wait = if is_enough { grace } else { Duration::MAX };
        let Ok(Some(outcome)) = tokio::time::timeout(wait, asked.next()).await else { return newest };
        match outcome {
            Ok(answer) => {
                newest.answers += 1;
                if newest.answer.as_ref().is_none_or(|newest| epoch(newest) < epoch(&answer)) {
                    newest.answer = Some(answer);
                }
            }
            Err(refusal) => newest.refusals.push(refusal),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers after some milliseconds.
    async fn after(millis: u64, answer: Result<u64, &'static str>) -> Result<u64, &'static str> {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        answer
    }

    const GRACE: Duration = Duration::from_millis(25);

    #[tokio::test(start_paused = true)]
    async fn a_dead_server_delays_the_answer_by_no_more_than_the_grace_period() {
        let asked = [after(60_000, Ok(9)), after(1, Err("no")), after(5, Ok(2)), after(20, Ok(3))];
        let newest = newest_within(GRACE, 2, asked, |epoch| *epoch).await;
        assert_eq!((newest.answer, newest.answers), (Some(3), 2));
        assert_eq!(newest.refusals, ["no"]);
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_of_an_older_epoch_is_not_enough() {
        let newest = newest_within(GRACE, 3, [after(1, Ok(2)), after(5_000, Ok(4))], |epoch| *epoch).await;
        assert_eq!(newest.answer, Some(4));
        let newest = newest_within(GRACE, 3, [after(1, Ok(2))], |epoch| *epoch).await;
        assert_eq!(newest.answer, Some(2), "better than none");
    }
}
