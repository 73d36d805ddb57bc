import type { CloneState, ClosedMission } from "../../core/model/clone-state.ts";
import { sha256Hex } from "../../core/model/digest.ts";
import { FactoryError } from "../../core/model/error.ts";
import { createRedactor, REDACTED, type Redactor } from "../../core/model/redact.ts";
import { SECOND_MS } from "../../core/model/time.ts";
import type { OutputEvidence } from "../../core/model/verdict.ts";
import {
  asText,
  handedOut,
  isRedactionOf,
  leftOutBecause,
  NO_ROOM,
  type OutputPlace,
  type OutputPlaces,
  PUBLISHED_BYTES_ALL_MAX,
  PUBLISHED_BYTES_MAX,
  PUBLISHED_FILES_MAX,
  publishedPath,
  steers,
  UNPROVEN,
  WITHOUT_SECRETS,
} from "../../core/status/published-outputs.ts";
import type { Judge } from "../../ports/judge.ts";
import type { Log } from "../../ports/log.ts";
import type { Secrets } from "../../ports/secrets.ts";

/** Of one mission's secrets, that its outputs are looked through for. */
const SECRETS_MS_MAX = 10 * SECOND_MS;

export interface ClosedRun {
  readonly lane: CloneState;
  readonly closed: ClosedMission;
}

/** What stands on the status branch of all outputs together. */
export interface PublishedOutputs {
  readonly files: ReadonlyMap<string, string>;
  /** By the id of the mission. */
  readonly places: ReadonlyMap<string, OutputPlaces>;
}

export interface OutputPublisher {
  /**
   * Short texts of these missions, the newest closures first. `stands`: what is on the branch now. What was published once stays as it
   * is, also when its copy is gone from this machine, as long as it is what the record has the digest of.
   */
  among(missions: readonly ClosedRun[], stands: ReadonlyMap<string, string>): Promise<PublishedOutputs>;
  /** As it was worked out last; null for a mission that none were asked of. */
  placesOf(missionId: string): OutputPlaces | null;
}

interface Shown {
  readonly files: ReadonlyMap<string, string>;
  readonly bytes: number;
  readonly places: OutputPlaces;
}

type Output = ReturnType<typeof handedOut>[number];

export interface OutputPublisherParts {
  readonly judge: Pick<Judge, "readKept">;
  readonly secrets: Secrets;
  /** Never shown either. */
  readonly operatorToken: string;
  readonly log: Log;
}

export function createOutputPublisher(parts: OutputPublisherParts): OutputPublisher {
  const { textOf, redactorOf } = textsFrom(parts);
  /** By the outputs of a verdict, which are never changed, only replaced. */
  const settled = new WeakMap<readonly OutputEvidence[], Shown>();
  const withoutRoom = new WeakMap<readonly OutputEvidence[], OutputPlaces>();
  let latest: PublishedOutputs["places"] = new Map();

  async function shownOf(run: ClosedRun, stands: ReadonlyMap<string, string>): Promise<Shown> {
    const { closed } = run;
    const key = closed.verdict?.outputs ?? [];
    const known = settled.get(key);
    if (known !== undefined) return known;
    const files = new Map<string, string>();
    const places = new Map<string, OutputPlace>();
    const taken = { paths: [] as string[], bytes: 0 };
    const redactor = once(() => redactorOf(run.lane));
    let passing = false;
    for (const output of handedOut(closed)) {
      const path = publishedPath(closed, output.path);
      const because = leftOutBecause(output, taken);
      const found =
        because === null ? await textOf(output, { closed, stood: stands.get(path), redactor }) : null;
      passing ||= found?.passing === true;
      if (found?.text == null) {
        places.set(output.path, { path: null, because: because ?? found?.because ?? "" });
        continue;
      }
      files.set(path, found.text);
      places.set(output.path, { path, note: found.note });
      taken.paths.push(output.path);
      taken.bytes += output.bytes;
    }
    const bytes = [...files.values()].reduce((sum, text) => sum + Buffer.byteLength(text), 0);
    const shown = { files, bytes, places };
    if (!passing) settled.set(key, shown);
    return shown;
  }

  function roomless({ verdict }: ClosedMission): OutputPlaces {
    const key = verdict?.outputs ?? [];
    const places =
      withoutRoom.get(key) ??
      new Map(handedOut({ verdict }).map(({ path }) => [path, { path: null, because: NO_ROOM }]));
    withoutRoom.set(key, places);
    return places;
  }

  return {
    async among(missions, stands) {
      const files = new Map<string, string>();
      const places = new Map<string, OutputPlaces>();
      let bytes = 0;
      let full = false;
      for (const run of missions.filter(({ closed }) => handedOut(closed).length > 0).toSorted(newestFirst)) {
        const { closed } = run;
        const shown: Shown | null = full ? null : await shownOf(run, stands);
        // Whoever is newer goes first, also where something older and shorter would fit.
        full ||=
          shown === null ||
          files.size + shown.files.size > PUBLISHED_FILES_MAX ||
          bytes + shown.bytes > PUBLISHED_BYTES_ALL_MAX;
        places.set(closed.missionId, full || shown === null ? roomless(closed) : shown.places);
        if (full || shown === null) continue;
        for (const [path, text] of shown.files) files.set(path, text);
        bytes += shown.bytes;
      }
      latest = places;
      return { files, places };
    },
    placesOf: (missionId) => latest.get(missionId) ?? null,
  };
}

