import ms from "ms";
import { version } from "ms/package.json";
import { told } from "./told";

const spans: string[] = ["1 day", "90 min"];
console.log(told(spans.map((span) => ms(span))), "ms", version);
