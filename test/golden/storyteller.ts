/** Reads a script, plays it in the simulator's world without any dice, and writes down what people would see. */

import type { DesiredState } from "../../src/core/model/desired.ts";
import { iso, MINUTE_MS, SECOND_MS } from "../../src/core/model/time.ts";
import { type Plan, plan } from "../../src/core/plan/plan.ts";
import { observedOfTree } from "../../src/core/plan/preview.ts";
import { createResolvedRevisions } from "../../src/reconciler/source/resolved-revisions.ts";
import type { Kind } from "../simulation/agent.ts";
import { createHost, type Host } from "../simulation/host.ts";
import { allowRewrite } from "../simulation/people.ts";
import { CALM } from "../simulation/swarm.ts";
import { settle } from "../simulation/timeline.ts";
import { createWorld, type World } from "../simulation/world.ts";
import { lookAt, OLGA } from "../support/operator.ts";

/** Steps of virtual time per command; a story takes minutes, not days. */
const STEPS_MAX = 200_000;
/** Of one look at the record. */
const EVENTS_MAX = 200;

interface Stage {
  readonly world: World;
  readonly host: Host;
  /** Events that were shown already. */
  shown: number;
  /** What the last `plan` compared with. */
  base: DesiredState | null;
}

/**
 * The transcript of a script: every line of it, and below each command what came of it.
 *
 *   clone NAME / mission NAME key=value … / remove mission|clone NAME / spoil PATH / mend   change files
 *   confirm                       names the present head in fleet.yaml as a deletion to be carried out
 *   commit | empty | rewrite      what becomes of the repository
 *   allow rewrite                 as an operator
 *   decide REQUEST go_on|stop …   answers a question, with a reason; ack REQUEST acknowledges it
 *   answer NAME TEXT …            says something to an agent
 *   agent NAME KIND key=value …   what the next agents of the clone of a mission are like
 *   boot | crash | kill body NAME the machine
 *   origin fails REASON | origin answers
 *   wait 90s | 5m                 time reconciler
 *   pause|resume|kill NAME        as an operator
 *   plan                          what merging the present files would do, against the last plan
 *   show | why NAME | conditions NAME | events | inbox | status PATH
 */
export async function tell(script: string): Promise<string> {
  const world = createWorld("golden", CALM);
  const host = createHost(world, {
    realLoop: false,
    tickMs: 500,
    publishMs: 500,
    calmTimes: 1,
    listMs: 2_000,
    pollMs: 5_000,
  });
  const stage: Stage = { world, host, shown: 0, base: null };
  const lines: string[] = [];
  for (const line of script.trimEnd().split("\n")) {
    if (line === "" || line.startsWith("#")) {
      lines.push(line);
      continue;
    }
    lines.push(`> ${line}`);
    const said = await play(stage, line.trim().split(/\s+/));
    for (const one of said) lines.push(`  ${one}`.trimEnd());
  }
  const broken = world.checker.violations.map(({ invariant, message }) => `BROKEN ${invariant}: ${message}`);
  return `${[...lines, ...broken].join("\n")}\n`;
}

async function play(stage: Stage, [verb = "", ...words]: string[]): Promise<readonly string[]> {
  const { world, host } = stage;
  const { repository } = world;
  const [first = "", second = ""] = words;
  switch (verb) {
    case "clone":
      addClone(world, first, words.slice(1));
      return [];
    case "mission":
      addMission(world, first, words.slice(1));
      return [];
    case "remove":
      if (first === "mission") repository.missions.delete(second);
      else repository.clones.delete(cloneNameOf(second));
      return [];
    case "spoil":
      repository.spoiled.add(first);
      return [];
    case "mend":
      repository.spoiled.clear();
      return [];
    case "confirm":
      repository.confirms = world.origin.head;
      return [];
    case "commit":
      return [`head is ${repository.commit().slice(0, 12)}`];
    case "empty":
      return [`head is ${repository.empty().slice(0, 12)}`];
    case "rewrite":
      return [`head is ${repository.rewrite().slice(0, 12)}`];
    case "allow":
      await during(world, allowRewrite(world));
      return [];
    case "agent":
      world.cast.set(cloneNameOf(first), { ...SCRIPT, ...valuesOf(words.slice(2)), kind: second as Kind });
      return [];
    case "decide":
    case "ack":
    case "answer":
      return answerAs(world, verb, words);
    case "boot":
      await during(world, host.boot());
      return [];
    case "crash":
      host.crash();
      return [];
    case "kill":
      if (first === "body") return killBody(world, second);
      return operate(world, "kill", first);
    case "origin":
      world.origin.fail(first === "fails" ? (second as "Unreachable") : null);
      return [];
    case "wait":
      await pass(world, millisecondsOf(first));
      return [];
    case "pause":
    case "resume":
      return operate(world, verb, first);
    case "plan":
      return planned(stage);
    case "show":
      return showFleet(world);
    case "why":
      return showWhy(world, first);
    case "conditions":
      return showConditions(world, first);
    case "events":
      return showEvents(stage);
    case "inbox":
      return (world.plane === null ? [] : lookAt(world.plane).inbox()).map(
        ({ severity, subject, message }) => `${severity} ${subject}: ${message}`,
      );
    case "status":
      return (world.statusBranch.files.get(first) ?? "(nothing)").trimEnd().split("\n");
    default:
      throw new RangeError(`a story does not know ${verb}`);
  }
}

