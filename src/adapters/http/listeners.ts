/**
 * Where a controller listens: on a socket in its data directory, always; on a port, with proof, where that is asked
 * for; and for as long as shims of an older program live, where those look for it.
 */
import { realpathSync } from "node:fs";
import { join } from "node:path";
import { asFactoryError } from "../../core/model/error.ts";
import { MINUTE_MS } from "../../core/model/time.ts";
import { SOCKET_NAME } from "../../instance/address.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControlPlane } from "../../ports/control-plane.ts";
import type { FullListener } from "../../ports/descriptors.ts";
import type { Log } from "../../ports/log.ts";
import { type CertificateFiles, givenIdentity, ownIdentity } from "./identity.ts";
import { createHttpServer, type HttpServer, type ListenAt } from "./server.ts";

export interface ListenersOptions {
  readonly controlPlane: ControlPlane;
  readonly clock: Clock;
  readonly log: Log;
  readonly dataDir: string;
  readonly network: NetworkAt | null;
  readonly onFull?: (listener: FullListener) => void;
  /** Port of last time, which is taken again if it is free: instances elsewhere find the controller there. */
  readonly lastPort: number | null;
  /** Where shims of an older program look, and how many of them live. Null where none ever did. */
  readonly older: { readonly port: number; living(): Promise<number> } | null;
}

export interface NetworkAt {
  readonly host: string;
  /** Default: that of last time, else a free one. 0: a free one. */
  readonly port?: number;
  /** Default: a certificate of its own, which others know by its fingerprint. */
  readonly certificate?: CertificateFiles;
}

export interface Listeners {
  /** `unix:<path>` */
  readonly socket: string;
  /** `https://host:port#sha256=<fingerprint>` */
  readonly network: string | null;
  /** `http://127.0.0.1:port`, while somebody needs it. */
  readonly older: string | null;
  close(): Promise<void>;
}

/** Between two looks whether a shim of an older program still lives. */
const OLDER_LOOK_MS = MINUTE_MS;
const LOOPBACK = "127.0.0.1";

/** Rejects with `http/listen` or `http/certificate`. */
export async function openListeners(options: ListenersOptions): Promise<Listeners> {
  const opened: HttpServer[] = [];
  const server = (listen: ListenAt, serves: "everything" | "callbacks" = "everything"): HttpServer => {
    const made = createHttpServer({ ...options, listen, serves });
    opened.push(made);
    return made;
  };
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((one) => one.close()));
  };
  try {
    // Shims are told a path without links: what one leads to may be changed by others.
    const socketPath = join(realpathSync(options.dataDir), SOCKET_NAME);
    const socket = await server({ socketPath }).listen();
    const network = options.network === null ? null : await openNetwork(options.network, options, server);
    const older = await openOlder(options, server);
    return {
      socket,
      network,
      older: older.url,
      close: async () => void (await Promise.all([older.stop(), close()])),
    };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openNetwork(
  at: NetworkAt,
  { dataDir, lastPort, clock, controlPlane }: ListenersOptions,
  server: (listen: ListenAt) => HttpServer,
): Promise<string> {
  const { host } = at;
  const tls =
    at.certificate === undefined
      ? ownIdentity({
          directory: join(dataDir, "tls"),
          name: controlPlane.installation,
          host,
          at: clock.now(),
        })
      : givenIdentity(at.certificate);
  const listen = async (port: number): Promise<string> =>
    `${await server({ host, port, tls }).listen()}#sha256=${tls.sha256}`;
  const wanted = at.port ?? lastPort ?? 0;
  try {
    return await listen(wanted);
  } catch (error) {
    // A port that was named is kept to; the one of last time is only convenient.
    if (at.port !== undefined || wanted === 0 || asFactoryError(error).code !== "http/listen") throw error;
    return listen(0);
  }
}

/**
 * Shims of an older program know no address but `http://127.0.0.1:port`, and believe whoever answers there. As long as one
 * lives, it is us; nothing that an operator may do is served there.
 */
async function openOlder(
  { older, log, clock }: ListenersOptions,
  server: (listen: ListenAt, serves: "callbacks") => HttpServer,
): Promise<{ readonly url: string | null; stop(): Promise<void> }> {
  const none = { url: null, stop: async () => {} };
  const living = (await older?.living()) ?? 0;
  if (older === null || living === 0) return none;
  const facts = { instances: living, port: older.port };
  const listener = server({ host: LOOPBACK, port: older.port }, "callbacks");
  let url: string;
  try {
    url = await listener.listen();
  } catch (error) {
    const message = asFactoryError(error).message;
    log.error(
      "somebody else listens where instances of an older program report, and may have their tokens: end them with `factory kill`, they are started anew",
      { ...facts, error: message },
    );
    // They go on looking there, and the next controller may have more luck.
    return { ...none, url: `http://${LOOPBACK}:${older.port}` };
  }
  log.warn(
    "instances of an older program report over HTTP and ask nobody for proof, until they end; whoever binds the port while no controller runs gets their tokens",
    facts,
  );
  const over = new AbortController();
  const watching = (async () => {
    while ((await older.living().catch(() => living)) > 0) await clock.sleep(OLDER_LOOK_MS, over.signal);
    await listener.close();
    log.info("no instance of an older program is left; its port is closed", facts);
  })().catch(() => {});
  return {
    url,
    async stop() {
      over.abort();
      await watching;
    },
  };
}
