/**
 * A process that has opened all that it may, and what it can do then: out-of-descriptors.ts <scenario> <spare> <folder>. Started with a low
 * limit; prints one JSON document.
 */
import { closeSync, openSync, writeFileSync, writeSync } from "node:fs";
import { openKillSwitchFile } from "../../../src/adapters/system/kill-switch-file.ts";
import { knownFleets, rememberFleet } from "../../../src/adapters/system/known-fleets.ts";
import { isAlive, ownProcess, scanProcesses } from "../../../src/instance/process-table.ts";
import { borrowSpare, descriptorUse, keepSpareDescriptors } from "../../../src/instance/spare-descriptors.ts";
import { startProgram } from "../../../src/instance/start-program.ts";

const [, , scenario = "", spare = "0", folder = ""] = process.argv;
const taken: number[] = [];

function takeAll(): void {
  try {
    for (;;) taken.push(openSync("/dev/null", "r"));
  } catch {
    // That was the last one.
  }
}

function giveBack(count: number): void {
  for (const descriptor of taken.splice(0, count)) closeSync(descriptor);
}

function said<T>(look: () => T): T | string {
  try {
    return look();
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error);
  }
}

const SCENARIOS: Readonly<Record<string, () => unknown>> = {
  switch() {
    const file = openKillSwitchFile(folder);
    const before = file.read();
    takeAll();
    const during = { same: file.read() === before, unknown: file.unknown() };
    giveBack(8);
    writeFileSync(file.path, "touched by somebody");
    const after = { engaged: file.read().engaged.length, unknown: file.unknown() };
    return { before: before.engaged.length, during, after };
  },
  unread() {
    const file = openKillSwitchFile(folder);
    takeAll();
    return said(() => file.read());
  },
  processes() {
    const own = ownProcess();
    takeAll();
    return { alive: said(() => isAlive(own)), seen: said(() => scanProcesses().has(own.pid)) };
  },
  fleets() {
    rememberFleet({ dataDir: folder, origins: [] });
    const before = knownFleets().length;
    takeAll();
    const during = said(() => knownFleets().length);
    giveBack(8);
    return { before, during, after: knownFleets().length };
  },
  async start() {
    const pipes = { stdio: ["pipe", "pipe", "pipe"] as const };
    takeAll();
    const short = await startProgram("true", [], { stdio: [...pipes.stdio] }).failure;
    giveBack(12);
    const missing = await startProgram("/nonexistent/program", [], { stdio: [...pipes.stdio] }).failure;
    const { child } = startProgram("true", [], { stdio: [...pipes.stdio] });
    const code = await new Promise((resolve) => child?.once("exit", resolve));
    return { short, missing, code };
  },
  borrow() {
    takeAll();
    const { spare: kept, missedMsAgo } = descriptorUse();
    const giveSpareBack = borrowSpare();
    const mine = [openSync("/dev/null", "r"), openSync("/dev/null", "r")];
    const lent = descriptorUse().spare;
    for (const descriptor of mine) closeSync(descriptor);
    giveSpareBack();
    return { kept, lent, back: descriptorUse().spare, missed: missedMsAgo !== null };
  },
};

keepSpareDescriptors(Number(spare));
const answer = await SCENARIOS[scenario]?.();
giveBack(taken.length);
writeSync(1, JSON.stringify(answer));
