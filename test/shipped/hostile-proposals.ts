/** Proposals by somebody who wants to be run, or to be heard by the runner that reads the log. */
import { join } from "node:path";
import type { Files } from "../support/git.ts";

/** Everything that some tool would run where it stands in a checkout. Each leaves a file `it` in the folder `ran`. */
export function wantsToRun(ran: string): Files {
  const touch = `touch ${join(ran, "it")}`;
  const script = { executable: `#!/bin/sh\n${touch}\n` };
  return {
    "package.json": JSON.stringify({
      name: "x",
      type: "module",
      scripts: Object.fromEntries(
        ["preinstall", "install", "postinstall", "prepare"].map((name) => [name, touch]),
      ),
      packageManager: "yarn@1.0.0",
    }),
    ".npmrc": `script-shell=${join(ran, "..", "workspace", "evil.sh")}\nnode-options=--import=./evil.mjs\n`,
    "evil.sh": script,
    "evil.mjs": `import { writeFileSync } from "node:fs"; writeFileSync(${JSON.stringify(join(ran, "it"))}, "");`,
    "node_modules/.bin/node": script,
    "node_modules/.bin/git": script,
    "node_modules/ua-factory/package.json": '{"name":"ua-factory","main":"evil.mjs"}',
    "src/main.ts": `import "../evil.mjs";`,
    "action.yml": `runs: { using: composite, steps: [{ shell: bash, run: ${JSON.stringify(touch)} }] }\n`,
    ".gitattributes": "* filter=evil diff=evil merge=evil\n",
    ".gitmodules": `[submodule "x"]\n\tpath = x\n\turl = ext::sh -c ${JSON.stringify(touch)}\n\tupdate = !${touch}\n`,
    ".lfsconfig": "[lfs]\n\turl = http://127.0.0.1:1/evil\n",
    ".git-hooks/post-checkout": script,
    ".husky/post-merge": script,
    "hooks/reference-transaction": script,
    ".bashrc": touch,
  };
}

const MISSION = "missions/weekly-links.yaml";
const SAYS = "::error file=fleet.yaml,line=1::injected";

/** Names and texts that end a line, a command or a property, and then begin a command. `files`: of the fleet. */
export function speaksToRunner(files: Readonly<Record<string, string>>): Files {
  const text = files[MISSION] ?? "";
  const broken = text
    .replace("mission_type: research", `mission_type: "x\\n${SAYS}\\r${SAYS} ##[error]injected %0A${SAYS}"`)
    .replace("run: 1", `"${SAYS}": 1\n  run: 1`);
  return {
    [`missions/a\n${SAYS}.yaml`]: broken,
    [`missions/##[error]injected.yaml`]: broken,
    [`missions/b%0A${SAYS.replaceAll("/", "")}.yaml`]: broken,
    "missions/c,line=1,title=injected.yaml": broken,
    [MISSION]: text.replace(
      "Follow every",
      `${SAYS}\n    ##[error]injected\n    ::add-mask::a\n    Follow every`,
    ),
    "fleet.yaml": (files["fleet.yaml"] ?? "").replace("max_cost_usd: 20", `max_cost_usd: "20\\n${SAYS}"`),
  };
}
