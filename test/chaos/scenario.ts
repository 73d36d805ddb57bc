/** What a scenario is given and what it answers: one fault (or one family of them) on real processes. */

export interface ScenarioOptions {
  log(line: string): void;
}

export interface ScenarioResult {
  readonly injected: string;
  /** The condition, event or incident that showed it. */
  readonly detected: string;
  /** Null where there was nothing to detect. */
  readonly detectedAfterMs: number | null;
  /** How the fleet went on. */
  readonly recovered?: string;
  readonly recoveredAfterMs?: number;
  /** What was lost, as a sentence; null when nothing was. */
  readonly lost: string | null;
}

/** What a module may say of its scenario beside `run`. */
export interface About {
  /** Which part the fault hits. */
  readonly where?: string;
  /** Default: `SCENARIO_LIMIT_MS`. */
  readonly limitMs?: number;
  /** A network of its own, in which packets may be dropped. Needs `ip` and `iptables`. */
  readonly network?: boolean;
  /** Fills the machine by itself: nothing else is played beside it. */
  readonly alone?: boolean;
}

export interface Scenario extends About {
  run(options: ScenarioOptions): Promise<ScenarioResult>;
}

/**
 * A module below `scenarios/` is a scenario when it exports `run`, and several when it exports
 * `scenarios`; anything else is a helper. Names are those of the file or of the keys.
 */
export interface ScenarioModule {
  readonly run?: Scenario["run"];
  readonly about?: About;
  readonly scenarios?: Readonly<Record<string, Scenario>>;
}

/**
 * A scenario takes 5 to 40 s on an idle machine. Within this it has either ended or hangs; the longest single wait
 * of `test/e2e/world.ts` is 45 s.
 */
export const SCENARIO_LIMIT_MS = 150_000;

/** The machine lacks what the fault needs: the scenario neither passed nor failed. */
export class NotPossible extends Error {
  override readonly name = "NotPossible";
}
