#!/bin/sh
# debian.sh ROOT MIRROR: what debian:trixie-slim holds, in the folder ROOT.
set -eu
root=$1
machine=/etc/ssl/certs/ca-certificates.crt

debootstrap --variant=minbase --include=ca-certificates trixie "$root" "$2"

# As in the official image: no services start, and neither documentation nor downloaded packages stay.
printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
chmod +x "$root/usr/sbin/policy-rc.d"
cat >"$root/etc/dpkg/dpkg.cfg.d/docker" <<'CFG'
path-exclude /usr/share/doc/*
path-exclude /usr/share/info/*
path-exclude /usr/share/locale/*
path-exclude /usr/share/man/*
force-unsafe-io
CFG
cat >"$root/etc/apt/apt.conf.d/docker-clean" <<'CFG'
DPkg::Post-Invoke { "rm -f /var/cache/apt/archives/*.deb /var/cache/apt/*.bin || true"; };
Dir::Cache::pkgcache "";
Dir::Cache::srcpkgcache "";
Acquire::Languages "none";
CFG
for folder in usr/share/doc usr/share/info usr/share/locale usr/share/man var/cache/apt var/lib/apt/lists var/log; do
    find "$root/$folder" ! -type d -delete # empty folders stay: Java's package cannot install without them
done

# Certificates that this machine trusts and Debian does not, such as those of a proxy that opens TLS. As additions of their
# own they survive update-ca-certificates, which Java's package runs to fill its key store.
if [ -f "$machine" ]; then
    awk -v known="$root/etc/ssl/certs/ca-certificates.crt" -v out="$root/usr/local/share/ca-certificates/machine-" '
        /BEGIN CERTIFICATE/ { text = "" }
        { text = text $0 "\n" }
        /END CERTIFICATE/ {
            if (FILENAME == known) seen[text] = 1
            else if (!(text in seen)) { seen[text] = 1; printf "%s", text >(out (++n) ".crt") }
        }' "$root/etc/ssl/certs/ca-certificates.crt" "$machine"
    chroot "$root" update-ca-certificates
fi
