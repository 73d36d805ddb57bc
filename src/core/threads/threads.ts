/** Which threads there should be on the forge: one for each mission of which something waits for people. */
import type { CloneState } from "../model/clone-state.ts";
import type { FleetPolicy } from "../model/desired.ts";
import { sha256Hex } from "../model/digest.ts";
import type { AnsweredRequest } from "../model/request.ts";
import type { ShownThread } from "../model/thread.ts";
import type { Instant } from "../model/time.ts";
import type { InboxItem } from "../status/view.ts";
import { isAsked, type Question, questionOf } from "./questions.ts";
import { threadText } from "./text.ts";

export interface ThreadWanted {
  /** Mission id, or `clone/<name>`. */
  readonly key: string;
  /** By it the issue is found again. */
  readonly marker: string;
  readonly subject: string;
  readonly clone: string;
  readonly missionId: string | null;
  readonly title: string;
  /** Markdown. */
  readonly body: string;
  /** What the body stands for: it is not written anew for a number that moves. */
  readonly bodyKey: string;
  /** None: it is closed. */
  readonly questions: readonly Question[];
}

export interface ThreadsWanted {
  readonly threads: readonly ThreadWanted[];
  /** Missions of which something waits and for which there is no room; the inbox has them. */
  readonly left: number;
}

/** At the same time, the most serious first. More of them are a fault of something, and nobody reads a hundred issues. */
export const THREADS_OPEN_MAX = 100;

/** `items`: the inbox, most serious first. `shown`: what stands there as far as we know. */
export function threadsWanted(
  items: readonly InboxItem[],
  facts: {
    readonly states: ReadonlyMap<string, CloneState>;
    readonly shown: Readonly<Record<string, ShownThread>>;
    readonly caps: FleetPolicy["caps"] | null;
    readonly now: Instant;
    /** Whether comments are obeyed there: somebody has a role. */
    readonly obeyed: boolean;
  },
): ThreadsWanted {
  const { obeyed } = facts;
  const lanes = lanesByName(facts.states);
  const groups = new Map<string, { readonly home: Home; readonly asked: Asked[] }>();
  for (const item of items) {
    const state = lanes.get(item.subject);
    if (state === undefined || !isAsked(item)) continue;
    const home = homeOf(item, state);
    const group = groups.get(home.key) ?? { home, asked: [] };
    group.asked.push({ item, state });
    groups.set(home.key, group);
  }
  // Of a large fleet thousands may wait: what has no thread is not put into words.
  const open = [...groups.values()].slice(0, THREADS_OPEN_MAX);
  const over = Object.entries(facts.shown).filter(([key, thread]) => thread.open && !groups.has(key));
  return {
    threads: [
      ...open.map(({ home, asked }) =>
        wanted(
          home,
          asked.map(({ item, state }) => questionOf(item, state, facts)),
          { answered: [], obeyed },
        ),
      ),
      ...over.map(([key, thread]) => {
        const answered = answeredIn(facts.states.get(thread.clone), thread.missionId);
        return wanted({ ...thread, key, run: null }, [], { answered, obeyed });
      }),
    ],
    left: groups.size - open.length,
  };
}

interface Asked {
  readonly item: InboxItem;
  readonly state: CloneState;
}

/** What a thread is about. */
interface Home {
  readonly key: string;
  readonly subject: string;
  readonly clone: string;
  readonly missionId: string | null;
  readonly run: number | null;
}

/** A name that a mission has now is that mission's, whoever had it before. */
function lanesByName(states: ReadonlyMap<string, CloneState>): ReadonlyMap<string, CloneState> {
  const lanes = new Map<string, CloneState>();
  for (const state of states.values()) for (const { name } of state.past) lanes.set(name, state);
  for (const state of states.values()) lanes.set(state.name, state);
  for (const state of states.values()) if (state.mission !== null) lanes.set(state.mission.name, state);
  return lanes;
}

/** The mission that the question names, else the one that has or had the lane last. */
function homeOf({ id }: InboxItem, { name: clone, mission, past }: CloneState): Home {
  const missions = [
    ...(mission === null ? [] : [{ ...mission, run: mission.contract.run }]),
    ...[...past].reverse(),
  ];
  const named = missions.find(({ name }) => id.startsWith(`${name}.`) || id.startsWith(`${name}/`));
  const found = named ?? missions[0];
  if (found === undefined)
    return { key: `clone/${clone}`, subject: clone, clone, missionId: null, run: null };
  const { missionId, name, run } = found;
  return { key: missionId, subject: name, clone, missionId, run };
}

function answeredIn(state: CloneState | undefined, missionId: string | null): readonly AnsweredRequest[] {
  if (state === undefined || missionId === null) return [];
  const missions = [...(state.mission === null ? [] : [state.mission]), ...state.past];
  return missions.find((one) => one.missionId === missionId)?.answered ?? [];
}

function wanted(
  home: Home,
  questions: readonly Question[],
  { answered, obeyed }: { readonly answered: readonly AnsweredRequest[]; readonly obeyed: boolean },
): ThreadWanted {
  const { key, subject, clone, missionId } = home;
  return {
    key,
    marker: threadMarker(key),
    subject,
    clone,
    missionId,
    ...threadText(home, { questions, answered, obeyed }),
    bodyKey: JSON.stringify([obeyed, questions.map(factsOf), answered.map(({ id }) => id)]),
    questions,
  };
}

/** Ids may hold signs that a marker may not. */
export function threadMarker(key: string): string {
  return `thread/${sha256Hex(key).slice(0, 32)}`;
}

/** What has to change for the text to be written anew. */
function factsOf({ short, digest, item: { severity, request } }: Question): unknown {
  if (request === undefined) return [short, digest, severity];
  const { reminders, acknowledged, votes, quorum, expiresAt } = request;
  return [short, digest, severity, reminders, acknowledged, votes, quorum, expiresAt];
}
