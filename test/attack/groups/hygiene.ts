/** Terminals, folders, checkouts and packages: what is read, run or shown in passing. */

import { spawnSync } from "node:child_process";
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { eventually } from "../../e2e/world.ts";
import { fleetFiles, pairFiles } from "../../support/fleet-files.ts";
import { git } from "../../support/git.ts";
import { type Attack, broken, held } from "../attack.ts";
import { write } from "../files.ts";
import { command } from "../fleet.ts";
import { ROOT } from "../program.ts";
import { type Step, takeSteps } from "../steps.ts";

/** Clears the screen, names the window, turns text around. */
const ESCAPES = "\u001b]0;owned\u0007\u001b[2Jclear \u202e\u009b31m done";
const HOOKS = ["post-index-change", "reference-transaction", "pre-push", "post-checkout", "pre-commit"];
/** What every published package has to hold beside the program. */
const IN_PACKAGE = ["NOTICE", "LICENSE", "CHANGELOG.md", "SECURITY.md", "README.md", "dist/main.js"];

export const hygiene: readonly Attack[] = [
  {
    name: "escapes-in-what-it-says",
    item: "10",
    how: "sends control sequences and reversed text in progress, blockers, messages, plain output",
    success: "one of them reaches a terminal or the board",
    holds: "plain text in every cell",
    async play(field) {
      const fleet = await field.fleet("shut");
      const say = (line: object): Step => ["say", JSON.stringify(line)];
      await takeSteps(fleet, this.name, [
        say({ type: "progress", summary: ESCAPES }),
        say({ type: "message", text: ESCAPES }),
        say({ type: "blocked", reason: ESCAPES, needs: ESCAPES }),
        ["say", ESCAPES],
      ]);
      await fleet.mission(this.name, ({ conduct }) => conduct.blocked.length > 0);
      const shown: string[] = [];
      for (const args of [
        ["status"],
        ["inbox"],
        ["why", this.name],
        ["events", this.name],
        ["logs", this.name],
        ["list"],
      ]) {
        const { stdout, stderr } = await fleet.factory(...args);
        shown.push(`${args[0]}: ${stdout}${stderr}`);
      }
      const board = await eventually(
        async () =>
          (await fleet.origin.head("factory/status")) === null ? null : fleet.origin.files("factory/status"),
        (files) => [...files.values()].some((text) => text.includes("escapes-in-what-it-says")),
        () => "the board to tell of it",
      );
      for (const [path, text] of board) if (/\.(md|txt)$/.test(path)) shown.push(`${path}: ${text}`);
      await fleet.kill(this.name);
      const bad = shown
        .filter((text) => /[\u001b\u0007\u009b\u202e]/.test(text))
        .map((text) => text.split(":")[0]);
      return bad.length > 0
        ? broken("shown", bad.join(", "))
        : held("plain text", `${shown.length} views and pages`);
    },
  },
  {
    name: "others-may-write-to-the-data",
    item: "10",
    how: "`--data` is a folder that others may write to",
    success: "a controller runs on it",
    holds: "refused, with the command that closes it",
    async play(field) {
      const data = join(field.base, "open-data");
      mkdirSync(data);
      chmodSync(data, 0o777);
      const fleet = await field.fleet("shut");
      const run = ["--data", data, "run", "--once", "--source", fleet.origin.path];
      const { code, stderr } = await command(field.base, { HOME: field.home }, ...run);
      return code === 0 || existsSync(join(data, "factory.db"))
        ? broken("it ran", `exit ${code}`)
        : held("refused", `exit ${code}: ${stderr.split("\n")[0]}`);
    },
  },
  {
    name: "squatted-socket-folder",
    item: "10",
    how: "a data directory too deep for sockets; somebody has made `/tmp/factory-<user>` and its like first",
    success: "sockets lie in a folder of somebody else's, or one that others may enter",
    holds: "a name that nobody can guess, made anew, owner and mode looked at",
    slow: true,
    async play(field) {
      const squatted = [`factory-${process.getuid?.()}`, `factory-${process.getuid?.()}-`, "ua-factory"].map(
        (name) => join(field.tmp, name),
      );
      for (const path of squatted) mkdirSync(path, { mode: 0o777 });
      const deep = `deep-${"d".repeat(90)}`;
      const fleet = await field.own(deep);
      await takeSteps(fleet, "works", []);
      const places = readdirSync(field.tmp)
        .map((name) => join(field.tmp, name))
        .filter((path) => holdsSocket(path));
      const bad = places.filter((path) => (lstatSync(path).mode & 0o077) !== 0 || squatted.includes(path));
      await fleet.kill("works");
      if (places.length === 0) return broken("no socket was found", readdirSync(field.tmp).join(" "));
      return bad.length > 0
        ? broken("in another's folder", bad.join(", "))
        : held("a folder of its own", `mode 700: ${places.length}`);
    },
  },
  {
    name: "hostile-checkout",
    item: "10",
    how: "a checkout names programs for every purpose of git: `core.fsmonitor`, hooks, filters, pagers, credentials",
    success: "one of them runs in `validate`, `plan`, `doctor`, `new` or `why`",
    holds: "configuration that runs programs is neutral in every call of git",
    slow: true,
    async play(field) {
      const fleet = join(field.base, "checkout");
      const ran = join(field.base, "ran-checkout");
      const env = { HOME: field.home };
      write(fleet, { ...fleetFiles(), ...pairFiles("listing", { command: ["true"] }) });
      await git(fleet, ["init", "-q", "-b", "main"]);
      await git(fleet, ["add", "-A"]);
      await git(fleet, ["commit", "-q", "-m", "all"]);
      trap(fleet, join(field.base, "program"), ran);
      await git(fleet, ["status", "--porcelain"]).catch(() => {});
      if (!existsSync(ran)) return broken("not played", "the trap itself does not work");
      writeFileSync(ran, "");
      const asked = [
        ["validate"],
        ["plan"],
        ["plan", "--base", "HEAD"],
        ["doctor"],
        ["new", "mission", "second"],
        ["why", "listing"],
      ];
      for (const args of asked) await command(fleet, env, ...args);
      const text = readFileSync(ran, "utf8");
      return text === ""
        ? held("nothing ran", `${asked.length} commands`)
        : broken("ran", text.slice(0, 300));
    },
  },
  {
    name: "hostile-workspace",
    item: "kept",
    how: "leaves a repository with hooks, filters and `core.fsmonitor` in its workspace, fails, and is looked into",
    success: "one of its programs runs outside, when a trace is kept or outputs are collected",
    holds: "git's configuration there is nobody's",
    async play(field) {
      const fleet = await field.own("traced");
      const ran = join(field.base, "ran-workspace");
      writeFileSync(ran, "");
      chmodSync(ran, 0o666);
      const program = "program.sh";
      const steps: Step[] = [
        ["keep", program, `#!/bin/sh\necho "$0 $*" >> ${ran}\nexit 1\n`],
        ["run", "chmod", "755", program],
        ["run", "sh", "-c", TRAP_SCRIPT],
        ["exit", "7"],
      ];
      await takeSteps(fleet, "leaves", steps, { mission: { outputs: ["out/result.txt"] } });
      const traces = join(fleet.dataDir, "traces");
      await eventually(
        () => existsSync(traces) && readdirSync(traces).length > 0,
        (kept) => kept,
        () => "a trace of it",
      );
      await fleet.kill("leaves");
      await fleet.factory("why", "leaves");
      const text = readFileSync(ran, "utf8");
      return text === ""
        ? held("nothing ran", `${readdirSync(traces).length} trace kept`)
        : broken("ran", text.slice(0, 300));
    },
  },
  {
    name: "what-the-package-lacks",
    item: "10",
    how: "`npm pack`",
    success: "a licence, the notice, the changelog or how to report a fault is missing",
    holds: "`files` of package.json",
    async play(field) {
      const args = ["pack", "--dry-run", "--json", "--ignore-scripts"];
      const env = { ...process.env, HOME: field.home, npm_config_cache: join(field.base, "npm") };
      const { stdout, stderr } = spawnSync("npm", args, { cwd: ROOT, encoding: "utf8", env });
      const text = stdout.slice(stdout.indexOf("["));
      const [packed] = JSON.parse(text) as { files: { path: string }[] }[];
      const lacks = IN_PACKAGE.filter((name) => packed?.files.every(({ path }) => path !== name) ?? true);
      return lacks.length > 0
        ? broken(`no ${lacks.join(", ")}`, stderr.slice(0, 200))
        : held("all there", `${packed?.files.length} files`);
    },
  },
];

