//! Who may do what: every role, key and stranger against every operation, as the one table of rules has it and as
//! the document says it.

use std::collections::BTreeSet;
use std::time::Duration;

use serde_json::json;
use shared::auth::policy::{KeyAccess, RULES, Rule, find};
use shared::model::{MembershipRole, Scope};
use test_support::{Body, Reply};

use crate::things::parameters;
use crate::world::{Operation, ROLES, World, operations};

/// The operations that ask who calls, each with its rule.
fn ruled() -> Vec<(Operation, &'static Rule)> {
    let all = operations().into_iter().filter(Operation::has_caller);
    let ruled = all.map(|operation| {
        let rule = find(operation.method.as_str(), &operation.path);
        let rule = rule.unwrap_or_else(|| panic!("{} has no rule", operation.name));
        (operation, rule)
    });
    ruled.collect()
}

/// The operation's path with the host's tenant, the asker's own account, and else things that nobody has: what a
/// rule refuses is refused whether it exists or not.
async fn path_for(world: &World, operation: &Operation, asker: &str) -> String {
    let known = world.any().people.get(asker).await;
    let mut path = operation.path.clone();
    for parameter in parameters(&operation.path) {
        let id = match parameter {
            "tenant_id" => known.tenant.to_string(),
            "user_id" => known.user.to_string(),
            _ => continue,
        };
        path = path.replace(&format!("{{{parameter}}}"), &id);
    }
    promises::real_path(&path)
}

/// Whether the answer is what the rule says.
fn holds(label: &str, reply: &Reply, allowed: bool) {
    if allowed {
        let refused = [401, 403, 500].contains(&reply.status.as_u16());
        assert!(!refused, "{label}: {}", reply.text);
    } else {
        let forbidden = (403, "forbidden".to_owned());
        assert_eq!(reply.problem(), forbidden, "{label}");
    }
}

#[test]
fn the_rules_are_for_the_operations_of_the_document_and_no_others() {
    let rules = RULES.iter();
    let rules: BTreeSet<String> = rules
        .map(|rule| format!("{} {}", rule.method, rule.path))
        .collect();
    let document: BTreeSet<String> = ruled()
        .into_iter()
        .map(|(operation, _)| operation.name)
        .collect();
    assert_eq!(rules, document);
}

#[test]
fn the_document_says_of_every_operation_who_may() {
    for operation in operations() {
        let rule = find(operation.method.as_str(), &operation.path);
        let said = (
            &operation.described["x-access"],
            &operation.described["description"],
        );
        let Some(rule) = rule else {
            assert!(
                said.0.is_null() && !operation.has_caller(),
                "{}",
                operation.name
            );
            continue;
        };
        let roles = ROLES.iter().filter(|(role, _)| *role >= rule.role);
        let roles: Vec<&str> = roles.map(|(_, name)| *name).collect();
        let expected = match rule.keys {
            KeyAccess::No => json!({"roles": roles, "api_keys": false, "scope": null}),
            KeyAccess::Any => json!({"roles": roles, "api_keys": true, "scope": null}),
            KeyAccess::With(scope) => json!({"roles": roles, "api_keys": true, "scope": scope}),
        };
        assert_eq!(said.0, &expected, "{}", operation.name);
        let text = said.1.as_str().expect("a description");
        let sentence = format!("For the role `{}` and above. ", roles[0]);
        assert!(text.contains(&sentence), "{}: {text}", operation.name);
    }
}

#[tokio::test]
async fn each_operation_is_for_the_roles_of_its_rule_and_for_nobody_else() {
    let world = World::new().await;
    let people = &world.any().people;
    let (mut let_in, mut kept_out) = (0, 0);
    for (index, (operation, rule)) in ruled().into_iter().enumerate() {
        // A source whose tokens fail has to wait for a minute.
        world.any().app.clock.advance(Duration::from_secs(61));
        // People of its own for each, because some do what can't be taken back.
        let host = format!("host{index}");
        world.things.get(&host, "tenant_id").await;
        // Who has left is not let in by a token that has not expired; nor is who sends none.
        let gone = format!("gone{index}");
        people.join(&gone, &host, MembershipRole::Owner).await;
        let (path, token) = (
            path_for(&world, &operation, &gone).await,
            people.token(&gone).await,
        );
        people.leave(&gone).await;
        let unauthenticated = (401, "unauthenticated".to_owned());
        let left = world.send(&token, &operation, &path).await;
        assert_eq!(left.problem(), unauthenticated, "{}", operation.name);
        let (method, body) = (operation.method.clone(), world.body(&operation));
        let nobody = world.api(&operation).send(None, method, &path, body).await;
        assert_eq!(nobody.problem(), unauthenticated, "{}", operation.name);
        for (role, name) in ROLES {
            let asker = format!("{name}{index}");
            people.join(&asker, &host, role).await;
            let path = path_for(&world, &operation, &asker).await;
            let token = people.token(&asker).await;
            let reply = world.send(&token, &operation, &path).await;
            let allowed = role >= rule.role;
            holds(&format!("{} by a {name}", operation.name), &reply, allowed);
            *(if allowed { &mut let_in } else { &mut kept_out }) += 1;
        }
    }
    assert!(let_in > 100 && kept_out > 40, "{let_in} {kept_out}");
}

#[tokio::test]
async fn a_key_does_what_its_scope_is_for_and_with_all_others_nothing_of_it() {
    let world = World::new().await;
    let people = &world.any().people;
    let mut scoped = BTreeSet::new();
    for (index, (operation, rule)) in ruled().into_iter().enumerate() {
        let owner = format!("owner{index}");
        let path = path_for(&world, &operation, &owner).await;
        let ask = async |scopes: &[Scope]| {
            let key = people.api_key(&owner, scopes).await;
            world.send(&key, &operation, &path).await
        };
        let all_but = |scope| {
            let all = Scope::ALL.into_iter();
            all.filter(|other| *other != scope).collect::<Vec<_>>()
        };
        match rule.keys {
            KeyAccess::No => holds(&operation.name, &ask(&Scope::ALL).await, false),
            KeyAccess::Any => holds(&operation.name, &ask(&[]).await, true),
            KeyAccess::With(scope) => {
                holds(&operation.name, &ask(&all_but(scope)).await, false);
                holds(&operation.name, &ask(&[scope]).await, true);
                scoped.insert(scope);
            }
        }
    }
    assert_eq!(scoped.len(), Scope::ALL.len(), "{scoped:?}");
}

#[tokio::test]
async fn in_a_suspended_tenant_an_owner_does_what_the_rules_say_and_nothing_else() {
    let world = World::new().await;
    let people = &world.any().people;
    let suspend = operations()
        .into_iter()
        .find(|operation| operation.path.ends_with("/suspend"));
    let suspend = suspend.expect("an operation");
    let mut closed = 0;
    for (index, (operation, rule)) in ruled().into_iter().enumerate() {
        let owner = format!("owner{index}");
        world.things.get(&owner, "tenant_id").await;
        let token = people.token(&owner).await;
        let there = path_for(&world, &suspend, &owner).await;
        let reply = world.send_body(&token, &suspend, &there, Body::Empty).await;
        assert_eq!(reply.status, 200, "{}", reply.text);
        let there = path_for(&world, &operation, &owner).await;
        let reply = world.send(&token, &operation, &there).await;
        if rule.while_suspended {
            holds(&operation.name, &reply, true);
        } else {
            let suspended = (403, "tenant-suspended".to_owned());
            assert_eq!(reply.problem(), suspended, "{}", operation.name);
            closed += 1;
        }
    }
    assert!(closed > 20, "{closed}");
}
