/**
 * A GitHub of one repository for tests: the state of `emulate` behind a proxy (`proxy.ts`), whose commits are those of a
 * real bare repository. Pushes go to the repository, everything else through the API, as with the real one.
 */
import { createHmac } from "node:crypto";
import { request } from "node:https";
import { createEmulator } from "emulate";
import type { CommitOptions, Files, Origin } from "../git.ts";
import { problemsOf } from "./description.ts";
import { type Fault, openProxy, type Seen } from "./proxy.ts";

export const OWNER = "acme";
export const REPOSITORY = "fleet";
export const BOT = "factory-bot";
/** People with a token each; `acme` owns the repository. */
const PEOPLE = [OWNER, BOT, "ann", "ben", "eve"] as const;
export type Person = (typeof PEOPLE)[number];

export interface StandIn {
  /** Of the API. */
  readonly url: string;
  tokenOf(person: Person): string;
  /** Asks as somebody, with the answer's body; rejects what is not 2xx. */
  ask<T = unknown>(as: Person, method: string, path: string, body?: object): Promise<T>;
  /** Commits on a branch, as a push would, and moves the heads of its pull requests. */
  push(branch: string, files: Files, options?: CommitOptions): Promise<string>;
  /** Answers with the number. The branch must be there. */
  openPull(as: Person, branch: string, title?: string): Promise<number>;
  /** Merges in the repository and on the forge, as its button does. Answers with the commit that came of it. */
  merge(as: Person, number: number, how?: "merge" | "squash"): Promise<string>;
  /** Puts a pull request into the merge queue of the branch, behind `base`, as GitHub does with a branch of its own. Answers with its commit. */
  enqueue(number: number, base: string): Promise<string>;
  /** Answers with the id of the review. */
  review(as: Person, number: number, event: "APPROVE" | "REQUEST_CHANGES", commit?: string): Promise<number>;
  comments(number: number): Promise<readonly Comment[]>;
  checks(commit: string): Promise<readonly Check[]>;
  annotations(check: number): Promise<readonly FoundAnnotation[]>;
  statuses(commit: string): readonly Status[];
  /** Writes on an issue or a pull request; answers with the comment's id. */
  comment(as: Person, number: number, body: string): Promise<number>;
  reactions(comment: number): readonly Reaction[];
  issues(): Promise<readonly Issue[]>;
  /** Every request that came in, oldest first. */
  readonly requests: readonly Seen[];
  forget(): void;
  /** Asked before each request; null lets it pass. */
  setFault(fault: ((seen: Seen) => Fault | null) | null): void;
  /** A token that the forge does not accept any more, or accepts again. */
  revoke(person: Person, revoked?: boolean): void;
  /** Rejects where a request was not as GitHub's official description asks for. */
  close(): Promise<void>;
}

export interface Comment {
  readonly id: number;
  readonly body: string;
  readonly user: { readonly login: string };
}

export interface Check {
  readonly id: number;
  readonly name: string;
  readonly status: string;
  readonly conclusion: string | null;
  readonly output: { readonly title: string; readonly summary: string; readonly annotations_count: number };
}

export interface FoundAnnotation {
  readonly path: string;
  readonly start_line: number;
  readonly annotation_level: string;
  readonly message: string;
}

export interface Status {
  readonly context: string;
  readonly state: string;
  readonly description: string;
}

export interface Reaction {
  readonly content: string;
  readonly login: string;
}

export interface Issue {
  readonly number: number;
  readonly state: string;
  readonly title: string;
  readonly body: string;
  readonly user: { readonly login: string };
  readonly pull_request?: object;
}

export interface StandInOptions {
  /** The repository that the forge serves; its branch is `main`. */
  readonly origin: Origin;
  /** An App besides the tokens, with its installation. */
  readonly app?: { readonly id: number; readonly slug: string; readonly privateKey: string };
}

