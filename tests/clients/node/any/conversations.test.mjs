// Conversations and their items, without a model.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";

import { all, makeClient, refused } from "../stack.mjs";

const client = makeClient();
const [ASKED, ANSWERED] = ["What is the capital of Norway?", "Oslo."];
const ITEMS = [
  { type: "message", role: "user", content: ASKED },
  { type: "message", role: "assistant", content: ANSWERED },
];
const texts = (items) => items.map((item) => item.content[0].text);

test("a conversation is created, changed and deleted", async () => {
  const made = await client.conversations.create({ metadata: { topic: "cities" } });
  assert.match(made.id, /^conv_/);
  assert.deepEqual([made.object, made.metadata], ["conversation", { topic: "cities" }]);
  const found = await client.conversations.retrieve(made.id);
  assert.deepEqual({ ...found }, { ...made });
  const changed = await client.conversations.update(made.id, { metadata: { topic: "sea" } });
  assert.deepEqual(changed.metadata, { topic: "sea" });
  const gone = await client.conversations.delete(made.id);
  assert.deepEqual([gone.object, gone.deleted], ["conversation.deleted", true]);
  await refused(OpenAI.NotFoundError, () => client.conversations.retrieve(made.id));
});

test("items are put in, listed page by page, read and taken out", async () => {
  const { id } = await client.conversations.create();
  const { items } = client.conversations;
  const made = await items.create(id, { items: ITEMS });
  const ids = made.data.map((item) => item.id);
  assert.deepEqual([made.first_id, made.last_id], ids);
  assert.deepEqual(
    made.data.map((item) => [item.type, item.role, item.content[0].type]),
    [
      ["message", "user", "input_text"],
      ["message", "assistant", "output_text"],
    ],
  );
  assert.deepEqual(texts(await all(items.list(id))), [ANSWERED, ASKED]);
  // The SDK fetches page after page by itself.
  assert.deepEqual(texts(await all(items.list(id, { order: "asc", limit: 1 }))), [
    ASKED,
    ANSWERED,
  ]);
  const after = await items.list(id, { order: "asc", after: ids[0] });
  assert.deepEqual(texts(after.data), [ANSWERED]);
  const one = await items.retrieve(ids[0], { conversation_id: id });
  assert.deepEqual([one.id, one.content[0].text], [ids[0], ASKED]);
  const left = await items.delete(ids[0], { conversation_id: id });
  assert.equal(left.id, id);
  assert.deepEqual(texts(await all(items.list(id))), [ANSWERED]);
  await refused(OpenAI.NotFoundError, () => items.retrieve(ids[0], { conversation_id: id }));
  await client.conversations.delete(id);
});
