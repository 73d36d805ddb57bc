/** Agents that misbehave beside one that works: one floods, one is deaf to every request to end, one lies about what it used. */
import { existsSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { TRANSCRIPT_FILES } from "../../../src/instance/transcript.ts";
import { type Living, pidsOf, works } from "../../e2e/living.ts";
import { agentCommand, createWorld, eventually, isAlive, missionUntil } from "../../e2e/world.ts";
import { cloneName, fleetFiles, type MissionOptions, pairFiles } from "../../support/fleet-files.ts";
import { goAheadFile } from "../../support/shared.ts";
import { nothingLost } from "../nothing-lost.ts";
import type { Scenario, ScenarioOptions, ScenarioResult } from "../scenario.ts";

const STEADY = "steady";
const ODD = "odd";
/** Transcript 8 MiB, outbox 16 MiB, actions and heartbeats, and what is being written just now. */
const INSTANCE_BYTES_MAX = 32 * 1024 * 1024;
const MAX_COST_USD = 10;

export const scenarios: Readonly<Record<string, Scenario>> = {
  "agent-floods": { where: "agent", run: floods },
  "agent-deaf": { where: "agent", run: deaf },
  "agent-lies": { where: "agent", run: lies },
};

async function floods(options: ScenarioOptions): Promise<ScenarioResult> {
  return beside(
    options,
    "agent-floods",
    { command: ["node", supportAgent("floods-stdout.js")] },
    async (living) => {
      const { controller, world } = living;
      const since = Date.now();
      const noticed = await missionUntil(controller, ODD, ({ conduct }) => conduct.blocked.length > 0);
      const detectedAfterMs = Date.now() - since;
      const reasons = noticed.conduct.blocked.map(({ reason }) => reason);
      options.log(`after ${detectedAfterMs} ms: ${reasons.length} reasons that block it`);
      const folder = join(world.dataDir, "instances", cloneName(ODD));
      let bytes = 0;
      await eventually(
        () => {
          bytes = Math.max(bytes, bytesBelow(folder));
          return existsSync(join(folder, "1", TRANSCRIPT_FILES[0]));
        },
        (full) => full,
        () => "its transcript to be full for the first time",
      );
      for (let round = 0; round < 10; round++) {
        await works(living, STEADY, 1);
        bytes = Math.max(bytes, bytesBelow(folder));
      }
      options.log(`its instance takes at most ${bytes} bytes`);
      const end = await killed(living, false);
      return {
        injected: "an agent prints as fast as it can: lines, endless lines, progress, blockers",
        detected: `its blockers, counted by reason: ${reasons[0]}; of the rest one progress a second and a bounded transcript`,
        detectedAfterMs,
        recovered: `the other one works on; ended: ${end}`,
        lost:
          bytes <= INSTANCE_BYTES_MAX
            ? null
            : `its instance took ${bytes} bytes, more than ${INSTANCE_BYTES_MAX}`,
      };
    },
  );
}

async function deaf(options: ScenarioOptions): Promise<ScenarioResult> {
  return beside(
    options,
    "agent-deaf",
    { command: ["node", supportAgent("ignores-sigterm.js")] },
    async (living) => {
      const since = Date.now();
      const end = await killed(living, false);
      return {
        injected: "an agent ignores the cancel, the end of its input and SIGTERM",
        detected: `the kill ladder climbs on: ${end}`,
        detectedAfterMs: Date.now() - since,
        recovered: "the other one works on",
        lost: null,
      };
    },
  );
}

async function lies(options: ScenarioOptions): Promise<ScenarioResult> {
  return beside(
    options,
    "agent-lies",
    {
      agent: (ledger, path) => agentCommand("lies.js", ledger, goAheadFile(path)),
      mission: { maxCostUsd: MAX_COST_USD, maxLlmCalls: 100 },
    },
    async (living) => {
      const { controller, world } = living;
      const usage = async () => (await controller.client.call("mission", { name: ODD }))?.usage ?? null;
      await eventually(
        usage,
        ({ costMicros }) => costMicros !== null,
        () => "its first dollar",
      );
      for (let round = 0; round < 5; round++) await works(living, ODD, 1);
      const modest = await usage();
      options.log(`it has said less and less, and is charged with ${modest?.costMicros} millionths`);
      writeFileSync(goAheadFile(world.path), "");
      const since = Date.now();
      const mission = await missionUntil(controller, ODD, ({ holds }) =>
        holds.some(({ kind }) => kind === "budget"),
      );
      const detectedAfterMs = Date.now() - since;
      const asked = (await controller.client.call("inbox")).items.filter(({ subject }) => subject === ODD);
      const problems = [
        ...(modest?.costMicros === 1_000_000
          ? []
          : [`it was charged with ${modest?.costMicros} millionths instead of a dollar`]),
        ...(modest?.llmCalls === 3 ? [] : [`it was charged with ${modest?.llmCalls} calls instead of 3`]),
        ...(asked.length > 0 ? [] : ["nobody was asked"]),
      ];
      return {
        injected:
          "an agent says that it used less than before, less than nothing, no number, 1e300 dollars; then 99 of the 10 it may spend",
        detected: `hold budget: ${mission.holds.find(({ kind }) => kind === "budget")?.message}`,
        detectedAfterMs,
        recovered: "what it had said before stood; a person was asked; the other one works on",
        lost: problems.length === 0 ? null : problems.join("; "),
      };
    },
  );
}

interface OddOne {
  readonly command?: readonly string[];
  agent?(ledger: string, path: string): readonly string[];
  readonly mission?: Partial<MissionOptions>;
}

async function beside(
  { log }: ScenarioOptions,
  name: string,
  odd: OddOne,
  act: (living: Living) => Promise<ScenarioResult>,
): Promise<ScenarioResult> {
  const world = await createWorld(name);
  try {
    const ledger = world.ledgerPath();
    const command = odd.command ?? odd.agent?.(ledger, world.path) ?? [];
    await world.origin.commit(
      Object.assign(
        fleetFiles(),
        pairFiles(
          STEADY,
          { command: agentCommand("works.js", ledger, 100_000, 50) },
          { heartbeatSeconds: 1 },
        ),
        pairFiles(ODD, { command }, { heartbeatSeconds: 1, ...odd.mission }),
      ),
    );
    const controller = await world.start();
    const living: Living = { world, controller };
    await works(living, STEADY, 1);
    await missionUntil(
      controller,
      ODD,
      ({ phase }) => phase !== "Pending" && phase !== "Preparing" && phase !== "Starting",
    );
    const before = pidsOf(living, STEADY, 1);
    const result = await act(living);
    log("the other one has to work on");
    await works(living, STEADY, 1);
    const after = pidsOf(living, STEADY, 1);
    if (after.shim !== before.shim || after.agent !== before.agent)
      return { ...result, lost: "the one beside it has other processes" };
    return { ...result, lost: result.lost ?? (await nothingLost(world, controller, [STEADY, ODD])) };
  } finally {
    await world.close();
  }
}

/** Ends it and answers with the proof of its death. */
async function killed({ controller, world }: Living, now: boolean): Promise<string> {
  const { shim, agent } = pidsOf({ controller, world }, ODD, 1);
  await controller.client.call("kill", { name: ODD, reason: "misbehaves", now });
  const { closure } = await missionUntil(controller, ODD, (mission) => mission.closure !== null);
  if (isAlive(shim) || isAlive(agent)) throw new Error(`closed, and process ${agent} or ${shim} lives`);
  return /## Proof of death\s+([^\n:]+)/.exec(closure?.report ?? "")?.[1] ?? "no proof";
}

function supportAgent(file: string): string {
  return fileURLToPath(new URL(`../../support/agents/${file}`, import.meta.url));
}

/** A file that is renamed between the two looks, as the acknowledgement is with every report, counts with the next one. */
function bytesBelow(folder: string): number {
  let bytes = 0;
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile())
      bytes += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}
