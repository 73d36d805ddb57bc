import type { ActionRow } from "../../core/model/action.ts";
import { FactoryError } from "../../core/model/error.ts";
import type { SwitchScope } from "../../core/model/kill-switch.ts";
import type { Decided } from "../../core/model/request.ts";
import type { DeadLetterView } from "../../core/status/callbacks.ts";
import type { GuardrailsView } from "../../core/status/guardrails.ts";
import type { RolloutView } from "../../core/status/rollouts.ts";
import type { Trends } from "../../core/status/trends.ts";
import type { CloneView, FleetView, InboxItem, MissionView, WhyView } from "../../core/status/view.ts";
import type { ControlAnswer, SwitchView } from "../../ports/control-plane.ts";
import type { EventQuery, StoredEvent } from "../../ports/store.ts";
import { createTransport, type Received } from "./client-transport.ts";
import type { Problem } from "./problem.ts";

export interface ControllerClientOptions {
  /** `http://host:port`, or `unix:<path>`. */
  readonly url: string;
  /** The operator token. */
  readonly token: string;
  /** The person, as recorded. */
  readonly actor: string;
}

export interface ControlCall {
  /** Name of a mission or of a clone. */
  readonly name: string;
  readonly reason: string;
}

/**
 * What the command line asks of a running controller.
 *
 * A thing that does not exist is null, a decision that is refused is a
 * `ControlAnswer`; everything else rejects: `controller/unreachable` (`retry`)
 * when nobody answers, `controller/unauthorized` (`stall`) for a wrong token,
 * `controller/unavailable` (`retry`) for trouble that passes, and
 * `controller/refused` (`crash`) for what this client should not have asked.
 */
export interface ControllerClient {
  fleet(): Promise<FleetView>;
  mission(name: string): Promise<MissionView | null>;
  clone(name: string): Promise<CloneView | null>;
  why(name: string): Promise<WhyView | null>;
  rollouts(): Promise<readonly RolloutView[]>;
  guardrails(): Promise<GuardrailsView>;
  scorecards(since: number): Promise<Trends>;
  review(
    call: ControlCall & { readonly criteria: readonly { readonly id: string; readonly met: boolean }[] },
  ): Promise<ControlAnswer>;
  inbox(): Promise<readonly InboxItem[]>;
  events(query: EventQuery): Promise<readonly StoredEvent[]>;
  /** The effect ledger of a mission, oldest first. */
  actions(name: string, limit: number): Promise<readonly ActionRow[] | null>;
  deadLetters(): Promise<readonly DeadLetterView[]>;
  replayDeadLetters(which: { readonly id: string } | "all"): Promise<ControlAnswer>;
  logs(name: string, bytesMax: number): Promise<string | null>;
  readiness(): Promise<{ readonly ready: boolean; readonly checks: Readonly<Record<string, string>> }>;

  /** `until`: milliseconds since 1970; it goes on by itself then. */
  pause(call: ControlCall & { readonly until?: number }): Promise<ControlAnswer>;
  resume(call: ControlCall): Promise<ControlAnswer>;
  kill(call: ControlCall & { readonly now: boolean }): Promise<ControlAnswer>;
  killSwitch(): Promise<SwitchView>;
  engageKillSwitch(call: { readonly scope: SwitchScope; readonly reason: string }): Promise<ControlAnswer>;
  /** `scope: null`: everything that people engaged. */
  releaseKillSwitch(call: {
    readonly scope: SwitchScope | null;
    readonly reason: string;
  }): Promise<ControlAnswer>;
  /** Says something to the agent of a mission. */
  answer(call: { readonly name: string; readonly text: string }): Promise<ControlAnswer>;
  decideClosure(
    call: ControlCall & { readonly decision: "retire" | "standby" | "template" },
  ): Promise<ControlAnswer>;
  decide(call: {
    readonly id: string;
    readonly decision: Decided;
    readonly reason: string;
  }): Promise<ControlAnswer>;
  acknowledge(id: string): Promise<ControlAnswer>;
  /** Returns when the pass is over. */
  reconcile(): Promise<ControlAnswer>;
  allowRewrite(commits: { readonly from: string; readonly to: string }): Promise<ControlAnswer>;
}

