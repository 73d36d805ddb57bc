import type { ActionRule } from "./action.ts";
import type { ClosureDecision } from "./closure-pull.ts";
import type { Containment } from "./instance.ts";
import type { ResourceLimits } from "./resources.ts";

/** What the repository asks for one clone, after baseline and overlays, at one revision. */
export interface DesiredClone {
  readonly name: string;
  /** Commit from which this was resolved. */
  readonly revision: string;
  /** Digest over everything below: two equal digests are the same clone. */
  readonly digest: string;
  readonly state: "ready" | "retired";
  /** Of its file; they change nothing about how it runs, so the digest does not cover them. */
  readonly labels?: Readonly<Record<string, string>>;
  readonly baseline: { readonly name: string; readonly version: string };
  readonly overlays: readonly string[];
  /** Digest of the materialised workspace tree (its lock file's digest). */
  readonly workspaceDigest: string;
  /** How many of the workspace's files come from where; goes into the scorecard, not into the digest. */
  readonly workspaceFiles: { readonly fromBaseline: number; readonly fromOverlays: number };
  readonly runtime: RuntimeSpec;
  readonly agent: AgentSpec;
  readonly secrets: readonly SecretRef[];
  readonly healthChecks: readonly HealthCheck[];
  readonly restart: RestartPolicy;
  readonly orphanPolicy: OrphanPolicy;
  readonly afterClosure: AfterClosure;
  /** What people decided about its newest closed mission. Nothing about how it runs, so the digest does not cover it. */
  readonly closureDecision?: ClosureDecision;
  /** What its agent may still do between the word that it is to pause and the freeze; absent: nothing. */
  readonly pauseGraceMs?: number;
  /** A running mission takes up a change between two turns; absent: not before its end. */
  readonly update?: "turn_boundary";
  /** Actions that need a person, from overlays and mission. */
  readonly approvalRequired: readonly string[];
  /** Who has to agree to them, where the fleet says so; absent in what was declared before there were rules. */
  readonly approvalRules?: readonly ActionRule[];
  /** Of its overlays: how many clones that carry one may work at once. Nothing about how this one runs, so the digest does not cover it. */
  readonly parallelCaps?: readonly ParallelCap[];
  /** Which file set which value: dotted field → `path:line`. */
  readonly provenance: Readonly<Record<string, string>>;
}

export interface ParallelCap {
  readonly overlay: string;
  readonly max: number;
}

/** Whoever cannot come to the end of a turn in ten minutes is not going to: a pause has to be one. */
export const PAUSE_GRACE_MS_MAX = 10 * 60 * 1_000;

/** The drivers that a controller has: `src/drivers.ts` makes one for each, and validation refuses every other name. */
export const DRIVER_NAMES = ["process"] as const;
export type DriverName = (typeof DRIVER_NAMES)[number];

export interface RuntimeSpec {
  /** Of `DRIVER_NAMES`. A record may name one that this version does not have: then nothing of the clone is started. */
  readonly driver: string;
  /** The least containment that the clone accepts; the launch is refused below it. */
  readonly isolation: Containment;
  /** What its agent may take of its machine; absent: nobody limits it. */
  readonly resources?: ResourceLimits;
}

/** How agents are talked to: `src/shim/agents/registry.ts` has an adapter for each, and validation refuses every other name. */
export const AGENT_ADAPTERS = ["command", "acp"] as const;
export type AgentAdapterName = (typeof AGENT_ADAPTERS)[number];

/** The HTTP interfaces of model providers that the gateway knows. */
export const MODEL_API_NAMES = ["anthropic", "openai", "gemini"] as const;
export type ModelApiName = (typeof MODEL_API_NAMES)[number];

export interface AgentModel {
  readonly api: ModelApiName;
  /** Where its calls are sent, without `/v1`: the rest of the path is the agent's. */
  readonly upstream: string;
  /** Which of its secrets is the provider's key. The agent finds another one in its place, which is good for the gateway alone. */
  readonly key: string;
}

