// Says its tokens and not what they cost, then waits: counts-tokens.js <model>=<output tokens> …
const tokens = Object.fromEntries(
  process.argv.slice(2).map((text) => {
    const [model, output] = text.split("=");
    return [model, { input: 1000, output: Number(output) }];
  }),
);
process.stdout.write(`${JSON.stringify({ type: "usage", tokens })}\n`);

// The end of the input means: asked to end.
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
