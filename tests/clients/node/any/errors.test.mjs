// What is refused becomes the error that the SDK has for it, with what to do.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { makeClient, refused, setting, user } from "../stack.mjs";

const client = makeClient();
const model = setting("MODEL");
const asked = { model, messages: [user("Hello")] };

async function named(kind, calling, code, param) {
  const error = await refused(kind, calling);
  assert.equal(error.type, "invalid_request_error");
  assert.deepEqual([error.code, error.param ?? null], [code, param]);
  return error;
}

test("a wrong key is an authentication error", async () => {
  const stranger = makeClient({ apiKey: "sk-of-somebody-else" });
  for (const calling of [
    () => stranger.models.list(),
    () => stranger.chat.completions.create(asked),
    () => stranger.responses.create({ model, input: "Hello" }),
    () => stranger.vectorStores.list(),
  ]) {
    const error = await named(OpenAI.AuthenticationError, calling, "invalid_api_key", null);
    assert.equal(error.status, 401);
  }
});

test("an unknown parameter is named", async () => {
  for (const calling of [
    () => client.chat.completions.create({ ...asked, frobnicate: 1 }),
    () => client.responses.create({ model, input: "Hello", frobnicate: 1 }),
  ]) {
    await named(OpenAI.BadRequestError, calling, "unknown_parameter", "frobnicate");
  }
});

test("a parameter that is not supported is refused by name", async () => {
  for (const [name, value] of [["n", 2], ["logprobs", true], ["seed", 7]]) {
    const calling = () => client.chat.completions.create({ ...asked, [name]: value });
    const error = await named(OpenAI.BadRequestError, calling, "unsupported_parameter", name);
    assert.ok(error.message.includes(name), error.message);
  }
});

test("a value out of range is named", async () => {
  const hot = () => client.chat.completions.create({ ...asked, temperature: 9 });
  await named(OpenAI.BadRequestError, hot, "invalid_value", "temperature");
});

test("a missing parameter is named", async () => {
  const calling = () => client.post("/chat/completions", { body: { model } });
  await named(OpenAI.BadRequestError, calling, "missing_required_parameter", "messages");
});

test("what is not there is not found", async () => {
  const nobody = "01arz3ndektsv4rrffq69g5fav";
  for (const calling of [
    () => client.responses.retrieve(`resp_${nobody}`),
    () => client.conversations.retrieve(`conv_${nobody}`),
    () => client.files.retrieve(`file_${nobody}`),
    () => client.vectorStores.retrieve(`vs_${nobody}`),
  ]) {
    await named(OpenAI.NotFoundError, calling, "not_found", null);
  }
  // A route that there is not; the SDK has it.
  await named(OpenAI.NotFoundError, () => client.batches.list(), "no_such_route", null);
});

test("every reply says who made it and what is left", async () => {
  const { data, response, request_id } = await client.models.list().withResponse();
  assert.ok(data.data.length > 0);
  assert.match(request_id, /^req_/);
  const header = (name) => response.headers.get(name);
  assert.equal(header("x-request-id"), request_id);
  assert.match(header("openai-processing-ms"), /^\d+$/);
  assert.equal(header("openai-version"), "2020-10-01");
  const limit = Number(header("x-ratelimit-limit-requests"));
  assert.ok(Number(header("x-ratelimit-remaining-requests")) < limit);
  assert.match(header("x-ratelimit-reset-requests"), /s$/);
});
