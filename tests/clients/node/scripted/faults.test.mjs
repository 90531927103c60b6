// What goes wrong behind the server: which error it becomes, and whether the SDK tries again.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { counted, makeClient, refused, say, script, setting, unique, user } from "../stack.mjs";

const model = setting("SCRIPTED_MODEL");
const CHAT = "/v1/chat/completions";
const client = makeClient();
const impatient = makeClient({ maxRetries: 0 });

const ask = (of, content, more = {}) =>
  of.chat.completions.create({ model, messages: [user(content)], ...more });

test("the SDK tries again what may pass", async () => {
  // More failures than the server puts up with in one request, which is two.
  const told = say(unique("here I am"), { attempts: Array(3).fill({ status: 503 }) });
  const { client: counting, sent } = counted({ maxRetries: 2 });
  const answer = await ask(counting, told);
  assert.match(answer.choices[0].message.content, /^here I am/);
  assert.deepEqual(sent, [CHAT, CHAT]);
});

test("a provider that is away is an internal server error", async () => {
  const error = await refused(OpenAI.InternalServerError, () =>
    ask(impatient, script({ status: 503 })),
  );
  assert.ok(error.status >= 500);
  assert.equal(error.type, "server_error");
});

test("what does not pass is not tried again", async () => {
  const { client: counting, sent } = counted({ maxRetries: 2 });
  const error = await refused(OpenAI.APIError, () => ask(counting, script({ status: 400 })));
  assert.equal(error.headers.get("x-should-retry"), "false");
  assert.deepEqual(sent, [CHAT]);
});

test("a stream that breaks off is an error", async () => {
  const said = [];
  const stream = await ask(impatient, say(["Once", " upon"], { cut_after: 1 }), { stream: true });
  await assert.rejects(async () => {
    for await (const chunk of stream) {
      said.push(chunk.choices[0]?.delta.content ?? "");
    }
  }, OpenAI.APIError);
  assert.equal(said.join(""), "Once");
});

test("a key without budget is a rate limit error", async () => {
  const { client: spent, sent } = counted({ apiKey: setting("SPENT_KEY"), maxRetries: 2 });
  const error = await refused(OpenAI.RateLimitError, () => ask(spent, say("x")));
  assert.deepEqual([error.status, error.code], [429, "insufficient_quota"]);
  assert.deepEqual(sent, [CHAT]);
});

test("a key may only what its scopes say", async () => {
  const reader = makeClient({ apiKey: setting("READER_KEY") });
  assert.ok((await reader.models.list()).data.length > 0);
  const error = await refused(OpenAI.PermissionDeniedError, () => ask(reader, say("x")));
  assert.deepEqual([error.status, error.code], [403, "permission_denied"]);
});

test("a conversation that is busy is a conflict", async () => {
  const { id } = await client.conversations.create();
  const input = say(Array(50).fill("word "), { delay_ms: 200 });
  const slow = { model, input, conversation: id, background: true };
  const running = await client.responses.create(slow);
  const error = await refused(OpenAI.ConflictError, () =>
    impatient.responses.create({ model, input: say("x"), conversation: id }),
  );
  assert.deepEqual([error.status, error.code], [409, "conversation_busy"]);
  await client.responses.cancel(running.id);
});

test("a client that waits no longer has a timeout error", async () => {
  const hasty = makeClient({ timeout: 700, maxRetries: 0 });
  const late = () => ask(hasty, say("late", { head_delay_ms: 6000 }));
  await assert.rejects(late, OpenAI.APIConnectionTimeoutError);
});
