/** A branch in a real repository, a forge in memory, and what a plan makes of both. */
import { join } from "node:path";
import { createCommitSigners } from "../../../src/adapters/git/commit-signers.ts";
import { createProposedMerges } from "../../../src/adapters/git/proposed-merges.ts";
import { systemClock } from "../../../src/adapters/system/clock.ts";
import { createCommitSubjects } from "../../../src/cli/plan/commit-subjects.ts";
import { readCommitTree } from "../../../src/cli/tree/commit-tree.ts";
import { decideFleet } from "../../../src/core/fleet/decide.ts";
import { approvalKey } from "../../../src/core/model/approvals.ts";
import type { CloneState } from "../../../src/core/model/clone-state.ts";
import type { DesiredState } from "../../../src/core/model/desired.ts";
import { type FleetState, INITIAL_FLEET } from "../../../src/core/model/fleet-state.ts";
import { type Plan, plan } from "../../../src/core/plan/plan.ts";
import type { PullReview } from "../../../src/ports/forge.ts";
import { silentLog } from "../../../src/ports/log.ts";
import { type Approvals, createApprovals } from "../../../src/reconciler/approvals/approvals.ts";
import { desiredOf } from "../../../src/reconciler/reviews/fleet-tree.ts";
import { anObserved } from "../../support/fleet.ts";
import {
  cloneFile,
  cloneName,
  fleetFiles,
  type MissionOptions,
  missionFile,
} from "../../support/fleet-files.ts";
import { aPull, createFakeForge, type FakeForge } from "../../support/forge/fake-forge.ts";
import { createOrigin, createScratch, type Files, type Origin } from "../../support/git.ts";
import { until } from "../../support/until.ts";

export const FORGE = {
  type: "github",
  repository: "acme/fleet",
  auth: { token: { from: { env: "FORGE_TOKEN" } } },
};

export interface ApprovalWorld {
  readonly origin: Origin;
  readonly forge: FakeForge;
  /** The list of signers; it is not there yet. */
  readonly allowedSigners: string;
  readonly fleet: () => FleetState;
  /** Opens a pull request by ann, or moves its head; answers with the head. */
  propose(number: number, files: Files, parent?: string): Promise<string>;
  /** `files`: what the merge makes of the tree beyond the proposal. */
  merge(number: number, how?: "merge" | "squash" | "rebase", files?: Files): Promise<string>;
  review(number: number, author: string, change?: Partial<PullReview>): void;
  desired(): Promise<DesiredState>;
  approvals(): Approvals;
  /** What would be done, once the forge was asked about everything that matters. */
  planned(states?: readonly CloneState[]): Promise<Plan>;
  close(): Promise<void>;
}

export function mission(change: Partial<MissionOptions> = {}, name = "audit"): Files {
  return missionFile(name, { clone: cloneName(name), ...change });
}

export function fleet(approvals: object = { mode: "forge" }): Files {
  return fleetFiles({ forge: FORGE, approvals });
}

