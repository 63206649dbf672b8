import kleur from "kleur";
import ms from "ms";
import { version } from "ms/package.json";

kleur.enabled = false;
console.log(kleur.bold("Hello"), ms(ms("2 days"), { long: true }), "ms", version);
