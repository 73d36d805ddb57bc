import { systemClock } from "../../adapters/system/clock.ts";
import { ROLES, type Role } from "../../core/model/role.ts";
import { iso } from "../../core/model/time.ts";
import { isOver } from "../../ports/operator-tokens.ts";
import { type Call, command } from "../command.ts";
import { report } from "../controller.ts";
import { EXIT, usageError } from "../exit.ts";
import { oneLine } from "../io.ts";
import { count, option } from "../options.ts";

interface TokenOptions {
  readonly role?: Role;
  readonly days?: number;
}

export const token = command<TokenOptions, [verb: string | undefined, which: string | undefined]>({
  usage: "token [verb] [which]",
  summary: "Say who may ask the controller, and as what",
  examples: ["factory token create ann --role approver", "factory token list", "factory token revoke 3f9c…"],
  note: [
    "Verbs: list (the default), create <name> --role <role>, revoke <id>.",
    "Roles: viewer looks; operator also stops, pauses and resumes;",
    "approver also decides and signs off; admin also makes tokens.",
  ].join("\n"),
  options: [
    option("--role <role>", "create: what it is good for").choices([...ROLES]),
    option("--days <days>", "create: until it is over (default: 90)").argParser(count),
  ],
  async run(call, verb, which) {
    if (verb === undefined || verb === "list") return list(call);
    if (verb !== "create" && verb !== "revoke")
      throw usageError(`\`factory token\` knows list, create and revoke, not ${verb}`);
    if (which === undefined)
      throw usageError(
        verb === "create"
          ? "name the person: `factory token create ann --role viewer`"
          : "name the token: `factory token revoke <id>`",
      );
    return verb === "revoke"
      ? (await call.controller()).order("revokeToken", { id: which })
      : create(call, which);
  },
});

async function create({ io, json, options, controller }: Call<TokenOptions>, name: string): Promise<number> {
  const { role, days } = options;
  if (role === undefined) throw usageError(`say what it is good for: --role ${ROLES.join(" | ")}`);
  const answer = await (await controller()).call("createToken", {
    name,
    role,
    ...(days === undefined ? {} : { days }),
  });
  if (!answer.ok || json) return report(answer, { io, json, about: { name } });
  // The token alone on standard output, so that it can be written to a file of mode 600.
  io.out(answer.token);
  io.err(answer.message);
  return EXIT.fine;
}

async function list({ io, json, controller }: Call<TokenOptions>): Promise<number> {
  const ask = await controller();
  const answer = await ask.call("tokens");
  if (json) io.json(ask.wire("tokens", answer));
  else if (answer.tokens.length === 0)
    io.out(
      "Nobody has a token of their own: all share <data>/operator.token. `factory token create <name> --role <role>` makes one.",
    );
  for (const one of json ? [] : answer.tokens) {
    const state =
      one.revokedAt !== null
        ? `revoked ${iso(one.revokedAt)}`
        : `${isOver(one, systemClock().now()) ? "over since" : "until"} ${iso(one.expiresAt)}`;
    io.out(`${one.id}  ${oneLine(one.name)}  ${one.role}  ${state}`);
  }
  return EXIT.fine;
}
