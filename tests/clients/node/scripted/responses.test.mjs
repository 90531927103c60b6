// Responses: whole, streamed, stored, continued and structured.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";
import { zodTextFormat } from "openai/helpers/zod";
import { z } from "zod";

import {
  WEATHER_TOOL,
  all,
  call,
  makeClient,
  recite,
  refused,
  rising,
  say,
  setting,
  user,
} from "../stack.mjs";

const client = makeClient();
const model = setting("SCRIPTED_MODEL");
const City = z.object({ name: z.string(), inhabitants: z.number() });
const plain = (reply) => JSON.parse(JSON.stringify(reply));

/** The texts that the provider was sent, with who said them. */
async function sent(asked) {
  const made = await client.responses.create({ model, ...asked });
  const text = (content) =>
    typeof content === "string" ? content : content.map((part) => part.text).join("");
  const { messages } = JSON.parse(made.output_text);
  return messages.map((message) => [message.role, text(message.content)]);
}

test("a response comes whole, is kept, and is gone when it is deleted", async () => {
  const input = say(["Hello", " world"]);
  const made = await client.responses.create({ model, input, metadata: { ticket: "17" } });
  assert.match(made.id, /^resp_/);
  assert.deepEqual(
    [made.object, made.status, made.model, made.output_text, made.metadata],
    ["response", "completed", model, "Hello world", { ticket: "17" }],
  );
  const [message] = made.output;
  assert.match(message.id, /^msg_/);
  assert.deepEqual([message.type, message.role], ["message", "assistant"]);
  assert.deepEqual([made.usage.input_tokens, made.usage.output_tokens], [11, 2]);
  assert.deepEqual(plain(await client.responses.retrieve(made.id)), plain(made));
  const [item] = await all(client.responses.inputItems.list(made.id));
  assert.deepEqual([item.role, item.content[0].text], ["user", input]);
  await client.responses.delete(made.id);
  await refused(OpenAI.NotFoundError, () => client.responses.retrieve(made.id));
});

test("what is not to be stored is not found", async () => {
  const made = await client.responses.create({ model, input: say("secret"), store: false });
  assert.equal(made.output_text, "secret");
  await refused(OpenAI.NotFoundError, () => client.responses.retrieve(made.id));
});

test("a response goes on from the one before", async () => {
  const input = say("Of which country?");
  const instructions = "Be brief.";
  const first = await client.responses.create({ model, input, instructions });
  // Instructions hold for one response.
  assert.deepEqual(await sent({ input: recite(), previous_response_id: first.id }), [
    ["user", input],
    ["assistant", "Of which country?"],
    ["user", recite()],
  ]);
});

test("a conversation takes what was asked and answered", async () => {
  const { id } = await client.conversations.create();
  const input = say("Hello Ada");
  const made = await client.responses.create({ model, input, conversation: id });
  assert.equal(made.conversation.id, id);
  const items = await all(client.conversations.items.list(id, { order: "asc" }));
  assert.deepEqual(items.map((item) => item.content[0].text), [input, "Hello Ada"]);
  const got = await sent({ input: recite(), conversation: id });
  assert.deepEqual(got.map(([, text]) => text), [input, "Hello Ada", recite()]);
  await client.conversations.delete(id);
});

test("events come in their order and end with the response", async () => {
  const pieces = ["Hel", "lo ", "wor", "ld: schön 🙂"];
  const events = await all(await client.responses.create({ model, input: say(pieces), stream: true }));
  rising(events);
  assert.equal(events[0].sequence_number, 0);
  const delta = "response.output_text.delta";
  const types = events.map((event) => event.type);
  assert.deepEqual(types.filter((type) => type !== delta), [
    "response.created",
    "response.in_progress",
    "response.output_item.added",
    "response.content_part.added",
    "response.output_text.done",
    "response.content_part.done",
    "response.output_item.done",
    "response.completed",
  ]);
  const deltas = events.filter((event) => event.type === delta);
  assert.ok(deltas.length >= 2);
  const text = deltas.map((event) => event.delta).join("");
  assert.equal(text, pieces.join(""));
  const { response } = events.at(-1);
  assert.equal(response.output[0].content[0].text, text);
  assert.equal(response.usage.total_tokens, 15);
});

test("the helper for streams puts the answer together", async () => {
  const stream = client.responses.stream({ model, input: say(["Hello", " world"]) });
  const made = await stream.finalResponse();
  assert.equal(made.output_text, "Hello world");
});

test("a stream that fails ends with the failure", async () => {
  const input = say(["Once", " upon"], { cut_after: 1 });
  const events = await all(await client.responses.create({ model, input, stream: true }));
  const last = events.at(-1);
  assert.deepEqual([last.type, last.response.status], ["response.failed", "failed"]);
  assert.ok(last.response.error.code && last.response.error.message);
});

test("a call comes back, also in events, and its result is answered", async () => {
  const tools = [WEATHER_TOOL];
  const input = call("weather", { city: "Oslo" });
  const first = await client.responses.create({ model, input, tools });
  const [asked] = first.output;
  assert.deepEqual([asked.type, asked.name], ["function_call", "weather"]);
  assert.deepEqual(JSON.parse(asked.arguments), { city: "Oslo" });
  const result = {
    type: "function_call_output",
    call_id: asked.call_id,
    output: say("It is 21 °C."),
  };
  const stored = { model, tools, input: [result], previous_response_id: first.id };
  assert.equal((await client.responses.create(stored)).output_text, "It is 21 °C.");
  const kept = { model, tools, input: [user(input), ...first.output, result], store: false };
  assert.equal((await client.responses.create(kept)).output_text, "It is 21 °C.");
  const events = await all(await client.responses.create({ model, input, tools, stream: true }));
  rising(events);
  const pieces = events.filter((event) => event.type === "response.function_call_arguments.delta");
  const done = events.find((event) => event.type === "response.function_call_arguments.done");
  assert.equal(pieces.map((event) => event.delta).join(""), done.arguments);
  assert.deepEqual(JSON.parse(done.arguments), { city: "Oslo" });
});

test("an answer is parsed into a type", async () => {
  const made = await client.responses.parse({
    model,
    input: say(['{"name":"Oslo",', '"inhabitants":717710}']),
    text: { format: zodTextFormat(City, "city") },
  });
  assert.deepEqual(made.output_parsed, { name: "Oslo", inhabitants: 717710 });
});

test("an answer that was cut says so", async () => {
  const input = say("Once upon", { finish: "length" });
  const made = await client.responses.create({ model, input });
  assert.deepEqual(
    [made.status, made.incomplete_details.reason],
    ["incomplete", "max_output_tokens"],
  );
});
