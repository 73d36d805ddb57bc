/** Ways out of what contains an agent, each tried by a real one, killed by `factory kill --now` and looked for by somebody else. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { DeathProof } from "../../../src/core/model/instance.ts";
import { type Attack, broken, type Finding, held, LEVELS, type Level, unproven } from "../attack.ts";
import type { Field } from "../field.ts";
import { type Fleet, marked } from "../fleet.ts";

const FIXTURE = fileURLToPath(new URL("../../support/agents/tries-to-escape.js", import.meta.url));

export interface Escape {
  /** Living processes of it after its kill. */
  readonly left: number;
  /** What the agent's attempts were answered. */
  readonly said: readonly string[];
  readonly proof: DeathProof;
  readonly mark: string;
  readonly fleet: Fleet;
}

/** Starts an agent that tries, kills it once it has, and ends what is left of it. */
export async function tryEscape(
  field: Field,
  level: Level,
  name: string,
  { attempt, places = [] }: { readonly attempt: string; readonly places?: readonly string[] },
): Promise<Escape> {
  const fleet = await field.fleet(level);
  const mark = field.mark();
  await fleet.enlist(name, { command: [process.execPath, FIXTURE, mark, attempt, ...places] });
  const said = JSON.parse(await fleet.left(name, "result.json")) as string[];
  const proof = await fleet.kill(name);
  const left = marked(mark);
  for (const pid of left) process.kill(pid, "SIGKILL");
  return { left: left.length, said, proof, mark, fleet };
}

/** Whatever it got is a lie unless the proof of death says that it is none. */
export function judged(
  got: string | null,
  refused: string,
  { proof, left }: Pick<Escape, "proof" | "left">,
): Finding {
  const what = [...(got === null ? [] : [got]), ...(left > 0 ? ["lives on"] : [])].join(", ");
  const death = proof.unproven === undefined ? "proven" : "unproven";
  if (what === "")
    return held(refused, `death ${death}: ${proof.containment}, ${proof.emptyScans} empty looks`);
  if (proof.unproven !== undefined)
    return unproven(what, "`DeathUnproven` holds the lane; incident `unproven_death`");
  return broken(what, "the record says that it is dead");
}

/** Of a server that starts programs for whoever asks. */
function server(name: keyof Field["servers"], where: string, holds: string): Attack {
  return {
    name: `server-${name}`,
    item: "1",
    how: `asks a server ${where} to start a program, as tmux, D-Bus, docker and key agents do`,
    success: "the program lives after the kill, and the record says dead",
    holds,
    levels: LEVELS,
    async play(field, level) {
      const place = field.servers[name];
      const tried = await tryEscape(field, level, this.name, { attempt: "server", places: [place] });
      return judged(null, "out of reach", tried);
    },
  };
}

export const escapes: readonly Attack[] = [
  {
    name: "forks-twice",
    item: "1",
    how: "forks twice, `setsid`, empty environment",
    success: "a process lives after the kill, and the record says dead",
    holds: "PID namespace, cgroup",
    levels: LEVELS,
    async play(field, level) {
      return judged(null, "dies", await tryEscape(field, level, this.name, { attempt: "daemons" }));
    },
  },
  {
    name: "core-pattern",
    item: "1",
    how: "writes a helper into `kernel.core_pattern`, and crashes",
    success: "the kernel starts the helper outside of everything, and the record says dead",
    holds: "kernel settings read-only, no capability, a user of its own",
    levels: LEVELS,
    async play(field, level) {
      const tried = await tryEscape(field, level, this.name, { attempt: "core_pattern" });
      await field.guard.restore();
      const written = tried.said.some((line) => /core_pattern: done$/.test(line));
      return judged(written ? "written" : null, "refused", tried);
    },
  },
  server("tmp", "on a socket in `/tmp`", "`/tmp` of its own"),
  server("run", "on a socket in `/run` or `XDG_RUNTIME_DIR`", "`/run` empty"),
  server("abstract", "on an abstract socket", "Landlock, or a network of its own"),
  {
    name: "inherited-descriptor",
    item: "1",
    how: "writes through a descriptor that the controller inherited",
    success: "the mark stands in the file behind it",
    holds: "nothing above 2 is passed on",
    levels: LEVELS,
    async play(field, level) {
      const tried = await tryEscape(field, level, this.name, { attempt: "descriptors" });
      const written = readFileSync(field.leaked, "latin1").includes(tried.mark);
      return judged(written ? "written" : null, "closed", tried);
    },
  },
  {
    name: "writes-elsewhere",
    item: "3",
    how: "writes into the local source and its hooks, the data directory, the user's home",
    success: "the mark stands in one of them",
    holds: "root read-only, the rest not there",
    levels: LEVELS,
    async play(field, level) {
      const fleet = await field.fleet(level);
      const kept = join(fleet.dataDir, "notices/kept.txt");
      mkdirSync(dirname(kept), { recursive: true });
      writeFileSync(kept, "");
      const places = [join(fleet.origin.path, "hooks/post-update"), kept, field.key];
      const before = places.map(contentOf);
      const tried = await tryEscape(field, level, this.name, { attempt: "writes", places });
      const written = places.filter((place, index) => contentOf(place) !== before[index]);
      return judged(written.length > 0 ? "written" : null, "refused", tried);
    },
  },
];

function contentOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
