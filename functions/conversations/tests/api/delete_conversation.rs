//! `DELETE /api/v1/conversations/{id}`

use test_support::Fault;

use crate::helpers::{ADA, PATH, api, create, fill, titles};

#[tokio::test]
async fn a_deleted_conversation_is_gone_with_its_messages() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    let kept = create(&api, ADA, "Bergen").await;
    fill(&api, &path, 60).await;
    fill(&api, &kept, 2).await;
    let reply = api.delete(ADA, &path).await;
    assert_eq!((reply.status.as_u16(), reply.text.as_str()), (204, ""));
    assert_eq!(
        api.get(ADA, &path).await.problem(),
        (404, "not-found".to_owned())
    );
    assert_eq!(api.get(ADA, &format!("{path}/messages")).await.status, 404);
    assert_eq!(
        api.delete(ADA, &path).await.problem(),
        (404, "not-found".to_owned())
    );
    assert_eq!(titles(&api.get(ADA, PATH).await.body()), ["Bergen"]);
    assert_eq!(
        api.get(ADA, &format!("{kept}/messages")).await.body()["data"]
            .as_array()
            .map(Vec::len),
        Some(2)
    );
    let id = path.rsplit('/').next().expect("an id");
    assert!(
        !api.table.dump().await.contains(id),
        "nothing of it is left in the table"
    );
}

#[tokio::test]
async fn a_deletion_that_breaks_off_hides_the_conversation_and_can_be_taken_up_again() {
    let api = api().await;
    let path = create(&api, ADA, "Oslo").await;
    fill(&api, &path, 30).await;
    api.table.fail("BatchWriteItem", Fault::Denied, 1);
    assert_eq!(
        api.delete(ADA, &path).await.problem(),
        (500, "internal".to_owned())
    );
    assert_eq!(api.get(ADA, &path).await.status, 404);
    assert_eq!(
        titles(&api.get(ADA, PATH).await.body()),
        Vec::<String>::new()
    );
    assert_eq!(api.delete(ADA, &path).await.status, 204);
    let id = path.rsplit('/').next().expect("an id");
    assert!(!api.table.dump().await.contains(id));
}
