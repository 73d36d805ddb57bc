import type { FleetEventOf, GuardrailEvent } from "../../model/fleet-event.ts";
import type { Breach, RollbackState, Turn } from "../../model/guardrail.ts";
import { iso } from "../../model/time.ts";
import { type FleetRules, type Ignored, ignored } from "../event-rules.ts";

/** Turns that are kept for people; the events have them all. */
const TURNS_MAX = 50;

export type GuardrailEvents = readonly FleetEventOf<GuardrailEvent["type"]>[];

export const GUARDRAIL_EVENTS: FleetRules<RollbackState, GuardrailEvent["type"]> = {
  "guardrail.breached": {
    on(state, { breach: { guardrail } }, at) {
      if (state.since[guardrail] !== undefined) return ignored(`${guardrail} is breached already`);
      return { ...state, since: { ...state.since, [guardrail]: at } };
    },
    describe: ({ breach }) => `guardrail ${breach.guardrail} is breached: ${breach.message}`,
  },
  "guardrail.recovered": {
    on(state, { guardrail }) {
      const { [guardrail]: since, ...others } = state.since;
      return since === undefined ? ignored(`${guardrail} is not breached`) : { ...state, since: others };
    },
    describe: ({ guardrail }) => `guardrail ${guardrail} is no longer breached`,
  },
  "pin.placed": {
    on(state, { id, expiresAt, breaches, revision }, at) {
      if (state.pin !== null) return ignored(`${state.pin.id} holds already`);
      const pin = { id, at, expiresAt, breaches, revision, proposal: null, merged: false };
      return turn({ ...state, pin }, { at, type: "tripped", pin: id, message: breachText(breaches) });
    },
    describe: ({ id, breaches, expiresAt }) =>
      `the fleet is in_core_only by ${id} until ${iso(expiresAt)}: ${breachText(breaches)}`,
  },
  "pin.renewed": {
    on(state, { id, expiresAt, breaches }, at) {
      if (state.pin?.id !== id) return noPin(id);
      if (state.pin.expiresAt >= expiresAt) return ignored(`${id} holds until then already`);
      return turn(
        { ...state, pin: { ...state.pin, expiresAt, breaches } },
        { at, type: "renewed", pin: id, message: breachText(breaches) },
      );
    },
    describe: ({ id, breaches, expiresAt }) =>
      `${id} holds on until ${iso(expiresAt)}: ${breachText(breaches)}`,
  },
  "pin.proposed": {
    on(state, { id, proposal }) {
      if (state.pin?.id !== id) return noPin(id);
      return state.pin.proposal === null
        ? { ...state, pin: { ...state.pin, proposal } }
        : ignored(`${id} is proposed on ${state.pin.proposal.branch} already`);
    },
    describe: ({ id, proposal }) =>
      `mode in_core_only is proposed for ${id} on ${proposal.branch}, commit ${proposal.commit.slice(0, 12)}`,
  },
  "pin.merged": {
    on(state, { id, reason }, at) {
      if (state.pin?.id !== id) return noPin(id);
      if (state.pin.merged) return ignored(`${id} is merged already`);
      return turn(
        { ...state, pin: { ...state.pin, merged: true } },
        { at, type: "merged", pin: id, message: reason },
      );
    },
    describe: ({ id, reason }) => `${id} is made permanent: ${reason}`,
  },
  "pin.expired": {
    on(state, { id, reason }, at) {
      if (state.pin?.id !== id) return noPin(id);
      return turn({ ...state, pin: null }, { at, type: "expired", pin: id, message: reason });
    },
    describe: ({ id, reason }) => `${id} has run out: ${reason}`,
  },
  "pin.lifted": {
    on(state, { id, reason }, at) {
      if (state.pin?.id !== id) return noPin(id);
      return turn(
        { ...state, pin: null, since: {}, countFrom: at },
        { at, type: "lifted", pin: id, message: reason },
      );
    },
    describe: ({ id, reason }) => `${id} is lifted: ${reason}`,
  },
};

export function breachText(breaches: readonly Breach[]): string {
  return breaches.map(({ message }) => message).join("; ");
}

function noPin(id: string): Ignored {
  return ignored(`${id} does not hold`);
}

function turn(state: RollbackState, made: Turn): RollbackState {
  return { ...state, turns: [...state.turns, made].slice(-TURNS_MAX) };
}
