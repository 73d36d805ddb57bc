import { FactoryError } from "../../core/model/error.ts";
import { socketAddress } from "../../instance/address.ts";
import { descriptorLimit } from "../../instance/spare-descriptors.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControlPlane } from "../../ports/control-plane.ts";
import type { FullListener } from "../../ports/descriptors.ts";
import type { Log } from "../../ports/log.ts";
import { buildApp } from "./app.ts";
import { inUrl } from "./host.ts";
import { CLOSE_DEADLINE_MS, connectionsMaxOf, type ListenerKind, UNPROVEN_MS } from "./limits.ts";
import { type Bound, bindSocket } from "./socket.ts";

export interface HttpServerOptions {
  readonly controlPlane: ControlPlane;
  readonly clock: Clock;
  readonly log: Log;
  readonly listen: ListenAt;
  /** Default: everything. `callbacks`: only what instances ask. */
  readonly serves?: "everything" | "callbacks";
  /** Connections at once, and until when each has to have shown a token. Default: its share of the descriptors, 10 s. */
  readonly connections?: { readonly connectionsMax?: number; readonly unprovenMs?: number };
  readonly onFull?: (listener: FullListener) => void;
  /** Further values of `Host` that are ours, behind a proxy for example. */
  readonly allowedHosts?: readonly string[];
}

/**
 * A socket is for its owner only and replaces one that nobody listens to. A port of 0 takes a free one; with `tls` the
 * controller proves itself there by its certificate, without it by nothing.
 */
export type ListenAt =
  | { readonly socketPath: string }
  | { readonly host: string; readonly port: number; readonly tls?: TlsIdentity };

/** PEM texts. */
export interface TlsIdentity {
  readonly key: string;
  readonly cert: string;
}

export interface HttpServer {
  /** Answers the URL once requests are taken: `unix:<path>`, `https://host:port` or `http://host:port`. Rejects with `http/listen`. */
  listen(): Promise<string>;
  /**
   * Takes no new requests, lets running ones end, and after
   * `CLOSE_DEADLINE_MS` ends their connections. Safe to repeat.
   */
  close(): Promise<void>;
  /** Null until it listens. */
  readonly url: string | null;
}

/** The controller's API. One table of routes serves requests, validation and `openapi.json`. */
export function createHttpServer(options: HttpServerOptions): HttpServer {
  const { listen: at, clock, controlPlane, log, allowedHosts = [] } = options;
  let url: string | null = null;
  let closed: Promise<void> | null = null;
  let bound: Bound | null = null;
  const kind: ListenerKind =
    "socketPath" in at ? "socket" : options.serves === "callbacks" ? "older" : "network";
  const { connectionsMax = connectionsMaxOf(kind, descriptorLimit()), unprovenMs = UNPROVEN_MS } =
    options.connections ?? {};
  const app = buildApp({
    controlPlane,
    log,
    allowedHosts,
    boundHost: "host" in at ? at.host : null,
    serves: options.serves,
    tls: "host" in at ? at.tls : undefined,
    closing: () => closed !== null,
    connections: {
      connectionsMax,
      unprovenMs,
      onFull: () => options.onFull?.({ where: url ?? "", connectionsMax }),
    },
  });

  async function listen(): Promise<string> {
    try {
      url = "host" in at ? await listenOnPort(at) : await listenOnSocket(at.socketPath);
      return url;
    } catch (error) {
      const where = "host" in at ? `${inUrl(at.host)}:${at.port}` : at.socketPath;
      const said = error instanceof Error ? error.message : String(error);
      throw new FactoryError("http/listen", "retry", `cannot listen on ${where}: ${said}`, { cause: error });
    }
  }

  async function listenOnPort({ host, port, tls }: Extract<ListenAt, { host: string }>): Promise<string> {
    await app.listen({ host, port });
    const address = app.server.address();
    const scheme = tls === undefined ? "http" : "https";
    return `${scheme}://${inUrl(host)}:${typeof address === "object" && address ? address.port : port}`;
  }

  async function listenOnSocket(path: string): Promise<string> {
    bound = await bindSocket(path, (at) => app.listen({ path: at }));
    return socketAddress(path);
  }

  async function close(): Promise<void> {
    const done = new AbortController();
    const deadline = clock.sleep(CLOSE_DEADLINE_MS, done.signal).then(
      () => app.server.closeAllConnections(),
      () => {},
    );
    await app.close();
    bound?.release();
    done.abort();
    await deadline;
  }

  return {
    listen,
    close() {
      closed ??= close();
      return closed;
    },
    get url() {
      return url;
    },
  };
}
