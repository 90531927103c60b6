//! The cases of the W3C's own test suite (github.com/w3c/trace-context, `test/test.py`), each with what the next
//! service must see, and ours.

use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const TRACE: &str = "12345678901234567890123456789012";
const PARENT: &str = "1234567890123456";

fn request(headers: &[(&str, &str)]) -> Request {
    let mut request = Request::new(axum::body::Body::empty());
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a name");
        let value = HeaderValue::from_bytes(value.as_bytes()).expect("a value");
        request.headers_mut().append(name, value);
    }
    request
}

/// Version, trace, parent and flags of the `traceparent` that goes out, and the `tracestate`.
fn sent(headers: &[(&str, &str)]) -> (Vec<String>, String) {
    let trace = TraceContext::of(&request(headers), RequestId::new(), &Spans::default());
    let outgoing = trace.outgoing();
    let text = |name| {
        let value = outgoing
            .get(name)
            .map(|value| value.to_str().expect("text"));
        value.unwrap_or_default().to_owned()
    };
    let parts: Vec<String> = text(TRACEPARENT).split('-').map(str::to_owned).collect();
    let lengths: Vec<usize> = parts.iter().map(String::len).collect();
    assert_eq!(lengths, [2, 32, 16, 2], "{parts:?}");
    let zero = |text: &str| text.bytes().all(|byte| byte == b'0');
    assert!(!zero(&parts[1]) && !zero(&parts[2]), "{parts:?}");
    assert_eq!(parts[1], trace.trace_id());
    (parts, text(TRACESTATE))
}

fn state_of(states: &[&str]) -> String {
    let parent = format!("00-{TRACE}-{PARENT}-00");
    let mut headers = vec![("traceparent", parent.as_str())];
    headers.extend(states.iter().map(|state| ("tracestate", *state)));
    let (parts, state) = sent(&headers);
    // Whatever is wrong with the state, the trace goes on.
    assert_eq!(parts[1], TRACE, "{states:?}");
    state
}

#[test]
fn without_headers_a_trace_begins_with_the_requests_id() {
    let id = RequestId::new();
    let trace = TraceContext::of(&request(&[]), id, &Spans::default());
    assert_eq!(format!("req_{}", trace.trace_id()), id.to_string());
    let (parts, state) = sent(&[]);
    assert_eq!((parts[3].as_str(), state.as_str()), ("02", ""));
}

#[test]
fn a_valid_traceparent_is_continued() {
    for value in [
        format!("00-{TRACE}-{PARENT}-01"),
        format!("cc-{TRACE}-{PARENT}-01"),
        format!("cc-{TRACE}-{PARENT}-01-what-the-future-will-be-like"),
        format!(" 00-{TRACE}-{PARENT}-01"),
        format!("\t00-{TRACE}-{PARENT}-01"),
        format!("00-{TRACE}-{PARENT}-01 "),
        format!("00-{TRACE}-{PARENT}-01\t"),
        format!("\t 00-{TRACE}-{PARENT}-01 \t"),
        // Bits that mean nothing yet are not passed on.
        format!("00-{TRACE}-{PARENT}-f9"),
    ] {
        for name in ["traceparent", "TraceParent", "TrAcEpArEnT", "TRACEPARENT"] {
            let (parts, _) = sent(&[(name, &value)]);
            assert_eq!(
                [&parts[0], &parts[1], &parts[3]],
                ["00", TRACE, "01"],
                "{value}"
            );
            assert_ne!(parts[2], PARENT, "a step of its own");
        }
    }
}

