#!/usr/bin/env bash
# Native programs for linux-x64, one for each level of processor: v3 has AVX2 (Haswell, 2013, and later), v4 has AVX-512.
#   scripts/publish.sh [OUTPUT]        default OUTPUT: artifacts/native; makes OUTPUT/x86-64-v3/decant and OUTPUT/x86-64-v4/decant
# NativeAOT takes the instructions it may use from IlcInstructionSet alone, so one program cannot serve both, and without the setting
# neither AVX2 nor AVX-512 is used. Any trim or AOT warning is an error.
set -euo pipefail
cd "$(dirname "$0")/.."
output=${1:-artifacts/native}
mkdir -p "$output"
output=$(cd "$output" && pwd)
build=$PWD/artifacts/publish

for level in x86-64-v3 x86-64-v4; do
  log=$output/$level.log
  # The build does not notice that only the instruction set changed: its native object files go first.
  rm -rf "${output:?}/$level" "$build"/obj/Decant.Cli/*/native
  dotnet publish src/Decant.Cli/Decant.Cli.csproj -c Release -r linux-x64 -o "$output/$level" \
    -p:PublishAot=true -p:IlcInstructionSet=$level -p:OptimizationPreference=Speed -p:TrimmerSingleWarn=false \
    -p:ArtifactsPath="$build" -warnaserror --nologo -v minimal -nodeReuse:false 2>&1 | tee "$log"
  if grep -qE 'warning (IL|NETSDK|CS|CA)[0-9]+' "$log"; then
    echo "publish.sh: $level has warnings, see $log" >&2
    exit 1
  fi
  rm -f "$output/$level"/*.dbg "$output/$level"/*.pdb "$output/$level"/*.xml
  test -x "$output/$level/decant"
done
ls -l "$output"/*/decant
