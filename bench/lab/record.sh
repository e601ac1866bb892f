#!/usr/bin/env bash
# Records what the laboratories measure on this machine, a file for each: products and factorisations beside MathNet, the pool, attention, batches, scoring, kernels, tokenizers.
#   bench/lab/record.sh FOLDER MODEL...      FOLDER as in bench/results/<cpu>; MODELs for batches, the first of them for attention and scoring
#   ONLY="pool attention" bench/lab/record.sh FOLDER MODEL...      these files alone
# MODELs that are not here are looked for in $DECANT_MODELS (default: decant-models in the temporary folder), which bench/models.sh fills.
# Takes 40 minutes. Other programs disturb every figure.
set -euo pipefail
cd "$(dirname "$0")/../.."
command=(${ONLY:+"ONLY=\"$ONLY\""} "bench/lab/record.sh" "$@")
folder=$1
shift
models=()
for model in "$@"; do
  [[ -f $model ]] || model=${DECANT_MODELS:-${TMPDIR:-/tmp}/decant-models}/$model
  [[ -f $model ]] || { echo "record.sh: there is no $model (bench/models.sh makes it)" >&2; exit 2; }
  models+=("$model")
done
mkdir -p "$folder"
for project in lab/LinearAlgebraSpeed lab/PoolSpeed lab/AttentionSpeed lab/BatchSpeed lab/ScoreSpeed lab/KernelSpeed lab/TokenizerSpeed Decant.Bench; do
  dotnet build "bench/$project" -c Release -v quiet
done

# NAME TITLE FUNCTION: writes NAME.md, the same head as every other result's before what the function prints.
document() {
  [[ -z ${ONLY:-} || " $ONLY " == *" $1 "* ]] || return 0
  {
    echo "# $2"
    echo
    artifacts/bin/Decant.Bench/release/Decant.Bench head -- "${command[@]}"
    "$3"
  } > "$folder/$1.md"
}

# LABORATORY ARGUMENT...: what it prints, under the command that makes it print that. Laboratories that print no Markdown: `text` before it.
run() {
  local name=$1
  shift
  echo "    dotnet run -c Release --project bench/lab/$name -- ${*##*/}"
  echo
  "artifacts/bin/$name/release/$name" "$@"
  echo
}
text() {
  run "$@" | sed -e '3i ```' -e '$s/^$/```\n/'
}

linear_algebra() { for threads in 1 2; do run LinearAlgebraSpeed "$threads" 1024 1; done; }
pool() { for arguments in "1" "2" "2 4" "4" "16" "64" "2 1 1" "2 1 4"; do text PoolSpeed $arguments; done; }
attention() { for context in 4096 8000; do text AttentionSpeed "${models[0]}" "$context" F32,F16,BF16,Q8_0,Q4_0 1,2; done; }
batch() { for model in "${models[@]}"; do for threads in 1 2; do text BatchSpeed "$model" --threads "$threads" --cache F16; done; done; }
score() { for threads in 1 2; do text ScoreSpeed "${models[0]}" --threads "$threads"; done; }
kernels() { for threads in 1 2; do run KernelSpeed "$threads" F32,F16,BF16,Q8_0,Q4_0,Q4_1,Q5_0,Q5_1,Q2_K,Q3_K,Q4_K,Q5_K,Q6_K,IQ4_NL,IQ4_XS,TQ1_0,TQ2_0,MXFP4; done; }
tokenizers() { run TokenizerSpeed ../shared/fixtures/tokenizers ../shared/data/wikitext-2/valid.txt; }

document linear-algebra "Linear algebra beside MathNet.Numerics" linear_algebra
document pool "What it costs to give the pool a job" pool
document attention "Attention at 4,096 and 8,000 tokens beside an empty context" attention
document batch "Texts that grow together" batch
document score "Texts scored together and one after another" score
document kernels "Kernels alone" kernels
document tokenizers "Tokenizers" tokenizers
