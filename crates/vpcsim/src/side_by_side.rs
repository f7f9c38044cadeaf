//! Many independent questions on several processors, with the answers in the order of the questions.
//!
//! Each question about a flow is asked in a network in its first state, so that nothing depends on who asks which, or when: the answers
//! are the same with any number of threads. Threads take parts of the questions in turn, and wait when they are far ahead of whoever
//! takes the answers, so that a million of them never lie in memory.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

/// Questions that a thread answers before it hands the answers on.
const PART_LEN: usize = 64;
/// Parts that a thread may be ahead.
const AHEAD_MAX: usize = 4;

/// As many threads as there are processors to be had.
pub(crate) fn thread_count() -> usize {
    thread::available_parallelism().map_or(1, usize::from)
}

/// Answers all questions with so many threads, each by a function of its own that `make` makes, and hands the answers to `take` with their
/// numbers, in order.
///
/// # Errors
/// The first error of `take`, after which no more is asked.
pub(crate) fn answer_all<'q, Q, A, F, E>(
    questions: &'q [Q],
    thread_count: usize,
    make: impl Fn() -> F + Sync,
    mut take: impl FnMut(usize, A) -> Result<(), E>,
) -> Result<(), E>
where
    Q: Sync,
    A: Send,
    F: FnMut(&'q Q) -> A,
{
    let part_count = questions.len().div_ceil(PART_LEN);
    let thread_count = thread_count.min(part_count);
    if thread_count <= 1 {
        let answers = questions.iter().map(make());
        return answers
            .enumerate()
            .try_for_each(|(number, answer)| take(number, answer));
    }
    thread::scope(|scope| {
        let threads = (0..thread_count).map(|first| {
            let parts = questions.chunks(PART_LEN).skip(first).step_by(thread_count);
            let (taker, answers) = sync_channel(AHEAD_MAX);
            let make = &make;
            scope.spawn(move || answer_parts(parts, make(), &taker));
            answers
        });
        let threads: Vec<Receiver<Vec<A>>> = threads.collect();
        let in_turn = threads.iter().cycle().take(part_count);
        // A thread without an answer has panicked, and the scope goes on with that.
        let answers = in_turn.map_while(|thread| thread.recv().ok()).flatten();
        answers
            .enumerate()
            .try_for_each(|(number, answer)| take(number, answer))
    })
}

/// Answers parts of the questions as long as somebody takes the answers.
fn answer_parts<'q, Q: 'q, A>(
    parts: impl Iterator<Item = &'q [Q]>,
    mut answer: impl FnMut(&'q Q) -> A,
    taker: &SyncSender<Vec<A>>,
) {
    for part in parts {
        if taker.send(part.iter().map(&mut answer).collect()).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn doubled(question_count: usize, thread_count: usize) -> Vec<(usize, usize)> {
        let questions: Vec<usize> = (0..question_count).collect();
        let mut taken = Vec::new();
        let take = |number, answer| {
            taken.push((number, answer));
            Ok::<(), Infallible>(())
        };
        answer_all(&questions, thread_count, || |question: &usize| 2 * question, take).unwrap();
        taken
    }

    #[test]
    fn answers_come_in_the_order_of_the_questions() {
        for question_count in [0, 1, PART_LEN, 1_000] {
            let expected: Vec<_> = (0..question_count).map(|number| (number, 2 * number)).collect();
            for thread_count in [0, 1, 2, 3, 7] {
                assert_eq!(doubled(question_count, thread_count), expected);
            }
        }
    }

    #[test]
    fn nobody_asks_on_once_an_answer_was_refused() {
        let questions = vec![(); 100_000];
        let asked_count = AtomicUsize::new(0);
        let make = || |(): &()| asked_count.fetch_add(1, Ordering::Relaxed);
        let refused = answer_all(&questions, 2, make, |number, _| {
            if number == 10 { Err("enough") } else { Ok(()) }
        });
        assert_eq!(refused, Err("enough"));
        assert!(asked_count.into_inner() < 50_000);
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_not_lost() {
        let questions: Vec<usize> = (0..1_000).collect();
        let make = || |question: &usize| assert!(*question < 500);
        let _ = answer_all(&questions, 2, make, |_, ()| Ok::<(), Infallible>(()));
    }
}
