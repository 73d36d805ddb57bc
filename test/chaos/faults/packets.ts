/** Packets that vanish instead of being refused. Only in a network of the scenario's own. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { join } from "node:path";
import { createControllerClient } from "../../../src/adapters/http/client.ts";
import type { RunningController } from "../../support/controller.ts";
import { NotPossible } from "../scenario.ts";

/** On the loopback interface as well, and nobody else's. */
const OPERATOR = "127.0.0.9";

/** Drops what 127.0.0.1 sends to the port; answers how to let it through again. */
export function dropPackets(port: number): () => void {
  const rule = ["INPUT", "-p", "tcp", "-s", "127.0.0.1", "--dport", String(port), "-j", "DROP"];
  iptables("-A", ...rule);
  return () => iptables("-D", ...rule);
}

/** The same controller by a way that comes from another address, so that only the instances' way can be cut. */
export async function fromElsewhere(
  controller: RunningController,
  dataDir: string,
): Promise<{ readonly controller: RunningController; close(): void }> {
  const network = new URL(controller.network ?? "");
  const port = Number(network.port);
  const server = createServer((socket) => {
    const onward = connect({ host: "127.0.0.1", port, localAddress: OPERATOR });
    for (const end of [socket, onward])
      end.on("error", () => {
        socket.destroy();
        onward.destroy();
      });
    socket.pipe(onward).pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port: own } = server.address() as AddressInfo;
  const token = readFileSync(join(dataDir, "operator.token"), "utf8").trim();
  // With the certificate that the controller proves itself by; only the address differs.
  const client = createControllerClient({
    url: `https://127.0.0.1:${own}${network.hash}`,
    token,
    actor: "tester",
  });
  return { controller: { ...controller, client }, close: () => void server.close() };
}

function iptables(...args: readonly string[]): void {
  const { status, stderr, error } = spawnSync("iptables", args, { encoding: "utf8" });
  if (status !== 0) throw new NotPossible(`iptables: ${error?.message ?? stderr.trim()}`);
}
