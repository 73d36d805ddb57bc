/** The receiver of notices is down: every one of them arrives once and in order when it is back, and the alert comes over the other channel. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { type Receiver, startReceiver } from "../../adapters/notify/receiver.ts";
import { agentCommand, createWorld, eventually, missionUntil } from "../../e2e/world.ts";
import { fleetFiles, pairFiles } from "../../support/fleet-files.ts";
import type { About, ScenarioOptions, ScenarioResult } from "../scenario.ts";

/** Its own patience is longer than what is usual. */
export const about: About = { where: "receiver of notices", limitMs: 270_000 };

const OUTAGE_MS = 30_000;
const PATIENCE_MS = 180_000;
const NAMES = ["first", "second", "last"] as const;

interface Told {
  readonly id: string;
  readonly kind: string;
  readonly mission: string | null;
  readonly subject: string;
  readonly at: string;
}

export function run(options: ScenarioOptions): Promise<ScenarioResult> {
  return receiverDown({ ...options, outageMs: OUTAGE_MS });
}

/** `outageMs`: at least so long; it ends only after the alert came. */
export async function receiverDown(options: ScenarioOptions & { outageMs: number }): Promise<ScenarioResult> {
  const world = await createWorld("receiver-down");
  let receiver: Receiver | null = null;
  try {
    const closed = await startReceiver();
    await closed.close();
    await world.origin.commit(files(closed.url, world.ledgerPath()));
    const controller = await world.start({
      env: { HOOK_SECRET: `whsec_${Buffer.alloc(32, 7).toString("base64")}` },
    });
    for (const name of NAMES) await missionUntil(controller, name, ({ phase }) => phase === "Running");
    const beganAt = Date.now();
    for (const name of ["first", "second"])
      await controller.client.call("kill", { name, reason: "drill", now: true });
    options.log(`two missions are killed while nobody listens at ${closed.url}`);

    const others = (): readonly Told[] => told(join(world.dataDir, "notices", "people.jsonl"));
    const alerts = (word: string): readonly Told[] =>
      others().filter(({ kind, subject }) => kind === "alert" && subject === `hook: notices ${word}`);
    await eventually(
      () => alerts("do not get through"),
      (found) => found.length > 0,
      () => `the alert over the other channel\n${controller.log().slice(-3_000)}`,
    );
    const detectedAfterMs = Date.now() - beganAt;
    options.log(`the alert came over the other channel after ${detectedAfterMs} ms`);
    await eventually(
      () => Date.now() - beganAt,
      (ms) => ms >= options.outageMs,
      () => "the end of the outage",
      options.outageMs + PATIENCE_MS,
    );
    receiver = await startReceiver(closed.port);
    const { received } = receiver;
    await controller.client.call("kill", { name: "last", reason: "drill", now: true });
    options.log("the receiver is back");
    const hooked = (): readonly Told[] => received.map(({ body }) => JSON.parse(body).data as Told);
    await eventually(
      () => controller.client.call("fleet"),
      ({ callbacks }) =>
        callbacks.waiting === 0 &&
        alerts("get through again").length > 0 &&
        closures(hooked()) === NAMES.length,
      () => `everything to arrive: ${JSON.stringify(hooked())}\n${controller.log().slice(-3_000)}`,
      PATIENCE_MS,
    );
    return {
      injected: `receiver of notices down for ${Math.round((Date.now() - beganAt) / 1_000)} s (closed port)`,
      detected: alerts("do not get through")[0]?.subject ?? "",
      detectedAfterMs,
      lost: difference(others(), hooked(), alerts("do not get through").length),
    };
  } finally {
    await world.close();
    await receiver?.close();
  }
}

function files(url: string, ledger: string): ReturnType<typeof fleetFiles> {
  const fleet = fleetFiles();
  const document = parse(String(fleet["fleet.yaml"])) as { spec: Record<string, unknown> };
  document.spec["simone"] = {
    notify: [
      { name: "hook", type: "webhook", url, secret: { from: { env: "HOOK_SECRET" } } },
      { name: "people", type: "file", path: "people.jsonl" },
    ],
  };
  return Object.assign(
    fleet,
    { "fleet.yaml": stringify(document) },
    ...NAMES.map((name) => pairFiles(name, { command: agentCommand("works.js", ledger, 100_000, 50) })),
  );
}

function told(path: string): readonly Told[] {
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").split("\n");
  return lines.filter((line) => line !== "").map((line) => JSON.parse(line) as Told);
}

function closures(notices: readonly Told[]): number {
  return notices.filter(({ kind }) => kind === "closure").length;
}

/** What the receiver that was down got, against the one that was not: per mission the same, in the same order, once each. */
function difference(there: readonly Told[], here: readonly Told[], alerts: number): string | null {
  const ids = here.map(({ id }) => id);
  const twice = ids.find((id, index) => ids.indexOf(id) !== index);
  if (twice !== undefined) return `${twice} arrived twice`;
  if (alerts !== 1) return `people were told ${alerts} times of one outage`;
  for (const name of NAMES) {
    const of = (notices: readonly Told[]): string =>
      notices
        .filter(({ mission }) => mission === name)
        .map(({ kind, subject }) => `${kind} ${subject}`)
        .join("; ");
    if (of(there) !== of(here)) return `of ${name} arrived "${of(here)}" instead of "${of(there)}"`;
    if (!of(here).startsWith(`kill ${name}: kill recorded; `)) return `of ${name} arrived only "${of(here)}"`;
  }
  return null;
}
