/** A budget of model calls, held at the door to the model: with the controller alive and dead, whatever the agent says of itself. */
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { fleetFiles, pairFiles } from "../support/fleet-files.ts";
import type { Files } from "../support/git.ts";
import { type Asked, answerWell, type ModelProvider, startModelProvider } from "../support/model-provider.ts";
import { createStage } from "./stage.ts";
import { eventually } from "./world.ts";

const KEY = "sk-real-key-of-the-provider-0123456789";
const AGENT = join(import.meta.dirname, "../support/agents/calls-its-model.js");
const LIMIT = 10;
/** 90 % of it. */
const ASKED_AT = 9;
const WANTED = 20;

const providers: Readonly<Record<"asks" | "alone", ModelProvider>> = {
  asks: await startModelProvider(),
  alone: await startModelProvider(),
};
/** Lets the calls of `alone` go on, once there is no controller. */
let goOn: () => void = () => {};

afterAll(async () => {
  for (const provider of Object.values(providers)) await provider.close();
});

const stage = createStage(
  "model-budget",
  () => {
    const waiting: (() => void)[] = [];
    let held = true;
    providers.alone.answer = (asked: Asked, response) => {
      const answer = (): void => answerWell(asked, response);
      if (held && callsOf("alone").length >= 3) waiting.push(answer);
      else answer();
    };
    goOn = () => {
      held = false;
      for (const answer of waiting) answer();
    };
    return { ...fleetFiles({ secrets: { env: ["PROVIDER_*"] } }), ...spender("asks"), ...spender("alone") };
  },
  { env: { PROVIDER_KEY: KEY } },
);

/** Of the model; its agent also looks whether it reaches the provider past the gateway, which nobody forbids it here. */
function callsOf(name: "asks" | "alone"): readonly Asked[] {
  return providers[name].calls.filter(({ path }) => path === "/v1/messages");
}

function spender(name: "asks" | "alone"): Files {
  const { url } = providers[name];
  return pairFiles(
    name,
    {
      command: ["node", AGENT, String(WANTED), "1", url],
      secrets: [{ name: "API_KEY", from: { env: "PROVIDER_KEY" } }],
      agent: { model: { api: "anthropic", upstream: url, key: "API_KEY" } },
    },
    { maxLlmCalls: LIMIT },
  );
}

async function raise(name: string): Promise<void> {
  // A controller that has just begun has to read the fleet's caps first, and says so.
  await eventually(
    () => stage.factory("decide", `${name}.budget.1`, "--raise", "max_llm_calls=100"),
    ({ code }) => code === 0,
    () => `the raise of ${name}`,
  );
}

test("at its threshold it is paused and asked about; after a raise it goes on, and every call is one of the provider's", async () => {
  const held = await stage.mission("asks", ({ phase }) => phase === "Paused");
  expect(held.holds).toMatchObject([{ kind: "budget", clearBy: "decision" }]);
  expect(callsOf("asks")).toHaveLength(ASKED_AT);
  await raise("asks");
  const { closure, usage } = await stage.mission("asks", (view) => view.closure !== null);
  expect(closure).not.toBeNull();
  expect(callsOf("asks")).toHaveLength(WANTED);
  expect(usage).toMatchObject({ llmCalls: WANTED, trust: "metered", source: "gateway" });
  expect(callsOf("asks").every(({ headers }) => headers["x-api-key"] === KEY)).toBe(true);
});

test("with the controller dead the same limit holds, and the next controller asks", async () => {
  await eventually(
    () => callsOf("alone").length,
    (calls) => calls >= 3,
    () => "calls of the second mission",
  );
  await stage.controller.kill();
  goOn();
  await eventually(
    () => callsOf("alone").length,
    (calls) => calls === ASKED_AT,
    () => `calls up to the threshold, now ${callsOf("alone").length}`,
  );
  await stage.restart();
  const held = await stage.mission("alone", ({ phase }) => phase === "Paused");
  expect(held.holds).toMatchObject([{ kind: "budget" }]);
  expect(callsOf("alone")).toHaveLength(ASKED_AT);
  await raise("alone");
  const { usage } = await stage.mission("alone", (view) => view.closure !== null);
  // A slow machine may have had its agent started anew: whoever called, what is on record is what the provider was asked.
  expect(usage).toMatchObject({ llmCalls: callsOf("alone").length, trust: "metered" });
  expect(callsOf("alone").length).toBeGreaterThanOrEqual(WANTED);
});
