import { readFile } from "node:fs/promises";
import { join } from "node:path";
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

/** A few lines of something that was produced, and where the rest lies. */
export interface Piece {
  readonly mission: string;
  readonly path: string;
  readonly head: readonly string[];
  readonly more: number;
  readonly folder: string;
}

const HEAD_LINES = 8;

/** The first text that a mission handed in, as it was kept for its judgement. Null when there is none. */
export async function readPiece(scratch: Scratch, missions: readonly MissionResult[]): Promise<Piece | null> {
  // The licence report says most to somebody who has never seen a fleet.
  const byInterest = [...missions].sort(
    (a, b) => Number(b.name === INTERESTING) - Number(a.name === INTERESTING),
  );
  for (const { name } of byInterest) {
    const text = await tryGit(scratch.origin, "show", `${STATUS_REF}:missions/${name}/artifacts.json`);
    const kept = text === null ? null : (JSON.parse(text) as KeptOutputs);
    const path = kept?.outputs.find((output) => output.ok && output.path.endsWith(".md"))?.path;
    if (kept?.kept_at == null || path === undefined) continue;
    const lines = (await readFile(join(kept.kept_at, path), "utf8")).trimEnd().split("\n");
    const head = lines.slice(0, HEAD_LINES);
    return { mission: name, path, head, more: lines.length - head.length, folder: kept.kept_at };
  }
  return null;
}

const INTERESTING = "license-audit";

interface KeptOutputs {
  readonly kept_at: string | null;
  readonly outputs: readonly { readonly path: string; readonly ok: boolean }[];
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
