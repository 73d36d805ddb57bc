/** Runbook 3.2 to 3.4 and 4.1: what is looked at before an epoch is used up, with real files. */

import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { createSecrets } from "../../../src/adapters/secrets/secrets.ts";
import { createWorkspaces } from "../../../src/adapters/workspace/workspaces.ts";
import type { ApprovalsInForce, ApprovalVerdict } from "../../../src/core/model/approvals.ts";
import type { ConditionType, StartGate } from "../../../src/core/model/condition.ts";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { Driver } from "../../../src/ports/driver.ts";
import { prepare } from "../../../src/reconciler/effects/prepare.ts";
import { createResolvedRevisions } from "../../../src/reconciler/source/resolved-revisions.ts";
import { createFakeSource } from "../../support/fake/index.ts";
import { Life, T0 } from "../../support/fleet.ts";
import { cloneFile, cloneName, fleetFiles, missionFile } from "../../support/fleet-files.ts";

const signal = new AbortController().signal;
const clone = cloneName("audit");
let root: string;
let life: Life;
let revisions: ReturnType<typeof createResolvedRevisions>;
let subjects: DesiredState["subjects"];

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "factory-gates-"));
  const overlay = { base_profile: "ua@1.0.0", safety: { rules: ["Never write outside of the workspace."] } };
  const files = {
    ...fleetFiles({ secrets: { env: ["TEST_KEY"] } }),
    ...cloneFile(clone, {
      command: ["true"],
      overlays: ["careful"],
      secrets: [{ name: "API_KEY", from: { env: "TEST_KEY" } }],
    }),
    ...missionFile("audit", { clone }),
    "overlays/careful/overlay.yaml": JSON.stringify({
      apiVersion: "factory/v1",
      kind: "Overlay",
      metadata: { name: "careful" },
      spec: overlay,
    }),
  };
  const source = createFakeSource();
  source.commit(Object.fromEntries(Object.entries(files).map(([path, text]) => [path, String(text)])));
  const seen = await source.observe(signal);
  if (seen.type === "error") throw new Error(seen.message);
  revisions = createResolvedRevisions({
    source,
    repository: "test",
    clock: { now: () => T0, sleep: async () => {} },
  });
  const desired = await revisions.take(seen.snapshot, signal);
  subjects = desired.subjects;
  const spec = desired.clones.get(clone);
  const mission = desired.missions.get("audit");
  if (spec === undefined || mission === undefined) throw new Error("the fleet has no audit");
  life = new Life(clone).on({ type: "clone.declared", spec }).on({ type: "mission.assigned", mission });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

interface Circumstances {
  readonly env?: Readonly<Record<string, string>>;
  readonly callbackUrl?: string;
  /** Throws. */
  readonly unreachable?: FactoryError;
  readonly workspaces?: string;
  /** Absent: no approvals are asked for. */
  readonly rules?: ApprovalsInForce;
  readonly verdict?: ApprovalVerdict;
  /** Names of secrets that were looked up are added to it. */
  readonly lookedUp?: string[];
}

/** The gates, and what they make of the clone. */
async function looked(seen: Circumstances = {}): Promise<ReadonlyMap<ConditionType, StartGate>> {
  const workspaces = createWorkspaces({
    driver: "process",
    directory: seen.workspaces ?? join(root, "workspaces"),
  });
  const secrets = createSecrets({
    root: join(root, "secrets"),
    env: seen.env ?? { TEST_KEY: "sesame" },
  });
  const gates = await prepare(
    life.state,
    {
      drivers: new Map([["process", { workspaces } as Driver]]),
      secrets: {
        resolve(refs, until) {
          seen.lookedUp?.push(...refs.map(({ name }) => name));
          return secrets.resolve(refs, until);
        },
      },
      revisions,
      approvals: {
        inForce: () => seen.rules ?? null,
        judge: async () => seen.verdict ?? { type: "missing", message: "nobody was asked", at: 0 },
        subjectsAt: async () => subjects ?? null,
      },
      desired: () => null,
      installation: "test",
      callbackUrl() {
        if (seen.unreachable !== undefined) throw seen.unreachable;
        return seen.callbackUrl ?? "unix:/data/controller.sock";
      },
    },
    signal,
  );
  life.planned().on({ type: "prepare.finished", gates });
  return new Map(gates.map((gate) => [gate.type, gate]));
}

const condition = (type: ConditionType) => life.state.conditions.find((one) => one.type === type);

const RULES: ApprovalsInForce = {
  policy: { mode: "forge", rules: [], otherwise: { count: 1, people: [], teams: [] } },
  forge: null,
  revision: "e".repeat(40),
  because: null,
};

