const { Iconv } = require("iconv");
const ms = require("ms");

const bytes = new Iconv("UTF-8", "ISO-8859-1").convert("Schichtträger");
console.log(bytes.toString("hex"), ms("2h"), "ms", require("ms/package.json").version);
