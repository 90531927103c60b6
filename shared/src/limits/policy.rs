//! What may be done how often: the policies, and how they are read from the configuration.

use std::collections::HashSet;
use std::time::Duration;

use serde::Deserialize;

use super::failures::FAILED_AUTH;
use crate::clock::Moment;

/// What a route does with what it is asked. A route has one class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    /// Public pages, health and public keys. Counted in the process only: they must cost no writes.
    Open,
    /// Proving who one is without a token: log in, refresh, confirm.
    Auth,
    /// Having a mail sent without a token: register, ask for a reset. Each costs a mail and writes, and annoys
    /// whoever has the address.
    Mail,
    /// Reading.
    Read,
    /// Writing.
    Write,
    /// Spending a model's time.
    Turn,
    /// Changing what guards an account: a password, a key, a second factor.
    Sensitive,
}

/// Whose requests a policy counts together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Per {
    /// One user's, or one API key's.
    Caller,
    /// One tenant's, whoever of it asks.
    Tenant,
    /// One address's; see [`super::Source`].
    Source,
    /// All requests of the class, whoever sends them from wherever.
    Everyone,
}

/// So many requests of one class in a window, counted for each of one kind of subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// What clients see it as: lower-case letters, digits and hyphens.
    pub name: String,
    /// Which requests it counts.
    pub class: Class,
    /// Whose.
    pub per: Per,
    /// How many may pass in a window.
    pub quota: u32,
    /// How long a window is: whole seconds. Windows begin at multiples of it since 1970.
    pub window: Duration,
}

const CLASSES: [(&str, Class); 7] = [
    ("open", Class::Open),
    ("auth", Class::Auth),
    ("mail", Class::Mail),
    ("read", Class::Read),
    ("write", Class::Write),
    ("turn", Class::Turn),
    ("sensitive", Class::Sensitive),
];
const PERS: [(&str, Per); 4] = [
    ("caller", Per::Caller),
    ("tenant", Per::Tenant),
    ("source", Per::Source),
    ("everyone", Per::Everyone),
];
const WINDOW_SECONDS: std::ops::RangeInclusive<i64> = 1..=86_400;
const NAME_LENGTH: std::ops::RangeInclusive<usize> = 1..=40;
/// The most permits that a process takes from the table at once.
const MAX_BLOCK: u32 = 50;

impl Class {
    /// What happens when the table can't be asked: refusing these is safer than letting anybody try them
    /// without end; refusing the others would make an outage of the counters one of everything.
    pub(super) const fn fails_closed(self) -> bool {
        match self {
            Self::Auth | Self::Mail | Self::Sensitive => true,
            Self::Open | Self::Read | Self::Write | Self::Turn => false,
        }
    }

    /// Whether a policy counts those whom a request of this class always has. Without one the class would
    /// have no limit.
    const fn is_limited_by(self, per: Per) -> bool {
        match self {
            Self::Open | Self::Auth | Self::Mail => matches!(per, Per::Source),
            Self::Read | Self::Write | Self::Turn | Self::Sensitive => {
                matches!(per, Per::Caller | Per::Tenant)
            }
        }
    }
}

impl Per {
    /// Its name in the configuration and in keys.
    pub(super) fn name(self) -> &'static str {
        let found = PERS.iter().find(|(_, per)| *per == self);
        found.map_or("", |(name, _)| name)
    }
}

impl Policy {
    /// How many permits a process takes from the table with one write: the largest divisor of the quota that
    /// is at most a hundredth of it, and 50. A divisor, so that the last block takes the last permit.
    ///
    /// What a process took and does not use before the window ends is lost to the others: with `p` processes
    /// at most `p × (block − 1)` requests fewer than the quota pass. Never more.
    pub fn block(&self) -> u32 {
        let most = (self.quota / 100).min(MAX_BLOCK);
        let divisors = (1..=most).rev();
        divisors
            .into_iter()
            .find(|block| self.quota.is_multiple_of(*block))
            .unwrap_or(1)
    }

    pub(super) fn window_seconds(&self) -> i64 {
        i64::try_from(self.window.as_secs())
            .unwrap_or(i64::MAX)
            .max(1)
    }

    /// When the window of `now` began, in Unix seconds.
    pub(super) fn window_start(&self, now: Moment) -> i64 {
        let seconds = now.unix_seconds();
        seconds - seconds.rem_euclid(self.window_seconds())
    }

