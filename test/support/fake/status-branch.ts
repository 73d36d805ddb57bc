import { createHash } from "node:crypto";
import { FactoryError } from "../../../src/core/model/error.ts";
import type { PublishResult, StatusBranch, StatusChange } from "../../../src/ports/status-branch.ts";

/**
 * A status branch that lives in memory, with the troubles of a real one on
 * request. It outlives its callers: hand the same one to the next controller.
 */
export interface FakeStatusBranch extends StatusBranch {
  /** What stands at the tip, everybody's files. */
  readonly files: ReadonlyMap<string, string>;
  /** Every commit, oldest first, ours and others'. */
  readonly commits: readonly FakeStatusCommit[];
  /** How many publications were tried, whatever came of them. */
  readonly attempts: number;
  /** Somebody else commits; null removes a file. */
  write(files: Readonly<Record<string, string | null>>): string;
  /** Somebody else commits between the next publication's look and its push, which is then rejected. */
  overtake(files: Readonly<Record<string, string | null>>): void;
  /** Fails every publication from now on: `network` may be tried again, `protected` is for a person; null ends it. */
  refuse(trouble: "network" | "protected" | null): void;
  /** The next `count` publications are carried out, but their answers are lost. */
  loseAnswers(count: number): void;
  /** Somebody deletes the branch. */
  remove(): void;
}

export interface FakeStatusCommit {
  readonly id: string;
  readonly parent: string | null;
  readonly author: "factory-bot" | "somebody";
  readonly subject: string;
  readonly trailers: Readonly<Record<string, string>>;
  readonly files: ReadonlyMap<string, string>;
}

/** A branch that does not exist yet. */
export function createFakeStatusBranch(): FakeStatusBranch {
  const commits: FakeStatusCommit[] = [];
  const overtaking: Readonly<Record<string, string | null>>[] = [];
  let tip: FakeStatusCommit | null = null;
  let trouble: "network" | "protected" | null = null;
  let answersToLose = 0;
  let attempts = 0;

  function add(commit: Omit<FakeStatusCommit, "id" | "parent">): string {
    const parent = tip?.id ?? null;
    const text = JSON.stringify([commits.length, parent, commit.subject, commit.trailers]);
    const id = createHash("sha1").update(text).digest("hex");
    tip = { ...commit, id, parent };
    commits.push(tip);
    return id;
  }

  function write(files: Readonly<Record<string, string | null>>): string {
    const all = new Map(tip?.files);
    for (const [path, content] of Object.entries(files)) {
      if (content === null) all.delete(path);
      else all.set(path, content);
    }
    return add({ author: "somebody", subject: "Write by hand", trailers: {}, files: all });
  }

  function publish(change: StatusChange): PublishResult {
    attempts += 1;
    if (trouble === "network")
      return { type: "failed", retryable: true, message: "the origin cannot be reached" };
    if (change.asOf !== undefined && !standsAsOf(change.asOf))
      return { type: "rejected", message: "somebody else changed what we publish" };
    const files = new Map(tip?.files);
    for (const path of change.removed) files.delete(path);
    for (const [path, content] of change.files) files.set(path, content);
    if (equal(files, tip?.files ?? new Map())) return { type: "unchanged", commit: tip?.id ?? null };
    if (trouble === "protected")
      return { type: "failed", retryable: false, message: "the branch is protected" };
    const others = overtaking.shift();
    if (others !== undefined) {
      write(others);
      return { type: "rejected", message: "stale info: another commit was pushed first" };
    }
    const { subject, trailers } = change;
    const commit = add({ author: "factory-bot", subject, trailers, files });
    if (answersToLose === 0) return { type: "pushed", commit };
    answersToLose -= 1;
    return { type: "failed", retryable: true, message: "the connection ended before the answer" };
  }

  /** Whether our files are those of that commit. */
  function standsAsOf(commit: string | null): boolean {
    const then = commits.find(({ id }) => id === commit)?.files ?? new Map<string, string>();
    return commit === (tip?.id ?? null) || equal(oursIn(then), oursIn(tip?.files ?? new Map()));
  }

  return {
    async read(signal) {
      signal.throwIfAborted();
      if (trouble === "network") {
        throw new FactoryError("status/unreachable", "retry", "the origin cannot be reached");
      }
      return { commit: tip?.id ?? null, files: new Map(tip?.files), tooLarge: [] };
    },
    async publish(change, signal) {
      if (signal.aborted) return { type: "failed", retryable: true, message: "given up before it was done" };
      return publish(change);
    },
    get files() {
      return new Map(tip?.files);
    },
    commits,
    get attempts() {
      return attempts;
    },
    write,
    overtake: (files) => void overtaking.push(files),
    refuse(next) {
      trouble = next;
    },
    loseAnswers(count) {
      answersToLose = count;
    },
    remove() {
      tip = null;
    },
  };
}

function oursIn(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map([...files].filter(([path]) => OURS.test(path)));
}

const OURS = /^(README\.md$|(missions|clones|pages|\.factory)\/)/;

function equal(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([path, content]) => other.get(path) === content);
}
