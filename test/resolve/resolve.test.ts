import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { formatIssue } from "../../src/documents/issue.ts";
import { parseTree } from "../../src/documents/read-documents.ts";
import { FILE_BYTES_MAX } from "../../src/resolve/files.ts";
import { blobsToResolve, resolveFleet } from "../../src/resolve/resolve.ts";
import { tree } from "../documents/repository.ts";
import {
  BASELINE_FILE,
  CLONE_FILE,
  changed,
  FILES,
  type Files,
  MISSION_FILE,
  OVERLAY_FILE,
  REVISION,
  resolve,
  STRICT_FILE,
  without,
} from "./fleet.ts";

const CLONE = "factory_license-audit_20261123";

function problems(files: Files): string[] {
  return resolve(files).desired.issues.map(
    ({ severity, reason, file, line }) => `${severity} ${reason} ${file}:${line}`,
  );
}

describe("a fleet without problems", () => {
  const { desired } = resolve(FILES);

  it("has every clone and mission, and nothing is broken", () => {
    expect(desired.issues.map(formatIssue)).toEqual([]);
    expect([...desired.clones.keys()]).toEqual([CLONE]);
    expect([...desired.missions.keys()]).toEqual(["license-audit"]);
    expect(desired.broken.size + desired.stops.size).toBe(0);
    expect(desired.confirmDeletion).toBeNull();
  });

  it("fills in the clone from its file, the fleet and the built-in defaults", () => {
    expect(desired.clones.get(CLONE)).toMatchObject({
      name: CLONE,
      revision: REVISION,
      state: "ready",
      baseline: { name: "ua-core", version: "1.0.0" },
      overlays: ["license-audit", "strict"],
      runtime: { driver: "process", isolation: "pidns" },
      agent: { adapter: "command", command: ["node", "agent.js"], env: { LOG: "debug" }, accept: "on_start" },
      restart: {
        intensity: 3,
        periodMs: 300_000,
        backoffMs: 1_000,
        backoffMaxMs: 60_000,
        stableAfterMs: 120_000,
      },
      orphanPolicy: { action: "terminate", afterMs: 3_600_000 },
      afterClosure: "ask",
      approvalRequired: ["external_messaging", "repository_write"],
      workspaceFiles: { fromBaseline: 5, fromOverlays: 4 },
    });
  });

  it("says which line of which file set a value", () => {
    const provenance = desired.clones.get(CLONE)?.provenance ?? {};
    expect(provenance).toMatchObject({
      "agent.command": `${CLONE_FILE}:8`,
      "agent.env.LOG": `${CLONE_FILE}:8`,
      "restart.period": `${CLONE_FILE}:9`,
      "restart.backoff": "default",
      "runtime.isolation": "fleet.yaml:6",
      after_closure: "default",
      "agents.license-auditor": `${OVERLAY_FILE}:6`,
      "agents.coder": `${OVERLAY_FILE}:6`,
      "agents.researcher": `${BASELINE_FILE}:6`,
      "policies.safety": `${BASELINE_FILE}:9`,
      "policies.style": `${OVERLAY_FILE}:8`,
      "limits.max_runtime_minutes": `${OVERLAY_FILE}:9`,
      "limits.max_parallel_missions": `${STRICT_FILE}:6`,
      heartbeat_interval_seconds: `${STRICT_FILE}:7`,
      "approval_required.external_messaging": `${OVERLAY_FILE}:9`,
      "approval_required.repository_write": "fleet.yaml:7",
    });
  });

  it("fills in the mission, the heartbeat from the last overlay that has one", () => {
    const mission = desired.missions.get("license-audit");
    expect(mission?.missionId).toMatch(/^m_[0-9a-f]{24}$/);
    expect(mission?.limits).toEqual({
      state: "active",
      kill_switch: { engaged: false },
      budget: { max_runtime_minutes: 30, max_llm_calls: 2000, max_cost_usd: 20 },
      autonomy_window: null,
      heartbeat_interval_seconds: 5,
      report_cadence: "hybrid",
      mission_progress_interval_seconds: 60,
      blocked: { escalate_after: 3, window_minutes: 1_440 },
    });
    expect(mission?.labels).toEqual({ team: "platform" });
  });

  it("names the blobs that it needs, and no others", () => {
    const { entries } = tree(FILES);
    const paths = new Map(entries.map((entry) => [entry.blob, entry.path]));
    const needed = blobsToResolve(entries).map((blob) => paths.get(blob) ?? "");
    expect(needed.every((path) => path.startsWith("overlays/") && !path.endsWith(".yaml"))).toBe(true);
  });
});