#[test]
fn a_traceparent_that_can_t_be_read_starts_another_trace() {
    for value in [
        String::new(),
        format!("00-{TRACE}-{PARENT}-01."),
        format!("00-{TRACE}-{PARENT}-01-what-the-future-will-be-like"),
        format!("00-{TRACE}-{PARENT}-01-"),
        format!("cc-{TRACE}-{PARENT}-01.what-the-future-will-be-like"),
        format!("ff-{TRACE}-{PARENT}-01"),
        format!(".0-{TRACE}-{PARENT}-01"),
        format!("0.-{TRACE}-{PARENT}-01"),
        format!("000-{TRACE}-{PARENT}-01"),
        format!("0000-{TRACE}-{PARENT}-01"),
        format!("0-{TRACE}-{PARENT}-01"),
        format!("00-00000000000000000000000000000000-{PARENT}-01"),
        format!("00-.2345678901234567890123456789012-{PARENT}-01"),
        format!("00-1234567890123456789012345678901.-{PARENT}-01"),
        format!("00-1234567890123456789012345678901A-{PARENT}-01"),
        format!("00-123456789012345678901234567890123-{PARENT}-01"),
        format!("00-1234567890123456789012345678901-{PARENT}-01"),
        format!("00-{TRACE}-0000000000000000-01"),
        format!("00-{TRACE}-.234567890123456-01"),
        format!("00-{TRACE}-123456789012345.-01"),
        format!("00-{TRACE}-123456789012345B-01"),
        format!("00-{TRACE}-12345678901234567-01"),
        format!("00-{TRACE}-123456789012345-01"),
        format!("00-{TRACE}-{PARENT}-.0"),
        format!("00-{TRACE}-{PARENT}-0."),
        format!("00-{TRACE}-{PARENT}-001"),
        format!("00-{TRACE}-{PARENT}-1"),
        format!("00-{TRACE}-+234567890123456-01"),
        format!("00-{TRACE}-{PARENT}-0\u{e9}"),
    ] {
        let (parts, state) = sent(&[("traceparent", &value), ("tracestate", "foo=1")]);
        assert_ne!(parts[1], TRACE, "{value}");
        assert_eq!(
            state, "",
            "the state belongs to the trace that ended: {value}"
        );
    }
}

#[test]
fn two_traceparents_and_other_names_are_none() {
    let one = format!("00-12345678901234567890123456789011-{PARENT}-01");
    let other = format!("00-{TRACE}-{PARENT}-01");
    let (parts, _) = sent(&[("traceparent", &one), ("traceparent", &other)]);
    assert!(!one.contains(&parts[1]) && !other.contains(&parts[1]));
    for name in ["trace-parent", "trace.parent"] {
        assert_ne!(sent(&[(name, &other)]).0[1], TRACE, "{name}");
    }
}

#[test]
fn a_tracestate_is_passed_on_with_its_trace() {
    let key = "abcdefghijklmnopqrstuvwxyz0123456789_-*/";
    let value: String = (' '..='~').filter(|c| !matches!(c, ',' | '=')).collect();
    let long = "z".repeat(256);
    let two_parts = format!("{}@{}=1", "t".repeat(241), "v".repeat(14));
    for (states, expected) in [
        (vec!["foo=1,bar=2"], "foo=1,bar=2".to_owned()),
        (vec![""], String::new()),
        (vec!["foo=1", ""], "foo=1".to_owned()),
        (vec!["", "foo=1"], "foo=1".to_owned()),
        (
            vec!["foo=1,bar=2", "rojo=1,congo=2", "baz=3"],
            "foo=1,bar=2,rojo=1,congo=2,baz=3".to_owned(),
        ),
        (vec![&format!("{key}={value}")], format!("{key}={value}")),
        (
            vec![&format!("{key}@a-z0-9_-*/={value}")],
            format!("{key}@a-z0-9_-*/={value}"),
        ),
        (
            vec!["foo=1 \t , \t bar=2, \t baz=3"],
            "foo=1,bar=2,baz=3".to_owned(),
        ),
        (
            vec!["foo=1\t \t,\t \tbar=2,\t \tbaz=3"],
            "foo=1,bar=2,baz=3".to_owned(),
        ),
        (vec![" foo=1"], "foo=1".to_owned()),
        (vec!["\tfoo=1"], "foo=1".to_owned()),
        (vec!["foo=1 "], "foo=1".to_owned()),
        (vec!["foo=1\t"], "foo=1".to_owned()),
        (vec!["\t foo=1 \t"], "foo=1".to_owned()),
        (
            vec!["foo=1", &format!("{long}=1")],
            format!("foo=1,{long}=1"),
        ),
        (vec!["foo=1", &two_parts], format!("foo=1,{two_parts}")),
    ] {
        assert_eq!(state_of(&states), expected, "{states:?}");
    }
    let (parts, state) = sent(&[("tracestate", "foo=1")]);
    assert_eq!((parts.len(), state.as_str()), (4, ""), "without a trace");
    for name in ["trace-state", "trace.state"] {
        let parent = format!("00-{TRACE}-{PARENT}-00");
        assert_eq!(sent(&[("traceparent", &parent), (name, "foo=1")]).1, "");
    }
}

