"""How one npm install becomes a download (``npm cache add``) and an install from npm's cache, or why it does not.

npm has no command for the first half. ``npm cache add`` takes any number of archives since npm 7; the lockfile of
version 2 or 3 lists them with the systems that they are for (docs.npmjs.com/cli/commands/npm-cache, measured with npm
7, 9, 10 and 12: `npm ci --offline` then installs with no network at all).
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Iterator, Mapping

from dockerlayer.api import Call, Fetch, Handover, Refusal, Scene, Split, Step, insert_after, is_within, join
from dockerlayer_rules._node import node_image, own_environment
from dockerlayer_rules._npmcall import CI, omits_dev, omits_optional, parse

# One line of JavaScript, since an image with npm has node for certain, and xargs or a shell with pipefail not always.
# An empty list makes `npm cache add` fail; so does a lockfile of version 1. npm 12 wants --allow-remote for archives by
# address; --prefix keeps npm from taking the .npmrc of a directory above for the project's. An optional package that
# cannot be had is no reason to stop, as it is none for `npm ci`, nor to go without the other optional ones.
_SCRIPT = (
    "/* fill the npm cache with what the lockfile lists for this system */ "
    "const s=new Set,o=new Set,f=(l,v)=>!l||l.includes(v)||/!|any/.test(l);"
    'for(const[k,p]of Object.entries(require("./{lockfile}").packages))'
    'if(k.includes("node_modules/")&&!p.link&&!p.inBundle&&{omit}!/^file:/.test(p.resolved)'
    "&&f(p.os,process.platform)&&f(p.cpu,process.arch))"
    '(p.optional?o:s).add(p.resolved||(p.name||k.split("node_modules/").pop())+"@"+p.version);'
    'const g=a=>{{do require("child_process").execFileSync("npm",["cache","add","--allow-remote=all","--prefix","."'
    '{options},...a.splice(0,999)],{{stdio:"inherit"}});while(a.length)}};'
    "if(s.size||!o.size)g([...s]);"
    "try{{if(o.size)g([...o])}}catch{{for(const p of o)try{{g([p])}}catch{{}}}}"
)
_ADDS = re.compile(r"cache\W+add\b")
_LEAVES_DEV = re.compile(r"!\w+\.dev\b|dev\W+false")
# Options that a download has no use for, by what npm does with them; everything else was not tried.
_OF_INSTALL = frozenset(
    """--omit --production --only --ignore-scripts --no-audit --audit --audit-level --no-fund --fund --legacy-peer-deps
    --force -f --no-progress --progress --loglevel --silent -s --quiet -q --verbose -d -dd -ddd --unsafe-perm
    --no-optional --no-save --save --prefer-offline --no-update-notifier --foreground-scripts --color --no-color
    --strict-peer-deps --engine-strict --install-strategy --install-links --prefix -C --no-bin-links --yes -y
    --include-workspace-root -ws --workspaces --include --no-package-lock-only --save-exact --frozen-lockfile""".split()
)
_CARRIED = frozenset(
    """--registry --strict-ssl --no-strict-ssl --fetch-retries --fetch-timeout --fetch-retry-mintimeout
    --fetch-retry-maxtimeout --fetch-retry-factor --maxsockets --proxy --https-proxy --noproxy""".split()
)
NO_AUDIT = "npm's audit, which only prints, is left out: it would ask the registry whenever the source is edited"


def split_of(
    fetch: Fetch,
    scene: Scene,
    locked: Mapping[str, object],
    *,
    runs_scripts: bool,
) -> Split | Refusal:
    """The pair of a download and an install from the cache, or why there is none."""
    call = fetch.call
    refusal = next(_hindrances(fetch, scene, locked), None)
    if refusal is not None:
        return refusal
    assert fetch.lock is not None
    verb = parse(call)[0]
    settings = ".npmrc" in fetch.needs
    carried = _carried(call)
    environment = own_environment(call)
    assert not isinstance(carried, Refusal)
    assert not isinstance(environment, Refusal)
    leaves_dev = omits_dev(call) and not call.has("--include") and not settings
    leaves_optional = omits_optional(call) and not call.has("--include") and not settings
    script = _SCRIPT.format(
        lockfile=fetch.lock.lockfile,
        omit=("!p.dev&&" if leaves_dev else "") + ("!p.optional&&" if leaves_optional else ""),
        options="".join(f',"{word}"' for word in carried),
    )
    strict = verb in CI and not runs_scripts and not settings and is_plain(locked) and not _configured(call)
    flags = [] if call.has("--prefer-offline") else ["--offline" if strict else "--prefer-offline"]
    if not call.has("--audit", "--no-audit", "--audit-level"):
        flags.append("--no-audit")
    if call.step.instruction.json:  # which is left as it is: a full cache is enough
        flags = []
    at = next(word for word in call.words[1:] if word.text == verb)
    return Split(
        " ".join([*environment, f"node -e '{script}'"]),
        (insert_after(at, " ".join(flags)),) if flags else (),
        (),
        (NO_AUDIT,) if "--no-audit" in flags else (),
        directory=fetch.directory,
        writes=(cache_of(call),),
        needs=(fetch.lock.lockfile, *([".npmrc"] if settings else [])),
        handover=(Handover(cache_of(call), writable=True),),
    )


def _hindrances(fetch: Fetch, scene: Scene, locked: Mapping[str, object]) -> Iterator[Refusal]:
    call, line = fetch.call, fetch.call.step.line
    name = fetch.lock.lockfile if fetch.lock is not None else ""
    packages = locked.get("packages")
    if not isinstance(packages, dict):
        what = f"{name} is of version 1 and lists no archives: npm 7 or newer writes one that does"
        yield Refusal("old-lockfile", what, line)
        return
    for key, entry in packages.items():
        resolved = entry.get("resolved", "") if isinstance(entry, dict) else None
        if not isinstance(resolved, str) or not re.fullmatch(r"[!-&(-~]*", resolved):
            yield Refusal("bad-lockfile", f"{name} has an entry that cannot be read, {key[:60]!r}", line)
            return
        if "node_modules/" in key and not entry.get("link") and not re.match(r"(?:https?|file):|\Z", resolved):
            what = f"npm clones {resolved[:80]} whenever it installs, with a full cache as well"
            yield Refusal("git-dependency", what, line)
            return
    version = npm_version(call, scene)
    if version is not None and version < 7:
        yield Refusal("old-npm", f"npm {version} cannot put what a lockfile lists into its cache", line)
    if call.has("-w", "--workspace"):
        yield Refusal("partial-install", "a download from the lockfile would fetch what all workspaces need", line)
    if any(_empties_cache(other) for other in scene.siblings):
        reason = "the RUN removes npm's cache again; a download of its own would leave it in the image"
        yield Refusal("cleanup-in-same-run", reason, line)
    if is_within(cache_of(call), fetch.directory):
        yield Refusal("cache-in-project", f"npm's cache, {cache_of(call)}, lies in the project", line)
    if call.words[0].text != "npm":
        yield Refusal("another-npm", f"{call.words[0].text} may not be the npm of the image", line)
    for made in (_carried(call), own_environment(call)):
        if isinstance(made, Refusal):
            yield made


def _carried(call: Call) -> list[str] | Refusal:
    """The options that the download needs as well, as literal words."""
    words: list[str] = []
    takes_value = ""
    for word in call.words[1:]:
        name = word.text.partition("=")[0]
        if takes_value:
            if takes_value in _CARRIED:
                words.append(word.text)
            takes_value = ""
            continue
        if not word.text.startswith("-"):
            continue
        if name not in _OF_INSTALL | _CARRIED:
            return Refusal("untried-option", f"{name} was not tried with a download of its own", call.step.line)
        if name in _CARRIED:
            words.append(word.text)
        takes_value = word.text if "=" not in word.text and word.text in _VALUES else ""
    if not all(re.fullmatch(r"[\w@:/.,=+~%-]+", word) for word in words):
        return Refusal("odd-words", "the options of the command are not literal", call.step.line)
    return words


_VALUES = frozenset(
    """--omit --only --loglevel --install-strategy --prefix -C --include --registry --fetch-retries --fetch-timeout
    --fetch-retry-mintimeout --fetch-retry-maxtimeout --fetch-retry-factor --maxsockets --proxy --https-proxy
    --noproxy --audit-level""".split()
)


def is_plain(locked: Mapping[str, object]) -> bool:
    """Whether the lockfile lists nothing that runs scripts, and every archive with its hash, as the cache is keyed."""
    packages = locked.get("packages")
    if not isinstance(packages, dict):
        return False
    for key, entry in packages.items():
        if not isinstance(entry, dict) or entry.get("hasInstallScript"):
            return False
        if str(entry.get("resolved", "")).startswith("file:"):
            return False
        if "node_modules/" in key and not (entry.get("link") or entry.get("inBundle") or entry.get("integrity")):
            return False
    return True


def _configured(call: Call) -> bool:
    return any(name.lower().startswith("npm_config_") for name in {**call.step.state.values, **call.env})


def _empties_cache(call: Call) -> bool:
    if call.program == "npm":
        return parse(call)[0] == "cache" and not _ADDS.search(" ".join(call.arguments))
    return call.program == "rm" and any(re.search(r"\.npm\b|/root/?\*?$", word) for word in call.arguments)


def cache_of(call: Call) -> str:
    """Where npm keeps what it downloads."""
    for name in ("npm_config_cache", "NPM_CONFIG_CACHE"):
        if call.value(name):
            return join(call.cwd or "/", call.value(name) or "")
    user = (call.user or call.step.state.user or "root").partition(":")[0]
    home = call.value("HOME") or ("/root" if user in {"root", "0", ""} else f"/home/{user}")
    return posixpath.join(home, ".npm")


def npm_version(call: Call, scene: Scene) -> int | None:
    """The major version of the image's npm, as far as the Dockerfile tells; node brings it (nodejs.org/dist)."""
    for other in reversed(scene.before(call)):
        for word in other.arguments if other.program == "npm" and other.has("-g", "--global") else ():
            named = re.fullmatch(r"npm(?:@[\^~v=>]*(\d+|latest|next)?.*)?", word)
            if named is not None:
                return int(named[1]) if named[1] and named[1].isdigit() else 99 if "$" not in word else None
    node = node_image(scene.step.stage.base_image)
    if node is None:
        return None
    return 6 if node < 15 else 7


def has_filled_cache(call: Call, scene: Scene, directory: str, cached: Callable[[Step], bool]) -> bool:
    """Whether an earlier command put what the lockfile lists into npm's cache, in a layer; not in a ``cached`` step."""
    if call.has("--prefer-offline") and any(path.rstrip("/").endswith("/.npm") for path in scene.received):
        return True
    steps: dict[Step, list[Call]] = {}
    for other in scene.before(call):
        steps.setdefault(other.step, []).append(other)
    for step, calls in steps.items():
        adding = [other for other in calls if _ADDS.search(" ".join(other.argv))]
        if not adding or cached(step):
            continue
        if any(other.program == "npm" for other in adding) and call.has("--prefer-offline"):
            return True
        texts = [" ".join(other.argv) for other in calls if other.cwd == directory]
        listing = [text for text in texts if "package-lock.json" in text or "npm-shrinkwrap.json" in text]
        if listing and (omits_dev(call) or not any(_LEAVES_DEV.search(text) for text in listing)):
            return True
    return False
