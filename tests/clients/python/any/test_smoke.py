"""A real model answers, whatever it says."""

from stack import user


def test_the_model_answers_at_once_and_piece_by_piece(client, model):
    asked = {"model": model, "messages": [user("Tell me about the sea.")]}
    whole = client.chat.completions.create(**asked, max_completion_tokens=24)
    assert whole.choices[0].message.content
    assert whole.usage.completion_tokens > 0
    pieces = client.chat.completions.create(
        **asked, max_completion_tokens=24, stream=True
    )
    texts = [
        choice.delta.content
        for piece in pieces
        for choice in piece.choices
        if choice.delta.content
    ]
    assert len(texts) >= 3


def test_the_model_answers_a_response(client, model):
    answer = client.responses.create(
        model=model, input="Tell me about the sea.", max_output_tokens=24
    )
    # A small model may have more to say.
    assert answer.status in ("completed", "incomplete")
    assert answer.output_text
    assert answer.usage.output_tokens > 0
    assert answer.usage.total_tokens == (
        answer.usage.input_tokens + answer.usage.output_tokens
    )
