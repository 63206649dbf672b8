const ms = require("ms");

console.log(ms(5000, { long: true }), "and", require("caller"));
