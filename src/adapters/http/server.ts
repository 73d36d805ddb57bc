import { chmodSync, lstatSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { FactoryError } from "../../core/model/error.ts";
import type { Clock } from "../../ports/clock.ts";
import type { ControlPlane } from "../../ports/control-plane.ts";
import type { Log } from "../../ports/log.ts";
import { buildApp } from "./app.ts";
import { inUrl } from "./host.ts";
import { CLOSE_DEADLINE_MS, CONNECTIONS_MAX } from "./limits.ts";

export interface HttpServerOptions {
  readonly controlPlane: ControlPlane;
  readonly clock: Clock;
  readonly log: Log;
  /** A port of 0 takes a free one. A socket is for its owner only and replaces one that nobody listens to. */
  readonly listen: { readonly host: string; readonly port: number } | { readonly socketPath: string };
  /** Further values of `Host` that are ours, behind a proxy for example. */
  readonly allowedHosts?: readonly string[];
}

export interface HttpServer {
  /** Answers the URL once requests are taken: `http://host:port`, or `unix:<path>`. Rejects with `http/listen`. */
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
  const app = buildApp({
    controlPlane,
    log,
    allowedHosts,
    boundHost: "host" in at ? at.host : null,
    closing: () => closed !== null,
  });
  app.server.maxConnections = CONNECTIONS_MAX;

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

  async function listenOnPort({ host, port }: { host: string; port: number }): Promise<string> {
    await app.listen({ host, port });
    const address = app.server.address();
    return `http://${inUrl(host)}:${typeof address === "object" && address ? address.port : port}`;
  }

  async function listenOnSocket(path: string): Promise<string> {
    // Asked before we bind: a socket file without a listener is what a killed controller leaves behind.
    if (await isAbandoned(path)) rmSync(path);
    await app.listen({ path });
    chmodSync(path, 0o600);
    return `unix:${path}`;
  }

  async function close(): Promise<void> {
    const done = new AbortController();
    const deadline = clock.sleep(CLOSE_DEADLINE_MS, done.signal).then(
      () => app.server.closeAllConnections(),
      () => {},
    );
    await app.close();
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

/** Whether the path is a socket on which nobody listens. */
function isAbandoned(path: string): Promise<boolean> {
  // A regular file refuses a connection as well, and is somebody's.
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return Promise.resolve(false);
  return new Promise((resolve) => {
    const probe = connect({ path });
    probe.once("connect", () => {
      probe.destroy();
      resolve(false);
    });
    probe.once("error", (error) => resolve("code" in error && error.code === "ECONNREFUSED"));
  });
}
