#!/usr/bin/env bash
# Deploys the published modules to target/repository, and uses them from there as an outside project does: compiled and
# run on the class path and on the module path, with the JDK that runs Maven and with JDK 25 where there is one.
#
#     java/consumer/run.sh        # arguments go to Maven
#
# The consumer resolves into a local repository of its own, so that ~/.m2 never holds a snapshot of Plait.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
repository=$PWD/target/repository
work=$PWD/target/consumer
platform=linux-$(uname -m | sed 's/aarch64/arm64/')
modules=(plait plait-platform plait-cuda-java plait-torch plait-recipes)

fail() {
  echo "java/consumer/run.sh: $*" >&2
  exit 1
}

echo "Deploying to target/repository"
rm -rf "$repository" "$work/m2/org/plait" "$work/cache"
mkdir -p "$work"
mvn -B -q -ntp deploy -Prelease -Dmaven.install.skip -Dmaven.test.skip -Djacoco.skip -Dspotless.check.skip \
  -DaltDeploymentRepository="plait::file://$repository" -am \
  -pl java/plait-platform,java/plait-cuda,java/plait-torch,java/plait-recipes "$@"

deployed=$(cd "$repository/org/plait" && find . -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort | tr '\n' ' ')
expected=$(printf '%s\n' plait-parent "${modules[@]}" | sort | tr '\n' ' ')
[[ $deployed == "$expected" ]] || fail "deployed are $deployed, not $expected"
for module in "${modules[@]}"; do
  [[ $module == plait-platform ]] && continue
  for kind in '[0-9]' sources javadoc; do
    compgen -G "$repository/org/plait/$module/*/*$kind.jar" >/dev/null || fail "$module has no jar *$kind.jar"
  done
done
while read -r jar; do
  jar tf "$jar" | grep -x META-INF/LICENSE >/dev/null || fail "no license in $jar"
done < <(find "$repository" -name '*.jar')
jar tf "$repository"/org/plait/plait/*/*-"$platform".jar | grep -x META-INF/THIRD-PARTY-NOTICES >/dev/null ||
  fail "the natives have no notices of what they contain"

# What the build itself has downloaded comes from ~/.m2, as from a mirror; what it has not, from Maven Central.
cat >"$work/settings.xml" <<XML
<settings>
  <profiles>
    <profile>
      <id>consumer</id>
      <repositories>
        <repository><id>plait</id><url>file://$repository</url></repository>
        <repository>
          <id>downloaded</id><url>file://$HOME/.m2/repository</url>
          <releases><checksumPolicy>ignore</checksumPolicy></releases><snapshots><enabled>false</enabled></snapshots>
        </repository>
      </repositories>
      <pluginRepositories>
        <pluginRepository>
          <id>downloaded</id><url>file://$HOME/.m2/repository</url>
          <releases><checksumPolicy>ignore</checksumPolicy></releases><snapshots><enabled>false</enabled></snapshots>
        </pluginRepository>
      </pluginRepositories>
    </profile>
  </profiles>
  <activeProfiles><activeProfile>consumer</activeProfile></activeProfiles>
</settings>
XML
echo "Compiling the consumer"
mvn -B -q -ntp -gs "$work/settings.xml" -Dmaven.repo.local="$work/m2" -f java/consumer/pom.xml clean package "$@"

# $1: what; the rest: a command that must print "... loss ..." and no word on stderr, as warnings of native access would.
run() {
  local what=$1
  shift
  "$@" >"$work/out" 2>"$work/err" || fail "$what: $(cat "$work/out" "$work/err")"
  [[ ! -s $work/err ]] || fail "$what printed to stderr: $(cat "$work/err")"
  grep -q loss "$work/out" || fail "$what printed: $(cat "$work/out")"
  echo "$what: $(cat "$work/out")"
}

core=$PWD/java/consumer/core/target
torch=$PWD/java/consumer/torch/target
javas=(java)
for java in /usr/lib/jvm/*25*/bin/java; do
  [[ ! -x $java ]] || javas+=("$java")
done
for java in "${javas[@]}"; do
  version=$("$java" -version 2>&1 | head -1 | cut -d'"' -f2)
  # JavaCPP's cache knows a library by size and time; released jars have one time.
  jvm=("$java" "-Dorg.bytedeco.javacpp.cachedir=$work/cache")
  run "Java $version, class path" "${jvm[@]}" --enable-native-access=ALL-UNNAMED \
    -cp "$core/core-1.jar:$core/lib/*" example.FirstStep
  run "Java $version, module path" "${jvm[@]}" --enable-native-access=org.plait,org.bytedeco.javacpp \
    --add-modules "org.plait.${platform/-/.}" -p "$core/core-1.jar:$core/lib" -m example/example.FirstStep
  run "Java $version, class path, PyTorch" "${jvm[@]}" --enable-native-access=ALL-UNNAMED \
    -Dorg.bytedeco.javacpp.maxPhysicalBytes=0 -cp "$torch/torch-1.jar:$torch/lib/*" example.TrainLinear
  # That stderr is empty says something: without the flag it would not be.
  if [[ ${version%%.*} -ge 24 ]]; then
    "${jvm[@]}" -cp "$core/core-1.jar:$core/lib/*" example.FirstStep 2>&1 | grep "restricted method" >/dev/null ||
      fail "Java $version does not warn of native access where none was granted"
  fi
done
