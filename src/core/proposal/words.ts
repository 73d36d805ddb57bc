/** Words and numbers of a plan. */
import type { Budget } from "../model/mission.ts";

/** `2 missions`, `1 mission`. */
export function plural(count: number, noun: string): string {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}

/** `4,000`, `0.5`. */
export function grouped(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: 6 });
}

/** `a`, `a and b`, `a, b and c`. */
export function listed(items: readonly string[]): string {
  if (items.length < 2) return items.join("");
  return `${items.slice(0, -1).join(", ")} and ${items.at(-1)}`;
}

/** `a, b, c and 34 more`: names in a row, at most so many of them. */
export function someOf(names: readonly string[], most: number): string {
  if (names.length <= most) return listed(names);
  return `${names.slice(0, most).join(", ")} and ${grouped(names.length - most)} more`;
}

export function capitalised(text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** Breaks text at words; each line after the first is indented. */
export function wrap(text: string, width: number, indent = ""): string {
  const rows: string[] = [];
  let row = "";
  for (const word of text.split(" ")) {
    const next = row === "" ? word : `${row} ${word}`;
    const limit = rows.length === 0 ? width : width - indent.length;
    if (row !== "" && [...next].length > limit) {
      rows.push(row);
      row = word;
    } else row = next;
  }
  rows.push(row);
  return rows.map((line, index) => (index === 0 ? line : indent + line)).join("\n");
}

/** Text inside of an element, where Markdown is not read. */
export function html(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** `at most 5 USD, 45 min, 400 LLM calls`. */
export function budgetText(budget: Budget, withoutLimit = "no limit on cost"): string {
  const { max_cost_usd: usd, max_runtime_minutes: minutes, max_llm_calls: calls } = budget;
  const time = `${grouped(minutes)} min`;
  return [
    usd === null ? `${withoutLimit}, at most ${time}` : `at most ${grouped(usd)} USD, ${time}`,
    calls === null ? "no limit on LLM calls" : `${grouped(calls)} LLM calls`,
  ].join(", ");
}