export async function openStandIn({ origin, app }: StandInOptions): Promise<StandIn> {
  const emulator = await createEmulator({ service: "github", port: 0, seed: seedOf(app) });
  const pulls = new Map<number, string>();
  const merges = new Map<string, number>();
  /** Heads as the repository has them at `refs/pull`. */
  const moved = new Map<number, string>();
  const proxy = await openProxy({
    upstream: emulator.url,
    async heads() {
      const lines = await origin.git(
        "for-each-ref",
        "--format=%(refname:lstrip=2) %(objectname)",
        "refs/heads",
      );
      const heads = new Map(lines.split("\n").map((line) => line.split(" ") as [string, string]));
      // As a forge does after a push, also one past `push`.
      for (const [number, branch] of pulls) await moveHead(number, heads.get(branch));
      return heads;
    },
    opened: (number, branch) => void pulls.set(number, branch),
    pullOf: (commit) => merges.get(commit) ?? null,
    async refsBelow(prefix) {
      const listed = await origin.git(
        "for-each-ref",
        "--format=%(refname) %(objecttype) %(objectname)",
        `refs/${prefix}*`,
      );
      return listed
        .split("\n")
        .filter((line) => line !== "")
        .map((line) => {
          const [ref, type, sha] = line.split(" ");
          return { ref, object: { type, sha } };
        });
    },
    mergeOf: (number) => [...merges].find(([, merged]) => merged === number)?.[0] ?? null,
    commitsOf: async (number) =>
      (await origin.git("log", "--format=%H", `${origin.branch}..refs/pull/${number}/head`)).split("\n"),
    knows: (token) =>
      PEOPLE.some((person) => tokenOf(person) === token) || (app !== undefined && !token.startsWith("t-")),
  });

  async function ask<T>(as: Person, method: string, path: string, body?: object): Promise<T> {
    // Past the proxy's faults and counts, but not past what it adds.
    const answer = await fetch(`${proxy.url}${path}`, {
      method,
      headers: {
        authorization: `token ${tokenOf(as)}`,
        "content-type": "application/json",
        "x-stand-in": "test",
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`);
    return (text === "" ? null : JSON.parse(text)) as T;
  }

  async function moveHeads(branch: string): Promise<void> {
    const commit = await origin.head(branch);
    for (const [number, head] of pulls) if (head === branch) await moveHead(number, commit ?? undefined);
  }

  async function moveHead(number: number, commit: string | undefined): Promise<void> {
    if (commit === undefined || moved.get(number) === commit) return;
    await origin.git("update-ref", `refs/pull/${number}/head`, commit);
    moved.set(number, commit);
  }

  const at = `/repos/${OWNER}/${REPOSITORY}`;
  for (const person of ["ann", "ben", BOT] as const)
    await ask(OWNER, "PUT", `${at}/collaborators/${person}`, { permission: "push" });
  return {
    url: proxy.url,
    tokenOf,
    ask,
    async push(branch, files, options = {}) {
      const commit = await origin.commit(files, { branch, ...options });
      await moveHeads(branch);
      return commit;
    },
    async openPull(as, branch, title = `Change ${branch}`) {
      const { number } = await ask<{ number: number }>(as, "POST", `${at}/pulls`, {
        title,
        head: branch,
        base: origin.branch,
      });
      await moveHeads(branch);
      return number;
    },
    async merge(as, number, how = "merge") {
      await moveHeads(pulls.get(number) ?? "");
      const [base, head] = [await origin.head(), await origin.git("rev-parse", `refs/pull/${number}/head`)];
      if (base === null) throw new Error("there is nothing to merge into");
      const tree = await origin.git("merge-tree", "--write-tree", base, head);
      const parents = how === "merge" ? ["-p", base, "-p", head] : ["-p", base];
      const commit = await origin.git("commit-tree", tree, ...parents, "-m", `Merge pull request ${number}`);
      await ask(as, "PUT", `${at}/pulls/${number}/merge`, { merge_method: how });
      merges.set(commit, number);
      pulls.delete(number);
      await origin.git("update-ref", `refs/heads/${origin.branch}`, commit, base);
      return commit;
    },
    async enqueue(number, base) {
      const head = await origin.git("rev-parse", `refs/pull/${number}/head`);
      const tree = await origin.git("merge-tree", "--write-tree", base, head);
      const message = `Merge pull request #${number}`;
      const commit = await origin.git("commit-tree", tree, "-p", base, "-p", head, "-m", message);
      const ref = `refs/heads/gh-readonly-queue/${origin.branch}/pr-${number}-${base}`;
      await origin.git("update-ref", ref, commit);
      return commit;
    },
    async review(as, number, event, commit) {
      const commit_id = commit ?? (await origin.git("rev-parse", `refs/pull/${number}/head`));
      const path = `${at}/pulls/${number}/reviews`;
      const { id } = await ask<{ id: number }>(as, "POST", path, { event, commit_id, body: "" });
      return id;
    },
    comments: (number) => ask(OWNER, "GET", `${at}/issues/${number}/comments?per_page=100`),
    async checks(commit) {
      const found = await ask<{ check_runs: readonly Check[] }>(
        OWNER,
        "GET",
        `${at}/commits/${commit}/check-runs?filter=all`,
      );
      return found.check_runs;
    },
    async annotations(check) {
      const found = await ask<{ check_annotations?: readonly FoundAnnotation[] }>(
        OWNER,
        "GET",
        `${at}/check-runs/${check}/annotations?per_page=100`,
      );
      return Array.isArray(found) ? found : (found.check_annotations ?? []);
    },
    statuses: (commit) => proxy.statuses(commit),
    async comment(as, number, body) {
      const { id } = await ask<{ id: number }>(as, "POST", `${at}/issues/${number}/comments`, { body });
      return id;
    },
    reactions: (comment) => proxy.reactions(comment),
    async issues() {
      const found = await ask<readonly Issue[]>(OWNER, "GET", `${at}/issues?state=all&per_page=100`);
      return found.filter((issue) => issue.pull_request === undefined);
    },
    requests: proxy.requests,
    forget: proxy.forget,
    setFault: proxy.setFault,
    revoke: (person, revoked = true) => proxy.revoke(tokenOf(person), revoked),
    async close() {
      await proxy.close();
      await emulator.close();
      const problems = [...new Set(proxy.everything().flatMap(problemsOf))];
      if (problems.length > 0) throw new Error(problems.join("\n"));
    },
  };
}

/** As GitHub signs and sends an event, to a server whose certificate nobody has signed. Answers with the status. */
export function deliver(
  url: string,
  event: string,
  payload: object,
  { secret, id }: { readonly secret: string; readonly id: string },
): Promise<number> {
  const body = JSON.stringify(payload);
  const headers = {
    "content-type": "application/json",
    "x-github-event": event,
    "x-github-delivery": id,
    "x-hub-signature-256": `sha256=${createHmac("sha256", secret).update(body).digest("hex")}`,
  };
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: "POST", headers, rejectUnauthorized: false }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode ?? 0));
    });
    sent.on("error", reject);
    sent.end(body);
  });
}

function tokenOf(person: Person): string {
  return `t-${person}`;
}

function seedOf(app: StandInOptions["app"]) {
  return {
    tokens: Object.fromEntries(PEOPLE.map((login) => [tokenOf(login), { login, scopes: ["repo"] }])),
    github: {
      users: PEOPLE.map((login) => ({ login })),
      repos: [{ owner: OWNER, name: REPOSITORY, auto_init: true }],
      ...(app === undefined
        ? {}
        : {
            apps: [
              {
                app_id: app.id,
                slug: app.slug,
                name: app.slug,
                private_key: app.privateKey,
                permissions: { checks: "write", issues: "write", pull_requests: "write", contents: "read" },
                events: [],
                installations: [{ installation_id: 77, account: OWNER, repository_selection: "all" }],
              },
            ],
          }),
    },
  };
}
