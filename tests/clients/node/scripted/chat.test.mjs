// Chat completions: whole, streamed, with tools and with structured output.

import assert from "node:assert/strict";
import { test } from "node:test";

import OpenAI from "openai";
import { zodFunction, zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

import { WEATHER, all, call, makeClient, recite, refused, say, setting, user } from "../stack.mjs";

const client = makeClient();
const model = setting("SCRIPTED_MODEL");
const City = z.object({ name: z.string(), inhabitants: z.number() });
const OSLO = { name: "Oslo", inhabitants: 717710 };

const ask = (content, more = {}) =>
  client.chat.completions.create({ model, messages: [user(content)], ...more });

/** What the provider was sent. */
async function sent(messages, more = {}) {
  const answer = await client.chat.completions.create({ model, messages, ...more });
  return JSON.parse(answer.choices[0].message.content);
}

test("an answer comes whole", async () => {
  const answer = await ask(say(["Hello", " world"]));
  assert.match(answer.id, /^chatcmpl-/);
  assert.match(answer._request_id, /^req_/);
  assert.deepEqual([answer.object, answer.model], ["chat.completion", model]);
  const [choice] = answer.choices;
  assert.deepEqual(
    [choice.index, choice.finish_reason, choice.message.role, choice.message.content],
    [0, "stop", "assistant", "Hello world"],
  );
  const { prompt_tokens, completion_tokens, total_tokens } = answer.usage;
  assert.deepEqual([prompt_tokens, completion_tokens, total_tokens], [11, 2, 13]);
});

test("an answer comes in chunks and ends with what was used", async () => {
  const pieces = ["Hel", "lo ", "wor", "ld: schön 🙂"];
  const options = { stream: true, stream_options: { include_usage: true } };
  const chunks = await all(await ask(say(pieces), options));
  assert.equal(new Set(chunks.map((chunk) => chunk.id)).size, 1);
  const used = chunks.pop();
  assert.deepEqual([used.choices, used.usage.total_tokens], [[], 15]);
  assert.ok(chunks.every((chunk) => !chunk.usage));
  assert.equal(chunks[0].choices[0].delta.role, "assistant");
  const text = chunks.map((chunk) => chunk.choices[0].delta.content ?? "").join("");
  assert.equal(text, pieces.join(""));
  assert.equal(chunks.at(-1).choices[0].finish_reason, "stop");
  const silent = await all(await ask(say("a"), { stream: true }));
  assert.ok(silent.every((chunk) => !chunk.usage && chunk.choices.length === 1));
});

test("text comes while the model still writes", async () => {
  const came = [];
  const script = say(["a", "b", "c", "d"], { delay_ms: 250 });
  for await (const chunk of await ask(script, { stream: true })) {
    if (chunk.choices[0]?.delta.content) {
      came.push(Date.now());
    }
  }
  assert.ok(came.at(-1) - came[0] > 500, came.join());
});

test("the helper for streams puts the answer together", async () => {
  const messages = [user(say(["Hello", " world"]))];
  const stream = client.chat.completions.stream({ model, messages });
  assert.equal(await stream.finalContent(), "Hello world");
});

test("a stream can be left", async () => {
  const script = say(Array(100).fill("word "), { delay_ms: 100 });
  const stream = await ask(script, { stream: true });
  for await (const chunk of stream) {
    if (chunk.choices[0]?.delta.content) {
      break;
    }
  }
  assert.ok(stream.controller.signal.aborted);
});

test("the model is sent the instructions, all turns and the parameters", async () => {
  const got = await sent(
    [
      { role: "system", content: "Answer in Norwegian." },
      user("What is the capital?"),
      { role: "assistant", content: "Of which country?" },
      user([{ type: "text", text: recite() }]),
    ],
    { stop: ["END"], temperature: 0.25, max_completion_tokens: 77 },
  );
  const roles = got.messages.map((message) => message.role);
  assert.deepEqual(roles.slice(1), ["user", "assistant", "user"]);
  assert.ok(JSON.stringify(got.messages[0]).includes("Answer in Norwegian."));
  assert.deepEqual([got.stop, got.temperature], [["END"], 0.25]);
  assert.equal(got.max_completion_tokens ?? got.max_tokens, 77);
});

test("a call comes back and its result is answered", async () => {
  const question = user(call("weather", { city: "Oslo" }));
  const tools = [WEATHER];
  const first = await client.chat.completions.create({ model, messages: [question], tools });
  const [{ message, finish_reason }] = first.choices;
  assert.deepEqual([finish_reason, message.content], ["tool_calls", null]);
  const [asked] = message.tool_calls;
  assert.equal(asked.function.name, "weather");
  assert.deepEqual(JSON.parse(asked.function.arguments), { city: "Oslo" });
  const result = { role: "tool", tool_call_id: asked.id, content: say("It is 21 °C.") };
  const messages = [question, message, result];
  const last = await client.chat.completions.create({ model, messages, tools });
  assert.equal(last.choices[0].message.content, "It is 21 °C.");
});

test("the SDK runs tools by itself", async () => {
  const asked = [];
  const runner = client.chat.completions.runTools({
    model,
    messages: [user(call("weather", { city: "Oslo" }))],
    tools: [
      {
        type: "function",
        function: {
          ...WEATHER.function,
          parse: JSON.parse,
          function: ({ city }) => {
            asked.push(city);
            return say(`It rains in ${city}.`);
          },
        },
      },
    ],
  });
  assert.equal(await runner.finalContent(), "It rains in Oslo.");
  assert.deepEqual(asked, ["Oslo"]);
});

test("the model is told what it may and must call", async () => {
  const tools = [WEATHER];
  const got = await sent([user(recite())], { tools, tool_choice: "none" });
  assert.equal(got.tool_choice, "none");
  const named = { type: "function", function: { name: "weather" } };
  for (const tool_choice of ["required", named]) {
    const answer = await ask(call("weather", { city: "Oslo" }), { tools, tool_choice });
    assert.equal(answer.choices[0].message.tool_calls.length, 1);
  }
  const tides = { type: "function", function: { name: "tides" } };
  const calling = () => ask(say("x"), { tools, tool_choice: tides });
  assert.match((await refused(OpenAI.BadRequestError, calling)).param, /^tool_choice/);
});

test("an answer is parsed into a type", async () => {
  const answer = await client.chat.completions.parse({
    model,
    messages: [user(say(['{"name":"Oslo",', '"inhabitants":717710}']))],
    response_format: zodResponseFormat(City, "city"),
  });
  assert.deepEqual(answer.choices[0].message.parsed, OSLO);
  const question = user(call("city", OSLO));
  const tools = [zodFunction({ name: "city", parameters: City })];
  const called = await client.chat.completions.parse({ model, messages: [question], tools });
  const [{ message }] = called.choices;
  const [asked] = message.tool_calls;
  assert.deepEqual(asked.function.parsed_arguments, OSLO);
  // The SDK sends back what it parsed too, in `parsed` and `parsed_arguments`.
  const result = { role: "tool", tool_call_id: asked.id, content: say("I see.") };
  const messages = [question, message, result];
  const last = await client.chat.completions.create({ model, messages });
  assert.equal(last.choices[0].message.content, "I see.");
});
