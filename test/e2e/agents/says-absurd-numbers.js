// Says what it used, then numbers that cannot be, then waits.
const lines = [
  '{"type":"usage","llm_calls":5,"cost_usd":0.5}',
  '{"type":"usage","llm_calls":-3,"cost_usd":-1}',
  '{"type":"usage","llm_calls":2,"cost_usd":0.1}',
  '{"type":"usage","llm_calls":1e300,"cost_usd":1e300}',
  '{"type":"usage","llm_calls":1e999,"cost_usd":1e999}',
  '{"type":"usage","llm_calls":NaN,"cost_usd":NaN}',
  '{"type":"usage","llm_calls":"9","cost_usd":null}',
  '{"type":"usage","cost_usd":-0.2,"semantics":"delta"}',
  '{"type":"usage","cost_usd":7,"semantics":"guess"}',
  '{"type":"usage","tokens":{"m":{"output":-1},"__proto__":{"output":1e300}}}',
  '{"type":"usage","llm_calls":6,"cost_usd":0.6}',
  '{"type":"progress","summary":"said it all"}',
];
process.stdout.write(`${lines.join("\n")}\n`);

// The end of the input means: asked to end.
process.stdin.resume();
process.stdin.on("end", () => process.exit(0));
