//! The Secrets Manager that stands in refuses what AWS refuses.

#![expect(clippy::expect_used, reason = "a test that can't go on has failed")]

use serde_json::{Value, json};
use stand_ins::secrets::{LocalSecrets, Refusal};

const A: &str = "aaaaaaaa-0000-0000-0000-000000000000";
const B: &str = "bbbbbbbb-0000-0000-0000-000000000000";
const ID: &str = "chatter/keys";

async fn with_a_secret() -> LocalSecrets {
    let secrets = LocalSecrets::start().await.expect("a port");
    let first = json!({"Name": ID, "SecretString": "one", "ClientRequestToken": A});
    secrets.call("CreateSecret", &first).expect("created");
    secrets
}

fn call(
    secrets: &LocalSecrets,
    operation: &str,
    mut request: Value,
) -> Result<Value, &'static str> {
    request["SecretId"] = json!(ID);
    let answer = secrets.call(operation, &request);
    answer.map_err(|Refusal { code, .. }| code)
}

fn rotate(secrets: &LocalSecrets, token: &str) -> Result<Value, &'static str> {
    let request = json!({"ClientRequestToken": token, "RotationLambdaARN": "arn:f"});
    call(secrets, "RotateSecret", request)
}

fn put(secrets: &LocalSecrets, token: &str, value: &str) -> Result<Value, &'static str> {
    let request = json!({"ClientRequestToken": token, "SecretString": value, "VersionStages": ["AWSPENDING"]});
    call(secrets, "PutSecretValue", request)
}

fn stages(secrets: &LocalSecrets) -> Value {
    let described = call(secrets, "DescribeSecret", json!({}));
    described.expect("a description")["VersionIdsToStages"].clone()
}

fn promote(secrets: &LocalSecrets, to: &str, from: Option<&str>) -> Result<Value, &'static str> {
    let mut request = json!({"VersionStage": "AWSCURRENT", "MoveToVersionId": to});
    if let Some(from) = from {
        request["RemoveFromVersionId"] = json!(from);
    }
    call(secrets, "UpdateSecretVersionStage", request)
}

#[tokio::test]
async fn a_rotation_has_an_empty_version_until_its_value_is_put_and_puts_it_once() {
    let secrets = with_a_secret().await;
    rotate(&secrets, B).expect("a rotation");
    assert_eq!(
        stages(&secrets),
        json!({A: ["AWSCURRENT"], B: ["AWSPENDING"]})
    );
    let pending = json!({"VersionId": B, "VersionStage": "AWSPENDING"});
    assert_eq!(
        call(&secrets, "GetSecretValue", pending.clone()),
        Err("ResourceNotFoundException")
    );
    put(&secrets, B, "two").expect("the empty version takes its value");
    put(&secrets, B, "two").expect("the same again is nothing");
    assert_eq!(put(&secrets, B, "three"), Err("ResourceExistsException"));
    let found = call(&secrets, "GetSecretValue", pending).expect("a value");
    assert_eq!(found["SecretString"], "two");
    let current = call(&secrets, "GetSecretValue", json!({})).expect("a value");
    assert_eq!(current["SecretString"], "one");
}

#[tokio::test]
async fn the_label_moves_only_from_the_version_that_has_it_and_leaves_the_previous_behind() {
    let secrets = with_a_secret().await;
    rotate(&secrets, B).expect("a rotation");
    put(&secrets, B, "two").expect("a value");
    assert_eq!(promote(&secrets, B, None), Err("InvalidParameterException"));
    assert_eq!(
        promote(&secrets, B, Some(B)),
        Err("InvalidParameterException")
    );
    promote(&secrets, B, Some(A)).expect("moved");
    assert_eq!(
        stages(&secrets),
        json!({A: ["AWSPREVIOUS"], B: ["AWSCURRENT", "AWSPENDING"]})
    );
    promote(&secrets, A, Some(B)).expect("and back");
    assert_eq!(
        stages(&secrets),
        json!({A: ["AWSCURRENT"], B: ["AWSPENDING", "AWSPREVIOUS"]})
    );
}

#[tokio::test]
async fn a_rotation_wants_a_function_and_that_none_is_left_over() {
    let secrets = with_a_secret().await;
    assert_eq!(
        call(&secrets, "RotateSecret", json!({"ClientRequestToken": B})),
        Err("InvalidRequestException")
    );
    let described = call(&secrets, "DescribeSecret", json!({})).expect("a description");
    assert_eq!(described.get("RotationEnabled"), None, "it was never set");
    rotate(&secrets, B).expect("a rotation");
    let other = "cccccccc-0000-0000-0000-000000000000";
    assert_eq!(rotate(&secrets, other), Err("InvalidRequestException"));
    rotate(&secrets, B).expect("the same one may be asked for again");
    put(&secrets, B, "two").expect("a value");
    promote(&secrets, B, Some(A)).expect("moved");
    rotate(&secrets, other).expect("the label on the current version is no leftover");
    assert_eq!(
        stages(&secrets),
        json!({A: ["AWSPREVIOUS"], B: ["AWSCURRENT"], other: ["AWSPENDING"]})
    );
}

#[tokio::test]
async fn a_secret_is_found_by_its_arn_and_made_once() {
    let secrets = with_a_secret().await;
    let again = json!({"Name": ID, "SecretString": "other", "ClientRequestToken": B});
    let refused = secrets.call("CreateSecret", &again).expect_err("it exists");
    assert_eq!(refused.code, "ResourceExistsException");
    let described = call(&secrets, "DescribeSecret", json!({})).expect("a description");
    let arn = json!({"SecretId": described["ARN"]});
    let found = secrets.call("GetSecretValue", &arn).expect("a value");
    assert_eq!(found["SecretString"], "one");
}

#[tokio::test]
async fn what_is_kept_in_a_file_is_there_after_a_start_and_for_nobody_else() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = std::env::temp_dir().join(format!("chatter-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir(&folder).expect("a folder");
    let file = folder.join("secrets.json");
    for name in ["first", "second"] {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
            .await
            .expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let path = file.clone();
        let server = tokio::spawn(async move {
            stand_ins::secrets::serve(listener, Some(&path), async { drop(stopped.await) }).await
        });
        let send = async |operation: &str, body: Value| {
            let call = reqwest::Client::new().post(&url).body(body.to_string());
            let call = call.header("x-amz-target", format!("secretsmanager.{operation}"));
            call.send().await.expect("an answer").status().as_u16()
        };
        let new = json!({"Name": name, "SecretString": "canary"});
        assert_eq!(send("CreateSecret", new).await, 200);
        let found = send("GetSecretValue", json!({"SecretId": "first"})).await;
        assert_eq!(found, 200, "{name}");
        stop.send(()).expect("it runs");
        server.await.expect("it ends").expect("without a fault");
    }
    let mode = std::fs::metadata(&file)
        .expect("a file")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    std::fs::remove_dir_all(&folder).expect("removed");
}
