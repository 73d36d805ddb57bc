// Does one step after the other and keeps what came of each: tries.js <base64 of JSON: [["read","/path"],…]>
//
//   read, list <path>          what stands there
//   write <path>               appends to it
//   connect <path|@name|port:N>
//   hold <port:N> <how many>   idle connections, kept; says how many stand
//   signal <pid>               asks whether it may be signalled
//   run <program> <argument>…  how it ended, and the end of what it printed
//   keep <path> <text>         a file of its own
//   say <JSON>                 a line to its supervisor
//   exit <code>                at last; else it stays
//
// The outcomes are in `result.json` of its workspace: {"name": "read /path", "ok", "text"} each.
import { spawnSync } from "node:child_process";
import { appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { dirname } from "node:path";

const TEXT_MAX = 2_000;
const RUN_MS = 30_000;

const STEPS = {
  read: (path) => readFileSync(path, "utf8"),
  list(path) {
    const names = readdirSync(path);
    if (names.length === 0) throw new Error("empty");
    return names.join(" ");
  },
  write: (path) => appendFileSync(path, "written by an agent\n"),
  signal: (pid) => process.kill(Number(pid), 0),
  keep(path, text) {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  },
  say: (line) => process.stdout.write(`${line}\n`),
  run(program, ...args) {
    const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: "utf8", timeout: RUN_MS });
    if (status !== 0) throw new Error(error?.message ?? `ended with ${status}: ${stdout}${stderr}`);
    return `${stdout}${stderr}`;
  },
  connect: (place) =>
    new Promise((resolve, reject) => {
      const port = /^port:(\d+)$/.exec(place)?.[1];
      const path = place.startsWith("@") ? `\0${place.slice(1)}` : place;
      const socket = connect(port === undefined ? { path } : { host: "127.0.0.1", port: Number(port) });
      socket.on("connect", () => resolve(socket.destroy() && "connected"));
      socket.on("error", reject);
    }),
};

const kept = [];
STEPS.hold = async (place, count) => {
  const port = Number(place.slice("port:".length));
  const one = () =>
    new Promise((resolve) => {
      const socket = connect({ host: "127.0.0.1", port });
      socket.once("connect", () => kept.push(socket) && resolve(true));
      socket.once("error", () => resolve(false));
      socket.on("error", () => {});
    });
  let opened = 0;
  for (let n = 0; n < Number(count); n += 1) if (await one()) opened += 1;
  return opened;
};

const outcomes = [];
let code = null;
for (const [step, ...args] of JSON.parse(Buffer.from(process.argv[2], "base64").toString("utf8"))) {
  if (step === "exit") {
    code = Number(args[0]);
    break;
  }
  const name = [step, ...args].join(" ").slice(0, 200);
  try {
    outcomes.push({ name, ok: true, text: String((await STEPS[step](...args)) ?? "").slice(-TEXT_MAX) });
  } catch (error) {
    outcomes.push({ name, ok: false, text: String(error.code ?? error.message).slice(-TEXT_MAX) });
  }
}
writeFileSync("result.json", JSON.stringify(outcomes));
process.stdout.write('{"type":"progress","summary":"tried"}\n');
if (code === null) setInterval(() => {}, 1_000);
else process.exitCode = code;
