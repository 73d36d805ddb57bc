/**
 * One agent's conversation, from its first message to the end of its input.
 *
 *   introduction ──► turn ──► waits ──► turn …
 *        │            │         │
 *        └────────────┴─────────┴──► closing
 *
 * - turn: one prompt is not answered. What is said to the agent meanwhile comes with the next one.
 * - waits: something blocks it, or it is to stand still; what somebody says begins a turn.
 * - closing: it is cancelled, has said its last word, or breaks the protocol. It gets no prompt any more.
 */
import type { PromptRequest } from "@agentclientprotocol/sdk";
import { MESSAGES_MAX } from "../../../core/model/conduct.ts";
import { isRecord } from "../../../instance/files.ts";
import type { AgentInput, AgentStart, Said } from "../agent.ts";
import { introduce, type Problem } from "./introduction.ts";
import type { Leftovers } from "./leftovers.ts";
import { createPermissions } from "./permissions.ts";
import { missionPrompt, personsWords } from "./prompt-text.ts";
import { createQuestions } from "./questions.ts";
import { createPeer, type Reply, RPC_CODE } from "./rpc.ts";
import { rememberedSession, rememberSession } from "./session-memory.ts";
import type { createStanding } from "./session-setup.ts";
import { createToolCalls, type ToolCall } from "./tool-calls.ts";
import { createTurnEnds } from "./turn-ends.ts";
import { createUpdates } from "./updates.ts";

export interface Conversation {
  /** Everything else may be called before it has come far. */
  begin(): void;
  /** False: the line is no message of the protocol. */
  take(line: string): boolean;
  say(input: AgentInput): Said;
  /** Ends the turn that is under way, and then the conversation. */
  cancel(): void;
  /** The program has ended. Answers why that is not the end that it looks like; null: it is. */
  end(): string | null;
}

/** What is said to it while its turn goes on. */
const QUEUE_MAX = MESSAGES_MAX;
const CLOSE_MS_MAX = 2_000;

type Phase = "introduction" | "turn" | "waits" | "closing";

