/**
 * Budgets by what instances really said that they used, and when a controller heard of it: the part at which people are
 * asked, and the end of a limit, are not missed, and nobody is held for what nobody used.
 */
import {
  createLimitBook,
  FIELD_OF,
  type LaneLimits,
  limitOf,
  pausePercentOf,
} from "../../../../src/core/check/oracle/limits.ts";
import type { CloneState } from "../../../../src/core/model/clone-state.ts";
import { METERS, type MeterName } from "../../../../src/core/model/event.ts";
import { MINUTE_MS } from "../../../../src/core/model/time.ts";
import { createDues } from "../dues.ts";
import { FINE, type Finding, found, type Heard, type Invariant, type Recorded } from "../fact.ts";

/** A controller that has just begun gives the last words of an instance a minute to come. */
const WITHIN_MS = 90_000;
/** Of a limit: what is rounded for people. */
const TOLERANCE = 0.002;

/** What one instance said in all. */
interface Told {
  llm_calls: number;
  cost_usd: number;
  runtime_minutes: number;
}

interface Lane {
  missionId: string;
  limits: LaneLimits;
  state: CloneState;
  /** By epoch; those of its mission. */
  readonly told: Map<number, Told>;
  /** Its record was lost and rebuilt: what was told before is known to nobody. */
  blind: boolean;
}

const budgetInTime: Invariant = {
  name: "budget-in-time",
  promise:
    "who has reached the part of a limit at which people are asked is held soon after the controller could know, and for calls and money nobody is held before",
  facts: ["recorded", "heard", "spent", "looked", "booted", "jumped", "lost", "rebuilding"],
  watch() {
    const book = createLimitBook();
    const lanes = new Map<string, Lane>();
    /** What really was used, by `<clone>/<epoch>`. */
    const used = new Map<string, { llm_calls: number; cost_usd: number }>();
    const dues = createDues<{ readonly clone: string; readonly message: string }>(WITHIN_MS);

    function follow(fact: Recorded): Finding[] {
      const { after, event } = fact;
      const { clone } = event;
      const limits = book.take(fact).after;
      const { mission } = after;
      if (mission === null || limits === null) {
        lanes.delete(clone);
        return [];
      }
      const known = lanes.get(clone);
      const lane: Lane =
        known?.missionId === mission.missionId
          ? known
          : { missionId: mission.missionId, limits, state: after, told: new Map(), blind: false };
      lane.limits = limits;
      lane.state = after;
      lanes.set(clone, lane);
      const said = event.event;
      if (said.type === "clone.restored") lane.blind = true;
      if (said.type === "instance.reported" && !fact.ignored)
        note(lane, said.epoch, {
          llmCalls: said.report.llmCalls,
          costUsd: said.report.costMicros === null ? null : said.report.costMicros / 1e6,
          activeMs: said.report.activeMs ?? 0,
        });
      if (said.type === "stop.finished" && !fact.ignored)
        note(lane, said.epoch, { llmCalls: null, costUsd: null, activeMs: said.activeMs ?? 0 });
      if (said.type !== "budget.crossed" || fact.ignored || lane.blind || said.meter === "runtime_minutes")
        return [];
      const really = [...lane.told.keys()].reduce(
        (sum, epoch) => sum + (used.get(`${clone}/${epoch}`)?.[said.meter as "llm_calls" | "cost_usd"] ?? 0),
        0,
      );
      return said.used <= really + TOLERANCE
        ? []
        : [...found(clone, event.seq, `${said.meter} is put at ${said.used}, and ${really} were used`)];
    }

    function heard({ clone, epoch, used: said }: Heard): void {
      const lane = lanes.get(clone);
      if (lane === undefined || said === undefined || lane.state.instance?.epoch !== epoch) return;
      note(lane, epoch, said);
    }

    /** The meters that are so far, with what the controller was told. */
    function reached({
      limits,
      told,
      blind,
    }: Lane): readonly { meter: MeterName; used: number; limit: number }[] {
      return METERS.flatMap((meter) => {
        const limit = limitOf(limits, FIELD_OF[meter]);
        if (limit === null || (blind && meter === "runtime_minutes")) return [];
        const sum = [...told.values()].reduce((all, one) => all + one[meter], 0);
        const part = pausePercentOf(limits) / 100;
        return sum > 0 && sum >= part * limit + TOLERANCE ? [{ meter, used: sum, limit }] : [];
      });
    }

    return {
      on(fact, elapsedMs): readonly Finding[] {
        switch (fact.type) {
          case "recorded":
            // Whoever is launched uses nothing before: an epoch that is known is one of this mission.
            for (const effect of fact.effects)
              if (effect.type === "launch") {
                const findings = follow(fact);
                lanes.get(fact.event.clone)?.told.set(effect.epoch, nothing());
                return findings;
              }
            return follow(fact);
          case "heard":
            heard(fact);
            return FINE;
          case "spent": {
            const key = `${fact.clone}/${fact.epoch}`;
            used.set(key, { llm_calls: fact.llmCalls ?? 0, cost_usd: fact.costUsd ?? 0 });
            return FINE;
          }
          case "looked": {
            const keys = new Set<string>();
            for (const [clone, lane] of lanes) {
              if (isAnswered(lane.state)) continue;
              for (const { meter, used: sum, limit } of reached(lane)) {
                const key = `${clone} ${lane.missionId} ${meter} ${limit}`;
                keys.add(key);
                const message = `${meter} was told to be at ${sum} of ${limit}, and nobody is asked about it`;
                dues.owe(key, { clone, message }, elapsedMs);
              }
            }
            dues.keep(keys);
            return dues.looked(elapsedMs).flatMap(({ clone, message }) => found(clone, null, message));
          }
          case "lost":
          case "rebuilding":
            lanes.clear();
            return FINE;
          default:
            dues.beginAnew(elapsedMs);
            return FINE;
        }
      },
    };
  },
};

/** It is held and asked about, or over, or on its way to its end. */
function isAnswered({ mission, instance, holds }: CloneState): boolean {
  if (mission === null || mission.terminal !== null) return true;
  if (instance !== null && instance.stopping !== null) return true;
  return holds.some(({ kind, owner }) => kind === "budget" && owner === "supervisor");
}

function nothing(): Told {
  return { llm_calls: 0, cost_usd: 0, runtime_minutes: 0 };
}

function note(
  { told }: Lane,
  epoch: number,
  { llmCalls, costUsd, activeMs }: { llmCalls: number | null; costUsd: number | null; activeMs: number },
): void {
  const one = told.get(epoch) ?? nothing();
  one.llm_calls = Math.max(one.llm_calls, llmCalls ?? 0);
  one.cost_usd = Math.max(one.cost_usd, costUsd ?? 0);
  one.runtime_minutes = Math.max(one.runtime_minutes, activeMs / MINUTE_MS);
  told.set(epoch, one);
}

export const SPENDING_INVARIANTS: readonly Invariant[] = [budgetInTime];
