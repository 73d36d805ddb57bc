/** The kill switch belongs to people: what they engaged holds until they release it, and nothing else lets go of it. */
import { entryKey, type SwitchScope, scopeText } from "../../../../src/core/model/kill-switch.ts";
import { FINE, type Finding, found, type Invariant } from "../fact.ts";

/** Of a scope, or of everything. */
function concerns(asked: SwitchScope | null, scope: string): boolean {
  return asked === null || scopeText(asked) === scope;
}

/**
 * The witness says what people asked for, and what stands in the file and in `fleet.yaml`. A release counts only when it
 * was asked for after that engagement was first seen anywhere.
 */
const releasesAreAskedFor: Invariant = {
  name: "releases-are-asked-for",
  promise: "the kill switch is released by a person who asked for it, or by a commit that takes it back",
  facts: ["fleet-recorded", "repository", "switched", "switch-asked", "booted"],
  watch() {
    /** Somebody tells what people ask for: a record alone does not say. */
    let witnessed = false;
    /** True time at which an engagement was first seen, by what it is. */
    const seen = new Map<string, number>();
    const asked: { readonly scope: SwitchScope | null; readonly by: string; readonly atMs: number }[] = [];
    /** When `fleet.yaml` was last seen not to name a scope, and when it was last put on record that it does. */
    const declaredMs = new Map<string, number>();
    let named: { readonly scopes: ReadonlySet<string>; readonly atMs: number } | null = null;
    const absentMs = new Map<string, number>();

    function see(entry: Parameters<typeof entryKey>[0], atMs: number): void {
      const key = entryKey(entry);
      if (!seen.has(key)) seen.set(key, atMs);
    }

    return {
      on(fact, elapsedMs) {
        if (fact.type === "booted") witnessed = true;
        if (fact.type === "switched") for (const entry of fact.engaged) see(entry, elapsedMs);
        if (fact.type === "switch-asked" && fact.what === "release")
          asked.push({ scope: fact.scope, by: fact.by, atMs: elapsedMs });
        if (fact.type === "repository" && fact.ok && fact.wanted.switched != null) {
          const scopes = new Set(fact.wanted.switched.map((name) => `mission ${name}`));
          named = { scopes, atMs: elapsedMs };
          for (const scope of declaredMs.keys()) if (!scopes.has(scope)) absentMs.set(scope, elapsedMs);
        }
        if (fact.type !== "fleet-recorded") return FINE;
        const { event, decidedMs } = fact;
        const recorded = event.event;
        if (recorded.type === "switch.engaged" && recorded.from === "repository") {
          const scope = scopeText(recorded.entry.scope);
          declaredMs.set(scope, decidedMs);
          absentMs.delete(scope);
        } else if (recorded.type === "switch.engaged") see(recorded.entry, decidedMs);
        if (recorded.type !== "switch.released" || !witnessed) return FINE;
        const scope = scopeText(recorded.entry.scope);
        if (recorded.from === "repository") {
          // A commit that was read while the engagement was on its way to the record counts as well.
          const taken = absentMs.has(scope) || (named !== null && !named.scopes.has(scope));
          return taken
            ? FINE
            : found(
                null,
                event.seq,
                `fleet.yaml engages it for ${scope}, and the record says that it was taken back`,
              );
        }
        const { entry } = recorded;
        const since = seen.get(entryKey(entry)) ?? Number.NEGATIVE_INFINITY;
        const meant = asked.some(
          (one) => concerns(one.scope, scope) && one.by === entry.releasedBy && one.atMs >= since,
        );
        return meant
          ? FINE
          : found(
              null,
              event.seq,
              `it is released for ${scope} by ${entry.releasedBy}, who did not ask for that`,
            );
      },
    };
  },
};

/**
 * The witness keeps a list of its own: what was engaged by a command that was answered, or is on record. A controller
 * that starts says the same, with what it finds: the file, the record, or a record that was rebuilt.
 */
const engagedStaysEngaged: Invariant = {
  name: "engaged-stays-engaged",
  promise:
    "what people engaged is in force, and in the file that shims read, until they release it, whatever crashes or is lost in between",
  facts: [
    "fleet-recorded",
    "switched",
    "switch-asked",
    "switch-answered",
    "booted",
    "lost",
    "rebuilding",
    "rebuilt",
  ],
  watch() {
    const owed = new Set<string>();
    /** Commands that were not answered yet. */
    let engaging = new Map<number, SwitchScope>();
    let releasing = new Map<number, SwitchScope | null>();
    /** A record that is lost and not rebuilt knows nothing; nothing starts on it. */
    let lost = false;
    /** What the file says. */
    let written: ReadonlySet<string> = new Set();

    function owe(scope: string): void {
      // A release that is on its way may come after it.
      if ([...releasing.values()].every((asked) => !concerns(asked, scope))) owed.add(scope);
    }

    return {
      on(fact) {
        switch (fact.type) {
          case "switch-asked":
            if (fact.what === "engage") {
              if (fact.ask !== null && fact.scope !== null) engaging.set(fact.ask, fact.scope);
              return FINE;
            }
            for (const scope of owed) if (concerns(fact.scope, scope)) owed.delete(scope);
            // What was asked for before and is answered after it may have been overtaken by it.
            for (const [ask, scope] of engaging)
              if (concerns(fact.scope, scopeText(scope))) engaging.delete(ask);
            if (fact.ask !== null) releasing.set(fact.ask, fact.scope);
            return FINE;
          case "switch-answered": {
            const scope = engaging.get(fact.ask);
            engaging.delete(fact.ask);
            releasing.delete(fact.ask);
            if (scope !== undefined && fact.ok) owe(scopeText(scope));
            return FINE;
          }
          case "switched":
            written = new Set(fact.engaged.map(({ scope }) => scopeText(scope)));
            return FINE;
          case "booted":
            engaging = new Map();
            releasing = new Map();
            return FINE;
          case "lost":
          case "rebuilding":
            lost = true;
            return FINE;
          case "rebuilt":
            lost = false;
            return FINE;
          case "fleet-recorded": {
            const { event } = fact.event;
            if (event.type === "switch.engaged" && event.from !== "repository")
              owe(scopeText(event.entry.scope));
            if (event.type === "switch.released" && event.from !== "repository")
              owed.delete(scopeText(event.entry.scope));
            return FINE;
          }
          default:
            return FINE;
        }
      },
      at({ inForce, calm }): readonly Finding[] {
        if (inForce == null || lost) return FINE;
        const said = new Set(inForce.map(({ scope }) => scopeText(scope)));
        return [...owed].flatMap((scope) => {
          const still = `it was engaged for ${scope}, nobody released it, and it is not in`;
          if (!said.has(scope)) return found(null, null, `${still} force`);
          return calm && !written.has(scope) ? found(null, null, `${still} the file`) : FINE;
        });
      },
    };
  },
};

export const SWITCH_PEOPLE_INVARIANTS: readonly Invariant[] = [releasesAreAskedFor, engagedStaysEngaged];