describe("what makes a mission and a clone another one", () => {
  const base = resolve(FILES).desired;
  const mission = base.missions.get("license-audit");
  const clone = base.clones.get(CLONE);

  it("a change of the contract changes the hash, a change of a limit does not", () => {
    const limits = changed(MISSION_FILE, "max_runtime_minutes: 30", "max_runtime_minutes: 20");
    expect(resolve(limits).desired.missions.get("license-audit")?.contractHash).toBe(mission?.contractHash);
    const contract = changed(MISSION_FILE, "List every", "List each");
    expect(resolve(contract).desired.missions.get("license-audit")?.contractHash).not.toBe(
      mission?.contractHash,
    );
  });

  it("the run makes the id, the objective does not", () => {
    const run = resolve(changed(MISSION_FILE, "  budget", "  run: 2\n  budget")).desired.missions.get(
      "license-audit",
    );
    expect(run?.missionId).not.toBe(mission?.missionId);
    const text = resolve(changed(MISSION_FILE, "List every", "List each")).desired.missions.get(
      "license-audit",
    );
    expect(text?.missionId).toBe(mission?.missionId);
  });

  it.each([
    ["a variable", CLONE_FILE, "LOG: debug", "LOG: info", true],
    ["a skill's script", "overlays/license-audit/skills/license-audit/scripts/audit.js", "{}", "{ }", true],
    ["a policy of the baseline", "overlays/ua-core/files/policies/safety.md", "Stop", "Halt", true],
    ["a label", CLONE_FILE, "20261123}", "20261123, labels: {a: b}}", false],
    ["a skill that is not enabled", "overlays/license-audit/skills/unused/SKILL.md", "Do it", "Do", false],
    ["a comment", OVERLAY_FILE, "spec:", "# why\nspec:", false],
  ])("%s", (_name, file, from, to, differs) => {
    const other = resolve(changed(file, from, to)).desired.clones.get(CLONE);
    expect(other?.digest !== clone?.digest).toBe(differs);
  });
});

