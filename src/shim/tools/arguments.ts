/** What an agent says to a tool, looked at before anything is done with it. */
import { TOOLS, type ToolName } from "./definitions.ts";

/** Null when they fit; otherwise one sentence with what was found and what would be right. */
export function problemIn(tool: ToolName, given: Readonly<Record<string, unknown>>): string | null {
  const definition = TOOLS.find(({ name }) => name === tool);
  if (definition === undefined) return `there is no tool ${tool}`;
  const { properties, required } = definition.inputSchema;
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(properties, name)) continue;
    return `${tool} has no argument ${name}; it has ${Object.keys(properties).join(", ")}`;
  }
  for (const name of required) if (given[name] === undefined) return `${tool} needs ${name}`;
  for (const [name, value] of Object.entries(given)) {
    const rule = properties[name] as Rule | undefined;
    const problem = rule === undefined || value === undefined ? null : mismatch(rule, value);
    if (problem !== null) return `${name} of ${tool} ${problem}`;
  }
  return null;
}

interface Rule {
  readonly type?: "string" | "number";
  readonly enum?: readonly string[];
  readonly minimum?: number;
  readonly maximum?: number;
}

function mismatch(rule: Rule, value: unknown): string | null {
  if (rule.type === "string" && (typeof value !== "string" || value === ""))
    return "has to be a text that is not empty";
  if (rule.enum !== undefined && !rule.enum.includes(String(value)))
    return `is ${JSON.stringify(value)}; it has to be ${rule.enum.join(" or ")}`;
  if (rule.type !== "number") return null;
  const { minimum = Number.NEGATIVE_INFINITY, maximum = Number.POSITIVE_INFINITY } = rule;
  const fits = typeof value === "number" && value >= minimum && value <= maximum;
  return fits ? null : `has to be a number from ${minimum} to ${maximum}`;
}
