const ms = require("ms");

console.log(ms(5000, { long: true }), "by ms", require("ms/package.json").version);
