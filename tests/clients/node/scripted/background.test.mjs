// Responses in the background, and answers from files.

import assert from "node:assert/strict";
import { test } from "node:test";

import { toFile } from "openai";

import { all, makeClient, rising, say, setting, until } from "../stack.mjs";

const client = makeClient();
const model = setting("SCRIPTED_MODEL");
const delta = "response.output_text.delta";
const FACT = "The lighthouse of Lindesnes was lit in 1656 and is the oldest in Norway.";

const ended = (id) =>
  until("an end", async () => {
    const found = await client.responses.retrieve(id);
    return ["queued", "in_progress"].includes(found.status) ? null : found;
  });

test("a response in the background is polled", async () => {
  const input = say(["In", " the", " background"]);
  const made = await client.responses.create({ model, input, background: true });
  assert.ok(["queued", "in_progress"].includes(made.status), made.status);
  const found = await ended(made.id);
  assert.deepEqual([found.status, found.output_text], ["completed", "In the background"]);
});

test("a stream that broke is read on where it broke", async () => {
  const words = Array.from({ length: 12 }, (_, number) => `word-${number} `);
  const input = say(words, { delay_ms: 100 });
  const asked = { model, input, background: true, stream: true };
  const before = [];
  for await (const event of await client.responses.create(asked)) {
    before.push(event);
    if (event.type === delta) {
      break;
    }
  }
  const { id } = before[0].response;
  const starting_after = before.at(-1).sequence_number;
  const after = await all(await client.responses.retrieve(id, { stream: true, starting_after }));
  assert.equal(after[0].sequence_number, starting_after + 1);
  assert.equal(after.at(-1).type, "response.completed");
  const both = [...before, ...after];
  rising(both);
  const text = both.filter((event) => event.type === delta).map((event) => event.delta);
  assert.equal(text.join(""), words.join(""));
  const again = await all(await client.responses.retrieve(id, { stream: true }));
  assert.deepEqual(JSON.stringify(again), JSON.stringify(both));
});

test("a response is cancelled", async () => {
  const input = say(Array(200).fill("word "), { delay_ms: 200 });
  const made = await client.responses.create({ model, input, background: true });
  await client.responses.cancel(made.id);
  assert.equal((await ended(made.id)).status, "cancelled");
});

test("an answer cites the file that it is from", async () => {
  const store = await client.vectorStores.create({ name: "clients" });
  try {
    const file = await toFile(Buffer.from(FACT), "lighthouse.txt");
    const taken = await client.vectorStores.files.uploadAndPoll(store.id, file);
    assert.equal(taken.status, "completed");
    const made = await client.responses.create({
      model,
      input: say(FACT),
      tools: [{ type: "file_search", vector_store_ids: [store.id] }],
    });
    const [search, message] = made.output;
    assert.deepEqual([search.type, search.status], ["file_search_call", "completed"]);
    const [citation] = message.content[0].annotations;
    assert.deepEqual(
      [citation.type, citation.file_id, citation.filename],
      ["file_citation", taken.id, "lighthouse.txt"],
    );
  } finally {
    await client.vectorStores.delete(store.id);
  }
});
