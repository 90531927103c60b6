//! Two tenants in one process: whatever the order, and whatever one of them names or breaks, each gets its own.

use axum::http::Method;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shared::auth::policy::find;
use test_support::{Fault, Reply};

use crate::things::{Whose, parameters, whose};
use crate::world::{Operation, World, operations, whole};

const ADA: &str = "ada-canary";
const BOB: &str = "bob-canary";

/// What only that person's answers may have.
async fn marks(world: &World, person: &str) -> Vec<String> {
    let mut marks = vec![person.to_owned()];
    for operation in operations() {
        for parameter in parameters(&operation.path) {
            let own = matches!(whose(parameter), Whose::Persons | Whose::Tenants);
            let id = world.things.get(person, parameter).await;
            if own && !marks.contains(&id) {
                marks.push(id);
            }
        }
    }
    let known = world.any().people.get(person).await;
    marks.push(known.user.to_string());
    marks
}

fn has_none(label: &str, reply: &Reply, marks: &[String]) {
    let told = whole(reply);
    let found = marks.iter().find(|mark| told.contains(*mark));
    assert_eq!(found, None, "{label}: {told}");
}

/// Sends an operation with further headers.
async fn ask(
    world: &World,
    person: &str,
    operation: &Operation,
    path: &str,
    headers: &[(&'static str, &str)],
) -> Reply {
    let (method, body) = (operation.method.clone(), world.body(operation));
    let headers: Vec<_> = headers.iter().copied().chain([("if-match", "*")]).collect();
    let api = world.api(operation);
    api.send_with(Some(person), method, path, body, &headers)
        .await
}

#[tokio::test]
async fn a_tenant_that_is_named_beside_the_token_is_never_honoured() {
    let world = World::new().await;
    let hers = marks(&world, ADA).await;
    let known = world.any().people.get(ADA).await;
    let (tenant, user) = (known.tenant.to_string(), known.user.to_string());
    let before = world.rows(&hers).await;
    assert!(before.len() > 20, "{before:?}");
    let with_caller = operations().into_iter().filter(Operation::has_caller);
    for (index, operation) in with_caller.enumerate() {
        // People of its own for each, because some do what can't be taken back.
        let people = ["plain", "header", "query"].map(|kind| format!("{kind}{index}"));
        let mut paths = Vec::new();
        for person in &people {
            paths.push(world.things.path(person, &operation.path).await);
        }
        let plain = ask(&world, &people[0], &operation, &paths[0], &[]).await;
        let headers = [
            ("x-tenant-id", tenant.as_str()),
            ("x-tenant", tenant.as_str()),
            ("tenant-id", tenant.as_str()),
            ("x-user-id", user.as_str()),
            ("x-forwarded-user", user.as_str()),
            ("x-role", "owner"),
        ];
        let named = ask(&world, &people[1], &operation, &paths[1], &headers).await;
        assert_eq!(
            named.status, plain.status,
            "{}: {}",
            operation.name, named.text
        );
        has_none(&operation.name, &named, &hers);
        let query = format!("{}?tenant_id={tenant}&user_id={user}", paths[2]);
        let named = ask(&world, &people[2], &operation, &query, &[]).await;
        let refused = match operation.path.starts_with("/v1/") {
            true => named.status == 400 && named.body()["error"]["param"] == "tenant_id",
            false => named.status == 422 && named.errors()[0].0 == "tenant_id",
        };
        assert!(
            refused || (named.status == plain.status && !takes_a_query(&operation)),
            "{}: {}",
            operation.name,
            named.text
        );
        has_none(&operation.name, &without_errors(&named), &hers);
    }
    assert_eq!(world.rows(&hers).await, before);
}

fn takes_a_query(operation: &Operation) -> bool {
    !operation.query().is_empty()
}

/// What an answer says besides which fields it refuses.
fn without_errors(reply: &Reply) -> Reply {
    let mut body = reply.body();
    if let Some(members) = body.as_object_mut() {
        members.remove("errors");
    }
    Reply {
        text: body.to_string(),
        ..reply.clone()
    }
}

/// What can be asked again and again, and a turn.
fn repeatable() -> Vec<Operation> {
    let mut all = operations();
    all.retain(|operation| {
        let turn = operation.name == "POST /api/v1/conversations/{conversation_id}/messages";
        find(operation.method.as_str(), &operation.path).is_some()
            && (operation.method == Method::GET || turn)
    });
    all
}

/// One of four requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Hers,
    His,
    HersFails,
    HisAgain,
}

/// All orders of the four.
fn orders() -> Vec<[Step; 4]> {
    use Step::{Hers, HersFails, His, HisAgain};
    let steps = [Hers, His, HersFails, HisAgain];
    let mut orders = Vec::new();
    for code in 0..256 {
        let order = [0, 2, 4, 6].map(|shift| steps[(code >> shift) & 3]);
        if steps.iter().all(|step| order.contains(step)) {
            orders.push(order);
        }
    }
    orders
}

/// The path of an operation for each of the two.
struct Paths {
    hers: String,
    his: String,
}

async fn paths(world: &World, operation: &Operation) -> Paths {
    Paths {
        hers: world.things.path(ADA, &operation.path).await,
        his: world.things.path(BOB, &operation.path).await,
    }
}

/// Sends a turn with the person's name in it, and everything else as it is.
async fn says(world: &World, person: &str, operation: &Operation, path: &str) -> Reply {
    let api = world.api(operation);
    match operation.method {
        Method::POST => {
            let content = format!("More words of {person}");
            api.post(Some(person), path, json!({"content": content}))
                .await
        }
        _ => api.get(Some(person), path).await,
    }
}

#[tokio::test]
async fn whatever_the_order_nothing_of_one_tenant_is_in_the_answers_to_the_other() {
    let world = World::new().await;
    let (hers, his) = (marks(&world, ADA).await, marks(&world, BOB).await);
    let orders = orders();
    assert_eq!(orders.len(), 24);
    let mut own = 0;
    for (index, operation) in repeatable().into_iter().enumerate() {
        let paths = paths(&world, &operation).await;
        // Six orders for each operation: four of them have all.
        for order in orders.iter().skip(index % 4).step_by(4) {
            for step in order {
                let label = format!("{} {order:?} {step:?}", operation.name);
                match step {
                    Step::Hers => {
                        let reply = says(&world, ADA, &operation, &paths.hers).await;
                        assert!(reply.status.is_success(), "{label}: {}", reply.text);
                        has_none(&label, &reply, &his);
                    }
                    Step::HersFails => {
                        world.any().table.fail("*", Fault::Denied, 200);
                        let reply = says(&world, ADA, &operation, &paths.hers).await;
                        world.any().table.heal();
                        has_none(&label, &reply, &his);
                    }
                    Step::His | Step::HisAgain => {
                        let reply = says(&world, BOB, &operation, &paths.his).await;
                        assert!(reply.status.is_success(), "{label}: {}", reply.text);
                        has_none(&label, &reply, &hers);
                        own += u32::from(whole(&reply).contains(BOB));
                    }
                }
            }
        }
    }
    assert!(own > 100, "{own}");
}

#[tokio::test]
async fn at_the_same_time_each_tenant_gets_its_own() {
    let world = World::new().await;
    let (hers, his) = (marks(&world, ADA).await, marks(&world, BOB).await);
    let mut all = repeatable();
    // One conversation has one turn at a time.
    all.retain(|operation| operation.method == Method::GET);
    let mut requests = Vec::new();
    for operation in &all {
        let paths = paths(&world, operation).await;
        for _ in 0..4 {
            requests.push((ADA, operation, paths.hers.clone(), &his));
            requests.push((BOB, operation, paths.his.clone(), &hers));
            // What fails, with what is the other's.
            requests.push((ADA, operation, paths.his.clone(), &his));
        }
    }
    let replies = requests
        .iter()
        .map(async |(person, operation, path, _)| says(&world, person, operation, path).await);
    let replies = join_all(replies).await;
    assert!(replies.len() > 150, "{}", replies.len());
    for ((person, operation, path, foreign), reply) in requests.iter().zip(&replies) {
        let label = format!("{} of {person} at {path}", operation.name);
        let tried = foreign.iter().any(|mark| path.contains(mark));
        let expected = if tried { 404 } else { 200 };
        assert_eq!(reply.status, expected, "{label}: {}", reply.text);
        has_none(&label, reply, foreign);
    }
}

#[tokio::test]
async fn turns_at_the_same_time_are_told_to_those_who_said_them() {
    let world = World::new().await;
    let mut all = operations().into_iter();
    let turn = all.find(|operation| {
        operation.name.ends_with("/messages") && operation.method == Method::POST
    });
    let turn = turn.expect("an operation");
    let people: Vec<String> = (0..10)
        .map(|number| format!("person-{number}-canary"))
        .collect();
    let mut paths = Vec::new();
    for person in &people {
        paths.push(world.things.path(person, &turn.path).await);
    }
    let turns = people.iter().zip(&paths).enumerate();
    let turns = turns.map(async |(index, (person, path))| {
        // Every third turn fails after a word of it was said.
        let content = match index % 3 {
            2 => json!({"say": [format!("Secret of {person}")], "error_after": 1}).to_string(),
            _ => format!("Secret of {person}"),
        };
        let body = json!({"content": content, "stream": index % 2 == 0});
        world.api(&turn).post(Some(person), path, body).await
    });
    for (index, (person, reply)) in people.iter().zip(join_all(turns).await).enumerate() {
        let told = whole(&reply);
        assert!(told.contains(person) || index % 3 == 2, "{person}: {told}");
        for other in people.iter().filter(|other| *other != person) {
            assert!(!told.contains(other), "{person}: {told}");
        }
    }
    for (person, path) in people.iter().zip(&paths) {
        let list: Value = world
            .api(&turn)
            .beside(conversations::router)
            .get(Some(person), path)
            .await
            .body();
        let list = list["data"].to_string();
        assert!(list.contains(person), "{list}");
        for other in people.iter().filter(|other| *other != person) {
            assert!(!list.contains(other), "{person}: {list}");
        }
    }
}
