import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bench,
  copyFromRepository,
  createBench,
  installSkill,
  readClone,
  readMission,
} from "./support.ts";

interface Row {
  name: string;
  version: string;
  path: string;
  license: string | null;
  expression: string | null;
  verdict: string;
  reason: string;
  exception: string | null;
  dev: boolean;
}

interface Report {
  summary: Record<string, number>;
  packages: Row[];
}

const mission = readMission("license-audit").spec;
const command = readClone(mission.clone).spec.agent?.command ?? [];
const checks = mission.success_criteria.map(({ id, check }) => [id, check?.run ?? []] as const);
const POLICY = "overlays/license-audit/skills/license-audit/policy.json";

let bench: Bench;
beforeEach(() => {
  bench = createBench();
  installSkill(bench, "license-audit");
  // The workspace's inputs and the clean checkout's files; one folder serves as both.
  copyFromRepository(bench, [...mission.inputs.map(({ path }) => path), "checks", "overlays", "schemas"]);
  copyFromRepository(
    bench,
    mission.inputs.map(({ path }) => path),
    "inputs",
  );
});
afterEach(() => bench.remove());

function report(): Report {
  return bench.json("reports/licenses.json") as Report;
}

function verdicts(): Record<string, boolean> {
  return Object.fromEntries(checks.map(([id, run]) => [id, bench.run(run).code === 0]));
}

/** A lock file with one package per licence statement, audited. */
function audit(
  licenses: Readonly<Record<string, unknown>>,
  more: Readonly<Record<string, unknown>> = {},
): Report {
  const entries = Object.entries(licenses).map(([name, license]) => [
    `node_modules/${name}`,
    { version: "1.0.0", ...(license === undefined ? {} : { license }) },
  ]);
  const lock = JSON.stringify({
    lockfileVersion: 3,
    packages: { "": {}, ...Object.fromEntries(entries), ...more },
  });
  bench.write({ "package-lock.json": lock, "inputs/package-lock.json": lock });
  const ran = bench.run(command);
  expect(ran.out).toMatch(/"completed"/);
  return report();
}

describe("on this repository's lock file", () => {
  test("shows life, hands in both reports, and every criterion is met", () => {
    const ran = bench.run(command);
    expect(ran.code).toBe(0);
    expect(ran.lines.filter(({ type }) => type === "progress").length).toBeGreaterThanOrEqual(4);
    expect(ran.lines.filter(({ type }) => type === "artifact").map(({ path }) => path)).toEqual(
      mission.artifact_policy.required_outputs.map(({ path }) => path),
    );
    expect(ran.lines.at(-1)?.["type"]).toBe("completed");
    expect(verdicts()).toEqual({ complete: true, verdicts: true, readable: true });
    expect(report().summary).toMatchObject({ denied: 0, unknown: 0 });
  });

  test("a repeat gives the same bytes", () => {
    bench.run(command);
    const first = [bench.read("reports/licenses.json"), bench.read("reports/licenses.md")];
    bench.run(command);
    expect([bench.read("reports/licenses.json"), bench.read("reports/licenses.md")]).toEqual(first);
  });

  test("the health check of the clone passes", () => {
    for (const { run } of readClone(mission.clone).spec.health_checks) expect(bench.run(run).code).toBe(0);
  });

  test("without its input it is blocked and says what it needs", () => {
    const ran = bench.run([...command, "--lock", "inputs/none.json"]);
    expect(ran.code).toBe(2);
    expect(ran.lines).toMatchObject([{ type: "blocked", needs: "inputs/none.json" }]);
  });
});

