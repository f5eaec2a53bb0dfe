#!/usr/bin/env bash
# Runs the C++ tests on a processor that this machine is not, one with AVX-512 say, which Bochs emulates: run.sh [model,
# corei7_skylake_x] [option of plait_test ...]; `bochs --help cpu` lists models, not all of which get through booting.
# Debian's kernel boots there from a CD that has nothing else but the tests. Takes minutes, which say nothing about
# speed; all tests take long, options choose some. Works in native/target/bochs.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
source .ci/packages.sh
install_packages "${build_packages[@]}" doctest-dev bochs bochs-term busybox-static cpio isolinux syslinux-common xorriso
model=${1:-corei7_skylake_x}
options=("${@:2}")

cmake -S native -B native/target/test -G Ninja -DCMAKE_BUILD_TYPE=Release -DPLAIT_BUILD_TESTS=ON
cmake --build native/target/test
test=$PWD/native/target/test/test/plait_test

work=$PWD/native/target/bochs
mkdir -p "$work/kernel" "$work/disc"
cd "$work"
if ! compgen -G 'kernel/boot/vmlinuz-*' >/dev/null; then
  package=$(apt-cache depends linux-image-cloud-amd64 | awk '$1 == "Depends:" { print $2; exit }')
  apt-get download "$package"
  dpkg-deb --extract "$package"_*.deb kernel
fi

# The tests, the libraries that they load, and an init that runs them.
rm -rf root serial.txt
mkdir -p root/{bin,proc,dev}
cp /bin/busybox root/bin/sh
for command in mount sleep poweroff; do ln -s sh "root/bin/$command"; done
cp "$test" root/
ldd "$test" | grep -o '/[^ ]*' | while read -r library; do
  case $library in
    *libplait.so) install -D "$library" "root/lib/x86_64-linux-gnu/libplait.so" ;;
    *) install -D "$(realpath "$library")" "root$library" ;;
  esac
done
cat >root/init <<EOF
#!/bin/sh
mount -t proc proc /proc
mount -t devtmpfs dev /dev
echo "BEGIN"
/plait_test --no-colors ${options[*]@Q}
echo "STATUS \$?"
sleep 5 # until the serial line has sent it
poweroff -f
EOF
chmod +x root/init
(cd root && find . | cpio --quiet -o -H newc | gzip -1) >disc/initrd

# Bochs says a size of its compacted state that Linux does not expect, so that is hidden.
cat >disc/isolinux.cfg <<'EOF'
DEFAULT tests
LABEL tests
 KERNEL /vmlinuz
 APPEND initrd=/initrd console=ttyS0,115200 quiet mitigations=off nosmp nopku clearcpuid=xsavec,xsaves
EOF
cp kernel/boot/vmlinuz-* disc/vmlinuz
cp /usr/lib/ISOLINUX/isolinux.bin /usr/lib/syslinux/modules/bios/ldlinux.c32 disc/
xorriso -as mkisofs -quiet -o disc.iso -b isolinux.bin -no-emul-boot -boot-load-size 4 -boot-info-table disc

cat >bochsrc <<EOF
display_library: term
megs: 512
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/bochs/VGABIOS-lgpl-latest
cpu: model=$model, ips=200000000, ignore_bad_msrs=1
ata0-master: type=cdrom, path=$work/disc.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$work/serial.txt
log: $work/bochs.log
error: action=ignore
EOF
echo continue >debugger
echo "Booting a $model"
script -qec "bochs -q -f bochsrc -rc debugger" /dev/null </dev/null >screen.txt 2>&1 || true
tr -d '\r' <serial.txt | sed '1,/^BEGIN$/d; /^STATUS/,$d'
grep -q '^STATUS 0' serial.txt
