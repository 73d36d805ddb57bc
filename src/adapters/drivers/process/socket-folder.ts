/**
 * The folder of the control sockets. A socket's path may have 107 bytes, and a data directory may not care: where the
 * instances' folder is near enough to the root, its own subfolder is taken, which nobody else can get at; else a folder
 * in the machine's temporary one, with a name that nobody can guess and take before us, remembered beside the instances.
 */
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FactoryError } from "../../../core/model/error.ts";
import { hasCode, writeFileDurably } from "../../../instance/files.ts";

/** 107 bytes, less `/`, 16 digits of the nonce and `.sock`, less a few to spare. */
const FOLDER_BYTES_MAX = 80;
/** Of the machine's temporary folder: `/factory-`, a user's number and six letters follow. */
const ROOT_BYTES_MAX = 55;
const SUBFOLDER = ".sockets";
const REMEMBERED = ".sockets.place";

/** Makes it at first use. Throws `driver/socket-folder` (`retry`) where it is not ours alone. */
export function socketFolder(directory: string): string {
  const near = join(directory, SUBFOLDER);
  if (Buffer.byteLength(near) <= FOLDER_BYTES_MAX) {
    mkdirSync(near, { recursive: true, mode: 0o700 });
    assertOurs(near);
    return near;
  }
  const remembered = readText(join(directory, REMEMBERED));
  if (remembered !== null && isOurs(remembered)) return remembered;
  const root = Buffer.byteLength(tmpdir()) <= ROOT_BYTES_MAX ? tmpdir() : "/tmp";
  const made = mkdtempSync(join(root, `factory-${process.getuid?.()}-`));
  try {
    writeFileDurably(join(directory, REMEMBERED), made);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    throw error;
  }
  return made;
}

function assertOurs(path: string): void {
  if (isOurs(path)) return;
  const message = `${path} is not a folder of this user alone: remove it, or give it back with \`chown\` and \`chmod 700\``;
  throw new FactoryError("driver/socket-folder", "retry", message);
}

/** An owner of the folder would own the sockets in it. */
function isOurs(path: string): boolean {
  try {
    const stat = lstatSync(path);
    return stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o077) === 0;
  } catch (error) {
    if (hasCode(error, "ENOENT")) return false;
    throw error;
  }
}

function readText(file: string): string | null {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    if (hasCode(error, "ENOENT")) return null;
    throw error;
  }
}