/** A fleet of two clones, obeyed before anything is proposed. ann, ben, carol and the administrator may write. */
export async function createApprovalWorld(first: Files = {}): Promise<ApprovalWorld> {
  const scratch = await createScratch("factory-approvals");
  const origin = await createOrigin({ directory: scratch.path });
  const forge = createFakeForge();
  for (const login of ["ann", "ben", "carol"]) forge.rights.set(login, "write");
  forge.rights.set("root", "admin");
  forge.rights.set("eve", "read");
  let state = INITIAL_FLEET;
  const clock = systemClock();
  const merges = createProposedMerges({
    url: origin.path,
    branch: "main",
    directory: join(scratch.path, "reviews.git"),
  });
  const allowedSigners = join(scratch.path, "allowed_signers");
  const opened: Approvals[] = [];
  await origin.commit({
    ...fleet(),
    ...cloneFile(cloneName("audit"), { command: ["sleep", "600"] }),
    ...cloneFile(cloneName("other"), { command: ["sleep", "600"] }),
    ...first,
  });

  const desired = async (): Promise<DesiredState> =>
    desiredOf(await readCommitTree(origin.path, "main"), "test");

  function approvals(): Approvals {
    let latest: DesiredState | null = null;
    const made = createApprovals({
      reach: {
        forge: () => forge,
        subjects: createCommitSubjects({ merges, repository: "test" }),
        signers: createCommitSigners({ merges, allowedSigners }),
        branch: "main",
        pollMs: 20,
      },
      recorder: {
        get fleet() {
          return state;
        },
        async writeFleet(make) {
          const [before, at] = [state, clock.now()];
          for (const event of make(before, at)?.events ?? []) state = decideFleet(state, event, at).state;
          return { before, after: state, at };
        },
      },
      desired: () => latest,
      clock,
      log: silentLog,
      onChange() {},
    });
    opened.push(made);
    return {
      ...made,
      async adopt(given) {
        latest = given;
        await made.adopt(given);
      },
    };
  }

  const world: ApprovalWorld = {
    origin,
    forge,
    allowedSigners,
    fleet: () => state,
    desired,
    approvals,
    async propose(number, files, parent) {
      const options = { branch: `topic-${number}`, ...(parent === undefined ? {} : { parent }) };
      const isNew = (await origin.head(options.branch)) === null;
      const base = (await origin.head()) ?? "";
      const head = await origin.commit(
        files,
        isNew && parent === undefined ? { ...options, parent: base } : options,
      );
      const ref = `refs/pull/${number}/head`;
      await origin.git("update-ref", ref, head);
      const made = aPull(number, {
        base: { branch: "main", commit: base },
        head: { branch: options.branch, commit: head, ref },
      });
      forge.pulls.set(number, made);
      return head;
    },
    async merge(number, how = "merge", files = {}) {
      const made = forge.pulls.get(number);
      const base = (await origin.head()) ?? "";
      if (made === undefined) throw new Error(`there is no pull request ${number}`);
      const head = made.head.commit;
      if (how === "rebase") {
        // Its commits one after the other, as the forge makes them anew.
        const commits = (await origin.git("rev-list", "--reverse", `${base}..${head}`)).split("\n");
        for (const commit of commits) {
          const onto = (await origin.head()) ?? "";
          const next = await origin.git("commit-tree", `${commit}^{tree}`, "-p", onto, "-m", "rebased");
          await origin.git("update-ref", "refs/heads/main", next);
          forge.merged.set(next, [number]);
        }
      } else {
        const tree = await origin.git("merge-tree", "--write-tree", base, head);
        const parents = how === "merge" ? ["-p", base, "-p", head] : ["-p", base];
        const merged = await origin.git("commit-tree", tree, ...parents, "-m", `merge ${number}`);
        await origin.git("update-ref", "refs/heads/main", merged);
        if (Object.keys(files).length > 0) {
          const other = await origin.commit(files);
          const changed = await origin.git(
            "commit-tree",
            `${other}^{tree}`,
            ...parents,
            "-m",
            `merge ${number}`,
          );
          await origin.git("update-ref", "refs/heads/main", changed);
        }
        forge.merged.set((await origin.head()) ?? "", [number]);
      }
      const mergeCommit = (await origin.head()) ?? "";
      forge.pulls.set(number, { ...made, state: "merged", mergeCommit });
      return mergeCommit;
    },
    review(number, author, change = {}) {
      const commit = forge.pulls.get(number)?.head.commit ?? "";
      const given = forge.reviewed.get(number) ?? [];
      const one: PullReview = {
        id: String(given.length),
        author,
        state: "approved",
        commit,
        submittedAt: given.length,
        ...change,
      };
      forge.reviewed.set(number, [...given, one]);
    },
    async planned(states = []) {
      const wanted = await desired();
      const asking = approvals();
      await asking.adopt(wanted);
      const once = (): Plan => {
        const seen = asking.observed(wanted);
        const observed = { ...anObserved(states), ...(seen === undefined ? {} : { approvals: seen }) };
        return plan({ desired: wanted, observed, now: clock.now() });
      };
      const { approvalsAsked } = once();
      asking.want(approvalsAsked);
      const heard = (): boolean =>
        approvalsAsked.every((name) =>
          asking.observed(wanted)?.verdicts.has(approvalKey(wanted.subjects?.get(name)) ?? ""),
        );
      await until(heard, "the forge to be asked");
      await asking.adopt(wanted);
      return once();
    },
    async close() {
      for (const one of opened) await one.close();
      await scratch.remove();
    },
  };
  // The rules are in force before anything is proposed.
  await world.planned();
  return world;
}
