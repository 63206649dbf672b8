const ms = require("ms");
const { heading } = require("@example/text");
const { by } = require("../../generated.json");

console.log(heading("layer cache"), by, ms(ms("2 days"), { long: true }), "ms", require("ms/package.json").version);
