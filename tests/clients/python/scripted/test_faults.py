"""What goes wrong behind the server: which exception it becomes, and whether the SDK tries again."""

import time

import openai
import pytest

from stack import counted, make_client, say, script, setting, unique, user

CHAT = "/v1/chat/completions"


def ask(client, model, told, **more):
    return client.chat.completions.create(model=model, messages=[user(told)], **more)


def test_what_fails_once_is_answered(client, scripted):
    told = say(unique("here I am"), attempts=[{"status": 503}])
    answer = ask(client, scripted, told)
    assert answer.choices[0].message.content.startswith("here I am")


def test_the_sdk_tries_again_what_may_pass(scripted):
    # More failures than the server puts up with in one request, which is two.
    told = say(unique("here I am"), attempts=[{"status": 503}] * 3)
    with counted(max_retries=2) as (client, sent):
        answer = ask(client, scripted, told)
    assert answer.choices[0].message.content.startswith("here I am")
    assert sent == [CHAT] * 2


def test_a_provider_that_is_away_is_an_internal_server_error(impatient, scripted):
    with pytest.raises(openai.InternalServerError) as failed:
        ask(impatient, scripted, script(status=503))
    error = failed.value
    assert error.status_code >= 500
    assert error.type == "server_error"
    assert error.code
    assert "SECRET-OF-THE-PROVIDER" not in str(error.body)
    assert error.response.headers.get("x-should-retry") != "false"
    with pytest.raises(openai.InternalServerError):
        impatient.responses.create(model=scripted, input=script(status=503))


def test_a_busy_provider_says_when_to_come_back(impatient, scripted):
    with pytest.raises(openai.APIStatusError) as failed:
        ask(impatient, scripted, script(status=429, retry_after=7))
    assert failed.value.status_code in (429, 503)
    assert failed.value.response.headers["retry-after"] == "7"


def test_what_does_not_pass_is_not_tried_again(scripted):
    with (
        counted(max_retries=2) as (client, sent),
        pytest.raises(openai.APIStatusError) as failed,
    ):
        ask(client, scripted, script(status=400))
    assert sent == [CHAT]
    error = failed.value
    # Refused by the provider: of those statuses the SDK would repeat a 5xx, if it was not told otherwise.
    assert error.status_code >= 500
    assert error.response.headers["x-should-retry"] == "false"


def test_an_answer_that_breaks_off_is_an_error(impatient, scripted):
    with pytest.raises(openai.InternalServerError):
        ask(impatient, scripted, say("Once", " upon", cut_after=1))


def test_a_stream_that_breaks_off_is_an_error(impatient, scripted):
    said = []
    with pytest.raises(openai.APIError) as failed:
        for chunk in ask(
            impatient, scripted, say("Once", " upon", cut_after=1), stream=True
        ):
            said += [choice.delta.content or "" for choice in chunk.choices]
    assert "".join(said) == "Once"
    assert failed.value.message


def test_a_key_without_budget_is_a_rate_limit_error(scripted):
    with (
        counted(api_key=setting("SPENT_KEY"), max_retries=2) as (client, sent),
        pytest.raises(openai.RateLimitError) as refused,
    ):
        ask(client, scripted, say("x"))
    error = refused.value
    assert (error.status_code, error.code) == (429, "insufficient_quota")
    assert error.type == "insufficient_quota"
    # Waiting until tomorrow is nothing for a client that waits.
    assert error.response.headers["x-should-retry"] == "false"
    assert sent == [CHAT]


def test_a_conversation_that_is_busy_is_a_conflict(client, impatient, scripted):
    conversation = client.conversations.create()
    slow = client.responses.create(
        model=scripted,
        input=say(*["word "] * 50, delay_ms=200),
        conversation=conversation.id,
        background=True,
    )
    with pytest.raises(openai.ConflictError) as refused:
        impatient.responses.create(
            model=scripted, input=say("x"), conversation=conversation.id
        )
    assert (refused.value.status_code, refused.value.code) == (409, "conversation_busy")
    client.responses.cancel(slow.id)
    end = time.monotonic() + 60
    while client.responses.retrieve(slow.id).status in ("queued", "in_progress"):
        assert time.monotonic() < end
        time.sleep(0.2)
    # Now there is room.
    after = client.responses.create(
        model=scripted, input=say("at last"), conversation=conversation.id
    )
    assert after.output_text == "at last"
    client.conversations.delete(conversation.id)


def test_a_client_that_waits_no_longer_has_a_timeout_error(scripted):
    hasty = make_client(timeout=0.7, max_retries=0)
    started = time.monotonic()
    with pytest.raises(openai.APITimeoutError):
        ask(hasty, scripted, say("late", head_delay_ms=6000))
    assert time.monotonic() - started < 4
    hasty.close()


def test_a_key_may_only_what_its_scopes_say(scripted):
    reader = make_client(api_key=setting("READER_KEY"), max_retries=0)
    assert reader.models.list().data
    with pytest.raises(openai.PermissionDeniedError) as refused:
        ask(reader, scripted, say("x"))
    assert (refused.value.status_code, refused.value.code) == (403, "permission_denied")
    reader.close()
