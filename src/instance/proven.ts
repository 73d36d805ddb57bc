/**
 * Connections on which nothing is sent before the other side has proven to be the controller. A token, an event or a
 * question travels on no other, and so an answer, `410 Gone` above all, comes from nobody else.
 */
import { closeSync, constants, fstatSync, lstatSync, openSync, type Stats } from "node:fs";
import { Agent, type AgentOptions, type ClientRequestArgs } from "node:http";
import { connect as connectSocket, type Socket } from "node:net";
import { join } from "node:path";
import type { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { type Address, parseAddress } from "./address.ts";

/** Somebody else stands there, or nobody can say who: nothing was sent. Passes when the controller is back. */
export class Unproven extends Error {
  override readonly name = "Unproven";
  readonly code = "UNPROVEN";
}

export interface Proof {
  /** Further owners of the socket that are believed, besides this process's user and root. */
  readonly owners?: readonly number[];
}

/** Until a connection stands and its other side is proven. */
const PROOF_MS = 10_000;
const GROUP_AND_OTHERS_WRITE = 0o022;

/** An agent for `node:http` whose connections are proven, each before its first byte. */
export function provenAgent(address: Address, options: AgentOptions & Proof = {}): Agent {
  return new ProvenAgent(address, options);
}

/** The same by the text of an address. Throws `Unproven` where that is none. */
export function provenAgentAt(text: string, options: AgentOptions & Proof = {}): Agent {
  return provenAgent(provable(text), options);
}

export function provable(text: string): Address {
  const address = parseAddress(text);
  if (address !== null) return address;
  const shown = text.replace(/\/\/[^@/]*@/, "//");
  const wrong = text.startsWith("http:")
    ? "says nothing about who listens there"
    : "is not a controller's URL";
  throw new Unproven(`${shown} ${wrong}: use unix:/path or https://host:port#sha256=<fingerprint>`);
}

class ProvenAgent extends Agent {
  readonly #address: Address;
  readonly #owners: readonly number[];

  constructor(address: Address, { owners = [], ...options }: AgentOptions & Proof) {
    super(options);
    this.#address = address;
    this.#owners = owners;
  }

  override createConnection(
    _options: ClientRequestArgs,
    callback?: (error: Error | null, socket: Duplex) => void,
  ): undefined {
    const done = callback as (error: Error | null, socket?: Duplex) => void;
    open(this.#address, this.#owners).then(
      (socket) => done(null, socket),
      (error: Error) => done(error),
    );
  }
}

function open(address: Address, owners: readonly number[]): Promise<Duplex> {
  return address.type === "socket" ? openSocket(address, owners) : openTls(address);
}

/**
 * Whoever can write to a folder can put a socket of their own there, and nobody else can: so owner and mode of the
 * folder are the proof. It is opened first and entered through that descriptor, so the folder that was looked at is the one that is used, and a
 * path of any length fits into the 107 bytes of a socket's address.
 */
async function openSocket(
  { directory, name }: Extract<Address, { type: "socket" }>,
  owners: readonly number[],
): Promise<Socket> {
  const folder = openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    const path = join(reachable(folder, directory), name);
    const facts = fstatSync(folder);
    const trusted = [...owners, process.geteuid?.() ?? facts.uid, 0];
    refuseStranger(facts, { what: directory, trusted });
    const socket = lstatSync(path);
    if (!socket.isSocket()) throw new Unproven(`${join(directory, name)} is not a socket`);
    refuseStranger(socket, { what: join(directory, name), trusted });
    return await opened(connectSocket({ path }), "connect");
  } finally {
    closeSync(folder);
  }
}

/** The folder behind a descriptor as a short path; elsewhere than on Linux the path itself, which then must be short. */
export function reachable(folder: number, directory: string): string {
  return process.platform === "linux" ? `/proc/self/fd/${folder}` : directory;
}

function refuseStranger(
  { uid, mode }: Pick<Stats, "uid" | "mode">,
  { what, trusted }: { readonly what: string; readonly trusted: readonly number[] },
): void {
  if (!trusted.includes(uid))
    throw new Unproven(`${what} belongs to user ${uid}, and may be anybody's: nothing was sent`);
  if ((mode & GROUP_AND_OTHERS_WRITE) !== 0)
    throw new Unproven(
      `others may write to ${what} (mode ${(mode & 0o777).toString(8)}), so nobody knows whose it is; take that away: chmod go-w`,
    );
}

/** Loaded on demand: most controllers are on the same machine, and TLS costs memory in every shim. */
async function openTls({ host, port, sha256 }: Extract<Address, { type: "tls" }>): Promise<TLSSocket> {
  const { connect } = await import("node:tls");
  const { isIP } = await import("node:net");
  const socket = connect({
    host,
    port,
    minVersion: "TLSv1.3",
    // A certificate that is known is known without an authority; that it is this one is asked below.
    rejectUnauthorized: sha256 === null,
    ...(isIP(host) === 0 ? { servername: host } : {}),
  });
  await opened(socket, "secureConnect");
  if (sha256 === null) return socket;
  const shown = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(":", "").toLowerCase();
  if (shown === sha256) return socket;
  socket.destroy();
  throw new Unproven(
    `${host}:${port} shows the certificate ${shown ?? "none"}, not ${sha256}: somebody else listens there, and nothing was sent`,
  );
}

function opened<S extends Socket>(socket: S, event: "connect" | "secureConnect"): Promise<S> {
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      clearTimeout(timer);
      socket.destroy();
      reject(error);
    };
    const timer = setTimeout(() => fail(new Unproven(`no proof within ${PROOF_MS} ms`)), PROOF_MS);
    socket.once("error", fail);
    socket.once(event, () => {
      clearTimeout(timer);
      socket.off("error", fail);
      resolve(socket);
    });
  });
}
