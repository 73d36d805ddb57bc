/**
 * What `emulate` lacks of GitHub, played in front of it: commits that are real, checks by commit, annotations that add up,
 * commit statuses, marks for conditional requests, rate limits, tokens that are refused; and faults.
 */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Reaction, Status } from "./stand-in.ts";
import { createTalk } from "./talk.ts";

export interface Seen {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage["headers"];
  readonly body: string;
  /** What was answered; 0 while it was not. */
  status: number;
  /** When it came in, in milliseconds of a steady clock. */
  readonly at: number;
  /** Under way when it came in, itself included. */
  readonly together: number;
}

export type Fault =
  | {
      readonly type: "status";
      readonly status: number;
      readonly headers?: Readonly<Record<string, string>>;
      readonly message?: string;
    }
  /** Never answers. */
  | { readonly type: "hang" }
  | { readonly type: "reset" }
  /** Does the work, then ends the connection before a byte of the answer is sent. */
  | { readonly type: "lose-answer" };

export interface Proxy {
  readonly url: string;
  readonly requests: readonly Seen[];
  forget(): void;
  /** Those that were forgotten, too. */
  everything(): readonly Seen[];
  setFault(fault: ((seen: Seen) => Fault | null) | null): void;
  revoke(token: string, revoked: boolean): void;
  statuses(commit: string): readonly Status[];
  reactions(comment: number): readonly Reaction[];
  close(): Promise<void>;
}

interface ProxyOptions {
  readonly upstream: string;
  /** Commits of the real repository by branch. */
  readonly heads: () => Promise<ReadonlyMap<string, string>>;
  /** A pull request was opened from a branch. */
  readonly opened: (number: number, branch: string) => void;
  /** The pull request that was merged as a commit; null: it was pushed. */
  readonly pullOf: (commit: string) => number | null;
  /** The commit that a pull request was merged as; null: it was not. */
  readonly mergeOf: (number: number) => string | null;
  /** Refs of the real repository that begin so, without `refs/`. */
  readonly refsBelow: (prefix: string) => Promise<readonly Json[]>;
  /** Commits of a pull request that is not merged, in the real repository. */
  readonly commitsOf: (number: number) => Promise<readonly string[]>;
  readonly knows: (token: string) => boolean;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
}

export type Json = Readonly<Record<string, unknown>>;

const PER_PAGE = 100;

