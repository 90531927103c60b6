//! A cursor is good for the one listing of the one caller that got it, and tells nothing.

use axum::http::Method;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use shared::model::MembershipRole;
use test_support::{Body, Reply};

use crate::things::knowledge;
use crate::world::{Operation, World, operations};

/// A listing, ready to be asked for.
struct Listing {
    operation: Operation,
    path: String,
    /// Another selection from the same list, if there is one.
    other: Option<&'static str>,
}

/// The listings of the document, in which that person has more than one entry.
async fn listings(world: &World, person: &str) -> Vec<Listing> {
    let mut listings = Vec::new();
    // Before all else: there the person works from then on.
    world.things.get(person, "tenant_id").await;
    for operation in operations() {
        let mut query = operation.query().into_iter();
        if !query.any(|parameter| parameter["name"] == "cursor") {
            continue;
        }
        let path = world.things.path(person, &operation.path).await;
        let other = fill(world, person, &operation.path).await;
        listings.push(Listing {
            operation,
            path,
            other,
        });
    }
    listings
}

/// Makes the list longer than a page of one. Gives another selection from it, if there is one.
async fn fill(world: &World, person: &str, path: &str) -> Option<&'static str> {
    let create = async |body: Value| create(world, person, path, body).await;
    match path {
        "/api/v1/api-keys" => {
            create(json!({"name": "a key", "scopes": ["models:read"]})).await;
            None
        }
        "/api/v1/knowledge-bases" => {
            create(json!({"name": "a base"})).await;
            None
        }
        "/api/v1/conversations" => {
            create(json!({})).await;
            Some("status=active")
        }
        "/api/v1/knowledge-bases/{knowledge_base_id}/documents" => {
            fill_documents(world, person, path).await
        }
        // A turn is two messages.
        "/api/v1/conversations/{conversation_id}/messages" => Some("order=desc"),
        "/api/v1/tenants/{tenant_id}/invitations" => {
            create(json!({"email": "guest", "role": "member"})).await;
            None
        }
        "/api/v1/tenants/{tenant_id}/members" => {
            world.things.get(person, "user_id").await;
            None
        }
        "/api/v1/tenants/{tenant_id}/budgets" => {
            fill_budgets(world, person, path).await;
            None
        }
        // Each is of a turn of its own.
        "/api/v1/runs" => {
            world.things.get(person, "conversation_id").await;
            world.things.get(person, "run_id").await;
            None
        }
        "/api/v1/jobs" => {
            fill_jobs(world, person, path).await;
            Some("status=pending")
        }
        // What was done until here stands there.
        "/api/v1/audit" => Some("outcome=success"),
        "/api/v1/audit/verify" => Some("to=2026-01-01"),
        other => panic!("say here how {other} gets more entries than one"),
    }
}

/// Makes a job beside the one that is there.
async fn fill_jobs(world: &World, person: &str, path: &str) {
    world.things.get(person, "job_id").await;
    let conversation = world.things.get(person, "conversation_id").await;
    let job = json!({"type": "conversation_title", "conversation_id": conversation});
    let api = world.any().beside(jobs::router);
    let made = api.post(Some(person), path, job).await;
    assert_eq!(made.status, 202, "{}", made.text);
}

/// Sends a body to the operation that makes what is listed there, twice.
async fn create(world: &World, person: &str, path: &str, body: Value) {
    let token = world.any().people.token(person).await;
    let name = format!("POST {path}");
    let mut all = operations().into_iter();
    let create = all.find(|operation| operation.name == name);
    let create = create.expect("an operation");
    let path = world.things.path(person, path).await;
    for number in 0..2 {
        let mut body = body.clone();
        if body["email"].is_string() {
            body["email"] = json!(format!("guest{number}@people.test"));
        }
        let reply = world.send_body(&token, &create, &path, Body::Json(body));
        let reply = reply.await;
        assert_eq!(reply.status, 201, "{}", reply.text);
    }
}

