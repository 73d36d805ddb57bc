import { command } from "../command.ts";
import { usageError } from "../exit.ts";

/** Reaches the agent on its standard input, once per instance; recorded with who said it. */
export const message = command<object, [name: string, text: string]>({
  usage: "message <name> <text>",
  summary: "Say something to the agent of a mission",
  examples: ['factory message license-audit "the token is in REGISTRY_TOKEN now"'],
  async run({ controller }, name, text) {
    if (text.trim() === "")
      throw usageError('there is nothing to say; give a text, for example "use the mirror"');
    return (await controller()).order("message", { name, text });
  },
});
