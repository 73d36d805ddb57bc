import type { MissionEnvelope } from "../api/envelope.ts";
import type { WireEvent } from "../api/event.ts";
import type { RememberedAction } from "../core/model/action.ts";
import type { HeldLimits } from "../core/model/budget-rule.ts";
import type { RefusedReport } from "../core/model/callback.ts";
import type { AgentSpec, HealthCheck, OrphanPolicy } from "../core/model/clone.ts";
import type { Containment, DeathProof, InstanceHandle, ObservedInstance } from "../core/model/instance.ts";
import type { SwitchSubject } from "../core/model/kill-switch.ts";
import type { Probed } from "../core/model/liveness.ts";
import type { Prices } from "../core/model/prices.ts";
import type { ResourceLimits } from "../core/model/resources.ts";
import type { Collected, CollectRequest, CollectSource } from "./collect.ts";
import type { Log } from "./log.ts";
import type { WorkspaceRef, Workspaces } from "./workspaces.ts";

/** Runs instances of clones. One contract suite holds for all implementations (`test/contract/driver.ts`). */
export interface Driver {
  readonly name: string;

  /** `socket`: its shims are on the controller's machine and find the socket in its data directory. Absent: they need a port. */
  readonly callback?: "socket";

  /** What this driver can promise on this machine, found out by trying, not by guessing. */
  capabilities(signal: AbortSignal): Promise<DriverCapabilities>;

  /** Where its clones work, on its machine. */
  readonly workspaces: Workspaces;

  /** Everything that is ours, by ownership label. `complete: false` means: do not conclude that what is missing is dead. */
  list(signal: AbortSignal): Promise<DriverListing>;

  /**
   * Starts one instance in standby: its shim lives, has made its round trip to
   * the callback and run its health checks, or is about to; no agent runs yet.
   * Returns once the shim has claimed the epoch.
   *
   * The launch intent is on disk before anything is spawned. Safe to repeat: a
   * second call for the same clone, epoch and nonce returns the first handle,
   * also across a crash of ours. Rejects with `driver/fenced` when a higher epoch was seen
   * or this one was fenced, with `driver/containment` when the machine offers less than is demanded, with
   * `driver/disk` (`retry`) when the disk refuses.
   */
  start(request: StartRequest, signal: AbortSignal): Promise<InstanceHandle>;

  /**
   * From here on something is held ready that makes the next start quicker; the answer lets go of it. It is no instance, holds nothing
   * of anybody, and ends with this process, however that ends. For whoever starts instances all day long. A driver that lacks
   * this starts each from nothing. `refillAfterMs`: after a start used it and no other followed; default 1 s.
   */
  keepReady?(refillAfterMs?: number): () => void;

  /** Why nothing can be started here just now, such as a full disk; null when something may. Quick; asked before an epoch is used up. */
  obstacle?(): Promise<string | null>;

  /** From its return on, no start of the clone at or below `epoch` can succeed, however late it lands. */
  fence(clone: string, epoch: number, signal: AbortSignal): Promise<void>;

  /** Hands the mission to the shim, which then starts the agent. A repeat with the same mission does nothing. */
  dispatch(handle: InstanceHandle, envelope: MissionEnvelope, signal: AbortSignal): Promise<void>;

  /** Tells a live shim where to call back and how often, after an adoption or a changed limit. */
  configure(handle: InstanceHandle, settings: ShimSettings, signal: AbortSignal): Promise<void>;

  /**
   * Puts a message on the agent's standard input; a frozen agent finds it when it goes on. Safe to
   * repeat: the same `id` is put there once. Rejects with `driver/no-agent` (`yield`) when no agent
   * runs or its input is closed, and with `driver/input-full` (`retry`) when it does not read.
   */
  tell(handle: InstanceHandle, message: AgentMessage, signal: AbortSignal): Promise<void>;

  /** Freezes the agent's processes; the shim goes on beating. Safe to repeat. */
  pause(handle: InstanceHandle, signal: AbortSignal): Promise<void>;
  /** Thaws them, and takes back a pause whose grace is under way. Safe to repeat. */
  resume(handle: InstanceHandle, signal: AbortSignal): Promise<void>;

  /**
   * Tells the agent that it is to pause, and has it frozen at the end of its turn or after `graceMs`, whichever is
   * first. Answers at once. Safe to repeat: a grace under way never gets longer. Without a shim that answers it is
   * frozen now. A driver that lacks this is asked to `pause`: a grace is promised to nobody.
   */
  pauseAfterTurn?(
    handle: InstanceHandle,
    options: { readonly graceMs: number },
    signal: AbortSignal,
  ): Promise<Pausing>;