describe("expressions", () => {
  const table: readonly [string, string | null, string][] = [
    ["MIT", "MIT", "allowed"],
    ["mit", "mit", "allowed"],
    ["(MIT OR GPL-3.0-only)", "MIT OR GPL-3.0-only", "allowed"],
    ["MIT AND GPL-3.0-only", "MIT AND GPL-3.0-only", "denied"],
    ["MIT OR Apache-2.0 AND GPL-2.0-only", "MIT OR Apache-2.0 AND GPL-2.0-only", "allowed"],
    ["(MIT OR Apache-2.0) AND GPL-2.0-only", "(MIT OR Apache-2.0) AND GPL-2.0-only", "denied"],
    ["MPL-2.0 OR Foo-1.0", "MPL-2.0 OR Foo-1.0", "review"],
    ["MPL-2.0 AND Foo-1.0", "MPL-2.0 AND Foo-1.0", "unknown"],
    ["Foo-1.0 OR GPL-2.0-only", "Foo-1.0 OR GPL-2.0-only", "unknown"],
    ["GPL-2.0", "GPL-2.0-only", "denied"],
    ["GPL-2.0+", "GPL-2.0-or-later", "denied"],
    ["LGPL-3.0+", "LGPL-3.0-or-later", "review"],
    ["Apache-2.0+", "Apache-2.0+", "allowed"],
    ["Apache-2.0 WITH LLVM-exception", "Apache-2.0 WITH LLVM-exception", "allowed"],
    ["GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only WITH Classpath-exception-2.0", "denied"],
    ["GPL-2.0-with-classpath-exception", "GPL-2.0-only WITH Classpath-exception-2.0", "denied"],
    ["LicenseRef-Own", "LicenseRef-Own", "unknown"],
    ["MIT or ISC", "MIT OR ISC", "allowed"],
    ["SEE LICENSE IN LICENSE.txt", null, "unknown"],
    ["UNLICENSED", null, "denied"],
    ["Public Domain", null, "unknown"],
    ["MIT OR", null, "unknown"],
    ["(MIT", null, "unknown"],
    ["MIT)", null, "unknown"],
    ["OR MIT", null, "unknown"],
    ["MIT WITH", null, "unknown"],
    ["MIT, ISC", null, "unknown"],
    [`${"(".repeat(40)}MIT${")".repeat(40)}`, null, "unknown"],
    ["", null, "unknown"],
  ];

  test("are read with their precedence and deprecated forms; what is not one is unknown", () => {
    const { packages } = audit(Object.fromEntries(table.map(([license], index) => [`p${index}`, license])));
    const found = table.map((_, index) => packages.find(({ name }) => name === `p${index}`));
    expect(found.map((row) => [row?.license ?? "", row?.expression, row?.verdict])).toEqual(table);
    expect(verdicts()).toEqual({ complete: true, verdicts: true, readable: true });
  });

  test("a package that states nothing is unknown; old forms are read as a choice", () => {
    const { packages } = audit({
      nothing: undefined,
      object: { type: "MIT", url: "https://example.com" },
      list: [{ type: "GPL-3.0" }, { type: "MIT" }],
    });
    expect(packages.map(({ name, license, verdict }) => [name, license, verdict])).toEqual([
      ["list", "(GPL-3.0 OR MIT)", "allowed"],
      ["nothing", null, "unknown"],
      ["object", "MIT", "allowed"],
    ]);
    expect(verdicts()).toEqual({ complete: true, verdicts: true, readable: true });
  });
});

