// Busy with the same thing for ever.
setInterval(() => console.log(JSON.stringify({ type: "progress", summary: "still thinking" })), 50);
