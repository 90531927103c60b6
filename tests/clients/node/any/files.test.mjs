// Files and vector stores: what is put in is found by its meaning.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI, { toFile } from "openai";

import { all, makeClient, refused } from "../stack.mjs";

const client = makeClient();
const LOGIN = "I forgot my login credentials and need to change them.";
const RAIN = "The weather in Paris is rainy today.";
const RESET = "How do I reset my password?";

const upload = async (name, text) =>
  client.files.create({ file: await toFile(Buffer.from(text), name), purpose: "assistants" });

async function withStore(name, use) {
  const store = await client.vectorStores.create({ name });
  try {
    await use(store.id);
  } finally {
    await client.vectorStores.delete(store.id);
  }
}

test("a file comes back as it was sent, until it is deleted", async () => {
  const text = "Schön war's.\n";
  const file = await upload("sea.txt", text);
  assert.deepEqual(
    [file.object, file.filename, file.bytes, file.purpose],
    ["file", "sea.txt", Buffer.byteLength(text), "assistants"],
  );
  assert.equal((await client.files.retrieve(file.id)).id, file.id);
  assert.equal(await (await client.files.content(file.id)).text(), text);
  const [newest] = (await client.files.list({ limit: 1, order: "desc" })).data;
  assert.equal(newest.id, file.id);
  const gone = await client.files.delete(file.id);
  assert.deepEqual([gone.id, gone.deleted], [file.id, true]);
  await refused(OpenAI.NotFoundError, () => client.files.retrieve(file.id));
});

test("a store is created, changed, listed and deleted", async () => {
  const made = await client.vectorStores.create({ name: "Help", metadata: { team: "support" } });
  assert.match(made.id, /^vs_/);
  assert.deepEqual(
    [made.object, made.name, made.metadata],
    ["vector_store", "Help", { team: "support" }],
  );
  const changed = await client.vectorStores.update(made.id, { name: "Aid" });
  assert.equal(changed.name, "Aid");
  assert.equal((await client.vectorStores.retrieve(made.id)).name, "Aid");
  const [newest] = (await client.vectorStores.list({ limit: 1, order: "desc" })).data;
  assert.equal(newest.id, made.id);
  const gone = await client.vectorStores.delete(made.id);
  assert.deepEqual([gone.object, gone.deleted], ["vector_store.deleted", true]);
  await refused(OpenAI.NotFoundError, () => client.vectorStores.retrieve(made.id));
});

test("files are taken in, found, listed and taken out", async () => {
  await withStore("clients", async (store) => {
    const { files } = client.vectorStores;
    const login = await upload("login.txt", LOGIN);
    const attributes = { topic: "account" };
    const taken = await files.createAndPoll(store, { file_id: login.id, attributes });
    assert.deepEqual(
      [taken.status, taken.last_error, taken.attributes],
      ["completed", null, attributes],
    );
    const rain = await files.uploadAndPoll(store, await toFile(Buffer.from(RAIN), "rain.txt"));
    assert.equal(rain.status, "completed");
    const counts = (await client.vectorStores.retrieve(store)).file_counts;
    assert.deepEqual([counts.completed, counts.total], [2, 2]);
    const listed = (await all(files.list(store, { order: "asc" }))).map((file) => file.id);
    assert.deepEqual(listed, [login.id, rain.id]);

    const found = await all(client.vectorStores.search(store, { query: RESET }));
    assert.deepEqual(found.map((result) => result.filename), ["login.txt", "rain.txt"]);
    assert.deepEqual(
      [found[0].file_id, found[0].content[0].text, found[0].attributes],
      [login.id, LOGIN, attributes],
    );
    assert.ok(found[0].score > found[1].score);
    const filters = { type: "eq", key: "topic", value: "account" };
    const only = await all(client.vectorStores.search(store, { query: "rain", filters }));
    assert.deepEqual(only.map((result) => result.filename), ["login.txt"]);

    const gone = await files.delete(login.id, { vector_store_id: store });
    assert.equal(gone.deleted, true);
    const left = (await all(files.list(store))).map((file) => file.id);
    assert.deepEqual(left, [rain.id]);
  });
});
