import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { createGitSource } from "../../src/adapters/git/source.ts";
import { createJudge } from "../../src/adapters/judge/judge.ts";
import { systemClock } from "../../src/adapters/system/clock.ts";
import { createWorkspaces } from "../../src/adapters/workspace/workspaces.ts";
import { createTreeParser } from "../../src/documents/read-documents.ts";
import type { Collect } from "../../src/ports/collect.ts";
import type { Snapshot, Source } from "../../src/ports/source.ts";
import { blobsToResolve, type Resolved, resolveFleet } from "../../src/resolve/resolve.ts";
import { createOrigin } from "../support/git.ts";
import { listRepository, ROOT } from "./support.ts";

/**
 * The sample missions from a commit to a verdict, without controller and shim:
 * snapshot, resolve, materialise, run, judge. What fails here would fail in the demo.
 */
const never = new AbortController().signal;
let scratch: string;
let source: Source;
let snapshot: Snapshot;
let resolved: Resolved;

beforeAll(async () => {
  scratch = mkdtempSync(join(tmpdir(), "fleet-run-"));
  const origin = await createOrigin({ directory: scratch });
  const files = listRepository().map((path) => [path, readFileSync(join(ROOT, path))] as const);
  await origin.commit(Object.fromEntries(files));
  source = createGitSource({ url: origin.path, branch: "main", directory: join(scratch, "mirror") });
  const observed = await source.observe(never);
  if (observed.type !== "ok") throw new Error(JSON.stringify(observed));
  snapshot = observed.snapshot;
  const { entries, revision } = snapshot;
  const parser = createTreeParser();
  const ids = [...new Set([...parser.wanted(entries), ...blobsToResolve(entries)])];
  const contents = await snapshot.readBlobs(ids, never);
  const parsed = parser.parse({ entries, contents });
  resolved = resolveFleet({ revision, parsed, entries, contents, repository: "sample" });
});
afterAll(async () => {
  await source.close();
  rmSync(scratch, { recursive: true, force: true });
});

test("the fleet resolves without an issue of any severity", () => {
  expect(resolved.desired.issues).toEqual([]);
  expect([...resolved.desired.broken]).toEqual([]);
});

test.each(["license-audit", "docs-links", "secret-scan"])("%s is accepted", async (name) => {
  const mission = resolved.desired.missions.get(name);
  const clone = resolved.desired.clones.get(mission?.contract.clone ?? "");
  const manifest = resolved.workspaceOf(clone?.name ?? "");
  if (!mission || !clone || !manifest) throw new Error(`${name} does not resolve`);

  const inputs = snapshot.entries.filter(({ path, type }) => {
    if (type !== "file" && type !== "executable") return false;
    return mission.contract.inputs.some((input) =>
      input.path.endsWith("/") ? path.startsWith(input.path) : path === input.path,
    );
  });
  const named = manifest.files.flatMap(({ content }) => ("blob" in content ? [content.blob] : []));
  const blobs = await snapshot.readBlobs([...new Set([...named, ...inputs.map(({ blob }) => blob)])], never);
  const workspaces = createWorkspaces({ driver: "process", directory: join(scratch, "workspaces") });
  const { workspace, digest } = await workspaces.materialise(
    {
      clone: clone.name,
      manifest,
      blobs,
      inputs: new Map(
        inputs.map((entry) => [entry.path, { blob: entry.blob, executable: entry.type === "executable" }]),
      ),
    },
    never,
  );
  expect(digest).toBe(clone.workspaceDigest);

  for (const { run } of [...clone.healthChecks, { run: clone.agent.command }]) {
    const [program, ...args] = run;
    const done = spawnSync(program === "node" ? process.execPath : program, args, {
      cwd: workspace.place,
      encoding: "utf8",
    });
    expect({ status: done.status, stderr: done.stderr }).toEqual({ status: 0, stderr: "" });
  }

  const collect: Collect = (_source, wanted, signal) => workspaces.collect(workspace, wanted, signal);
  const judge = createJudge({ directory: join(scratch, "judge"), source, clock: systemClock(), collect });
  const { revision, contract, missionId } = mission;
  const verdict = await judge.judge(
    { missionId, mission: name, revision, workspace, contract, allowUncontained: false },
    never,
  );
  expect(verdict.outputs.flatMap(({ problems }) => problems)).toEqual([]);
  const unmet = verdict.criteria.filter(({ state }) => state !== "met");
  expect(unmet.map(({ id, check }) => `${id}: ${check?.tail}`)).toEqual([]);
});
