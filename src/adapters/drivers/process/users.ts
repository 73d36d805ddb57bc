/**
 * Agents of a root controller run as users of their own, one for each clone: a number that nobody on this machine has.
 * Which clone has which is on disk, so that what a clone has written stays its own.
 */
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { FactoryError } from "../../../core/model/error.ts";
import { refuseShortage } from "../../../core/model/shortage.ts";
import { isRecord, readJson, writeFileDurably } from "../../../instance/files.ts";
import { USERS_COUNT, USERS_FIRST } from "../../../instance/sandbox-users.ts";

/** A number that is somebody's already is passed over; so many in a row are a range that somebody else uses. */
const TAKEN_MAX = 1_000;
const ASK_MS = 2_000;

/** The number for the clone; the same as long as `directory` lives. */
export function userOf(directory: string, clone: string): number {
  const path = join(directory, FILE);
  const known = readJson(path);
  const users = isRecord(known) ? known : {};
  const standing = users[clone];
  if (typeof standing === "number") return standing;
  const taken = new Set(Object.values(users));
  const digest = createHash("sha256").update(`${directory}\n${clone}`).digest();
  const start = digest.readUInt32BE(0) % USERS_COUNT;
  for (let step = 0; step < TAKEN_MAX; step += 1) {
    const user = USERS_FIRST + ((start + step) % USERS_COUNT);
    if (taken.has(user) || isSomebody(user)) continue;
    writeFileDurably(path, `${JSON.stringify({ ...users, [clone]: user }, null, 2)}\n`);
    return user;
  }
  const message = `no number for the user of ${clone}: ${TAKEN_MAX} from ${USERS_FIRST + start} on are taken on this machine`;
  throw new FactoryError("driver/users", "stall", message);
}

/** Of the driver's directory; no name of a clone begins with a dot. */
const FILE = ".users.json";

/** A user or group of this machine, or one of those that it has given away for containers. */
function isSomebody(user: number): boolean {
  return isNamed("passwd", user) || isNamed("group", user) || isGivenAway(user);
}

function isNamed(database: "passwd" | "group", user: number): boolean {
  try {
    const found = execFileSync("getent", [database, String(user)], { timeout: ASK_MS, encoding: "utf8" });
    return found.trim() !== "";
  } catch (error) {
    refuseShortage(error, "getent could not be asked");
    // Not found, or no such program: then the file is what there is.
    return new RegExp(`^[^:]*:[^:]*:${user}:`, "m").test(readOr(`/etc/${database}`));
  }
}

function isGivenAway(user: number): boolean {
  return ["/etc/subuid", "/etc/subgid"].some((path) =>
    readOr(path)
      .split("\n")
      .some((line) => {
        const [, first, count] = line.split(":").map(Number);
        return first !== undefined && count !== undefined && user >= first && user < first + count;
      }),
  );
}

function readOr(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    refuseShortage(error, `${path} cannot be read`);
    return "";
  }
}
