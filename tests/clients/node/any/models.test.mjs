// Models, embeddings, moderations, and a real model that answers.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { all, makeClient, refused, setting, user } from "../stack.mjs";

const client = makeClient();
const [model, embeddingModel] = [setting("MODEL"), setting("EMBEDDING_MODEL")];
const TEXTS = ["How do I reset my password?", "I forgot my login.", "It rains in Paris."];

function cosine(a, b) {
  const dot = (x, y) => x.reduce((sum, number, at) => sum + number * y[at], 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function near(a, b, most) {
  assert.equal(a.length, b.length);
  a.forEach((number, at) => assert.ok(Math.abs(number - b[at]) <= most, `${number} ${b[at]}`));
}

test("every model of the list can be retrieved", async () => {
  const models = await all(client.models.list());
  const ids = models.map((entry) => entry.id);
  assert.ok(ids.includes(model) && ids.includes(embeddingModel), ids.join());
  assert.ok(models.every((entry) => entry.object === "model" && entry.owned_by));
  const { _request_id, ...found } = await client.models.retrieve(model);
  assert.match(_request_id, /^req_/);
  assert.deepEqual(found, models[ids.indexOf(model)]);
});

test("an unknown model is not found", async () => {
  const nobody = "gpt-of-another-world";
  for (const calling of [
    () => client.models.retrieve(nobody),
    () => client.chat.completions.create({ model: nobody, messages: [user("Hello")] }),
    () => client.responses.create({ model: nobody, input: "Hello" }),
    () => client.embeddings.create({ model: nobody, input: "Hello" }),
  ]) {
    const error = await refused(OpenAI.NotFoundError, calling);
    assert.deepEqual([error.code, error.param], ["model_not_found", "model"]);
  }
});

test("texts of like meaning are near and stand in their order", async () => {
  const made = await client.embeddings.create({ model: embeddingModel, input: TEXTS });
  assert.deepEqual(made.data.map((entry) => entry.index), [0, 1, 2]);
  assert.equal(made.model, embeddingModel);
  assert.ok(made.usage.prompt_tokens > 0);
  const [password, login, rain] = made.data.map((entry) => entry.embedding);
  assert.ok(cosine(password, login) > cosine(password, rain));
  // Without an encoding the SDK asks for base64, and reads it itself.
  const asked = { model: embeddingModel, input: TEXTS, encoding_format: "float" };
  const floats = await client.embeddings.create(asked);
  floats.data.forEach((entry, at) => near(entry.embedding, made.data[at].embedding, 1e-3));
});

test("an empty text is refused", async () => {
  const asked = { model: embeddingModel, input: ["fine", ""] };
  const error = await refused(OpenAI.BadRequestError, () => client.embeddings.create(asked));
  assert.match(error.param, /^input/);
});

test("texts are judged by category", async () => {
  const judged = await client.moderations.create({ input: ["Good morning.", "Good night."] });
  assert.equal(judged.results.length, 2);
  for (const result of judged.results) {
    assert.equal(result.flagged, false);
    assert.equal(result.categories.violence, false);
    assert.ok(result.category_scores.violence >= 0 && result.category_scores.violence <= 1);
  }
});

test("a real model answers at once and piece by piece", async () => {
  const asked = {
    model,
    messages: [user("Tell me about the sea.")],
    max_completion_tokens: 24,
  };
  const whole = await client.chat.completions.create(asked);
  assert.ok(whole.choices[0].message.content);
  assert.ok(whole.usage.completion_tokens > 0);
  const chunks = await all(await client.chat.completions.create({ ...asked, stream: true }));
  const texts = chunks.flatMap((chunk) => chunk.choices.map((choice) => choice.delta.content));
  assert.ok(texts.filter(Boolean).length >= 3);
});
