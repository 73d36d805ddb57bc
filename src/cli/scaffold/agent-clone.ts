import { stringify } from "yaml";
import { AGENT_RECIPES, type AgentName, agentFields } from "./agents.ts";

const WIDTH = 110;
/** Some unpack themselves at their first start. */
const VERSION_SECONDS = 60;

/** A clone in which a real agent works: it validates as it is, and works once the controller finds the provider's key. */
export function agentCloneYaml(clone: {
  readonly name: string;
  readonly team: string;
  readonly baseline: string;
  readonly overlay: string | null;
  readonly agent: AgentName;
}): string {
  const { name, team, baseline, overlay } = clone;
  const recipe = AGENT_RECIPES[clone.agent];
  const { agent, secrets } = agentFields(recipe, { variable: recipe.key });
  const check = { name: "installed", run: [recipe.program, "--version"], timeout_seconds: VERSION_SECONDS };
  return `# yaml-language-server: $schema=../schemas/clone.schema.json
# ${recipe.package}, as it was tried: docs/agents.md of the program says what it does and cannot do.
apiVersion: factory/v1
kind: Clone
metadata:
  name: ${name}
  labels: { team: ${team} }
spec:
  baseline: ${baseline}
  overlays: [${overlay ?? ""}]
  runtime: { driver: process, isolation: pidns } # the least containment that is accepted: it stands in the place of the agent's own questions
${indented({ agent })}  # A variable of the controller that \`secrets.env\` of fleet.yaml allows. The agent never sees its value.
${indented({ secrets })}${indented({ health_checks: [check] })}  restart: { intensity: 3, period: 10m }
  orphan_policy: { action: terminate, after: 1h }
  after_closure: ask # ask | retire | standby | template
`;
}

function indented(fields: object): string {
  return stringify(fields, { lineWidth: WIDTH })
    .split("\n")
    .map((line) => (line === "" ? "" : `  ${line}`))
    .join("\n");
}