describe("overlay contract v1 and the caps", () => {
  it.each<[name: string, files: Files, expected: string[], broken: string[]]>([
    [
      "the base profile is missing",
      changed(STRICT_FILE, "ua-core@1.0.0", "ua-base@1.0.0"),
      [`warning DependencyBroken ${CLONE_FILE}:6`, `error BaselineMissing ${STRICT_FILE}:5`],
      [`clone/${CLONE}`],
    ],
    [
      "the base profile has another version",
      changed(STRICT_FILE, "ua-core@1.0.0", "ua-core@1.1.0"),
      [`warning DependencyBroken ${CLONE_FILE}:6`, `error BaselineVersionMismatch ${STRICT_FILE}:5`],
      [`clone/${CLONE}`],
    ],
    [
      "the clone wants another version of the baseline",
      changed(CLONE_FILE, "ua-core@1.0.0", "ua-core@2.0.0"),
      [
        `error BaselineVersionMismatch ${CLONE_FILE}:5`,
        `error BaselineMismatch ${CLONE_FILE}:6`,
        `error BaselineMismatch ${CLONE_FILE}:6`,
      ],
      [`clone/${CLONE}`],
    ],
    [
      "an enabled agent does not resolve",
      changed(OVERLAY_FILE, "enable: [license-auditor]", "enable: [license-auditer]"),
      [`warning DependencyBroken ${CLONE_FILE}:5`, `error AgentMissing ${OVERLAY_FILE}:6`],
      [`clone/${CLONE}`],
    ],
    [
      "a disabled agent does not resolve",
      changed(OVERLAY_FILE, "disable: [coder]", "disable: [codr]"),
      [`warning DependencyBroken ${CLONE_FILE}:5`, `error AgentMissing ${OVERLAY_FILE}:6`],
      [`clone/${CLONE}`],
    ],
    [
      "an enabled skill does not resolve",
      without("overlays/license-audit/skills/license-audit/SKILL.md"),
      [`warning DependencyBroken ${CLONE_FILE}:5`, `error SkillMissing ${OVERLAY_FILE}:7`],
      [`clone/${CLONE}`],
    ],
    [
      "a mandatory policy is removed",
      changed(OVERLAY_FILE, "remove_policies: [style]", "remove_policies: [safety]"),
      [`warning DependencyBroken ${CLONE_FILE}:5`, `error MandatoryPolicyRemoved ${OVERLAY_FILE}:8`],
      [`clone/${CLONE}`],
    ],
    [
      "an unknown policy is removed",
      changed(OVERLAY_FILE, "remove_policies: [style]", "remove_policies: [styles]"),
      [`warning DependencyBroken ${CLONE_FILE}:5`, `error PolicyMissing ${OVERLAY_FILE}:8`],
      [`clone/${CLONE}`],
    ],
    [
      "a prompt is missing",
      without("overlays/license-audit/prompts/identity.md"),
      [`warning DependencyBroken ${CLONE_FILE}:5`, `error PromptMissing ${OVERLAY_FILE}:8`],
      [`clone/${CLONE}`],
    ],
    [
      "an overlay's runtime is beyond the fleet's cap",
      changed(STRICT_FILE, "max_runtime_minutes: 90", "max_runtime_minutes: 121"),
      [`warning DependencyBroken ${CLONE_FILE}:6`, `error BeyondFleetCap ${STRICT_FILE}:6`],
      [`clone/${CLONE}`],
    ],
    [
      "an overlay's parallel missions are beyond the fleet's cap",
      changed(STRICT_FILE, "max_parallel_missions: 1", "max_parallel_missions: 5"),
      [`warning DependencyBroken ${CLONE_FILE}:6`, `error BeyondFleetCap ${STRICT_FILE}:6`],
      [`clone/${CLONE}`],
    ],
    [
      "an overlay is not there",
      changed(CLONE_FILE, "strict", "strikt"),
      [`error OverlayMissing ${CLONE_FILE}:6`, `warning OverlayUnused ${STRICT_FILE}:3`],
      [`clone/${CLONE}`],
    ],
    [
      "a secret that the fleet file does not allow",
      changed(
        CLONE_FILE,
        "  restart:",
        "  secrets: [{name: A, from: {env: FACTORY_GIT_TOKEN}}, {name: B, from: {env: HOME}}]\n  restart:",
      ),
      [`error SecretNotAllowed ${CLONE_FILE}:9`, `error SecretNotAllowed ${CLONE_FILE}:9`],
      [`clone/${CLONE}`],
    ],
    [
      "a secret in an encrypted file without a key, or by a command that is not declared",
      changed(
        CLONE_FILE,
        "  restart:",
        "  secrets: [{name: A, from: {age: a.age}}, {name: B, from: {command: op, ref: x}}]\n  restart:",
      ),
      [`error SecretNotAllowed ${CLONE_FILE}:9`, `error SecretNotAllowed ${CLONE_FILE}:9`],
      [`clone/${CLONE}`],
    ],
    [
      "an overlay is not used",
      changed(CLONE_FILE, ", strict", ""),
      [`warning OverlayUnused ${STRICT_FILE}:3`],
      [],
    ],
    [
      "the baseline is broken",
      changed(BASELINE_FILE, 'version: "1.0.0"', "version: 1"),
      [`warning DependencyBroken ${CLONE_FILE}:5`, `error WrongType ${BASELINE_FILE}:5`],
      [`clone/${CLONE}`],
    ],
    [
      "a file of the baseline is missing",
      without("overlays/ua-core/files/policies/safety.md"),
      [`warning DependencyBroken ${CLONE_FILE}:5`, `error PolicyMissing ${BASELINE_FILE}:9`],
      [`clone/${CLONE}`],
    ],
    [
      "a mission's runtime is beyond the fleet's cap",
      changed(MISSION_FILE, "max_runtime_minutes: 30", "max_runtime_minutes: 130"),
      [`error BeyondFleetCap ${MISSION_FILE}:11`, `error BeyondOverlayLimit ${MISSION_FILE}:11`],
      ["mission/license-audit"],
    ],
    [
      "a mission's runtime is beyond its clone's overlays",
      changed(MISSION_FILE, "max_runtime_minutes: 30", "max_runtime_minutes: 61"),
      [`error BeyondOverlayLimit ${MISSION_FILE}:11`],
      ["mission/license-audit"],
    ],
    [
      "an agent cannot tell what its limits, here the fleet's caps, are about",
      changed(CLONE_FILE, "agent: {", "agent: {usage: none, "),
      [`error LimitUnmetered ${MISSION_FILE}:11`, `error LimitUnmetered ${MISSION_FILE}:11`],
      ["mission/license-audit"],
    ],
    [
      "an agent tells tokens, and nobody what they cost",
      changed(CLONE_FILE, "agent: {", "agent: {usage: tokens, "),
      [`error LimitUnpriced ${MISSION_FILE}:11`],
      ["mission/license-audit"],
    ],
    [
      "a mission's cost and calls are beyond the cap",
      changed(MISSION_FILE, "minutes: 30}", "minutes: 30, max_cost_usd: 21, max_llm_calls: 2001}"),
      [`error BeyondFleetCap ${MISSION_FILE}:11`, `error BeyondFleetCap ${MISSION_FILE}:11`],
      ["mission/license-audit"],
    ],
    [
      "a mission's clone is not there",
      changed(MISSION_FILE, "clone: factory_license-audit", "clone: factory_licence-audit"),
      [`error CloneMissing ${MISSION_FILE}:7`],
      ["mission/license-audit"],
    ],
    [
      "an input is not there",
      without("docs/a.md"),
      [`error InputMissing ${MISSION_FILE}:10`],
      ["mission/license-audit"],
    ],
    [
      "an input is a link",
      { ...FILES, "package-lock.json": { link: "/etc/passwd" } },
      [`error SymlinkRefused ${MISSION_FILE}:10`],
      ["mission/license-audit"],
    ],
    [
      "a file among the inputs is too large",
      { ...FILES, "docs/b.bin": Buffer.alloc(FILE_BYTES_MAX + 1) },
      [`error InputTooLarge ${MISSION_FILE}:10`],
      ["mission/license-audit"],
    ],
    [
      "an output's schema is not there",
      without("schemas/artifacts/a.schema.json"),
      [`error SchemaMissing ${MISSION_FILE}:12`],
      ["mission/license-audit"],
    ],
    [
      "a mission's clone is retired",
      changed(CLONE_FILE, "  restart", "  state: retired\n  restart"),
      [`warning CloneRetired ${MISSION_FILE}:7`],
      [],
    ],
    [
      "two missions share a clone",
      {
        ...FILES,
        "missions/second.yaml": String(FILES[MISSION_FILE]).replace("name: license-audit", "name: second"),
      },
      ["warning CloneShared missions/second.yaml:7"],
      [],
    ],
  ])("%s", (_name, files, expected, broken) => {
    expect(problems(files).sort()).toEqual([...expected].sort());
    expect([...resolve(files).desired.broken].sort()).toEqual(broken);
  });

  it("a name in another spelling is suggested", () => {
    const { issues } = resolve(changed(MISSION_FILE, "factory_license", "factory_licence")).desired;
    expect(issues[0]?.expected).toBe(`did you mean ${CLONE}?`);
  });
});

