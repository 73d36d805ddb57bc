/**
 * `npm run e2e:agents [-- --only claude-code,codex]`: installs the agents of the recipes at their versions, and has each of
 * them work as a clone. Needs the package registry once, and about 2 GB; no account and no model.
 */
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { AGENT_NAMES } from "../../src/cli/scaffold/agents.ts";
import { startProgram } from "../../src/instance/start-program.ts";

const VITEST = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const { values } = parseArgs({ options: { only: { type: "string" } } });
const unknown =
  values.only?.split(",").filter((name) => !(AGENT_NAMES as readonly string[]).includes(name)) ?? [];
if (unknown.length > 0) {
  process.stderr.write(`there is no recipe for ${unknown.join(", ")}; there are ${AGENT_NAMES.join(", ")}\n`);
  process.exit(2);
}
const { child, failure } = startProgram(process.execPath, [VITEST, "run", "--project", "agents"], {
  stdio: "inherit",
  env: { ...process.env, ...(values.only === undefined ? {} : { FACTORY_AGENTS_ONLY: values.only }) },
});
void failure?.then(({ message }) => {
  process.stderr.write(`${message}\n`);
  process.exit(1);
});
child?.on("exit", (code) => process.exit(code ?? 1));
