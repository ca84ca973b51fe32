#!/bin/sh
# Stands in the place of restic and puts a fresh writer tag into the address of a Lockkeeper gateway, so that the gateway
# knows which run each request belongs to: rest:http://HOST/REPO becomes rest:http://HOST/-/w/TAG/REPO. Every rest: address
# counts as a gateway's, and RCLONE_WEBDAV_URL where it leads to /-/dav; all else passes unchanged. See docs/CLIENTS.md.
#   LOCKKEEPER_RESTIC  the real restic; the next one in PATH where it is not set
#   LOCKKEEPER_TAG     the tag; a fresh one where it is not set
restic=${LOCKKEEPER_RESTIC-}
if [ -z "$restic" ]; then
  restic=restic before=$IFS IFS=:
  for folder in $PATH; do
    [ -x "$folder/restic" ] && [ ! "$folder/restic" -ef "$0" ] && restic=$folder/restic && break
  done
  IFS=$before
fi
tag=${LOCKKEEPER_TAG-}
if [ -z "$tag" ]; then
  { read -r host </proc/sys/kernel/hostname; } 2>/dev/null || host=$(uname -n)
  { read -r id </proc/sys/kernel/random/uuid; } 2>/dev/null || id=$(date +%s)-$$
  case $host in *[!A-Za-z0-9._~-]* | ????????????????????????????*) host=run ;; esac
  tag=$host-$id
fi

# Sets $tagged; an address that has a tag keeps it.
put_tag() {
  tagged=$1 before='' after=''
  case $1 in
    */-/w/*) return ;;
    rest:http+unix://*)
      after=${1#rest:http+unix://}
      before=rest:http+unix://${after%%:*}: after=${after#"${after%%:*}"}
      after=${after#:} after=${after:-/}
      ;;
    rest:http://*/* | rest:https://*/*) after=${1#*://*/} before=${1%"/$after"} after=/$after ;;
    rest:http://* | rest:https://*) before=$1 after=/ ;;
    *) return ;;
  esac
  tagged=$before/-/w/$tag$after
}

# The address of a file goes into the environment, where no other user can read it: it may hold a password.
put_file_tag() {
  tagged='' address=''
  [ -r "$1" ] && { read -r address <"$1" || [ -n "$address" ]; } && put_tag "$address"
  [ -n "$tagged" ] && export RESTIC_REPOSITORY="$tagged" && unset RESTIC_REPOSITORY_FILE
}

case ${RCLONE_WEBDAV_URL-} in
  */-/w/*) ;;
  http*://*/-/dav | http*://*/-/dav/*)
    export RCLONE_WEBDAV_URL="${RCLONE_WEBDAV_URL%%/-/dav*}/-/w/$tag/-/dav${RCLONE_WEBDAV_URL#*/-/dav}"
    ;;
esac

left=$# named='' next='' ended=''
while [ "$left" -gt 0 ]; do
  word=$1
  shift
  left=$((left - 1))
  case $ended$next$word in
    ended*) ;;
    repo:*) next='' && put_tag "$word" && word=$tagged ;;
    file:*) next='' && put_file_tag "$word" && continue || set -- "$@" --repository-file ;;
    --) ended=ended ;;
    -r | --repo) named=1 next=repo: ;;
    -r=* | --repo=*) named=1 && put_tag "${word#*=}" && word=${word%%=*}=$tagged ;;
    -r*) named=1 && put_tag "${word#-r}" && word=-r$tagged ;;
    --repository-file) [ "$left" -gt 0 ] && named=1 next=file: && continue ;;
    --repository-file=*) named=1 && put_file_tag "${word#*=}" && continue ;;
  esac
  set -- "$@" "$word"
done
if [ -z "$named" ] && [ -n "${RESTIC_REPOSITORY-}" ] && [ -z "${RESTIC_REPOSITORY_FILE-}" ]; then
  put_tag "$RESTIC_REPOSITORY" && export RESTIC_REPOSITORY="$tagged"
elif [ -z "$named" ] && [ -n "${RESTIC_REPOSITORY_FILE-}" ] && [ -z "${RESTIC_REPOSITORY-}" ]; then
  put_file_tag "$RESTIC_REPOSITORY_FILE"
fi
exec "$restic" "$@"
