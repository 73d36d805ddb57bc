/** What every `StatusBranch` promises (`src/ports/status-branch.ts`), whatever it is made of. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import type { StatusBranch, StatusChange } from "../../src/ports/status-branch.ts";

/** A status branch together with its origin. */
export interface StatusBranchUnderTest {
  readonly branch: StatusBranch;
  /** What stands at the tip, everybody's files. */
  files(): Promise<Record<string, string>>;
  /** Commits of the branch, newest first. */
  log(): Promise<readonly string[]>;
  /** Somebody else commits. */
  write(files: Readonly<Record<string, string>>): Promise<string>;
  /** Somebody else commits between our next look and our next push. */
  overtake(files: Readonly<Record<string, string>>): Promise<void>;
  /** The next push is carried out, but its answer is lost. */
  loseAnswer(): Promise<void>;
  /** Publications fail: because of the network, or because the branch is protected. */
  refuse(trouble: "network" | "protected" | null): Promise<void>;
  dispose(): Promise<void>;
}

export interface StatusBranchContract {
  readonly name: string;
  newBranch(): Promise<StatusBranchUnderTest>;
}

const never = new AbortController().signal;

export function statusBranchContract(contract: StatusBranchContract): void {
  describe(`status branch contract: ${contract.name}`, () => {
    let world: StatusBranchUnderTest;
    beforeEach(async () => {
      world = await contract.newBranch();
    });
    afterEach(() => world.dispose());

    const publish = (files: Readonly<Record<string, string>>, removed: readonly string[] = []) =>
      world.branch.publish(change(files, removed), never);

    test("starts, changes, and says nothing when there is nothing to say", async () => {
      expect(await world.branch.read(never)).toEqual({ commit: null, files: new Map(), tooLarge: [] });
      expect(await publish({})).toEqual({ type: "unchanged", commit: null });
      expect(await publish({ "README.md": "1", "missions/a.md": "a" })).toMatchObject({ type: "pushed" });
      const [first] = await world.log();
      expect(await publish({ "README.md": "1" })).toEqual({ type: "unchanged", commit: first });
      const second = await publish({ "README.md": "2" }, ["missions/a.md", "missions/never.md"]);
      expect(await world.log()).toEqual([second.type === "pushed" ? second.commit : "", first]);
      expect(await world.files()).toEqual({ "README.md": "2" });
      const now = await world.branch.read(never);
      expect([now.commit, ...now.files]).toEqual([(await world.log())[0], ["README.md", "2"]]);
    });

    test("what somebody else wrote stays, in our paths ours wins", async () => {
      await publish({ "README.md": "1" });
      const theirs = await world.write({ "README.md": "graffiti", "notes.txt": "mine" });
      expect(await publish({ "README.md": "1" })).toMatchObject({ type: "pushed" });
      expect(await world.files()).toEqual({ "README.md": "1", "notes.txt": "mine" });
      expect((await world.log())[1]).toBe(theirs);
    });

    test("whoever was first makes us derive again", async () => {
      await publish({ "README.md": "1" });
      await world.overtake({ "notes.txt": "mine" });
      expect(await publish({ "README.md": "2" })).toMatchObject({ type: "rejected" });
      expect(await world.files()).toEqual({ "README.md": "1", "notes.txt": "mine" });
      expect(await publish({ "README.md": "2" })).toMatchObject({ type: "pushed" });
      expect(await world.files()).toEqual({ "README.md": "2", "notes.txt": "mine" });
    });

    test("what depends on our files is refused once somebody else changed them", async () => {
      const first = await publish({ "README.md": "1" });
      const asOf = first.type === "pushed" ? first.commit : null;
      await world.write({ "notes.txt": "mine" });
      const beside = await world.branch.publish({ ...change({ "README.md": "2" }), asOf }, never);
      expect(beside).toMatchObject({ type: "pushed" });
      const since = beside.type === "pushed" ? beside.commit : null;
      await world.write({ ".factory/lease.json": "theirs" });
      const late = await world.branch.publish({ ...change({ "README.md": "3" }), asOf: since }, never);
      expect(late).toMatchObject({ type: "rejected" });
      expect((await world.files())["README.md"]).toBe("2");
      const asNothing = await world.branch.publish({ ...change({ "README.md": "3" }), asOf: null }, never);
      expect(asNothing).toMatchObject({ type: "rejected" });
    });

    test("a push whose answer was lost is not done twice", async () => {
      await publish({ "README.md": "1" });
      await world.loseAnswer();
      const lost = await publish({ "README.md": "2" });
      if (lost.type !== "pushed") expect(lost).toMatchObject({ type: "failed", retryable: true });
      const tip = (await world.log())[0];
      expect(await publish({ "README.md": "2" })).toEqual({ type: "unchanged", commit: tip });
      expect(await world.log()).toHaveLength(2);
    });

    test("trouble that passes and trouble for a person", async () => {
      await world.refuse("network");
      expect(await publish({ "README.md": "1" })).toMatchObject({ type: "failed", retryable: true });
      await expect(world.branch.read(never)).rejects.toMatchObject({ code: "status/unreachable" });
      await world.refuse("protected");
      expect(await publish({ "README.md": "1" })).toMatchObject({ type: "failed", retryable: false });
      await world.refuse(null);
      expect(await publish({ "README.md": "1" })).toMatchObject({ type: "pushed" });
    });

    test("a publication that is called off has failed for now", async () => {
      const result = await world.branch.publish(change({ "README.md": "1" }), AbortSignal.abort());
      expect(result).toMatchObject({ type: "failed", retryable: true });
      expect(await publish({ "README.md": "1" })).toMatchObject({ type: "pushed" });
    });
  });
}

function change(files: Readonly<Record<string, string>>, removed: readonly string[] = []): StatusChange {
  return {
    files: new Map(Object.entries(files)),
    removed,
    subject: "Update the status",
    trailers: { "Factory-Events": "1" },
  };
}
