/** Cuts a stream into lines without ever holding more than one capped line. */
import { StringDecoder } from "node:string_decoder";

/** A message is a few hundred bytes; a longer line is data that went astray. */
export const LINE_LENGTH_MAX = 64 * 1024;

export interface LineSink {
  /** A whole line without its end. */
  line(text: string): void;
  /** A piece of a line that is too long to be one. */
  piece(text: string): void;
}

export interface LineSplitter {
  push(chunk: Buffer): void;
  end(): void;
}

/** `lengthMax`: of one line, in characters. */
export function splitLines(sink: LineSink, lengthMax = LINE_LENGTH_MAX): LineSplitter {
  const decoder = new StringDecoder("utf8");
  let held = "";
  let overlong = false;

  function take(text: string): void {
    let start = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", start)) {
      finish(held + text.slice(start, at));
      held = "";
      start = at + 1;
    }
    held += text.slice(start);
    if (held.length <= lengthMax) return;
    sink.piece(held);
    held = "";
    overlong = true;
  }

  function finish(line: string): void {
    if (overlong || line.length > lengthMax) sink.piece(`${line}\n`);
    else sink.line(line);
    overlong = false;
  }

  return {
    push: (chunk) => take(decoder.write(chunk)),
    end() {
      take(decoder.end());
      if (held !== "" && !overlong) sink.line(held);
      else if (held !== "") sink.piece(held);
      held = "";
    },
  };
}
