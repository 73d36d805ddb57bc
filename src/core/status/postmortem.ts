import { totalUsage } from "../clone/spending/total-usage.ts";
import { actorText } from "../model/actor.ts";
import type { CloneState, MissionState } from "../model/clone-state.ts";
import { POSTMORTEM_SECTIONS, postmortemPath } from "../model/postmortem.ts";
import { iso } from "../model/time.ts";
import { cell, code, duration, page } from "./text.ts";

const HINT: Readonly<Record<(typeof POSTMORTEM_SECTIONS)[number], string>> = {
  "Root cause": "Why it could happen: the chain from the trigger back to what was decided or left open.",
  "What is done about it": "Each change with its owner: a link to the commit, the issue, the new limit.",
  "Proposed guardrail": "A limit, a check or an approval that would have stopped it, as a change of a file.",
};

/**
 * `missions/<name>/postmortem.md` on the status branch: everything that the record knows, and the headings that people
 * have to fill in. Made from the record alone; merged into the fleet repository by people, never by us.
 */
export function postmortemSkeleton(state: CloneState, mission: MissionState): string {
  const path = postmortemPath(mission.missionId);
  const critical = mission.incidents.filter(({ severity }) => severity === "critical");
  const first = critical[0];
  const lines = [
    "---",
    `mission_id: ${mission.missionId}`,
    "author:",
    "reviewed_by:",
    "---",
    "",
    `# Postmortem: ${mission.name}, run ${mission.contract.run}`,
    "",
    `<!-- Fill in the empty sections and both names, and merge this as ${path}. The mission is closed then. -->`,
    "",
    "## What happened",
    "",
    ...critical.map(({ id, at, message }) => `- ${iso(at)} **${id}** ${cell(message)}`),
    "",
    "## Trigger",
    "",
    first === undefined
      ? "Unknown."
      : `${cell(first.message)} Began ${iso(first.startedAt)}, noticed ${iso(first.at)}.`,
    mission.terminal === null
      ? ""
      : `Ended as ${mission.terminal.status} at ${iso(mission.terminal.at)} by ${actorText(mission.terminal.by)}: ${cell(mission.terminal.reason)}`,
    "",
    "## Timeline",
    "",
    ...timeline(state, mission),
    "",
    "## Last actions",
    "",
    ...listOr(
      mission.traces.flatMap(({ lastActions }) =>
        lastActions.map((line) => `- \`${line.replaceAll("`", "'")}\``),
      ),
      "None that the agent told of.",
    ),
    "",
    "## Cost",
    "",
    ...cost(mission),
    "",
    "## Blast radius",
    "",
    ...blastRadius(state, mission),
    "",
    "## Trace",
    "",
    ...listOr(
      mission.traces.map(
        ({ epoch, cause, path: folder, digest, files, missing }) =>
          `- epoch ${epoch} (${cause}): \`${folder}\`, manifest \`${digest}\`, ${files} files${missing.length === 0 ? "" : `; without ${cell(missing.join("; "))}`}`,
      ),
      "No bundle could be kept.",
    ),
    "",
    ...POSTMORTEM_SECTIONS.flatMap((name) => [`## ${name}`, "", `<!-- ${HINT[name]} -->`, ""]),
  ];
  return page(lines);
}

function timeline(state: CloneState, mission: MissionState): readonly string[] {
  const kept = mission.traces.at(-1)?.timeline ?? state.recent.map(({ at, text }) => `${iso(at)} ${text}`);
  return listOr(
    kept.map((line) => `- ${cell(line)}`),
    "Nothing is on record.",
  );
}

function cost(mission: MissionState): readonly string[] {
  const { budget } = mission.limits;
  const used = totalUsage(mission, null);
  const unknown = (value: number | null, text: (known: number) => string): string =>
    value === null ? "unknown" : text(value);
  return [
    `- active ${duration(mission.activeMs)} of ${budget.max_runtime_minutes} min`,
    `- LLM calls ${unknown(used.llmCalls, String)} of ${budget.max_llm_calls ?? "no limit"}`,
    `- cost ${unknown(used.costMicros, (micros) => `$${(micros / 1e6).toFixed(2)}`)} of ${budget.max_cost_usd === null ? "no limit" : `$${budget.max_cost_usd}`} (${mission.trust})`,
  ];
}

function blastRadius(state: CloneState, mission: MissionState): readonly string[] {
  const changed = mission.traces.at(-1)?.changedFiles ?? [];
  return [
    `- clone \`${state.name}\`, epochs up to ${state.epoch}, containment ${mission.proof?.containment ?? "unknown"}${mission.proof?.unproven === undefined ? "" : `; its death is unproven: ${mission.proof.unproven}`}`,
    `- secrets it was given: ${state.spec === null || state.spec.secrets.length === 0 ? "none" : state.spec.secrets.map(({ name }) => name).join(", ")}`,
    `- artifacts it handed in: ${mission.artifacts.length === 0 ? "none" : mission.artifacts.map(({ path }) => code(path)).join(", ")}`,
    `- files of its workspace that it changed: ${changed.length === 0 ? "none that are known" : changed.map(code).join(", ")}`,
  ];
}

function listOr(lines: readonly string[], otherwise: string): readonly string[] {
  return lines.length === 0 ? [otherwise] : lines;
}