/** What agents print of their own that is understood: `src/shim/agents/output` has a reader for each. */
export const AGENT_OUTPUTS = [
  "claude-stream-json",
  "codex-json",
  "gemini-stream-json",
  "opencode-json",
  "copilot-json",
  "pi-json",
] as const;
export type AgentOutput = (typeof AGENT_OUTPUTS)[number];

/** In an argument of `AgentSpec.command`: where its mission stands, in words. */
export const PROMPT_PLACE = "{prompt}";
/** In an argument, or a value of `AgentSpec.env`: where the gateway's address stands, without `/v1`. */
export const MODEL_URL_PLACE = "{model_url}";

/**
 * `failed`: its verdict on its mission. `unauthorized`: its provider refuses its credentials, which no restart cures.
 * `crashed`: no verdict; as any other code, and never a signal.
 */
export const EXIT_MEANINGS = ["failed", "unauthorized", "crashed"] as const;
export type ExitMeaning = (typeof EXIT_MEANINGS)[number];

/** How a session with an agent of the adapter `acp` is set up; each is set, read back, and kept. */
export interface AcpSettings {
  /** Which of its modes; absent: it has none, or one. */
  readonly mode?: string;
  /** Its session's options, by id. */
  readonly config?: Readonly<Record<string, string | boolean>>;
  /** Which of its methods it authenticates itself with; absent: it is not asked to. */
  readonly auth?: string;
}

export interface AgentSpec {
  readonly adapter: AgentAdapterName;
  /** Program and arguments, never a shell line; relative paths are looked up in the workspace. */
  readonly command: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  /** `on_start`: accepted once the program runs. `explicit`: the program says `{"type":"accepted"}`. */
  readonly accept: "on_start" | "explicit";
  /** `none`: it cannot tell what it uses. `tokens`: it can, but not what that costs. Absent: it may. */
  readonly usage?: "tokens" | "none";
  /** `none`: it finds its input closed, and is told nothing. Absent: it is told things, line by line. */
  readonly stdin?: "none";
  /** What it prints of its own, where that is understood. Absent: it prints lines for us. */
  readonly output?: AgentOutput;
  /** `exit_code`: where it ends with 0 and has said nothing of its result, that is success. Absent: it says so, or it is none. */
  readonly result?: "exit_code";
  /** What its exit codes mean, 1 to 255. One that is named is no signal, whatever a shell would make of it. */
  readonly exitCodes?: Readonly<Record<string, ExitMeaning>>;
  /** For the adapter `acp` alone. */
  readonly acp?: AcpSettings;
  /** Its calls of a model pass our gateway, which counts them; absent: they go where the agent wants. */
  readonly model?: AgentModel;
  /** The provider's account that it works on: a rate limit of one clone is one of all that name it. */
  readonly account?: string;
}

/** A reference, never a value. */
export interface SecretRef {
  readonly name: string;
  readonly from: /** A variable of the controller. */
    | { readonly env: string }
    /** Below its `secrets/`. */
    | { readonly file: string }
    /** A file of the repository that age has encrypted. */
    | { readonly age: string }
    /** One key of a file of the repository that SOPS has encrypted. */
    | { readonly sops: string; readonly key: string }
    /** What a program that `fleet.yaml` declares finds under a reference. */
    | { readonly command: string; readonly ref: string };
}

export interface HealthCheck {
  readonly name: string;
  readonly run: readonly [string, ...string[]];
  readonly timeoutMs: number;
}

/** At most `intensity` restarts within `periodMs`; backoff doubles from `backoffMs` up to `backoffMaxMs`. */
export interface RestartPolicy {
  readonly intensity: number;
  readonly periodMs: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly stableAfterMs: number;
}

/** What the shim does with its agent when it has not reached the controller for `afterMs`. */
export interface OrphanPolicy {
  readonly action: "continue" | "pause" | "terminate";
  readonly afterMs: number;
}

export type AfterClosure = "ask" | "retire" | "standby" | "template";