export async function openProxy(options: ProxyOptions): Promise<Proxy> {
  const requests: Seen[] = [];
  const everything: Seen[] = [];
  const revoked = new Set<string>();
  const checks = new Map<string, number[]>();
  const statuses = new Map<string, (Status & Json)[]>();
  const talk = createTalk(async (path, seen) => {
    const url = new URL(path, options.upstream);
    return JSON.parse((await forward({ ...seen, method: "GET" }, url, "")).body) as Json[];
  });
  let fault: (seen: Seen) => Fault | null = () => null;
  let statusId = 0;
  let underWay = 0;

  const server = createServer((request, response) => {
    response.on("error", () => {});
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? "/", "http://forge");
    const seen: Seen = {
      method: request.method ?? "GET",
      path: decodeURIComponent(url.pathname),
      query: url.searchParams,
      headers: request.headers,
      body: await textOf(request),
      status: 0,
      at: performance.now(),
      together: underWay + 1,
    };
    const ofTest = request.headers["x-stand-in"] !== undefined;
    if (!ofTest) {
      requests.push(seen);
      everything.push(seen);
      underWay += 1;
      response.once("close", () => {
        underWay -= 1;
      });
    }
    const found = ofTest ? null : fault(seen);
    if (found?.type === "hang") return;
    if (found?.type === "reset") return void response.destroy();
    const answer =
      found?.type === "status"
        ? json(found.status, { message: found.message ?? "a fault of the test" }, found.headers)
        : await answerTo(seen, url);
    if (found?.type === "lose-answer") return void response.destroy();
    seen.status = answer.status;
    response.writeHead(answer.status, {
      "content-type": "application/json; charset=utf-8",
      ...answer.headers,
    });
    response.end(answer.status === 304 ? undefined : answer.body);
  }

  async function answerTo(seen: Seen, url: URL): Promise<Answer> {
    const token = /^(?:token|bearer) (.+)$/i.exec(seen.headers.authorization ?? "")?.[1] ?? "";
    if (revoked.has(token) || !options.knows(token)) return json(401, { message: "Bad credentials" });
    const answer = await played(seen, url);
    if (seen.method !== "GET" || answer.status !== 200) return limited(answer);
    const etag = `"${createHash("sha1").update(answer.body).digest("hex")}"`;
    const same = seen.headers["if-none-match"] === etag;
    return limited({ ...answer, status: same ? 304 : 200, headers: { ...answer.headers, etag } });
  }

  async function played(seen: Seen, url: URL): Promise<Answer> {
    const { method, path } = seen;
    const [, ofCommit, what] = /\/commits\/([0-9a-f]{40})\/(check-runs|statuses)$/.exec(path) ?? [];
    if (method === "GET" && ofCommit !== undefined) {
      if (what === "statuses") return json(200, statuses.get(ofCommit) ?? []);
      return await checksOf(ofCommit, seen);
    }
    const [, at = "", merged] = /^(.*)\/commits\/([0-9a-f]{40})\/pulls$/.exec(path) ?? [];
    if (method === "GET" && merged !== undefined) return pullsOfCommit({ at, commit: merged }, seen);
    const [, inRepository = "", ofPull] = /^(.*)\/pulls\/(\d+)\/commits$/.exec(path) ?? [];
    if (method === "GET" && ofPull !== undefined)
      return commitsOfPull({ at: inRepository, number: ofPull }, seen);
    const [, below] = /\/git\/matching-refs\/(.+)$/.exec(path) ?? [];
    if (method === "GET" && below !== undefined) return json(200, await options.refsBelow(below));
    const [, onCommit] = /\/statuses\/([0-9a-f]{40})$/.exec(path) ?? [];
    if (method === "POST" && onCommit !== undefined) return addStatus(onCommit, seen);
    const talked = await talk.answerTo(seen);
    if (talked !== null) return talked;
    const run = /\/check-runs\/\d+$/.test(path) && method === "PATCH";
    const answer = await forward(seen, url, run ? await withEarlierAnnotations(seen, url) : seen.body);
    if (method === "POST" && path.endsWith("/pulls") && answer.status === 201) {
      const { number } = JSON.parse(answer.body) as { number: number };
      options.opened(number, (JSON.parse(seen.body) as { head: string }).head);
    }
    if (method === "POST" && path.endsWith("/check-runs") && answer.status === 201) {
      const { id, head_sha: commit } = JSON.parse(answer.body) as { id: number; head_sha: string };
      checks.set(commit, [...(checks.get(commit) ?? []), id]);
    }
    return /\/pulls(?:\/\d+)?$/.test(path) && answer.status < 300
      ? { ...answer, body: JSON.stringify(await withRealCommits(JSON.parse(answer.body) as Json | Json[])) }
      : answer;
  }

  /** GitHub counts seconds, and takes them as the beginning of what is asked for. */
  async function forward(seen: Seen, given: URL, body: string): Promise<Answer> {
    const { method, headers } = seen;
    const url = new URL(given);
    const since = url.searchParams.get("since");
    if (since !== null) url.searchParams.set("since", since.replace(/(:\d\d)Z$/, "$1.000Z"));
    const answer = await fetch(`${options.upstream}${url.pathname}${url.search}`, {
      method,
      headers: { authorization: headers.authorization ?? "", "content-type": "application/json" },
      ...(method === "GET" || body === "" ? {} : { body }),
    });
    const link = answer.headers.get("link");
    const text = (await answer.text()).replace(/(T\d\d:\d\d:\d\d)\.\d{3}Z"/g, '$1Z"');
    return { status: answer.status, body: text, headers: link === null ? {} : { link } };
  }

  /** GitHub adds annotations to those that are there. */
  async function withEarlierAnnotations(seen: Seen, url: URL): Promise<string> {
    const wanted = JSON.parse(seen.body) as Json & { output?: Json & { annotations?: Json[] } };
    if (wanted.output === undefined) return seen.body;
    const earlier: Json[] = [];
    for (let page = 1; earlier.length === (page - 1) * PER_PAGE; page += 1) {
      const there = new URL(`${url.pathname}/annotations?per_page=${PER_PAGE}&page=${page}`, url);
      const before = await forward({ ...seen, method: "GET" }, there, "");
      const { check_annotations: found } = JSON.parse(before.body) as { check_annotations: Json[] };
      earlier.push(...found);
    }
    const annotations = [...earlier, ...(wanted.output.annotations ?? [])];
    return JSON.stringify({ ...wanted, output: { ...wanted.output, annotations } });
  }

  /** Pull requests whose heads and bases are what the repository has. */
  async function withRealCommits(found: Json | Json[]): Promise<unknown> {
    const heads = await options.heads();
    const real = (side: unknown): unknown => {
      const { ref } = side as { ref: string };
      return { ...(side as Json), sha: heads.get(ref) ?? "0".repeat(40) };
    };
    const one = (pull: Json): Json => {
      const merged = options.mergeOf(Number(pull["number"]));
      return {
        ...pull,
        head: real(pull["head"]),
        base: real(pull["base"]),
        ...(merged === null ? {} : { merge_commit_sha: merged }),
      };
    };
    return Array.isArray(found) ? found.map(one) : one(found);
  }

  async function pullsOfCommit(
    { at, commit }: { readonly at: string; readonly commit: string },
    seen: Seen,
  ): Promise<Answer> {
    const number = options.pullOf(commit);
    if (number === null) return json(200, []);
    const url = new URL(`${at}/pulls/${number}`, options.upstream);
    const found = JSON.parse((await forward({ ...seen, method: "GET" }, url, "")).body) as Json;
    return json(200, [{ ...((await withRealCommits(found)) as Json), merge_commit_sha: commit }]);
  }

  /** Made by whoever opened it. */
  async function commitsOfPull(
    { at, number }: { readonly at: string; readonly number: string },
    seen: Seen,
  ): Promise<Answer> {
    const url = new URL(`${at}/pulls/${number}`, options.upstream);
    const { user } = JSON.parse((await forward({ ...seen, method: "GET" }, url, "")).body) as Json;
    const commits = await options.commitsOf(Number(number));
    return json(
      200,
      commits.map((sha) => ({ sha, author: user, committer: user })),
    );
  }

  async function checksOf(commit: string, seen: Seen): Promise<Answer> {
    const at = seen.path.replace(/\/commits\/.*$/, "");
    const runs: Json[] = [];
    for (const id of checks.get(commit) ?? []) {
      const url = new URL(`${at}/check-runs/${id}`, options.upstream);
      runs.push(JSON.parse((await forward({ ...seen, method: "GET" }, url, "")).body) as Json);
    }
    const name = seen.query.get("check_name");
    const wanted = runs.filter((run) => name === null || run["name"] === name);
    return json(200, { total_count: wanted.length, check_runs: wanted });
  }

  function addStatus(commit: string, seen: Seen): Answer {
    const { context, state, description } = JSON.parse(seen.body) as Status;
    statusId += 1;
    const login = loginOf(seen);
    const status = {
      id: statusId,
      url: `status/${statusId}`,
      context,
      state,
      description,
      creator: { login },
    };
    statuses.set(commit, [status, ...(statuses.get(commit) ?? [])]);
    return json(201, status);
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    everything: () => everything,
    forget() {
      requests.length = 0;
    },
    setFault(next) {
      fault = next ?? (() => null);
    },
    revoke(token, isRevoked) {
      if (isRevoked) revoked.add(token);
      else revoked.delete(token);
    },
    statuses: (commit) => statuses.get(commit) ?? [],
    reactions: talk.reactionsTo,
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

export function loginOf({ headers }: Seen): string {
  return (headers.authorization ?? "").replace(/^token t-/, "");
}

function limited(answer: Answer): Answer {
  const reset = String(Math.ceil(Date.now() / 1_000) + 3_600);
  return {
    ...answer,
    headers: {
      "x-ratelimit-limit": "5000",
      "x-ratelimit-remaining": "4900",
      "x-ratelimit-reset": reset,
      "x-ratelimit-resource": "core",
      ...answer.headers,
    },
  };
}

export function json(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, body: JSON.stringify(body), headers };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString("utf8");
}
