/** A life that one invariant watches, event by event, as the checker would. */

import { decide } from "../../src/core/clone/decide.ts";
import type { CloneEvent } from "../../src/core/model/event.ts";
import type { Fact } from "../simulation/check/fact.ts";
import { INVARIANTS } from "../simulation/check/invariants.ts";
import { Life } from "./fleet.ts";

export class WatchedLife extends Life {
  /** What the invariant found, oldest first. */
  readonly found: string[] = [];
  readonly #watcher;
  readonly #facts;
  #seq = 0;

  constructor(invariant: string) {
    super();
    const named = INVARIANTS.find(({ name }) => name === invariant);
    if (named === undefined) throw new RangeError(`there is no invariant ${invariant}`);
    this.#watcher = named.watch();
    this.#facts = named.facts;
  }

  /** True time is taken to be the clone's clock. */
  override on(event: CloneEvent, afterMs = 1_000): this {
    const before = this.state;
    super.on(event, afterMs);
    const { state: after, effects, ignored } = decide(before, event, this.at);
    const stored = {
      seq: ++this.#seq,
      at: this.at,
      clone: after.name,
      missionId: null,
      event,
      hash: "",
      prevHash: "",
    };
    return this.tells({
      type: "recorded",
      event: stored,
      before,
      after,
      effects,
      ignored: ignored !== undefined,
      decidedMs: this.at,
    });
  }

  /** What only a witness knows. */
  tells(fact: Fact): this {
    if (!this.#facts.includes(fact.type)) return this;
    this.found.push(...(this.#watcher.on?.(fact, this.at) ?? []).map(({ message }) => message));
    return this;
  }
}
