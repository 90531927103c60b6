"""Moderations."""

import openai
import pytest


def test_a_text_is_judged_by_category(client):
    judged = client.moderations.create(input="We had tea and cake in the garden.")
    assert judged.id and judged.model
    [result] = judged.results
    assert result.flagged is False
    categories = result.categories.to_dict()
    scores = result.category_scores.to_dict()
    assert {"hate", "harassment", "self-harm", "sexual", "violence"} <= set(categories)
    assert set(scores) == set(categories)
    assert not any(categories.values())
    assert all(0.0 <= score <= 1.0 for score in scores.values())


def test_several_texts_get_a_result_each(client):
    texts = ["Good morning.", "The train leaves at nine.", "Good night."]
    assert len(client.moderations.create(input=texts).results) == 3


def test_no_text_is_refused(client):
    with pytest.raises(openai.BadRequestError) as refused:
        client.moderations.create(input=[])
    assert refused.value.param == "input"
