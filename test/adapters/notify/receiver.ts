/** A receiver of notices on loopback that answers as it is told, and can be away. */
import { createServer, type IncomingHttpHeaders, type Server } from "node:http";

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface Receiver {
  readonly port: number;
  readonly url: string;
  readonly received: Received[];
  /** The next answers; null takes the request and never answers. */
  answer: () => {
    readonly status: number;
    readonly headers?: Record<string, string>;
    readonly body?: string;
  } | null;
  close(): Promise<void>;
}

export async function startReceiver(port = 0): Promise<Receiver> {
  const server: Server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      const told = receiver.answer();
      receiver.received.push({ path: request.url ?? "", headers: request.headers, body });
      if (told !== null) response.writeHead(told.status, told.headers).end(told.body);
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(port, "127.0.0.1", resolve);
  });
  const address = server.address();
  const bound = typeof address === "object" && address !== null ? address.port : 0;
  const receiver: Receiver = {
    port: bound,
    url: `http://127.0.0.1:${bound}/hook`,
    received: [],
    answer: () => ({ status: 204 }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
  return receiver;
}
