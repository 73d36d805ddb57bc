import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  type Bench,
  copyFromRepository,
  createBench,
  installSkill,
  readClone,
  readMission,
} from "./support.ts";

interface Report {
  summary: Record<string, number>;
  files: { file: string; sha256: string }[];
  findings: { file: string; line: number; rule: string; exception: string | null }[];
}

const mission = readMission("secret-scan").spec;
const command = readClone(mission.clone).spec.agent?.command ?? [];
const checks = mission.success_criteria.map(({ id, check }) => [id, check?.run ?? []] as const);
const MET = { complete: true, discreet: true, clean: true };
const EXCEPTIONS = "overlays/secret-scan/skills/secret-scan/exceptions.json";

/** Made up, and put together at run time, so that no scanner takes this file for a leak. */
const GITHUB = `gh${"p_"}${"a1B2".repeat(9)}`;
const AWS = `AK${"IA"}QWERTYUIOP234567`;

let bench: Bench;
beforeEach(() => {
  bench = createBench();
  installSkill(bench, "secret-scan");
});
afterEach(() => bench.remove());

function verdicts(): Record<string, boolean> {
  return Object.fromEntries(checks.map(([id, run]) => [id, bench.run(run).code === 0]));
}

/** Scans these files of `src/` alone; the checks see the same. */
function scan(files: Readonly<Record<string, string>>): Report {
  copyFromRepository(bench, ["checks/lib", ...checks.flatMap(([, run]) => run.slice(1)), EXCEPTIONS]);
  bench.write({ "missions/secret-scan.yaml": "spec:\n  inputs:\n    - path: src/\n  budget:\n" });
  for (const [path, text] of Object.entries(files))
    bench.write({ [`src/${path}`]: text, [`inputs/src/${path}`]: text });
  expect(bench.run(command).out).toMatch(/"completed"/);
  return bench.json("reports/secrets.json") as Report;
}

describe("on this repository", () => {
  test("shows life, hands in both reports, and every criterion is met", () => {
    const inputs = mission.inputs.map(({ path }) => path);
    copyFromRepository(bench, inputs);
    copyFromRepository(bench, inputs, "inputs");
    const ran = bench.run(command);
    expect(ran.code).toBe(0);
    expect(ran.lines.filter(({ type }) => type === "progress").length).toBeGreaterThanOrEqual(5);
    expect(ran.lines.at(-1)?.["type"]).toBe("completed");
    for (const [, run] of checks) {
      const { code, out } = bench.run(run);
      expect(code, out).toBe(0);
    }
  });

  test("the health check of the clone passes", () => {
    for (const { run } of readClone(mission.clone).spec.health_checks) expect(bench.run(run).code).toBe(0);
  });
});

describe("findings", () => {
  test("are keys of services, private keys, passwords in addresses and random-looking assignments", () => {
    const random = "k9Xw2Qz7Lm4Rt8Vb";
    const report = scan({
      "a.ts": [
        `const a = "${GITHUB}";`,
        `aws: ${AWS}`,
        `-----BEGIN ${"RSA PRIVATE"} KEY-----`,
        `https://user:${random}@example.org/x`,
        `password = "${random}"`,
        `API_KEY=${random}`,
      ].join("\n"),
    });
    expect(report.findings.map(({ line, rule }) => `${line} ${rule}`)).toEqual([
      "1 github-token",
      "2 aws-access-key",
      "3 private-key",
      "4 password-in-address",
      "5 assigned-value",
      "6 assigned-value",
    ]);
    expect(verdicts()).toEqual({ complete: true, discreet: true, clean: false });
    expect(bench.read("reports/secrets.json") + bench.read("reports/secrets.md")).not.toContain(random);
  });

  test("are not names, placeholders, expressions, digests or patterns", () => {
    const report = scan({
      "a.ts": [
        'token: "$' + '{TOKEN}"',
        "password: <your-password-goes-here>",
        "const token = settings.access.token12.value;",
        "secret = process.env.FACTORY_TOKEN_2026",
        `ghp_${"x".repeat(36)}`,
        `AKIA${"IOSFODNN7"}EXAMPLE`,
        `sha256: ${"0a1b2c3d".repeat(8)}`,
        "/gh[pousr]_[A-Za-z0-9]{36,}/",
        "https://user:$" + "{PASSWORD}@example.org/",
        "token: factory_license-audit_20261123",
      ].join("\n"),
    });
    expect(report.findings).toEqual([]);
    expect(verdicts()).toEqual(MET);
  });

  test("are covered by an exception for exactly as many as were looked at", () => {
    const exceptions = JSON.stringify({
      version: 1,
      exceptions: [{ file: "src/a.ts", rule: "github-token", findings: 1, reason: "revoked in 2025" }],
    });
    bench.write({ ".claude/skills/secret-scan/exceptions.json": exceptions });
    scan({ "a.ts": `${GITHUB}\n` });
    bench.write({ [EXCEPTIONS]: exceptions });
    expect(verdicts()).toEqual(MET);
    const { summary } = scan({ "a.ts": `${GITHUB}\n${GITHUB}\n` });
    bench.write({ [EXCEPTIONS]: exceptions });
    expect(summary).toMatchObject({ findings: 2, covered: 0, open: 2 });
    expect(verdicts()).toEqual({ complete: true, discreet: true, clean: false });
  });

  test("binary files are named as not scanned", () => {
    const report = scan({ "a.ts": "x\n", "b.bin": `\0${GITHUB}` });
    expect(report.summary).toMatchObject({ files: 1, skipped: 1, findings: 0 });
  });
});

describe("the checks catch a report that", () => {
  const lies: readonly [string, (report: Report) => void, string][] = [
    ["leaves a finding out", (r) => void r.findings.pop(), "complete"],
    ["leaves a file out", (r) => void r.files.pop(), "complete"],
    [
      "scanned another version",
      (r) => void Object.assign(r.files[0] ?? {}, { sha256: "0".repeat(64) }),
      "complete",
    ],
    ["repeats a value", (r) => void Object.assign(r.findings[0] ?? {}, { rule: GITHUB }), "discreet"],
    ["makes up an exception", (r) => void Object.assign(r.findings[0] ?? {}, { exception: "fine" }), "clean"],
  ];
  test.each(lies)("%s", (_, change, caughtBy) => {
    const report = scan({ "a.ts": `x ${GITHUB} y\n` });
    change(report);
    bench.write({ "reports/secrets.json": JSON.stringify(report) });
    expect(verdicts()[caughtBy]).toBe(false);
  });
});
