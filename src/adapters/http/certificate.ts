/** A certificate that nobody has signed but its own key: who has its fingerprint knows whom it talks to. */
import { createHash, generateKeyPairSync, sign, X509Certificate } from "node:crypto";
import { isIPv4, isIPv6 } from "node:net";
import { DAY_MS, type Instant } from "../../core/model/time.ts";

export interface Certificate {
  /** PEM, as is `key`. */
  readonly cert: string;
  readonly key: string;
}

/** It is known by its fingerprint, so it may be old: a new one has to be brought to everybody. */
const VALID_MS = 3_650 * DAY_MS;

export function selfMade(options: {
  readonly name: string;
  readonly host: string;
  readonly at: Instant;
}): Certificate {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const spki = publicKey.export({ type: "spki", format: "der" });
  const name = sequence(set(sequence(oid("2.5.4.3"), utf8(options.name))));
  const toBeSigned = sequence(
    tagged(0, integer(Buffer.from([2]))),
    integer(Buffer.concat([Buffer.from([1]), createHash("sha256").update(spki).digest().subarray(0, 15)])),
    ECDSA_SHA256,
    name,
    sequence(time(options.at), time(options.at + VALID_MS)),
    name,
    spki,
    tagged(3, sequence(sequence(oid("2.5.29.17"), octets(sequence(...namesOf(options.host)))))),
  );
  const signature = sign("sha256", toBeSigned, privateKey);
  const der = sequence(toBeSigned, ECDSA_SHA256, value(0x03, Buffer.concat([Buffer.from([0]), signature])));
  return {
    cert: new X509Certificate(der).toString(),
    key: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** 64 hex digits. Throws where the text is no certificate. */
export function fingerprint(cert: string): string {
  return createHash("sha256").update(new X509Certificate(cert).raw).digest("hex");
}

function namesOf(host: string): Buffer[] {
  const own = isIPv4(host)
    ? value(0x87, Buffer.from(host.split(".").map(Number)))
    : isIPv6(host)
      ? []
      : value(0x82, Buffer.from(host));
  return [value(0x82, Buffer.from("localhost")), own].flat();
}

function value(tag: number, content: Buffer): Buffer {
  const { length } = content;
  const size =
    length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...size]), content]);
}

function sequence(...parts: readonly Buffer[]): Buffer {
  return value(0x30, Buffer.concat(parts));
}

function set(...parts: readonly Buffer[]): Buffer {
  return value(0x31, Buffer.concat(parts));
}

function tagged(number: number, content: Buffer): Buffer {
  return value(0xa0 + number, content);
}

function integer(bytes: Buffer): Buffer {
  return value(0x02, bytes);
}

function octets(content: Buffer): Buffer {
  return value(0x04, content);
}

function utf8(text: string): Buffer {
  return value(0x0c, Buffer.from(text));
}

/** Two digits of the year until 2049, as RFC 5280 asks for. */
function time(at: Instant): Buffer {
  const text = `${new Date(at).toISOString().replaceAll(/[-:T]/g, "").slice(0, 14)}Z`;
  return text < "2050" ? value(0x17, Buffer.from(text.slice(2))) : value(0x18, Buffer.from(text));
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number);
  return value(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]));
}

function base128(number: number): number[] {
  const digits = [number & 0x7f];
  for (let left = number >> 7; left > 0; left >>= 7) digits.unshift((left & 0x7f) | 0x80);
  return digits;
}

const ECDSA_SHA256 = sequence(oid("1.2.840.10045.4.3.2"));