#[test]
fn a_tracestate_that_can_t_be_read_is_dropped_as_a_whole() {
    for states in [
        vec!["foo=1,foo=1"],
        vec!["foo=1,foo=2"],
        vec!["foo=1", "foo=1"],
        vec!["foo=1", "foo=2"],
        vec!["foo =1"],
        vec!["FOO=1"],
        vec!["foo.bar=1"],
        vec!["1foo=1"],
        vec!["foo@=1,bar=2"],
        vec!["@foo=1,bar=2"],
        vec!["foo@@bar=1,bar=2"],
        vec!["foo@bar@baz=1,bar=2"],
        vec!["foo=1", &format!("{}=1", "z".repeat(257))],
        vec!["foo=1", &format!("{}@v=1", "t".repeat(242))],
        vec!["foo=1", &format!("t@{}=1", "v".repeat(15))],
        vec!["foo=bar=baz"],
        vec!["foo=,bar=3"],
        vec!["foo", "bar=3"],
        vec!["foo=1", &format!("bar={}", "x".repeat(257))],
        vec!["foo=1", "bar=\u{e9}"],
    ] {
        assert_eq!(state_of(&states), "", "{states:?}");
    }
}

#[test]
fn a_tracestate_has_up_to_32_members() {
    let members: Vec<String> = (1..=33).map(|n| format!("bar{n:02}={n:02}")).collect();
    assert_eq!(
        state_of(&[&members[..32].join(",")]),
        members[..32].join(",")
    );
    assert_eq!(state_of(&[&members.join(",")]), "");
    let halves = [members[..20].join(","), members[20..].join(",")];
    assert_eq!(state_of(&[&halves[0], &halves[1]]), "");
}

#[test]
fn of_a_long_tracestate_the_long_members_go_first_and_then_the_last() {
    let long = format!("long={}", "x".repeat(200));
    let short: Vec<String> = (0..10)
        .map(|n| format!("m{n}={}", "y".repeat(47)))
        .collect();
    let rest = short[1..].join(",");
    let states = [&short[0], &long, &rest].map(String::as_str);
    let sent = state_of(&states);
    assert_eq!(sent, short.join(","));
    let many: Vec<String> = (10..22)
        .map(|n| format!("k{n}={}", "y".repeat(47)))
        .collect();
    let sent = state_of(&[&many.join(",")]);
    assert!(
        sent.len() <= MAX_STATE && many.join(",").starts_with(&sent),
        "{sent}"
    );
    assert_eq!(sent.split(',').count(), 9);
}

#[test]
fn every_step_of_a_trace_has_an_id_of_its_own() {
    for headers in [
        vec![],
        vec![("traceparent", format!("00-{TRACE}-{PARENT}-01"))],
    ] {
        let headers: Vec<(&str, &str)> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let trace = TraceContext::of(&request(&headers), RequestId::new(), &Spans::default());
        let below = [trace.child(), trace.child()];
        assert!(
            below
                .iter()
                .all(|step| step.parent_id() == Some(trace.span_id()))
        );
        let steps = [&trace, &below[0], &below[1]];
        let sent: HashSet<HeaderValue> = steps
            .into_iter()
            .filter_map(TraceContext::traceparent)
            .collect();
        assert_eq!(sent.len(), 3);
        let prefix = format!("00-{}-", trace.trace_id());
        assert!(
            sent.iter()
                .all(|value| value.as_bytes().starts_with(prefix.as_bytes()))
        );
    }
}

