#!/usr/bin/env bash
# Makes the model files that docs/results/speed.md names, with llama.cpp's own quantizer, and prints their folder. Files that are there already stay.
#   bench/models.sh [FOLDER]      default: $DECANT_MODELS, or decant-models in the temporary folder, where bench looks for them; 13 GB
# Needs shared/ beside the repository ($DECANT_SHARED) and llama.cpp's driver ($DECANT_PEER, or what shared/peer/build.sh builds).
set -euo pipefail
cd "$(dirname "$0")/.."
folder=${1:-${DECANT_MODELS:-${TMPDIR:-/tmp}/decant-models}}
shared=${DECANT_SHARED:-../shared}
peer=${DECANT_PEER:-${TMPDIR:-/tmp}/decant-peer/peer}
# On processors without AVX-512 build.sh ends with an error once the driver is there: its probe `peak` does not compile for them.
[[ -x $peer ]] || bash "$shared/peer/build.sh" > /dev/null || [[ -x $peer ]]
mkdir -p "$folder"

# SOURCE NAME TYPE...: quantizes the source to every type. Files get their name when they are whole.
quantize() {
  local source=$1 name=$2 type target
  shift 2
  for type in "$@"; do
    target=$folder/$name-$type.gguf
    [[ -f $target ]] && continue
    echo "$name-$type" >&2
    "$peer" quantize "$source" "$target.partial" "$type" "$(nproc)" > /dev/null
    mv "$target.partial" "$target"
  done
}

quantize "$shared/models/smollm2-135m/smollm2-135m-q8_0.gguf" smollm2-135m F16 Q8_0 Q4_0 Q4_K_M Q5_1 Q6_K Q2_K IQ4_NL

# llama.cpp has no mixture with MXFP4 in dense models: its MXFP4_MOE stores them in Q8_0.
if [[ ! -f $folder/smollm2-135m-MXFP4.gguf ]]; then
  dotnet run -c Release --project src/Decant.Cli -- compress "$shared/models/smollm2-135m/smollm2-135m-q8_0.gguf" -o "$folder/smollm2-135m-MXFP4.gguf" \
    --to q8_0 --tensor-type '^blk=MXFP4' --no-verify --quiet > /dev/null
  rm "$folder/smollm2-135m-MXFP4.gguf.report.json"
fi

# Random weights of TinyLlama's shape: speed does not depend on their values.
if [[ ! -f $folder/tinyllama-1.1b-f16.gguf ]]; then
  python3 "$shared/peer/make_gguf.py" tinyllama-1.1b "$folder/tinyllama-1.1b-f16.gguf.partial" --type f16 > /dev/null
  mv "$folder/tinyllama-1.1b-f16.gguf.partial" "$folder/tinyllama-1.1b-f16.gguf"
fi
quantize "$folder/tinyllama-1.1b-f16.gguf" tinyllama-1.1b Q8_0 Q4_0 Q4_K_M Q6_K Q2_K TQ2_0 TQ1_0 IQ4_XS

# Random weights of Mamba 130M's and Mamba 2 130M's shape, and of RWKV-4 169M's, which llama.cpp has no architecture for.
for shape in mamba-130m mamba2-130m; do
  if [[ ! -f $folder/$shape-f32.gguf ]]; then
    python3 bench/make_recurrent.py "$shape" "$folder/$shape-f32.gguf.partial" "$shared" --type f32
    mv "$folder/$shape-f32.gguf.partial" "$folder/$shape-f32.gguf"
  fi
  quantize "$folder/$shape-f32.gguf" "$shape" F16 Q8_0 Q4_K_M
done
[[ -f $folder/rwkv-169m/config.json ]] || python3 bench/make_recurrent.py rwkv-169m "$folder/rwkv-169m" "$shared"
echo "$folder"
