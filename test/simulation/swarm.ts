import type { Dice } from "./dice.ts";

/**
 * What may go wrong. Numbers are probabilities per occasion, times per hour
 * where they say so. Each seed takes a part of them only: a bug that needs two faults
 * together is found sooner when the other twenty are not in the way.
 */
export interface Troubles {
  // The machine and its driver.
  readonly slowStart: number;
  readonly lostAnswer: number;
  readonly driverError: number;
  readonly partialList: number;
  readonly slowList: number;
  readonly survivors: number;
  readonly instancesDiePerHour: number;
  readonly stopsPerHour: number;
  readonly limitsPerHour: number;
  // The network between shims and the controller.
  readonly lostRequest: number;
  readonly lostReply: number;
  readonly duplicate: number;
  readonly slowRequest: number;
  readonly lostBeat: number;
  // Agents.
  readonly misbehaviour: number;
  // The repository and its people.
  readonly sourceErrorsPerHour: number;
  readonly commitsPerHour: number;
  readonly vandalsPerHour: number;
  readonly operatorsPerHour: number;
  // The status branch.
  readonly pushTrouble: number;
  readonly otherPushersPerHour: number;
  // The record and ourselves.
  readonly commitFails: number;
  readonly crashesPerHour: number;
  readonly rivalsPerHour: number;
  readonly jumpsPerHour: number;
  // Places where work is judged and prepared.
  readonly prepareFails: number;
  readonly judgeFails: number;
  // Longer troubles: processes that stand still, disks, tokens, and agents that only look as if they worked.
  readonly storeBusy: number;
  readonly diskFullPerHour: number;
  readonly freezesPerHour: number;
  readonly tokenTrouble: number;
  readonly oddities: number;
  // Receivers of notices: away or unwilling for a while, and answers that are lost.
  readonly receiversPerHour: number;
  readonly receiverTrouble: number;
  // Proofs of the kill that fail, hang or cannot be made.
  readonly drillTrouble: number;
  // The disk of the record is gone.
  readonly lossesPerHour: number;
  // People who engage and release the kill switch without a command, and those who remove its file.
  readonly switchesPerHour: number;
  // Two controllers on one record: one stands still, another takes over, and then the first one goes on.
  readonly takeoversPerHour: number;
  // Tokens that were made up, of somebody else, or of an epoch that is over.
  readonly strangersPerHour: number;
}

export type TroubleName = keyof Troubles;

export const CALM: Troubles = {
  slowStart: 0,
  lostAnswer: 0,
  driverError: 0,
  partialList: 0,
  slowList: 0,
  survivors: 0,
  instancesDiePerHour: 0,
  stopsPerHour: 0,
  limitsPerHour: 0,
  lostRequest: 0,
  lostReply: 0,
  duplicate: 0,
  slowRequest: 0,
  lostBeat: 0,
  misbehaviour: 0,
  sourceErrorsPerHour: 0,
  commitsPerHour: 0,
  vandalsPerHour: 0,
  operatorsPerHour: 0,
  pushTrouble: 0,
  otherPushersPerHour: 0,
  commitFails: 0,
  crashesPerHour: 0,
  rivalsPerHour: 0,
  jumpsPerHour: 0,
  prepareFails: 0,
  judgeFails: 0,
  storeBusy: 0,
  diskFullPerHour: 0,
  freezesPerHour: 0,
  tokenTrouble: 0,
  oddities: 0,
  receiversPerHour: 0,
  receiverTrouble: 0,
  drillTrouble: 0,
  lossesPerHour: 0,
  switchesPerHour: 0,
  takeoversPerHour: 0,
  strangersPerHour: 0,
};

/** The most of each that a seed may get. */
const WORST: Troubles = {
  slowStart: 0.4,
  lostAnswer: 0.25,
  driverError: 0.3,
  partialList: 0.5,
  slowList: 0.5,
  survivors: 0.4,
  instancesDiePerHour: 20,
  stopsPerHour: 20,
  limitsPerHour: 12,
  lostRequest: 0.5,
  lostReply: 0.5,
  duplicate: 0.3,
  slowRequest: 0.3,
  lostBeat: 0.7,
  misbehaviour: 0.8,
  sourceErrorsPerHour: 12,
  commitsPerHour: 30,
  vandalsPerHour: 8,
  operatorsPerHour: 40,
  pushTrouble: 0.5,
  otherPushersPerHour: 40,
  commitFails: 0.03,
  crashesPerHour: 30,
  rivalsPerHour: 6,
  jumpsPerHour: 6,
  prepareFails: 0.5,
  judgeFails: 0.6,
  storeBusy: 0.2,
  diskFullPerHour: 6,
  freezesPerHour: 12,
  tokenTrouble: 0.3,
  oddities: 0.6,
  receiversPerHour: 20,
  receiverTrouble: 0.4,
  drillTrouble: 0.6,
  lossesPerHour: 3,
  switchesPerHour: 20,
  takeoversPerHour: 20,
  strangersPerHour: 30,
};

const LATER: ReadonlySet<string> = new Set([
  "switchesPerHour",
  "takeoversPerHour",
  "strangersPerHour",
] satisfies TroubleName[]);

const PART_MIN = 0.15;
const PART_MAX = 0.7;

/** Picks which troubles this seed has, and how bad each is. */
export function pickTroubles(dice: Dice): Troubles {
  const part = PART_MIN + dice.fraction() * (PART_MAX - PART_MIN);
  // Dice of their own, so that seeds keep what they had before these were thought of.
  const later = dice.fork("later troubles");
  const entries = Object.entries(WORST).map(([name, worst]): [string, number] => {
    const by = LATER.has(name) ? later : dice;
    const has = by.chance(part);
    const strength = by.fraction();
    return [name, has ? worst * strength : 0];
  });
  return { ...CALM, ...Object.fromEntries(entries) };
}

/** Only these, at their worst: for cases that are about one fault. */
export function onlyTroubles(names: readonly TroubleName[]): Troubles {
  return { ...CALM, ...Object.fromEntries(names.map((name) => [name, WORST[name]])) };
}

export function namesOf(troubles: Troubles): readonly string[] {
  return Object.entries(troubles)
    .filter(([, value]) => value > 0)
    .map(([name, value]) => `${name} ${value.toPrecision(2)}`);
}
