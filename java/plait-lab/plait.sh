#!/usr/bin/env bash
# Installs what is missing, builds, and runs the command line, e.g.: java/plait-lab/plait.sh compare --help
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
source "$root/.ci/packages.sh"
install_packages "${build_packages[@]}"

echo "Building (the first time this downloads about 200 MB)"
(cd "$root" && mvn -B -q -ntp package -Dmaven.test.skip -pl java/plait-lab -am)
exec java -jar "$root/java/plait-lab/target/plait.jar" "$@"
