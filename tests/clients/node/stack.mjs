// Which stack the suite speaks to, and what its scripted provider can be told to do.

import assert from "node:assert/strict";
import { randomUUID } from "node:crypto";

import OpenAI from "openai";

/** A setting of the suite, which `infra/clients` gives. */
export function setting(name) {
  const value = process.env[`CHATTER_CLIENTS_${name}`];
  if (!value) {
    throw new Error(`CHATTER_CLIENTS_${name} is not set; start the suite with infra/clients`);
  }
  return value;
}

/** The SDK as its users have it: nothing but an address and a key. No call may hang. */
export function makeClient(options = {}) {
  return new OpenAI({
    baseURL: setting("URL"),
    apiKey: setting("KEY"),
    timeout: 60_000,
    ...options,
  });
}

/** A client, and the paths of the requests that it sends, the SDK's own repetitions among them. */
export function counted(options = {}) {
  const sent = [];
  const noting = (url, init) => {
    sent.push(new URL(url).pathname);
    return fetch(url, init);
  };
  return { client: makeClient({ fetch: noting, ...options }), sent };
}

export const script = (told) => JSON.stringify(told);

/** A message that has the scripted provider say that, in these pieces. */
export const say = (pieces, told = {}) => script({ say: [pieces].flat(), ...told });

/** A message that has it call a tool, with arguments that come in two pieces. */
export function call(name, args) {
  const text = JSON.stringify(args);
  const half = Math.floor(text.length / 2);
  return script({ calls: [{ name, arguments: [text.slice(0, half), text.slice(half)] }] });
}

/** A message that has it answer with the request that it got, as JSON. */
export const recite = () => script({ recite: true });

/** The provider counts how often it was asked the same, over all runs. */
export const unique = (text) => `${text} ${randomUUID()}`;

export const user = (content) => ({ role: "user", content });

export async function all(stream) {
  const events = [];
  for await (const event of stream) {
    events.push(event);
  }
  return events;
}

/** Each event must have a higher number than the one before. */
export function rising(events) {
  const numbers = events.map((event) => event.sequence_number);
  assert.ok(
    numbers.every((number, at) => at === 0 || number > numbers[at - 1]),
    numbers.join(),
  );
}

/** Asks until it holds, for a minute at most. */
export async function until(what, holds) {
  const end = Date.now() + 60_000;
  for (;;) {
    const found = await holds();
    if (found) {
      return found;
    }
    assert.ok(Date.now() < end, `not within a minute: ${what}`);
    await pause(200);
  }
}

export const pause = (milliseconds) => new Promise((done) => setTimeout(done, milliseconds));

/** The error that a call fails with, which must be of that kind and say which request it was. */
export async function refused(kind, calling) {
  let error;
  await assert.rejects(calling, (caught) => {
    error = caught;
    return caught instanceof kind;
  });
  assert.match(error.requestID, /^req_/);
  return error;
}

const weather = {
  type: "object",
  properties: { city: { type: "string" } },
  required: ["city"],
  additionalProperties: false,
};

/** As chat completions have it, and as responses have it. */
export const WEATHER = {
  type: "function",
  function: { name: "weather", description: "The weather in a city.", parameters: weather },
};
export const WEATHER_TOOL = {
  type: "function",
  name: "weather",
  description: "The weather in a city.",
  parameters: weather,
  strict: false,
};
