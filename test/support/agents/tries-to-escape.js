// Tries one way out of its containment: `tries-to-escape.js <mark> <attack> [place…]`. What it leaves
// behind carries the mark among its arguments, by which an outside observer finds it in /proc.
import { spawn, spawnSync } from "node:child_process";
import { appendFileSync, chmodSync, existsSync, readdirSync, readlinkSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";

const [mark, attack, ...places] = process.argv.slice(2);
/** Fewer than would hurt the machine, which others use. */
const RELAY_MAX = 400;
/** Twenty seconds for a daemon to get out: more than a busy machine takes. */
const [LOOKS_MAX, LOOK_MS] = [1_000, 20];
const LASTING = "while :; do sleep 1; done";
const done = [];
const say = (line) => process.stdout.write(`${JSON.stringify(line)}\n`);
const note = (text) => done.push(text);

function attempt(what, act) {
  try {
    act();
    note(`${what}: done`);
  } catch (error) {
    note(`${what}: ${error.code ?? error.message}`);
  }
}

/** Forks twice into sessions of their own, without a name and without an environment. */
function daemon(script, ...args) {
  spawnSync("sh", [
    "-c",
    `setsid env -i /bin/sh -c '${script}' "$@" </dev/null >/dev/null 2>&1 &`,
    "sh",
    ...args,
  ]);
}

const ATTACKS = {
  async daemons() {
    const out = "daemon.out";
    daemon(`trap "" TERM HUP; : >${out}; ( setsid sh -c "${LASTING}" "$1" & ) & ${LASTING}`, mark, mark);
    // Whoever is ended before is out has tried nothing.
    for (let look = 0; look < LOOKS_MAX && !existsSync(out); look += 1) await sleep(LOOK_MS);
  },
  /** The kernel starts what is named there outside of every namespace and group. */
  async core_pattern() {
    const helper = join(process.cwd(), "helper.sh");
    writeFileSync(
      helper,
      `#!/bin/sh\nexec setsid /bin/sh -c '${LASTING}' ${mark} </dev/null >/dev/null 2>&1\n`,
    );
    chmodSync(helper, 0o755);
    for (const path of ["/proc/sys/kernel/core_pattern", "/proc/1/root/proc/sys/kernel/core_pattern"])
      attempt(path, () => writeFileSync(path, `|${helper}`));
    // Only looked at: what is written there cannot be told to be put back in time.
    for (const path of ["/proc/sys/kernel/modprobe", "/sys/kernel/uevent_helper"])
      attempt(`open ${path}`, () => appendFileSync(path, ""));
    spawnSync("sh", ["-c", "ulimit -c unlimited; kill -SEGV $$"]);
  },
  /** Somebody else starts it. */
  async server() {
    for (const place of places) {
      const path = place.startsWith("@") ? `\0${place.slice(1)}` : place;
      const port = /^port:(\d+)$/.exec(place)?.[1];
      await new Promise((resolve) => {
        const socket = connect(
          port === undefined ? { path } : { host: "127.0.0.1", port: Number(port) },
          () => {
            note(`${place}: done`);
            socket.end(`${mark}\n`);
          },
        );
        // Unread, its end is never seen.
        socket.resume();
        socket.on("error", (error) => note(`${place}: ${error.code}`));
        socket.on("close", resolve);
      });
    }
  },
  async descriptors() {
    for (const name of readdirSync("/proc/self/fd")) {
      if (Number(name) <= 2) continue;
      let target = "";
      try {
        target = readlinkSync(`/proc/self/fd/${name}`);
      } catch {
        continue;
      }
      if (target.startsWith("anon_inode:") || target === "/dev/null" || target.startsWith("/proc/")) continue;
      // Descriptors of this Node are closed for whoever it starts; so what a child sees was inherited.
      const seen = spawnSync("sh", ["-c", `echo ${mark} 2>/dev/null >/proc/self/fd/${name}`], {
        timeout: 1_000,
      });
      note(`${name} ${target}: ${seen.status === 0 ? "done" : "kept"}`);
    }
  },
  async writes() {
    for (const place of places) attempt(place, () => appendFileSync(place, `${mark}\n`));
  },
  async reads() {
    for (const place of places) note(`${place}: ${existsSync(place) ? "done" : "absent"}`);
  },
  /** Each lives a moment, wakes everybody and has a child; so a stop that is not one stroke misses some. */
  async relay() {
    const one = `kill -CONT -1 2>/dev/null; echo r >>relay.log; sleep 0.01; kill -CONT -1 2>/dev/null`;
    const many = `while :; do [ $(ls /proc | grep -c "^[0-9]") -lt ${RELAY_MAX} ] && { sh -c "${one}" ${mark} & }; kill -CONT -1 2>/dev/null; done`;
    for (let n = 0; n < 3; n += 1)
      spawn("sh", ["-c", many, mark], { detached: true, stdio: "ignore" }).unref();
  },
};

process.on("SIGTERM", () => {});
spawn("sh", ["-c", LASTING, mark], { detached: true, stdio: "ignore" }).unref();
for (const one of attack.split("+")) {
  if (!(one in ATTACKS)) throw new Error(`no attack named ${one}`);
  await ATTACKS[one]();
}
attempt("result", () => writeFileSync("result.json", JSON.stringify(done)));
say({ type: "progress", summary: "tried" });
setInterval(() => {}, 1_000);
