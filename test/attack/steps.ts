/** An agent that does what it is told, step by step, and tells what came of it: `agents/tries.js`. */
import { fileURLToPath } from "node:url";
import type { CloneOptions, MissionOptions } from "../support/fleet-files.ts";
import type { Fleet } from "./fleet.ts";

export type Step = readonly [
  "read" | "list" | "write" | "connect" | "hold" | "signal" | "run" | "keep" | "say" | "exit",
  ...string[],
];

export interface Outcome {
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

const AGENT = fileURLToPath(new URL("./agents/tries.js", import.meta.url));

/** Of an agent that takes these steps. */
export function stepping(steps: readonly Step[]): CloneOptions["command"] {
  // A document may not hold every character that a step may.
  return [process.execPath, AGENT, Buffer.from(JSON.stringify(steps), "utf8").toString("base64")];
}

/** Starts it and waits until it has taken them all. It stays, unless it was told to exit. */
export async function takeSteps(
  fleet: Fleet,
  mission: string,
  steps: readonly Step[],
  more: { readonly clone?: Partial<CloneOptions>; readonly mission?: Partial<MissionOptions> } = {},
): Promise<readonly Outcome[]> {
  await fleet.enlist(mission, { command: stepping(steps), ...more.clone }, more.mission);
  return JSON.parse(await fleet.left(mission, "result.json")) as Outcome[];
}

/** Those that worked, in few words. */
export function gotten(outcomes: readonly Outcome[]): string | null {
  const got = outcomes.filter(({ ok }) => ok).map(({ name }) => name.split(" ")[0] ?? name);
  return got.length === 0 ? null : [...new Set(got)].map((step) => PAST[step] ?? step).join(", ");
}

const PAST: Readonly<Record<string, string>> = {
  read: "read",
  list: "listed",
  write: "written",
  connect: "reached",
  signal: "named a process",
  run: "ran",
};
