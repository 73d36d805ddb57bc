import type { DesiredClone } from "./clone.ts";
import { canonicalJson } from "./digest.ts";

/**
 * What a changed field asks of a living instance (design section 9), mildest first.
 *
 * - `hot`: nothing; we use the new value from now on.
 * - `turn`: what the agent reads between two turns: prompts, policies, skills.
 * - `restart_resume`: what a process gets at its start: command, environment, secrets.
 * - `replace`: where and in what it runs.
 * - `forbidden`: who it is; another identity is another clone.
 */
export const CHANGE_CLASSES = ["hot", "turn", "restart_resume", "replace", "forbidden"] as const;
export type ChangeClass = (typeof CHANGE_CLASSES)[number];

/** What is unknown here restarts: better once too often than an agent that works by an old rule. */
const CLASS_OF: Readonly<Record<string, ChangeClass>> = {
  afterClosure: "hot",
  restart: "hot",
  healthChecks: "hot",
  state: "hot",
  update: "hot",
  pauseGraceMs: "hot",
  approvalRequired: "hot",
  approvalRules: "hot",
  overlays: "turn",
  workspaceDigest: "turn",
  agent: "restart_resume",
  secrets: "restart_resume",
  orphanPolicy: "restart_resume",
  runtime: "replace",
  name: "forbidden",
};
/** Follow from the rest, or say where it came from. */
const NOT_COMPARED = new Set([
  "digest",
  "revision",
  "provenance",
  "workspaceFiles",
  "baseline",
  "parallelCaps",
  "closureDecision",
]);

export interface ChangedField {
  readonly field: string;
  readonly class: ChangeClass;
}

/** The fields that differ, each with its class; in the order of their names. */
export function changedFields(before: DesiredClone, after: DesiredClone): readonly ChangedField[] {
  const fields = new Set([...Object.keys(before), ...Object.keys(after)]);
  const found: ChangedField[] = [];
  for (const field of [...fields].sort()) {
    if (NOT_COMPARED.has(field)) continue;
    const [old, now] = [before[field as keyof DesiredClone], after[field as keyof DesiredClone]];
    if (text(old) === text(now)) continue;
    found.push({ field, class: CLASS_OF[field] ?? "restart_resume" });
  }
  const baseline = baselineClass(before.baseline, after.baseline);
  return baseline === null ? found : [{ field: "baseline", class: baseline }, ...found];
}

/** The most demanding class of all; null where nothing differs. */
export function changeClass(fields: readonly ChangedField[]): ChangeClass | null {
  const rank = Math.max(-1, ...fields.map(({ class: of }) => CHANGE_CLASSES.indexOf(of)));
  return CHANGE_CLASSES[rank] ?? null;
}

/** Another skeleton, or another major version of it, is another agent; the rest of its version is read at the start. */
function baselineClass(
  before: DesiredClone["baseline"],
  after: DesiredClone["baseline"],
): ChangeClass | null {
  if (before.name === after.name && before.version === after.version) return null;
  const major = (version: string): string => version.split(".")[0] ?? version;
  return before.name !== after.name || major(before.version) !== major(after.version)
    ? "replace"
    : "restart_resume";
}

function text(value: unknown): string {
  return value === undefined ? "" : canonicalJson(value);
}