/** Every key for which git runs a program. */
function trap(repository: string, program: string, ran: string): void {
  writeFileSync(program, `#!/bin/sh\necho "$0 $*" >> ${ran}\nexit 1\n`);
  chmodSync(program, 0o755);
  const hooks = join(repository, ".git/traps");
  mkdirSync(hooks);
  for (const hook of HOOKS) {
    writeFileSync(join(hooks, hook), readFileSync(program));
    chmodSync(join(hooks, hook), 0o755);
  }
  writeFileSync(join(repository, ".git/config"), configOf(program, hooks), { flag: "a" });
  writeFileSync(join(repository, ".git/info/attributes"), "* filter=x diff=x\n");
}

function configOf(program: string, hooks: string): string {
  const core = ["fsmonitor", "sshCommand", "pager", "editor", "alternateRefsCommand", "gitProxy"].map(
    (key) => `\t${key} = ${program}`,
  );
  return `\n[core]\n\thooksPath = ${hooks}\n${core.join("\n")}\n[credential]\n\thelper = ${program}\n[diff]\n\texternal = ${program}\n[gpg]\n\tprogram = ${program}\n[filter "x"]\n\tclean = ${program}\n\tprocess = ${program}\n\tsmudge = ${program}\n`;
}

/** The same in a workspace, by whoever works there. */
const TRAP_SCRIPT =
  'git init -q . && p="$PWD/program.sh" && mkdir -p .git/traps && ' +
  `for h in ${HOOKS.join(" ")}; do cp program.sh .git/traps/$h; done && ` +
  'git config core.fsmonitor "$p" && git config core.hooksPath "$PWD/.git/traps" && git config core.pager "$p" && ' +
  'git config diff.external "$p" && git config filter.x.clean "$p" && git config filter.x.smudge "$p" && ' +
  'git config filter.x.process "$p" && mkdir -p .git/info && echo "* filter=x diff=x" > .git/info/attributes && ' +
  'echo "* filter=x diff=x" > .gitattributes';

function holdsSocket(path: string): boolean {
  try {
    return readdirSync(path).some((name) => name.endsWith(".sock") && lstatSync(join(path, name)).isSocket());
  } catch {
    return false;
  }
}
