import type { Severity } from "../../core/model/incident.ts";
import type { Notice } from "../../core/model/notice.ts";
import { type Instant, iso } from "../../core/model/time.ts";
import type { Delivery, Notifier } from "../../ports/notifier.ts";
import { post } from "./http.ts";
import type { ReadSecret } from "./secret.ts";

/**
 * Posts notices to a Slack-compatible incoming webhook (Slack, Mattermost, Rocket.Chat): `text` for
 * notifications and for receivers without blocks, `blocks` for the rest. The address of such
 * a hook is a secret by itself, so it usually comes from one.
 */
export function createSlack(options: {
  readonly url: string | null;
  readonly secret: ReadSecret | null;
  readonly now: () => Instant;
}): Notifier {
  return {
    async deliver(notice, signal): Promise<Delivery> {
      let { url } = options;
      if (url === null) {
        const secret = (await options.secret?.(signal)) ?? { problem: "no address is declared" };
        if ("problem" in secret) return { type: "retry", message: secret.problem };
        url = secret.value.trim();
      }
      if (!/^https?:\/\/\S+$/.test(url) || !URL.canParse(url))
        return { type: "retry", message: "its secret is not an http or https address" };
      return post({ url, headers: {}, body: JSON.stringify(message(notice)), nowMs: options.now() }, signal);
    },
  };
}

const MARK: Readonly<Record<Severity, string>> = {
  low: ":information_source:",
  medium: ":warning:",
  high: ":rotating_light:",
  critical: ":rotating_light:",
};
/** What Slack takes in one section, less what surrounds it. */
const SECTION_CHARS_MAX = 2_900;
const HEADER_CHARS_MAX = 150;

export function message(notice: Notice): Readonly<Record<string, unknown>> {
  const lines = [plain(notice.what), ...notice.evidence.map((line) => `• ${plain(line)}`)];
  const answers = notice.answers.map((answer) => `\`${plain(answer).replaceAll("`", "'")}\``).join("\n");
  const facts = `${notice.kind}, ${notice.severity}, since ${iso(notice.since)}${
    notice.clone === null ? "" : `, ${plain(notice.clone)}`
  }, ${notice.id}`;
  return {
    text: `${MARK[notice.severity]} ${plain(notice.subject)}: ${plain(notice.what)}`.slice(
      0,
      SECTION_CHARS_MAX,
    ),
    blocks: [
      { type: "header", text: { type: "plain_text", text: notice.subject.slice(0, HEADER_CHARS_MAX) } },
      section(lines.join("\n")),
      ...(answers === "" ? [] : [section(answers)]),
      { type: "context", elements: [{ type: "mrkdwn", text: facts.slice(0, SECTION_CHARS_MAX) }] },
    ],
  };
}

function section(text: string): Readonly<Record<string, unknown>> {
  return { type: "section", text: { type: "mrkdwn", text: text.slice(0, SECTION_CHARS_MAX) } };
}

/** What an agent wrote must neither mention anybody nor become a link. */
function plain(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}
