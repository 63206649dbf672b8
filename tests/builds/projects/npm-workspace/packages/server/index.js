const ms = require("ms");
const { heading } = require("@example/text");

console.log(heading("layer cache"), ms(ms("2 days"), { long: true }), "ms", require("ms/package.json").version);
