#!/usr/bin/env node
/**
 * factory-door: runs inside an agent's containment, in front of its program, and leads a port of its loopback to the gateway's
 * socket. The agent may have no network at all: then this port is all that it has.
 *
 *   door-main <socket> <name=value with {port}>... -- <program> <argument>...
 *
 * A name is that of a variable, or the number of an argument that is this value instead; the program itself is number 0.
 *
 * It ends as its program ends, and hears no signal that is meant for it.
 */
import { connect, createServer } from "node:net";
import { constants } from "node:os";
import { startProgram } from "../instance/start-program.ts";

const EXIT_UNUSABLE = 64;
const EXIT_NOT_FOUND = 127;
const CONNECTIONS_MAX = 256;
const NUMBER = /^\d+$/;

function main(): void {
  const [socket, ...rest] = process.argv.slice(2);
  const gap = rest.indexOf("--");
  const [command, ...args] = rest.slice(gap + 1);
  if (socket === undefined || gap < 0 || command === undefined) {
    process.stderr.write("factory-door: this program is started by the shim of a clone\n");
    process.exit(EXIT_UNUSABLE);
  }
  const server = createServer((near) => {
    const far = connect(socket);
    near.on("error", () => far.destroy());
    far.on("error", () => near.destroy());
    near.on("close", () => far.destroy());
    far.on("close", () => near.destroy());
    near.pipe(far).pipe(near);
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.listen(0, "127.0.0.1", () => {
    const address = server.address();
    const port = address !== null && typeof address === "object" ? String(address.port) : "0";
    const set = rest.slice(0, gap).map((text) => {
      const at = text.indexOf("=");
      return [text.slice(0, at), text.slice(at + 1).replaceAll("{port}", port)] as const;
    });
    const argv = [command, ...args];
    for (const [name, value] of set) if (NUMBER.test(name)) argv[Number(name)] = value;
    const variables = set.filter(([name]) => !NUMBER.test(name));
    run(argv, { ...process.env, ...Object.fromEntries(variables) });
  });
}

function run([command = "", ...args]: readonly string[], env: NodeJS.ProcessEnv): void {
  for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) process.on(signal, () => {});
  const { child, failure } = startProgram(command, args, { env, stdio: "inherit" });
  void failure?.then(({ message }) => {
    process.stderr.write(`factory-door: ${command}: ${message}\n`);
    process.exit(EXIT_NOT_FOUND);
  });
  child?.on("exit", (code, signal) =>
    process.exit(code ?? 128 + (signal === null ? 0 : constants.signals[signal])),
  );
}

main();
