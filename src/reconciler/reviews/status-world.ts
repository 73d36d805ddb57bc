/** The world as the status branch tells of it. */

import type { World } from "../../core/proposal/world.ts";
import { stateFrom } from "../../core/record/published.ts";
import {
  attemptsInto,
  fleetSnapshotOf,
  readHead,
  readPublished,
} from "../../core/record/published-record.ts";
import { recordFiles } from "../record/published-files.ts";

/** The status branch at one commit. */
export interface StatusTree {
  readonly commit: string;
  /** Texts by path, at least those below `RECORD_FOLDER`. */
  readonly files: ReadonlyMap<string, string>;
  /** The key that signed that commit; null: none did. Absent where nobody looked. */
  readonly signer?: string | null;
}

export interface LivedOfStatus {
  readonly world: World;
  /** The repository's name in that record, from which ids of missions are made; null: it tells of none. */
  readonly repository: string | null;
}

/**
 * What lives by the record that is published. A branch of which a part cannot be read tells nothing: half of a world
 * would pass for the whole. `null`: there is no such branch.
 */
export function livedOfStatus(
  status: StatusTree | null,
  /** Keys whose word is believed; without them nobody asks who wrote it. */
  keys?: readonly string[],
): LivedOfStatus {
  if (status === null) return assumed("There is no status branch here");
  const at = status.commit.slice(0, 12);
  const files = recordFiles(status.files);
  const problems: string[] = [];
  const attempt = attemptsInto(problems);
  const anchor = attempt(() => readHead(files));
  const { published, closures } = readPublished(files, attempt);
  const fleet = attempt(() => fleetSnapshotOf(files));
  const [problem] = problems;
  if (problem !== undefined) return assumed(`The status branch at ${at} cannot be used (${problem})`);
  if (anchor === null) return assumed(`The status branch at ${at} holds no record`);
  const states = new Map([...published].map(([name, lane]) => [name, stateFrom(lane, closures)]));
  return {
    world: {
      type: "recorded",
      commit: status.commit,
      states,
      fleet,
      ...(keys === undefined || isVouchedFor(status, keys) ? {} : { unverified: true }),
    },
    repository: anchor.repository,
  };
}

function isVouchedFor({ signer = null }: StatusTree, keys: readonly string[]): boolean {
  return signer !== null && keys.some((key) => key.startsWith(signer));
}

function assumed(why: string): LivedOfStatus {
  return { world: { type: "assumed", why }, repository: null };
}
