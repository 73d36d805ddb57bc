import { type Actor, controllerPart, repositoryAt } from "../../core/model/actor.ts";
import { asFactoryError } from "../../core/model/error.ts";
import type { FleetEvent } from "../../core/model/fleet-event.ts";
import type { DestinationsState } from "../../core/model/fleet-state.ts";
import type { Destination, Notice, OutboxRow } from "../../core/model/notice.ts";
import { sameValue } from "../../core/model/same.ts";
import { type Instant, SECOND_MS } from "../../core/model/time.ts";
import {
  backlogAlert,
  deadLetterAlert,
  downAlert,
  elsewhere,
  isAboutAWay,
  restoredAlert,
} from "../../core/notify/alerts.ts";
import { afterAttempt, type DeliveryResult, died, replayed } from "../../core/notify/attempt.ts";
import { afterFailure, CLOSED } from "../../core/notify/circuit.ts";
import { ready } from "../../core/notify/queue.ts";
import { HIGH_WATER_ROWS, LOW_WATER_ROWS, NO_CHANGE, type OutboxChange } from "../../core/notify/route.ts";
import type { DestinationView } from "../../core/status/callbacks.ts";
import type { Clock } from "../../ports/clock.ts";
import type { OrderAnswer } from "../../ports/control-plane.ts";
import type { Log } from "../../ports/log.ts";
import type { OpenNotifier } from "../../ports/notifier.ts";
import type { Recorder } from "../record/recorder.ts";
import { createDestinations, type Delivery, digestOf } from "./destinations.ts";

/**
 * Brings what is on record to the people it is for. Rows are written with their cause; here they
 * are tried, and leave the record by an acknowledged delivery alone. Whatever dies in between is
 * tried again by the next controller, under the same id.
 */
export interface NoticeOutbox {
  /** Begins every attempt that is due. Never throws, never waits for a destination. */
  tick(): void;
  /** Resolves when nothing is under way. */
  idle(): Promise<void>;
  destinations(): readonly DestinationView[];
  /** Sends dead letters again, each under its old id: one by the id of its row or notice, or all of them. */
  replay(request: {
    readonly which: { readonly id: string } | "all";
    readonly by: Actor;
  }): Promise<OrderAnswer>;
  close(): Promise<void>;
}

