import { generateKeyPairSync } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { Random } from "../../ports/random.ts";

export interface DataDirectory {
  readonly installation: string;
  /** The repository as it was called at the first start: missions keep their ids when its address changes. */
  readonly repository: string;
  /** Key of this installation; tokens of instances are derived from it. */
  readonly key: Uint8Array;
  readonly operatorToken: string;
  /** PEM of the Ed25519 key with which this installation signs what it publishes. */
  readonly statusKey: string;
  /** Port of the last controller, if it had one. */
  readonly port: number | null;
  /** Where a controller of an older program listened without proof, and shims of that time look for one. */
  readonly olderPort: number | null;
  /** Says where the controller listens, so that the command line finds it. */
  announce(controller: Announcement): Promise<void>;
  retract(): Promise<void>;
}

export interface Announcement {
  /** `unix:<path>` */
  readonly url: string;
  /** `https://host:port#sha256=<fingerprint>`, where it listens on a port. */
  readonly network?: string;
  /** `http://127.0.0.1:port`, for shims of an older program. */
  readonly older?: string;
  readonly pid: number;
  readonly startedAt: number;
}

/** Files of the data directory that the command line reads, too. */
export const CONTROLLER_FILE = "controller.json";
export const OPERATOR_TOKEN_FILE = "operator.token";
const IDENTITY_FILE = "installation.json";
const STATUS_KEY_FILE = "status-key.pem";
const OWNER_ONLY = 0o600;

interface Identity {
  readonly installation: string;
  readonly repository: string;
  readonly key: string;
}

/** Opens what an installation is known by, making it at the first start. For the holder of the store's lock only. */
export async function openDataDirectory(options: {
  readonly directory: string;
  readonly random: Random;
  readonly repository: string;
  readonly installation?: string;
}): Promise<DataDirectory> {
  const { directory, random } = options;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  await mkdir(join(directory, "secrets"), { recursive: true, mode: 0o700 });
  const identity = await ensureIdentity(options);
  const tokenFile = join(directory, OPERATOR_TOKEN_FILE);
  const operatorToken = (await readText(tokenFile))?.trim() ?? `fop_${random.nonce()}${random.nonce()}`;
  await write(tokenFile, `${operatorToken}\n`);
  const controllerFile = join(directory, CONTROLLER_FILE);
  const before = await readText(controllerFile);
  return {
    installation: identity.installation,
    repository: identity.repository,
    key: Buffer.from(identity.key, "base64"),
    operatorToken,
    statusKey: await ensureStatusKey(directory),
    ...portsOf(before),
    announce: (controller) => write(controllerFile, `${JSON.stringify(controller, null, 2)}\n`),
    // The address stays: the next controller takes the same port again. Only the process is gone.
    retract: async () => {
      const last = await readText(controllerFile);
      if (last !== null)
        await write(controllerFile, `${JSON.stringify({ ...JSON.parse(last), pid: null }, null, 2)}\n`);
    },
  };
}

/** The key with which an installation signs what it publishes; null when it is lost, or was never made. Changes nothing. */
export async function readStatusKey(directory: string): Promise<string | null> {
  return await readText(join(directory, STATUS_KEY_FILE));
}

async function ensureStatusKey(directory: string): Promise<string> {
  const known = await readStatusKey(directory);
  if (known !== null) return known;
  const { privateKey } = generateKeyPairSync("ed25519");
  const made = privateKey.export({ format: "pem", type: "pkcs8" }).toString();
  await write(join(directory, STATUS_KEY_FILE), made);
  return made;
}

export function identityFile(directory: string): string {
  return join(directory, IDENTITY_FILE);
}

/** Whose directory it is; null when that is lost, and with it the key. Changes nothing. */
export async function readIdentity(
  directory: string,
): Promise<{ readonly installation: string; readonly repository: string } | null> {
  const text = await readText(identityFile(directory));
  if (text === null) return null;
  const { installation, repository } = JSON.parse(text) as Identity;
  return { installation, repository };
}

async function ensureIdentity(options: Parameters<typeof openDataDirectory>[0]): Promise<Identity> {
  const file = identityFile(options.directory);
  const text = await readText(file);
  if (text !== null) {
    const known = JSON.parse(text) as Identity;
    if (options.installation !== undefined && options.installation !== known.installation) {
      throw new FactoryError(
        "data/other-installation",
        "stall",
        `${options.directory} belongs to installation ${known.installation}, not ${options.installation}`,
      );
    }
    return known;
  }
  const { random } = options;
  const made: Identity = {
    installation: options.installation ?? `factory-${random.nonce().slice(0, 8)}`,
    repository: withoutCredentials(options.repository),
    key: Buffer.from(random.nonce() + random.nonce(), "hex").toString("base64"),
  };
  await write(file, `${JSON.stringify(made, null, 2)}\n`);
  return made;
}

function withoutCredentials(url: string): string {
  return url.replace(/^(\w+:\/\/)[^@/]*@/, "$1");
}

function portsOf(announced: string | null): Pick<DataDirectory, "port" | "olderPort"> {
  try {
    const { url = "", network, older } = JSON.parse(announced ?? "{}") as Partial<Announcement>;
    // An older program announced nothing but where it listened.
    return { port: portOf(network), olderPort: portOf(older ?? (url.startsWith("http:") ? url : undefined)) };
  } catch {
    return { port: null, olderPort: null };
  }
}

function portOf(url: string | undefined): number | null {
  return url === undefined ? null : Number(new URL(url).port) || null;
}

async function readText(file: string): Promise<string | null> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}

/** Whole or not at all, for its owner only, and on the disk before it returns. */
async function write(file: string, text: string): Promise<void> {
  const next = `${file}.new`;
  await rm(next, { force: true });
  const handle = await open(next, "w", OWNER_ONLY);
  try {
    await handle.writeFile(text);
    await handle.sync();
  } finally {
    await handle.close();
  }
  await rename(next, file);
}
