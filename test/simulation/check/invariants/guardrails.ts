/** The pin: it comes after a guardrail was left for long enough, holds until somebody or time takes it away, and is in force meanwhile. */
import type { FleetEvent } from "../../../../src/core/model/fleet-event.ts";
import type { RollbackState } from "../../../../src/core/model/guardrail.ts";
import { HOUR_MS, type Instant, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { FINE, type Finding, found, type Invariant, type Wanted } from "../fact.ts";

/** What a pin that nobody makes permanent is promised to last. */
const HOLDS_MS = 24 * HOUR_MS;
/** Longer than a controller stands still, which plans on with what it had read. */
const KNOWN_AFTER_MS = 20 * MINUTE_MS;

interface Held {
  readonly id: string;
  readonly sinceMs: number;
  until: Instant;
  merged: boolean;
}

/** Follows breaches and the pin by their names, apart from the fold, and asks the files what a commit really said. */
const pinFollowsGuardrails: Invariant = {
  name: "pin-follows-guardrails",
  ofOneRecord: true,
  promise:
    "the fleet is pinned only after a guardrail stayed breached for its time, and the pin holds and is obeyed until a commit or its time ends it",
  facts: ["recorded", "fleet-recorded", "repository"],
  watch() {
    const revisions = new Map<string, Wanted>();
    const since = new Map<string, Instant>();
    let pin: Held | null = null;

    function restore(known: RollbackState | undefined, elapsedMs: number): void {
      since.clear();
      for (const [guardrail, at] of Object.entries(known?.since ?? {})) since.set(guardrail, at);
      const held = known?.pin ?? null;
      pin =
        held === null
          ? null
          : { id: held.id, sinceMs: elapsedMs, until: held.expiresAt, merged: held.merged };
    }

    function placed(event: Extract<FleetEvent, { type: "pin.placed" }>, at: Instant): string | null {
      if (pin !== null) return `${pin.id} holds already`;
      const wanted = revisions.get(event.revision);
      if (wanted?.mode === "in_core_only") return "its revision says in_core_only";
      const lastedMs = at - Math.min(at, ...since.values());
      if (since.size === 0) return "no guardrail is breached";
      const neededMs = (wanted?.sustainedMinutes ?? 0) * MINUTE_MS;
      return lastedMs >= neededMs
        ? null
        : `nothing was breached for longer than ${lastedMs} of ${neededMs} ms`;
    }

    function ended(
      event: Extract<FleetEvent, { type: "pin.expired" | "pin.lifted" }>,
      at: Instant,
    ): string | null {
      if (pin?.id !== event.id) return "it does not hold";
      if (event.type === "pin.expired") {
        if (pin.merged) return "it is permanent";
        return at < pin.until ? "its time is not over" : null;
      }
      const { mode = null, lift } = saidBy(event) ?? {};
      if (mode === null || lift === event.id) return null;
      return pin.merged && mode === "normal"
        ? null
        : `the commit says ${mode} and the pin was merged: ${pin.merged}`;
    }

    /** What the commit says by which something is done; undefined where nobody saw it. */
    function saidBy({ by }: FleetEvent): Wanted | undefined {
      return by.type === "repository" && by.commit !== null ? revisions.get(by.commit) : undefined;
    }

    /** What is wrong with it, in words; null when it is the next one. */
    function step(event: FleetEvent, at: Instant, elapsedMs: number): string | null {
      let wrong: string | null = null;
      switch (event.type) {
        case "fleet.restored":
        case "fleet.upgraded":
          restore(event.snapshot?.guardrails, elapsedMs);
          return null;
        case "guardrail.breached":
          if (!since.has(event.breach.guardrail)) since.set(event.breach.guardrail, at);
          return null;
        case "guardrail.recovered":
          return since.delete(event.guardrail) ? null : "it was not breached";
        case "pin.placed":
          wrong = placed(event, at);
          pin = { id: event.id, sinceMs: elapsedMs, until: at + HOLDS_MS, merged: false };
          return wrong;
        case "pin.renewed":
          if (pin?.id !== event.id) return "it does not hold";
          wrong = at < pin.until ? "its time is not over" : null;
          pin.until = at + HOLDS_MS;
          return wrong;
        case "pin.merged": {
          if (pin?.id !== event.id) return "it does not hold";
          pin.merged = true;
          return saidBy(event)?.mode === "normal" ? "its commit says normal" : null;
        }
        case "pin.expired":
        case "pin.lifted":
          wrong = ended(event, at);
          pin = null;
          if (event.type === "pin.lifted") since.clear();
          return wrong;
        default:
          return null;
      }
    }

    return {
      on(fact, elapsedMs): readonly Finding[] {
        if (fact.type === "repository" && fact.ok) revisions.set(fact.wanted.revision, fact.wanted);
        if (fact.type === "recorded" && pin !== null && fact.decidedMs - pin.sinceMs > KNOWN_AFTER_MS) {
          const { event, after, effects } = fact;
          const begins = effects.some(({ type }) => type === "prepare");
          return begins && after.mission?.dispatchedAt === null
            ? found(event.clone, event.seq, `${after.mission.name} is begun although ${pin.id} holds`)
            : FINE;
        }
        if (fact.type !== "fleet-recorded") return FINE;
        const { event, seq, at } = fact.event;
        const wrong = step(event, at, elapsedMs);
        return wrong === null ? FINE : found(null, seq, `${event.type} is recorded although ${wrong}`);
      },
      at({ pin: said }) {
        if (said === undefined || said === (pin?.id ?? null)) return FINE;
        return found(
          null,
          null,
          `${pin?.id ?? "no pin"} holds by the record, and the controller says ${said}`,
        );
      },
    };
  },
};

export const GUARDRAIL_INVARIANTS: readonly Invariant[] = [pinFollowsGuardrails];
