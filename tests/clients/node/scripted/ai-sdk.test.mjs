// The AI SDK of Vercel, which many applications have in the SDK's place: over responses, its default, and over chat
// completions.

import assert from "node:assert/strict";
import { describe, test } from "node:test";

import { createOpenAI } from "@ai-sdk/openai";
import { Output, embedMany, generateText, isStepCount, streamText, tool } from "ai";
import { z } from "zod";

import { call, recite, say, setting } from "../stack.mjs";

const openai = createOpenAI({ baseURL: setting("URL"), apiKey: setting("KEY") });
const scripted = setting("SCRIPTED_MODEL");
const OSLO = { name: "Oslo", inhabitants: 717710 };

for (const [name, model] of [
  ["responses", openai(scripted)],
  ["chat completions", openai.chat(scripted)],
]) {
  describe(name, () => {
    test("it generates text", async () => {
      const prompt = say(["Hello", " world"]);
      const { text, usage, finishReason } = await generateText({
        model,
        instructions: "Be kind.",
        prompt,
      });
      assert.deepEqual([text, finishReason], ["Hello world", "stop"]);
      assert.deepEqual([usage.inputTokens, usage.outputTokens], [11, 2]);
    });

    test("it streams text", async () => {
      const { textStream } = streamText({ model, prompt: say(["Hello", " big", " world"]) });
      const pieces = [];
      for await (const piece of textStream) {
        pieces.push(piece);
      }
      assert.equal(pieces.join(""), "Hello big world");
      assert.ok(pieces.length >= 2);
    });

    test("it sends what was said before", async () => {
      const first = { role: "user", content: say("Of which country?") };
      const { response } = await generateText({ model, prompt: [first] });
      // Over responses, it names what is stored and does not send it again.
      const messages = [first, ...response.messages, { role: "user", content: recite() }];
      const { text } = await generateText({ model, messages });
      const sent = JSON.parse(text).messages;
      assert.deepEqual(sent.map((message) => message.role), ["user", "assistant", "user"]);
      assert.ok(JSON.stringify(sent[1].content).includes("Of which country?"), text);
    });

    test("it calls tools and gets the answer", async () => {
      const asked = [];
      const { text, steps } = await generateText({
        model,
        prompt: call("weather", { city: "Oslo" }),
        tools: {
          weather: tool({
            description: "The weather in a city.",
            inputSchema: z.object({ city: z.string() }),
            execute: ({ city }) => {
              asked.push(city);
              return say(`It rains in ${city}.`);
            },
          }),
        },
        stopWhen: isStepCount(2),
      });
      assert.deepEqual(asked, ["Oslo"]);
      assert.equal(steps.length, 2);
      assert.equal(text, "It rains in Oslo.");
    });

    test("it structures output", async () => {
      const schema = z.object({ name: z.string(), inhabitants: z.number() });
      const { output } = await generateText({
        model,
        prompt: say(JSON.stringify(OSLO)),
        output: Output.object({ schema }),
      });
      assert.deepEqual(output, OSLO);
    });
  });
}

test("it embeds", async () => {
  const { embeddings } = await embedMany({
    model: openai.embedding(setting("EMBEDDING_MODEL")),
    values: ["The sea is blue.", "Taxes are due."],
  });
  assert.equal(embeddings.length, 2);
  assert.equal(embeddings[0].length, embeddings[1].length);
  assert.notDeepEqual(embeddings[0], embeddings[1]);
});