export function createControllerClient(options: ControllerClientOptions): ControllerClient {
  const request = createTransport(options);

  async function get<T>(path: string): Promise<T | null> {
    const received = await request({ method: "GET", path });
    if (received.status === 200) return json<T>(received);
    if (received.status === 404) return null;
    throw refusal(received);
  }

  async function getOne<T>(path: string): Promise<T> {
    const value = await get<T>(path);
    if (value === null)
      throw new FactoryError("controller/refused", "crash", `${options.url} does not know ${path}`);
    return value;
  }

  async function post(path: string, body: unknown): Promise<ControlAnswer> {
    const received = await request({ method: "POST", path, body: JSON.stringify(body) });
    if (received.status === 200) return { ok: true, ...json<{ message: string }>(received) };
    const code = problemOf(received)?.code;
    if (code === "not_found" || code === "conflict" || code === "unavailable") {
      return { ok: false, code, message: problemOf(received)?.detail ?? "" };
    }
    throw refusal(received);
  }

  // One route serves both: the controller finds the subject by its name.
  function decide(name: string, what: string, body: unknown): Promise<ControlAnswer> {
    return post(`/v1/missions/${encodeURIComponent(name)}/${what}`, body);
  }

  return {
    fleet: () => getOne("/v1/fleet"),
    mission: (name) => get(`/v1/missions/${encodeURIComponent(name)}`),
    clone: (name) => get(`/v1/clones/${encodeURIComponent(name)}`),
    why: (name) => get(`/v1/why/${encodeURIComponent(name)}`),
    scorecards: (since) => getOne(`/v1/scorecards?since=${since}`),
    review: ({ name, reason, criteria }) => decide(name, "review", { reason, criteria }),
    rollouts: async () => (await getOne<{ rollouts: RolloutView[] }>("/v1/rollouts")).rollouts,
    guardrails: () => getOne("/v1/guardrails"),
    inbox: async () => (await getOne<{ items: InboxItem[] }>("/v1/inbox")).items,
    deadLetters: async () => (await getOne<{ letters: DeadLetterView[] }>("/v1/dead-letters")).letters,
    replayDeadLetters: (which) => post("/v1/dead-letters/replay", which === "all" ? {} : which),
    events: async (query) =>
      (await getOne<{ events: StoredEvent[] }>(`/v1/journal?${journalQuery(query)}`)).events,
    async actions(name, limit) {
      const path = `/v1/missions/${encodeURIComponent(name)}/actions?limit=${limit}`;
      return (await get<{ actions: ActionRow[] }>(path))?.actions ?? null;
    },
    async logs(name, bytesMax) {
      const path = `/v1/logs/${encodeURIComponent(name)}?bytes=${bytesMax}`;
      const received = await request({ method: "GET", path });
      if (received.status === 200) return received.text;
      if (received.status === 404) return null;
      throw refusal(received);
    },
    async readiness() {
      const received = await request({ method: "GET", path: "/readyz" });
      if (received.status === 200 || received.status === 503) return json(received);
      throw refusal(received);
    },
    pause: ({ name, reason, until }) =>
      decide(name, "pause", { reason, ...(until === undefined ? {} : { until }) }),
    resume: ({ name, reason }) => decide(name, "resume", { reason }),
    kill: ({ name, reason, now }) => decide(name, "kill", { reason, now }),
    killSwitch: () => getOne("/v1/kill-switch"),
    engageKillSwitch: (call) => post("/v1/kill-switch", call),
    releaseKillSwitch: ({ scope, reason }) =>
      post("/v1/kill-switch/release", scope === null ? { reason } : { scope, reason }),
    answer: ({ name, text }) => decide(name, "message", { text }),
    decideClosure: ({ name, reason, decision }) => decide(name, "closure", { reason, decision }),
    decide({ id, decision, reason }) {
      const budget = decision.type === "raise" ? { budget: decision.budget } : {};
      return post(`/v1/requests/${encodeURIComponent(id)}/decide`, {
        decision: decision.type,
        ...budget,
        reason,
      });
    },
    acknowledge: (id) => post(`/v1/requests/${encodeURIComponent(id)}/acknowledge`, {}),
    reconcile: () => post("/v1/reconcile", {}),
    allowRewrite: (commits) => post("/v1/source/allow-rewrite", commits),
  };
}

function journalQuery(query: EventQuery): string {
  const { clone, missionId, afterSeq, last, limit } = query;
  const named = { clone, mission_id: missionId, after_seq: afterSeq, last, limit };
  const given = Object.entries(named).flatMap(([key, value]): [string, string][] =>
    value === undefined ? [] : [[key, String(value)]],
  );
  return new URLSearchParams(given).toString();
}

function json<T>(received: Received): T {
  try {
    return JSON.parse(received.text) as T;
  } catch (error) {
    throw new FactoryError(
      "controller/refused",
      "crash",
      `${received.url} answered something that is not JSON`,
      {
        cause: error,
      },
    );
  }
}

/** Null when the answer is not from one of us: a proxy's page, for example. */
function problemOf(received: Received): Problem | null {
  try {
    const value: unknown = JSON.parse(received.text);
    return value !== null && typeof value === "object" && "code" in value && "detail" in value
      ? (value as Problem)
      : null;
  } catch {
    return null;
  }
}

function refusal(received: Received): FactoryError {
  const { status, url } = received;
  const problem = problemOf(received);
  const said = problem ? sentence(problem) : `status ${status}`;
  if (status === 401 || status === 403) {
    return new FactoryError("controller/unauthorized", "stall", `${url} does not accept the token: ${said}`);
  }
  if (status === 503 || status === 408 || status === 429) {
    return new FactoryError("controller/unavailable", "retry", `${url} cannot do that right now: ${said}`);
  }
  return new FactoryError("controller/refused", "crash", `${url} refused: ${said}`);
}

function sentence({ detail, errors = [] }: Problem): string {
  const fields = errors.map(({ field, message }) => `${field}: ${message}`).join("; ");
  return fields ? `${detail} (${fields})` : detail;
}
