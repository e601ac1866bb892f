#!/usr/bin/env bash
# Records what the laboratories measure on this machine, a file for each: products and factorisations beside MathNet, the pool, attention, batches, kernels.
#   bench/lab/record.sh FOLDER MODEL...      FOLDER as in bench/results/<cpu>; MODELs for batches, the first of them for attention
# Takes half an hour. Other programs disturb every figure.
set -euo pipefail
cd "$(dirname "$0")/../.."
folder=$1
shift
mkdir -p "$folder"
run() { # laboratory arguments...
  local name=$1
  shift
  "artifacts/bin/$name/release/$name" "$@"
}
for name in LinearAlgebraSpeed PoolSpeed AttentionSpeed BatchSpeed KernelSpeed; do
  dotnet build "bench/lab/$name" -c Release -v quiet
done
{
  echo "# Linear algebra beside MathNet.Numerics"
  for threads in 1 2; do echo; run LinearAlgebraSpeed "$threads" 1024 1; done
} > "$folder/linear-algebra.md"
{
  echo "# What it costs to give the pool a job"
  for arguments in "1" "2" "2 4" "4" "16" "64" "2 1 1" "2 1 4"; do
    echo
    echo '```'
    # shellcheck disable=SC2086
    run PoolSpeed $arguments
    echo '```'
  done
} > "$folder/pool.md"
{
  echo "# Attention at 4,096 and 8,000 tokens beside an empty context"
  for context in 4096 8000; do
    echo
    echo "$context tokens, $(basename "$1")"
    echo
    echo '```'
    run AttentionSpeed "$1" "$context" F32,F16,BF16,Q8_0,Q4_0 1,2
    echo '```'
  done
} > "$folder/attention.md"
{
  echo "# Texts that grow together"
  for model in "$@"; do
    for threads in 1 2; do
      echo
      echo '```'
      run BatchSpeed "$model" --threads "$threads" --cache F16
      echo '```'
    done
  done
} > "$folder/batch.md"
{
  echo "# Kernels alone"
  for threads in 1 2; do
    echo
    run KernelSpeed "$threads" F32,F16,BF16,Q8_0,Q4_0,Q4_1,Q5_0,Q5_1,Q2_K,Q3_K,Q4_K,Q5_K,Q6_K,IQ4_NL,IQ4_XS,TQ1_0,TQ2_0,MXFP4
  done
} > "$folder/kernels.md"
