import { createHash } from "node:crypto";

/**
 * The line by which a text of ours is found again. It is hidden, names what the text stands for (`key`) and what the text
 * was (`text`), so that one that somebody has edited is known and written anew.
 */
export interface Marked {
  readonly marker: string;
  readonly key: string;
  readonly body: string;
}

const LINE = /^<!-- factory:([a-z0-9./-]{1,100}) key=([0-9a-f]{32}) text=([0-9a-f]{32}) -->\r?\n/;

export function withMarker({ marker, key, body }: Marked): string {
  return `<!-- factory:${marker} key=${digest(key)} text=${digest(plain(body))} -->\n${body}`;
}

export function hasMarker(text: string | null | undefined, marker: string): boolean {
  return LINE.exec(text ?? "")?.[1] === marker;
}

export function hasAnyMarker(text: string | null | undefined): boolean {
  return LINE.test(text ?? "");
}

/** Whether it stands for the same, and is as it was written. */
export function isUpToDate(text: string, { marker, key }: Pick<Marked, "marker" | "key">): boolean {
  const [line, found, known, written] = LINE.exec(text) ?? [];
  if (line === undefined || found !== marker || known !== digest(key)) return false;
  return written === digest(plain(text.slice(line.length)));
}

/** Forges keep line ends and the space around a text in their own way. */
function plain(text: string): string {
  return text.replaceAll("\r\n", "\n").trim();
}

function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}
