#!/bin/sh
# apk, addgroup and adduser of an Alpine image, for a Debian image that stands in for one (its packages are there already).
set -eu
case ${0##*/} in
  apk) exit 0 ;;
esac
eval set -- "$(getopt -o SDHG:u:g:h:s: -- "$@")"
gid='' uid='' group='' home='' shell=/bin/false
while [ "$1" != -- ]; do
  case $1 in
    -g) gid=$2; shift ;;
    -u) uid=$2; shift ;;
    -G) group=$2; shift ;;
    -h) home=$2; shift ;;
    -s) shell=$2; shift ;;
  esac
  shift
done
shift
case ${0##*/} in
  addgroup) exec groupadd -f -r ${gid:+-o -g "$gid"} "$1" ;;
  adduser) exec useradd -r -s "$shell" ${uid:+-o -u "$uid"} ${group:+-g "$group"} ${home:+-d "$home"} "$1" ;;
esac
