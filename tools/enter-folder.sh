# Enters the folder $1 of another Debian, in which the repository $2 keeps its path, and runs the rest in $3.
# Swift finds its own libraries through /proc. The mounts end with the process, by `unshare --mount`.
set -eu
mkdir -p "$1$2"
mount --bind /proc "$1/proc"
mount --bind /dev "$1/dev"
mount --bind "$2" "$1$2"
folder=$1 dir=$3
shift 3
exec chroot "$folder" sh -c 'cd "$1" && shift && exec "$@"' sh "$dir" "$@"