/** A dull agent: every one is the same. */
const SCRIPT = {
  readyAfterMs: 1_000,
  acceptAfterMs: 1_000,
  progressEveryMs: 60_000,
  endsAfterMs: 5 * MINUTE_MS,
  callsPerStep: null,
  blocksAtStep: null,
  cancelMs: 1_000,
  result: "good",
} as const;

function cloneNameOf(mission: string): string {
  return `factory_${mission}_20261123`;
}

function addClone(world: World, name: string, settings: readonly string[]): void {
  const clone = cloneNameOf(name);
  const before = world.repository.clones.get(clone);
  world.repository.clones.set(clone, {
    name: clone,
    version: 1,
    afterClosure: "standby",
    secret: false,
    update: "pinned",
    ...before,
    ...valuesOf(settings),
  });
  if (!world.cast.has(clone)) world.cast.set(clone, { ...SCRIPT, kind: "completes" });
}

function addMission(world: World, name: string, settings: readonly string[]): void {
  const before = world.repository.missions.get(name);
  world.repository.missions.set(name, {
    name,
    clone: cloneNameOf(name),
    run: 1,
    objective: `do ${name}`,
    state: "active",
    killSwitch: false,
    maxRuntimeMinutes: 60,
    maxLlmCalls: null,
    heartbeatSeconds: 10,
    window: null,
    ...before,
    ...valuesOf(settings),
  });
}

function valuesOf(settings: readonly string[]): object {
  return Object.fromEntries(
    settings.map((setting) => {
      const [key = "", text = ""] = setting.split("=");
      return [
        key,
        text === "true" ? true : text === "false" ? false : /^\d+$/.test(text) ? Number(text) : text,
      ];
    }),
  );
}

/** Plays on until the answer is there. */
async function during<T>(world: World, answer: Promise<T>): Promise<T> {
  let done = false;
  const watched = answer.finally(() => {
    done = true;
  });
  await settle();
  for (let steps = 0; !done && steps < STEPS_MAX; steps++) {
    world.timeline.step();
    await settle();
  }
  return watched;
}

async function pass(world: World, ms: number): Promise<void> {
  const endMs = world.timeline.elapsedMs + ms;
  let over = false;
  world.timeline.after(ms, () => {
    over = true;
  });
  for (let steps = 0; !over && steps < STEPS_MAX && world.timeline.elapsedMs <= endMs; steps++) {
    world.timeline.step();
    await settle();
  }
}

async function operate(
  world: World,
  verb: "pause" | "resume" | "kill",
  name: string,
): Promise<readonly string[]> {
  const { plane } = world;
  if (plane === null) return ["(nobody answers)"];
  const asked = { name, reason: "" };
  const { pause, resume, kill } = plane.operations;
  const orders = {
    pause: () => pause(asked, OLGA),
    resume: () => resume(asked, OLGA),
    kill: () => kill({ ...asked, now: false }, OLGA),
  };
  const answer = await during(world, orders[verb]());
  return [answer.ok ? answer.message : `${answer.code}: ${answer.message}`];
}

async function answerAs(
  world: World,
  verb: "decide" | "ack" | "answer",
  [name = "", ...words]: readonly string[],
): Promise<readonly string[]> {
  const { plane } = world;
  if (plane === null) return ["(nobody answers)"];
  const [type, ...reason] = words;
  const { acknowledge, message, decide } = plane.operations;
  const asked = {
    ack: () => acknowledge({ id: name }, OLGA),
    answer: () => message({ name, text: words.join(" ") }, OLGA),
    decide: () =>
      type === "raise"
        ? decide({ id: name, decision: type, budget: valuesOf(reason), reason: "" }, OLGA)
        : decide({ id: name, decision: type as "go_on" | "stop", reason: reason.join(" ") }, OLGA),
  }[verb]();
  const answer = await during(world, asked);
  return [answer.ok ? answer.message : `${answer.code}: ${answer.message}`];
}

function killBody(world: World, name: string): readonly string[] {
  const body = world.machine.living().find(({ clone }) => clone === cloneNameOf(name));
  if (body === undefined) return ["(nothing lives)"];
  world.machine.destroy(body, "killed from outside");
  return [`epoch ${body.epoch} is killed from outside`];
}

