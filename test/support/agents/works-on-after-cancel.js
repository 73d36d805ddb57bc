// Goes on working whatever it is told, until its input ends.
let step = 0;
setInterval(() => console.log(JSON.stringify({ type: "progress", summary: `step ${step++}` })), 20);
process.stdin.on("end", () => process.exit(0)).resume();