describe("before a clone is started", () => {
  test.each([
    ["missing", "ApprovalMissing"],
    ["unknown", "ApprovalUnknown"],
  ] as const)(
    "one whose approval is %s gets no workspace, and none of its secrets is looked up",
    async (type, reason) => {
      const lookedUp: string[] = [];
      const verdict = { type, message: "ben has not approved", at: T0, since: T0 } as ApprovalVerdict;
      const gates = await looked({ rules: RULES, verdict, lookedUp });
      expect([...gates.keys()]).toEqual(["ContractApproved"]);
      expect(condition("ContractApproved")).toMatchObject({
        status: "False",
        reason,
        message: "ben has not approved",
      });
      expect(lookedUp).toEqual([]);
      expect(existsSync(join(root, "workspaces"))).toBe(false);
      expect(life.state).toMatchObject({ phase: "Idle", epoch: 0, holds: [{ kind: "gate", reason }] });
    },
  );

  test("who approved it is on record with the gate", async () => {
    const lookedUp: string[] = [];
    await looked({
      rules: RULES,
      verdict: { type: "approved", message: "approved by ben at pull request 7", at: T0 },
      lookedUp,
    });
    expect(condition("ContractApproved")).toMatchObject({
      status: "True",
      reason: "Approved",
      message: "approved by ben at pull request 7",
    });
    expect(lookedUp).toEqual(["API_KEY"]);
  });

  test("one whose clone was declared otherwise since is not what was approved", async () => {
    const spec = life.state.spec;
    if (spec === null) throw new Error("it was declared");
    life.on({ type: "clone.declared", spec: { ...spec, digest: "sha256:other" } });
    await looked({ rules: RULES, verdict: { type: "approved", message: "approved by ben", at: T0 } });
    expect(condition("ContractApproved")).toMatchObject({ status: "False", reason: "ApprovalMissing" });
  });

  test("baseline and overlay are on disk with the digest that was reviewed, its secrets resolve, its envelope is valid", async () => {
    const gates = await looked();
    const digest = life.state.spec?.workspaceDigest ?? "";
    expect(gates.get("BaselineApplied")?.evidence).toContain(`ua@1.0.0, workspace ${digest}`);
    expect(gates.get("OverlayApplied")?.evidence).toContain(`careful, lock file ${digest}`);
    expect(gates.get("EnvelopeValid")?.evidence).toContain(life.state.mission?.contractHash);
    for (const type of ["BaselineApplied", "OverlayApplied", "SecretsVerified", "EnvelopeValid"] as const)
      expect(condition(type), type).toMatchObject({ status: "True" });
    const instructions = readFileSync(join(root, "workspaces", clone, "AGENTS.md"), "utf8");
    expect(instructions).toContain("Do what the mission says.");
    expect(instructions).toContain("Never write outside of the workspace.");
    expect(JSON.stringify([...gates.values()])).not.toContain("sesame");
    expect(life).toMatchObject({ effects: ["launch"], state: { epoch: 1 } });
  });

  test.each<[what: string, type: ConditionType, reason: string, seen: () => Circumstances]>([
    ["a workspace that cannot be made", "BaselineApplied", "NotApplied", () => ({ workspaces: aFile() })],
    ["an overlay that cannot be applied", "OverlayApplied", "NotApplied", () => ({ workspaces: aFile() })],
    ["another tree than the reviewed one", "BaselineApplied", "DigestDiffers", otherDigest],
    ["a secret that does not resolve", "SecretsVerified", "SecretMissing", () => ({ env: {} })],
    [
      "a payload that breaks its contract",
      "EnvelopeValid",
      "EnvelopeInvalid",
      () => ({ callbackUrl: "none" }),
    ],
    [
      "a driver whose shims could not reach the controller",
      "EnvelopeValid",
      "EnvelopeInvalid",
      () => ({ unreachable: new FactoryError("callback/no-address", "stall", "no port") }),
    ],
  ])("%s holds it at the gate, and no epoch is used up", async (_what, type, reason, seen) => {
    await looked(seen());
    expect(condition(type)).toMatchObject({ status: "False", reason });
    expect(life.state).toMatchObject({ phase: "Idle", epoch: 0, instance: null });
    expect(life.state.holds).toMatchObject([{ kind: "gate", clearBy: "supervisor" }]);
    expect(life.effects).toEqual([]);
  });
});

/** Where a folder should be. */
function aFile(): string {
  const path = join(root, "in-the-way");
  writeFileSync(path, "");
  return path;
}

function otherDigest(): Circumstances {
  const { spec } = life.state;
  if (spec === null) throw new Error("it is not declared");
  life.on({ type: "clone.declared", spec: { ...spec, digest: "sha256:2", workspaceDigest: "sha256:other" } });
  return {};
}
