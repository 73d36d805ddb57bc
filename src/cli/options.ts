/** Options that several commands take, and how their values are read. */
import { InvalidArgumentError, Option } from "commander";
import { durationMs } from "../core/model/duration.ts";

export function option(flags: string, description: string): Option {
  return new Option(flags, description);
}

/** Each command has its own: commander marks what was given. */
export const reason = (): Option => option("--reason <text>", "is recorded").default("");

/** How the repository is found that a command reads. */
export const sourceOptions = (): readonly Option[] => [
  option("--source <url>", "the fleet's repository (default: as `factory run`)"),
  option("--branch <branch>", "the branch that is obeyed").default("main"),
];

export const statusBranch = (): Option =>
  option("--status-branch <branch>", "where status is published (default: as fleet.yaml says)");

/** From now, or at an instant. */
export type Moment = { readonly inMs: number } | { readonly at: number };

export function moment(text: string): Moment {
  const inMs = durationMs(text, ["s", "m", "h", "d"]);
  if (inMs !== null) return { inMs };
  const at = /^\d{4}-\d\d-\d\dT.*(Z|[+-]\d\d:\d\d)$/.test(text) ? Date.parse(text) : Number.NaN;
  if (!Number.isFinite(at))
    throw new InvalidArgumentError("Expected e.g. 45m, 2h, 1d or 2026-11-24T08:00:00+01:00.");
  return { at };
}

/** Faster would be a busy loop on the origin. */
const POLL_MS_MIN = 100;

/** Milliseconds. */
export function pollInterval(text: string): number {
  const ms = durationMs(text, ["ms", "s", "m", "h"]);
  if (ms === null || ms < POLL_MS_MIN)
    throw new InvalidArgumentError("Expected e.g. 500ms, 30s or 5m; at least 100ms.");
  return ms;
}

export function port(text: string): number {
  const value = Number(text);
  if (!/^\d{1,5}$/.test(text) || value > 65_535) throw new InvalidArgumentError("Expected 0 to 65535.");
  return value;
}

export function count(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError("Expected a whole number from 1 on.");
  return Number(text);
}

export function commit(text: string): string {
  if (!/^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text)) {
    throw new InvalidArgumentError("Expected a full commit id of 40 or 64 hexadecimal digits.");
  }
  return text;
}
