"""What is refused becomes the exception that the SDK has for it, with what to do."""

import openai
import pytest

from stack import make_client, user


def refused(kind, call, *arguments, **named):
    with pytest.raises(kind) as caught:
        call(*arguments, **named)
    error = caught.value
    assert error.request_id and error.request_id.startswith("req_")
    assert error.response.headers["content-type"].startswith("application/json")
    assert error.message
    assert error.type == "invalid_request_error"
    return error


@pytest.mark.parametrize("key", ["sk-of-somebody-else", "chatter_live_mistyped"])
def test_a_wrong_key_is_an_authentication_error(key, model):
    stranger = make_client(api_key=key)
    for call, named in (
        (stranger.models.list, {}),
        (
            stranger.chat.completions.create,
            {"model": model, "messages": [user("Hello")]},
        ),
        (stranger.responses.create, {"model": model, "input": "Hello"}),
        (stranger.files.list, {}),
    ):
        error = refused(openai.AuthenticationError, call, **named)
        assert (error.status_code, error.code) == (401, "invalid_api_key")


def test_an_unknown_model_is_not_found(client):
    nobody = "gpt-of-another-world"
    for error in (
        refused(
            openai.NotFoundError,
            client.chat.completions.create,
            model=nobody,
            messages=[user("Hello")],
        ),
        refused(
            openai.NotFoundError, client.responses.create, model=nobody, input="Hello"
        ),
    ):
        assert (error.code, error.param) == ("model_not_found", "model")
        assert "model" in error.message


def test_an_unknown_parameter_is_named(client, model):
    extra = {"frobnicate": 1}
    for error in (
        refused(
            openai.BadRequestError,
            client.chat.completions.create,
            model=model,
            messages=[user("Hello")],
            extra_body=extra,
        ),
        refused(
            openai.BadRequestError,
            client.responses.create,
            model=model,
            input="Hello",
            extra_body=extra,
        ),
    ):
        assert (error.code, error.param) == ("unknown_parameter", "frobnicate")


@pytest.mark.parametrize("name,value", [("n", 2), ("logprobs", True), ("seed", 7)])
def test_a_parameter_that_is_not_supported_is_refused_by_name(
    client, model, name, value
):
    error = refused(
        openai.BadRequestError,
        client.chat.completions.create,
        model=model,
        messages=[user("Hello")],
        **{name: value},
    )
    assert (error.code, error.param) == ("unsupported_parameter", name)
    assert name in error.message


@pytest.mark.parametrize(
    "name,value,param",
    [
        ("max_tool_calls", 3, "max_tool_calls"),
        ("top_logprobs", 3, "top_logprobs"),
        ("include", ["file_search_call.results"], "include[0]"),
    ],
)
def test_the_same_of_a_response(client, model, name, value, param):
    error = refused(
        openai.BadRequestError,
        client.responses.create,
        model=model,
        input="Hello",
        **{name: value},
    )
    assert (error.code, error.param) == ("unsupported_parameter", param)


def test_a_value_out_of_range_is_named(client, model):
    error = refused(
        openai.BadRequestError,
        client.chat.completions.create,
        model=model,
        messages=[user("Hello")],
        temperature=9,
    )
    assert (error.code, error.param) == ("invalid_value", "temperature")
    error = refused(
        openai.BadRequestError,
        client.chat.completions.create,
        model=model,
        messages=[user("Hello"), user("")],
    )
    assert error.param == "messages[1].content"


def test_a_missing_parameter_is_named(client, model):
    error = refused(
        openai.BadRequestError,
        client.post,
        "/chat/completions",
        body={"model": model},
        cast_to=object,
    )
    assert (error.code, error.param) == ("missing_required_parameter", "messages")


def test_what_is_not_there_is_not_found(client):
    nobody = "01arz3ndektsv4rrffq69g5fav"
    for call, id in (
        (client.responses.retrieve, f"resp_{nobody}"),
        (client.conversations.retrieve, f"conv_{nobody}"),
        (client.files.retrieve, f"file_{nobody}"),
        (client.vector_stores.retrieve, f"vs_{nobody}"),
    ):
        error = refused(openai.NotFoundError, call, id)
        assert (error.status_code, error.code) == (404, "not_found")
    # A route that there is not; the SDK has it.
    error = refused(openai.NotFoundError, client.batches.list)
    assert (error.status_code, error.code) == (404, "no_such_route")


def test_every_reply_says_who_made_it_and_what_is_left(client):
    raw = client.models.with_raw_response.list()
    headers = raw.headers
    assert headers["x-request-id"].startswith("req_")
    assert raw.request_id == headers["x-request-id"]
    assert headers["openai-processing-ms"].isdecimal()
    assert headers["openai-version"] == "2020-10-01"
    limit = int(headers["x-ratelimit-limit-requests"])
    remaining = int(headers["x-ratelimit-remaining-requests"])
    assert 0 <= remaining < limit
    assert headers["x-ratelimit-reset-requests"].endswith("s")
    assert raw.parse().data


def test_a_reply_has_its_request_id(client):
    conversation = client.conversations.create()
    assert conversation._request_id.startswith("req_")
    again = client.conversations.retrieve(conversation.id)
    assert again._request_id.startswith("req_")
    assert again._request_id != conversation._request_id
    client.conversations.delete(conversation.id)
