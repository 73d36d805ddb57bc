/**
 * An agent leaves its session, so that a pause does not hold it, and spends on: it is killed as a runaway, what it did
 * is kept, and its mission is closed only when people have merged what they learnt from it.
 */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CloneEvent } from "../../../src/core/model/event.ts";
import { POSTMORTEM_SECTIONS, postmortemPath } from "../../../src/core/model/postmortem.ts";
import type { WhyView } from "../../../src/core/status/view.ts";
import { agentCommand, createWorld, eventually, isAlive, missionUntil } from "../../e2e/world.ts";
import type { RunningController } from "../../support/controller.ts";
import { cloneName, fleetFiles, pairFiles } from "../../support/fleet-files.ts";
import type { About, ScenarioOptions, ScenarioResult } from "../scenario.ts";

const NAME = "escapes";
const SECRET = "s3cr3t-5a4b3c2d1e0f-value";
const STEP_USD = 0.05;
const STEP_MS = 100;

export interface RunawayReport {
  /** From the pause that was confirmed and measured to its detection, and from there to the proof of death. */
  readonly detectedAfterMs: number;
  readonly deadAfterMs: number;
  readonly evidence: string;
  readonly spenderAlive: boolean;
  readonly bundle: {
    readonly path: string;
    readonly files: readonly string[];
    /** Files that are not as the manifest says, the manifest by the digest on record included. */
    readonly wrong: readonly string[];
    /** Files with the secret in them. */
    readonly withSecret: readonly string[];
  };
  readonly skeleton: string;
  /** What `why` says before anything is merged, and after the skeleton was merged as it is. */
  readonly whyMissing: string;
  readonly whyIncomplete: string;
  readonly closedBefore: boolean;
  readonly closed: { readonly outcome: string | null; readonly report: string };
}

export const about: About = { where: "agent" };

export async function run(options: ScenarioOptions): Promise<ScenarioResult> {
  const report = await runAwayAndLearn(options);
  const problems = [
    ...(report.spenderAlive ? ["the spender outlived its kill"] : []),
    ...report.bundle.wrong.map((file) => `${file} is not as the manifest says`),
    ...report.bundle.withSecret.map((file) => `the secret stands in ${file}`),
    ...(report.closedBefore ? ["the mission was closed without a postmortem"] : []),
    ...(report.closed.outcome === "rejected" ? [] : [`the mission was closed as ${report.closed.outcome}`]),
  ];
  return {
    injected: "an agent that left its session spends on while it is paused",
    detected: `runaway.detected (${report.evidence})`,
    detectedAfterMs: report.detectedAfterMs,
    recovered: `dead after ${report.deadAfterMs} ms, ${report.bundle.files.length} files kept, closed once the postmortem was merged`,
    lost: problems.length === 0 ? null : problems.join("; "),
  };
}