export interface NoticeOutboxParts {
  readonly recorder: Recorder;
  readonly open: OpenNotifier;
  /** What `fleet.yaml` says; null while it cannot be read, and then its last word holds. */
  readonly declared: () => {
    readonly revision: string;
    readonly destinations: readonly Destination[];
  } | null;
  /** Whether anything may be begun on this record: not while it may be one that was lost. */
  readonly mayRecord: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is to be written down of notices, with what has happened to their destinations. */
interface OutboxWrite extends OutboxChange {
  /** Worked out where it is recorded, so that a second try after a lost answer tells nothing twice. */
  readonly events?: (known: DestinationsState) => readonly FleetEvent[];
}

const BY = controllerPart("notices");

/** Between two tries to write down what became of an attempt. */
const WRITE_RETRY_MS = SECOND_MS;
/** People are told that a destination fails once it has done so for this long and more than once: not of every blink. */
const DOWN_AFTER_MS = 10 * SECOND_MS;
const DOWN_AFTER_FAILURES = 2;

export function createNoticeOutbox(parts: NoticeOutboxParts): NoticeOutbox {
  const { recorder, clock, log } = parts;
  const registry = createDestinations(recorder, () => parts.declared()?.destinations ?? null);
  const working = new Set<Promise<void>>();
  /** What is written once at a time, by name. */
  const writing = new Set<string>();
  const closing = new AbortController();
  /** What is declared and on record alike: it is compared at every tick and seldom changes. */
  let told: { readonly declared: readonly Destination[]; readonly recorded: DestinationsState } | null = null;

  function tick(): void {
    if (closing.signal.aborted) return;
    rememberDeclared();
    const destinations = registry.declared();
    if (destinations === null) return;
    const now = clock.now();
    const byName = new Map(destinations.map((destination) => [destination.name, destination]));
    for (const [name, heads] of registry.heads()) {
      const destination = byName.get(name);
      if (destination === undefined) {
        abandon(name, now);
        continue;
      }
      const delivery = registry.of(name);
      for (const row of ready(heads, { ...delivery, gone: registry.isGone(destination) }, now)) {
        delivery.underWay.add(row.key);
        track(attemptAndGoOn(row, destination, delivery));
      }
      watch(destination, delivery, now);
    }
  }

  /** What waits behind a row that was taken need not wait for the next tick. */
  async function attemptAndGoOn(row: OutboxRow, destination: Destination, delivery: Delivery): Promise<void> {
    await attempt(row, destination, delivery);
    delivery.underWay.delete(row.key);
    if (!recorder.outbox.has(row.id)) tick();
  }

  function track(work: Promise<void>): void {
    const tracked: Promise<void> = work.finally(() => working.delete(tracked));
    working.add(tracked);
  }

  async function attempt(row: OutboxRow, destination: Destination, delivery: Delivery): Promise<void> {
    const result = await deliver(row, destination, delivery);
    // What we did not hear the end of is not over: the next controller sends it again.
    if (closing.signal.aborted && result.type !== "delivered") return;
    const at = clock.now();
    const outcome = afterAttempt(row, result, at);
    switch (outcome.type) {
      case "done":
        return keep({ removed: [row.id], ...goodNews(row.destination, delivery, at) });
      case "dead":
        return keep(setAside(outcome.row, { gone: result.type === "gone" ? destination : null, at }));
      case "later":
        delivery.circuit = afterFailure(delivery.circuit, at);
        delivery.failingSince ??= at;
        return keep({ put: [outcome.row], removed: [] });
    }
  }

  async function deliver(
    row: OutboxRow,
    destination: Destination,
    delivery: Delivery,
  ): Promise<DeliveryResult> {
    try {
      const digest = digestOf(destination);
      if (delivery.opened?.digest !== digest) delivery.opened = { digest, notifier: parts.open(destination) };
      return await delivery.opened.notifier.deliver(row.notice, closing.signal);
    } catch (error) {
      return { type: "retry", message: asFactoryError(error).message };
    }
  }

  /** The destination takes notices again; those who were told that it did not hear this, too. */
  function goodNews(name: string, delivery: Delivery, at: Instant): Omit<OutboxWrite, "removed"> {
    delivery.circuit = CLOSED;
    delivery.failingSince = null;
    delivery.goodNewsAt = at;
    const since = recorder.fleet.destinations.down[name];
    if (since === undefined) return { put: [] };
    log.info("notices get through again", { destination: name });
    const put = toOthers(restoredAlert(name, { since, at }), name);
    return {
      put,
      events: ({ down }) =>
        down[name] === undefined ? [] : [{ type: "destination.up", by: BY, destination: name }],
    };
  }

  function setAside(row: OutboxRow, facts: { gone: Destination | null; at: Instant }): OutboxWrite {
    const { destination, notice, lastProblem } = row;
    log.error("a notice was set aside", { destination, notice: notice.subject, problem: lastProblem });
    const alert = isAboutAWay(notice) ? [] : toOthers(deadLetterAlert(row, facts.at), destination);
    const put = [row, ...alert];
    if (facts.gone === null) return { put, removed: [] };
    const declaration = digestOf(facts.gone);
    const reason = lastProblem ?? "it said so";
    return {
      put,
      removed: [],
      events: ({ gone }) =>
        gone[destination] === declaration
          ? []
          : [{ type: "destination.gone", by: BY, destination, declaration, reason }],
    };
  }

  function toOthers(notice: Notice, about: string): readonly OutboxRow[] {
    return elsewhere(notice, about, registry.declared() ?? []);
  }

  /** Says what goes wrong with a destination over the others, once for as long as it lasts. */
  function watch({ name }: Destination, delivery: Delivery, at: Instant): void {
    const { failingSince } = delivery;
    const failing = failingSince !== null && Math.abs(at - failingSince) >= DOWN_AFTER_MS;
    const known = recorder.fleet.destinations.down[name] !== undefined;
    if (failing && delivery.circuit.failures >= DOWN_AFTER_FAILURES && !known) {
      const problem = registry
        .heads()
        .get(name)
        ?.find((row) => row.lastProblem !== null)?.lastProblem;
      log.warn("notices do not get through", { destination: name, problem: problem ?? null });
      const reason = problem ?? "no answer";
      const put = toOthers(downAlert(name, { since: failingSince, at, problem: reason }), name);
      const event = {
        type: "destination.down",
        by: BY,
        destination: name,
        since: failingSince,
        reason,
      } as const;
      once(`down ${name}`, {
        put,
        removed: [],
        events: ({ down }) => (down[name] === undefined ? [event] : []),
      });
    }
    const rows = registry.waiting(name);
    if (rows <= LOW_WATER_ROWS) delivery.crowded = false;
    if (delivery.crowded || rows < HIGH_WATER_ROWS) return;
    delivery.crowded = true;
    log.warn("many notices wait", { destination: name, rows });
    once(`crowd ${name}`, { put: toOthers(backlogAlert(name, { rows, at }), name), removed: [] });
  }

  /** People took the destination out of `fleet.yaml`: what waited for it is set aside, where it can be seen. */
  function abandon(name: string, at: Instant): void {
    if (registry.of(name).underWay.size > 0) return;
    const left = [...recorder.outbox.values()].filter((row) => row.destination === name && row.dead === null);
    once(`abandon ${name}`, { put: left.map((row) => died(row, "NoSuchDestination", at)), removed: [] });
  }

  function rememberDeclared(): void {
    const said = parts.declared();
    if (said === null || !parts.mayRecord()) return;
    const { destinations, revision } = said;
    const recorded = recorder.fleet.destinations;
    if (told?.declared === destinations && told.recorded === recorded) return;
    const isNews = ({ declared }: DestinationsState): boolean => !sameValue(declared ?? [], destinations);
    if (!isNews(recorded)) {
      told = { declared: destinations, recorded };
      return;
    }
    const event = { type: "destinations.declared", by: repositoryAt(revision), destinations } as const;
    once("declared", { ...NO_CHANGE, events: (known) => (isNews(known) ? [event] : []) });
  }

  function once(name: string, write: OutboxWrite): void {
    if (writing.has(name)) return;
    writing.add(name);
    track(keep(write).finally(() => writing.delete(name)));
  }

  /** Until it is on record. A row that was removed while we were trying is removed again, which changes nothing. */
  async function keep(write: OutboxWrite): Promise<void> {
    for (;;) {
      try {
        await put(write);
        return;
      } catch {
        if (closing.signal.aborted) return;
        await clock.sleep(WRITE_RETRY_MS, closing.signal).catch(() => {});
      }
    }
  }

  async function put({ events, ...change }: OutboxWrite): Promise<void> {
    if (events === undefined) await recorder.writeOutbox(change);
    else await recorder.writeFleet((fleet) => ({ events: events(fleet.destinations), outbox: change }));
  }

  return {
    tick,
    async idle() {
      while (working.size > 0) await Promise.all(working);
    },
    destinations: () => registry.views(),
    async replay({ which, by }) {
      const at = clock.now();
      const found = [...recorder.outbox.values()].filter(
        (row) => row.dead !== null && (which === "all" || row.id === which.id || row.notice.id === which.id),
      );
      // What waits for one that wants nothing more is no dead letter; whoever sends all again wants it tried.
      const back =
        which === "all" ? (registry.declared() ?? []).filter(registry.isGone).map(({ name }) => name) : [];
      if (found.length === 0 && back.length === 0) {
        return which === "all"
          ? { ok: true, message: "there is no dead letter" }
          : { ok: false, code: "not_found", message: `there is no dead letter ${which.id}` };
      }
      const known = new Set((registry.declared() ?? []).map(({ name }) => name));
      const sent = found.filter((row) => known.has(row.destination));
      const lost = [...new Set(found.map((row) => row.destination).filter((name) => !known.has(name)))];
      if (sent.length === 0 && back.length === 0) {
        const message = `fleet.yaml names no destination ${lost.join(", ")}; declare it again under spec.simone.notify, then replay`;
        return { ok: false, code: "conflict", message };
      }
      const tried = new Set([...sent.map((row) => row.destination), ...back]);
      await put({
        put: sent.map((row) => replayed(row, at)),
        removed: [],
        events: ({ gone }) =>
          [...tried]
            .filter((name) => gone[name] !== undefined)
            .map((destination) => ({ type: "destination.asked_again", by, destination })),
      });
      for (const name of tried) registry.of(name).circuit = CLOSED;
      tick();
      const rest = lost.length === 0 ? "" : `; none for ${lost.join(", ")}, which fleet.yaml does not name`;
      const waits = back.length === 0 ? "" : `; what waits for ${back.join(", ")} is tried again`;
      return { ok: true, message: `sent again: ${sent.length}${waits}${rest}` };
    },
    async close() {
      closing.abort(new Error("the controller is closing"));
      await Promise.all(working);
    },
  };
}
