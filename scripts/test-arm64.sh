#!/usr/bin/env bash
# Runs the engine's kernel tests for Arm (AdvSimd, with and without the dot product instructions) under qemu's user-mode emulation.
# Usage: scripts/test-arm64.sh [class filters...]; without any, the kernels, the arithmetic, the reference logits of recurrent and reversible models and of encoders, and a tiny model.
# Needs Debian's qemu-user-static and libc6-dev-arm64-cross, and a folder with Arm's libssl.so.3, libstdc++.so.6 and libgcc_s.so.1, which runtime and test runner
# load: DECANT_ARM64_LIBRARIES, or else the script fetches Debian's packages (as root: the architecture is added for that moment only). On an Arm machine the tests run as they are.
set -euo pipefail
cd "$(dirname "$0")/.."
export DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_NOLOGO=1
output=artifacts/arm64-tests
dotnet publish tests/Decant.Engine.Tests -c Release -r linux-arm64 --self-contained true -p:PublishAot=false -o "$output" -v quiet
libraries=${DECANT_ARM64_LIBRARIES:-${TMPDIR:-/tmp}/decant-arm64-libraries}
if [[ ! -e $libraries/libstdc++.so.6 ]]; then
  mkdir -p "$libraries"
  dpkg --add-architecture arm64
  trap 'dpkg --remove-architecture arm64' EXIT
  apt-get update -qq
  (cd "$libraries" && apt-get download -qq libssl3:arm64 libstdc++6:arm64 libgcc-s1:arm64 && for package in *.deb; do dpkg -x "$package" .; done &&
    find usr lib -name 'lib*.so.*' -path '*aarch64-linux-gnu*' -exec mv {} . \;)
fi
filters=()
for class in "${@:-*WeightKernelTests *ByteKernelTests *ByteExtremesTests *KernelListTests *InterleavedRowsTests *PairedHalvesTests *FloatArithmeticTests *RowDecoderTests *RowEncoderTests *VectorMathTests *AttentionTests *GemmTests *RecurrentArithmeticTests *RecurrentReferenceTests *RecurrentSessionTests *ReversibleReferenceTests *EncoderFixtureTests *EncoderDecoderFixtureTests *DecoderBatchTests *StoriesTests}"; do
  for one in $class; do filters+=(-class "$one"); done
done
status=0
# max has the dot product, cortex-a53 has not. The emulator notices changed code by the page it is written through; with writable and executable pages apart the
# runtime writes through another one, and old code runs on: illegal instructions now and then.
for cpu in max cortex-a53; do
  echo "== $cpu"
  qemu-aarch64-static -cpu "$cpu" -L /usr/aarch64-linux-gnu -E LD_LIBRARY_PATH="$libraries",DOTNET_EnableWriteXorExecute=0 "$output/Decant.Engine.Tests" -noColor "${filters[@]}" || status=1
done
exit $status
