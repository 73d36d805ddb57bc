/** Everything that an agent says and asks, led to whoever understands it; and what it says that it must not do. */
import { isRecord } from "../../../instance/files.ts";
import type { AgentStart } from "../agent.ts";
import { createPermissions, type Permissions } from "./permissions.ts";
import { createQuestions, type Questions } from "./questions.ts";
import { createPeer, type Peer, type Reply, RPC_CODE } from "./rpc.ts";
import type { RememberedSession } from "./session-memory.ts";
import type { createStanding } from "./session-setup.ts";
import { createToolCalls, type ToolCall, type ToolCalls } from "./tool-calls.ts";
import { createUpdates, type Updates } from "./updates.ts";

export interface Hearing {
  readonly peer: Peer;
  readonly calls: ToolCalls;
  readonly permissions: Permissions;
  readonly questions: Questions;
  readonly updates: Updates;
  /** What a session that is loaded repeats is no news, and no effect. */
  replay(replays: boolean): void;
  /** From now on the session's mode and options are told there. */
  stands(standing: Standing): void;
  /** From now on the mode in which it stands is the one that was agreed. */
  agree(): void;
  /** Nobody answers any more: whatever is open, and whatever comes, is answered as cancelled. */
  cancel(): void;
}

type Standing = ReturnType<typeof createStanding>;

/** Of a method that nobody knows, in a note and an answer. */
const METHOD_CHARS_MAX = 100;

export function createHearing({
  start,
  send,
  known,
  onBreach,
}: {
  readonly start: AgentStart;
  readonly send: (message: object) => void;
  readonly known: RememberedSession | null;
  /** What the contract is kept by is gone. */
  readonly onBreach: (reason: string) => void;
}): Hearing {
  const { envelope, transcript } = start;
  const note = (text: string): void => transcript.note(text);
  const onEvent: AgentStart["onEvent"] = (event) => start.onEvent(event);
  let standing: Standing | null = null;
  let agreedMode: string | null = null;
  let replayed: number | null = null;

  const calls = createToolCalls(onEvent);
  const questions = createQuestions(onEvent);
  const { allowed_tools: allowed, forbidden_tools: forbidden } = envelope.constraints;
  const permissions = createPermissions({
    rules: { allowed, forbidden, approvalRequired: envelope.constraints.approval_required },
    calls,
    askApproval: start.askApproval,
    note,
    onRefusedForEver: onBreach,
  });
  const updates = createUpdates({
    transcript,
    calls,
    onEvent,
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
  const peer = createPeer({ send, paused: start.paused, onRequest, onNotification });

  function onNotification(method: string, { update }: Readonly<Record<string, unknown>>): void {
    if (method !== "session/update" || !isRecord(update))
      note(`the agent notifies of ${method.slice(0, METHOD_CHARS_MAX)}, which nobody here knows`);
    else if (replayed === null) updates.take(update);
    else replayed += 1;
  }

  function onRequest(method: string, params: Readonly<Record<string, unknown>>, reply: Reply): void {
    if (method === "session/request_permission") permissions.ask(params, reply);
    else if (method === "elicitation/create") questions.ask(params, reply);
    else {
      const message = `there is no ${method.slice(0, METHOD_CHARS_MAX)} here`;
      reply({ error: { code: RPC_CODE.methodNotFound, message } });
    }
  }

  function onCall(call: ToolCall): void {
    if (!permissions.agrees(call))
      onBreach(`the agent used ${call.name ?? call.kind ?? call.title} without being allowed to`);
  }

  function checkMode(): void {
    const mode = standing?.mode() ?? null;
    if (agreedMode !== null && mode !== agreedMode)
      onBreach(`the agent went from its mode ${agreedMode} to ${mode} by itself`);
  }

  return {
    peer,
    calls,
    permissions,
    questions,
    updates,
    replay(replays) {
      if (!replays) note(`the session was opened again; ${replayed} updates of before are not told again`);
      replayed = replays ? 0 : null;
    },
    stands(found) {
      standing = found;
    },
    agree() {
      agreedMode = standing?.mode() ?? null;
    },
    cancel() {
      permissions.cancel();
      questions.cancel();
    },
  };
}
