/** What an agent hands in, against whoever judges and keeps it. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { isOfClone } from "../../../src/core/record/chain.ts";
import { eventually } from "../../e2e/world.ts";
import { cloneName, pairFiles } from "../../support/fleet-files.ts";
import type { Files } from "../../support/git.ts";
import { type Attack, broken, type Finding, held, unproven } from "../attack.ts";
import type { Field } from "../field.ts";
import { type Fleet, marked } from "../fleet.ts";
import { type Step, stepping } from "../steps.ts";

const CHECKS: Files = {
  "package.json": '{"type":"module","scripts":{"test":"node checks/refuses.js"}}\n',
  "checks/imports.js": 'await import("../work/result.js");\n',
  "checks/refuses.js": 'import { verdict } from "./lib/verdict.js";\nprocess.exitCode = verdict();\n',
  "checks/lib/verdict.js": "export const verdict = () => 1;\n",
};

/** The agent's code, which a check imports: it tries to get at what it must not have, and says what it got. */
const IMPORTED = `
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { spawn } from "node:child_process";
import { connect } from "node:net";
const got = [];
const attempt = async (name, act) => { try { await act(); got.push(name); } catch {} };
const reach = (to) => new Promise((yes, no) => connect(to).once("connect", yes).once("error", no));
const [data, port, mark] = PLACES;
// Of that there is the one folder in which it stands itself.
await attempt("data directory", () => { if (readdirSync(data).every((name) => name === "judged")) throw 0; });
await attempt("operator's token", () => readFileSync(data + "/operator.token"));
await attempt("the API", () => reach(data + "/controller.sock"));
await attempt("a port", () => reach({ host: "127.0.0.1", port }));
await attempt("the checkout", () => writeFileSync("checks/refuses.js", ""));
spawn("setsid", ["sh", "-c", "while :; do sleep 1; done", mark], { detached: true, stdio: "ignore", env: {} }).unref();
await new Promise((resolve) => setTimeout(resolve, 300));
console.log("got " + JSON.stringify(got));
process.exit(0);
`;

export const judgedAttacks: readonly Attack[] = [
  {
    name: "a-check-imports-its-output",
    item: "9",
    how: "a check imports the output; it lists the data directory, reads the token, asks the API, leaves a process, exits 0",
    success: "it gets one of them, or the process lives",
    holds: "a check is shut in like a clone: no record, no network, checkout read-only, a PID namespace",
    async play(field) {
      const fleet = await courtOf(field);
      const mark = field.mark();
      const places = [fleet.dataDir, Number(field.servers.port.slice("port:".length)), mark];
      const code = IMPORTED.replace("PLACES", JSON.stringify(places));
      await fleet.commit(
        judgedBy(
          "imports",
          ["node", "checks/imports.js"],
          [["keep", "work/result.js", code]],
          ["work/result.js"],
        ),
      );
      const verdict = await verdictOn(fleet, "imports");
      const [first] = verdict.criteria;
      if (first?.check == null) return unproven("not run", String(first?.unproven));
      const left = marked(mark).length;
      const got = JSON.parse(/^got (.*)$/m.exec(first.check.tail)?.[1] ?? '["no answer"]') as string[];
      if (left > 0) got.push("lives on");
      const hold = first.check.hold;
      return got.length > 0
        ? broken(got.join(", "), `the verdict: ${first.state}`)
        : held("nothing", `verdict: shut in (${hold?.kind}), death ${hold?.death}`);
    },
  },
  refusedAtValidation({
    name: "its-own-test-script",
    how: "`npm test` judges, and a required output is `package.json`",
    run: ["npm", "test", "--silent"],
    outputs: ["package.json"],
    reason: "OutputShadows",
  }),
  refusedAtValidation({
    name: "replaces-what-a-check-imports",
    how: "a required output lies at `checks/lib/verdict.js`",
    run: ["node", "checks/refuses.js"],
    outputs: ["checks/lib/verdict.js"],
    reason: "OutputShadows",
  }),
  refusedAtValidation({
    name: "spellings-that-fold",
    how: "a required output lies at `.GIT/config` and another at `.FACTORY/mission.json`",
    run: ["true"],
    outputs: [".GIT/config", ".FACTORY/mission.json"],
    reason: "OutputMisspelt",
  }),
  {
    name: "outputs-that-lead-elsewhere",
    item: "kept",
    how: "an output is a link to the operator's token, its folder a link to the data directory; artifacts are named `../../…`",
    success: "what lies elsewhere is kept, published or shown",
    holds: "collecting follows no link and leaves no workspace",
    async play(field) {
      const fleet = await courtOf(field);
      const token = join(fleet.dataDir, "operator.token");
      const steps: Step[] = [
        ["run", "mkdir", "-p", "out"],
        ["run", "ln", "-s", token, "out/token.txt"],
        ["run", "ln", "-s", fleet.dataDir, "data"],
        ["run", "ln", token, "out/hard.txt"],
        ["say", JSON.stringify({ type: "artifact", path: "../../../operator.token" })],
        ["say", JSON.stringify({ type: "artifact", path: token })],
      ];
      const outputs = ["out/token.txt", "data/operator.token"];
      await fleet.commit(judgedBy("elsewhere", ["true"], steps, outputs));
      const verdict = await verdictOn(fleet, "elsewhere");
      const secret = readFileSync(token, "utf8").trim();
      const kept = filesBelow(join(fleet.dataDir, "judged")).filter((file) =>
        readFileSync(file, "latin1").includes(secret),
      );
      const shown = await fleet.factory("outputs", "elsewhere");
      if (kept.length > 0 || shown.stdout.includes(secret)) return broken("the token", kept.join(", "));
      const problems = verdict.outputs.flatMap(({ problems: all }) => all);
      return problems.length >= outputs.length
        ? held("not kept", problems[0] ?? "")
        : broken("taken", JSON.stringify(verdict.outputs).slice(0, 300));
    },
  },
];

