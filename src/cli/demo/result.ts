import { parse } from "yaml";
import { tryGit } from "./git.ts";
import type { Scratch } from "./scratch.ts";

export const STATUS_REF = "refs/heads/factory/status";

/** One mission as the origin's status branch has it: what a stranger with nothing but the repository would see. */
export interface MissionResult {
  readonly name: string;
  readonly mission_id: string | null;
  readonly phase: string;
  readonly outcome: string | null;
  readonly scorecard: unknown;
}

/** Reads the results from the origin. A mission that left nothing there is `Unknown`. */
export async function readResults(scratch: Scratch): Promise<MissionResult[]> {
  return Promise.all(
    scratch.missions.map(async (name) => {
      const status = await readStatus(scratch.origin, `missions/${name}/status.yaml`);
      return {
        name,
        mission_id: textOf(status?.["mission_id"]),
        phase: textOf(status?.["phase"]) ?? "Unknown",
        outcome: textOf(status?.["outcome"]),
        scorecard: await readStatus(scratch.origin, `missions/${name}/scorecard.yaml`),
      };
    }),
  );
}

async function readStatus(origin: string, path: string): Promise<Record<string, unknown> | null> {
  const text = await tryGit(origin, "show", `${STATUS_REF}:${path}`);
  if (text === null) return null;
  const { status } = (parse(text) ?? {}) as { status?: Record<string, unknown> };
  return status ?? null;
}

function textOf(value: unknown): string | null {
  return typeof value === "string" ? value : null;
}
