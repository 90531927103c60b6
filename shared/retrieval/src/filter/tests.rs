use serde_json::json;

use super::*;

fn parse(value: &Value) -> Filter {
    Filter::parse(value).unwrap()
}

fn attributes() -> [(&'static str, ValueRef<'static>); 4] {
    [
        ("city", ValueRef::Text("Oslo")),
        ("year", ValueRef::Number(2024.0)),
        ("public", ValueRef::Bool(true)),
        ("day", ValueRef::Text("2024-05-17")),
    ]
}

#[track_caller]
fn check(kind: &str, key: &str, value: &Value, expected: bool) {
    let filter = parse(&json!({ "type": kind, "key": key, "value": value }));
    assert_eq!(
        filter.matches(&attributes()),
        expected,
        "{key} {kind} {value}"
    );
}

#[test]
fn comparisons_do_what_their_names_say() {
    for (kind, below, same, above) in [
        ("eq", false, true, false),
        ("ne", true, false, true),
        ("gt", true, false, false),
        ("gte", true, true, false),
        ("lt", false, false, true),
        ("lte", false, true, true),
    ] {
        for (value, expected) in [(2023, below), (2024, same), (2025, above)] {
            check(kind, "year", &json!(value), expected);
            check(kind, "day", &json!(format!("{value}-05-17")), expected);
        }
    }
    check("in", "city", &json!(["Rome", "Oslo"]), true);
    check("in", "city", &json!(["Rome"]), false);
    check("nin", "city", &json!(["Rome", "Oslo"]), false);
    check("nin", "city", &json!(["Rome"]), true);
    check("eq", "public", &json!(true), true);
    check("eq", "year", &json!(2024.0), true);
}

#[test]
fn a_missing_key_and_another_type_match_only_what_says_not() {
    for kind in ["eq", "gt", "gte", "lt", "lte"] {
        check(kind, "missing", &json!("a"), false);
        check(kind, "year", &json!("2024"), false);
        check(kind, "city", &json!(1), false);
    }
    check("ne", "missing", &json!("a"), true);
    check("nin", "missing", &json!(["a"]), true);
    check("in", "missing", &json!(["a"]), false);
    check("ne", "year", &json!("2024"), true);
    check("nin", "year", &json!(["2024"]), true);
    check("in", "year", &json!(["2024", 2024]), true);
}

#[test]
fn filters_are_joined() {
    let yes = json!({ "type": "eq", "key": "city", "value": "Oslo" });
    let no = json!({ "type": "eq", "key": "city", "value": "Rome" });
    for (kind, filters, expected) in [
        ("and", vec![&yes, &yes], true),
        ("and", vec![&yes, &no], false),
        ("or", vec![&no, &yes], true),
        ("or", vec![&no, &no], false),
    ] {
        let filter = parse(&json!({ "type": kind, "filters": filters }));
        assert_eq!(filter.matches(&attributes()), expected, "{kind}");
    }
}

#[test]
fn an_error_says_where_it_is() {
    let eq = |value: Value| json!({ "type": "eq", "key": "k", "value": value });
    let and = |filters: Value| json!({ "type": "and", "filters": filters });
    for (filter, path) in [
        (json!("x"), ""),
        (json!({ "key": "k", "value": 1 }), "type"),
        (json!({ "type": "like", "key": "k", "value": 1 }), "type"),
        (json!({ "type": "eq", "value": 1 }), "key"),
        (json!({ "type": "eq", "key": "", "value": 1 }), "key"),
        (json!({ "type": "eq", "key": "k" }), "value"),
        (
            json!({ "type": "eq", "key": "k", "value": 1, "extra": 1 }),
            "extra",
        ),
        (eq(json!(null)), "value"),
        (eq(json!([1])), "value"),
        (json!({ "type": "gt", "key": "k", "value": true }), "value"),
        (json!({ "type": "in", "key": "k", "value": "x" }), "value"),
        (json!({ "type": "in", "key": "k", "value": [] }), "value"),
        (
            json!({ "type": "in", "key": "k", "value": ["x", null] }),
            "value[1]",
        ),
        (and(json!([])), "filters"),
        (
            and(json!([eq(json!(1)), eq(json!({}))])),
            "filters[1].value",
        ),
        (
            and(json!([and(json!([{ "type": "eq" }]))])),
            "filters[0].filters[0].key",
        ),
    ] {
        let error = Filter::parse(&filter).unwrap_err();
        assert_eq!(error.path, path, "{filter}");
    }
}

#[test]
fn filters_are_bounded() {
    let one = json!({ "type": "eq", "key": "k", "value": 1 });
    let deep = |depth| {
        (1..depth).fold(
            one.clone(),
            |inner, _| json!({ "type": "and", "filters": [inner] }),
        )
    };
    assert!(Filter::parse(&deep(MAX_DEPTH)).is_ok());
    assert!(Filter::parse(&deep(MAX_DEPTH + 1)).is_err());
    let wide = |count| json!({ "type": "or", "filters": vec![&one; count] });
    assert!(Filter::parse(&wide(MAX_COMPARISONS)).is_ok());
    assert!(Filter::parse(&wide(MAX_COMPARISONS + 1)).is_err());
    let long = |count| json!({ "type": "in", "key": "k", "value": vec![1; count] });
    assert!(Filter::parse(&long(MAX_COMPARISONS)).is_ok());
    let error = Filter::parse(&long(MAX_COMPARISONS + 1)).unwrap_err();
    assert_eq!(error.path, format!("value[{MAX_COMPARISONS}]"));
}

#[test]
fn what_was_read_is_written_as_it_was() {
    let json = json!({ "type": "or", "filters": [
        { "type": "nin", "key": "a", "value": ["x", true, 1.5] },
        { "type": "and", "filters": [{ "type": "lte", "key": "b", "value": "2024" }] },
    ]});
    let filter: Filter = serde_json::from_value(json.clone()).unwrap();
    assert_eq!(serde_json::to_value(&filter).unwrap(), json);
    let error = serde_json::from_value::<Filter>(json!({ "type": "eq" })).unwrap_err();
    assert!(error.to_string().starts_with("`key`: "), "{error}");
}
