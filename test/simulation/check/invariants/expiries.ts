/** What has an end by time, has it: questions, pauses and waits, by the controller's own clock. */
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import type { HoldKind } from "../../../../src/core/model/hold.ts";
import { HOUR_MS, type Instant, MINUTE_MS } from "../../../../src/core/model/time.ts";
import { createDues } from "../dues.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** A record that is busy, and a look that takes as long as that. */
const WITHIN_MS = 2 * MINUTE_MS;
/** "Escalations … come back after 4 h." */
const REMIND_MS = 4 * HOUR_MS;
/** What says itself when it ends, and is not asked of the window or the provider. */
const BY_TIME: ReadonlySet<HoldKind> = new Set(["operator", "gate", "rollout", "budget"]);

const expiriesCome: Invariant = {
  name: "expiries-come",
  promise:
    "a question that nobody answers comes back after four hours and is denied when its time is over, and a hold until a moment does not outlast it",
  facts: ["recorded", "looked", "booted", "jumped", "lost", "rebuilding"],
  watch() {
    const states = new Map<string, CloneState>();
    /** When each open question was asked, acknowledged or brought back last, by clone and id. */
    const asked = new Map<string, Map<string, Instant>>();
    const dues = createDues<{ readonly clone: string; readonly message: string }>(WITHIN_MS);

    function follow(after: CloneState, at: Instant, touched: string | null): void {
      const before = asked.get(after.name);
      const now = new Map<string, Instant>();
      for (const { id } of after.requests) now.set(id, id === touched ? at : (before?.get(id) ?? at));
      if (now.size > 0) asked.set(after.name, now);
      else asked.delete(after.name);
    }

    /** Everything whose time is over by the controller's clock, by what it is. */
    function over(now: Instant): ReadonlyMap<string, { readonly clone: string; readonly message: string }> {
      const found = new Map<string, { readonly clone: string; readonly message: string }>();
      for (const { name, holds } of states.values())
        for (const { kind, owner, since, until, message } of holds)
          if (until !== undefined && until < now && BY_TIME.has(kind))
            found.set(`${name} ${kind} ${owner} ${since} ${until}`, {
              clone: name,
              message: `its hold was to end by itself and stands: ${message}`,
            });
      for (const [clone, questions] of asked)
        for (const [id, at] of questions) {
          const expiresAt = states.get(clone)?.requests.find((one) => one.id === id)?.expiresAt ?? null;
          if (expiresAt !== null && expiresAt < now)
            found.set(`${clone} expires ${id}`, { clone, message: `${id} has expired and is still open` });
          else if (at + REMIND_MS < now)
            found.set(`${clone} returns ${id} ${at}`, {
              clone,
              message: `${id} was not brought back for ${now - at} ms`,
            });
        }
      return found;
    }

    return {
      on(fact, elapsedMs): readonly Finding[] {
        switch (fact.type) {
          case "recorded": {
            const { clone, event, at } = fact.event;
            const { after } = fact;
            if (after.holds.length === 0 && after.requests.length === 0) states.delete(clone);
            else states.set(clone, after);
            const touches =
              !fact.ignored && (event.type === "request.reminded" || event.type === "request.acknowledged");
            if (event.type === "clone.restored") asked.delete(clone);
            if (after.requests.length > 0 || asked.has(clone))
              follow(after, at, touches ? event.request : null);
            return FINE;
          }
          case "looked": {
            const due = over(fact.now);
            dues.keep(new Set(due.keys()));
            for (const [key, what] of due) dues.owe(key, what, elapsedMs);
            return dues.looked(elapsedMs).flatMap(({ clone, message }) => found(clone, null, message));
          }
          case "lost":
          case "rebuilding":
            states.clear();
            asked.clear();
            return FINE;
          default:
            dues.beginAnew(elapsedMs);
            return FINE;
        }
      },
    };
  },
};

export const EXPIRY_INVARIANTS: readonly Invariant[] = [expiriesCome];
