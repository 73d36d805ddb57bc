// Knows nothing of us and ends with success.
console.log("done");
