/** By what a controller proves itself where it listens on a port: a certificate that was given, or one of its own. */
import { chmodSync, existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { FactoryError } from "../../core/model/error.ts";
import type { Instant } from "../../core/model/time.ts";
import { type Certificate, fingerprint, selfMade } from "./certificate.ts";

export interface Identity extends Certificate {
  /** Of the certificate: what everybody who has a token has to know. */
  readonly sha256: string;
}

/** Files that hold a certificate, with those that certify it, and its key; PEM both. */
export interface CertificateFiles {
  readonly cert: string;
  readonly key: string;
}

export function givenIdentity(files: CertificateFiles): Identity {
  try {
    const cert = readFileSync(files.cert, "utf8");
    return { cert, key: readFileSync(files.key, "utf8"), sha256: fingerprint(cert) };
  } catch (error) {
    // The message may quote a key.
    const code = error instanceof Error && "code" in error ? String(error.code) : "no PEM";
    throw new FactoryError(
      "http/certificate",
      "stall",
      `certificate ${files.cert} and key ${files.key} cannot be used (${code}); give two PEM files that belong together`,
      { cause: error },
    );
  }
}

/** Made at the first call and kept below `directory`, for its owner alone: whoever knows its fingerprint finds the same controller again. */
export function ownIdentity(options: {
  readonly directory: string;
  readonly name: string;
  readonly host: string;
  readonly at: Instant;
}): Identity {
  const file = join(options.directory, "identity.pem");
  if (!existsSync(file)) {
    mkdirSync(options.directory, { recursive: true, mode: 0o700 });
    const { cert, key } = selfMade(options);
    writeFileSync(`${file}.new`, `${cert}${key}`, { mode: 0o600 });
    chmodSync(`${file}.new`, 0o600);
    renameSync(`${file}.new`, file);
  }
  // One file, so that key and certificate belong together whenever we were stopped.
  return givenIdentity({ cert: file, key: file });
}
