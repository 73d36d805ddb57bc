/** Kept of what a check prints: this much from the start and as much from the end. */
const HEAD_BYTES_MAX = 256 * 1024;
const END_BYTES_MAX = 256 * 1024;
const TAIL_LINES_MAX = 20;
const TAIL_CHARS_MAX = 2_000;

/** The output of one check, both streams in order of arrival. Its memory is bounded, whatever is printed. */
export class CheckLog {
  readonly #head: Buffer[] = [];
  #headBytes = 0;
  #end: Buffer[] = [];
  #endBytes = 0;
  #dropped = 0;
  readonly #notes: string[] = [];

  push(chunk: Buffer): void {
    const room = HEAD_BYTES_MAX - this.#headBytes;
    if (room > 0) {
      const part = chunk.subarray(0, room);
      this.#head.push(part);
      this.#headBytes += part.length;
    }
    if (chunk.length > room) this.pushEnd(chunk.subarray(Math.max(0, room)));
  }

  /** A line of ours, after everything that was printed. */
  note(text: string): void {
    this.#notes.push(`[judge] ${text}\n`);
  }

  text(): string {
    const end = Buffer.concat(this.#end);
    const surplus = Math.max(0, end.length - END_BYTES_MAX);
    const dropped = this.#dropped + surplus;
    const gap = dropped > 0 ? `\n[judge] ${dropped} bytes left out\n` : "";
    const head = Buffer.concat(this.#head).toString("utf8");
    const printed = `${head}${gap}${end.subarray(surplus).toString("utf8")}`;
    const newline = printed === "" || printed.endsWith("\n") || this.#notes.length === 0 ? "" : "\n";
    return `${printed}${newline}${this.#notes.join("")}`;
  }

  /** The last lines, without control characters that would move a reader's cursor. */
  tail(): string {
    const lines = this.text().trimEnd().split("\n").slice(-TAIL_LINES_MAX).join("\n");
    return lines.slice(-TAIL_CHARS_MAX).replace(/[^\P{Cc}\n\t]/gu, "");
  }

  private pushEnd(chunk: Buffer): void {
    this.#end.push(chunk);
    this.#endBytes += chunk.length;
    for (
      let first = this.#end[0];
      first && this.#endBytes - first.length >= END_BYTES_MAX;
      first = this.#end[0]
    ) {
      this.#end.shift();
      this.#endBytes -= first.length;
      this.#dropped += first.length;
    }
  }
}