    /// Seconds until the window of `now` is over: at least one, and none too few.
    pub(super) fn reset(&self, now: Moment) -> u64 {
        let left = self.window_start(now) + self.window_seconds() - now.unix_seconds();
        u64::try_from(left).unwrap_or(1).max(1)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: String,
    class: String,
    per: String,
    quota: i64,
    window: i64,
}

/// Reads the policies from a JSON list of `{name, class, per, quota, window}`. What is wrong is named by its
/// place, and never by its value.
pub fn parse(text: &str) -> Result<Vec<Policy>, Vec<String>> {
    let Ok(list) = serde_json::from_str::<Vec<serde_json::Value>>(text) else {
        return Err(vec![
            " is malformed: it must be a JSON list of {name, class, per, quota, window}".to_owned(),
        ]);
    };
    let mut faults = Vec::new();
    let mut names = HashSet::from([FAILED_AUTH.to_owned()]);
    let mut policies = Vec::new();
    for (index, value) in list.into_iter().enumerate() {
        let mut wrong = |what: &str| faults.push(format!("[{index}]{what}"));
        let Ok(written) = serde_json::from_value::<Written>(value) else {
            wrong(
                " must be an object of name, class and per as texts and quota and window as whole numbers, and nothing else",
            );
            continue;
        };
        policies.extend(policy(written, &mut names, &mut wrong));
    }
    if faults.is_empty() {
        faults.extend(unlimited(&policies));
    }
    if faults.is_empty() {
        Ok(policies)
    } else {
        Err(faults)
    }
}

/// The classes that nothing limits.
fn unlimited(policies: &[Policy]) -> Vec<String> {
    let mut faults = Vec::new();
    for (name, class) in CLASSES {
        let mut own = policies.iter().filter(|policy| policy.class == class);
        if !own.any(|policy| class.is_limited_by(policy.per)) {
            let whose = if class.is_limited_by(Per::Source) {
                "source"
            } else {
                "caller or tenant"
            };
            faults.push(format!(
                " leaves the class {name} without a limit: it needs a policy per {whose}"
            ));
        }
    }
    faults
}

fn policy(
    written: Written,
    names: &mut HashSet<String>,
    wrong: &mut impl FnMut(&str),
) -> Option<Policy> {
    let Written {
        name,
        class,
        per,
        quota,
        window,
    } = written;
    let plain =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '-';
    if !NAME_LENGTH.contains(&name.len()) || !name.chars().all(plain) {
        wrong(".name must be 1 to 40 lower-case letters, digits and hyphens");
    } else if !names.insert(name.clone()) {
        wrong(".name must stand only once, and not be failed-auth");
    }
    let class = CLASSES.iter().find(|(known, _)| *known == class);
    if class.is_none() {
        wrong(".class must be open, auth, mail, read, write, turn or sensitive");
    }
    let per = PERS.iter().find(|(known, _)| *known == per);
    if per.is_none() {
        wrong(".per must be caller, tenant, source or everyone");
    }
    let quota = u32::try_from(quota).ok().filter(|quota| *quota > 0);
    if quota.is_none() {
        wrong(".quota must be from 1 to 4294967295");
    }
    let seconds = Some(window).filter(|window| WINDOW_SECONDS.contains(window));
    if seconds.is_none() {
        wrong(".window must be from 1 to 86400 seconds");
    }
    Some(Policy {
        name,
        class: class?.1,
        per: per?.1,
        quota: quota?,
        window: Duration::from_secs(u64::try_from(seconds?).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};

    use super::*;

    fn all() -> Vec<Value> {
        let classes = [
            ("open", "source"),
            ("auth", "source"),
            ("mail", "source"),
            ("read", "caller"),
            ("write", "tenant"),
            ("turn", "caller"),
            ("sensitive", "caller"),
        ];
        classes
            .map(|(class, per)| json!({"name": class, "class": class, "per": per, "quota": 10, "window": 60}))
            .to_vec()
    }

    fn faults_with(place: usize, member: &str, value: Value) -> Vec<String> {
        let mut list = all();
        list[place][member] = value;
        parse(&Value::from(list).to_string()).expect_err(member)
    }

    #[test]
    fn policies_are_read() {
        let policies = parse(&Value::from(all()).to_string()).expect("no fault");
        assert_eq!(policies.len(), 7);
        let expected = Policy {
            name: "write".to_owned(),
            class: Class::Write,
            per: Per::Tenant,
            quota: 10,
            window: Duration::from_secs(60),
        };
        assert_eq!(policies[4], expected);
    }

    #[test]
    fn every_fault_is_named_by_its_place_and_not_by_its_value() {
        for (member, value) in [
            ("name", json!("hunter2\"")),
            ("name", json!("")),
            ("name", json!("hunter2".repeat(7))),
            ("name", json!("open")),
            ("name", json!("failed-auth")),
            ("per", json!("hunter2")),
            ("quota", json!(0)),
            ("quota", json!(-1)),
            ("quota", json!(4_294_967_296_i64)),
            ("window", json!(0)),
            ("window", json!(86_401)),
        ] {
            let faults = faults_with(2, member, value.clone());
            assert!(
                faults[0].starts_with(&format!("[2].{member} ")),
                "{value}: {faults:?}"
            );
            assert!(!faults.concat().contains("hunter2"), "{faults:?}");
        }
        for (member, value) in [("quota", json!("10")), ("burst", json!(1))] {
            assert!(faults_with(2, member, value)[0].starts_with("[2] must be an object"));
        }
        assert_eq!(parse("hunter2").expect_err("no JSON").len(), 1);
    }

    #[test]
    fn those_whom_a_policy_counts_have_the_name_that_they_are_written_with() {
        for (name, per) in PERS {
            assert_eq!(per.name(), name);
        }
    }

    #[test]
    fn an_unknown_class_is_named() {
        let faults = faults_with(4, "class", json!("turns"));
        assert_eq!(faults.len(), 1, "{faults:?}");
        assert!(faults[0].starts_with("[4].class "), "{faults:?}");
    }

    #[test]
    fn a_class_that_nothing_limits_is_a_fault() {
        for place in 0..7 {
            let mut list = all();
            let name = list.remove(place)["class"].clone();
            let faults = parse(&Value::from(list).to_string()).expect_err("a class is missing");
            assert_eq!(faults.len(), 1);
            assert!(
                faults[0].contains(name.as_str().unwrap_or_default()),
                "{faults:?}"
            );
        }
        // Who has no token yet has no caller, and who has one is not told apart by the address.
        assert_eq!(faults_with(1, "per", json!("caller")).len(), 1);
        assert_eq!(faults_with(3, "per", json!("source")).len(), 1);
        // What all share is no limit for one of them.
        assert_eq!(faults_with(2, "per", json!("everyone")).len(), 1);
    }

    #[test]
    fn a_block_is_a_hundredth_of_the_quota_or_the_divisor_below() {
        for (quota, block) in [(1, 1), (199, 1), (200, 2), (250, 2), (700, 7), (9700, 50)] {
            let policy = Policy {
                quota,
                ..parse(&Value::from(all()).to_string()).expect("no fault")[0].clone()
            };
            assert_eq!(policy.block(), block, "{quota}");
        }
    }

    proptest! {
        #[test]
        fn blocks_use_a_quota_up_and_are_small(quota in 1..=10_000_000_u32) {
            let policy = Policy { name: String::new(), class: Class::Read, per: Per::Caller, quota, window: Duration::from_secs(60) };
            let block = policy.block();
            prop_assert_eq!(quota % block, 0);
            prop_assert!(block == 1 || (block <= 50 && block <= quota / 100));
        }

        #[test]
        fn a_window_ends_exactly_when_it_is_said_to(window in 1..=86_400_u64, micros in 0..=4_000_000_000_000_000_i64) {
            let policy = Policy { name: String::new(), class: Class::Read, per: Per::Caller, quota: 1, window: Duration::from_secs(window) };
            let now = Moment::from_unix_seconds(micros / 1_000_000).plus(Duration::from_micros(u64::try_from(micros % 1_000_000).unwrap_or(0)));
            let start = policy.window_start(now);
            let reset = policy.reset(now);
            prop_assert!(start <= now.unix_seconds() && reset >= 1 && reset <= window);
            prop_assert_eq!(policy.window_start(now.plus(Duration::from_secs(reset))), start + policy.window_seconds());
        }

        #[test]
        fn whatever_stands_in_the_configuration_is_read_or_refused(text in "\\PC*") {
            if let Err(faults) = parse(&text) {
                prop_assert!(!faults.is_empty());
            }
        }
    }
}
