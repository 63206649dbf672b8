#!/usr/bin/env node
console.log("text", require("./index.js").heading("bin"));
