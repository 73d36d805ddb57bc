/**
 * `git http-backend` behind node:http: a real smart-HTTP server whose requests
 * can be counted, delayed, refused and broken.
 */
import { spawn } from "node:child_process";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { basename } from "node:path";
import { gitEnvironment } from "./git.ts";

export interface GitServer {
  /** Address of the repository with this path or folder name. */
  url(repository: string): string;
  /** Every request so far, in order. */
  readonly requests: readonly GitRequest[];
  /** Forgets the requests counted so far. */
  forget(): void;
  /** Asked before each request; null lets it pass. Replaces the one before. */
  setFault(fault: ((request: GitRequest) => Fault | null) | null): void;
  close(): Promise<void>;
}

export interface GitRequest {
  readonly method: string;
  /** Without the query. */
  readonly path: string;
  readonly query: string;
  /** `git-upload-pack` reads, `git-receive-pack` writes. */
  readonly service: string;
  readonly authorization: string | null;
}

export type Fault =
  | { readonly type: "status"; readonly status: number; readonly body?: string }
  /** Never answers; the connection stays open until the server closes. */
  | { readonly type: "hang" }
  /** Ends the connection without a word. */
  | { readonly type: "reset" }
  /** Does the work, then ends the connection before a byte of the answer is sent. */
  | { readonly type: "lose-answer" }
  /** Ends the connection after so many bytes of the answer. */
  | { readonly type: "truncate"; readonly bytes: number }
  /** Waits, then goes on. */
  | { readonly type: "delay"; readonly until: Promise<unknown> };

export interface GitServerOptions {
  /** Folder whose repositories are served. */
  readonly root: string;
  /** Everything needs this user and password. */
  readonly basicAuth?: { readonly user: string; readonly password: string };
}

/** Serves on a free port of the loopback interface. */
export async function serveGit(options: GitServerOptions): Promise<GitServer> {
  const requests: GitRequest[] = [];
  let fault: (request: GitRequest) => Fault | null = () => null;
  const server = createServer((request, response) => {
    response.on("error", () => {});
    request.on("error", () => {});
    handle(request, response).catch(() => response.destroy());
  });

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const seen = describe(request);
    requests.push(seen);
    const found = fault(seen);
    if (found?.type === "delay") await found.until;
    if (found?.type === "hang") return;
    if (found?.type === "reset") return void response.destroy();
    if (found?.type === "status") {
      request.resume();
      return void response.writeHead(found.status, { "content-type": "text/plain" }).end(found.body ?? "");
    }
    if (options.basicAuth !== undefined) {
      const { user, password } = options.basicAuth;
      const wanted = `Basic ${Buffer.from(`${user}:${password}`).toString("base64")}`;
      if (seen.authorization !== wanted) {
        request.resume();
        return void response.writeHead(401, { "www-authenticate": 'Basic realm="git"' }).end("Unauthorized");
      }
    }
    const answer = await backend({ root: options.root, request, seen, response, fault: found });
    if (answer !== null) response.destroy();
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (repository) => `http://127.0.0.1:${port}/${basename(repository)}`,
    requests,
    forget() {
      requests.length = 0;
    },
    setFault(next) {
      fault = next ?? (() => null);
    },
    close() {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function describe(request: IncomingMessage): GitRequest {
  const url = new URL(request.url ?? "/", "http://server");
  const service = url.searchParams.get("service") ?? basename(url.pathname);
  return {
    method: request.method ?? "GET",
    path: decodeURIComponent(url.pathname),
    query: url.search.slice(1),
    service,
    authorization: request.headers.authorization ?? null,
  };
}

interface BackendCall {
  readonly root: string;
  readonly request: IncomingMessage;
  readonly seen: GitRequest;
  readonly response: ServerResponse;
  readonly fault: Fault | null;
}

/** Runs the CGI program for one request. Answers `"broken"` when the connection is to be cut. */
function backend(call: BackendCall): Promise<"broken" | null> {
  const { root, request, seen, response, fault } = call;
  const header = (name: string) => request.headers[name]?.toString() ?? "";
  return new Promise((resolve, reject) => {
    const child = spawn("git", ["http-backend"], {
      env: {
        ...gitEnvironment(),
        GIT_PROJECT_ROOT: root,
        GIT_HTTP_EXPORT_ALL: "1",
        GIT_CONFIG_COUNT: "1",
        GIT_CONFIG_KEY_0: "http.receivepack",
        GIT_CONFIG_VALUE_0: "true",
        REQUEST_METHOD: seen.method,
        PATH_INFO: seen.path,
        QUERY_STRING: seen.query,
        CONTENT_TYPE: header("content-type"),
        ...(request.headers["content-length"] === undefined
          ? {}
          : { CONTENT_LENGTH: header("content-length") }),
        HTTP_CONTENT_ENCODING: header("content-encoding"),
        GIT_PROTOCOL: header("git-protocol"),
        REMOTE_ADDR: "127.0.0.1",
        REMOTE_USER: "tester",
      },
      stdio: ["pipe", "pipe", "ignore"],
    });
    const out: Buffer[] = [];
    child.on("error", reject);
    child.stdin.on("error", () => {});
    child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
    child.on("close", () => {
      if (fault?.type === "lose-answer") return resolve("broken");
      const all = Buffer.concat(out);
      const end = all.indexOf("\r\n\r\n");
      const fields = end < 0 ? [] : all.subarray(0, end).toString("latin1").split("\r\n");
      let status = end < 0 ? 500 : 200;
      for (const field of fields) {
        const colon = field.indexOf(":");
        const name = field.slice(0, colon).toLowerCase();
        const value = field.slice(colon + 1).trim();
        if (name === "status") status = Number.parseInt(value, 10);
        else response.appendHeader(name, value);
      }
      const body = end < 0 ? Buffer.alloc(0) : all.subarray(end + 4);
      response.writeHead(status);
      if (fault?.type !== "truncate") return void response.end(body, () => resolve(null));
      response.write(body.subarray(0, fault.bytes), () => resolve("broken"));
    });
    request.pipe(child.stdin);
    // A client that went away must not leave the program waiting for the rest.
    request.on("close", () => {
      if (!child.stdin.writableEnded) child.stdin.destroy();
    });
  });
}