describe("broken is not deleted", () => {
  it("a broken clone leaves its mission as it is, so that limits and stops still apply", () => {
    const files = changed(
      CLONE_FILE,
      "baseline:",
      "basline:",
      changed(MISSION_FILE, "  budget", "  state: paused\n  budget"),
    );
    const { desired } = resolve(files);
    expect([...desired.broken]).toEqual([`clone/${CLONE}`]);
    expect(desired.missions.get("license-audit")?.limits.state).toBe("paused");
  });

  it("a mission beyond its caps still says that it is to stop", () => {
    const files = changed(MISSION_FILE, "minutes: 30}", "minutes: 500}\n  kill_switch: {engaged: true}");
    const { desired } = resolve(files);
    expect(desired.missions.size).toBe(0);
    expect(desired.stops.get("license-audit")).toEqual({ state: "active", killSwitch: true });
  });

  it("a mission that cannot be parsed still says that it is to stop", () => {
    const { desired } = resolve(changed(MISSION_FILE, "  budget", "  state: cancelled\n  budgets"));
    expect([...desired.broken]).toEqual(["mission/license-audit"]);
    expect(desired.stops.get("license-audit")).toEqual({ state: "cancelled", killSwitch: false });
  });

  it.each([
    ["broken", changed("fleet.yaml", "caps:", "cabs:")],
    ["missing", without("fleet.yaml")],
  ])("a %s fleet.yaml leaves nothing to start, and nothing deleted", (_name, files) => {
    const { desired } = resolve(files);
    expect(desired.clones.size + desired.missions.size).toBe(0);
    // Nobody knows what it allows: what it says otherwise is no fault of a clone.
    expect(desired.issues.filter(({ file }) => file.startsWith("clones/"))).toEqual([]);
    expect([...desired.broken].sort()).toEqual([`clone/${CLONE}`, "fleet", "mission/license-audit"]);
  });

  it("the last good fleet.yaml holds while the present one is broken", () => {
    const lastFleet = resolve(FILES).desired.fleet;
    const { desired } = resolve(changed("fleet.yaml", "caps:", "cabs:"), { lastFleet });
    expect([...desired.broken]).toEqual(["fleet"]);
    expect(desired.fleet).toBe(lastFleet);
    expect(desired.clones.size).toBe(1);
  });

  it.each([
    ["with the last good one", true],
    ["alone", false],
  ])("a broken fleet.yaml still engages the kill switch, %s", (_name, known) => {
    const lastFleet = resolve(
      changed("fleet.yaml", "  caps:", "  kill_switch: {missions: [nightly]}\n  caps:"),
    ).desired.fleet;
    const broken =
      "  kill_switch: {engaged: true, labels: {team: platform, size: 3}, missions: [audit, 7]}\n";
    const { desired } = resolve(
      changed("fleet.yaml", "  caps:", `${broken}  cabs:`),
      known ? { lastFleet } : {},
    );
    expect(desired.broken.has("fleet")).toBe(true);
    expect(desired.fleet.killSwitch).toEqual({
      engaged: true,
      labels: { team: "platform" },
      missions: [...(known ? ["nightly"] : []), "audit"],
    });
  });

  it("an empty tree has no issue", () => {
    expect(resolve({}).desired.issues).toEqual([]);
  });
});