describe("packages", () => {
  test("nested copies, scopes, aliases and bundles count; workspaces, links and the project do not", () => {
    const { packages } = audit(
      { a: "MIT", "@s/b": "MIT" },
      {
        "tools/own": { name: "own", version: "1.0.0" },
        "node_modules/own": { resolved: "tools/own", link: true },
        "node_modules/a/node_modules/@s/b": { version: "2.0.0", license: "ISC", inBundle: true },
        "node_modules/alias": { name: "real", version: "3.0.0", license: "MIT" },
        "tools/own/node_modules/c": { version: "4.0.0", license: "MIT", devOptional: true },
      },
    );
    expect(packages.map(({ name, version, path }) => `${name}@${version} ${path}`)).toEqual([
      "@s/b@1.0.0 node_modules/@s/b",
      "@s/b@2.0.0 node_modules/a/node_modules/@s/b",
      "a@1.0.0 node_modules/a",
      "c@4.0.0 tools/own/node_modules/c",
      "real@3.0.0 node_modules/alias",
    ]);
    expect(verdicts()).toEqual({ complete: true, verdicts: true, readable: true });
  });

  test("a lock file of version 1 states no licences: all unknown", () => {
    const dependencies = { a: { version: "1.0.0", dependencies: { b: { version: "2.0.0", dev: true } } } };
    bench.write({ "inputs/package-lock.json": JSON.stringify({ lockfileVersion: 1, dependencies }) });
    bench.run(command);
    expect(report().packages.map(({ path, verdict }) => [path, verdict])).toEqual([
      ["node_modules/a", "unknown"],
      ["node_modules/a/node_modules/b", "unknown"],
    ]);
  });

  test("an exception holds for its package, licence and scope only", () => {
    const of = (dev: boolean, license = "MPL-2.0") => ({ version: "1.0.0", license, dev });
    const { packages } = audit(
      {},
      {
        "node_modules/lightningcss": of(true),
        "node_modules/lightningcss-linux": of(false),
        "node_modules/other": of(true),
        "node_modules/x/node_modules/lightningcss": of(true, "GPL-3.0-only"),
      },
    );
    expect(packages.map(({ path, verdict }) => [path.replaceAll("node_modules/", ""), verdict])).toEqual([
      ["lightningcss", "allowed"],
      ["x/lightningcss", "denied"],
      ["lightningcss-linux", "review"],
      ["other", "review"],
    ]);
    expect(verdicts()).toEqual({ complete: true, verdicts: true, readable: true });
    expect(bench.read("reports/licenses.md")).toMatch(
      /## Needs a decision\n\n- \*\*denied\*\*: `lightningcss@1\.0\.0`/,
    );
  });

  test("names from a registry cannot break the table", () => {
    audit({ "a|b": "MIT | <img src=x>" });
    const rows = bench
      .read("reports/licenses.md")
      .split("\n")
      .filter((line) => line.includes("a\\|b"));
    expect(rows).toEqual(["| a\\|b | 1.0.0 | MIT \\| &#60;img src=x&#62; | shipped | unknown |"]);
    expect(verdicts().readable).toBe(true);
  });
});

describe("the checks catch a report that", () => {
  const cases: readonly [string, (report: Report) => void, string][] = [
    ["leaves a package out", (r) => void r.packages.pop(), "complete"],
    ["lists one twice", (r) => void r.packages.push({ ...(r.packages[0] as Row) }), "complete"],
    [
      "invents one",
      (r) => void r.packages.push({ ...(r.packages[0] as Row), path: "node_modules/ghost" }),
      "complete",
    ],
    [
      "changes a licence",
      (r) => void Object.assign(r.packages[0] as Row, { license: "GPL-3.0" }),
      "complete",
    ],
    ["changes a flag", (r) => void Object.assign(r.packages[0] as Row, { dev: false }), "complete"],
    ["changes a verdict", (r) => void Object.assign(r.packages[0] as Row, { verdict: "denied" }), "verdicts"],
    [
      "makes up an exception",
      (r) => void Object.assign(r.packages[0] as Row, { exception: "because" }),
      "verdicts",
    ],
    ["counts wrongly", (r) => void Object.assign(r.summary, { denied: 1 }), "verdicts"],
  ];

  test.each(cases)("%s", (_, change, caughtBy) => {
    bench.run(command);
    const changed = report();
    change(changed);
    bench.write({ "reports/licenses.json": JSON.stringify(changed) });
    expect(verdicts()[caughtBy]).toBe(false);
  });

  test("was made with another policy or from another lock file", () => {
    bench.run(command);
    bench.write({ [POLICY]: bench.read(POLICY).replace('"MIT",', '"MIT", "WTFPL-2",') });
    expect(verdicts()).toMatchObject({ verdicts: false });
    bench.write({ "package-lock.json": `${bench.read("package-lock.json")}\n` });
    expect(verdicts()).toMatchObject({ complete: false });
  });

  test("hides what needs a decision", () => {
    audit({ a: "GPL-3.0-only" });
    const text = bench.read("reports/licenses.md").replace(/- \*\*denied\*\*.*/, "Nothing.");
    bench.write({ "reports/licenses.md": text });
    expect(verdicts()).toEqual({ complete: true, verdicts: true, readable: false });
  });
});

test("a policy that lacks a list, or an exception without a reason, is refused", () => {
  const policy = JSON.parse(bench.read(POLICY));
  for (const broken of [
    { ...policy, deny: undefined },
    { ...policy, exceptions: [{ package: "a", license: "b" }] },
  ]) {
    bench.write({ "policy.json": JSON.stringify(broken) });
    const ran = bench.run([...command, "--policy", "policy.json"]);
    expect(ran.code).not.toBe(0);
    expect(ran.out).toMatch(/policy: /);
  }
});
