#!/usr/bin/env bash
# Makes the public API as it is now the one that "mvn verify" compares with: at a release, or with a change that is meant
# to break callers. The jars beside this script hold the declarations of the published modules and no code.
#
#     java/api/baseline.sh        # after: mvn package -Dmaven.test.skip
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

asm=9.9.1
lib=target/asm
mvn -B -q -ntp org.apache.maven.plugins:maven-dependency-plugin:3.11.0:copy -Dartifact="org.ow2.asm:asm:$asm" \
  -DoutputDirectory="$PWD/$lib" "$@"
for module in plait:plait plait-torch:plait-torch plait-cuda:plait-cuda-java plait-recipes:plait-recipes; do
  folder=java/${module%:*}/target
  name=${module#*:}
  jar=$(find "$folder" -maxdepth 1 -name "$name-[0-9]*.jar" ! -name '*-linux-*' ! -name '*-sources.jar' ! -name '*-javadoc.jar')
  if [[ ! -f $jar ]]; then
    echo "No one jar of $name in $folder, but: ${jar:-none}" >&2
    exit 1
  fi
  java -cp "$lib/asm-$asm.jar" java/api/Signatures.java "$jar" "java/api/$name.jar"
done
