import type { Call } from "../command.ts";
import { EXIT, usageError } from "../exit.ts";
import { wrap } from "../format/words.ts";
import { oneLine } from "../io.ts";
import { sourceOf } from "../origin.ts";
import { dataDirOf } from "../place.ts";
import { agentNamed } from "../scaffold/agents.ts";
import { checkController } from "./controller.ts";
import type { Check, Finding } from "./finding.ts";
import { checkChecks, checkContainment, checkDisk, checkGit, checkNode } from "./machine.ts";
import { checkDataDirectory, checkSource, checkStatusBranch } from "./place.ts";
import { checkRecord } from "./record.ts";
import { checkRepository } from "./repository.ts";

export interface DoctorOptions {
  readonly source?: string;
  readonly branch: string;
  readonly repository?: boolean;
  readonly agent?: string;
}

type NamedCheck = readonly [string, Check];

/**
 * Checks, by trying, whether this machine can run this fleet. Changes nothing
 * outside of temporary folders. With `repository`, what the repository tells instead. Every finding that is not ok says what to do; ends with 1 when one is `fail`.
 */
export async function checkMachine({ io, globals, options }: Call<DoctorOptions>): Promise<number> {
  if (options.agent !== undefined) return checkOneAgent({ io, globals }, options.agent);
  const dataDir = dataDirOf(globals);
  const source = await sourceOf(globals, options.source).catch(() => null);
  const { branch } = options;
  if (options.repository === true && source === null)
    throw usageError("there is no fleet repository here or above; name it with --source");
  const ofRepository: readonly NamedCheck[] = [
    ["git", checkGit],
    ["repository", () => checkRepository(source ?? "", branch)],
  ];
  const ofMachine: readonly NamedCheck[] = [
    ["node", checkNode],
    ["git", checkGit],
    ["data directory", () => checkDataDirectory(dataDir)],
    ["disk space", () => checkDisk(dataDir)],
    ["source", () => checkSource(source, branch)],
    ["status branch", () => checkStatusBranch(source)],
    ["record", () => checkRecord({ dataDir, source, branch })],
    ["containment", () => checkContainment(source)],
    ["checks", checkChecks],
    ["controller", () => checkController(globals)],
  ];
  return report({ io, globals }, options.repository === true ? ofRepository : ofMachine);
}

/** Whether this machine can run clones with it, found out by starting it. */
async function checkOneAgent(call: Pick<Call, "io" | "globals">, name: string): Promise<number> {
  const agent = agentNamed(name);
  const { checkAgent } = await import("./agent.ts");
  return report(call, [[agent, () => checkAgent(agent)]]);
}

async function report(
  { io, globals }: Pick<Call, "io" | "globals">,
  checks: readonly NamedCheck[],
): Promise<number> {
  const findings: Finding[] = [];
  for (const [name, check] of checks) {
    io.progress(`checking ${name}`);
    for (const finding of await attempt(name, check)) {
      findings.push(finding);
      if (globals.json === true) continue;
      const colour = { ok: "green", warn: "yellow", fail: "red" } as const;
      const [first = "", ...rest] = wrap(oneLine(`${finding.name} ${finding.message}`), io.width - 5).split(
        "\n",
      );
      const named = io.paint("bold", finding.name) + first.slice(finding.name.length);
      io.out(`${io.paint(colour[finding.state], finding.state.padEnd(4))} ${named}`);
      for (const row of rest) io.out(`     ${row}`);
      if (finding.next === null) continue;
      io.out(`     ${io.paint("cyan", "→")} ${wrap(oneLine(finding.next), io.width - 7, "       ")}`);
    }
  }
  const failed = findings.some((finding) => finding.state === "fail");
  if (globals.json === true) io.json({ ok: !failed, findings });
  return failed ? EXIT.problems : EXIT.fine;
}

/** A check that breaks is a finding, too. */
async function attempt(name: string, check: Check): Promise<readonly Finding[]> {
  try {
    return await check();
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return [{ name, state: "fail", message, next: "FACTORY_DEBUG=1 factory doctor shows more" }];
  }
}
