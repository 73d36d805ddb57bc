// Says nothing until its input has a line or ends, then accepts and ends.
console.log("starting up");
setTimeout(() => {
  console.log(JSON.stringify({ type: "accepted" }));
  console.log(JSON.stringify({ type: "completed", summary: "done" }));
}, 100);