  /** Looks at the instance's processes from outside, and asks its shim if that runs. Changes nothing; what it finds is an answer, never an error. */
  probe(handle: InstanceHandle, signal: AbortSignal): Promise<Probed>;

  /**
   * `configure` for an instance that has fallen silent: a shim that is stopped is continued
   * first. Says what was done. Rejects with `driver/unreachable` when the shim does not answer all the same.
   */
  reconnect(handle: InstanceHandle, settings: ShimSettings, signal: AbortSignal): Promise<string>;

  /**
   * Lets the shim bring its agent back within the same instance: a stopped one is continued, one whose
   * program is gone is started again with the same mission, and with `again` any is. Never two at once:
   * nothing of the old one lives when the new one starts. Says what was done. Rejects with `driver/not-resumable`
   * when there is nothing to bring back, or a pause stands against it.
   */
  revive(handle: InstanceHandle, how: { readonly again: boolean }, signal: AbortSignal): Promise<string>;

  /**
   * Ends the instance, shim included, entering the ladder at the given rung,
   * and returns the proof that nothing of it lives. Works when the shim is
   * dead, stopped or does not answer. Rejects with `driver/survivors` when something could not be ended.
   */
  stop(handle: InstanceHandle, ladder: StopLadder, signal: AbortSignal): Promise<DeathProof>;

  /** Events of the shim's outbox with a `seq` above `afterSeq`, in order; also of a dead instance. */
  pullOutbox(handle: InstanceHandle, afterSeq: number, signal: AbortSignal): Promise<readonly WireEvent[]>;

  /**
   * What can be seen of an instance, living or dead. The agent of a living one is frozen first, where that can be
   * done, so that looking changes nothing: for whoever is about to end it.
   */
  evidence(handle: InstanceHandle, signal: AbortSignal): Promise<InstanceEvidence>;

  /**
   * Fetches files from where this driver keeps them: of a workspace as `Workspaces.collect` says, of an instance, living or
   * dead, what its shim has written down (transcript, actions, heartbeats, outbox, exit), redacted by it. Of an instance that is unknown here
   * there is none. Ends by itself when `signal` aborts, with its reason.
   */
  collect(source: CollectSource, request: CollectRequest, signal: AbortSignal): AsyncIterable<Collected>;

  /**
   * What the shim remembers of its agents' actions, each as it stands; also of a dead instance. Null when nobody can
   * tell, as of one that is unknown here.
   */
  remembered(handle: InstanceHandle, signal: AbortSignal): Promise<readonly RememberedAction[] | null>;

  /** What the shim has set aside because the controller refused it for good, in order; also of a dead instance. */
  deadLetters(handle: InstanceHandle, signal: AbortSignal): Promise<readonly RefusedReport[]>;

  /** The end of the transcript, at most `bytesMax`, redacted; also of a dead instance. */
  transcript(handle: InstanceHandle, bytesMax: number, signal: AbortSignal): Promise<string>;

  /** Forgets a dead instance once its outbox has been drained. Refuses a live one. */
  reap(handle: InstanceHandle, signal: AbortSignal): Promise<void>;

  /**
   * Puts aside what is kept of dead instances, their fences included, so that a new record can count epochs from 1 again.
   * Removes nothing; a repeat with nothing there does nothing. Rejects with `driver/alive` (`stall`) while one lives.
   */
  setAside(signal: AbortSignal): Promise<void>;

  /** Living instances of an older program, whose shims believe whoever answers at 127.0.0.1. Absent: there were never any. */
  unproving?(signal: AbortSignal): Promise<readonly InstanceHandle[]>;

  /** Absent where instances cannot outlive what the driver keeps of them. */
  readonly orphans?: Orphans;
}

/** What a driver is made with, whichever it is. */
export interface DriverSurroundings {
  /** Absolute. Everything that the installation remembers; a driver keeps to a folder of its own below it, and holds no secret there. */
  readonly dataDir: string;
  /** Ownership label: what carries another installation's name is left alone. */
  readonly installation: string;
  /** Folders that agents must not see, asked for at each start: what else of this user has nothing to do with them. Default: none. */
  readonly hidden?: () => readonly string[];
  /** The file of the kill switch, for shims that can watch it by themselves. Absent: they are not told of one. */
  readonly killSwitch?: string;
  /** What holds the processes of an instance together. Default: the best that the machine offers. */
  readonly containment?: ContainmentChoice;
  readonly log?: Log;
}

export type DriverFactory = (surroundings: DriverSurroundings) => Driver;

/** `auto` takes the best; a name takes that layer alone, for tests and for machines where the better one misbehaves. */
export type ContainmentChoice = Containment | "auto";

