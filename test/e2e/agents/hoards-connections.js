// Holds as many idle connections as it can and goes on to do so: hoards-connections.js <ledger> <milliseconds between two looks> <target>...
//
// A target is a port of this machine, or `tools`: the supervisor's tools of its own instance. Whatever ends a connection, it
// opens another one. A line of the ledger says how many it holds at the time.
import { appendFileSync } from "node:fs";
import { connect } from "node:net";

/** Of each target: with two of them, what an agent may open when a process may have 128 descriptors. */
const HELD_MAX = 48;
const [, , ledger, lookMs, ...targets] = process.argv;

function note(what) {
  const ms = (process.hrtime.bigint() / 1_000_000n).toString();
  appendFileSync(ledger, `${process.env.FACTORY_CLONE} ${process.env.FACTORY_EPOCH} ${ms} ${what}\n`);
}

const held = new Map(targets.map((target) => [target, new Set()]));

function openOne(target, sockets) {
  const where =
    target === "tools"
      ? { path: process.env.FACTORY_TOOLS_SOCKET }
      : { host: "127.0.0.1", port: Number(target) };
  const socket = connect(where);
  sockets.add(socket);
  socket.on("error", () => {});
  socket.on("close", () => sockets.delete(socket));
}

note("begin");
setInterval(() => {
  for (const [target, sockets] of held)
    for (let count = sockets.size; count < HELD_MAX; count += 1) openOne(target, sockets);
  note(`holds ${targets.map((target) => `${target}:${held.get(target).size}`).join(" ")}`);
}, Number(lookMs));
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
