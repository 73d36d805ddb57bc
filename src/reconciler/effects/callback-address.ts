/** Where instances call back to: each the way on which it can be reached by its driver's shims. */
import { FactoryError } from "../../core/model/error.ts";
import type { Driver } from "../../ports/driver.ts";

/** Of the controller, as `instance/address.ts` reads them. */
export interface CallbackAddresses {
  /** For shims on the controller's machine. */
  readonly socket: string;
  /** For those elsewhere. Null: the controller listens on no port. */
  readonly network: string | null;
}

/** Throws `callback/no-address` where instances of the driver could not reach the controller. */
export function callbackUrlFor(
  { socket, network }: CallbackAddresses,
  driver: Pick<Driver, "name" | "callback">,
): string {
  if (driver.callback === "socket") return socket;
  if (network !== null) return network;
  throw new FactoryError(
    "callback/no-address",
    "stall",
    `instances of driver ${driver.name} run elsewhere, and the controller listens on no port; start it with \`factory run --host <address> --port <port>\``,
  );
}
