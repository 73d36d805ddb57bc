/** What an agent is told of its mission, and of what interrupted it. */
import type { MissionEnvelope } from "../../../api/envelope.ts";

/** How a first prompt of an agent comes about. */
export type Beginning =
  /** Nobody has worked on it before. */
  | "new"
  /** An earlier agent has, and what it knew is gone. */
  | "begun"
  /** It has worked on it itself, and knows. */
  | "resumed";

type Told = Pick<
  MissionEnvelope,
  "objective" | "success_criteria" | "constraints" | "artifact_policy" | "mission_type"
>;

/** The whole mission as its contract has it; for one that goes on with its own session, only that it does. */
export function missionPrompt(mission: Told, beginning: Beginning): string {
  if (beginning === "resumed")
    return "You were interrupted in the middle of your mission and go on with it now. What was under way may be half done: look before you repeat it. End your turn when the mission is done.";
  const { objective, success_criteria: criteria } = mission;
  return [
    beginning === "begun"
      ? "An earlier agent began this mission in this workspace and was interrupted. Look at what is there, and go on from it."
      : null,
    section("Objective", [objective.trim()]),
    section(
      "Done means",
      criteria.map(({ text }) => `- ${text}`),
    ),
    section("Outputs", outputsOf(mission)),
    section("Rules", rulesOf(mission)),
    section("How to report", REPORTING),
  ]
    .filter((part) => part !== null)
    .join("\n\n");
}

const REPORTING: readonly string[] = [
  "- Work in this folder. Nobody answers while you work: do not ask whether to go on.",
  "- The MCP server `factory` has tools for you: `submit_artifact` names a file as a result; `claim_action` and `complete_action` go around everything that others can see and that must not happen twice; `request_approval` asks a person; `report_blocked` says that you cannot go on, and what you need.",
  "- Blocked: call `report_blocked`, finish what does not depend on it, and end your turn. You are told when a person has answered.",
  "- Done: end your turn with one sentence on what came of it. To end your turn without `report_blocked` says that the mission is done, and it is judged then.",
];

function outputsOf({ artifact_policy: { required_outputs: outputs } }: Told): readonly string[] {
  return outputs.map(
    ({ path, schema }) => `- ${path}${schema === undefined ? "" : ` (JSON, as ${schema} says)`}`,
  );
}

function rulesOf({ constraints }: Told): readonly string[] {
  const { allowed_tools: allowed, forbidden_tools: forbidden, approval_required: approval } = constraints;
  return [
    ...(allowed.length === 0 ? [] : [`- Tools that you may use: ${allowed.join(", ")}. No others.`]),
    ...(forbidden.length === 0 ? [] : [`- Tools that you must not use: ${forbidden.join(", ")}.`]),
    ...(approval.length === 0
      ? []
      : [
          `- These wait for a person's approval: ${approval.join(", ")}. A tool among them asks by itself when you use it; claim every other action with \`claim_action\` first.`,
        ]),
  ];
}

function section(title: string, lines: readonly string[]): string | null {
  return lines.length === 0 ? null : [`# ${title}`, ...lines].join("\n");
}

/** After a turn that ended upon a refusal. */
export function afterRefusal(what: string, why: string): string {
  return `${what} was refused: ${why}. Go on without it. If the mission cannot be done without it, call \`report_blocked\`. End your turn when the mission is done.`;
}

/** After an error of its provider. */
export const GO_ON = "Your last turn was cut short by an error outside of you. Go on where you were.";

export function personsWords(from: "operator" | "supervisor", text: string): string {
  return from === "operator" ? `A person of your operator says:\n${text}` : `Your supervisor says:\n${text}`;
}
