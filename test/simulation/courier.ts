/** The way between a shim and the controller: slow, lossy, and not always in order. */

import type { WireEvent } from "../../src/api/event.ts";
import type { WireHeartbeat } from "../../src/api/heartbeat.ts";
import type { ControlPlane, InstanceCaller } from "../../src/ports/control-plane.ts";
import type { Dice } from "./dice.ts";
import type { Body } from "./machine.ts";
import type { World } from "./world.ts";

export interface Courier {
  /** Something was put into the outbox. */
  wake(): void;
  beat(heartbeat: WireHeartbeat, intervalMs: number): void;
  /** A question that has an answer, if it comes back. */
  ask<T>(work: (plane: ControlPlane, who: InstanceCaller) => Promise<T>): Promise<T | null>;
  /** Whether a round trip to the controller succeeds now. */
  ping(): boolean;
  moveTo(callbackUrl: string): void;
  /** Its shim is stopped: nothing is sent, and nothing is forgotten. */
  freeze(frozen: boolean): void;
  /** For how long it has not answered, tried or not. */
  silentMs(): number;
  /** For how long the controller was tried in vain. */
  unreachedMs(): number;
  stop(): void;
}

const ATTEMPT_TIMEOUT_MS = 10_000;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 60_000;
/** Copies that a network keeps turn up this late. */
const GHOST_MS_MAX = 600_000;
const OVERTAKES_CHANCE = 0.3;

/** What every simulated installation signs its tokens with. */
export const KEY = new Uint8Array(32).fill(7);
export const OPERATOR_TOKEN = "operator";