/** One output as it may be shown. */
function textsFrom(parts: OutputPublisherParts) {
  async function textOf(
    output: Output,
    at: {
      readonly closed: ClosedMission;
      readonly stood: string | undefined;
      readonly redactor: () => Promise<Redactor | null>;
    },
  ): Promise<Found> {
    const { stood } = at;
    if (stood !== undefined && sha256Hex(stood) === output.sha256) return there(stood);
    const redacted = stood?.includes(REDACTED) === true ? stood : null;
    const copy = await copyOf(at.closed.missionId, output);
    if (copy instanceof FactoryError)
      return redacted === null
        ? notNow(`its copy could not be read: ${copy.message}`)
        : there(redacted, UNPROVEN, true);
    // What was redacted cannot be compared with a copy that is gone, and is kept for what it was.
    if (copy === null)
      return redacted === null
        ? not("its copy is gone from the controller's machine")
        : there(redacted, UNPROVEN);
    const original = asText(copy);
    if (original === null) return not("it is not text in UTF-8");
    if (steers(original)) return not("it holds characters that are not seen, or that steer a terminal");
    const before = redacted !== null && isRedactionOf(redacted, original) ? redacted : null;
    const redactor = await at.redactor();
    if (redactor === null)
      return before === null
        ? notNow("the secrets of its clone could not be resolved, so it could not be looked through for them")
        : there(before, WITHOUT_SECRETS, true);
    // By what its clone's secrets are now and by what they were when it was published first.
    const text = redactor.text(before ?? original);
    if (Buffer.byteLength(text) > PUBLISHED_BYTES_MAX) return not("redacted it is too long");
    return there(text, text === original ? null : WITHOUT_SECRETS);
  }

  /** Null where there is no copy that the record has the digest of. */
  async function copyOf(
    missionId: string,
    { path, bytes, sha256 }: Output,
  ): Promise<Uint8Array | null | FactoryError> {
    try {
      const copy = await parts.judge.readKept(missionId, { path, from: 0, count: bytes + 1 });
      return copy !== null && sha256Hex(copy) === sha256 ? copy : null;
    } catch (error) {
      if (!(error instanceof FactoryError)) throw error;
      parts.log.warn("an output could not be read to be published", {
        missionId,
        path,
        message: error.message,
      });
      return error;
    }
  }

  /** Null where not every secret that the clone was given is known. */
  async function redactorOf({ spec }: CloneState): Promise<Redactor | null> {
    if (spec === null) return null;
    if (spec.secrets.length === 0) return createRedactor([parts.operatorToken]);
    // One that hangs holds its own mission's outputs back, and not the whole publication.
    const resolved = await parts.secrets
      .resolve(spec.secrets, AbortSignal.timeout(SECRETS_MS_MAX))
      .catch(() => null);
    if (resolved === null || resolved.missing.length > 0) return null;
    return createRedactor([...resolved.values.values(), parts.operatorToken]);
  }

  return { textOf, redactorOf };
}

/** `passing`: asked again with the next publication. */
interface Found {
  readonly text: string | null;
  readonly note: string | null;
  readonly because: string;
  readonly passing: boolean;
}

function there(text: string, note: string | null = null, passing = false): Found {
  return { text, note, because: "", passing };
}

function not(because: string): Found {
  return { text: null, note: null, because, passing: false };
}

function notNow(because: string): Found {
  return { ...not(because), passing: true };
}

function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

function newestFirst({ closed: a }: ClosedRun, { closed: b }: ClosedRun): number {
  return b.closedAt - a.closedAt || (a.missionId < b.missionId ? -1 : 1);
}
