/** What blocks an agent, whether it goes in circles, and what was said to it, as people are shown it. */

import { actorText } from "../model/actor.ts";
import type { CloneState, ClosedMission, MissionState } from "../model/clone-state.ts";
import type { Conduct } from "../model/conduct.ts";
import { gistKey } from "../model/sameness.ts";
import { iso } from "../model/time.ts";
import { cell } from "./text.ts";
import type { ConductView, WhyStep } from "./view.ts";

export const NO_CONDUCT_VIEW: ConductView = { blocked: [], nudges: 0, nudge: null, messages: [] };

export function conductView(mission: Pick<MissionState, "conduct"> & Partial<MissionState>): ConductView {
  const { conduct, blockers = [] } = mission;
  const open = new Set(blockers.map(({ reason }) => gistKey(reason)));
  return {
    blocked: conduct.blocked.map(({ key, reason, needs, times, firstAt, lastAt }) => ({
      reason,
      needs,
      times,
      firstAt,
      lastAt,
      open: open.has(key),
    })),
    nudges: conduct.nudges,
    nudge:
      conduct.nudge === null
        ? null
        : { pattern: conduct.nudge.pattern, evidence: conduct.nudge.evidence, at: conduct.nudge.at },
    messages: conduct.messages.map(({ by, text, at, toldEpoch }) => ({
      by: actorText(by),
      text,
      at,
      toldEpoch,
    })),
  };
}

/** Only what is there to be told: an agent that works without trouble adds nothing. */
export function conductSteps(state: CloneState): readonly WhyStep[] {
  const { mission } = state;
  if (mission === null) return [];
  const view = conductView(mission);
  const asked = state.requests.find(({ kind }) => kind === "blocked");
  const steps: WhyStep[] = view.blocked
    .filter(({ open }) => open)
    .map(({ reason, needs, times, firstAt }) => ({
      step: "5.3",
      name: "Blocked",
      ok: false,
      reason: asked === undefined ? "ReportedBlocked" : "RepeatedlyBlocked",
      evidence: `${reason} (${times} ${times === 1 ? "time" : "times"})${needs === null ? "" : `; needs ${needs}`}`,
      since: firstAt,
      next:
        asked === undefined
          ? `\`factory message ${mission.name} "<text>"\` tells its agent something; a person is asked at report ${mission.limits.blocked.escalate_after} of one reason`
          : `\`factory decide ${asked.id} --go-on --reason "<text>"\` tells its agent something, \`--stop\` ends it`,
    }));
  if (view.nudge !== null && !state.holds.some(({ kind }) => kind === "stuck")) {
    steps.push({
      step: "loop",
      name: "Nudged",
      ok: true,
      reason: "NudgedOnce",
      evidence: view.nudge.evidence,
      since: view.nudge.at,
      next: "nothing; if it goes on like that it is held as stuck",
    });
  }
  for (const { by, text, at } of view.messages.filter(({ toldEpoch }) => toldEpoch === null)) {
    steps.push({
      step: "message",
      name: "NotToldYet",
      ok: null,
      reason: "AgentNotThere",
      evidence: `${by} said: ${text}`,
      since: at,
      next: "nothing; the agent is told as soon as it can be",
    });
  }
  return steps;
}

/** The section of a closure report; empty for a mission that gave no reason for one. */
export function conductReport(closed: ClosedMission): readonly string[] {
  const { conduct } = closed;
  const lines = [...blockerLines(conduct), ...stuckLines(closed), ...messageLines(conduct)];
  return lines.length === 0 ? [] : ["", "## Blockers, loops and messages", "", ...lines];
}

function blockerLines({ blocked }: Conduct): readonly string[] {
  return blocked.map(
    ({ reason, needs, times, firstAt, lastAt }) =>
      `- blocked ${times} × by **${cell(reason)}**${needs === null ? "" : `; needed ${cell(needs)}`}, ${
        times === 1 ? iso(firstAt) : `${iso(firstAt)} to ${iso(lastAt)}`
      }`,
  );
}

function stuckLines({ conduct, incidents }: ClosedMission): readonly string[] {
  if (conduct.nudges === 0) return [];
  const stuck = incidents.filter((incident) => incident.class === "stuck").length;
  const times = `${conduct.nudges} ${conduct.nudges === 1 ? "nudge" : "nudges"}`;
  return [
    `- ${times}${stuck === 0 ? ", which helped" : `; held as stuck ${stuck} ${stuck === 1 ? "time" : "times"}`}`,
  ];
}

function messageLines({ messages }: Conduct): readonly string[] {
  return messages.map(
    ({ by, text, at, toldEpoch }) =>
      `- ${iso(at)} ${cell(actorText(by))} said to the agent: ${cell(text)}${toldEpoch === null ? " (it was never there to hear it)" : ""}`,
  );
}
