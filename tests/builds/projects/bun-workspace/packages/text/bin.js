#!/usr/bin/env bun
console.log("text", require("./index.js").heading("bin"));