async fn fill_documents(world: &World, person: &str, path: &str) -> Option<&'static str> {
    let path = world.things.path(person, path).await;
    let api = world.any().beside(knowledge);
    for number in 0..2 {
        let source = json!({"text": format!("Words number {number}.")});
        let body = json!({"name": "A document", "source": source});
        let made = api.post(Some(person), &path, body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
    Some("status=uploaded")
}

/// Makes a budget for the tenant and one for the person, beside the one that is there.
async fn fill_budgets(world: &World, person: &str, path: &str) {
    world.things.get(person, "scope").await;
    let path = world.things.path(person, path).await;
    let api = world.any().beside(tenants::router);
    let own = world.any().people.get(person).await.user;
    for scope in ["tenant".to_owned(), format!("user:{own}")] {
        let body = Body::Json(json!({"day": {"tokens": 1_000_000}}));
        let path = format!("{path}/{scope}");
        let made = api.send(Some(person), Method::PUT, &path, body).await;
        assert_eq!(made.status, 201, "{}", made.text);
    }
}

async fn page(world: &World, person: &str, listing: &Listing, query: &str) -> Reply {
    let token = world.any().people.token(person).await;
    let path = format!("{}?limit=1&{query}", listing.path);
    world
        .send_body(&token, &listing.operation, &path, Body::Empty)
        .await
}

async fn cursor(world: &World, person: &str, listing: &Listing) -> String {
    let reply = page(world, person, listing, "").await;
    let cursor = reply.body()["next_cursor"].as_str().map(str::to_owned);
    cursor.unwrap_or_else(|| panic!("{}: {}", listing.path, reply.text))
}

fn refused(label: &str, reply: &Reply) {
    let malformed = (400, "malformed-request".to_owned());
    assert_eq!(reply.problem(), malformed, "{label}");
}

#[tokio::test]
async fn a_cursor_is_refused_to_everybody_else_and_in_every_other_listing() {
    let world = World::new().await;
    let (hers, his) = (listings(&world, "ada").await, listings(&world, "bob").await);
    assert!(hers.len() >= 7, "{}", hers.len());
    world
        .any()
        .people
        .join("eve", "ada", MembershipRole::Owner)
        .await;
    let mut cursors = Vec::new();
    for listing in &hers {
        cursors.push(cursor(&world, "ada", listing).await);
    }
    for (index, (listing, cursor)) in hers.iter().zip(&cursors).enumerate() {
        let label = &listing.operation.name;
        let query = format!("cursor={cursor}");
        // In another tenant, and in the same by somebody who may see as much.
        refused(label, &page(&world, "bob", &his[index], &query).await);
        let own = listing.path.contains("/messages");
        if !own {
            refused(label, &page(&world, "eve", listing, &query).await);
        }
        if let Some(other) = listing.other {
            let query = format!("{query}&{other}");
            refused(label, &page(&world, "ada", listing, &query).await);
        }
        for (other, foreign) in cursors.iter().enumerate() {
            let reply = page(&world, "ada", listing, &format!("cursor={foreign}")).await;
            if other == index {
                assert_eq!(reply.status, 200, "{label}: {}", reply.text);
            } else {
                refused(label, &reply);
            }
        }
    }
}

#[tokio::test]
async fn a_cursor_that_was_changed_in_any_way_is_refused() {
    let world = World::new().await;
    for listing in listings(&world, "ada").await {
        let cursor = cursor(&world, "ada", &listing).await;
        let first = page(&world, "ada", &listing, "").await.body();
        let second = page(&world, "ada", &listing, &format!("cursor={cursor}")).await;
        assert_eq!(second.status, 200, "{}", second.text);
        let next = [&second.body()["data"], &second.body()["last"]].map(Value::to_string);
        let start = [&first["data"], &first["last"]].map(Value::to_string);
        assert_ne!(next, start, "{}", listing.path);
        let places: Vec<usize> = (0..cursor.len())
            .step_by(5)
            .chain([cursor.len() - 1])
            .collect();
        let flips = places.iter().map(|place| flipped(&cursor, *place));
        let cuts = places.iter().map(|length| cursor[..*length].to_owned());
        let mut changed: Vec<String> = flips.chain(cuts).collect();
        let (key, sealed) = cursor.split_once('.').expect("a key and what it sealed");
        changed.extend([
            format!("{cursor}A"),
            format!("{cursor}AAAA"),
            format!("{cursor}.{sealed}"),
            format!("{key}x.{sealed}"),
            format!(".{sealed}"),
            format!("{key}."),
            sealed.to_owned(),
            "*".to_owned(),
            URL_SAFE_NO_PAD.encode(r#"{"pk":"TENANT#"}"#),
        ]);
        for changed in changed {
            let reply = page(&world, "ada", &listing, &format!("cursor={changed}")).await;
            refused(
                &format!("{} with {changed} for {cursor}", listing.path),
                &reply,
            );
        }
    }
}

/// The cursor with one character turned into another one.
fn flipped(cursor: &str, place: usize) -> String {
    let mut bytes = cursor.as_bytes().to_vec();
    bytes[place] = match bytes[place] {
        b'A' => b'Q',
        b'.' => b'-',
        _ => b'A',
    };
    String::from_utf8(bytes).expect("text")
}

#[tokio::test]
async fn a_cursor_shows_nothing_of_where_the_listing_stands() {
    let world = World::new().await;
    for listing in listings(&world, "ada").await {
        let reply = page(&world, "ada", &listing, "").await;
        let cursors = [
            cursor(&world, "ada", &listing).await,
            cursor(&world, "ada", &listing).await,
        ];
        // The same place is never the same text, so that nobody compares places.
        assert_ne!(cursors[0], cursors[1], "{}", listing.path);
        let person = world.any().people.get("ada").await;
        let shown = [person.tenant.to_string(), person.user.to_string()];
        let entry = reply.body()["data"][0]["id"].as_str().map(str::to_owned);
        let ids = shown.iter().chain(&entry);
        let ids = ids.filter_map(|id| Some(id.split_once('_')?.1));
        let words = ["TENANT", "USER#", "CONV#", "AUDIT#", "APIKEY#", "2026-"];
        let (_, sealed) = cursors[0].split_once('.').expect("two parts");
        let bytes = URL_SAFE_NO_PAD.decode(sealed).expect("base64url");
        let text = String::from_utf8_lossy(&bytes);
        for word in ids.chain(words) {
            assert!(!text.contains(word), "{word} in {text}");
            assert!(!cursors[0].contains(word), "{word} in {}", cursors[0]);
        }
        assert!(serde_json::from_slice::<Value>(&bytes).is_err(), "{text}");
    }
}
