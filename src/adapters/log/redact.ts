/** What stands where a secret stood. */
export const REDACTED = "[redacted]";

/**
 * Shorter values are not looked for: blanking out every "1" or "yes" would
 * make a log unreadable and tell more than it hides.
 */
const SECRET_CHARS_MIN = 6;

export type Redact = (text: string) => string;

/**
 * Makes a function that blanks out the secret values as they are now. A value
 * is also found in its JSON-escaped, URL-encoded and base64 form, and line by
 * line when it has several, because that is how values travel in messages.
 */
export function createRedactor(values: Iterable<string>): () => Redact {
  let known = "";
  let redact: Redact = (text) => text;
  return () => {
    const secrets = [...values].filter((value) => value.length >= SECRET_CHARS_MIN);
    const key = secrets.join("\0");
    if (key === known) return redact;
    known = key;
    const needles = [...new Set(secrets.flatMap(forms))].sort((a, b) => b.length - a.length);
    redact = (text) => needles.reduce((rest, needle) => rest.replaceAll(needle, REDACTED), text);
    return redact;
  };
}

function forms(secret: string): string[] {
  const lines = secret
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line.length >= SECRET_CHARS_MIN);
  const whole = [secret, secret.trim(), ...lines];
  return whole
    .filter((value) => value.length >= SECRET_CHARS_MIN)
    .flatMap((value) => [
      value,
      JSON.stringify(value).slice(1, -1),
      encodeURIComponent(value),
      Buffer.from(value).toString("base64"),
    ]);
}
