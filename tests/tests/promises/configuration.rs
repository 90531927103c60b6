//! The template and the local stack set exactly the variables that the configuration reads.

use std::cell::RefCell;
use std::collections::BTreeSet;

use shared::config::Config;
use test_support::template;

fn read() -> BTreeSet<String> {
    let asked = RefCell::new(BTreeSet::new());
    // Nothing is set, so nothing can be read; what matters is what is asked for.
    let faults = Config::read(|name| {
        asked.borrow_mut().insert(name.to_owned());
        None
    });
    assert!(faults.is_err());
    asked.into_inner()
}

#[test]
fn the_template_sets_what_is_read_and_nothing_else() {
    let template = template();
    let variables = template["Globals"]["Function"]["Environment"]["Variables"]
        .as_mapping()
        .expect("variables");
    let mut set: BTreeSet<String> = variables
        .keys()
        .filter_map(|name| name.as_str())
        .map(str::to_owned)
        .collect();
    // Read by lambda_http.
    assert!(set.remove("AWS_LAMBDA_HTTP_IGNORE_STAGE_IN_PATH"));
    assert_eq!(set, read());
    let functions = template["Resources"]
        .as_mapping()
        .expect("resources")
        .values();
    let own = functions.filter(|resource| resource["Properties"]["Environment"].is_mapping());
    assert_eq!(
        own.count(),
        0,
        "a variable of one function: compare it here too"
    );
}