function refusedAtValidation(options: {
  readonly name: string;
  readonly how: string;
  readonly run: readonly string[];
  readonly outputs: readonly string[];
  readonly reason: string;
}): Attack {
  const { name, how, run, outputs, reason } = options;
  return {
    name,
    item: "9",
    how,
    success: "the mission is started, and the agent says itself whether it is accepted",
    holds: "validation refuses it, unless the contract says `replaces: true`",
    async play(field): Promise<Finding> {
      const fleet = await courtOf(field);
      await fleet.commit(judgedBy(name, run, [["keep", "x", ""]], outputs));
      const { issues } = await eventually(
        () => fleet.controller.client.call("fleet"),
        (view) =>
          view.issues.filter((issue) => issue.file === `missions/${name}.yaml` && issue.severity === "error")
            .length > 0 || existsSync(fleet.workspace(name)),
        () => `${name} to be refused`,
      );
      const found = issues.find((issue) => issue.file === `missions/${name}.yaml` && issue.reason === reason);
      return found === undefined
        ? broken("taken", JSON.stringify(issues).slice(0, 300))
        : held("refused", `\`${reason}\` at line ${found.line}`);
    },
  };
}

/** One fleet with checks, for all of them. */
async function courtOf(field: Field): Promise<Fleet> {
  const fleet = await field.own("court");
  if ((await fleet.origin.git("ls-tree", "main", "checks/")) === "") await fleet.commit(CHECKS);
  return fleet;
}

/** A mission whose agent takes these steps and completes, with one check. */
function judgedBy(
  name: string,
  run: readonly string[],
  steps: readonly Step[],
  outputs: readonly string[],
): Files {
  const done: Step = ["say", '{"type":"completed","summary":"done"}'];
  const files = pairFiles(name, { command: stepping([...steps, done, ["exit", "0"]]) }, { outputs });
  const path = `missions/${name}.yaml`;
  const mission = parse(String(files[path])) as { spec: Record<string, unknown> };
  mission.spec["success_criteria"] = [
    { id: "judged", text: "it is as it should be", check: { run, timeout_seconds: 30 } },
  ];
  return { ...files, [path]: stringify(mission) };
}

async function verdictOn(fleet: Fleet, mission: string) {
  const asked = { clone: cloneName(mission), last: 100, limit: 100 };
  return eventually(
    async () => {
      const { events } = await fleet.controller.client.call("events", asked);
      return (
        events
          .filter(isOfClone)
          .flatMap(({ event }) => (event.type === "judge.finished" ? [event.verdict] : []))[0] ?? null
      );
    },
    () => true,
    () => `a verdict on ${mission}\n${fleet.controller.log().slice(-2_000)}`,
  );
}

function filesBelow(folder: string): readonly string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true }).flatMap((entry) =>
    entry.isFile() ? [join(entry.parentPath, entry.name)] : [],
  );
}
