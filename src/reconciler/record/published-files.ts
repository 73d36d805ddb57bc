import { ACTIONS_PER_MISSION_MAX, type ActionCounts } from "../../core/model/action.ts";
import type { CloneState, ClosedMission } from "../../core/model/clone-state.ts";
import type { FleetState } from "../../core/model/fleet-state.ts";
import { type Anchor, anchorText } from "../../core/record/anchor.ts";
import { publishedClone, textOf } from "../../core/record/published.ts";
import { actionTexts } from "../../core/record/published-actions.ts";
import { fleetText } from "../../core/record/published-fleet.ts";
import type { Store } from "../../ports/store.ts";
import type { StatusText } from "../publish/write-back.ts";

/** Where the status branch keeps what `factory restore` needs. */
export const JOURNAL_PATH = ".factory/journal.json";
export const FLEET_PATH = ".factory/fleet.json";
/** What an older program kept there of the fleet; removed with the next publication. */
export const SETTINGS_PATH = ".factory/settings.json";
export const clonePath = (clone: string): string => `.factory/record/${clone}.json`;
export const closedPath = (clone: string, closed: { readonly name: string; readonly run: number }): string =>
  `.factory/closed/${clone}/${closed.name}.${closed.run}.json`;
export const actionsPath = (clone: string, part: number): string => `.factory/actions/${clone}/${part}.json`;
/** Trailer of every commit: `<seq> <hash>`. */
export const JOURNAL_TRAILER = "Factory-Journal-Head";

/** States and closures are never changed, only replaced. */
const CLONE_TEXTS = new WeakMap<CloneState, string>();
const CLOSED_TEXTS = new WeakMap<ClosedMission, string>();
const FLEET_TEXTS = new WeakMap<FleetState, string>();
/** By the counts of a mission, which are replaced with every event of its ledger. */
const ACTION_TEXTS = new WeakMap<ActionCounts, readonly string[]>();
/** Texts written anew before others get their turn. */
const TEXTS_PER_TURN = 100;

/**
 * Adds the record to what is published. These files ride along: they change with every report of a
 * shim, and by themselves they cause no commit but the one that is due every few minutes.
 */
export async function withRecordFiles(
  text: StatusText,
  record: {
    readonly states: ReadonlyMap<string, CloneState>;
    readonly fleet: FleetState;
    readonly anchor: Anchor | null;
    readonly store: Pick<Store, "actions">;
  },
): Promise<StatusText> {
  const { anchor } = record;
  // Nothing is recorded yet, so there is nothing to rebuild.
  if (anchor === null) return text;
  const riders = new Map<string, string>();
  let written = 0;
  const remember = <K extends object>(texts: WeakMap<K, string>, key: K, make: () => string): string => {
    const known = texts.get(key);
    if (known !== undefined) return known;
    const text = make();
    texts.set(key, text);
    written += 1;
    return text;
  };
  for (const state of record.states.values()) {
    riders.set(
      clonePath(state.name),
      remember(CLONE_TEXTS, state, () => textOf(publishedClone(state))),
    );
    for (const closed of state.past) {
      riders.set(
        closedPath(state.name, closed),
        remember(CLOSED_TEXTS, closed, () => textOf(closed)),
      );
      if (written >= TEXTS_PER_TURN) await othersTurn();
    }
    if (written >= TEXTS_PER_TURN) await othersTurn();
  }
  for (const { name, mission } of record.states.values()) {
    if (mission === null || mission.actions.claimed === 0) continue;
    let texts = ACTION_TEXTS.get(mission.actions);
    if (texts === undefined) {
      const { missionId } = mission;
      texts = actionTexts(await record.store.actions({ missionId, limit: ACTIONS_PER_MISSION_MAX }));
      ACTION_TEXTS.set(mission.actions, texts);
    }
    for (const [part, content] of texts.entries()) riders.set(actionsPath(name, part + 1), content);
  }
  riders.set(JOURNAL_PATH, anchorText(anchor));
  riders.set(
    FLEET_PATH,
    remember(FLEET_TEXTS, record.fleet, () => fleetText(record.fleet)),
  );
  return {
    ...text,
    riders,
    trailers: { ...text.trailers, [JOURNAL_TRAILER]: `${anchor.seq} ${anchor.hash}` },
  };

  function othersTurn(): Promise<void> {
    written = 0;
    return new Promise((resolve) => setImmediate(resolve));
  }
}

/** The end of the chain as it is on the disk now; null while nothing is recorded. */
export async function anchorOf(
  store: Store,
  names: Pick<Anchor, "installation" | "repository">,
): Promise<Anchor | null> {
  const [first] = await store.events({ limit: 1 });
  const [last] = await store.events({ last: 1, limit: 1 });
  if (first === undefined || last === undefined) return null;
  return { ...names, seq: last.seq, hash: last.hash, first: first.hash };
}