export function createCourier(
  world: World,
  body: Body,
  options: { readonly dice: Dice; readonly onFenced: () => void },
): Courier {
  const { dice } = options;
  const { token } = body.request;
  const overtaking = dice.fork("overtaking");
  let callbackUrl = body.request.callbackUrl;
  let acknowledged = 0;
  let failures = 0;
  let sending = false;
  let stopped = false;
  let frozen = false;
  let heardSeq = 0;
  let reachedAtMs = world.timeline.elapsedMs;
  let missedAtMs = reachedAtMs;

  function caller(): InstanceCaller | null {
    if (world.plane === null || world.address !== callbackUrl) return null;
    if (world.troubles.tokenTrouble > 0 && world.strikes(dice, "tokenTrouble")) return null;
    const found = world.plane.authenticate(token);
    return found?.type === "instance" ? found : null;
  }

  function transitMs(): number {
    return world.strikes(dice, "slowRequest") ? dice.between(500, 9_000) : dice.between(1, 80);
  }

  function wake(): void {
    if (sending || stopped || frozen || acknowledged >= body.outbox.length) return;
    sending = true;
    void attempt().then((delivered) => {
      sending = false;
      if (stopped) return;
      failures = delivered ? 0 : failures + 1;
      const waitMs = delivered ? 0 : Math.min(RETRY_MS * 2 ** (failures - 1), RETRY_MAX_MS) * dice.fraction();
      if (delivered) wake();
      else world.timeline.after(waitMs, wake);
    });
  }

  /** Sends the oldest event that is not acknowledged, at times with those behind it; whether that got any further. */
  async function attempt(): Promise<boolean> {
    const batch = body.outbox.slice(acknowledged, acknowledged + (dice.chance(0.2) ? 4 : 1));
    if (world.strikes(dice, "duplicate")) ghost(batch);
    await world.delay(transitMs());
    if (world.strikes(dice, "lostRequest")) return false;
    const answers = await post(batch);
    await world.delay(transitMs());
    if (answers === null || world.strikes(dice, "lostReply")) return false;
    let moved = false;
    for (const answer of answers) {
      if (answer.status === 410) {
        stopped = true;
        options.onFenced();
        return false;
      }
      if (answer.status === 403 || answer.status === 409)
        world.tell({ type: "refused", key: answer.key, status: answer.status });
      if (answer.status === 425) return moved;
      acknowledged += 1;
      moved = true;
      reachedAtMs = world.timeline.elapsedMs;
    }
    return moved;
  }

  /** Null when nobody answered. */
  async function post(
    batch: readonly WireEvent[],
  ): Promise<readonly { key: string; status: number }[] | null> {
    const who = caller();
    if (who === null || world.plane === null) return null;
    const events = copyOf(batch);
    const answer = world.plane.ingest(who, events).then(
      (answers) => {
        tellAnswers(events, answers);
        return answers;
      },
      () => null,
    );
    return Promise.race([answer, world.delay(ATTEMPT_TIMEOUT_MS).then(() => null)]);
  }

  /** What the controller said, whether or not it comes back. */
  function tellAnswers(events: readonly WireEvent[], answers: readonly { readonly status: number }[]): void {
    answers.forEach(({ status }, index) => {
      const seq = events[index]?.seq;
      if (seq !== undefined)
        world.tell({ type: "answered", clone: body.clone, epoch: body.epoch, seq, status });
    });
  }

  /** The same request once more, whenever the network finds it again, and to whoever is the controller then. */
  function ghost(batch: readonly WireEvent[]): void {
    const copy = copyOf(dice.chance(0.5) ? batch : [...batch].reverse());
    const laterMs = dice.between(1, GHOST_MS_MAX);
    // Some overtake the request of which they are a copy.
    world.timeline.after(overtaking.chance(OVERTAKES_CHANCE) ? 0 : laterMs, () => {
      const who = caller();
      if (who !== null)
        void world.plane?.ingest(who, copy).then(
          (answers) => tellAnswers(copy, answers),
          () => {},
        );
    });
  }

  async function carry(heartbeat: WireHeartbeat, intervalMs: number): Promise<void> {
    await world.delay(transitMs());
    const who = caller();
    const answer = await (who === null ? null : world.plane?.heartbeat(who, heartbeat).catch(() => null));
    if (answer?.status === 200) reachedAtMs = world.timeline.elapsedMs;
    else missedAtMs = world.timeline.elapsedMs;
    // An old one is answered like any other and says nothing new.
    if (answer?.status === 200 && heartbeat.seq > heardSeq) {
      heardSeq = heartbeat.seq;
      world.tell({
        type: "heard",
        clone: body.clone,
        epoch: body.epoch,
        intervalMs,
        used: {
          llmCalls: heartbeat.usage.llm_calls,
          costUsd: heartbeat.usage.estimated_cost_usd,
          activeMs: heartbeat.usage.active_ms ?? 0,
        },
      });
    }
    if (answer?.status === 410 && !stopped) {
      stopped = true;
      options.onFenced();
    }
  }

  return {
    wake,
    beat(heartbeat, intervalMs) {
      if (stopped) return;
      if (world.strikes(dice, "lostBeat")) {
        missedAtMs = world.timeline.elapsedMs;
        return;
      }
      if (world.strikes(dice, "duplicate"))
        world.timeline.after(dice.between(1, GHOST_MS_MAX), () => void carry(heartbeat, intervalMs));
      void carry(heartbeat, intervalMs);
    },
    async ask(work) {
      if (stopped) return null;
      await world.delay(transitMs());
      const who = caller();
      if (who === null || world.plane === null || world.strikes(dice, "lostRequest")) return null;
      const asked = work(world.plane, who).catch(() => null);
      const answer = await Promise.race([asked, world.delay(ATTEMPT_TIMEOUT_MS).then(() => null)]);
      await world.delay(transitMs());
      return world.strikes(dice, "lostReply") ? null : answer;
    },
    ping: () => caller() !== null && !world.strikes(dice, "lostRequest"),
    moveTo(url) {
      callbackUrl = url;
      wake();
    },
    freeze(next) {
      frozen = next;
      if (!next) wake();
    },
    silentMs: () => world.timeline.elapsedMs - reachedAtMs,
    unreachedMs: () => Math.max(0, missedAtMs - reachedAtMs),
    stop() {
      stopped = true;
    },
  };
}

/** As it is read from the wire. */
function copyOf(batch: readonly WireEvent[]): WireEvent[] {
  return JSON.parse(JSON.stringify(batch)) as WireEvent[];
}
