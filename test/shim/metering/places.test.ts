/** Where a clone's command and variables have a place for the gateway's address and for the mission. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { WireEvent, WireEventType } from "../../../src/api/event.ts";
import { envelope } from "../../contract/driver.ts";
import { type ModelProvider, startModelProvider } from "../../support/model-provider.ts";
import { createProcessWorld, type ProcessWorld } from "../../support/process-world.ts";
import { until } from "../../support/until.ts";

const signal = new AbortController().signal;
let world: ProcessWorld;
let provider: ModelProvider;

beforeEach(async () => {
  world = await createProcessWorld("auto");
  provider = await startModelProvider();
});
afterEach(async () => {
  await world.close();
  await provider.close();
});

const arrived = (type: WireEventType): Promise<WireEvent> =>
  until(() => world.callback.events.find((event) => event.event_type === type), type);

it("both stand in the arguments that have a place for them, and what a mission says is filled in nowhere else", async () => {
  const script = `
    const { writeFileSync } = require("node:fs");
    writeFileSync("seen.json", JSON.stringify({ argv: process.argv.slice(1), url: process.env.MODEL_URL, base: process.env.OPENAI_BASE_URL }));
    fetch(process.env.MODEL_URL + "/chat/completions", { method: "POST", headers: { authorization: "Bearer " + process.env.API_KEY, "content-type": "application/json" }, body: "{}" })
      .then((answer) => console.log(JSON.stringify({ type: "completed", summary: "status " + answer.status })));
  `;
  const handle = await world.driver.start(
    {
      ...world.request("a", "works"),
      epoch: 1,
      nonce: randomBytes(16).toString("hex"),
      agent: {
        ...world.agent("completes.js"),
        command: [
          process.execPath,
          "-e",
          script,
          "--",
          "{prompt}",
          "-c",
          'base_url="{model_url}/v1"',
          "{port}",
        ],
        env: { MODEL_URL: "{model_url}/v1" },
        model: { api: "openai", upstream: provider.url, key: "API_KEY" },
      },
      isolation: "pidns",
      network: "none",
    },
    signal,
  );
  await arrived("instance.ready");
  const objective = 'Say {model_url}, {port}, $API_KEY, "quotes" and `ls`.';
  await world.driver.dispatch(handle, { ...envelope("m-a"), objective }, signal);
  expect((await arrived("mission.completed")).summary).toBe("status 200");
  const workspace = world.workspace("a");
  const { argv, url, base } = JSON.parse(readFileSync(join(workspace, "seen.json"), "utf8"));
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/v1$/);
  expect(base).toBe(url);
  const [prompt, ...rest] = argv;
  expect(rest).toEqual(["-c", `base_url="${url}"`, "{port}"]);
  expect(prompt).toContain(objective);
  expect(readFileSync(join(workspace, ".factory", "prompt.md"), "utf8")).toBe(prompt);
  expect(provider.calls).toHaveLength(1);
});