/** Instances that live although everything that the driver kept of them is gone. They can only be ended. */
export interface Orphans {
  find(signal: AbortSignal): Promise<readonly InstanceHandle[]>;
  /** With proof, like any stop; fences the epoch first. Rejects with `driver/survivors`. */
  end(orphan: InstanceHandle, signal: AbortSignal): Promise<DeathProof>;
}

export interface InstanceEvidence {
  /** Its processes at that moment; empty for a dead one. */
  readonly processes: readonly SeenProcess[];
  /** Names, never values, of the variables that its processes were started with. */
  readonly environmentNames: readonly string[];
}

export interface SeenProcess {
  readonly pid: number;
  readonly parent: number;
  readonly group: number;
  readonly session: number;
  readonly state: string;
  /** The program's name as the system has it, at most 15 characters; arguments may hold secrets and are left out. */
  readonly name: string;
  readonly role: "shim" | "agent";
}

export interface Pausing {
  /** It is frozen already. */
  readonly frozen: boolean;
  /** Heartbeats with a higher number were composed after the agent was told. */
  readonly beat: number;
}

export interface DriverCapabilities {
  readonly containment: Containment;
  /** Whether a pause stops every process of the instance, not only those that stay in its group. */
  readonly freezesAll: boolean;
  /** Whether an agent sees and reaches its workspace alone, and is nobody of this machine. Absent: as far as `containment` says. */
  readonly sandboxed?: boolean;
  /** Why no death of an instance can be proven here; absent where it can. */
  readonly unproven?: string;
  /** What was tried and what came of it, one sentence each, for `factory doctor`. */
  readonly notes: readonly string[];
}

export interface DriverListing {
  readonly complete: boolean;
  readonly instances: readonly ObservedInstance[];
  /** Why it is not complete. */
  readonly problem?: string;
}

export interface ShimSettings {
  /** `unix:<path>` or `https://host:port/v1/events#sha256=<fingerprint>`: where the controller is, and how it proves that it is. */
  readonly callbackUrl: string;
  readonly heartbeatIntervalMs: number;
  /** What its mission may use and has used before: an instance holds them by itself, also while nobody listens. Absent: as before. */
  readonly limits?: HeldLimits;
}

/** `operator`: a person's word. `supervisor`: a nudge of ours. */
export interface AgentMessage {
  readonly id: string;
  readonly from: "operator" | "supervisor";
  readonly text: string;
}

export interface StartRequest extends ShimSettings {
  readonly clone: string;
  readonly epoch: number;
  readonly nonce: string;
  readonly workspace: WorkspaceRef;
  readonly agent: AgentSpec;
  readonly healthChecks: readonly HealthCheck[];
  readonly orphanPolicy: OrphanPolicy;
  readonly isolation: Containment;
  /** What its agent may see beside its workspace, and what else it may write to. Default: nothing. */
  readonly shares?: readonly Share[];
  /** `none`: it has a network of its own, in which nobody else is. Default: the machine's. */
  readonly network?: "host" | "none";
  /** What its agent may take of its machine. Rejects with `driver/resources` (`stall`) for what is demanded and cannot be held. */
  readonly resources?: ResourceLimits;
  /** What tokens cost, by model, for as long as the instance lives. */
  readonly prices?: Prices;
  /** What the kill switch knows it by. */
  readonly subject?: SwitchSubject;
  /** Bearer token of this instance and epoch. Never written to disk by the driver. */
  readonly token: string;
  /** Values of the clone's secrets by variable name. Never written to disk by the driver. */
  readonly secrets: ReadonlyMap<string, string>;
}

/** A folder or file of the machine. */
export interface Share {
  /** Absolute. */
  readonly path: string;
  readonly access: "read" | "write";
}

/**
 * Where the kill ladder is entered. `cancel`: ask, close standard input, then
 * SIGTERM, SIGKILL, containment, sweep. `term`: from SIGTERM on (a runaway).
 * `now`: SIGKILL and containment at once.
 */
export interface StopLadder {
  readonly enter: "cancel" | "term" | "now";
  /** After `{"type":"cancel"}`, with the input still open. Absent: none. An agent that has said its last word gets none. */
  readonly cancelGraceMs?: number;
  /** The same, from the first thing on that the agent goes on to do. */
  readonly cancelBusyGraceMs?: number;
  readonly stdinGraceMs: number; // after closing standard input
  readonly termGraceMs: number; // after SIGTERM
  readonly sweepMs: number; // for finding and ending the rest
}

export const DEFAULT_LADDER: StopLadder = {
  enter: "cancel",
  cancelGraceMs: 10_000,
  cancelBusyGraceMs: 2_000,
  stdinGraceMs: 3_000,
  termGraceMs: 10_000,
  sweepMs: 10_000,
};
