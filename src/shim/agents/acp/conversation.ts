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
import type { AgentInput, AgentStart, Said } from "../agent.ts";
import { createHearing } from "./hearing.ts";
import { introduce, type Problem } from "./introduction.ts";
import type { Leftovers } from "./leftovers.ts";
import { missionPrompt, personsWords } from "./prompt-text.ts";
import { rememberedSession, rememberSession } from "./session-memory.ts";
import { createTurnEnds } from "./turn-ends.ts";
import { createWords } from "./words.ts";

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

const CLOSE_MS_MAX = 2_000;

interface ConversationParts {
  readonly start: AgentStart;
  readonly leftovers: Leftovers;
  readonly send: (message: object) => void;
  /** Nothing more will be said to it. */
  readonly endInput: () => void;
  /** It does not speak the protocol: it is ended, whether it wants to or not. */
  readonly terminate: () => void;
}

export function createConversation(parts: ConversationParts): Conversation {
  const { start } = parts;
  const ending = createEnding(parts);
  const { hearing, words, state } = ending;

  return {
    begin() {
      converse(parts, ending).catch((error: unknown) => {
        // A mistake of ours; the agent is not left to itself for that.
        const why = error instanceof Error ? `${error.name}: ${error.message}` : "a mistake of the shim's";
        ending.giveUp({ type: "broken", why });
      });
    },
    take: (line) => hearing.peer.take(line),
    cancel: ending.cancel,
    say(input) {
      if (state.phase === "closing") return "closed";
      if (input.type === "pause" || input.type === "resume") {
        words.pause(input.type === "pause");
        // Not at once: whoever tells it so has not finished.
        if (input.type === "pause" && state.phase === "waits")
          setImmediate(() => start.onEvent({ type: "turn_ended" }));
      }
      if (input.type !== "message") return "said";
      if (input.from === "operator" && hearing.questions.answer(input.text)) return "said";
      return words.push(personsWords(input.from, input.text)) ? "said" : "full";
    },
    end() {
      const before = state.phase !== "closing";
      state.phase = "closing";
      hearing.cancel();
      hearing.updates.end();
      hearing.peer.close("the agent has ended");
      words.close();
      return state.broken ?? (before ? "the agent ended before its mission did" : null);
    },
  };
}

interface State {
  phase: "introduction" | "turn" | "waits" | "closing";
  sessionId: string | null;
  /** It frees what it holds when its session is closed. */
  closes: boolean;
  /** Why it is no agent of this protocol. */
  broken: string | null;
}

interface Ending {
  readonly state: State;
  readonly hearing: ReturnType<typeof createHearing>;
  readonly words: ReturnType<typeof createWords>;
  readonly known: ReturnType<typeof rememberedSession>;
  giveUp(problem: Problem): void;
  cancel(): void;
  close(): Promise<void>;
}

/** What it is made of, and the ways to its end. */
function createEnding({ start, send, endInput, terminate }: ConversationParts): Ending {
  const known = rememberedSession(start.intent, start.envelope.mission_id);
  const words = createWords();
  const hearing = createHearing({ start, send, known, onBreach });
  const state: State = { phase: "introduction", sessionId: null, closes: false, broken: null };

  /** What the agent does from here on is held by nothing. */
  function onBreach(reason: string): void {
    if (state.phase === "closing") return;
    start.onEvent({ type: "failed", reason });
    cancel();
  }

  function stopListening(): void {
    state.phase = "closing";
    hearing.cancel();
    words.close();
  }

  function cancel(): void {
    const { phase, sessionId } = state;
    if (phase === "closing") return;
    stopListening();
    if (sessionId === null) endInput();
    // An agent without a turn would take it for its next one. The answer to the prompt leads to `close`.
    else if (phase === "turn") hearing.peer.notify("session/cancel", { sessionId });
  }

  async function close(): Promise<void> {
    stopListening();
    const { sessionId, closes } = state;
    if (closes && sessionId !== null)
      await hearing.peer.request("session/close", { sessionId }, CLOSE_MS_MAX);
    endInput();
  }

  function giveUp(problem: Problem): void {
    if (problem.type === "broken") {
      state.broken = problem.why;
      start.transcript.note(`the agent is ended: ${problem.why}`);
      stopListening();
      terminate();
      return;
    }
    start.onEvent(
      problem.type === "unauthorized"
        ? { type: "failed", reason: "auth" }
        : { type: "failed", reason: problem.reason },
    );
    void close();
  }

  return { state, hearing, words, known, giveUp, cancel, close };
}

/** Introduces itself, and then takes turns with the agent until one of the two has nothing more to say. */
async function converse({ start, leftovers }: ConversationParts, ending: Ending): Promise<void> {
  const { state, hearing, words, known } = ending;
  const { peer, updates, calls, permissions } = hearing;
  const isClosing = (): boolean => state.phase === "closing";
  const ends = createTurnEnds({
    onEvent: (event) => start.onEvent(event),
    takeRefusal: () => permissions.takeLastRefusal(),
    over: start.over,
    queued: words.waiting,
  });

  function remember(sessionId: string): void {
    const { mission_id: missionId } = start.envelope;
    rememberSession(start.intent, { missionId, sessionId, costUsd: updates.costUsd() });
  }

  /** Null: there is nothing more to say to it. */
  async function turn(sessionId: string, texts: readonly string[]): Promise<readonly string[] | null> {
    state.phase = "turn";
    updates.begin();
    leftovers.begin();
    start.onEvent({ type: "turn_started" });
    const prompt: PromptRequest = { sessionId, prompt: texts.map((text) => ({ type: "text", text })) };
    const answer = await peer.request("session/prompt", prompt, null);
    const said = updates.flush();
    calls.closeAll("the turn has ended");
    const left = leftovers.sweep();
    if (left > 0) start.transcript.note(`${left} processes that the turn had left behind were ended`);
    remember(sessionId);
    if (isClosing()) return null;
    state.phase = "waits";
    const end = ends.take(answer, said);
    switch (end.type) {
      case "prompt":
        await words.rest(end.afterMs);
        return isClosing() ? null : [end.text, ...words.take()];
      case "wait":
        return words.next();
      case "over":
        return null;
      case "broken":
        ending.giveUp(end);
        return null;
    }
  }

  const met = await introduce(peer, {
    start,
    known: known?.sessionId ?? null,
    onReplay: hearing.replay,
    onStanding: hearing.stands,
  });
  if (isClosing()) return;
  if (!met.ok) {
    ending.giveUp(met.problem);
    return;
  }
  const { sessionId, resumed } = met.session;
  state.sessionId = sessionId;
  state.closes = met.closes;
  hearing.agree();
  remember(sessionId);
  start.onEvent({ type: "accepted" });
  const begun = start.resumes || known !== null ? "begun" : "new";
  const first = missionPrompt(start.envelope, resumed ? "resumed" : begun);
  let next: readonly string[] | null = [first, ...words.take()];
  while (next !== null && !isClosing()) next = await turn(sessionId, next);
  await ending.close();
}
