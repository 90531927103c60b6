"""Two Lambdas in Python, to compare the functions with. They run in AWS's own runtime client, `awslambdaric`."""

import json
import os

if os.environ["_HANDLER"].endswith(".listing"):
    import boto3
    import jwt
    from boto3.dynamodb.conditions import Key

    TABLE = boto3.resource("dynamodb").Table(os.environ["TABLE_NAME"])
    KEYS = {
        key["kid"]: jwt.PyJWK(key).key for key in json.loads(os.environ["JWKS"])["keys"]
    }


def answer(body):
    headers = {"Content-Type": "application/json"}
    return {"statusCode": 200, "headers": headers, "body": json.dumps(body)}


def empty(event, context):
    return answer({})


def listing(event, context):
    """What `GET /api/v1/conversations` is at least: the token is checked, one Query, a page of JSON."""
    token = event["headers"]["Authorization"].removeprefix("Bearer ")
    key = KEYS[jwt.get_unverified_header(token)["kid"]]
    claims = jwt.decode(
        token,
        key,
        algorithms=["EdDSA"],
        options={"verify_aud": False},
        issuer=os.environ["TOKEN_ISSUER"],
    )
    found = TABLE.query(
        IndexName="by_activity",
        KeyConditionExpression=Key("pk").eq(os.environ["PARTITION"]),
        ScanIndexForward=False,
        Limit=20,
    )
    page = [
        {name: str(value) for name, value in item.items()} for item in found["Items"]
    ]
    return answer({"data": page, "subject": claims["sub"]})
