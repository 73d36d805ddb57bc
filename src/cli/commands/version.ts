import type { OperationAnswer } from "../../api/operations/table.ts";
import { FactoryError } from "../../core/model/error.ts";
import { type Call, command } from "../command.ts";
import { EXIT } from "../exit.ts";

type Version = OperationAnswer<"version">;

/** Asks no controller for more than its version: without one, this program's is all there is to say. */
export const version = command({
  usage: "version",
  summary: "Show the version of this program, and of the controller that answers",
  examples: ["factory version", "factory version --json | jq .controller.version"],
  async run(call) {
    const { ABOUT } = await import("../../about.ts");
    const { wireOf } = await import("../../adapters/http/client.ts");
    const controller = await controllerVersion(call);
    if (call.json)
      call.io.json({
        program: wireOf("version", ABOUT),
        controller: controller === null ? null : wireOf("version", controller),
      });
    else {
      call.io.out(`factory     ${text(ABOUT)}`);
      call.io.out(`controller  ${controller === null ? "none answers" : text(controller)}`);
    }
    return EXIT.fine;
  },
});

/** Null where none answers, or one that does not accept the token. */
async function controllerVersion({ controller }: Call): Promise<Version | null> {
  try {
    return await (await controller()).call("version");
  } catch (error) {
    if (error instanceof FactoryError && error.code.startsWith("controller/")) return null;
    throw error;
  }
}

function text({ version: number, node, protocol, recordLayout }: Version): string {
  const { envelope, event, heartbeat } = protocol;
  return `${number}, Node ${node}, envelope v${envelope}, event v${event}, heartbeat v${heartbeat}, record layout ${recordLayout}`;
}
