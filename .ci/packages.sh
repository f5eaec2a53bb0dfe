# Sourced by the scripts that build: installs the Debian packages given as arguments that are missing.

install_packages() {
  if ! command -v apt-get >/dev/null; then
    echo "No apt-get here: the build needs the equivalents of $*" >&2
    return 0
  fi
  local package missing=() sudo=()
  for package in "$@"; do
    if [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
      missing+=("$package")
    fi
  done
  [[ ${#missing[@]} -eq 0 ]] && return 0
  if [[ $(id -u) -ne 0 ]]; then
    sudo=(sudo)
  fi
  echo "Installing ${missing[*]}"
  "${sudo[@]}" apt-get update -qq
  "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}"
}

# The compiler side of the build, and the font that the curves are labelled with.
build_packages=(g++ cmake ninja-build libhwy-dev libfontconfig1 fonts-dejavu-core)
