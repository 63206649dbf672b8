import ms from "ms";
import { version } from "ms/package.json";

console.log("Hello", ms(ms("2 days"), { long: true }), "ms", version);