export function createConversation(parts: {
  readonly start: AgentStart;
  readonly leftovers: Leftovers;
  readonly send: (message: object) => void;
  /** Nothing more will be said to it. */
  readonly endInput: () => void;
  /** It does not speak the protocol: it is ended, whether it wants to or not. */
  readonly terminate: () => void;
}): Conversation {
  const { start, leftovers } = parts;
  const { envelope, intent, transcript } = start;
  const note = (text: string): void => transcript.note(text);
  const known = rememberedSession(intent, envelope.mission_id);
  let phase: Phase = "introduction";
  let sessionId: string | null = null;
  let closes = false;
  let replayed: number | null = null;
  let standing: ReturnType<typeof createStanding> | null = null;
  let agreedMode: string | null = null;
  let broken: string | null = null;
  let pausing = false;
  let queue: string[] = [];
  let wake: () => void = () => {};

  const calls = createToolCalls((event) => start.onEvent(event));
  const permissions = createPermissions({
    rules: {
      allowed: envelope.constraints.allowed_tools,
      forbidden: envelope.constraints.forbidden_tools,
      approvalRequired: envelope.constraints.approval_required,
    },
    calls,
    askApproval: start.askApproval,
    note,
    onRefusedForEver: breach,
  });
  const questions = createQuestions((event) => start.onEvent(event));
  const updates = createUpdates({
    transcript,
    calls,
    onEvent: (event) => start.onEvent(event),
    onCall,
    onMode(modeId) {
      standing?.onMode(modeId);
      checkMode();
    },
    onConfig(options) {
      standing?.onConfig(options);
      checkMode();
    },
    costUsdBefore: known?.costUsd ?? null,
  });
  const peer = createPeer({
    send: parts.send,
    paused: start.paused,
    onRequest,
    onNotification(method, params) {
      if (method === "session/update" && isRecord(params["update"])) onUpdate(params["update"]);
      else note(`the agent notifies of ${method.slice(0, 100)}, which nobody here knows`);
    },
  });
  const ends = createTurnEnds({
    onEvent: (event) => start.onEvent(event),
    takeRefusal: () => permissions.takeLastRefusal(),
    over: start.over,
    queued: () => queue.length > 0,
  });

  function onRequest(method: string, params: Readonly<Record<string, unknown>>, reply: Reply): void {
    if (method === "session/request_permission") permissions.ask(params, reply);
    else if (method === "elicitation/create") questions.ask(params, reply);
    else
      reply({
        error: { code: RPC_CODE.methodNotFound, message: `there is no ${method.slice(0, 100)} here` },
      });
  }

  /** What a loaded session repeats is no news, and no effect. */
  function onUpdate(update: Readonly<Record<string, unknown>>): void {
    if (replayed === null) updates.take(update);
    else replayed += 1;
  }

  function onCall(call: ToolCall): void {
    if (permissions.agrees(call)) return;
    breach(`the agent used ${call.name ?? call.kind ?? call.title} without being allowed to`);
  }

  function checkMode(): void {
    if (agreedMode === null || standing === null || standing.mode() === agreedMode) return;
    breach(`the agent went from its mode ${agreedMode} to ${standing.mode()} by itself`);
  }

  /** What the contract is kept by is gone: so is what the agent does from here on. */
  function breach(reason: string): void {
    if (phase === "closing") return;
    start.onEvent({ type: "failed", reason });
    cancel();
  }

  async function converse(): Promise<void> {
    const met = await introduce(peer, {
      start,
      known: known?.sessionId ?? null,
      onReplay(replays) {
        if (!replays) note(`the session was opened again; ${replayed} updates of before are not told again`);
        replayed = replays ? 0 : null;
      },
      onStanding(found) {
        standing = found;
      },
    });
    if (phase === "closing") return;
    if (!met.ok) return giveUp(met.problem);
    const { session } = met;
    sessionId = session.sessionId;
    closes = met.closes;
    agreedMode = (standing as ReturnType<typeof createStanding> | null)?.mode() ?? null;
    remember(sessionId);
    start.onEvent({ type: "accepted" });
    const first = missionPrompt(envelope, beginningOf(session.resumed));
    for (let next: readonly string[] | null = [first, ...takeQueue()]; next !== null; )
      next = await turn(session.sessionId, next);
    await close();
  }

  function beginningOf(resumed: boolean): Parameters<typeof missionPrompt>[1] {
    return resumed ? "resumed" : start.resumes || known !== null ? "begun" : "new";
  }

  /** Null: there is nothing more to say to it. */
  async function turn(id: string, texts: readonly string[]): Promise<readonly string[] | null> {
    if (isClosing()) return null;
    phase = "turn";
    updates.begin();
    leftovers.begin();
    start.onEvent({ type: "turn_started" });
    const prompt: PromptRequest = { sessionId: id, prompt: texts.map((text) => ({ type: "text", text })) };
    const answer = await peer.request("session/prompt", prompt, null);
    const said = updates.flush();
    calls.closeAll("the turn has ended");
    const left = leftovers.sweep();
    if (left > 0) note(`${left} processes that the turn had left behind were ended`);
    remember(id);
    if (isClosing()) return null;
    phase = "waits";
    const end = ends.take(answer, said);
    switch (end.type) {
      case "prompt":
        await rest(end.afterMs);
        return isClosing() ? null : [end.text, ...takeQueue()];
      case "wait":
        return words();
      case "over":
        return null;
      case "broken":
        giveUp(end);
        return null;
    }
  }

  /** What somebody says, once it may go on. */
  async function words(): Promise<readonly string[] | null> {
    while (!isClosing() && (queue.length === 0 || pausing)) await woken();
    return isClosing() ? null : takeQueue();
  }

  /** For that long, and for as long as it is to stand still. */
  async function rest(ms: number): Promise<void> {
    const until = performance.now() + ms;
    while (!isClosing() && (pausing || performance.now() < until)) await woken(until - performance.now());
  }

  function woken(ms?: number): Promise<void> {
    return new Promise((resolve) => {
      wake = resolve;
      if (ms !== undefined && ms > 0) setTimeout(resolve, ms);
    });
  }

  function giveUp(problem: Problem): void {
    if (problem.type === "unauthorized") start.onEvent({ type: "failed", reason: "auth" });
    else if (problem.type === "failed") start.onEvent(problem);
    else {
      broken = problem.why;
      note(`the agent is ended: ${problem.why}`);
      phase = "closing";
      parts.terminate();
      return;
    }
    void close();
  }

  async function close(): Promise<void> {
    phase = "closing";
    permissions.cancel();
    questions.cancel();
    if (closes && sessionId !== null) await peer.request("session/close", { sessionId }, CLOSE_MS_MAX);
    parts.endInput();
  }

  function cancel(): void {
    if (phase === "closing") return;
    const working = phase === "turn";
    phase = "closing";
    permissions.cancel();
    questions.cancel();
    wake();
    // An agent without a turn would take it for its next one. While it has one, the answer to it leads to `close`.
    if (working && sessionId !== null) peer.notify("session/cancel", { sessionId });
    else if (sessionId === null) parts.endInput();
  }

  function remember(id: string): void {
    rememberSession(intent, { missionId: envelope.mission_id, sessionId: id, costUsd: updates.costUsd() });
  }

  function takeQueue(): readonly string[] {
    const taken = queue;
    queue = [];
    return taken;
  }

  function isClosing(): boolean {
    return phase === "closing";
  }

  return {
    begin() {
      converse().catch((error: unknown) => {
        // Of ours, not of the agent's; it is not left to itself for that.
        giveUp({
          type: "broken",
          why: error instanceof Error ? `${error.name}: ${error.message}` : "a mistake of the shim's",
        });
      });
    },
    take: (line) => peer.take(line),
    cancel,
    say(input) {
      if (isClosing()) return "closed";
      if (input.type === "pause") {
        pausing = true;
        if (phase === "waits") setImmediate(() => start.onEvent({ type: "turn_ended" }));
      } else if (input.type === "resume") {
        pausing = false;
        wake();
      } else if (input.type === "message") {
        if (input.from === "operator" && questions.answer(input.text)) return "said";
        if (queue.length >= QUEUE_MAX) return "full";
        queue.push(personsWords(input.from, input.text));
        wake();
      }
      return "said";
    },
    end() {
      const left = phase === "turn" || phase === "introduction" || phase === "waits";
      phase = "closing";
      permissions.cancel();
      questions.cancel();
      updates.end();
      peer.close("the agent has ended");
      wake();
      return broken ?? (left ? "the agent ended before its mission did" : null);
    },
  };
}
