/** The fleet's guardrails over time: looks, remembers, proposes (runbook 7). */

import { breachesOf } from "../../core/fleet/guardrails/breach.ts";
import { type Measures, measure, newestClosed } from "../../core/fleet/guardrails/measure.ts";
import { guardrailNews, type Said } from "../../core/fleet/guardrails/rollback.ts";
import { controllerPart } from "../../core/model/actor.ts";
import type { ClosedMission } from "../../core/model/clone-state.ts";
import { DEFAULT_FLEET_POLICY, type DesiredState } from "../../core/model/desired.ts";
import type { Breach, Pin, RollbackState } from "../../core/model/guardrail.ts";
import { iso } from "../../core/model/time.ts";
import { setInYaml } from "../../documents/edit.ts";
import type { Clock } from "../../ports/clock.ts";
import type { Log } from "../../ports/log.ts";
import type { Proposals } from "../../ports/proposals.ts";
import type { Source } from "../../ports/source.ts";
import type { Recorder } from "../record/recorder.ts";

const FLEET_FILE = "fleet.yaml";
const BY = controllerPart("guardrails");

export interface Rollback {
  /** Measures, compares, remembers. Called before every plan; costs nothing while nothing was closed. */
  look(desired: DesiredState | null): Promise<void>;
  /** Pushes the proposal of a pin that has none yet. Never throws; tried again with the next look at the repository. */
  propose(desired: DesiredState | null, signal: AbortSignal): Promise<void>;
  pin(): Pin | null;
  state(): RollbackState;
  measures(): Measures;
  breaches(): readonly Breach[];
}

export function createRollback(parts: {
  recorder: Recorder;
  source: Source;
  proposals: Proposals;
  clock: Clock;
  log: Log;
}): Rollback {
  const { recorder, source, proposals, clock, log } = parts;
  const state = (): RollbackState => recorder.fleet.guardrails;
  let window = DEFAULT_FLEET_POLICY.guardrails.closedMissionsWindow;
  let newest: readonly ClosedMission[] = newestClosed(recorder.states.values(), window, state().countFrom);
  let breaches: readonly Breach[] = [];

  recorder.onChange(({ before, after }) => {
    if (before.past === after.past) return;
    const ids = new Set(after.past.map(({ missionId }) => missionId));
    // The lane's closures anew, as they are now (a review may have changed an outcome), among the others' newest.
    const others = newest.filter(({ missionId }) => !ids.has(missionId));
    newest = newestClosed([after, { ...after, past: others }], window, state().countFrom);
  });

  recorder.onFleet(({ before, after }) => {
    const news = after.guardrails.turns.at(-1);
    if (news !== undefined && news !== before.guardrails.turns.at(-1))
      log.warn("guardrails", { turn: news.type, pin: news.pin, message: news.message });
    if (after.guardrails.countFrom !== before.guardrails.countFrom)
      newest = newestClosed(recorder.states.values(), window, after.guardrails.countFrom);
  });

  return {
    async look(desired) {
      // Without the file nobody knows what is allowed; a pin that was set stays.
      if (desired === null || desired.broken.has("fleet")) return;
      const policy = desired.fleet.guardrails;
      if (policy.closedMissionsWindow !== window) {
        window = policy.closedMissionsWindow;
        newest = newestClosed(recorder.states.values(), window, state().countFrom);
      }
      breaches = breachesOf(measure(newest, window), policy);
      const said: Said = {
        revision: desired.revision,
        mode: desired.fleet.mode,
        lift: policy.lift,
        sustainedMinutes: policy.sustainedMinutes,
      };
      if (guardrailNews(state(), said, { breaches, now: clock.now() }).length === 0) return;
      await recorder.writeFleet(({ guardrails }, now) => ({
        events: guardrailNews(guardrails, said, { breaches, now }),
      }));
    },

    async propose(desired, signal) {
      const { pin } = state();
      if (pin === null || pin.proposal !== null || pin.merged || desired === null) return;
      try {
        const snapshot = await source.open(desired.revision, signal);
        const entry = snapshot.entries.find(({ path }) => path === FLEET_FILE);
        if (entry === undefined) return;
        const blob = (await snapshot.readBlobs([entry.blob], signal)).get(entry.blob);
        const text = setInYaml(Buffer.from(blob ?? []).toString("utf8"), ["spec", "mode"], "in_core_only");
        const result = await proposals.propose(
          {
            id: pin.id,
            base: desired.revision,
            files: new Map([[FLEET_FILE, text]]),
            subject: `Roll back to in-core execution: ${pin.breaches.map(({ guardrail }) => guardrail).join(", ")}`,
            trailers: {
              "Factory-Rollback": pin.id,
              "Factory-Tripped-At": iso(pin.at),
              ...Object.fromEntries(
                pin.breaches.map(({ guardrail, message }) => [`Factory-Breach-${guardrail}`, message]),
              ),
            },
          },
          signal,
        );
        if (result.type !== "proposed") {
          log.warn("a rollback could not be proposed yet", { pin: pin.id, because: result.message });
          return;
        }
        const { branch, commit } = result;
        log.info("a rollback is proposed", { pin: pin.id, branch, commit });
        await recorder.writeFleet(({ guardrails }) =>
          guardrails.pin?.id === pin.id && guardrails.pin.proposal === null
            ? { events: [{ type: "pin.proposed", by: BY, id: pin.id, proposal: { branch, commit } }] }
            : null,
        );
      } catch (error) {
        log.warn("a rollback could not be proposed yet", { pin: pin.id, because: String(error) });
      }
    },

    pin: () => state().pin,
    state,
    measures: () => measure(newest, window),
    breaches: () => breaches,
  };
}
