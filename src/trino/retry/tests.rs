use std::cell::Cell;

use super::*;

fn unavailable(retry_after: Option<Duration>) -> TrinoError {
    TrinoError::Status {
        status: 503,
        text: String::new(),
        is_page: false,
        retry_after,
    }
}

async fn attempts(budget: Duration, safe: bool, answers: Vec<Option<TrinoError>>) -> (usize, bool) {
    let count = Cell::new(0);
    let answers = std::cell::RefCell::new(answers.into_iter());
    let result = retried(
        "test",
        budget,
        |_| safe,
        || {
            count.set(count.get() + 1);
            let answer = answers.borrow_mut().next().flatten();
            async { answer.map_or(Ok(()), Err) }
        },
    )
    .await;
    (count.get(), result.is_ok())
}

#[tokio::test]
async fn a_passing_fault_is_tried_again() {
    let result = attempts(BUDGET, true, vec![Some(unavailable(None)), None]).await;
    assert_eq!(result, (2, true));
}

#[tokio::test]
async fn a_request_that_is_not_safe_is_sent_once() {
    let result = attempts(BUDGET, false, vec![Some(unavailable(None)), None]).await;
    assert_eq!(result, (1, false));
}

#[tokio::test]
async fn a_lasting_fault_is_not_tried_again() {
    let denied = TrinoError::Status {
        status: 401,
        text: String::new(),
        is_page: false,
        retry_after: None,
    };
    assert_eq!(
        attempts(BUDGET, true, vec![Some(denied), None]).await,
        (1, false)
    );
}

#[tokio::test]
async fn retry_after_is_the_least_pause() {
    let start = Instant::now();
    let wait = Some(Duration::from_millis(400));
    attempts(BUDGET, true, vec![Some(unavailable(wait)), None]).await;
    assert!(start.elapsed() >= Duration::from_millis(400));
}

#[tokio::test]
async fn the_budget_ends_it() {
    let faults = (0..100).map(|_| Some(unavailable(None))).collect();
    let (count, succeeded) = attempts(Duration::from_millis(300), true, faults).await;
    assert!(!succeeded);
    assert!(count < 10, "{count} attempts");
}

const SHORT: Duration = Duration::from_millis(300);

async fn unanswered(contact: &Contact) -> Result<(), TrinoError> {
    let request = || async { Err(unavailable(None)) };
    retried_in_contact(contact, "test", SHORT, |_| true, request).await
}

#[tokio::test]
async fn a_server_that_answers_nobody_is_lost_for_all_at_once() {
    let contact = Contact::new(Duration::ZERO);
    let started = Instant::now();
    let (first, second) = tokio::join!(unanswered(&contact), unanswered(&contact));
    let third = unanswered(&contact).await;
    assert!(started.elapsed() < 2 * SHORT);
    for result in [first, second, third] {
        assert!(matches!(result, Err(TrinoError::Lost { .. })), "{result:?}");
    }
}

#[tokio::test]
async fn a_server_that_answers_others_is_not_lost() {
    let contact = Contact::new(Duration::ZERO);
    let answers = async {
        tokio::time::sleep(SHORT / 3).await;
        contact.answered();
    };
    let (result, ()) = tokio::join!(unanswered(&contact), answers);
    assert!(
        matches!(result, Err(TrinoError::Status { .. })),
        "{result:?}"
    );
    assert!(!contact.is_lost());
}

#[tokio::test]
async fn a_patient_contact_is_lost_by_several_requests() {
    let contact = Contact::new(2 * SHORT);
    let mut results = Vec::new();
    while !contact.is_lost() && results.len() < 9 {
        results.push(unanswered(&contact).await);
    }
    assert!((2..9).contains(&results.len()), "{results:?}");
}
