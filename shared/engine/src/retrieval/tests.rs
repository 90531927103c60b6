use super::*;

#[test]
fn a_short_question_is_searched_for_with_the_one_before() {
    let before = Some("How long is the notice period?");
    assert_eq!(
        query("And for interns?", before),
        "How long is the notice period?\nAnd for interns?"
    );
    let long = "How long is the notice period for interns?";
    assert_eq!(query(long, Some("Who?")), long);
    assert_eq!(query(" And? ", None), "And?");
    let cut = query("And?", Some(&"é".repeat(LONGEST_QUERY)));
    assert_eq!(cut.chars().count(), LONGEST_QUERY);
    assert!(cut.ends_with("\nAnd?"));
}

#[test]
fn passages_get_a_third_of_the_room_and_no_less_than_is_of_use() {
    assert_eq!(room(1_000_000).ok(), Some(LONGEST));
    assert_eq!(room(3_000).ok(), Some(1_000));
    assert!(room(500).is_err());
}
