#!/usr/bin/env node
const { heading } = require("@example/text");
const ms = require("ms");

console.log(heading("layer cache"), "a year is", ms("1y"), "ms", require("ms/package.json").version);
