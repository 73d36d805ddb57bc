import { RequestError } from "@octokit/request-error";
import type { Octokit } from "@octokit/rest";
import { FactoryError } from "../../../core/model/error.ts";
import type { ForgePolicy } from "../../../core/model/forge.ts";
import type { SteadyClock } from "../../../ports/clock.ts";
import { type ForgeBudget, ForgeLimited, type Urgency } from "../../../ports/forge.ts";
import type { Secrets } from "../../../ports/secrets.ts";
import { createRequestBudget } from "./budget.ts";
import { createAnswerCache } from "./conditional.ts";
import { type Credential, createCredential } from "./credential.ts";
import { asForgeError, limitOf } from "./errors.ts";
import { boundedFetch } from "./fetch.ts";

/** One credential at one repository: every request goes through here, in its turn and once. */
export interface Connection {
  /** Of the repository, as every request of it names it. */
  readonly at: { readonly owner: string; readonly repo: string };
  /** Rejects as the port says. */
  ask<T>(call: Call, request: (octokit: Octokit, options: CallOptions) => Promise<T>): Promise<T>;
  /** Who we are. Asked once, and again after the credential was refused. */
  login(signal: AbortSignal): Promise<string>;
  /** The same, as far as it is known. */
  knownLogin(): string | null;
  budget(): ForgeBudget;
}

export interface Call {
  /** For the error: `listing the pull requests`. */
  readonly what: string;
  readonly urgency: Urgency;
  readonly signal: AbortSignal;
}

/** To be given to every method of octokit. */
export type CallOptions = {
  readonly request: { readonly signal: AbortSignal; readonly urgency: Urgency };
};

type Requested = Awaited<ReturnType<Octokit["request"]>>;
/** As octokit's hook gives a request to us. */
type Wrapper = Parameters<typeof Octokit.prototype.hook.wrap<"request">>[1];
type Send = Parameters<Wrapper>[0];
type SendOptions = Parameters<Wrapper>[1];

const API_VERSION = "2022-11-28";
const SILENT = { debug() {}, info() {}, warn() {}, error() {} };

export function createConnection(parts: {
  readonly policy: ForgePolicy;
  readonly secrets: Secrets;
  readonly clock: SteadyClock;
}): Connection {
  const { policy, clock } = parts;
  const credential = createCredential(policy, parts.secrets);
  const budget = createRequestBudget(clock);
  const answers = createAnswerCache();
  let client: Promise<Octokit> | null = null;
  let login: string | null = null;

  /** Made with the first question: a fleet without a forge does not wait for its programs to be loaded. */
  async function openClient(): Promise<Octokit> {
    const { Octokit } = await import("@octokit/rest");
    const octokit = new Octokit({
      baseUrl: policy.api,
      userAgent: "ua-factory",
      request: { fetch: boundedFetch },
      log: SILENT,
    });
    octokit.hook.wrap("request", (request, options) => inItsTurn(octokit, { request, options }));
    return octokit;
  }

  async function inItsTurn(
    octokit: Octokit,
    { request, options }: { readonly request: Send; readonly options: SendOptions },
  ): Promise<Requested> {
    const { signal = new AbortController().signal, urgency = "comment" } = options.request as Partial<
      CallOptions["request"]
    >;
    const isRead = options.method === "GET";
    const address = octokit.request.endpoint(options).url;
    const mark = isRead ? answers.markOf(address) : null;
    const giveBack = await budget.take({ urgency, writes: !isRead }, signal);
    try {
      options.headers["x-github-api-version"] = API_VERSION;
      options.headers.authorization = await credential.authorization(signal);
      if (mark !== null) options.headers["if-none-match"] = mark;
      const answer = await request(options);
      budget.note(answer.headers);
      const { etag } = answer.headers;
      if (isRead && etag !== undefined)
        answers.keep(address, { etag, data: answer.data, headers: answer.headers });
      return answer;
    } catch (error) {
      const known = error instanceof RequestError && error.status === 304 ? answers.answer(address) : null;
      if (known === null) throw refusal(error);
      budget.note((error as RequestError).response?.headers ?? {});
      return { status: 200, url: address, headers: known.headers, data: known.data };
    } finally {
      giveBack();
    }
  }

  /** What an error answer means for those who ask next. */
  function refusal(error: unknown): unknown {
    const limit = limitOf(error, clock.now());
    if (limit !== null) {
      budget.limited(limit);
      const until = budget.state().pausedUntil ?? clock.now();
      const message = `the forge's ${limit.kind} limit is reached; nothing is asked of it before ${new Date(until).toISOString()}`;
      return new ForgeLimited(message, until, { cause: error });
    }
    if (error instanceof RequestError && error.response !== undefined) budget.note(error.response.headers);
    if (error instanceof RequestError && error.status === 401) {
      credential.renew();
      login = null;
    }
    return error;
  }

  const connection: Connection = {
    at: { owner: policy.owner, repo: policy.repository },
    async ask({ what, urgency, signal }, request) {
      try {
        client ??= openClient();
        return await request(await client, { request: { signal, urgency } });
      } catch (error) {
        throw asForgeError(error, what);
      }
    },
    async login(signal) {
      login ??= await whoAmI({ connection, credential, signal });
      return login;
    },
    knownLogin: () => login,
    budget: () => budget.state(),
  };
  return connection;
}

async function whoAmI(parts: {
  readonly connection: Connection;
  readonly credential: Credential;
  readonly signal: AbortSignal;
}): Promise<string> {
  const { connection, credential, signal } = parts;
  const app = await credential.appLogin(signal);
  if (app !== null) return app;
  const { data } = await connection.ask(
    { what: "asking whose the token is", urgency: "check", signal },
    (octokit, options) => octokit.users.getAuthenticated(options),
  );
  return data.login;
}

/** Pages of a list until one is not full. `complete`: false where `pagesMax` were read and there are more. */
export async function pagesOf<T>(
  read: (page: number, perPage: number) => Promise<{ readonly data: readonly T[] }>,
  { pagesMax, perPage = PER_PAGE }: { readonly pagesMax: number; readonly perPage?: number },
): Promise<{ readonly items: readonly T[]; readonly complete: boolean }> {
  const items: T[] = [];
  for (let page = 1; page <= pagesMax; page += 1) {
    const { data } = await read(page, perPage);
    items.push(...data);
    if (data.length < perPage) return { items, complete: true };
  }
  return { items, complete: false };
}

const PER_PAGE = 100;

/** What is missing of an answer that every forge gives. */
export function incomplete(what: string): FactoryError {
  return new FactoryError("forge/rejected", "stall", `the forge's answer has no ${what}`);
}