async function planned(stage: Stage): Promise<readonly string[]> {
  const { world } = stage;
  world.repository.commit();
  const source = world.origin.restart();
  const seen = await source.observe(new AbortController().signal);
  if (seen.type === "error") return [`${seen.reason}: ${seen.message}`];
  const clock = { now: world.now, sleep: () => Promise.resolve() };
  const revisions = createResolvedRevisions({ source, repository: "golden", clock });
  const head = await revisions.take(seen.snapshot, new AbortController().signal);
  const now = world.now();
  const made = plan({ desired: head, observed: observedOfTree(stage.base, { now }), now });
  stage.base = head;
  return [
    ...head.issues.map(
      ({ severity, file, line, message }) =>
        `${severity} ${file}${line === undefined ? "" : `:${line}`} ${message}`,
    ),
    ...planText(made),
  ];
}

function planText({ steps, held }: Plan): readonly string[] {
  const lines = steps.map(({ type, clone, mission, why }) => {
    const what = mission === null ? clone : `${clone} for ${mission}`;
    const fields = why.fields.length === 0 ? "" : ` [${why.fields.join(", ")}]`;
    return `${type.padEnd(8)} ${what}${fields}`;
  });
  const waiting = held.map(
    ({ subject, step, reason, message }) => `held     ${subject} (${step}): ${reason}, ${message}`,
  );
  return lines.length + waiting.length === 0 ? ["nothing to do"] : [...lines, ...waiting];
}

function showFleet(world: World): readonly string[] {
  const { plane } = world;
  if (plane === null) return ["(nobody answers)"];
  const fleet = lookAt(plane).fleet();
  return [
    `source ${fleet.source.state}: ${fleet.source.reason}`,
    ...fleet.missions.map(
      ({ name, run, phase, outcome, summary }) =>
        `${name} run ${run}: ${phase}${outcome === null ? "" : `, ${outcome}`}: ${summary}`,
    ),
    ...fleet.clones.map(
      ({ name, phase, epoch, holds }) =>
        `${name}: ${phase}, epoch ${epoch}${holds.length === 0 ? "" : `, held by ${holds.map(({ kind }) => kind).join(", ")}`}`,
    ),
    ...fleet.held.map(({ subject, reason }) => `held ${subject}: ${reason}`),
    ...fleet.issues.map(({ file, line, message }) => `issue ${file}:${line ?? 0} ${message}`),
  ];
}

async function showWhy(world: World, name: string): Promise<readonly string[]> {
  const why = world.plane === null ? null : lookAt(world.plane).why(name);
  if (why === null) return ["(nothing is known)"];
  const mark = (ok: boolean | null): string => (ok === null ? "·" : ok ? "✓" : "✗");
  return [
    why.headline,
    ...why.steps
      .filter(({ ok }) => ok === false)
      .map(
        ({ step, name: what, ok, reason, next }) =>
          `${mark(ok)} ${step} ${what} ${reason}${next === null ? "" : ` → ${next}`}`,
      ),
  ];
}

function showConditions(world: World, name: string): readonly string[] {
  const conditions =
    (world.plane === null ? null : lookAt(world.plane).clone(cloneNameOf(name)))?.conditions ?? [];
  return conditions
    .filter(({ status }) => status !== "Unknown")
    .map(
      ({ type, status, reason, since }) =>
        `${type.padEnd(18)} ${status.padEnd(5)} ${reason} since ${iso(since).slice(11, 19)}`,
    );
}

async function showEvents(stage: Stage): Promise<readonly string[]> {
  const { world } = stage;
  const events = await world.store.events({ afterSeq: stage.shown, limit: EVENTS_MAX });
  stage.shown = events.at(-1)?.seq ?? stage.shown;
  const lines: string[] = [];
  for (const { at, clone, event } of events) {
    const epoch = "epoch" in event && event.epoch > 0 ? ` epoch ${event.epoch}` : "";
    const report = event.type === "instance.reported" ? ` ${event.report.type}` : "";
    const hold =
      event.type === "hold.placed"
        ? ` ${event.hold.kind}`
        : event.type === "hold.released"
          ? ` ${event.kind}`
          : "";
    const health = event.type === "health.changed" ? ` ${event.health}` : "";
    const who = clone === null ? "fleet" : (clone.split("_")[1] ?? clone);
    lines.push(`${iso(at).slice(11, 19)} ${who}: ${event.type}${epoch}${report}${hold}${health}`);
  }
  return lines;
}

function millisecondsOf(text: string): number {
  const [, number = "0", unit] = /^(\d+)(s|m|h)$/.exec(text) ?? [];
  return Number(number) * (unit === "h" ? 60 * MINUTE_MS : unit === "m" ? MINUTE_MS : SECOND_MS);
}