export async function runAwayAndLearn({ log }: ScenarioOptions): Promise<RunawayReport> {
  const world = await createWorld("runaway");
  try {
    await world.origin.commit({
      ...fleetFiles({ caps: { max_cost_usd: 50 }, allowGroup: true, secrets: { env: ["TEST_API_KEY"] } }),
      ...pairFiles(
        NAME,
        {
          command: agentCommand("spends-while-paused.js", world.ledgerPath(), STEP_USD, STEP_MS),
          isolation: "group",
          secrets: [{ name: "API_KEY", from: { env: "TEST_API_KEY" } }],
        },
        // Paused at 0.8 of 20 USD: it is seen to spend on long before it comes to the limit.
        { heartbeatSeconds: 30, maxCostUsd: 20, pausePercent: 4 },
      ),
    });
    // As on a machine without control groups and namespaces: there a pause is signals, and whoever leaves its
    // session and its environment misses them.
    const controller = await world.start({
      args: ["--containment", "group"],
      env: { TEST_API_KEY: SECRET },
    });
    const saved = await eventOf(controller, "trace.saved");
    const settled = await eventOf(controller, "instance.settled");
    const runaway = await eventOf(controller, "runaway.detected");
    const stopped = await eventOf(controller, "stop.finished");
    log(`a runaway: ${runaway.evidence}; ${stopped.proof.evidence}`);
    const spender = Number(
      world
        .ledger()
        .find(({ what }) => what.startsWith("pid "))
        ?.what.slice("pid ".length),
    );
    const spenderAlive = isAlive(spender);
    const bundle = examined(saved.bundle);
    log(`kept: ${bundle.files.length} files in ${bundle.path}`);

    const waits = await missionUntil(controller, NAME, ({ phase }) => phase === "Closing");
    const skeleton = await eventually(
      () => world.status(`missions/${NAME}/postmortem.md`),
      (text) => text.includes(saved.bundle.digest),
      () => `the skeleton on the status branch\n${controller.log().slice(-3_000)}`,
    );
    const whyMissing = await whyUntil(controller, "PostmortemMissing");
    const path = postmortemPath(waits.missionId ?? "");
    await world.origin.commit({ [path]: skeleton });
    const whyIncomplete = await whyUntil(controller, "PostmortemIncomplete");
    const closedBefore = (await controller.client.call("mission", { name: NAME }))?.closure !== null;
    await world.origin.commit({ [path]: filledIn(skeleton) });
    log(`merged ${path}`);
    const { outcome, closure } = await missionUntil(controller, NAME, (view) => view.closure !== null);
    return {
      detectedAfterMs: runaway.at - settled.at,
      deadAfterMs: stopped.at - runaway.at,
      evidence: runaway.evidence,
      spenderAlive,
      bundle,
      skeleton,
      whyMissing,
      whyIncomplete,
      closedBefore,
      closed: { outcome, report: closure?.report ?? "" },
    };
  } finally {
    await world.close();
  }
}

async function eventOf<T extends CloneEvent["type"]>(
  controller: RunningController,
  type: T,
): Promise<Extract<CloneEvent, { type: T }> & { readonly at: number }> {
  return eventually(
    async () => {
      const events = (await controller.client.call("events", { clone: cloneName(NAME), limit: 1_000 }))
        .events;
      const found = events.find(({ event }) => event.type === type);
      return found === undefined
        ? null
        : { ...(found.event as Extract<CloneEvent, { type: T }>), at: found.at };
    },
    () => true,
    () => `${type} of ${NAME}\n${controller.log().slice(-3_000)}`,
  );
}

async function whyUntil(controller: RunningController, reason: string): Promise<string> {
  const step = ({ steps }: WhyView) => steps.find((one) => one.reason === reason);
  const view = await eventually(
    () => controller.client.call("why", { name: NAME }),
    (why) => step(why) !== undefined,
    () => `why to name ${reason}\n${controller.log().slice(-3_000)}`,
  );
  return step(view)?.evidence ?? "";
}

/** The bundle as it lies on the disk, against its own manifest and the receipt on record. */
function examined({
  path,
  digest,
}: {
  readonly path: string;
  readonly digest: string;
}): RunawayReport["bundle"] {
  const text = readFileSync(join(path, "manifest.json"));
  const manifest = JSON.parse(text.toString("utf8")) as {
    readonly files: readonly { readonly path: string; readonly bytes: number; readonly sha256: string }[];
  };
  const files = manifest.files.map((file) => file.path);
  const there = readdirSync(path, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  const unlisted = there
    .map((file) => file.slice(path.length + 1))
    .filter((file) => file !== "manifest.json" && !files.includes(file));
  const changed = manifest.files.filter((file) => {
    const whole = join(path, file.path);
    return statSync(whole).size !== file.bytes || sha256(readFileSync(whole)) !== file.sha256;
  });
  return {
    path,
    files,
    wrong: [
      ...(digest === `sha256:${sha256(text)}` ? [] : ["manifest.json"]),
      ...changed.map((file) => file.path),
      ...unlisted,
    ],
    withSecret: there.filter((file) => readFileSync(file).includes(SECRET)),
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** What two people do with the skeleton. */
function filledIn(skeleton: string): string {
  const named = skeleton
    .replace(/^author:.*$/m, "author: ann")
    .replace(/^reviewed_by:.*$/m, "reviewed_by: ben");
  return POSTMORTEM_SECTIONS.reduce(
    (text, name) => text.replace(`## ${name}\n`, `## ${name}\n\nIt was not contained.\n`),
    named,
  );
}