describe("the same inputs give the same answer", () => {
  it("whatever the order of the entries", () => {
    const { entries, contents } = tree(FILES);
    const answer = (order: typeof entries) => {
      const parsed = parseTree({ entries: order, contents });
      const { desired, workspaceOf } = resolveFleet({
        revision: REVISION,
        parsed,
        entries: order,
        contents,
        repository: "r",
      });
      return { desired, lock: workspaceOf(CLONE)?.lock };
    };
    const expected = answer(entries);
    fc.assert(
      fc.property(fc.shuffledSubarray(entries, { minLength: entries.length }), (order) => {
        expect(answer(order)).toEqual(expected);
      }),
      { numRuns: 10 },
    );
  });

  it("of this repository's own sample, which has no error", () => {
    const root = fileURLToPath(new URL("../../", import.meta.url));
    const files: Record<string, Uint8Array> = {};
    for (const folder of ["missions", "clones", "overlays", "schemas/policy"]) {
      for (const entry of readdirSync(`${root}${folder}`, { withFileTypes: true, recursive: true })) {
        const path = `${entry.parentPath}/${entry.name}`;
        if (entry.isFile()) files[path.slice(root.length)] = readFileSync(path);
      }
    }
    files["fleet.yaml"] = readFileSync(`${root}fleet.yaml`);
    const own = tree(files);
    const parsed = parseTree(own);
    const { desired } = resolveFleet({ revision: REVISION, parsed, ...own, repository: "r" });
    // Only what lies outside of these folders may be missing here.
    const outside = new Set(["InputMissing", "SchemaMissing"]);
    expect(desired.issues.filter((issue) => !outside.has(issue.reason)).map(formatIssue)).toEqual([]);
    expect([...desired.clones.keys()].length).toBe(parsed.clones.size);
  });
});