#[test]
fn a_trace_without_a_parent_is_the_one_of_x_ray() {
    let id = RequestId::new();
    let of = |xray: &str| TraceContext::new(Some(xray), id, &Spans::default());
    let given = of("Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1");
    assert_eq!(given.trace_id(), "5759e988bd862e3fe1be46a994272793");
    assert_eq!(given.flags, SAMPLED | RANDOM);
    assert_eq!(
        of("Self=1;Root=1-5759e988-bd862e3fe1be46a994272793").flags,
        RANDOM
    );
    for wrong in [
        "",
        "Root=1-5759e988",
        "Root=2-5759e988-bd862e3fe1be46a994272793",
        "Root=1-00000000-000000000000000000000000",
    ] {
        let given = of(wrong);
        assert_eq!(
            (given.trace_id, given.flags),
            (id.bits(), RANDOM),
            "{wrong}"
        );
    }
}

#[test]
fn who_calls_decides_what_is_recorded_and_else_we_do() {
    let all = Spans::memory();
    for (flags, sampled) in [("00", false), ("01", true), ("02", false), ("03", true)] {
        let parent = format!("00-{TRACE}-{PARENT}-{flags}");
        let request = request(&[("traceparent", &parent)]);
        let trace = TraceContext::of(&request, RequestId::new(), &all);
        assert_eq!(trace.is_sampled(), sampled, "{flags}");
        assert_eq!(trace.parent_id().as_deref(), Some(PARENT));
    }
    let begun = |spans: &Spans| TraceContext::of(&request(&[]), RequestId::new(), spans);
    assert!(begun(&all).is_sampled());
    assert!(!begun(&Spans::default()).is_sampled());
    assert_eq!(begun(&all).parent_id(), None);
}

#[test]
fn a_message_continues_the_trace_that_its_attributes_name() {
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let off = Spans::default();
    let sent = [("traceparent", parent.as_str()), ("tracestate", "foo=1")];
    let trace = TraceContext::of_message(sent, &off);
    assert_eq!(trace.trace_id(), TRACE);
    assert_eq!(trace.parent_id().as_deref(), Some(PARENT));
    assert_eq!(trace.outgoing()[TRACESTATE], "foo=1");
    for wrong in ["", "00-0-0-00", "\u{e9}\n"] {
        let begun = TraceContext::of_message([("traceparent", wrong), ("other", "x")], &off);
        assert_eq!(begun.parent_id(), None, "{wrong}");
    }
}

#[tokio::test]
async fn work_that_was_stored_goes_on_below_the_message_that_told_of_it() {
    let parent = format!("00-{TRACE}-{PARENT}-01");
    let asked = TraceContext::of(
        &request(&[("traceparent", &parent)]),
        RequestId::new(),
        &Spans::default(),
    );
    let text = serde_json::to_string(&asked).expect("JSON");
    let stored = || serde_json::from_str::<TraceContext>(&text).expect("a trace");
    let alone = stored().taken_up(&Spans::default());
    assert_eq!(alone.span_id(), asked.span_id());
    let told = asked.child();
    let below = told
        .clone()
        .scope(async { stored().taken_up(&Spans::default()) })
        .await;
    assert_eq!(below.span_id(), told.span_id());
    assert_eq!(below.request_id(), asked.request_id());
    let other = TraceContext::begin(RequestId::new());
    let beside = other
        .scope(async { stored().taken_up(&Spans::default()) })
        .await;
    assert_eq!(beside.span_id(), asked.span_id());
    // As versions before stored it.
    let before = text.replace(&format!("\"span_id\":{},", asked.span_id), "");
    assert_ne!(before, text);
    let before: TraceContext = serde_json::from_str(&before).expect("a trace");
    assert_eq!(before.trace_id(), TRACE);
}

proptest! {
    #[test]
    fn nothing_that_is_sent_makes_a_bad_trace(parent in "[ -~]{0,80}", state in prop::collection::vec("[ -~\t]{0,80}", 0..4)) {
        let mut headers = vec![("traceparent", parent.trim())];
        headers.extend(state.iter().map(|state| ("tracestate", state.trim())));
        let (_, state) = sent(&headers);
        prop_assert!(state.len() <= MAX_STATE);
    }

    #[test]
    fn a_tracestate_that_was_passed_on_is_valid(members in prop::collection::vec(("[a-z][a-z0-9_*/-]{0,20}(@[a-z][a-z0-9]{0,5})?", "[!-+.-<>-~]{1,40}"), 0..40)) {
        let members: Vec<String> = members.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
        let once = state_of(&[&members.join(",")]);
        prop_assert_eq!(state_of(&[&once]), once);
    }
}
