/**
 * A shim in reserve: one that was started ahead, belongs to no instance, and waits with its modules loaded for
 * the launch that makes it one. What driver and shim share of that: how one is recognised, the order that it is given, and
 * how it takes on the marks by which an instance's processes are found.
 *
 * Before its order it knows of no clone and holds no secret. It hears the process that started it and nobody else: its
 * standard input is a socket without a name, which cannot be opened again through /proc. When that closes, it goes.
 *
 * After its order it cannot be told from a shim that was started for the instance: /proc shows the marker in the environment
 * that the kernel keeps of it, and the instance's folder as its last argument, both written over what held their
 * places (`/proc/self/mem`; both lie in the process's own memory and may be written). A kernel that refuses
 * that gets an ordinary start.
 */
import { closeSync, openSync, readFileSync, readSync, writeSync } from "node:fs";
import { isRecord } from "./files.ts";
import { INSTANCE_MARKER } from "./process-table.ts";

/** What a shim in reserve is told, once, as one JSON document. It carries the token and the secrets, so it never touches a disk. */
export interface LaunchOrder {
  readonly version: 1;
  /** The instance's folder, with the intent in it. */
  readonly directory: string;
  /** Of that intent: an order for another launch is not obeyed. */
  readonly nonce: string;
  /** As a shim of its own would read them (`launch-settings.ts`). */
  readonly settings: unknown;
}

/** What the driver's nonces have: 16 bytes as hex. */
const NONCE_LENGTH = 32;
/** No nonce, so no instance is ever found by it. */
export const RESERVE_MARKER = "-".repeat(NONCE_LENGTH);
const ARGUMENT = "--in-reserve";
/** A clone's name of 201 characters, an epoch of 15 digits, and what stands between. */
const FOLDER_BYTES_MAX = 224;

/** The last argument of a shim in reserve: as long as the longest folder of an instance below `directory`. */
export function reserveArgument(directory: string): string {
  return ARGUMENT.padEnd(Buffer.byteLength(directory) + FOLDER_BYTES_MAX, "-");
}

export function isReserveArgument(argument: string): boolean {
  return argument.startsWith(ARGUMENT);
}

/** Whether the marks of this instance fit into the places that a shim in reserve below `directory` has for them. */
export function fitsReserve(
  directory: string,
  instance: { readonly directory: string; readonly nonce: string },
) {
  return (
    instance.nonce.length === NONCE_LENGTH &&
    Buffer.byteLength(instance.directory) <= Buffer.byteLength(reserveArgument(directory))
  );
}

export function isLaunchOrder(value: unknown): value is LaunchOrder {
  return (
    isRecord(value) &&
    value["version"] === 1 &&
    typeof value["directory"] === "string" &&
    typeof value["nonce"] === "string" &&
    isRecord(value["settings"])
  );
}

/**
 * Writes marker and folder where the system looks for them, and looks whether it shows them. Throws with the
 * reason where it does not; then nothing may be claimed.
 */
export function takeOnMarks({ directory, nonce }: Pick<LaunchOrder, "directory" | "nonce">): void {
  const { args, environment } = ownPlaces();
  const memory = openSync("/proc/self/mem", "r+");
  try {
    replace(memory, environment, `${INSTANCE_MARKER}=${RESERVE_MARKER}`, `${INSTANCE_MARKER}=${nonce}`);
    const argument = readFileSync("/proc/self/cmdline", "utf8").split("\0").findLast(isReserveArgument);
    replace(memory, args, argument ?? ARGUMENT, directory);
  } finally {
    closeSync(memory);
  }
  if (!readFileSync("/proc/self/environ", "latin1").split("\0").includes(`${INSTANCE_MARKER}=${nonce}`))
    throw new Error("the environment does not show the marker");
  if (lastArgument(readFileSync("/proc/self/cmdline", "utf8")) !== directory)
    throw new Error("the arguments do not show the instance's folder");
}

/** Of a command line as /proc shows it. What a shim from the reserve had in its place may have been longer: the rest of it is empty. */
export function lastArgument(commandLine: string): string {
  return commandLine.split("\0").findLast((argument) => argument !== "") ?? "";
}

interface Place {
  readonly from: number;
  readonly to: number;
}

/** Where the kernel finds what it shows of this process. Zeros where it does not tell: then nothing is found there. */
function ownPlaces(): { readonly args: Place; readonly environment: Place } {
  const stat = readFileSync("/proc/self/stat", "latin1");
  // The first field after the name in parentheses is the third of proc(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const at = (field: number): number => Number(fields[field - 3] ?? 0);
  return { args: { from: at(48), to: at(49) }, environment: { from: at(50), to: at(51) } };
}

/** A whole entry, ended by a zero byte, by another one that is not longer; what is left over becomes zeros. */
function replace(memory: number, place: Place, before: string, after: string): void {
  const held = Buffer.alloc(place.to - place.from);
  readSync(memory, held, 0, held.length, place.from);
  const entry = Buffer.from(`\0${before}\0`);
  const found = held.indexOf(entry);
  const at = found >= 0 ? found + 1 : held.indexOf(entry.subarray(1)) === 0 ? 0 : -1;
  const text = Buffer.alloc(entry.length - 2);
  if (at < 0) throw new Error("this process was not started as a reserve");
  if (Buffer.byteLength(after) > text.length) throw new Error("there is no room for the instance's folder");
  text.write(after);
  writeSync(memory, text, 0, text.length, place.from + at);
}
